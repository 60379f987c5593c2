// What all charts share: axes, legend, tooltip, in the colours of the mode.
import type { Unit } from "../api/types";
import type { Colours } from "../ui/colours";
import { type Lang, showValue } from "../ui/format";
import type { EChartsCoreOption } from "./echarts";

const FONT =
  'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

export type Context = {
  unit: Unit | string;
  lang: Lang;
  currency?: string | undefined;
  colours: Colours;
  words: { before: string; open: string; none: string };
  names: (value: string) => string;
};

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] ?? c);

export const hatch = (colours: Colours) => ({
  symbol: "rect",
  dashArrayX: [1, 0],
  dashArrayY: [3, 4],
  rotation: -Math.PI / 4,
  color: colours.hatch,
});

export const label = (colours: Colours) => ({ color: colours.ink2, fontSize: 12 });

export const baseLine = (colours: Colours) => ({ lineStyle: { color: colours.line } });

export const legend = (colours: Colours) => ({
  top: 0,
  left: 0,
  type: "scroll",
  icon: "roundRect",
  itemWidth: 14,
  itemHeight: 4,
  textStyle: label(colours),
  pageTextStyle: label(colours),
  pageIconColor: colours.ink2,
  pageIconInactiveColor: colours.line2,
});

export const tooltip = (colours: Colours) => ({
  confine: true,
  backgroundColor: colours.raised,
  borderColor: colours.line2,
  textStyle: { color: colours.ink, fontSize: 13 },
});

/** A line of a tooltip: the exact value, as it was sent. */
export function tooltipLine(name: string, value: string | number | null, context: Context): string {
  const shown = showValue(value, context.unit, context.lang, context.currency);
  return `${escapeHtml(name)}: <b>${escapeHtml(shown.exact || shown.text)}</b>`;
}

export const axisText = (context: Context) => (v: number) => showValue(v, context.unit, context.lang).text;

export function frame(context: Context): EChartsCoreOption {
  const { colours } = context;
  return {
    animation: false,
    color: colours.series,
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    textStyle: { fontFamily: FONT },
    aria: { enabled: false },
    yAxis: {
      type: "value",
      axisLabel: { ...label(colours), formatter: axisText(context) },
      splitLine: { lineStyle: { color: colours.line } },
      splitNumber: 4,
    },
  };
}
