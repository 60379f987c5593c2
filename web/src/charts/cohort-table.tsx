// Cohorts by month of first purchase, against months since. Cells that have
// not happened yet are blank, not zero.
import { useTranslation } from "react-i18next";
import type { Answer, CatalogMetric, Question } from "../api/types";
import { useLang } from "../i18n";
import { Figure } from "../ui/figure";
import { pickText, toNumber } from "../ui/format";
import { showGrain } from "../ui/period";
import { HeatTable } from "./heat-table";
import { cellOf } from "./shape";
import { useAsked } from "./use-asked";

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
  const askedOf = useAsked(answer, metric, question, null, undefined);
  const title = pickText(metric.name, lang);
  /** The row of the answer for each cohort and age. */
  const byCohort = new Map<string, Map<number, number>>();
  let oldest = 0;
  for (const [i, row] of answer.rows.entries()) {
    const cohort = String(cellOf(answer, row, "cohort"));
    const age = Number(cellOf(answer, row, "age"));
    if (age > maxAge) continue;
    if (cellOf(answer, row, metric.id) !== null) oldest = Math.max(oldest, age);
    const cells = byCohort.get(cohort) ?? new Map<number, number>();
    cells.set(age, i);
    byCohort.set(cohort, cells);
  }
  const ages = Array.from({ length: oldest + 1 }, (_, age) => age);
  const isShare = metric.unit === "pct";
  const valueAt = (row: number | undefined) =>
    row === undefined ? null : cellOf(answer, answer.rows[row], metric.id);
  // Age 0 of a share is everybody, which would drown the rest of the ramp.
  const shown = [...byCohort.values()].flatMap((cells) =>
    ages.filter((a) => !isShare || a > 0).map((a) => toNumber(valueAt(cells.get(a))) ?? 0),
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
          const row = byCohort.get(cohort)?.get(age);
          const value = valueAt(row);
          const asked = row === undefined ? null : askedOf(row, false);
          return {
            value: isShare && age === 0 ? (value === null ? null : 0) : toNumber(value),
            content: asked && <Figure asked={asked} />,
          };
        }),
      }))}
    />
  );
}
