// One value of an answer as something that can be asked: the number, the
// question about exactly it, and both in words.
import type { Answer, CatalogMetric, Grain, Question } from "../api/types";
import { useLang } from "../i18n";
import type { Asked } from "../ui/explain";
import { pickText } from "../ui/format";
import { drill, drillCohort } from "./drill";
import { useLabels } from "./labels";
import { cellOf, fewAt } from "./shape";

function narrow(
  answer: Answer,
  question: Question,
  row: number,
  grain: Grain | null | undefined,
  isPrevious: boolean,
): { question: Question; since?: string } | null {
  const cohort = cellOf(answer, answer.rows[row], "cohort");
  if (cohort !== null) {
    const age = Number(cellOf(answer, answer.rows[row], "age"));
    return drillCohort(question, String(cohort), age, answer.as_of);
  }
  const narrowed = drill(answer, question, row, grain, isPrevious);
  return narrowed && { question: narrowed };
}

export function useAsked(
  answer: Answer,
  metric: CatalogMetric | undefined,
  question: Question,
  grain: Grain | null | undefined,
  currency: string | undefined,
): (row: number, isPrevious: boolean) => Asked | null {
  const lang = useLang();
  const { placeOf } = useLabels(grain, currency);
  return (row, isPrevious) => {
    const value = metric
      ? cellOf(answer, answer.rows[row], isPrevious ? `${metric.id}_previous` : metric.id)
      : null;
    const narrowed = narrow(answer, question, row, grain, isPrevious);
    if (!metric || value === null || !narrowed) return null;
    return {
      title: pickText(metric.name, lang),
      value,
      unit: metric.unit,
      currency,
      status: isPrevious ? undefined : answer.row_status[row],
      few: fewAt(answer, row, isPrevious ? `${metric.id}_previous` : metric.id),
      ...narrowed,
      filter: placeOf(answer, row),
    };
  };
}
