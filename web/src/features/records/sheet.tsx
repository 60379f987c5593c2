// The list as a grid of cells: typed into, copied and pasted with WPS and
// Excel, filled, taken back. What is wrong stays where it was written, marked,
// and nothing of it is kept until it is right or somebody says what to do.
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { App, Button } from "antd";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type PointerEvent,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import {
  type BatchAnswer,
  type BatchFault,
  type CellValue,
  newKey,
  type PasteBody,
  pasteRecords,
  undoBatch,
} from "../../api/batches";
import {
  type FieldDef,
  fetchRecord,
  type Held,
  historyPage,
  type ObjectDef,
  type RecordFilter,
  type RecordRow,
  recordPage,
  type Values,
} from "../../api/records";
import { codeOf } from "../../api/request";
import type { Value } from "../../api/types";
import { nameOf } from "../../fields/change-words";
import { FieldInput } from "../../fields/field-input";
import { findFieldOf, mayDo, titleOf } from "../../fields/record";
import { alignOf, RecordValue, useWords, valueText } from "../../fields/record-value";
import { useLang } from "../../i18n";
import "../../i18n/batches";
import { Counts, UnderWay } from "../../ui/batch-words";
import { Dialog } from "../../ui/dialog";
import { exactNumber, NO_VALUE, pickText } from "../../ui/format";
import { useLook, usePeople } from "../../ui/live";
import { LoadError, Skeleton } from "../../ui/states";
import "./sheet.css";
import { SheetConflict } from "./sheet-conflict";
import {
  type At,
  filled,
  isWithin,
  moved,
  rangeOf,
  readClipboard,
  sizeOf,
  tiled,
  toTsv,
} from "./sheet-model";

const PAGE = 500;
const ROW = 32;
const HEAD = 34;
const NUMBER = 64;
/** Rows of a write whose values before are sent along: who changed one meanwhile is told. */
const N_SEEN = 500;
const N_SHOWN_FAULTS = 8;
const NEW = "+";

/** `seen` is what stood there when somebody began to write it. */
type Cell = { value: CellValue; text: string; seen?: Value };
type Draft = { cells: Record<string, Cell>; faults: Record<string, BatchFault> };
type Change = { key: string; field: string; cell: Cell };
/** A table that is checked or was found wrong, and what to do with it is asked. */
type Asked = { keys: string[]; body: PasteBody; answer: BatchAnswer; leftOut: number };
type Conflict = { key: string; theirs: Held; who: string; fields: FieldDef[]; mine: Record<string, Cell> };

const widthOf = (field: FieldDef, isTitle: boolean): number =>
  isTitle
    ? 200
    : field.type === "bool"
      ? 84
      : field.type === "instant"
        ? 150
        : field.type === "link"
          ? 150
          : 128;
const isPicked = (field: FieldDef): boolean => ["choice", "bool", "link"].includes(field.type);

