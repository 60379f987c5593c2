// ECharts options for an answer. Pure: values in, option out.
import type { Answer, Grain, Unit } from "../api/types";
import type { Lang } from "../ui/format";
import { showValue, toNumber } from "../ui/format";
import { showGrain } from "../ui/period";
import type { EChartsCoreOption } from "./echarts";
import { columnAt, seriesOf } from "./shape";

/** As many as there are colours that can be told apart. */
export const MAX_LINES = 8;
export const PALETTE = [
  "#1f4fd1",
  "#c2571a",
  "#0b7a6b",
  "#8a3fb0",
  "#8c6d00",
  "#b02a5b",
  "#44688a",
  "#5b6b1f",
];
const FONT =
  'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';
const INK = "#4a5566";
const RULE = "#e4e8ee";
const PALE = "#9aa5b5";

const escapeHtml = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

type Words = { previous: string; open: string; none: string };
type Context = {
  unit: Unit | string;
  lang: Lang;
  currency?: string | undefined;
  words: Words;
  names: (value: string) => string;
};

const hatch = {
  symbol: "rect",
  dashArrayX: [1, 0],
  dashArrayY: [3, 4],
  rotation: -Math.PI / 4,
  color: "rgba(255,255,255,0.75)",
};

function frame(context: Context): EChartsCoreOption {
  const axisText = (v: number) => showValue(v, context.unit, context.lang).text;
  return {
    animation: false,
    color: PALETTE,
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    textStyle: { fontFamily: FONT },
    aria: { enabled: false },
    yAxis: {
      type: "value",
      axisLabel: { color: INK, fontSize: 12, formatter: axisText },
      splitLine: { lineStyle: { color: RULE } },
      splitNumber: 4,
    },
  };
}

export function lineOption(
  answer: Answer,
  metric: string,
  grain: Grain | null | undefined,
  context: Context,
): EChartsCoreOption {
  const { periods, series } = seriesOf(answer, metric);
  const open = periods.map((p) => {
    const at = columnAt(answer, "period");
    return answer.rows.some((r, i) => r[at] === p && answer.row_status[i] === "open");
  });
  const firstOpen = open.indexOf(true);
  const several = series.filter((s) => !s.isPrevious).length > 1;
  const drawn = series.slice(0, MAX_LINES).flatMap((s) => {
    const name = s.isPrevious
      ? context.words.previous
      : several
        ? context.names(s.name)
        : context.names(metric);
    const data = s.values.map((v) => toNumber(v));
    const style = s.isPrevious
      ? { itemStyle: { color: PALE }, lineStyle: { color: PALE, width: 1.25 } }
      : { lineStyle: { width: 2 } };
    const base = {
      name,
      type: "line",
      symbol: "circle",
      symbolSize: 5,
      showSymbol: periods.length <= 36,
      z: s.isPrevious ? 1 : 2,
      ...style,
    };
    if (firstOpen < 0 || s.isPrevious) return [{ ...base, data }];
    // The running period is a dashed tail of its own series.
    return [
      { ...base, data: data.map((v, i) => (open[i] ? null : v)) },
      {
        ...base,
        data: data.map((v, i) => (open[i] || open[i + 1] ? v : null)),
        lineStyle: { width: 2, type: [3, 4] },
        symbol: "emptyCircle",
        showSymbol: true,
        tooltip: { show: false },
        color: PALETTE[series.filter((x) => !x.isPrevious).indexOf(s) % PALETTE.length],
      },
    ];
  });
  // Two entries of one name would take two colours; the tail takes its line's.
  let colour = 0;
  for (const s of drawn) {
    if ("color" in s || s.name === context.words.previous) continue;
    Object.assign(s, { color: PALETTE[colour++ % PALETTE.length] });
  }
  const frameOption = frame(context);
  return {
    ...frameOption,
    legend:
      drawn.length > 1 && (several || series.some((s) => s.isPrevious))
        ? {
            top: 0,
            left: 0,
            type: "scroll",
            icon: "roundRect",
            itemWidth: 14,
            itemHeight: 4,
            textStyle: { color: INK, fontSize: 12 },
          }
        : undefined,
    grid: { left: 8, right: 16, top: several || series.length > 1 ? 40 : 16, bottom: 8, containLabel: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: periods,
      axisLabel: {
        color: INK,
        fontSize: 12,
        hideOverlap: true,
        formatter: (p: string) => shortPeriod(p, grain, context.lang),
      },
      axisLine: { lineStyle: { color: RULE } },
      axisTick: { show: false },
    },
    tooltip: {
      trigger: "axis",
      confine: true,
      formatter: (points: { seriesName: string; dataIndex: number; color: string }[]) => {
        const index = points[0]?.dataIndex ?? 0;
        const lines = series.slice(0, MAX_LINES).map((s) => {
          const name = s.isPrevious
            ? context.words.previous
            : several
              ? context.names(s.name)
              : context.names(metric);
          const value = s.values[index];
          const shown = showValue(value ?? null, context.unit, context.lang, context.currency);
          return `${escapeHtml(name)}: <b>${escapeHtml(shown.exact || shown.text)}</b>`;
        });
        const note = open[index] ? ` (${escapeHtml(context.words.open)})` : "";
        return `${escapeHtml(showGrain(periods[index] ?? "", grain, context.lang))}${note}<br>${lines.join("<br>")}`;
      },
    },
    series: drawn,
  };
}

