// Explore: metrics by dimensions, narrowed step by step down to the records.
// The whole question stands in the URL.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Segmented, Select } from "antd";
import { useTranslation } from "react-i18next";
import { exportInsight, insightQuery } from "../../api/queries";
import type { Answer, CatalogMetric, Grain, Question } from "../../api/types";
import { AnswerTable } from "../../charts/answer-table";
import { AnswerView } from "../../charts/answer-view";
import { condition } from "../../charts/drill";
import { grainsFrom } from "../../charts/grains";
import { dimensionName } from "../../charts/labels";
import { cellOf } from "../../charts/shape";
import { useLang } from "../../i18n";
import "../../i18n/explore";
import { findField, findMetric, useAsOf, useCatalog, useCurrency, useStatus } from "../../ui/catalog";
import { Change } from "../../ui/change";
import { DateInput } from "../../ui/date-input";
import { DownloadMenu } from "../../ui/download-menu";
import { Figure } from "../../ui/figure";
import { pickText } from "../../ui/format";
import { Partial } from "../../ui/partial";
import { addDays, PERIODS, type PeriodName, showPeriod, spanOf, trendSpan } from "../../ui/period";
import { ShareLink } from "../../ui/share-link";
import { SEARCH_SIGN, useClear } from "../../ui/signs";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { allOf } from "../../ui/where";
import { Narrow } from "./narrow";
import { PivotTable } from "./pivot-table";
import { type At, type ExploreSearch, MAX_DIMENSIONS, MAX_METRICS, readExploreSearch } from "./search";
import { WhyPanel } from "./why";
import "./explore.css";

const route = getRouteApi("/explore");

/** What is shown before anybody chose: what most look at first. */
const FIRST_METRIC = "net_revenue";
const LIMIT = 5000;

/** Dimensions that all of the metrics have, and by which a person may split. */
function common(metrics: CatalogMetric[], isLink: (path: string) => boolean): string[] {
  const [first, ...others] = metrics;
  return (first?.dimensions ?? []).filter(
    (path) => !isLink(path) && others.every((metric) => metric.dimensions.includes(path)),
  );
}

export function ExplorePage() {
  const { t } = useTranslation();
  const asOf = useAsOf();
  return (
    <main className="page explore" id="main">
      {asOf ? (
        <Explore asOf={asOf} />
      ) : (
        <>
          <h1>{t("explore.title")}</h1>
          <Empty title={t("overview.empty")} action={<Link to="/import">{t("overview.emptyAction")}</Link>} />
        </>
      )}
    </main>
  );
}

