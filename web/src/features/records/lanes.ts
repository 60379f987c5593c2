// The columns of a board: the words of a choice, or the records that a link
// leads to, where they are few enough. Steps, such as the stages of several
// pipelines, are those of one of them at a time, in their order.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type FieldDef, type ObjectDef, type RecordRow, recordsQuery } from "../../api/records";
import { findObject, stepsOf, titleOf } from "../../fields/record";
import { useLang } from "../../i18n";
import { useObjects } from "../../ui/session";
import { quote } from "../../ui/where";

export const MAX_LANES = 30;
const N_WHOLES = 100;

export type Lane = { key: string; value: string | number | null; name: string };
export type Lanes = {
  lanes: Lane[];
  isPending: boolean;
  error: Error | null;
  retry: () => void;
  /** More records than make columns. */
  isTooMany: boolean;
  /** Of what the columns are steps, and which of them is shown. */
  whole: {
    object: ObjectDef;
    /** What such a link is called; it says the same on every card. */
    field: string;
    chosen: number | undefined;
    options: { value: number; label: string }[];
  } | null;
  to: ObjectDef | undefined;
};

export const laneKey = (value: unknown): string =>
  value === null || value === undefined ? "" : String(value);

/** A card on its way to the column of this key. */
export type Move = { row: RecordRow; to: string };

/** The cards of a column: with those on their way to it, without those on their way from it. */
export function withMoves(rows: RecordRow[], lane: string, moves: readonly Move[]): RecordRow[] {
  const kept = rows.filter((row) => !moves.some((m) => m.row.id === row.id && m.to !== lane));
  const come = moves.filter((m) => m.to === lane && !kept.some((row) => row.id === m.row.id));
  return [...come.map((m) => m.row), ...kept];
}

/** The condition of one column. */
export function laneWhere(by: FieldDef, value: Lane["value"]): string {
  if (value === null) return `${by.id} is null`;
  return `${by.id} = ${by.type === "link" ? String(value) : quote(String(value))}`;
}

export function useLanes(by: FieldDef | undefined, steps: string | undefined): Lanes {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const to = by?.type === "link" ? findObject(objects, by.to ?? "") : undefined;
  const order = to ? stepsOf(to) : null;
  const wholeObject = findObject(objects, order?.of?.to ?? "");
  const wholes = useQuery({
    ...recordsQuery(wholeObject?.id ?? "", { limit: N_WHOLES }),
    enabled: wholeObject !== undefined,
  });
  const options = wholeObject
    ? (wholes.data?.rows ?? []).map((row) => ({ value: row.id, label: titleOf(wholeObject, row) }))
    : [];
  // One that is out of use comes last.
  const isInUse = (id: number) => wholes.data?.rows.find((r) => r.id === id)?.values.is_active !== false;
  const chosen =
    options.find((o) => String(o.value) === steps) ?? options.find((o) => isInUse(o.value)) ?? options[0];
  const isReady = to !== undefined && (wholeObject === undefined || chosen !== undefined);
  const found = useQuery({
    ...recordsQuery(to?.id ?? "", {
      ...(order?.of && chosen ? { where: `${order.of.id} = ${chosen.value}` } : {}),
      sort: order?.order ?? to?.title ?? "id",
      limit: MAX_LANES + 1,
    }),
    enabled: isReady,
    placeholderData: undefined,
  });
  const none: Lane[] = by && !by.required ? [{ key: "", value: null, name: t("dimension.none") }] : [];
  const of = (lanes: Lane[]): Lane[] => [...lanes, ...(wholeObject ? [] : none)];
  const whole = wholeObject
    ? { object: wholeObject, field: order?.of?.id ?? "", chosen: chosen?.value, options }
    : null;
  const base = { isPending: false, error: null, retry: () => {}, isTooMany: false, whole, to };
  if (!by || !to)
    return {
      ...base,
      lanes: of((by?.options ?? []).map((o) => ({ key: o.value, value: o.value, name: o[lang] }))),
    };
  const rows = found.data?.rows ?? [];
  const isTooMany = rows.length > MAX_LANES;
  return {
    ...base,
    lanes: isTooMany
      ? []
      : of(rows.map((row) => ({ key: String(row.id), value: row.id, name: titleOf(to, row) }))),
    isPending: wholes.isLoading || found.isLoading,
    error: wholes.error ?? found.error,
    retry: () => void (wholes.error ? wholes.refetch() : found.refetch()),
    isTooMany,
  };
}
