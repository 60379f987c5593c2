// One metric: value of the period, comparison, small trend. A running period is hatched.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { insightQuery } from "../../api/queries";
import type { Answer, CatalogMetric, Grain, Period, Question } from "../../api/types";
import { cellOf, fewAt } from "../../charts/shape";
import { Spark } from "../../charts/spark";
import { useLang } from "../../i18n";
import { Change } from "../../ui/change";
import { Amount, Figure } from "../../ui/figure";
import { pickText, toNumber } from "../../ui/format";
import { addDays, showPeriod, trendSpan } from "../../ui/period";
import { LoadError, Skeleton } from "../../ui/states";

const COARSE: Grain[] = ["quarter", "year"];

export function MetricCard({
  metric,
  period,
  compare,
  asOf,
  currency,
}: {
  metric: CatalogMetric;
  period: Period;
  compare: "previous" | "year";
  asOf: string;
  currency?: string | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const question: Question = { metrics: [metric.id], ...period, compare, as_of: asOf };
  const grain: Grain = COARSE.find((g) => g === metric.grain_min) ?? "month";
  const value = useQuery(insightQuery(question));
  const trend = useQuery(
    insightQuery({ metrics: [metric.id], grain, ...trendSpan(period.to, 24), as_of: asOf }),
  );
  const title = pickText(metric.name, lang);

  const row = value.data?.rows[0];
  const now = cellOf(value.data ?? NO_ANSWER, row, metric.id);
  const before = cellOf(value.data ?? NO_ANSWER, row, `${metric.id}_previous`);
  const change = cellOf(value.data ?? NO_ANSWER, row, `${metric.id}_change`);
  const open = value.data?.status === "open";
  const compared = value.data?.compared;
  return (
    <section className={open ? "card open" : "card"}>
      <h2>
        <Link to="/metrics/$id" params={{ id: metric.id }} title={pickText(metric.about, lang)}>
          {title}
        </Link>
        {open && <span className="chip open">{t("status.upTo", { date: addDays(asOf, -1) })}</span>}
      </h2>
      {value.error ? (
        <LoadError error={value.error} onRetry={() => value.refetch()} />
      ) : !value.data ? (
        <Skeleton height={58} />
      ) : (
        <>
          <Figure
            className="big"
            asked={{
              title,
              value: now,
              unit: metric.unit,
              status: value.data.status,
              few: fewAt(value.data, 0, metric.id),
              question,
              currency,
            }}
          />
          <p className="card-compare">
            <Change change={change} unit={metric.unit} direction={metric.direction} />
            {compared && toNumber(before) !== null && (
              <span className="muted" title={showPeriod(compared, lang)}>
                {compare === "year" ? t("compare.yearBefore") : t("compare.before")}{" "}
                <Amount value={before} unit={metric.unit} currency={currency} />
              </span>
            )}
          </p>
        </>
      )}
      {trend.data ? (
        <Spark
          label={t("chart.spark", { name: title })}
          values={trend.data.rows.map((r) => toNumber(cellOf(trend.data, r, metric.id)))}
          openLast={trend.data.row_status.at(-1) === "open"}
        />
      ) : (
        <div className="spark" />
      )}
    </section>
  );
}

const NO_ANSWER: Answer = {
  columns: [],
  rows: [],
  as_of: "",
  status: "settled",
  row_status: [],
  small: [],
  period: { from: "", to: "" },
  compared: null,
  seq: 0,
  truncated: false,
  is_partial: false,
};
