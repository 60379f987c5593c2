// A heat table with numbers in its cells: HTML, so that it can be read aloud,
// copied and used by keyboard. `list` turns each row into a card on a phone.
import type { ReactNode } from "react";

export type HeatCell = {
  /** What the shade shows; null leaves the cell blank. */
  value: number | null;
  content: ReactNode;
  title?: string;
};

export type HeatRow = { key: string; label: ReactNode; lead?: ReactNode; cells: HeatCell[] };

/** The share of the largest value as one of eight shades; 0 is no colour. */
export function shade(value: number | null, max: number): number {
  if (value === null || value <= 0 || max <= 0) return 0;
  return Math.min(8, Math.max(1, Math.ceil((value / max) * 8)));
}

export function HeatTable({
  caption,
  corner,
  leadHead,
  heads,
  rows,
  max,
  list = false,
}: {
  caption: string;
  corner: ReactNode;
  leadHead?: string;
  heads: string[];
  rows: HeatRow[];
  /** The value of the darkest shade; the largest of all cells when absent. */
  max?: number;
  list?: boolean;
}) {
  const top = max ?? Math.max(0, ...rows.flatMap((r) => r.cells.map((c) => c.value ?? 0)));
  return (
    <div className="heat-scroll" tabIndex={0} role="region" aria-label={caption}>
      <table className={list ? "heat as-list" : "heat"}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {leadHead && <th scope="col">{leadHead}</th>}
            {heads.map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key}>
              <th scope="row">{row.label}</th>
              {leadHead && (
                <td className="lead" data-head={leadHead}>
                  {row.lead}
                </td>
              )}
              {row.cells.map((cell, i) => (
                <td
                  key={heads[i]}
                  data-head={heads[i]}
                  className={cell.value === null ? "blank" : `shade-${shade(cell.value, top)}`}
                  title={cell.title}
                >
                  {cell.value === null ? null : cell.content}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
