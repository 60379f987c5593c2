// How are we doing, who are our customers, and what is at risk?
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import { evaluationQuery } from "../../api/queries";
import { useLang } from "../../i18n";
import "../../i18n/overview";
import { countOf, useAsOf, useCatalog, useCurrency, useStatus } from "../../ui/catalog";
import { exactNumber, pickText } from "../../ui/format";
import { Partial } from "../../ui/partial";
import { PERIODS, showPeriod, spanOf } from "../../ui/period";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { CohortPanel } from "./cohort-panel";
import { GroupsPanel } from "./groups-panel";
import { MetricCard } from "./metric-card";
import { MoversPanel } from "./movers-panel";
import { RfmPanel } from "./rfm-panel";
import { RiskPanel } from "./risk-panel";

const CARDS = [
  "gross_sales",
  "net_revenue",
  "orders",
  "buyers",
  "average_order_value",
  "new_customers",
  "repeat_purchase_rate",
  "value_at_risk",
];
// What an evaluation wrote is known as of its day, not as of a month before it.
const OF_THE_EVALUATION = "value_at_risk";

const route = getRouteApi("/");

export function OverviewPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const status = useStatus();
  const catalog = useCatalog();
  const asOf = useAsOf();
  const currency = useCurrency();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const evaluation = useQuery({ ...evaluationQuery(status.as_of ?? ""), enabled: status.as_of !== null });

  const [orders, customers] = [countOf(status, "order"), countOf(status, "customer")];

  if (!asOf || orders === 0) {
    return (
      <main className="page" id="main">
        <h1>{t("overview.title")}</h1>
        <Empty
          title={t("overview.empty")}
          action={
            <Link to="/import">
              <Button type="primary" size="large">
                {t("overview.emptyAction")}
              </Button>
            </Link>
          }
        >
          <p>{t("overview.emptyText")}</p>
          <p className="note">{t("import.demoHint")}</p>
        </Empty>
      </main>
    );
  }

  const name = search.period ?? "last_month";
  const compare = search.compare ?? "previous";
  const period = spanOf(name, asOf, status.first_ordered_on);
  const cards = CARDS.flatMap((id) => catalog.metrics.filter((m) => m.id === id));
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("overview.title")}</h1>
          <p className="note">
            {showPeriod(period, lang)}
            {customers !== undefined &&
              orders !== undefined &&
              ` · ${t("overview.counts", { customers: exactNumber(customers), orders: exactNumber(orders) })}`}{" "}
            <Partial of={evaluation.data} />
          </p>
        </div>
        <div className="controls">
          <Select
            aria-label={t("period.label")}
            value={name}
            onChange={(next) =>
              navigate({ search: (s) => ({ ...s, period: next === "last_month" ? undefined : next }) })
            }
            options={PERIODS.map((p) => ({ value: p, label: t(`period.${p}`) }))}
            popupMatchSelectWidth={false}
          />
          <Select
            aria-label={t("compare.label")}
            value={compare}
            onChange={(next) =>
              navigate({ search: (s) => ({ ...s, compare: next === "previous" ? undefined : next }) })
            }
            options={[
              { value: "previous" as const, label: t("compare.withPrevious") },
              { value: "year" as const, label: t("compare.withYear") },
            ]}
            popupMatchSelectWidth={false}
          />
        </div>
      </header>
      <div className="cards">
        {cards.map((metric) => (
          <MetricCard
            key={metric.id}
            metric={metric}
            period={metric.id === OF_THE_EVALUATION ? spanOf("this_month", asOf) : period}
            compare={compare}
            asOf={asOf}
            currency={currency}
          />
        ))}
      </div>
      {status.as_of === null ? (
        <Empty title={t("overview.noEvaluation")}>{t("overview.noEvaluationText")}</Empty>
      ) : evaluation.error ? (
        <LoadError error={evaluation.error} onRetry={() => evaluation.refetch()} />
      ) : !evaluation.data ? (
        <Skeleton height={520} />
      ) : (
        <div className="two">
          <div className="stack">
            <GroupsPanel
              kind="tiers"
              groups={evaluation.data.tiers}
              asOf={evaluation.data.as_of}
              currency={currency}
            />
            <RfmPanel
              evaluation={evaluation.data}
              currency={currency}
              rule={search.rfm}
              heat={search.heat ?? "customers"}
              onRule={(rfm) => navigate({ search: (s) => ({ ...s, rfm }), resetScroll: false })}
              onHeat={(heat) =>
                navigate({
                  search: (s) => ({ ...s, heat: heat === "money" ? heat : undefined }),
                  resetScroll: false,
                })
              }
            />
          </div>
          <div className="stack">
            <GroupsPanel
              kind="stages"
              groups={evaluation.data.stages}
              asOf={evaluation.data.as_of}
              currency={currency}
            />
            <RiskPanel evaluation={evaluation.data} currency={currency} />
          </div>
        </div>
      )}
      <CohortPanel asOf={asOf} />
      <MoversPanel period={period} compare={compare} asOf={asOf} currency={currency} />
      <p className="note">
        {t("overview.foot", {
          rules: catalog.rfm.map((r) => pickText(r.name, lang)).join(lang === "zh" ? "、" : ", "),
        })}
      </p>
    </main>
  );
}
