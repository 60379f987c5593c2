// Cohorts by month of first purchase, against months since. Cells that have
// not happened yet are blank, not zero.
import { useTranslation } from "react-i18next";
import type { Answer, CatalogMetric, Question } from "../api/types";
import { useLang } from "../i18n";
import { Figure } from "../ui/figure";
import { pickText, showValue, toNumber } from "../ui/format";
import { showGrain } from "../ui/period";
import { HeatTable } from "./heat-table";
import { columnAt } from "./shape";

export function CohortTable({
  answer,
  metric,
  question,
  maxAge = 12,
}: {
  answer: Answer;
  metric: CatalogMetric;
  question: Question;
  maxAge?: number;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const cohortAt = columnAt(answer, "cohort");
  const ageAt = columnAt(answer, "age");
  const valueAt = columnAt(answer, metric.id);
  const title = pickText(metric.name, lang);
  const byCohort = new Map<string, Map<number, string | number | boolean | null>>();
  let oldest = 0;
  for (const row of answer.rows) {
    const cohort = String(row[cohortAt]);
    const age = Number(row[ageAt]);
    if (age > maxAge) continue;
    if (row[valueAt] !== null) oldest = Math.max(oldest, age);
    const cells = byCohort.get(cohort) ?? new Map();
    cells.set(age, row[valueAt] ?? null);
    byCohort.set(cohort, cells);
  }
  const ages = Array.from({ length: oldest + 1 }, (_, age) => age);
  const isShare = metric.unit === "pct";
  // Age 0 of a share is everybody, which would drown the rest of the ramp.
  const shown = [...byCohort.values()].flatMap((cells) =>
    ages.filter((a) => !isShare || a > 0).map((a) => toNumber(cells.get(a)) ?? 0),
  );
  const max = Math.max(0, ...shown);
  return (
    <HeatTable
      list
      caption={title}
      corner={t("dimension.cohort")}
      heads={ages.map((age) => t("cohort.age", { age }))}
      max={max}
      rows={[...byCohort.keys()].sort().map((cohort) => ({
        key: cohort,
        label: showGrain(cohort, "month", lang),
        cells: ages.map((age) => {
          const value = byCohort.get(cohort)?.get(age) ?? null;
          const shownValue = showValue(value, metric.unit, lang);
          return {
            value: isShare && age === 0 ? (value === null ? null : 0) : toNumber(value),
            title: shownValue.exact,
            content: (
              <Figure
                text={shownValue.text}
                asked={{
                  title: `${title} · ${showGrain(cohort, "month", lang)} · ${t("cohort.age", { age })}`,
                  value,
                  unit: metric.unit,
                  question,
                }}
              />
            ),
          };
        }),
      }))}
    />
  );
}
