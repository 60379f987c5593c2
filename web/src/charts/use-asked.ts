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
): (row: number, isPrevious: boolean, of?: CatalogMetric) => Asked | null {
  const lang = useLang();
  const { placeOf } = useLabels(grain, currency);
  // Of several metrics of an answer each number is one of its own metric.
  return (row, isPrevious, of = metric) => {
    const value = of ? cellOf(answer, answer.rows[row], isPrevious ? `${of.id}_previous` : of.id) : null;
    const alone = of ? { ...question, metrics: [of.id] } : question;
    const narrowed = narrow(answer, alone, row, grain, isPrevious);
    if (!of || value === null || !narrowed) return null;
    return {
      title: pickText(of.name, lang),
      value,
      unit: of.unit,
      currency,
      status: isPrevious ? undefined : answer.row_status[row],
      few: fewAt(answer, row, isPrevious ? `${of.id}_previous` : of.id),
      ...narrowed,
      filter: placeOf(answer, row),
    };
  };
}
