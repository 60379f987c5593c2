// Any answer as a table: the other view of every chart.
import { useTranslation } from "react-i18next";
import type { Answer, CatalogMetric, Grain, Question, Value } from "../api/types";
import { findMetric, useCatalog } from "../ui/catalog";
import { Change } from "../ui/change";
import { Exact, Figure } from "../ui/figure";
import { useLabels } from "./labels";
import { useAsked } from "./use-asked";

/** More rows than anybody reads; they would only slow the page down. */
const MAX_ROWS = 1000;

export function AnswerTable({
  answer,
  question,
  grain,
  currency,
  caption,
  onNarrow,
}: {
  answer: Answer;
  question: Question;
  grain?: Grain | null | undefined;
  currency?: string | undefined;
  caption: string;
  /** What happens when a value of a dimension is chosen; without it none can be. */
  onNarrow?: (path: string, value: Value) => void;
}) {
  const { t } = useTranslation();
  const catalog = useCatalog();
  const { nameOf, textOf } = useLabels(grain, currency, question.compare);
  const metricOf = (name: string): CatalogMetric | undefined =>
    findMetric(catalog, name.replace(/_(previous|change)$/, ""));
  const asked = useAsked(answer, metricOf(question.metrics[0] ?? ""), question, grain, currency);
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table className="table">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {answer.columns.map((c) => (
              <th key={c.name} scope="col" className={c.role === "metric" ? "num" : undefined}>
                {nameOf(c)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.slice(0, MAX_ROWS).map((row, r) => (
            <tr key={r} className={answer.row_status[r] === "open" ? "open" : undefined}>
              {answer.columns.map((c, i) => {
                if (c.name.endsWith("_change"))
                  return (
                    <td key={c.name} className="num">
                      <Change
                        change={row[i]}
                        unit={metricOf(c.name)?.unit ?? c.unit}
                        direction={metricOf(c.name)?.direction ?? "band"}
                      />
                    </td>
                  );
                const shown = textOf(c, row[i]);
                const drilled =
                  c.role === "metric" ? asked(r, c.name.endsWith("_previous"), metricOf(c.name)) : null;
                if (drilled)
                  return (
                    <td key={c.name} className="num">
                      <Figure asked={drilled} />
                    </td>
                  );
                return (
                  <td key={c.name} className={c.role === "metric" ? "num" : undefined}>
                    {onNarrow && c.role === "dimension" && c.name !== "period" ? (
                      <button type="button" className="link" onClick={() => onNarrow(c.name, row[i] ?? null)}>
                        {shown.text}
                      </button>
                    ) : (
                      <Exact shown={shown} />
                    )}
                    {i === 0 && answer.row_status[r] === "open" && (
                      <span className="chip open">{t("status.open")}</span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {answer.small.length > 0 && <p className="note">{t("answer.fewNote")}</p>}
      {(answer.truncated || answer.rows.length > MAX_ROWS) && (
        <p className="note">{t("answer.truncated", { n: Math.min(MAX_ROWS, answer.rows.length) })}</p>
      )}
    </div>
  );
}
