// "Where does this number come from?": what it means, how it is computed, over
// which period, how final it is, and the records it is made of.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Drawer } from "antd";
import { useTranslation } from "react-i18next";
import { customersQuery, explainQuery, rowsBehindQuery } from "../../api/queries";
import type { Question, RowsBehind } from "../../api/types";
import { useLang } from "../../i18n";
import { findMetric, useCatalog } from "../../ui/catalog";
import type { Asked } from "../../ui/explain";
import { Amount } from "../../ui/figure";
import { exactNumber, pickText, showValue } from "../../ui/format";
import { showPeriod } from "../../ui/period";
import { LoadError, Skeleton } from "../../ui/states";
import { usePhone } from "../../ui/use-media";

const ROWS_SHOWN = 100;
const layer = () => document.getElementById("layer") ?? document.body;

export function ExplainDrawer({
  asked,
  open,
  onClose,
}: {
  asked: Asked;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const phone = usePhone();
  const shown = showValue(asked.value, asked.unit, lang, asked.currency);
  return (
    <Drawer
      title={t("explain.title")}
      open={open}
      onClose={onClose}
      size={phone ? "100%" : 560}
      destroyOnHidden
      // Into the page's own layer: over the body, it would lock scrolling by a style element without a nonce.
      getContainer={layer}
      closable={{ "aria-label": t("explain.close") }}
    >
      <div className="explain">
        <h3>{asked.title}</h3>
        {asked.value !== null && (
          <p className="big">
            {shown.text}
            {shown.exact && shown.exact !== shown.text && <span className="muted"> = {shown.exact}</span>}
          </p>
        )}
        {asked.status && <p className={`status ${asked.status}`}>{t(`status.${asked.status}Help`)}</p>}
        {"question" in asked ? (
          <OfQuestion question={asked.question} currency={asked.currency} onLeave={onClose} />
        ) : (
          <OfEvaluation asked={asked} onLeave={onClose} />
        )}
      </div>
    </Drawer>
  );
}

function OfQuestion({
  question,
  currency,
  onLeave,
}: {
  question: Question;
  currency: string | undefined;
  onLeave: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const { data, error, refetch } = useQuery(explainQuery(question));
  const rows = useQuery(rowsBehindQuery(question));
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={320} />;
  return (
    <>
      {data.metrics.map((m) => (
        <section key={m.id}>
          <p>{pickText(m.about, lang)}</p>
          <dl className="facts">
            <div>
              <dt>{t("explain.metric")}</dt>
              <dd>
                {findMetric(catalog, m.id) ? (
                  <Link to="/metrics/$id" params={{ id: m.id }} onClick={onLeave}>
                    {m.code} {pickText(m.name, lang)}
                  </Link>
                ) : (
                  `${m.code} ${pickText(m.name, lang)}`
                )}
              </dd>
            </div>
            <div>
              <dt>{t("explain.version")}</dt>
              <dd>v{m.version}</dd>
            </div>
            <div>
              <dt>{t("explain.period")}</dt>
              <dd>{showPeriod(data.period, lang)}</dd>
            </div>
            <div>
              <dt>{t("shell.asOf")}</dt>
              <dd>{data.as_of}</dd>
            </div>
            <div>
              <dt>{t("explain.seq")}</dt>
              <dd>{exactNumber(data.seq)}</dd>
            </div>
          </dl>
          <h4>{t("explain.formula")}</h4>
          <pre className="code-block" tabIndex={0}>
            {m.formula}
          </pre>
        </section>
      ))}
      <h4>{t("explain.rows")}</h4>
      {rows.error ? (
        <LoadError error={rows.error} onRetry={() => rows.refetch()} />
      ) : !rows.data ? (
        <Skeleton height={160} />
      ) : (
        <Rows rows={rows.data} currency={currency} />
      )}
      <details>
        <summary>{t("explain.plan")}</summary>
        <pre className="code-block" tabIndex={0}>
          {data.plan}
        </pre>
      </details>
      <details>
        <summary>SQL</summary>
        <pre className="code-block" tabIndex={0}>
          {data.sql}
        </pre>
      </details>
    </>
  );
}

function Rows({ rows, currency }: { rows: RowsBehind; currency: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const object = useCatalog().objects.find((o) => o.id === rows.object);
  return (
    <>
      <p className="note">
        {t("explain.rowsOf", {
          object: pickText(object?.name, lang) || rows.object,
          total: exactNumber(rows.total),
          shown: Math.min(ROWS_SHOWN, rows.rows.length),
        })}
      </p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("explain.rows")}>
        <table className="table small">
          <thead>
            <tr>
              {rows.columns.map((c) => (
                <th key={c.name} scope="col" className={c.unit ? "num" : undefined}>
                  {pickText(c.label, lang)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.rows.slice(0, ROWS_SHOWN).map((row, i) => (
              <tr key={i}>
                {rows.columns.map((c, at) => (
                  <td key={c.name} className={c.unit ? "num" : undefined}>
                    {c.unit ? (
                      <Amount value={row[at]} unit={c.unit} currency={currency} />
                    ) : (
                      String(row[at] ?? "–")
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function OfEvaluation({ asked, onLeave }: { asked: Extract<Asked, { as_of: string }>; onLeave: () => void }) {
  const { t } = useTranslation();
  const customers = useQuery({
    ...customersQuery({ where: asked.where ?? "", sort: "-net_revenue_365", as_of: asked.as_of }, 0, 20),
    enabled: asked.where !== undefined,
  });
  return (
    <>
      {asked.about && <p>{asked.about}</p>}
      <dl className="facts">
        <div>
          <dt>{t("shell.asOf")}</dt>
          <dd>{asked.as_of}</dd>
        </div>
        {(asked.facts ?? []).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="note">{t("explain.evaluation")}</p>
      {asked.where !== undefined && (
        <>
          <h4>{t("explain.rows")}</h4>
          <pre className="code-block" tabIndex={0}>
            {asked.where}
          </pre>
          {customers.error ? (
            <LoadError error={customers.error} />
          ) : !customers.data ? (
            <Skeleton height={200} />
          ) : (
            <>
              <p className="note">{t("customers.count", { n: exactNumber(customers.data.total) })}</p>
              <ul className="list">
                {customers.data.resources.map((c) => (
                  <li key={c.id}>
                    <Link to="/customers/$id" params={{ id: String(c.id) }} onClick={onLeave}>
                      {c.name || c.number}
                    </Link>
                    <span className="num">
                      <Amount value={c.net_revenue_365} unit="money" currency={asked.currency} />
                    </span>
                  </li>
                ))}
              </ul>
              <Link to="/customers" search={{ where: asked.where }} onClick={onLeave}>
                {t("risk.list")}
              </Link>
            </>
          )}
        </>
      )}
    </>
  );
}