function shortPeriod(start: string, grain: Grain | null | undefined, lang: Lang): string {
  const [year = "", month = "", day = ""] = start.split("-");
  if (grain === "year") return year;
  if (grain === "quarter") return `${year.slice(2)}Q${Math.ceil(Number(month) / 3)}`;
  if (grain === "month")
    return month === "01" ? year : lang === "zh" ? `${Number(month)}月` : `${year.slice(2)}-${month}`;
  return `${month}-${day}`;
}

export const MAX_BARS = 20;

export function barOption(answer: Answer, metric: string, context: Context): EChartsCoreOption {
  const value = columnAt(answer, metric);
  const before = columnAt(answer, `${metric}_previous`);
  const dims = answer.columns.flatMap((c, i) => (c.role === "dimension" ? [i] : []));
  const rows = answer.rows
    .map((row, i) => ({ row, status: answer.row_status[i] }))
    .sort((a, b) => (toNumber(b.row[value]) ?? 0) - (toNumber(a.row[value]) ?? 0))
    .slice(0, MAX_BARS)
    .reverse();
  const label = (row: (typeof rows)[number]["row"]) =>
    dims
      .map((i) => (row[i] === null || row[i] === "" ? context.words.none : context.names(String(row[i]))))
      .join(" · ");
  return {
    ...frame(context),
    grid: { left: 8, right: 64, top: before >= 0 ? 36 : 4, bottom: 4, containLabel: true },
    legend:
      before >= 0
        ? {
            top: 0,
            left: 0,
            icon: "roundRect",
            itemWidth: 14,
            itemHeight: 4,
            textStyle: { color: INK, fontSize: 12 },
          }
        : undefined,
    yAxis: {
      type: "category",
      data: rows.map(({ row }) => label(row)),
      axisLabel: { color: INK, fontSize: 12, width: 140, overflow: "truncate" },
      axisLine: { lineStyle: { color: RULE } },
      axisTick: { show: false },
    },
    xAxis: {
      type: "value",
      axisLabel: {
        color: INK,
        fontSize: 12,
        hideOverlap: true,
        formatter: (v: number) => showValue(v, context.unit, context.lang).text,
      },
      splitLine: { lineStyle: { color: RULE } },
    },
    tooltip: {
      trigger: "item",
      confine: true,
      formatter: (point: { name: string; seriesName: string; dataIndex: number; seriesIndex: number }) => {
        const row = rows[point.dataIndex]?.row;
        const shown = showValue(
          row?.[point.seriesIndex === 0 ? value : before],
          context.unit,
          context.lang,
          context.currency,
        );
        return `${escapeHtml(point.name)}<br>${escapeHtml(point.seriesName)}: <b>${escapeHtml(shown.exact || shown.text)}</b>`;
      },
    },
    series: [
      {
        name: context.names(metric),
        type: "bar",
        barMaxWidth: 22,
        data: rows.map(({ row, status }) => ({
          value: toNumber(row[value]),
          itemStyle: status === "open" ? { decal: hatch } : undefined,
        })),
        label: {
          show: true,
          fontSize: 12,
          position: "right",
          color: INK,
          formatter: (p: { value: number | null }) => showValue(p.value, context.unit, context.lang).text,
        },
      },
      ...(before >= 0
        ? [
            {
              name: context.words.previous,
              type: "bar",
              barMaxWidth: 8,
              itemStyle: { color: PALE },
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
  return {
    ...frame(context),
    xAxis: {
      type: "category",
      data: months,
      axisLabel: {
        color: INK,
        fontSize: 12,
        hideOverlap: true,
        formatter: (p: string) => shortPeriod(p, "month", context.lang),
      },
      axisLine: { lineStyle: { color: RULE } },
      axisTick: { show: false },
    },
    tooltip: {
      trigger: "axis",
      confine: true,
      formatter: (points: { dataIndex: number }[]) => {
        const index = points[0]?.dataIndex ?? 0;
        const shown = showValue(values[index] ?? null, context.unit, context.lang, context.currency);
        const note = openLast && index === months.length - 1 ? ` (${escapeHtml(context.words.open)})` : "";
        return `${escapeHtml(showGrain(months[index] ?? "", "month", context.lang))}${note}<br>${escapeHtml(name)}: <b>${escapeHtml(shown.exact || shown.text)}</b>`;
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
            color: (toNumber(v) ?? 0) < 0 ? "#c22a2a" : PALETTE[0],
            decal: openLast && i === values.length - 1 ? hatch : undefined,
          },
        })),
      },
    ],
  };
}
