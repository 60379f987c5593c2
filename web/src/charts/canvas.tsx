// A chart on a canvas. Screen readers hear its label; the table view beside it
// carries the numbers.
import { useEffect, useRef } from "react";
import type { EChartsCoreOption, EChartsType } from "./echarts";

export function Canvas({
  option,
  label,
  height,
}: {
  option: EChartsCoreOption;
  label: string;
  height: number;
}) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  const latest = useRef(option);
  latest.current = option;

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    let gone = false;
    const sizes = new ResizeObserver(() => chart.current?.resize());
    void import("./echarts").then(({ init }) => {
      if (gone) return;
      chart.current = init(element);
      chart.current.setOption(latest.current);
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

  return <div ref={host} role="img" aria-label={label} style={{ height }} className="canvas" />;
}