function Explore({ asOf }: { asOf: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const status = useStatus();
  const currency = useCurrency();
  const clear = useClear();
  const search = readExploreSearch(route.useSearch());
  const navigate = route.useNavigate();
  const set = (part: { [K in keyof ExploreSearch]?: ExploreSearch[K] | undefined }) =>
    navigate({ search: (s) => ({ ...s, ...part }) as ExploreSearch, replace: true, resetScroll: false });

  // A cohort is read by its months, on the page of its metric.
  const offered = catalog.metrics.filter((metric) => !metric.dimensions.includes("cohort"));
  const chosen = (search.metrics ?? [])
    .map((id) => findMetric(catalog, id))
    .filter((metric) => metric !== undefined);
  const first = offered.find((metric) => metric.id === FIRST_METRIC) ?? offered[0];
  const metrics = chosen.length > 0 ? chosen : first ? [first] : [];
  const isLink = (path: string) => findField(catalog, path)?.type === "link";
  const dimensions = common(metrics, isLink);
  const by = (search.by ?? []).filter((path) => dimensions.includes(path));
  const at = (search.at ?? []).filter(([path]) => dimensions.includes(path));
  // Not every metric knows every dimension; what is left out is told.
  const asked = [...(search.by ?? []), ...(search.at ?? []).map(([path]) => path)];
  const left = [...new Set(asked.filter((path) => !dimensions.includes(path)))];
  const grains = metrics
    .map((m) => grainsFrom(m.grain_min))
    .reduce((a, b) => (a.length < b.length ? a : b), [...grainsFrom("day")]);
  const usual = by.length > 0 ? null : (grains.find((g) => g === "month") ?? grains[0] ?? null);
  const grain: Grain | null =
    search.grain === "none" ? null : (grains.find((g) => g === search.grain) ?? usual);
  const span = trendSpan(asOf, 24);
  const from = search.from ?? span.from;
  const to = search.to ?? asOf;
  const where = allOf([search.where, ...at.map(([path, value]) => condition(path, value))]) ?? null;
  const ids = metrics.map((metric) => metric.id);
  const whole: Question = { metrics: ids, from, to, where, as_of: asOf, compare: search.compare ?? null };
  const question: Question = {
    ...whole,
    by,
    grain,
    limit: LIMIT,
    ...(by.length > 0 && !grain && ids[0] ? { sort: [`-${ids[0]}`] } : {}),
  };
  const isReady = ids.length > 0;
  const answered = useQuery({
    ...insightQuery(question),
    enabled: isReady,
    placeholderData: (before) => before,
  });
  const totals = useQuery({ ...insightQuery(whole), enabled: isReady, placeholderData: (before) => before });
  const hasAll = (answer: Answer | undefined) =>
    answer && [...ids, ...by].every((name) => answer.columns.some((c) => c.name === name))
      ? answer
      : undefined;
  const answer = hasAll(answered.data);
  const total =
    totals.data && ids.every((id) => totals.data.columns.some((c) => c.name === id))
      ? totals.data
      : undefined;
  const axes = [...by, ...(grain ? ["period"] : [])].slice(0, MAX_DIMENSIONS);
  const isPivot = search.view === "pivot" && axes.length === 2;

  const narrow = (path: string, value: At[1]) => {
    const next = [...at.filter(([other]) => other !== path), [path, value] as At];
    const rest = by.filter((other) => other !== path);
    // Down to the next dimension that says something new.
    const unused = dimensions.find((d) => !rest.includes(d) && !next.some(([other]) => other === d));
    void set({ at: next, by: rest.length > 0 || !unused ? rest : [unused] });
  };
  const named = (name: PeriodName) => {
    const next = spanOf(name, asOf, status.first_ordered_on);
    void set({ from: next.from, to: next.to });
  };
  const title = metrics.map((metric) => pickText(metric.name, lang)).join(lang === "zh" ? "、" : ", ");
  const shown: Question = { ...question, by };
  return (
    <>
      <header className="page-head">
        <div>
          <h1>{t("explore.title")}</h1>
          <p className="note">
            {t("explore.about")} <Partial of={answer} />
          </p>
        </div>
        <div className="controls">
          <DownloadMenu
            label={t("metric.export")}
            note={t("metric.exportHelp")}
            name="keji-explore"
            fetchFile={(format) => exportInsight(question, format)}
          />
          <ShareLink
            label={t("explore.share")}
            copied={t("explore.copied")}
            failed={t("explore.copyFailed")}
          />
        </div>
      </header>
      <section className="panel">
        <div className="filters">
          <Select
            mode="multiple"
            maxCount={MAX_METRICS}
            showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
            aria-label={t("explore.metrics")}
            placeholder={t("explore.metrics")}
            className="explore-metrics"
            value={ids}
            onChange={(next: string[]) => set({ metrics: next })}
            options={offered.map((m) => ({ value: m.id, label: pickText(m.name, lang) }))}
            popupMatchSelectWidth={false}
          />
          <Select
            mode="multiple"
            maxCount={MAX_DIMENSIONS}
            allowClear={clear.select}
            showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
            aria-label={t("metric.by")}
            placeholder={t("metric.by")}
            className="explore-by"
            value={by}
            onChange={(next: string[]) => set({ by: next })}
            options={dimensions.map((d) => ({ value: d, label: dimensionName(catalog, d, lang) }))}
            popupMatchSelectWidth={false}
          />
          <Select
            aria-label={t("metric.grain")}
            value={grain ?? "none"}
            onChange={(next) => set({ grain: next as ExploreSearch["grain"] })}
            options={[
              ...grains.map((g) => ({ value: g as string, label: t(`grain.${g}`) })),
              { value: "none", label: t("grain.none") },
            ]}
            popupMatchSelectWidth={false}
          />
          <span className="dates">
            <DateInput label={t("metric.from")} value={from} onChange={(date) => set({ from: date })} />
            <span aria-hidden="true">–</span>
            <DateInput
              label={t("metric.to")}
              value={addDays(to, -1)}
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
          <Select
            aria-label={t("compare.label")}
            value={search.compare ?? "none"}
            onChange={(next) => set({ compare: next === "none" ? undefined : (next as "previous" | "year") })}
            options={[
              { value: "none", label: t("compare.without") },
              { value: "previous", label: t("compare.withPrevious") },
              { value: "year", label: t("compare.withYear") },
            ]}
            popupMatchSelectWidth={false}
          />
          <Segmented<"chart" | "pivot">
            aria-label={t("metric.view")}
            value={isPivot ? "pivot" : "chart"}
            onChange={(next) => set({ view: next === "pivot" ? next : undefined })}
            options={[
              { value: "chart", label: t("chart.chart") },
              { value: "pivot", label: t("explore.pivot"), disabled: axes.length < 2 },
            ]}
          />
        </div>
        {left.length > 0 && (
          <p className="note" role="status">
            {t("explore.leftOut", { names: left.map((d) => dimensionName(catalog, d, lang)).join(", ") })}
          </p>
        )}
        <Narrow
          at={at}
          dimensions={dimensions}
          question={{ ...whole, compare: null }}
          where={search.where}
          onAt={(next) => set({ at: next.length > 0 ? next : undefined })}
          onWhere={(next) => set({ where: next })}
          onNarrow={narrow}
        />
        {answered.error ? (
          <LoadError error={answered.error} onRetry={() => answered.refetch()} />
        ) : !answer || !total ? (
          <Skeleton height={340} />
        ) : (
          <div className={answered.isFetching ? "answer stale" : "answer"} aria-busy={answered.isFetching}>
            <dl className="explore-totals">
              {metrics.map((metric) => (
                <div key={metric.id}>
                  <dt>{pickText(metric.name, lang)}</dt>
                  <dd>
                    <Figure
                      className="big"
                      asked={{
                        title: pickText(metric.name, lang),
                        value: cellOf(total, total.rows[0], metric.id),
                        unit: metric.unit,
                        question: { ...whole, metrics: [metric.id], compare: null },
                        currency,
                        status: total.status,
                      }}
                    />
                    {total.compared && (
                      <Change
                        change={cellOf(total, total.rows[0], `${metric.id}_change`)}
                        unit={metric.unit}
                        direction={metric.direction}
                      />
                    )}
                  </dd>
                </div>
              ))}
            </dl>
            {isPivot ? (
              metrics.map((metric) => (
                <PivotTable
                  key={metric.id}
                  answer={answer}
                  metric={metric}
                  question={{ ...shown, metrics: [metric.id] }}
                  axes={[axes[0] ?? "", axes[1] ?? ""]}
                  grain={grain}
                  currency={currency}
                  onNarrow={narrow}
                />
              ))
            ) : (
              <>
                {axes.length > 0 &&
                  metrics.map((metric) => (
                    <section
                      key={metric.id}
                      className="explore-chart"
                      aria-label={pickText(metric.name, lang)}
                    >
                      {metrics.length > 1 && <h2>{pickText(metric.name, lang)}</h2>}
                      <AnswerView
                        answer={answer}
                        metric={metric}
                        question={{ ...shown, metrics: [metric.id] }}
                        grain={grain}
                        currency={currency}
                      />
                    </section>
                  ))}
                {axes.length > 0 && (
                  <AnswerTable
                    answer={answer}
                    question={shown}
                    grain={grain}
                    currency={currency}
                    caption={title}
                    onNarrow={narrow}
                  />
                )}
              </>
            )}
            {search.compare &&
              by.length === 1 &&
              metrics.map((metric) => (
                <WhyPanel
                  key={metric.id}
                  metric={metric}
                  by={by[0] ?? ""}
                  question={whole}
                  currency={currency}
                  onNarrow={narrow}
                />
              ))}
            <p className="note">
              {showPeriod(answer.period, lang)} · {t("shell.asOf")} {answer.as_of} ·{" "}
              {t(`status.${answer.status}`)}
              {answer.compared && ` · ${t("compare.against", { period: showPeriod(answer.compared, lang) })}`}
            </p>
          </div>
        )}
      </section>
    </>
  );
}