export function Sheet({
  object,
  columns,
  filter,
  onOpen,
}: {
  object: ObjectDef;
  columns: string[];
  filter: RecordFilter;
  onOpen: (id: number) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useWords();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const fields = useMemo(
    () => columns.map((c) => findFieldOf(object, c)).filter((f): f is FieldDef => f !== undefined),
    [object, columns],
  );
  const names = useMemo(() => [...new Set([...columns, object.title, object.number])], [columns, object]);
  const list = useInfiniteQuery({
    queryKey: ["records", object.id, "sheet", filter, names],
    queryFn: ({ pageParam, signal }) =>
      recordPage(
        object.id,
        { ...filter, fields: names.filter((n): n is string => n !== null), limit: PAGE, after: pageParam },
        signal,
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.rows) ?? [], [list.data]);
  const mayChange = mayDo(object, "update");
  const mayAdd = mayDo(object, "create");
  // What two writes in a row say has to be there at once.
  const draftsNow = useRef<Map<string, Draft>>(new Map());
  const [, redraw] = useState(0);
  const drafts = draftsNow.current;
  const setDrafts = (next: Map<string, Draft> | ((now: Map<string, Draft>) => Map<string, Draft>)) => {
    draftsNow.current = typeof next === "function" ? next(draftsNow.current) : next;
    redraw((n) => n + 1);
  };
  const begun = useRef<Value | undefined>(undefined);
  const pending = useRef(new Set<string>());
  const [extra, setExtra] = useState<string[]>([]);
  const lastNew = useRef(0);
  const [cursor, setCursor] = useState<At>({ row: 0, col: 0 });
  const [anchor, setAnchor] = useState<At>({ row: 0, col: 0 });
  const [typed, setTyped] = useState<string | null>(null);
  const [picking, setPicking] = useState(false);
  const [fillTo, setFillTo] = useState<number | null>(null);
  const [busy, setBusy] = useState<{ key: string; isWriting: boolean } | null>(null);
  const [nSaving, setSaving] = useState(0);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const [past, setPast] = useState<number[]>([]);
  const [future, setFuture] = useState<number[]>([]);
  const [left, setLeft] = useState<{ batch: number; faults: BatchFault[] } | null>(null);
  const [said, setSaid] = useState("");
  const copied = useRef<{ tsv: string; cells: Cell[][] } | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const dragging = useRef<"range" | "fill" | null>(null);

  const hasBlank = mayAdd && !list.hasNextPage && list.data !== undefined;
  const total = rows.length + extra.length + (hasBlank ? 1 : 0);
  const keyAt = (row: number): string =>
    row < rows.length ? String(rows[row]?.id) : (extra[row - rows.length] ?? NEW);
  const rowAt = (row: number): RecordRow | undefined => rows[row];
  const range = rangeOf(anchor, cursor);
  const look = rowAt(cursor.row)?.id ?? null;
  useLook(object.id, look);
  const people = usePeople(object.id);

  const virtual = useVirtualizer({
    count: total + (list.hasNextPage ? 1 : 0),
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
    paddingStart: HEAD,
    scrollPaddingStart: HEAD,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last + PAGE / 4 > rows.length) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, rows.length]);

  const lefts = useMemo(() => {
    let at = NUMBER;
    return fields.map((f) => {
      const from = at;
      at += widthOf(f, f.id === object.title);
      return from;
    });
  }, [fields, object.title]);
  const width = fields.reduce((sum, f) => sum + widthOf(f, f.id === object.title), NUMBER);
  const template = `${NUMBER}px ${fields.map((f) => `${widthOf(f, f.id === object.title)}px`).join(" ")}`;

  const mayWrite = (row: number, field: FieldDef): boolean =>
    !field.is_read_only && !field.is_masked && (row < rows.length ? mayChange : mayAdd);
  const draftOf = (row: number): Draft | undefined => drafts.get(keyAt(row));
  /** As it is copied: what a spreadsheet reads again. */
  const textOf = (row: number, field: FieldDef): string => {
    const own = draftOf(row)?.cells[field.id];
    if (own) return own.text;
    const record = rowAt(row);
    const value = record?.values[field.id];
    if (!record || value === null || value === undefined) return "";
    if (field.type === "link") return record.links[field.id]?.title ?? `#${String(value)}`;
    if (field.type === "choice" || field.type === "bool" || field.type === "instant")
      return valueText(field, value, lang, words);
    return String(value);
  };
  const cellOf = (row: number, field: FieldDef): CellValue => {
    const own = draftOf(row)?.cells[field.id];
    if (own) return own.value;
    const value = rowAt(row)?.values[field.id];
    return value === null || value === undefined ? "" : (value as CellValue);
  };

  const show = (at: At) => {
    virtual.scrollToIndex(Math.min(at.row, total - 1));
    const box = scroller.current;
    const field = fields[at.col];
    if (!box || !field) return;
    const [from, to] = [
      (lefts[at.col] ?? 0) - NUMBER,
      (lefts[at.col] ?? 0) + widthOf(field, field.id === object.title),
    ];
    if (from < box.scrollLeft) box.scrollLeft = from;
    else if (to > box.scrollLeft + box.clientWidth) box.scrollLeft = to - box.clientWidth;
  };
  const go = (at: At, extends_ = false) => {
    setPicking(false);
    setTyped(null);
    setCursor(at);
    if (!extends_) setAnchor(at);
    show(at);
    input.current?.focus({ preventScroll: true });
  };

  /** What was written, but for what was typed over it meanwhile. */
  const forget = (keys: string[], sent: Map<string, Draft>) => {
    const gone = new Set<string>();
    setDrafts((now) => {
      const next = new Map(now);
      for (const key of keys) {
        const draft = next.get(key);
        if (!draft) continue;
        const left = Object.entries(draft.cells).filter(([id, cell]) => sent.get(key)?.cells[id] !== cell);
        if (left.length > 0 && !key.startsWith("n"))
          next.set(key, { cells: Object.fromEntries(left), faults: {} });
        else next.delete(key);
        gone.add(key);
      }
      return next;
    });
    setExtra((now) => now.filter((key) => !gone.has(key)));
  };

  /** The drafts with the changes in them; new rows get keys of their own. */
  const withChanges = (changes: Change[]): Map<string, Draft> => {
    const next = new Map(draftsNow.current);
    const fresh = new Set<string>();
    for (const { key, field, cell } of changes) {
      let draft = next.get(key);
      if (!draft || !fresh.has(key)) {
        draft = { cells: { ...draft?.cells }, faults: { ...draft?.faults } };
        next.set(key, draft);
        fresh.add(key);
      }
      draft.cells[field] = cell;
      delete draft.faults[field];
      delete draft.faults[""];
    }
    return next;
  };
  const bodyOf = (all: Map<string, Draft>, keys: string[]): PasteBody => {
    const used = fields.filter((f) => keys.some((key) => all.get(key)?.cells[f.id]));
    const byId = keys.length <= N_SEEN ? new Map(rows.map((row) => [String(row.id), row])) : null;
    return {
      fields: used.map((f) => f.id),
      rows: keys.map((key) => {
        const draft = all.get(key);
        const cells = used.map((f) => draft?.cells[f.id]?.value ?? null);
        if (key.startsWith("n")) return { id: null, cells };
        const row = byId?.get(key);
        const seen: Values = {};
        if (row)
          for (const f of used) {
            const cell = draft?.cells[f.id];
            if (cell) seen[f.id] = cell.seen !== undefined ? cell.seen : (row.values[f.id] ?? null);
          }
        return { id: Number(key), cells, seen };
      }),
    };
  };
  const mark = (keys: string[], answer: BatchAnswer) =>
    setDrafts((now) => {
      const next = new Map(now);
      for (const key of keys) {
        const draft = next.get(key);
        if (draft && Object.keys(draft.faults).length > 0) next.set(key, { ...draft, faults: {} });
      }
      for (const fault of answer.faults) {
        const key = keys[fault.row] ?? "";
        const draft = next.get(key);
        if (draft) next.set(key, { ...draft, faults: { ...draft.faults, [fault.field ?? ""]: fault } });
      }
      return next;
    });
  const fail = (error: unknown) => {
    const text = codeOf(error) === "cancelled" ? t("batches.stopped") : (error as Error).message;
    void message.error(text || t("error.unreachable"));
  };
  const again = () => cache.invalidateQueries({ queryKey: ["records"] });
  const written = async (keys: string[], answer: BatchAnswer, sent: Map<string, Draft>) => {
    if (answer.batch) {
      const batch = answer.batch;
      setPast((now) => [...now, batch]);
      setFuture([]);
    }
    const wrong = new Set(
      answer.n_wrong > 0 ? keys.filter((_, at) => (answer.ids[at] ?? null) === null) : [],
    );
    const right = keys.filter((key) => !wrong.has(key));
    await again();
    forget(right, sent);
    mark([...wrong], { ...answer, faults: [] });
    mark(keys, answer);
    setSaid(t("batches.saved"));
  };

  /** Writes a few cells at once, or says what is wrong where they stand. */
  const write = async (changes: Change[], more: string[] = []) => {
    const next = withChanges(changes);
    setDrafts(next);
    const keys = [...new Set([...changes.map((c) => c.key), ...more])];
    const body = bodyOf(next, keys);
    if (body.fields.length === 0) return;
    setSaving((n) => n + 1);
    try {
      const answer = await pasteRecords(object.id, body);
      if (answer.n_wrong === 0) return await written(keys, answer, next);
      mark(keys, answer);
      if (answer.faults.some((f) => f.code === "changed") && keys.length === 1)
        await ask(keys[0] ?? "", next, answer.faults);
      else if (keys.length > 1) setAsked({ keys, body, answer, leftOut: 0 });
    } catch (error) {
      fail(error);
    } finally {
      setSaving((n) => n - 1);
    }
  };

  /** Both values of each field that somebody else changed. */
  const ask = async (key: string, all: Map<string, Draft>, faults: BatchFault[]) => {
    const draft = all.get(key);
    const [theirs, history] = await Promise.all([
      fetchRecord(object.id, Number(key)),
      historyPage(object.id, Number(key), undefined),
    ]);
    await again();
    const mine = draft?.cells ?? {};
    const own = rows.find((row) => String(row.id) === key);
    const differs = (f: FieldDef) =>
      JSON.stringify(theirs.values[f.id] ?? null) !== JSON.stringify(own?.values[f.id] ?? null);
    const told = faults.map((f) => f.field);
    const both = fields.filter((f) => mine[f.id] && (differs(f) || told.includes(f.id)));
    setConflict({ key, theirs, who: nameOf(history.changes[0]?.actor ?? null), fields: both, mine });
  };
  const settle = async (kept: string[]) => {
    if (!conflict) return;
    const { key, theirs, mine, fields: both } = conflict;
    setConflict(null);
    const mineStill = Object.entries(mine).filter(
      ([id]) => kept.includes(id) || !both.some((f) => f.id === id),
    );
    forget([key], draftsNow.current);
    if (mineStill.length === 0) return void (await again());
    setSaving((n) => n + 1);
    try {
      const body: PasteBody = {
        fields: mineStill.map(([id]) => id),
        rows: [
          {
            id: Number(key),
            cells: mineStill.map(([, cell]) => cell.value),
            seen: Object.fromEntries(mineStill.map(([id]) => [id, theirs.values[id] ?? null])),
          },
        ],
      };
      const answer = await pasteRecords(object.id, body);
      if (answer.n_wrong > 0) void message.error(answer.faults[0]?.detail);
      await written([key], answer, draftsNow.current);
    } catch (error) {
      fail(error);
    } finally {
      setSaving((n) => n - 1);
    }
  };

  // Rows that were written stand where the list has them, and may be fewer here.
  useEffect(() => {
    const inside = (at: At): At => (total > 0 && at.row >= total ? { ...at, row: total - 1 } : at);
    setCursor(inside);
    setAnchor(inside);
  }, [total]);

  // A new row is written when it is left.
  const hereKey = keyAt(cursor.row);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is about leaving a row.
  useEffect(() => {
    if (asked || busy) return;
    const isReady = (key: string) => {
      const draft = draftsNow.current.get(key);
      return draft !== undefined && Object.keys(draft.faults).length === 0 && !pending.current.has(key);
    };
    const left = extra.filter((key) => key !== hereKey && isReady(key));
    if (left.length === 0) return;
    for (const key of left) pending.current.add(key);
    void write([], left).finally(() => {
      for (const key of left) pending.current.delete(key);
    });
  }, [hereKey]);

  /** Tries or writes a whole table, with progress. */
  const run = async (
    of: Omit<Asked, "answer">,
    how: { check?: boolean; leave_wrong?: boolean; position?: number },
  ) => {
    const key = newKey();
    setBusy({ key, isWriting: !how.check });
    const sent = draftsNow.current;
    try {
      const answer = await pasteRecords(object.id, { ...of.body, ...how, key });
      if (how.check || (answer.batch ?? null) === null) {
        mark(of.keys, answer);
        setAsked({ ...of, answer });
        if (!how.check && answer.n_wrong === 0) {
          setAsked(null);
          await written(of.keys, answer, sent);
        }
        return;
      }
      setAsked(null);
      await written(of.keys, answer, sent);
      void message.success(t("batches.done", { n: exactNumber(answer.n_created + answer.n_updated) }));
    } catch (error) {
      fail(error);
    } finally {
      setBusy(null);
      input.current?.focus({ preventScroll: true });
    }
  };
  const drop = () => {
    if (asked) forget(asked.keys, draftsNow.current);
    setAsked(null);
    input.current?.focus({ preventScroll: true });
  };

  /** Rows from here on: those that are there, then new ones. */
  const keysFrom = async (row: number, n: number): Promise<string[]> => {
    let found = rows;
    let more = list.hasNextPage;
    while (more && found.length < row + n) {
      const next = await list.fetchNextPage();
      found = next.data?.pages.flatMap((page) => page.rows) ?? found;
      more = next.hasNextPage;
    }
    const there = [...found.map((r) => String(r.id)), ...extra];
    const keys = there.slice(row, row + n);
    const fresh: string[] = [];
    while (mayAdd && keys.length + fresh.length < n) {
      lastNew.current += 1;
      fresh.push(`n${lastNew.current}`);
    }
    if (fresh.length > 0) setExtra((now) => [...now, ...fresh]);
    return [...keys, ...fresh];
  };

  const put = async (cells: Cell[][], from: At, isPaste: boolean, top = from.row) => {
    const wide = Math.min(cells[0]?.length ?? 0, fields.length - from.col);
    const into = fields.slice(from.col, from.col + wide);
    const isOpen = (field: FieldDef) => !field.is_read_only && !field.is_masked;
    const leftOut = into.filter((f) => !isOpen(f)).length;
    const keys = await keysFrom(from.row, cells.length);
    const changes: Change[] = [];
    keys.forEach((key, r) => {
      if (!(key.startsWith("n") ? mayAdd : mayChange)) return;
      into.forEach((field, c) => {
        const cell = cells[r]?.[c];
        if (cell && isOpen(field)) changes.push({ key, field: field.id, cell });
      });
    });
    if (changes.length === 0) return setSaid(t("batches.readOnly"));
    if (cells.length * wide > 1) {
      setAnchor({ row: top, col: from.col });
      setCursor({ row: from.row + keys.length - 1, col: from.col + wide - 1 });
    }
    if (!isPaste || changes.length === 1) {
      const isNew = changes.every((c) => c.key.startsWith("n"));
      // A new row is written when it is left.
      if (isNew && changes.length === 1) setDrafts(withChanges(changes));
      else await write(changes);
      return;
    }
    const next = withChanges(changes);
    setDrafts(next);
    const used = [...new Set(changes.map((c) => c.key))];
    await run({ keys: used, body: bodyOf(next, used), leftOut }, { check: true });
  };

  const commit = async (text: string) => {
    const field = fields[cursor.col];
    setTyped(null);
    if (!field || text === textOf(cursor.row, field)) return;
    await put([[withSeen({ value: text, text })]], cursor, false);
  };
  const withSeen = (cell: Cell): Cell =>
    begun.current === undefined ? cell : { ...cell, seen: begun.current };
  const pick = async (value: CellValue, text: string) => {
    setPicking(false);
    input.current?.focus({ preventScroll: true });
    await put([[withSeen({ value: value ?? "", text })]], cursor, false);
  };
  const begin = (text?: string) => {
    const field = fields[cursor.col];
    if (!field || busy) return;
    if (!mayWrite(cursor.row, field)) return setSaid(t("batches.readOnly"));
    const fault = draftOf(cursor.row)?.faults[field.id] ?? draftOf(cursor.row)?.faults[""];
    if (fault?.code === "changed" && text === undefined) {
      return void ask(keyAt(cursor.row), drafts, [fault]).catch(fail);
    }
    const record = rowAt(cursor.row);
    begun.current = record ? ((record.values[field.id] ?? null) as Value) : undefined;
    if (isPicked(field) && text === undefined) setPicking(true);
    else setTyped(text ?? textOf(cursor.row, field));
  };
  const block = (): Cell[][] => {
    const all: Cell[][] = [];
    for (let row = range.top; row <= Math.min(range.bottom, total - 1); row++)
      all.push(
        fields
          .slice(range.left, range.right + 1)
          .map((field) => ({ value: cellOf(row, field), text: textOf(row, field) })),
      );
    return all;
  };
  const fillDown = async (bottom: number) => {
    const from = { row: range.top, col: range.left };
    const source = block();
    const n = bottom > range.bottom ? source.length : 1;
    const whole = bottom > range.bottom ? bottom - range.top + 1 : source.length;
    if (whole <= n) return;
    const rows_ = Array.from({ length: whole }, (_, at) => source[at] ?? (source[0] as Cell[]));
    const below = filled(rows_, n).slice(n);
    await put(below, { row: from.row + n, col: from.col }, false, from.row);
  };

  const back = async (isRedo: boolean, leave = false, of?: number) => {
    const stack = isRedo ? future : past;
    const batch = of ?? stack.at(-1);
    if (batch === undefined) return;
    setSaving((n) => n + 1);
    try {
      const done = await undoBatch(batch, leave);
      if ((done.batch ?? null) === null) return setLeft({ batch, faults: done.left });
      const made = done.batch as number;
      (isRedo ? setFuture : setPast)((now) => now.filter((id) => id !== batch));
      (isRedo ? setPast : setFuture)((now) => [...now, made]);
      setLeft(null);
      await again();
      const text = t("batches.undone", { n: exactNumber(done.n) });
      setSaid(text);
      void message.success(text);
    } catch (error) {
      fail(error);
    } finally {
      setSaving((n) => n - 1);
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const ctrl = event.ctrlKey || event.metaKey;
    const key = event.key;
    if (typed !== null) {
      if (key === "Escape") {
        event.preventDefault();
        setTyped(null);
      } else if (key === "Enter" && !event.altKey && !ctrl) {
        event.preventDefault();
        void commit(typed);
        step(event.shiftKey ? -1 : 1, 0);
      } else if (key === "Enter") {
        event.preventDefault();
        setTyped(`${typed}\n`);
      } else if (key === "Tab") {
        event.preventDefault();
        void commit(typed);
        step(0, event.shiftKey ? -1 : 1);
      }
      return;
    }
    if (ctrl && !event.altKey) {
      const letter = key.toLowerCase();
      if (letter === "z" || letter === "y") {
        event.preventDefault();
        void back(letter === "y" || event.shiftKey);
        return;
      }
      if (letter === "d") {
        event.preventDefault();
        void fillDown(range.bottom);
        return;
      }
      if (letter === "a") {
        event.preventDefault();
        setAnchor({ row: 0, col: 0 });
        setCursor({ row: Math.max(0, rows.length - 1), col: fields.length - 1 });
        return;
      }
    }
    if (key === "Tab") {
      const isEdge = event.shiftKey
        ? cursor.row === 0 && cursor.col === 0
        : cursor.row >= total - 1 && cursor.col === fields.length - 1;
      // At its ends the grid lets go of the focus.
      if (isEdge) return;
      event.preventDefault();
      step(0, event.shiftKey ? -1 : 1);
      return;
    }
    if (key === "Enter" || key === "F2") {
      event.preventDefault();
      begin();
      return;
    }
    if (key === "Delete" || key === "Backspace") {
      event.preventDefault();
      const none: Cell = { value: "", text: "" };
      const cells = block().map((row) => row.map(() => none));
      void put(cells, { row: range.top, col: range.left }, false);
      return;
    }
    if (key === "Escape") {
      setAnchor(cursor);
      return;
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 600) / ROW) - 2);
    const extent = { rows: total, cols: fields.length };
    const next = moved(cursor, { key, ctrl, page }, extent, (at) => {
      const field = fields[at.col];
      return field !== undefined && textOf(at.row, field) !== "";
    });
    if (next) {
      event.preventDefault();
      go(next, event.shiftKey);
    }
  };
  /** Over the edge of a row to the next one. */
  const step = (down: number, right: number) => {
    let { row, col } = cursor;
    row += down;
    col += right;
    if (col >= fields.length) [row, col] = [row + 1, 0];
    if (col < 0) [row, col] = [row - 1, fields.length - 1];
    go({ row: Math.max(0, Math.min(total - 1, row)), col });
  };
  const onCopy = (event: ClipboardEvent) => {
    if (typed !== null) return;
    event.preventDefault();
    const cells = block();
    const tsv = toTsv(cells.map((row) => row.map((cell) => cell.text)));
    copied.current = { tsv, cells };
    event.clipboardData.setData("text/plain", tsv);
  };
  const onPaste = (event: ClipboardEvent) => {
    if (typed !== null) return;
    event.preventDefault();
    if (busy || asked) return;
    const text = event.clipboardData.getData("text/plain");
    const own = copied.current;
    // What was copied here means the same records again, whatever they are called.
    const cells =
      own && own.tsv.replaceAll("\r\n", "\n") === text.replaceAll("\r\n", "\n")
        ? own.cells
        : readClipboard(text, event.clipboardData.getData("text/html")).map((row) =>
            row.map((cell) => ({ value: cell, text: cell })),
          );
    if (cells.length > 0) void put(tiled(cells, range), { row: range.top, col: range.left }, true);
  };

  const cellUnder = (event: PointerEvent): At | null => {
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>("[data-at]");
    const [row, col] = (under?.dataset.at ?? "").split(".").map(Number);
    return row === undefined || col === undefined || Number.isNaN(row) ? null : { row, col };
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const target = event.target as HTMLElement;
    if (target.closest(".sheet-fill")) {
      event.preventDefault();
      dragging.current = "fill";
      setFillTo(range.bottom);
      return;
    }
    const at = cellUnder(event);
    if (!at || target.closest("textarea, .sheet-pick, button, a")) return;
    event.preventDefault();
    if (typed !== null) void commit(typed);
    dragging.current = "range";
    go(at, event.shiftKey);
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!dragging.current || event.buttons !== 1) return;
    const at = cellUnder(event);
    if (!at) return;
    if (dragging.current === "fill") setFillTo(Math.max(range.bottom, at.row));
    else if (at.row !== cursor.row || at.col !== cursor.col) setCursor(at);
  };
  const onPointerUp = () => {
    if (dragging.current === "fill" && fillTo !== null && fillTo > range.bottom) void fillDown(fillTo);
    dragging.current = null;
    setFillTo(null);
  };

  const field = fields[cursor.col];
  const current = field ? textOf(cursor.row, field) : "";
  const faultHere = field && (draftOf(cursor.row)?.faults[field.id] ?? draftOf(cursor.row)?.faults[""]);
  const label = field
    ? t("batches.cell", {
        row: exactNumber(cursor.row + 1),
        name: pickText(field.name, lang),
        value: current || t("batches.blank"),
      })
    : "";
  const selected = sizeOf(range);
  const top = HEAD + cursor.row * ROW;
  const here = {
    left: field ? lefts[cursor.col] : 0,
    width: field ? widthOf(field, field.id === object.title) : 0,
    top,
  };
  if (list.error) return <LoadError error={list.error} onRetry={() => list.refetch()} />;
  if (!list.data) return <Skeleton height="100%" />;

  return (
    <div className="sheet-frame">
      <div className="sheet-bar">
        <Button size="small" disabled={past.length === 0} onClick={() => void back(false)}>
          {t("batches.undo")}
        </Button>
        <Button size="small" disabled={future.length === 0} onClick={() => void back(true)}>
          {t("batches.redo")}
        </Button>
        <span className="note" role="status">
          {nSaving > 0 ? t("batches.saving") : said}
        </span>
        <span className="note sheet-help">{t("batches.gridHelp")}</span>
      </div>
      {(asked || busy) && (
        <section className="panel sheet-asked" aria-label={t("batches.paste")}>
          {busy ? (
            <UnderWay of={busy.key} isWriting={busy.isWriting} />
          ) : (
            asked && (
              <>
                <Counts answer={asked.answer} />
                {asked.leftOut > 0 && <p className="note">{t("batches.leftOut", { n: asked.leftOut })}</p>}
                <Faults
                  faults={asked.answer.faults}
                  onGo={(fault) => {
                    const key = asked.keys[fault.row] ?? "";
                    const at = rows.findIndex((r) => String(r.id) === key);
                    const row = at >= 0 ? at : rows.length + extra.indexOf(key);
                    const col = fields.findIndex((f) => f.id === fault.field);
                    go({ row, col: Math.max(0, col) });
                  }}
                  lang={lang}
                  fields={fields}
                />
                <div className="controls">
                  {asked.answer.n_wrong === 0 ? (
                    <Button
                      type="primary"
                      onClick={() => void run(asked, { position: asked.answer.position })}
                    >
                      {t("batches.write")}
                    </Button>
                  ) : (
                    <>
                      <Button
                        onClick={() =>
                          void run({ ...asked, body: bodyOf(drafts, asked.keys) }, { check: true })
                        }
                      >
                        {t("batches.check")}
                      </Button>
                      {asked.answer.n_created + asked.answer.n_updated > 0 && (
                        <Button
                          type="primary"
                          onClick={() =>
                            void run(asked, { leave_wrong: true, position: asked.answer.position })
                          }
                        >
                          {t("batches.writeRight")}
                        </Button>
                      )}
                    </>
                  )}
                  <Button onClick={drop}>{t("batches.drop")}</Button>
                </div>
              </>
            )
          )}
        </section>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keyboard's way is the field that stands in the current cell. */}
      <div
        ref={scroller}
        className="sheet"
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onDoubleClick={() => begin()}
      >
        <div style={{ height: virtual.getTotalSize(), width }} className="sheet-body">
          <div
            role="grid"
            aria-label={pickText(object.name, lang)}
            aria-rowcount={total + 1}
            aria-colcount={fields.length + 1}
            aria-multiselectable="true"
          >
            <div
              role="row"
              aria-rowindex={1}
              className="sheet-row sheet-head"
              style={{ gridTemplateColumns: template }}
            >
              <div role="columnheader" aria-label={t("batches.record")} />
              {fields.map((f) => (
                <div
                  key={f.id}
                  role="columnheader"
                  className={alignOf(f)}
                  title={f.help ? pickText(f.help, lang) : undefined}
                >
                  {pickText(f.name, lang)}
                  {f.required ? <span aria-hidden="true"> *</span> : null}
                </div>
              ))}
            </div>
            {items.map((item) => {
              const row = rowAt(item.index);
              const key = keyAt(item.index);
              const isThere = item.index < total;
              const draft = isThere ? drafts.get(key) : undefined;
              const others = row ? people[String(row.id)] : undefined;
              const name = row ? titleOf(object, row) : t("batches.newRow");
              return (
                <div
                  key={isThere ? key : "more"}
                  role="row"
                  aria-rowindex={item.index + 2}
                  className={others ? "sheet-row shared" : "sheet-row"}
                  style={{ transform: `translateY(${item.start - HEAD}px)`, gridTemplateColumns: template }}
                >
                  <div
                    role="rowheader"
                    className={draft?.faults[""] ? "wrong" : undefined}
                    title={
                      draft?.faults[""]?.detail ??
                      (others ? t("batches.here", { names: others.join(", ") }) : undefined)
                    }
                  >
                    {row ? (
                      <button
                        type="button"
                        tabIndex={-1}
                        aria-label={t("batches.open", { title: name })}
                        onClick={() => onOpen(row.id)}
                      >
                        {exactNumber(item.index + 1)}
                      </button>
                    ) : isThere ? (
                      <span role="img" aria-label={t("batches.newRow")}>
                        {key === NEW ? "+" : "●"}
                      </span>
                    ) : (
                      "…"
                    )}
                    {others && <span className="chip sheet-people">{others.join(", ")}</span>}
                  </div>
                  {fields.map((f, col) => {
                    const own = draft?.cells[f.id];
                    const fault = draft?.faults[f.id];
                    const isCursor = cursor.row === item.index && cursor.col === col;
                    const isIn = isWithin(range, item.index, col);
                    const toFill =
                      fillTo !== null &&
                      item.index > range.bottom &&
                      item.index <= fillTo &&
                      col >= range.left &&
                      col <= range.right;
                    const classes = [
                      alignOf(f),
                      isCursor ? "cursor" : isIn || toFill ? "chosen" : "",
                      fault ? "wrong" : own ? "draft" : "",
                      isThere && !mayWrite(item.index, f) ? "closed" : "",
                    ];
                    return (
                      <div
                        key={f.id}
                        role="gridcell"
                        aria-colindex={col + 2}
                        aria-selected={isIn}
                        aria-readonly={!mayWrite(item.index, f)}
                        aria-invalid={fault ? true : undefined}
                        className={classes.filter(Boolean).join(" ")}
                        title={fault?.detail}
                        data-at={isThere ? `${item.index}.${col}` : undefined}
                      >
                        {own ? own.text : row && <Shown field={f} row={row} />}
                        {isThere && item.index === range.bottom && col === range.right && typed === null && (
                          <span className="sheet-fill" title={t("batches.fill")} />
                        )}
                      </div>
                    );
                  })}
                </div>
              );
            })}
          </div>
          <textarea
            ref={input}
            className={typed === null ? "sheet-input" : "sheet-input open"}
            style={here}
            aria-label={label}
            aria-invalid={faultHere ? true : undefined}
            rows={1}
            spellCheck={false}
            autoComplete="off"
            value={typed ?? ""}
            onChange={(event) => {
              if (typed !== null) setTyped(event.target.value);
              else begin(event.target.value);
            }}
            onKeyDown={onKeyDown}
            onCopy={onCopy}
            onCut={onCopy}
            onPaste={onPaste}
            onBlur={() => {
              if (typed !== null) void commit(typed);
            }}
          />
          {picking && field && (
            // biome-ignore lint/a11y/noStaticElementInteractions: Escape belongs to the control in it.
            <div
              className="sheet-pick"
              style={here}
              onKeyDown={(event) => {
                if (event.key !== "Escape") return;
                setPicking(false);
                input.current?.focus({ preventScroll: true });
              }}
            >
              <FieldInput
                field={{ ...field, required: false }}
                autoFocus
                draft={(cellOf(cursor.row, field) || null) as string | number | boolean | null}
                link={rowAt(cursor.row)?.links[field.id]}
                onChange={(value, link) => {
                  const text = link?.title ?? (value === null ? "" : valueText(field, value, lang, words));
                  void pick(value as CellValue, text === NO_VALUE ? "" : text);
                }}
              />
            </div>
          )}
        </div>
      </div>
      <p className="sheet-status" aria-live="polite">
        {faultHere ? <span className="wrong">{faultHere.detail}</span> : label}
        {selected.rows * selected.cols > 1 &&
          ` · ${exactNumber(selected.rows)} × ${exactNumber(selected.cols)}`}
      </p>
      {conflict && (
        <SheetConflict
          who={conflict.who}
          fields={conflict.fields}
          theirs={conflict.theirs}
          mine={Object.fromEntries(conflict.fields.map((f) => [f.id, conflict.mine[f.id]?.text ?? ""]))}
          onKeep={(kept) => void settle(kept)}
          onClose={() => setConflict(null)}
        />
      )}
      {left && (
        <Dialog title={t("batches.notUndone")} onClose={() => setLeft(null)}>
          <ul className="batch-faults">
            {left.faults.slice(0, N_SHOWN_FAULTS).map((fault) => (
              <li key={fault.id}>
                <b>{fault.title ?? `#${fault.id}`}</b> {fault.detail}
              </li>
            ))}
          </ul>
          <div className="controls">
            <Button onClick={() => setLeft(null)}>{t("form.cancel")}</Button>
            <Button type="primary" onClick={() => void back(future.includes(left.batch), true, left.batch)}>
              {t("batches.undoRest")}
            </Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

function Shown({ field, row }: { field: FieldDef; row: RecordRow }) {
  const value = row.values[field.id];
  if (value === null || value === undefined || value === "") return null;
  return <RecordValue field={field} row={row} isPlain />;
}

/** The first faults, each leading to its cell. */
function Faults({
  faults,
  fields,
  lang,
  onGo,
}: {
  faults: BatchFault[];
  fields: FieldDef[];
  lang: "zh" | "en";
  onGo: (fault: BatchFault) => void;
}) {
  const { t } = useTranslation();
  if (faults.length === 0) return null;
  const nameOfField = (id: string | null | undefined) => {
    const field = fields.find((f) => f.id === id);
    return field ? pickText(field.name, lang) : "";
  };
  return (
    <ul className="batch-faults">
      {faults.slice(0, N_SHOWN_FAULTS).map((fault, at) => (
        <li key={at}>
          <button type="button" className="link" onClick={() => onGo(fault)}>
            {t("batches.faultAt", { n: exactNumber(fault.row + 1) })} {nameOfField(fault.field)}
          </button>{" "}
          {fault.detail}
        </li>
      ))}
      {faults.length > N_SHOWN_FAULTS && (
        <li>{t("batches.moreFaults", { n: exactNumber(faults.length - N_SHOWN_FAULTS) })}</li>
      )}
    </ul>
  );
}
