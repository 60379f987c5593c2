// A small trend of one metric, drawn as SVG. The last, running period is dashed.
export function Spark({
  values,
  openLast,
  label,
}: {
  values: (number | null)[];
  openLast: boolean;
  label: string;
}) {
  const known = values.filter((v): v is number => v !== null);
  if (known.length < 2) return <div className="spark" />;
  const low = Math.min(0, ...known);
  const high = Math.max(...known);
  const x = (i: number) => 2 + (i / (values.length - 1)) * 116;
  const y = (v: number) => 30 - ((v - low) / (high - low || 1)) * 26;
  const points = values.map((v, i) => (v === null ? null : ([x(i), y(v)] as const)));
  const full = points.slice(0, openLast ? -1 : undefined).filter((p) => p !== null);
  const last = points.at(-1);
  const before = full.at(-1);
  return (
    <svg className="spark" viewBox="0 0 120 34" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline points={full.map((p) => p.join(",")).join(" ")} vectorEffect="non-scaling-stroke" />
      {openLast && last && before && (
        <polyline
          className="open"
          points={`${before.join(",")} ${last.join(",")}`}
          vectorEffect="non-scaling-stroke"
        />
      )}
    </svg>
  );
}
