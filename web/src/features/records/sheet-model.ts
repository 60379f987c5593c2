// What a grid does without a screen: tables of the clipboard, ranges, where
// the cursor goes. No record, no field, no page.

export type At = { row: number; col: number };
export type Range = { top: number; left: number; bottom: number; right: number };

export const rangeOf = (a: At, b: At): Range => ({
  top: Math.min(a.row, b.row),
  left: Math.min(a.col, b.col),
  bottom: Math.max(a.row, b.row),
  right: Math.max(a.col, b.col),
});
export const isWithin = (range: Range, row: number, col: number): boolean =>
  row >= range.top && row <= range.bottom && col >= range.left && col <= range.right;
export const sizeOf = (range: Range): { rows: number; cols: number } => ({
  rows: range.bottom - range.top + 1,
  cols: range.right - range.left + 1,
});

/** Cells between tabs, rows between line ends; a quoted cell may hold both, and its own quotes twice. */
export function parseTsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const body = text.replace(/^\uFEFF/, "");
  while (at < body.length) {
    let cell = "";
    const quoted = body[at] === '"' ? quotedCell(body, at) : null;
    if (quoted) {
      cell = quoted.cell;
      at = quoted.end;
    } else {
      const end = nextOf(body, at);
      cell = body.slice(at, end);
      at = end;
    }
    row.push(cell);
    if (body[at] === "\t") {
      at += 1;
      if (at === body.length) row.push("");
      continue;
    }
    rows.push(row);
    row = [];
    if (body[at] === "\r") at += 1;
    if (body[at] === "\n") at += 1;
  }
  if (row.length > 0) rows.push(row);
  return even(rows);
}

/** `null` where the quote is a sign of the cell's own, as in `"quoted" word`. */
function quotedCell(text: string, at: number): { cell: string; end: number } | null {
  let cell = "";
  let i = at + 1;
  while (i < text.length) {
    if (text[i] !== '"') {
      cell += text[i];
      i += 1;
    } else if (text[i + 1] === '"') {
      cell += '"';
      i += 2;
    } else {
      const after = text[i + 1];
      const ends = after === undefined || after === "\t" || after === "\n" || after === "\r";
      return ends ? { cell: cell.replaceAll("\r\n", "\n"), end: i + 1 } : null;
    }
  }
  return null;
}

function nextOf(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "\t" && text[at] !== "\n" && text[at] !== "\r") at += 1;
  return at;
}

const even = (rows: string[][]): string[][] => {
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  return rows.map((row) => (row.length === width ? row : [...row, ...Array(width - row.length).fill("")]));
};

