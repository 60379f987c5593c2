// How a column of an answer and the values of a dimension are called.
import { useTranslation } from "react-i18next";
import type { Answer, AnswerColumn, Catalog, Grain, Question, Value } from "../api/types";
import { useLang } from "../i18n";
import { findField, findMetric, useCatalog } from "../ui/catalog";
import { type Lang, pickText, showValue } from "../ui/format";
import { showGrain } from "../ui/period";

const OWN_DIMENSIONS = ["period", "cohort", "age"] as const;

export function dimensionName(catalog: Catalog, path: string, lang: Lang): string {
  const field = findField(catalog, path);
  const owner = path.includes(".") ? catalog.objects.find((o) => o.id === path.split(".").at(-2)) : undefined;
  const name = field ? pickText(field.name, lang) : path;
  const prefix = owner ? pickText(owner.name, lang) : "";
  if (!prefix || name.includes(prefix)) return name;
  return lang === "zh" ? `${prefix}${name}` : `${prefix}: ${name}`;
}

/** Names for the columns and texts for the cells of any answer. */
export function useLabels(grain: Grain | null | undefined, currency?: string, compare?: Question["compare"]) {
  const { t } = useTranslation();
  const catalog = useCatalog();
  const lang = useLang();

  const before = compare === "year" ? t("compare.yearBefore") : t("compare.previous");

  const nameOf = (column: AnswerColumn): string => {
    const own = OWN_DIMENSIONS.find((d) => d === column.name);
    if (own) return t(`dimension.${own}`);
    if (column.role === "dimension") return dimensionName(catalog, column.name, lang);
    const match = /^(.*)_(previous|change)$/.exec(column.name);
    if (match?.[2] === "previous") return before;
    if (match?.[2] === "change") return t("compare.change");
    const metric = findMetric(catalog, column.name);
    return metric ? pickText(metric.name, lang) : column.name;
  };

  const textOf = (column: AnswerColumn, value: Value | undefined): { text: string; exact: string } => {
    if (column.role === "metric") return showValue(value, column.unit, lang, currency);
    if (value === null || value === undefined || value === "")
      return { text: t("dimension.none"), exact: "" };
    if (column.name === "period")
      return { text: showGrain(String(value), grain, lang), exact: String(value) };
    if (column.name === "cohort")
      return { text: showGrain(String(value), "month", lang), exact: String(value) };
    const option = findField(catalog, column.name)?.options?.find((o) => o.value === value);
    return { text: option?.[lang] ?? String(value), exact: "" };
  };

  /** Where a row stands, in words: each dimension with its value, the period aside. */
  const placeOf = (answer: Answer, row: number): [string, string][] =>
    answer.columns.flatMap((c, i): [string, string][] =>
      c.role === "dimension" && c.name !== "period"
        ? [[nameOf(c), textOf(c, answer.rows[row]?.[i]).text]]
        : [],
    );

  return { nameOf, textOf, placeOf, before };
}
