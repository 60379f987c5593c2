// "Where does this number come from?": what it means, how it is computed, over
// which period, how final it is, and the records it is made of.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Drawer } from "antd";
import { useTranslation } from "react-i18next";
import { customersQuery, explainQuery, insightQuery } from "../../api/queries";
import { cellOf } from "../../charts/shape";
import { useLang } from "../../i18n";
import { findMetric, useCatalog } from "../../ui/catalog";
import type { Asked } from "../../ui/explain";
import { Amount } from "../../ui/figure";
import { exactNumber, pickText, showValue } from "../../ui/format";
import { layer } from "../../ui/layer";
import { showPeriod } from "../../ui/period";
import { CLOSE_SIGN } from "../../ui/signs";
import { LoadError, Skeleton } from "../../ui/states";
import { usePhone } from "../../ui/use-media";
import { FilterWords, Records } from "./records";

export function ExplainDrawer({
  asked,
  open,
  onClose,
  onClosed,
}: {
  asked: Asked;
  open: boolean;
  onClose: () => void;
  /** Once nothing of it is left on the page. */
  onClosed: () => void;
}) {
  const { t } = useTranslation();
  const phone = usePhone();
  return (
    <Drawer
      title={t("explain.title")}
      open={open}
      onClose={onClose}
      size={phone ? "100%" : 720}
      afterOpenChange={(isOpen) => !isOpen && onClosed()}
      destroyOnHidden
      getContainer={layer}
      closable={{ closeIcon: CLOSE_SIGN, "aria-label": t("explain.close") }}
    >
      <div className="explain">
        <h3>{asked.title}</h3>
        {"question" in asked ? (
          // Another number starts at its own first page.
          <OfQuestion key={JSON.stringify(asked.question)} asked={asked} onLeave={onClose} />
        ) : (
          <>
            <Value asked={asked} value={asked.value} />
            <OfEvaluation asked={asked} onLeave={onClose} />
          </>
        )}
      </div>
    </Drawer>
  );
}

function Value({ asked, value }: { asked: Asked; value: Asked["value"] }) {
  const { t } = useTranslation();
  const shown = showValue(value, asked.unit, useLang(), asked.currency);
  return (
    <>
      {value !== null && (
        <p className="big">
          {shown.text}
          {shown.exact && shown.exact !== shown.text && <span className="muted"> = {shown.exact}</span>}
        </p>
      )}
      {asked.status && <p className={`status ${asked.status}`}>{t(`status.${asked.status}Help`)}</p>}
    </>
  );
}

function OfQuestion({
  asked,
  onLeave,
}: {
  asked: Extract<Asked, { question: unknown }>;
  onLeave: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const { question } = asked;
  const id = question.metrics[0] ?? "";
  const metric = findMetric(catalog, id);
  // A page's whole question has many numbers; asked without its splits it has one.
  const whole = useQuery({
    ...insightQuery({ ...question, by: [], grain: null, compare: null, sort: [], limit: null }),
    enabled: asked.value === null && metric?.kind !== "cohort",
  });
  const value = asked.value ?? (whole.data ? cellOf(whole.data, whole.data.rows[0], id) : null);
  const { data, error, refetch } = useQuery(explainQuery(question));
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={320} />;
  return (
    <>
      <Value asked={asked} value={value} />
      <FilterWords asked={asked} period={showPeriod(data.period, lang)} />
      <h4>{t("explain.rows")}</h4>
      <Records asked={asked} metric={metric} value={value} onLeave={onLeave} />
      {data.metrics.map((m) => (
        <section key={m.id}>
          <h4>{t("explain.definition")}</h4>
          <p>{pickText(m.about, lang)}</p>
          <dl className="facts">
            <div>
              <dt>{t("explain.metric")}</dt>
              <dd>
                <Link to="/metrics/$id" params={{ id: m.id }} onClick={onLeave}>
                  {m.code} {pickText(m.name, lang)}
                </Link>
              </dd>
            </div>
            <div>
              <dt>{t("explain.version")}</dt>
              <dd>{m.version}</dd>
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
      <details>
        <summary>{t("explain.plan")}</summary>
        <pre className="code-block" tabIndex={0}>
          {data.plan}
        </pre>
      </details>
      <details>
        <summary>{t("explain.sql")}</summary>
        <pre className="code-block" tabIndex={0}>
          {data.sql}
        </pre>
      </details>
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
