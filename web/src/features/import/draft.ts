// A mapping while somebody edits it: pure functions, no words.
import type { ObjectDef } from "../../api/records";
import type { Catalog, ColumnMapping, Mapping, Preview, PreviewRow, Text2 } from "../../api/types";

const OBJECTS = ["order", "order_line", "customer", "product"];
/** Written by the import itself, never read from a file. */
const DERIVED = new Set([
  "order.ordered_on",
  "order.goods_amount",
  "order.gross_amount",
  "order.net_amount",
  "order.n_lines",
  "order.state",
  "order_line.description",
  "order_line.occurrence",
  "order_line.row_hash",
  "product.unit",
  "product.list_price",
  "product.tax_rate",
  "product.state",
]);
export const DATE = "order.ordered_at";
export const DATE_FORMATS = [
  "ymd",
  "dmy",
  "mdy",
  "yymd",
  "dmyy",
  "mdyy",
  "month",
  "serial",
  "serial1904",
] as const;
export const NUMBER_FORMATS = ["decimal_point", "decimal_comma"] as const;
export type ColumnFormat = (typeof DATE_FORMATS)[number] | (typeof NUMBER_FORMATS)[number];

/** The fields that a file may bring, by object; of plain records all that their object has. */
export const fieldsOf = (catalog: Catalog, plain?: ObjectDef) =>
  plain
    ? [
        {
          object: { id: plain.id, name: plain.name },
          fields: plain.fields.filter((f) => !f.is_masked).map((f) => choiceOf(plain.id, f)),
        },
      ]
    : OBJECTS.flatMap((id) => catalog.objects.filter((o) => o.id === id)).map((object) => ({
        object: { id: object.id, name: object.name },
        fields: object.fields
          .filter((f) => f.type !== "link" && !DERIVED.has(`${object.id}.${f.id}`))
          .map((f) => choiceOf(object.id, f)),
      }));

const choiceOf = (object: string, field: { id: string; name: Text2; type: string }) => ({
  path: `${object}.${field.id}`,
  name: field.name,
  isNumber: field.type === "decimal",
  isDay: field.type === "date" || field.type === "instant",
});

/** What every file of orders needs, and the fields of which one, or one pair, is enough. */
const NEEDS = {
  date: [[DATE]],
  amount: [["order_line.amount"], ["order_line.quantity", "order_line.price"]],
  party: [["customer.number"], ["customer.name"], ["order.number"]],
} as const;
export type Need = keyof typeof NEEDS;
export const NEED_NAMES = ["date", "amount", "party"] as const satisfies Need[];

export function missing(columns: ColumnMapping[]): Need[] {
  const used = new Set(columns.map((c) => c.field));
  return NEED_NAMES.filter((need) => !NEEDS[need].some((way) => way.every((field) => used.has(field))));
}

/** Changes one column. A field has one column: who had it before gives it up. */
export function change(columns: ColumnMapping[], at: number, part: Partial<ColumnMapping>): ColumnMapping[] {
  return columns.map((column, i) => {
    if (i !== at)
      return part.field && column.field === part.field ? { ...column, field: null, format: null } : column;
    const isOther = "field" in part && part.field !== column.field;
    return { ...column, ...(isOther ? { format: null } : {}), ...part };
  });
}

/** The columns of other headings: those of the same name stay what they are. */
export function rehead(header: string[], rows: PreviewRow[], known: ColumnMapping[]): ColumnMapping[] {
  return header
    .map((heading, i): ColumnMapping => {
      const samples = [...new Set(rows.map((r) => r.cells[i] ?? "").filter(Boolean))].slice(0, 3);
      const same = known.find((c) => c.heading === heading);
      return same ? { ...same, samples } : { heading, field: null, reason: "unknown", samples };
    })
    .filter((c) => c.heading !== "");
}

/** The place of each column among a row's cells: columns without heading are not mapped. */
export const placesOf = (header: string[], columns: ColumnMapping[]): number[] =>
  columns.map((column) => header.indexOf(column.heading));

/** All sheets that can be chosen: those that are read and those that are not. */
export function sheetsOf(mapping: Mapping, read: string[]): string[] {
  const others = (mapping.notes ?? [])
    .filter((n) => n.code === "sheet_left_out" || n.code === "sheet_differs")
    .flatMap((n) => n.columns ?? []);
  return [...new Set([...read, ...others])];
}

/** Whether how a decimal is written can be doubted: somewhere there is a comma or a point. */
const isDoubtful = (text: string): boolean => /[.,，．]/.test(text);

export type ColumnView = {
  /** The formats to choose from; none where it does not matter. */
  formats: readonly ColumnFormat[];
  /** Whether an empty cell may mean the one above. */
  hasGaps: boolean;
};

export function viewOf(
  column: ColumnMapping,
  isNumber: boolean,
  isDate: boolean,
  place: number,
  preview: Preview | undefined,
): ColumnView {
  const cells = (preview?.rows ?? []).filter((r) => !r.is_left_out).map((r) => r.cells[place] ?? "");
  const numbers = isNumber && (column.format || [...cells, ...(column.samples ?? [])].some(isDoubtful));
  return {
    formats: isDate ? DATE_FORMATS : numbers ? NUMBER_FORMATS : [],
    hasGaps:
      Boolean(column.field) && !isNumber && (column.fill_down === true || cells.some((c) => c.trim() === "")),
  };
}

/** What the server is to read by. */
export const asMapping = (draft: Mapping): Mapping => ({ ...draft, confident: true, notes: [] });
