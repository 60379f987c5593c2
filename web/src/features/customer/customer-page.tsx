// One customer: who it is, how it performs, what to expect, and what happened.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Button } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { customerQuery, exportOrders } from "../../api/queries";
import type { Score } from "../../api/types";
import { columnsOption } from "../../charts/bar";
import { Canvas } from "../../charts/canvas";
import { FieldValue } from "../../fields/field-value";
import { FilesPanel } from "../../fields/files";
import { RelatedRecords } from "../../fields/related-records";
import { CommentsPanel, Star } from "../../fields/talk";
import { useLang } from "../../i18n";
import { findField, useAsOf, useCatalog, useCurrency } from "../../ui/catalog";
import { COLOURS } from "../../ui/colours";
import { DownloadMenu } from "../../ui/download-menu";
import { Amount } from "../../ui/figure";
import { exactNumber, NO_VALUE, pickText } from "../../ui/format";
import { useMode } from "../../ui/mode";
import { Panel } from "../../ui/panel";
import { monthStart, showGrain } from "../../ui/period";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { StageTag, TierTag } from "../../ui/tags";
import { Orders } from "./orders";
import { Scores } from "./scores";
import { Timeline } from "./timeline";

const route = getRouteApi("/customers/$id");
/** What this page shows by itself. */
const HERE = ["order", "score"];
const PROFILE = ["country", "region", "city", "industry", "owner", "phone", "email"] as const;

