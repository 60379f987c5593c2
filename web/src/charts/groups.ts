// Groups of records as bars, largest first, as they come.
import { showValue, toNumber } from "../ui/format";
import type { EChartsCoreOption } from "./echarts";
import { axisText, baseLine, type Context, escapeHtml, frame, label, tooltip, tooltipLine } from "./frame";

export type GroupBar = {
  name: string;
  value: string | number | null;
  /** The records without a value, or all that is left. */
  isAside: boolean;
};

export function groupsOption(bars: GroupBar[], name: string, context: Context): EChartsCoreOption {
  const { colours } = context;
  // ECharts draws the first category at the bottom.
  const drawn = [...bars].reverse();
  return {
    ...frame(context),
    grid: { left: 8, right: 72, top: 4, bottom: 4, containLabel: true },
    yAxis: {
      type: "category",
      data: drawn.map((bar) => bar.name),
      axisLabel: { ...label(colours), width: 120, overflow: "truncate" },
      axisLine: baseLine(colours),
      axisTick: { show: false },
    },
    xAxis: {
      type: "value",
      minInterval: context.unit === "count" ? 1 : 0,
      axisLabel: { ...label(colours), hideOverlap: true, formatter: axisText(context) },
      splitLine: { lineStyle: { color: colours.line } },
      splitNumber: 4,
    },
    tooltip: {
      ...tooltip(colours),
      trigger: "item",
      formatter: (point: { dataIndex: number }) => {
        const bar = drawn[point.dataIndex];
        return `${escapeHtml(bar?.name ?? "")}<br>${tooltipLine(name, bar?.value ?? null, context)}`;
      },
    },
    series: [
      {
        name,
        type: "bar",
        barMaxWidth: 22,
        data: drawn.map((bar) => ({
          value: toNumber(bar.value),
          itemStyle: { color: bar.isAside ? colours.muted : colours.series[0] },
        })),
        label: {
          show: true,
          position: "right",
          ...label(colours),
          formatter: (p: { value: number | null }) => showValue(p.value, context.unit, context.lang).text,
        },
      },
    ],
  };
}
