// One metric: over time, by dimension, compared; as chart or table.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Button, Segmented, Select } from "antd";
import { useTranslation } from "react-i18next";
import { exportInsight, insightQuery, metricQuery } from "../../api/queries";
import type { Grain, Question } from "../../api/types";
import { AnswerTable } from "../../charts/answer-table";
import { AnswerView } from "../../charts/answer-view";
import { grainsFrom } from "../../charts/grains";
import { dimensionName } from "../../charts/labels";
import { useLang } from "../../i18n";
import "../../i18n/definition";
import "../../i18n/explore";
import "../../i18n/own-metric";
import { findField, findMetric, useAsOf, useCatalog, useCurrency, useStatus } from "../../ui/catalog";
import { DateInput } from "../../ui/date-input";
import { DownloadMenu } from "../../ui/download-menu";
import { useExplain } from "../../ui/explain";
import { pickText } from "../../ui/format";
import { useGroupName } from "../../ui/group-name";
import { MissingData } from "../../ui/missing-data";
import { Partial } from "../../ui/partial";
import { addDays, PERIODS, type PeriodName, showPeriod, spanOf, trendSpan } from "../../ui/period";
import { useMayAdmin } from "../../ui/session";
import { SEARCH_SIGN, useClear } from "../../ui/signs";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { Definition } from "./definition";

const route = getRouteApi("/metrics/$id");
const SPLIT_LIMIT = 500;