export function CustomerPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const currency = useCurrency();
  const asOf = useAsOf();
  const mode = useMode();
  const id = Number(route.useParams().id);
  const { data, error, refetch } = useQuery(customerQuery(id));
  // It was merged into another one: the address goes there, too.
  const moved = data && data.customer.id !== id ? data.customer.id : null;
  const navigate = route.useNavigate();
  useEffect(() => {
    if (moved !== null) void navigate({ params: { id: String(moved) }, replace: true });
  }, [moved, navigate]);

  if (error) {
    return (
      <main className="page" id="main">
        <h1>{t("customer.title")}</h1>
        <LoadError error={error} onRetry={() => refetch()} />
        <Link to="/customers">
          <Button>{t("customer.toList")}</Button>
        </Link>
      </main>
    );
  }
  if (!data) {
    return (
      <main className="page" id="main" aria-busy="true">
        <h1 className="visually-hidden">{t("customer.title")}</h1>
        <Skeleton height={120} />
        <Skeleton height={240} />
        <Skeleton height={320} />
      </main>
    );
  }
  const { customer, score, monthly } = data;
  const name = customer.name || customer.number;
  const known = PROFILE.filter((field) => customer[field]);
  const tierReason = lang === "zh" ? score?.tier_reason_zh : score?.tier_reason_en;
  const stageReason = lang === "zh" ? score?.stage_reason_zh : score?.stage_reason_en;
  const openLast = asOf !== null && monthly.at(-1)?.month === monthStart(asOf) && monthStart(asOf) !== asOf;
  const netName = t("customer.net");
  const alive = pickText(findField(catalog, "score.p_alive")?.name, lang);
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link to="/customers">{t("customers.title")}</Link>
          </p>
          <h1>
            {name} <Star object="customer" id={id} title={name} isOpen />
          </h1>
          <p className="note">
            {customer.name ? customer.number : ""}
            {customer.name && customer.kind ? " · " : ""}
            {customer.kind && <FieldValue path="customer.kind" value={customer.kind} />}
          </p>
        </div>
        <div className="controls">
          <Link to="/records/$object/$id" params={{ object: "customer", id: String(id) }}>
            <Button>{t("record.customerFields")}</Button>
          </Link>
        </div>
      </header>
      <div className="two customer-top">
        <section className="panel">
          <h2 className="visually-hidden">{t("customer.profile")}</h2>
          <dl className="reasons">
            <dt>
              <TierTag id={score?.tier} />
            </dt>
            <dd>{tierReason || t("customer.noReason")}</dd>
            <dt>
              <StageTag id={score?.stage} />
            </dt>
            <dd>{stageReason || t("customer.noReason")}</dd>
          </dl>
          <dl className="facts">
            {known.map((field) => (
              <div key={field}>
                <dt>{pickText(findField(catalog, `customer.${field}`)?.name, lang) || field}</dt>
                <dd>{customer[field]}</dd>
              </div>
            ))}
            <div>
              <dt>{t("customer.orders")}</dt>
              <dd>{exactNumber(data.orders.total)}</dd>
            </div>
            <div>
              <dt>{t("customer.firstOrder")}</dt>
              <dd>{data.orders.first_on ?? NO_VALUE}</dd>
            </div>
            <div>
              <dt>{t("customer.lastOrder")}</dt>
              <dd>{data.orders.last_on ?? NO_VALUE}</dd>
            </div>
          </dl>
        </section>
        {score ? <NextPurchase score={score} /> : <Empty title={t("customer.noScore")} />}
      </div>
      {score && (
        <Scores score={score} asOf={score.as_of ?? asOf ?? ""} customer={customer.id} currency={currency} />
      )}
      <Panel title={t("customer.monthly")}>
        {monthly.length === 0 ? (
          <p className="nothing">{t("answer.empty")}</p>
        ) : (
          <>
            <Canvas
              height={240}
              label={t("chart.line", { name: netName })}
              option={columnsOption(
                monthly.map((m) => m.month),
                monthly.map((m) => m.net_revenue ?? null),
                netName,
                openLast,
                {
                  unit: "money",
                  lang,
                  currency,
                  colours: COLOURS[mode],
                  words: { before: "", open: t("status.open"), none: "" },
                  names: (v) => v,
                },
              )}
            />
            <details>
              <summary>{t("chart.asTable")}</summary>
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">{t("dimension.period")}</th>
                    <th scope="col" className="num">
                      {t("customer.gross")}
                    </th>
                    <th scope="col" className="num">
                      {netName}
                    </th>
                    <th scope="col" className="num">
                      {t("customer.orders")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {[...monthly].reverse().map((m) => (
                    <tr key={m.month}>
                      <td>{showGrain(m.month, "month", lang)}</td>
                      <td className="num">
                        <Amount value={m.gross_sales} unit="money" currency={currency} />
                      </td>
                      <td className="num">
                        <Amount value={m.net_revenue} unit="money" currency={currency} />
                      </td>
                      <td className="num">{m.orders}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </details>
          </>
        )}
      </Panel>
      <div className="two">
        <Panel title={t("customer.timeline")}>
          <Timeline id={id} currency={currency} />
        </Panel>
        <Panel title={t("customer.history")} note={t("customer.historyNote")}>
          {data.history.length === 0 ? (
            <p className="nothing">{t("answer.empty")}</p>
          ) : (
            <div className="table-scroll" tabIndex={0} role="region" aria-label={t("customer.history")}>
              <table className="table as-cards">
                <thead>
                  <tr>
                    <th scope="col">{t("shell.asOf")}</th>
                    <th scope="col">{t("overview.tier")}</th>
                    <th scope="col">{t("overview.stage")}</th>
                    <th scope="col" className="num">
                      {t("overview.net365")}
                    </th>
                    <th scope="col" className="num">
                      {alive}
                    </th>
                    <th scope="col" className="num">
                      {t("customers.clv")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {data.history.map((h) => (
                    <tr key={h.as_of}>
                      <td data-head={t("shell.asOf")} className="nowrap">
                        {h.as_of}
                      </td>
                      <td data-head={t("overview.tier")}>
                        <TierTag id={h.tier} />
                      </td>
                      <td data-head={t("overview.stage")}>
                        <StageTag id={h.stage} />
                      </td>
                      <td data-head={t("overview.net365")} className="num">
                        <Amount value={h.net_revenue_365} unit="money" currency={currency} />
                      </td>
                      <td data-head={alive} className="num">
                        <Amount value={h.p_alive} unit="score" />
                      </td>
                      <td data-head={t("customers.clv")} className="num">
                        <Amount value={h.clv_12m} unit="money" currency={currency} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Panel>
      </div>
      <Panel
        title={t("customer.orders")}
        actions={
          <DownloadMenu
            of={["order"]}
            label={t("customer.export")}
            name={`keji-orders-${customer.number}`}
            fetchFile={(format) => exportOrders(id, format)}
          />
        }
      >
        <Orders id={id} currency={currency} />
      </Panel>
      <CommentsPanel object="customer" id={id} />
      <FilesPanel object="customer" id={id} />
      <RelatedRecords object="customer" id={id} title={name} without={HERE} />
    </main>
  );
}

function NextPurchase({ score }: { score: Score }) {
  const { t } = useTranslation();
  return (
    <section className="panel next">
      <h2>{t("customer.next")}</h2>
      {score.next_expected_on ? (
        <>
          <p className="big">{score.next_expected_on}</p>
          {score.next_expected_from && score.next_expected_to && (
            <p>{t("customer.nextBetween", { from: score.next_expected_from, to: score.next_expected_to })}</p>
          )}
        </>
      ) : (
        <p className="big">{NO_VALUE}</p>
      )}
      {score.cycle_days != null && (
        <p className="note">
          {t("customer.cycle", {
            cycle: Math.round(score.cycle_days),
            since: score.days_since_last ?? NO_VALUE,
            silence: score.silence == null ? NO_VALUE : score.silence.toFixed(1),
          })}
        </p>
      )}
    </section>
  );
}
