// A scroll window over any number of rows. Browsers stop at about 33 million
// pixels of height and lose what lies beyond without an error; past the cap
// the scroll position is scaled to the row index, so every row stays in reach.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";

const MAX_HEIGHT = 30_000_000;

/** The first row to show where `first` of `virtual` drawn rows is on top. */
export function scaledFirst(first: number, virtual: number, total: number, visible: number): number {
  if (virtual >= total) return first;
  const span = Math.max(1, virtual - visible);
  return Math.round((Math.min(first, span) / span) * Math.max(0, total - visible));
}

export function VirtualRows({
  total,
  rowHeight,
  label,
  header,
  onRange,
  onOpen,
  children,
  minWidth,
}: {
  total: number;
  rowHeight: number;
  label: string;
  header?: ReactNode;
  onRange: (from: number, to: number) => void;
  onOpen: (index: number) => void;
  children: (index: number) => ReactNode;
  minWidth?: number;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const count = Math.min(total, Math.floor(MAX_HEIGHT / rowHeight));
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 6,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the size cache is stale when the row height changes.
  useEffect(() => rows.measure(), [rowHeight]);
  const items = rows.getVirtualItems();
  const visible = Math.ceil((scroller.current?.clientHeight ?? 600) / rowHeight);
  const top = rows.range?.startIndex ?? 0;
  const first = scaledFirst(top, count, total, visible);
  const indexOf = (virtual: number) => first + (virtual - top);
  const shown = items
    .map((item) => ({ item, index: indexOf(item.index) }))
    .filter(({ index }) => index >= 0 && index < total);
  const from = shown[0]?.index ?? 0;
  const to = (shown.at(-1)?.index ?? -1) + 1;
  useEffect(() => onRange(from, to), [from, to, onRange]);

  const reveal = (index: number) => {
    const next = Math.max(0, Math.min(total - 1, index));
    setActive(next);
    if (next >= first && next < first + visible - 2) return;
    const wanted = next < first ? next : next - visible + 3;
    const span = Math.max(1, count - visible);
    const at = count >= total ? wanted : Math.floor((wanted / Math.max(1, total - visible)) * span);
    rows.scrollToIndex(Math.max(0, Math.min(count - 1, at)), { align: "start" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + visible,
      PageUp: active - visible,
      Home: 0,
      End: total - 1,
    };
    const next = moves[event.key];
    if (next !== undefined) {
      event.preventDefault();
      reveal(next);
    } else if (event.key === "Enter") {
      onOpen(active);
    }
  };

  return (
    <div
      ref={scroller}
      className="rows"
      role="grid"
      aria-label={label}
      aria-rowcount={total + (header ? 1 : 0)}
      aria-activedescendant={active >= from && active < to ? `row-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" style={{ minWidth }} className="rows-head">
        {header}
      </div>
      <div role="rowgroup" className="rows-body" style={{ height: rows.getTotalSize(), minWidth }}>
        {shown.map(({ item, index }) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles Enter for the active row.
          <div
            key={index}
            id={`row-${index}`}
            role="row"
            aria-rowindex={index + (header ? 2 : 1)}
            className={index === active ? "row active" : "row"}
            style={{ transform: `translateY(${item.start}px)`, height: rowHeight }}
            onClick={() => {
              setActive(index);
              onOpen(index);
            }}
          >
            {children(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
