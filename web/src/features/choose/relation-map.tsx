// The clear relations between metrics as lines between numbered points. The
// table beside it says the same in words.
import type { RelatedPair, Relations } from "../../api/types";

const [WIDTH, HEIGHT] = [360, 260];
const RADIUS = 15;

/** Where the points stand: on an oval, the first at the top. */
function places(n: number): [number, number][] {
  return Array.from({ length: n }, (_, i) => {
    const turn = (2 * Math.PI * i) / n - Math.PI / 2;
    return [WIDTH / 2 + 130 * Math.cos(turn), HEIGHT / 2 + 95 * Math.sin(turn)];
  });
}

export function RelationMap({
  ids,
  relations,
  label,
}: {
  ids: string[];
  relations: Relations;
  label: string;
}) {
  const at = places(ids.length);
  const clear = relations.pairs.filter((pair) => pair.is_clear);
  return (
    <svg className="relation-map" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <defs>
        <marker
          id="relation-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="8"
          markerHeight="8"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      {clear.map((pair) => (
        <Line key={`${pair.first} ${pair.second}`} pair={pair} ids={ids} at={at} />
      ))}
      {at.map(([x, y], i) => (
        <g key={ids[i]}>
          <circle cx={x} cy={y} r={RADIUS} />
          <text x={x} y={y} dy="0.35em" className="point">
            {i + 1}
          </text>
        </g>
      ))}
    </svg>
  );
}

/** From what comes first to what follows, as strong as it is; dashed where one falls when the other rises. */
function Line({ pair, ids, at }: { pair: RelatedPair; ids: string[]; at: [number, number][] }) {
  const months = pair.strongest ?? 0;
  const found = pair.lags.find((lag) => lag.months === months)?.found;
  const [first, second] = [at[ids.indexOf(pair.first)], at[ids.indexOf(pair.second)]];
  if (!found || !first || !second) return null;
  const [from, to] = months < 0 ? [second, first] : [first, second];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const text = months === 0 ? found.r.toFixed(2) : `${found.r.toFixed(2)} · ${Math.abs(months)}`;
  return (
    <g className={found.r < 0 ? "falls" : "rises"}>
      <line
        x1={from[0] + ux * RADIUS}
        y1={from[1] + uy * RADIUS}
        x2={to[0] - ux * (RADIUS + 2)}
        y2={to[1] - uy * (RADIUS + 2)}
        strokeWidth={1 + 3 * Math.abs(found.r)}
        markerEnd={months === 0 ? undefined : "url(#relation-arrow)"}
      />
      <text x={from[0] + dx * 0.4} y={from[1] + dy * 0.4} dy="-0.4em">
        {text}
      </text>
    </g>
  );
}
