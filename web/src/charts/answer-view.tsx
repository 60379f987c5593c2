// Shows any answer by its shape: time is a line, categories are sorted bars,
// cohort × age is a heat table, one number is a tile.
import { useTranslation } from "react-i18next";
import type { Answer, CatalogMetric, Grain, Question } from "../api/types";
import { useLang } from "../i18n";
import { Change } from "../ui/change";
import { COLOURS } from "../ui/colours";
import { useExplain } from "../ui/explain";
import { Figure } from "../ui/figure";
import { pickText } from "../ui/format";
import { useMode } from "../ui/mode";
import { barOption, barRows, MAX_BARS } from "./bar";
import { Canvas } from "./canvas";
import { CohortTable } from "./cohort-table";
import { useLabels } from "./labels";
import { lineOption, MAX_LINES, nearest } from "./line";
import { cellOf, seriesOf, shapeOf } from "./shape";
import { useAsked } from "./use-asked";

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
  const colours = COLOURS[useMode()];
  const explain = useExplain();
  const { textOf, before } = useLabels(grain, currency, question.compare);
  const askedOf = useAsked(answer, metric, question, grain, currency);
  const title = pickText(metric.name, lang);
  const other = answer.columns.find((c) => c.role === "dimension" && c.name !== "period");
  const context = {
    unit: metric.unit,
    lang,
    currency,
    colours,
    words: { before, open: t("status.open"), none: t("dimension.none") },
    names: (value: string) =>
      value === metric.id ? title : other ? textOf(other, value === "–" ? null : value).text : value,
  };
  const pick = (row: number | undefined, isPrevious: boolean) => {
    const asked = row === undefined ? null : askedOf(row, isPrevious);
    if (asked) explain(asked);
  };
  switch (shapeOf(answer)) {
    case "empty":
      return <p className="nothing">{t("answer.empty")}</p>;
    case "tile":
      return (
        <div className="tile">
          <Figure
            className="big"
            asked={{
              title,
              value: cellOf(answer, answer.rows[0], metric.id),
              unit: metric.unit,
              question,
              currency,
              status: answer.status,
            }}
          />
          {answer.compared && (
            <Change
              change={cellOf(answer, answer.rows[0], `${metric.id}_change`)}
              unit={metric.unit}
              direction={metric.direction}
            />
          )}
        </div>
      );
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
            onPick={({ x, y }) => {
              const point = nearest(answer, metric.id, x, y);
              pick(point?.row, point?.isPrevious ?? false);
            }}
          />
          <p className="note">{t("chart.pick")}</p>
          {lines > MAX_LINES && <p className="note">{t("chart.linesCut", { n: MAX_LINES, all: lines })}</p>}
          {lines > 1 && answer.compared && <p className="note">{t("chart.comparedInTable")}</p>}
        </>
      );
    }
    case "bar": {
      const rows = barRows(answer, metric.id).reverse();
      return (
        <>
          <Canvas
            height={Math.max(160, rows.length * 30 + 60)}
            label={t("chart.bar", { name: title })}
            option={barOption(answer, metric.id, context)}
            onPick={({ y, series }) => pick(rows[Math.round(y)], series === 1)}
          />
          <p className="note">{t("chart.pick")}</p>
          {answer.rows.length > MAX_BARS && (
            <p className="note">{t("chart.barsCut", { n: MAX_BARS, all: answer.rows.length })}</p>
          )}
        </>
      );
    }
  }
}