export function MetricPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const status = useStatus();
  const asOf = useAsOf();
  const currency = useCurrency();
  const explain = useExplain();
  const clear = useClear();
  const groupName = useGroupName();
  const { id } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const metric = findMetric(catalog, id);

  const isCohort = metric?.dimensions.includes("cohort") ?? false;
  const grains = grainsFrom(metric?.grain_min);
  const grain: Grain | null =
    isCohort || search.grain === "none"
      ? null
      : (grains.find((g) => g === search.grain) ?? grains.find((g) => g === "month") ?? grains[0] ?? null);
  const span = asOf ? trendSpan(asOf, isCohort ? 13 : 24) : null;
  const from = search.from ?? span?.from ?? null;
  const to = search.to ?? asOf;
  const by = isCohort ? ["cohort", "age"] : search.by ? [search.by] : [];
  const compare = isCohort ? null : (search.compare ?? null);
  const question: Question = {
    metrics: [id],
    by,
    grain,
    from,
    to,
    compare,
    as_of: asOf,
    ...(by.length > 0 && !isCohort && !grain ? { sort: [`-${id}`], limit: SPLIT_LIMIT } : {}),
  };
  const { data, error, refetch, isFetching } = useQuery({
    ...insightQuery(question),
    enabled: metric !== undefined && asOf !== null,
    placeholderData: (before) => before,
  });

  const mayDesign = useMayAdmin("design");
  const told = useQuery({ ...metricQuery(id), enabled: metric !== undefined }).data;

  if (!metric) {
    return (
      <main className="page" id="main">
        <h1>{t("metrics.title")}</h1>
        <Empty
          title={t("metrics.unknown", { id })}
          action={<Link to="/metrics">{t("metrics.toList")}</Link>}
        />
      </main>
    );
  }
  const title = pickText(metric.name, lang);
  // A count of what nobody records is no zero.
  const noData = told?.missing.filter((what) => !what.field) ?? [];
  const set = (part: Partial<Record<keyof typeof search, string | undefined>>) =>
    navigate({ search: (s) => ({ ...s, ...part }) as typeof s, replace: true, resetScroll: false });
  const named = (name: PeriodName) => {
    if (!asOf) return;
    const next = spanOf(name, asOf, status.first_ordered_on);
    void set({ from: next.from, to: next.to });
  };
  // While a new question is under way the old answer stands, but only under its own columns.
  const answer = data?.columns.some((c) => c.name === id) ? data : undefined;
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link to="/metrics">{t("metrics.title")}</Link> · {groupName(metric.group)}
          </p>
          <h1>
            <span className="code">{metric.code}</span> {title}
          </h1>
          <p className="note">
            {pickText(metric.about, lang)} <Partial of={answer} />
          </p>
        </div>
        <div className="controls">
          {asOf && (
            <DownloadMenu
              label={t("metric.export")}
              note={t("metric.exportHelp")}
              name={`${metric.code}-${id}`}
              fetchFile={(format) => exportInsight(question, format)}
            />
          )}
          {!isCohort && (
            <Link to="/explore" search={{ metrics: [id] }}>
              {t("explore.title")}
            </Link>
          )}
          {mayDesign && metric.group === "own" && (
            <Link to="/settings/design/metrics/$id" params={{ id }}>
              {t("ownMetric.change")}
            </Link>
          )}
          <Button
            onClick={() =>
              explain({ title, value: null, unit: metric.unit, question, currency, status: answer?.status })
            }
          >
            {t("explain.title")}
          </Button>
        </div>
      </header>
      {asOf && noData.length > 0 ? (
        <section className="panel">
          <h2>{t("definition.noData")}</h2>
          <MissingData missing={noData} />
        </section>
      ) : !asOf ? (
        <Empty title={t("overview.empty")} action={<Link to="/import">{t("overview.emptyAction")}</Link>} />
      ) : (
        <section className="panel">
          <div className="filters">
            {!isCohort && (
              <Select
                aria-label={t("metric.grain")}
                value={grain ?? "none"}
                onChange={(next) => set({ grain: next })}
                options={[
                  ...grains.map((g) => ({ value: g as string, label: t(`grain.${g}`) })),
                  { value: "none", label: t("grain.none") },
                ]}
                popupMatchSelectWidth={false}
              />
            )}
            {!isCohort && (
              <Select
                allowClear={clear.select}
                showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
                aria-label={t("metric.by")}
                placeholder={t("metric.by")}
                value={search.by}
                onChange={(next) => set({ by: next })}
                // A link is split by its number or name, not by the id of the record.
                options={metric.dimensions
                  .filter((d) => findField(catalog, d)?.type !== "link")
                  .map((d) => ({ value: d, label: dimensionName(catalog, d, lang) }))}
                popupMatchSelectWidth={false}
              />
            )}
            <span className="dates">
              <DateInput
                label={t("metric.from")}
                value={from ?? ""}
                onChange={(date) => set({ from: date })}
              />
              <span aria-hidden="true">–</span>
              <DateInput
                label={t("metric.to")}
                value={to ? addDays(to, -1) : ""}
                onChange={(date) => set({ to: addDays(date, 1) })}
              />
            </span>
            <Select
              aria-label={t("period.label")}
              placeholder={t("period.label")}
              value={null}
              onChange={(name: PeriodName | null) => name && named(name)}
              options={PERIODS.map((p) => ({ value: p, label: t(`period.${p}`) }))}
              popupMatchSelectWidth={false}
            />
            {!isCohort && (
              <Select
                aria-label={t("compare.label")}
                value={compare ?? "none"}
                onChange={(next) => set({ compare: next === "none" ? undefined : next })}
                options={[
                  { value: "none", label: t("compare.without") },
                  { value: "previous", label: t("compare.withPrevious") },
                  { value: "year", label: t("compare.withYear") },
                ]}
                popupMatchSelectWidth={false}
              />
            )}
            <Segmented<"chart" | "table">
              aria-label={t("metric.view")}
              value={search.view ?? "chart"}
              onChange={(next) => set({ view: next === "table" ? next : undefined })}
              options={[
                { value: "chart", label: t("chart.chart") },
                { value: "table", label: t("chart.table") },
              ]}
            />
          </div>
          {error ? (
            <LoadError error={error} onRetry={() => refetch()} />
          ) : !answer ? (
            <Skeleton height={340} />
          ) : (
            <div className={isFetching ? "answer stale" : "answer"} aria-busy={isFetching}>
              {search.view === "table" ? (
                <AnswerTable
                  answer={answer}
                  question={question}
                  grain={grain}
                  currency={currency}
                  caption={title}
                />
              ) : (
                <AnswerView
                  answer={answer}
                  metric={metric}
                  question={question}
                  grain={grain}
                  currency={currency}
                />
              )}
              <p className="note">
                {showPeriod(answer.period, lang)} · {t("shell.asOf")} {answer.as_of} ·{" "}
                {t(`status.${answer.status}`)}
                {answer.compared &&
                  ` · ${t("compare.against", { period: showPeriod(answer.compared, lang) })}`}
              </p>
            </div>
          )}
        </section>
      )}
      {told && <Definition told={told} metric={metric} />}
    </main>
  );
}
