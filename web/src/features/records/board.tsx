// A column for each word of a choice. A card is moved by the pointer, by the
// arrow keys with Shift, or by the choice on the card itself.
import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { App, Select } from "antd";
import { type DragEvent, type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  changeRecord,
  type FieldDef,
  fetchRecord,
  type ObjectDef,
  type RecordFilter,
  type RecordPage,
  type RecordRow,
  recordsQuery,
} from "../../api/records";
import { statusOf } from "../../api/request";
import { defaultColumns, findFieldOf, isMoney, mayDo, titleOf } from "../../fields/record";
import { RecordLink, RecordValue } from "../../fields/record-value";
import { useLang } from "../../i18n";
import { exactNumber, pickText } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";
import { allOf, quote } from "../../ui/where";

const N_CARDS = 50;
const N_FACTS = 3;

type Column = { value: string | null; name: string };

export function Board({
  object,
  filter,
  fields,
  by,
  onBy,
}: {
  object: ObjectDef;
  filter: RecordFilter;
  fields: FieldDef[];
  by: FieldDef | undefined;
  onBy: (field: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const { message } = App.useApp();
  const cache = useQueryClient();
  const [over, setOver] = useState<string | null | undefined>(undefined);
  const [said, setSaid] = useState("");
  const columns: Column[] = [
    ...(by?.options ?? []).map((o) => ({ value: o.value, name: o[lang] })),
    ...(by?.required ? [] : [{ value: null, name: t("dimension.none") }]),
  ];
  const queryOf = (value: string | null) => {
    const own = value === null ? `${by?.id} is null` : `${by?.id} = ${quote(value)}`;
    const { where, ...rest } = filter;
    return recordsQuery(object.id, {
      ...rest,
      where: allOf([where, own]) ?? own,
      limit: N_CARDS,
      count: true,
    });
  };
  const pages = useQueries({
    queries: columns.map((c) => {
      const { placeholderData: _, ...query } = queryOf(c.value);
      return query;
    }),
  });
  const isMovable = by !== undefined && mayDo(object, "update");

  const move = useMutation({
    mutationFn: async ({ row, to }: { row: RecordRow; from: string | null; to: string | null }) => {
      if (!by) return;
      // The list does not say what it has seen of each record; the record does.
      const now = await fetchRecord(object.id, row.id);
      await changeRecord(object.id, row.id, { [by.id]: to }, now.etag);
    },
    onMutate: ({ row, from, to }) => {
      if (!by) return undefined;
      const [source, target] = [queryOf(from).queryKey, queryOf(to).queryKey];
      const before = { source: cache.getQueryData(source), target: cache.getQueryData(target) };
      const moved = { ...row, values: { ...row.values, [by.id]: to } };
      const change = (page: RecordPage | undefined, rows: RecordRow[], by: number): RecordPage | undefined =>
        page && { ...page, rows, total: page.total === null ? null : page.total + by };
      cache.setQueryData(source, (page) => change(page, page?.rows.filter((r) => r.id !== row.id) ?? [], -1));
      cache.setQueryData(target, (page) => change(page, [moved, ...(page?.rows ?? [])], 1));
      return { source, target, before };
    },
    onError: (error, _, kept) => {
      if (kept) {
        cache.setQueryData(kept.source, kept.before.source);
        cache.setQueryData(kept.target, kept.before.target);
      }
      const reason =
        statusOf(error) === 412 ? t("record.changedShort") : error.message || t("error.unreachable");
      void message.error(t("board.failed", { reason }));
    },
    onSuccess: (_, { row, to }) => {
      const column = columns.find((c) => c.value === to);
      setSaid(t("board.moved", { title: titleOf(object, row), column: column?.name ?? "" }));
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["records", object.id] }),
  });
  const moveTo = (row: RecordRow, from: string | null, to: string | null) => {
    if (from !== to) move.mutate({ row, from, to });
  };
  const find = (id: number) => {
    for (const [at, page] of pages.entries()) {
      const row = page.data?.rows.find((r) => r.id === id);
      const column = columns[at];
      if (row && column) return { row, column };
    }
    return null;
  };
  const drop = (event: DragEvent, to: string | null) => {
    event.preventDefault();
    setOver(undefined);
    const found = find(Number(event.dataTransfer.getData("text/plain")));
    if (found) moveTo(found.row, found.column.value, to);
  };
  const onKey = (event: KeyboardEvent, row: RecordRow, at: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!event.shiftKey || step === undefined || !isMovable) return;
    const to = columns[at + step];
    if (!to) return;
    event.preventDefault();
    moveTo(row, columns[at]?.value ?? null, to.value);
    // The card is made anew in its new column, and keeps the focus there.
    requestAnimationFrame(() => document.getElementById(`card-${row.id}`)?.focus());
  };
  const facts = defaultColumns(object)
    .map((id) => findFieldOf(object, id))
    .filter((f): f is FieldDef => f !== undefined && f.id !== object.title && f.id !== by?.id)
    .sort((a, b) => Number(isMoney(b)) - Number(isMoney(a)));

  return (
    <>
      <div className="board-head">
        {fields.length > 1 && (
          <Select
            aria-label={t("board.by")}
            value={by?.id ?? ""}
            onChange={onBy}
            options={fields.map((f) => ({ value: f.id, label: pickText(f.name, lang) }))}
            popupMatchSelectWidth={false}
          />
        )}
        {isMovable && <p className="note hide-phone">{t("board.help")}</p>}
        <p className="visually-hidden" role="status">
          {said}
        </p>
      </div>
      <div className="board" tabIndex={0} role="region" aria-label={t("records.views.board")}>
        {columns.map((column, at) => {
          const page = pages[at];
          return (
            <section
              key={column.value ?? ""}
              className={over === column.value ? "lane over" : "lane"}
              aria-label={column.name}
              onDragOver={(e) => {
                if (!isMovable) return;
                e.preventDefault();
                setOver(column.value);
              }}
              onDragLeave={(e) => {
                if (!e.currentTarget.contains(e.relatedTarget as Node)) setOver(undefined);
              }}
              onDrop={(e) => drop(e, column.value)}
            >
              <h2>
                {column.name}{" "}
                <span className="count">
                  {exactNumber(page?.data?.total ?? page?.data?.rows.length ?? 0)}
                </span>
              </h2>
              {page?.error && <LoadError error={page.error} onRetry={() => page.refetch()} />}
              {page?.isPending && <Skeleton height={72} />}
              <ul>
                {page?.data?.rows.map((row) => (
                  <li
                    key={row.id}
                    id={`card-${row.id}`}
                    className="board-card"
                    tabIndex={0}
                    draggable={isMovable}
                    onDragStart={(e) => {
                      e.dataTransfer.setData("text/plain", String(row.id));
                      e.dataTransfer.effectAllowed = "move";
                    }}
                    onKeyDown={(e) => onKey(e, row, at)}
                  >
                    <RecordLink object={object.id} id={row.id} title={titleOf(object, row)} />
                    {facts
                      .filter((f) => row.values[f.id] !== null && row.values[f.id] !== undefined)
                      .slice(0, N_FACTS)
                      .map((field) => (
                        <div key={field.id} className="fact">
                          <span className="muted">{pickText(field.name, lang)}</span>{" "}
                          <RecordValue field={field} row={row} isPlain />
                        </div>
                      ))}
                    {isMovable && (
                      <select
                        aria-label={t("board.moveTo", { title: titleOf(object, row) })}
                        value={column.value ?? ""}
                        onChange={(e) => moveTo(row, column.value, e.target.value || null)}
                      >
                        {columns.map((c) => (
                          <option key={c.value ?? ""} value={c.value ?? ""}>
                            {c.name}
                          </option>
                        ))}
                      </select>
                    )}
                  </li>
                ))}
              </ul>
              {page?.data?.next && <p className="note">{t("answer.truncated", { n: N_CARDS })}</p>}
            </section>
          );
        })}
      </div>
    </>
  );
}
