// A chart on a canvas. Screen readers hear its label; the table view beside it
// carries the numbers, and every click has its button there.
import { useEffect, useRef } from "react";
import type { EChartsCoreOption, EChartsType } from "./echarts";

/** Where a chart was clicked: in units of its axes, and on which series if on one. */
export type Pick = { x: number; y: number; series: number | undefined };

export function Canvas({
  option,
  label,
  height,
  onPick,
}: {
  option: EChartsCoreOption;
  label: string;
  height: number;
  onPick?: (pick: Pick) => void;
}) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const latest = useRef({ option, onPick });
  latest.current = { option, onPick };

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    let gone = false;
    const sizes = new ResizeObserver(() => chart.current?.resize());
    void import("./echarts").then(({ init }) => {
      if (gone) return;
      const made = init(element);
      chart.current = made;
      made.setOption(latest.current.option);
      // The chart's own event comes first and names the series; the canvas's
      // comes for every click and knows the place.
      let series: number | undefined;
      made.on("click", (event) => {
        series = event.seriesIndex;
      });
      made.getZr().on("click", (event) => {
        const place = [event.offsetX, event.offsetY];
        const [x, y] = made.convertFromPixel("grid", place) as number[];
        if (x !== undefined && y !== undefined && (series !== undefined || made.containPixel("grid", place)))
          latest.current.onPick?.({ x, y, series });
        series = undefined;
      });
      sizes.observe(element);
    });
    return () => {
      gone = true;
      sizes.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(option, { notMerge: true });
  }, [option]);

  return (
    <div
      ref={host}
      role="img"
      aria-label={label}
      style={{ height }}
      className={onPick ? "canvas pickable" : "canvas"}
    />
  );
}
