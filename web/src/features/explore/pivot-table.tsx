// A metric by two dimensions: rows, columns, and margins that are asked for.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { insightQuery } from "../../api/queries";
import type { Answer, CatalogMetric, Grain, Question, Value } from "../../api/types";
import { useLabels } from "../../charts/labels";
import { cellOf, columnAt } from "../../charts/shape";
import { useAsked } from "../../charts/use-asked";
import { useLang } from "../../i18n";
import { Figure } from "../../ui/figure";
import { pickText, showValue } from "../../ui/format";
import { pivotOf, valueAt } from "./pivot";
import type { At } from "./search";

export function PivotTable({
  answer,
  metric,
  question,
  axes: [row, column],
  grain,
  currency,
  onNarrow,
}: {
  answer: Answer;
  metric: CatalogMetric;
  question: Question;
  axes: [row: string, column: string];
  grain: Grain | null;
  currency: string | undefined;
  onNarrow: (path: string, value: At[1]) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const { nameOf, textOf } = useLabels(grain, currency, question.compare);
  const asked = useAsked(answer, metric, question, grain, currency);
  const { sort: _, ...unsorted } = question;
  // Of each row, of each column, and of all.
  const alone = (axis: string): Question => ({
    ...unsorted,
    compare: null,
    by: axis === "period" ? [] : [axis],
    grain: axis === "period" ? grain : null,
  });
  const { data: ofRows } = useQuery(insightQuery(alone(row)));
  const { data: ofColumns } = useQuery(insightQuery(alone(column)));
  const { data: ofAll } = useQuery(insightQuery({ ...unsorted, compare: null, by: [], grain: null }));
  const pivot = pivotOf(answer, row, column);
  const columnOf = (axis: string) => answer.columns[columnAt(answer, axis)];
  const nameOfAxis = (axis: string) => {
    const found = columnOf(axis);
    return found ? nameOf(found) : axis;
  };
  const text = (axis: string, value: Value) => {
    const found = columnOf(axis);
    return found ? textOf(found, value).text : String(value);
  };
  const head = (axis: string, value: Value) =>
    axis === "period" ? (
      text(axis, value)
    ) : (
      <button
        type="button"
        className="link"
        title={t("explore.narrowTo", { name: text(axis, value) })}
        onClick={() => onNarrow(axis, value)}
      >
        {text(axis, value)}
      </button>
    );
  const shown = (value: Value) => showValue(value, metric.unit, lang, currency).text;
  const title = pickText(metric.name, lang);
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
      <table className="table explore-pivot">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">
              {nameOfAxis(row)} × {nameOfAxis(column)}
            </th>
            {pivot.columns.map((value) => (
              <th key={JSON.stringify(value)} scope="col" className="num">
                {head(column, value)}
              </th>
            ))}
            <th scope="col" className="num">
              {t("explore.total")}
            </th>
          </tr>
        </thead>
        <tbody>
          {pivot.rows.map((value, r) => (
            <tr key={JSON.stringify(value)}>
              <th scope="row">{head(row, value)}</th>
              {pivot.columns.map((columnValue, c) => {
                const place = pivot.places[r]?.[c];
                const figure = place === undefined ? null : asked(place, false);
                return (
                  <td key={JSON.stringify(columnValue)} className="num">
                    {figure ? <Figure asked={figure} /> : ""}
                  </td>
                );
              })}
              <td className="num total">{shown(valueAt(ofRows, row, value, metric.id))}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("explore.total")}</th>
            {pivot.columns.map((value) => (
              <td key={JSON.stringify(value)} className="num total">
                {shown(valueAt(ofColumns, column, value, metric.id))}
              </td>
            ))}
            <td className="num total">{ofAll ? shown(cellOf(ofAll, ofAll.rows[0], metric.id)) : ""}</td>
          </tr>
        </tfoot>
      </table>
      {(pivot.allRows > pivot.rows.length || pivot.allColumns > pivot.columns.length || answer.truncated) && (
        <p className="note">
          {t("explore.cut", {
            rows: pivot.rows.length,
            allRows: pivot.allRows,
            columns: pivot.columns.length,
            allColumns: pivot.allColumns,
          })}
        </p>
      )}
    </div>
  );
}
