// Categories as sorted bars, and one customer's months as columns.
import type { Answer } from "../api/types";
import { showValue, toNumber } from "../ui/format";
import { showGrain } from "../ui/period";
import type { EChartsCoreOption } from "./echarts";
import {
  axisText,
  baseLine,
  type Context,
  escapeHtml,
  frame,
  hatch,
  label,
  legend,
  tooltip,
  tooltipLine,
} from "./frame";
import { shortPeriod } from "./line";
import { columnAt } from "./shape";

export const MAX_BARS = 20;

/** The rows that are drawn, largest first; each with its place in the answer. */
export function barRows(answer: Answer, metric: string): number[] {
  const value = columnAt(answer, metric);
  const size = (row: number) => toNumber(answer.rows[row]?.[value]) ?? 0;
  return answer.rows
    .map((_, row) => row)
    .sort((a, b) => size(b) - size(a))
    .slice(0, MAX_BARS);
}

export function barOption(answer: Answer, metric: string, context: Context): EChartsCoreOption {
  const { colours, words } = context;
  const value = columnAt(answer, metric);
  const before = columnAt(answer, `${metric}_previous`);
  const dims = answer.columns.flatMap((c, i) => (c.role === "dimension" ? [i] : []));
  // ECharts draws the first category at the bottom.
  const rows = barRows(answer, metric)
    .reverse()
    .map((i) => ({ row: answer.rows[i] ?? [], status: answer.row_status[i] }));
  const name = (row: (typeof rows)[number]["row"]) =>
    dims
      .map((i) => (row[i] === null || row[i] === "" ? words.none : context.names(String(row[i]))))
      .join(" · ");
  const short = axisText(context);
  return {
    ...frame(context),
    grid: { left: 8, right: 72, top: before >= 0 ? 36 : 4, bottom: 4, containLabel: true },
    legend: before >= 0 ? legend(colours) : undefined,
    yAxis: {
      type: "category",
      data: rows.map(({ row }) => name(row)),
      axisLabel: { ...label(colours), width: 120, overflow: "truncate" },
      axisLine: baseLine(colours),
      axisTick: { show: false },
    },
    xAxis: {
      type: "value",
      axisLabel: { ...label(colours), hideOverlap: true, formatter: short },
      splitLine: { lineStyle: { color: colours.line } },
      splitNumber: 4,
    },
    tooltip: {
      ...tooltip(colours),
      trigger: "item",
      formatter: (point: { name: string; seriesName: string; dataIndex: number; seriesIndex: number }) => {
        const cell = rows[point.dataIndex]?.row[point.seriesIndex === 0 ? value : before] ?? null;
        const shown = typeof cell === "boolean" ? null : cell;
        return `${escapeHtml(point.name)}<br>${tooltipLine(point.seriesName, shown, context)}`;
      },
    },
    series: [
      {
        name: context.names(metric),
        type: "bar",
        barMaxWidth: 22,
        data: rows.map(({ row, status }) => ({
          value: toNumber(row[value]),
          itemStyle: status === "open" ? { decal: hatch(colours) } : undefined,
        })),
        label: {
          show: true,
          position: "right",
          ...label(colours),
          formatter: (p: { value: number | null }) => showValue(p.value, context.unit, context.lang).text,
        },
      },
      ...(before >= 0
        ? [
            {
              name: words.before,
              type: "bar",
              barMaxWidth: 8,
              itemStyle: { color: colours.muted },
              data: rows.map(({ row }) => toNumber(row[before])),
            },
          ]
        : []),
    ],
  };
}

/** Columns over months, for one customer. The last month may be running. */
export function columnsOption(
  months: string[],
  values: (string | null)[],
  name: string,
  openLast: boolean,
  context: Context,
): EChartsCoreOption {
  const { colours } = context;
  const isOpen = (index: number) => openLast && index === months.length - 1;
  return {
    ...frame(context),
    xAxis: {
      type: "category",
      data: months,
      axisLabel: {
        ...label(colours),
        hideOverlap: true,
        formatter: (p: string) => shortPeriod(p, "month", context.lang),
      },
      axisLine: baseLine(colours),
      axisTick: { show: false },
    },
    tooltip: {
      ...tooltip(colours),
      trigger: "axis",
      formatter: (points: { dataIndex: number }[]) => {
        const index = points[0]?.dataIndex ?? 0;
        const note = isOpen(index) ? ` (${escapeHtml(context.words.open)})` : "";
        const title = escapeHtml(showGrain(months[index] ?? "", "month", context.lang));
        return `${title}${note}<br>${tooltipLine(name, values[index] ?? null, context)}`;
      },
    },
    series: [
      {
        name,
        type: "bar",
        barMaxWidth: 24,
        data: values.map((v, i) => ({
          value: toNumber(v),
          itemStyle: {
            color: (toNumber(v) ?? 0) < 0 ? colours.bad : colours.series[0],
            decal: isOpen(i) ? hatch(colours) : undefined,
          },
        })),
      },
    ],
  };
}
