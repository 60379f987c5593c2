// A metric over time: one line per value of the other dimension, and the
// compared span as a thin muted one. Pure: an answer in, an option out.
import type { Answer, Grain } from "../api/types";
import { type Lang, toNumber } from "../ui/format";
import { showGrain } from "../ui/period";
import type { EChartsCoreOption } from "./echarts";
import { baseLine, type Context, escapeHtml, frame, label, legend, tooltip, tooltipLine } from "./frame";
import { columnAt, type Series, seriesOf } from "./shape";

/** As many as there are colours that can be told apart. */
export const MAX_LINES = 8;

export function shortPeriod(start: string, grain: Grain | null | undefined, lang: Lang): string {
  const [year = "", month = "", day = ""] = start.split("-");
  if (grain === "year") return year;
  if (grain === "quarter") return `${year.slice(2)}Q${Math.ceil(Number(month) / 3)}`;
  if (grain === "month")
    return month === "01" ? year : lang === "zh" ? `${Number(month)}月` : `${year.slice(2)}-${month}`;
  return `${month}-${day}`;
}

export function lineOption(
  answer: Answer,
  metric: string,
  grain: Grain | null | undefined,
  context: Context,
): EChartsCoreOption {
  const { colours, words } = context;
  const { periods, series } = seriesOf(answer, metric);
  const at = columnAt(answer, "period");
  const open = periods.map((p) => answer.rows.some((r, i) => r[at] === p && answer.row_status[i] === "open"));
  const hasOpen = open.includes(true);
  const lines = series.filter((s) => !s.isPrevious).slice(0, MAX_LINES);
  const before = series.filter((s) => s.isPrevious).slice(0, 1);
  const several = lines.length > 1;
  const nameOf = (s: Series) =>
    s.isPrevious ? words.before : several ? context.names(s.name) : context.names(metric);
  const drawn = [
    ...lines.flatMap((s, i) => draw(s, nameOf(s), colours.series[i % colours.series.length] as string)),
    ...before.map((s) => ({
      ...base(s, nameOf(s), colours.muted),
      lineStyle: { color: colours.muted, width: 1.25 },
      symbolSize: 4,
      data: s.values.map(toNumber),
      z: 1,
    })),
  ];
  const hasLegend = several || before.length > 0;
  return {
    ...frame(context),
    legend: hasLegend ? legend(colours) : undefined,
    grid: { left: 8, right: 16, top: hasLegend ? 40 : 16, bottom: 8, containLabel: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: periods,
      axisLabel: {
        ...label(colours),
        hideOverlap: true,
        formatter: (p: string) => shortPeriod(p, grain, context.lang),
      },
      axisLine: baseLine(colours),
      axisTick: { show: false },
    },
    tooltip: {
      ...tooltip(colours),
      trigger: "axis",
      formatter: (points: { dataIndex: number }[]) => {
        const index = points[0]?.dataIndex ?? 0;
        const texts = [...lines, ...before].map((s) =>
          tooltipLine(nameOf(s), s.values[index] ?? null, context),
        );
        const note = open[index] ? ` (${escapeHtml(words.open)})` : "";
        const title = escapeHtml(showGrain(periods[index] ?? "", grain, context.lang));
        return `${title}${note}<br>${texts.join("<br>")}`;
      },
    },
    series: drawn,
  };

  function base(s: Series, name: string, color: string) {
    return {
      name,
      type: "line",
      symbol: "circle",
      symbolSize: 6,
      showSymbol: s.values.length <= 36,
      z: 2,
      color,
      cursor: "pointer",
      lineStyle: { width: 2 } as { width: number; type?: number[]; color?: string },
    };
  }

  /** The running period is a dashed tail of its own series. */
  function draw(s: Series, name: string, color: string) {
    const data = s.values.map(toNumber);
    const line = base(s, name, color);
    if (!hasOpen) return [{ ...line, data }];
    const tail = data.map((v, i) => (open[i] || open[i + 1] ? v : null));
    return [
      { ...line, data: data.map((v, i) => (open[i] ? null : v)) },
      {
        ...line,
        data: tail,
        lineStyle: { width: 2, type: [3, 4] },
        symbol: "emptyCircle",
        showSymbol: true,
      },
    ];
  }
}

/** The point of the chart nearest to where it was clicked, in units of its axes. */
export function nearest(
  answer: Answer,
  metric: string,
  x: number,
  y: number,
): { row: number; isPrevious: boolean } | null {
  const { series } = seriesOf(answer, metric);
  const index = Math.round(x);
  const lines = series.filter((s) => !s.isPrevious).slice(0, MAX_LINES);
  const points = [...lines, ...series.filter((s) => s.isPrevious)].flatMap((s) => {
    const value = toNumber(s.values[index]);
    const row = s.rows[index];
    return value === null || row === undefined ? [] : [{ row, isPrevious: s.isPrevious, value }];
  });
  points.sort((a, b) => Math.abs(a.value - y) - Math.abs(b.value - y));
  return points[0] ?? null;
}
