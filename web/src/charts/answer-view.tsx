// Shows any answer by its shape: time is a line, categories are sorted bars,
// cohort × age is a heat table, one number is a tile.
import { useTranslation } from "react-i18next";
import type { Answer, CatalogMetric, Grain, Question } from "../api/types";
import { useLang } from "../i18n";
import { Change } from "../ui/change";
import { Figure } from "../ui/figure";
import { pickText } from "../ui/format";
import { Canvas } from "./canvas";
import { CohortTable } from "./cohort-table";
import { useLabels } from "./labels";
import { barOption, lineOption, MAX_BARS, MAX_LINES } from "./options";
import { cellOf, seriesOf, shapeOf } from "./shape";

export function AnswerView({
  answer,
  metric,
  question,
  grain,
  currency,
}: {
  answer: Answer;
  metric: CatalogMetric;
  question: Question;
  grain?: Grain | null | undefined;
  currency?: string | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const { textOf } = useLabels(grain, currency);
  const title = pickText(metric.name, lang);
  const shape = shapeOf(answer);
  const other = answer.columns.find((c) => c.role === "dimension" && c.name !== "period");
  const context = {
    unit: metric.unit,
    lang,
    currency,
    words: { previous: t("compare.previous"), open: t("status.open"), none: t("dimension.none") },
    names: (value: string) =>
      value === metric.id ? title : other ? textOf(other, value === "–" ? null : value).text : value,
  };
  switch (shape) {
    case "empty":
      return <p className="nothing">{t("answer.empty")}</p>;
    case "tile": {
      const value = cellOf(answer, answer.rows[0], metric.id);
      const change = cellOf(answer, answer.rows[0], `${metric.id}_change`);
      return (
        <div className="tile">
          <Figure
            className="big"
            asked={{ title, value, unit: metric.unit, question, currency, status: answer.status }}
          />
          {answer.compared && <Change change={change} unit={metric.unit} direction={metric.direction} />}
        </div>
      );
    }
    case "heat":
      return <CohortTable answer={answer} metric={metric} question={question} />;
    case "line": {
      const lines = seriesOf(answer, metric.id).series.filter((line) => !line.isPrevious).length;
      return (
        <>
          <Canvas
            height={340}
            label={t("chart.line", { name: title })}
            option={lineOption(answer, metric.id, grain, context)}
          />
          {lines > MAX_LINES && <p className="note">{t("chart.linesCut", { n: MAX_LINES, all: lines })}</p>}
        </>
      );
    }
    case "bar": {
      const rows = Math.min(answer.rows.length, MAX_BARS);
      return (
        <>
          <Canvas
            height={Math.max(160, rows * 30 + 60)}
            label={t("chart.bar", { name: title })}
            option={barOption(answer, metric.id, context)}
          />
          {answer.rows.length > MAX_BARS && (
            <p className="note">{t("chart.barsCut", { n: MAX_BARS, all: answer.rows.length })}</p>
          )}
        </>
      );
    }
  }
}