const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** The first table of a clipboard's HTML, read as text and never shown; null where there is none. */
export function parseHtml(html: string): string[][] | null {
  const table = /<table[\s>][\s\S]*?<\/table>/i.exec(html)?.[0];
  if (!table) return null;
  const rows: string[][] = [];
  /** Cells that a cell above reaches down into, by column. */
  let below = new Map<number, number>();
  for (const tr of table.matchAll(/<tr[\s>]([\s\S]*?)(?:<\/tr>|(?=<tr[\s>])|<\/table>)/gi)) {
    const row: string[] = [];
    const next = new Map<number, number>();
    const pass = () => {
      let left = below.get(row.length);
      while (left !== undefined) {
        if (left > 1) next.set(row.length, left - 1);
        row.push("");
        left = below.get(row.length);
      }
    };
    for (const td of (tr[1] ?? "").matchAll(/<t[dh]([^>]*)>([\s\S]*?)(?=<t[dh][\s>]|<\/t[dh]>|$)/gi)) {
      pass();
      const wide = Number(/colspan\s*=\s*["']?(\d+)/i.exec(td[1] ?? "")?.[1] ?? 1);
      const deep = Number(/rowspan\s*=\s*["']?(\d+)/i.exec(td[1] ?? "")?.[1] ?? 1);
      for (let i = 0; i < Math.min(wide, 1000); i++) {
        if (deep > 1) next.set(row.length, deep - 1);
        row.push(i === 0 ? textOf(td[2] ?? "") : "");
      }
    }
    pass();
    below = next;
    if (row.length > 0) rows.push(row);
  }
  return rows.length > 0 ? even(rows) : null;
}

const textOf = (html: string): string =>
  html
    // Line ends of the source are none of the cell.
    .replace(/[ \t]*\r?\n\s*/g, " ")
    .replace(/<br\b[^>]*>/gi, "\n")
    .replace(/<\/(p|div|li)>(?=[\s\S]*\S)/gi, "\n")
    .replace(/<[^>]*>/g, "")
    .replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, dec, hex, name) => {
      if (name) return NAMED[name.toLowerCase()] ?? whole;
      const code = dec ? Number(dec) : Number.parseInt(hex, 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .replace(/[ \u00a0]*\n[ \u00a0]*/g, "\n")
    .trim();

/** What a clipboard holds as a table: its text, or the HTML's where that says more. */
export function readClipboard(text: string, html: string): string[][] {
  const plain = parseTsv(text);
  const rich = html ? parseHtml(html) : null;
  const width = (rows: string[][]) => rows[0]?.length ?? 0;
  return rich && (plain.length === 0 || (width(rich) > 1 && width(plain) <= 1)) ? rich : plain;
}

/** As WPS and Excel take it. */
export const toTsv = (rows: string[][]): string =>
  rows
    .map((row) =>
      row.map((cell) => (/[\t\n\r"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join("\t"),
    )
    .join("\r\n");

export type Extent = { rows: number; cols: number };
export type Move = { key: string; ctrl: boolean; page: number };

/** Where a key leads; null for keys that lead nowhere. */
export function moved(from: At, move: Move, extent: Extent, isFilled: (at: At) => boolean): At | null {
  const { rows, cols } = extent;
  const clamp = (at: At): At => ({
    row: Math.max(0, Math.min(rows - 1, at.row)),
    col: Math.max(0, Math.min(cols - 1, at.col)),
  });
  const step = (row: number, col: number): At =>
    move.ctrl
      ? edge(from, { row, col }, extent, isFilled)
      : clamp({ row: from.row + row, col: from.col + col });
  switch (move.key) {
    case "ArrowUp":
      return step(-1, 0);
    case "ArrowDown":
      return step(1, 0);
    case "ArrowLeft":
      return step(0, -1);
    case "ArrowRight":
      return step(0, 1);
    case "Home":
      return { row: move.ctrl ? 0 : from.row, col: 0 };
    case "End":
      return { row: move.ctrl ? rows - 1 : from.row, col: cols - 1 };
    case "PageUp":
      return clamp({ row: from.row - move.page, col: from.col });
    case "PageDown":
      return clamp({ row: from.row + move.page, col: from.col });
    default:
      return null;
  }
}

/** As in a spreadsheet: to the end of what is filled, or to where it begins again. */
function edge(from: At, way: At, extent: Extent, isFilled: (at: At) => boolean): At {
  const isIn = (at: At) => at.row >= 0 && at.col >= 0 && at.row < extent.rows && at.col < extent.cols;
  const on = (at: At): At => ({ row: at.row + way.row, col: at.col + way.col });
  let at = from;
  const first = on(at);
  if (!isIn(first)) return at;
  if (isFilled(at) && isFilled(first)) {
    while (isIn(on(at)) && isFilled(on(at))) at = on(at);
    return at;
  }
  at = first;
  while (!isFilled(at) && isIn(on(at))) at = on(at);
  return at;
}

/** The rows below the first `n` of a range get those again, in turn. */
export function filled<T>(rows: T[][], n: number): T[][] {
  const source = rows.slice(0, n);
  return rows.map((row, at) => (at < n ? row : [...(source[(at - n) % n] ?? row)]));
}

/** What is pasted over a range: once where it is larger, again and again where it is smaller and fits. */
export function tiled<T>(cells: T[][], range: Range): T[][] {
  const { rows, cols } = sizeOf(range);
  const [high, wide] = [cells.length, cells[0]?.length ?? 0];
  if (high === 0 || wide === 0) return cells;
  const isWhole = rows % high === 0 && cols % wide === 0 && rows * cols > high * wide;
  if (!isWhole) return cells;
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: cols }, (_, c) => (cells[r % high] as T[])[c % wide] as T),
  );
}
