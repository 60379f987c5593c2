// The list: rows are fetched by cursor as they come into view.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type FieldDef,
  type ObjectDef,
  type RecordFilter,
  type RecordRow,
  recordPage,
} from "../../api/records";
import { Finish } from "../../fields/finish";
import { findFieldOf, isFigure, isMoney, titleOf } from "../../fields/record";
import { alignOf, RecordValue } from "../../fields/record-value";
import { Star } from "../../fields/talk";
import { useLang } from "../../i18n";
import { exactNumber, pickText } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";
import { usePhone } from "../../ui/use-media";
import { VirtualRows } from "../../ui/virtual-rows";
import type { Picked } from "./bulk";

const PAGE = 100;
const ROW = 44;
const CARD = 112;
const PICK = 36;
const N_CARD_FIELDS = 4;

function widthOf(field: FieldDef, isTitle: boolean): { min: number; grow: number } {
  if (isTitle) return { min: 180, grow: 2 };
  switch (field.type) {
    case "date":
      return { min: 112, grow: 0 };
    case "instant":
      return { min: 148, grow: 0 };
    case "bool":
      return { min: 84, grow: 0 };
    case "choice":
      return { min: 112, grow: 0 };
    case "link":
      return { min: 140, grow: 1 };
    case "text":
      return { min: 120, grow: 1 };
    default:
      return { min: 120, grow: 0 };
  }
}

export function RecordGrid({
  object,
  columns,
  filter,
  total,
  picked,
  onPick,
  onOpen,
  onSort,
}: {
  object: ObjectDef;
  columns: string[];
  filter: RecordFilter;
  total: number;
  /** Absent where nothing can be done with what is picked. */
  picked?: Picked | undefined;
  onPick: (picked: Picked) => void;
  onOpen: (id: number) => void;
  onSort: (sort: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const phone = usePhone();
  const fields = columns.map((c) => findFieldOf(object, c)).filter((f): f is FieldDef => f !== undefined);
  const list = useInfiniteQuery({
    queryKey: ["records", object.id, "list", filter],
    queryFn: ({ pageParam, signal }) =>
      recordPage(object.id, { ...filter, limit: PAGE, after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const rows: RecordRow[] = list.data?.pages.flatMap((page) => page.rows) ?? [];
  const [to, setTo] = useState(0);
  const onRange = useCallback((_: number, end: number) => setTo(end), []);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && to + PAGE / 2 > rows.length) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, to, rows.length]);

  const widths = fields.map((f) => widthOf(f, f.id === object.title));
  const template = widths.map((w) => (w.grow ? `minmax(${w.min}px, ${w.grow}fr)` : `${w.min}px`)).join(" ");
  // A list narrower than its frame fills it.
  const ofFields = widths.some((w) => w.grow) ? template : template.replace(/(\d+px)$/, "minmax($1, 1fr)");
  const filled = picked ? `${PICK}px ${ofFields}` : ofFields;
  const minWidth = widths.reduce((sum, w) => sum + w.min, picked ? PICK : 0);
  const lastPicked = useRef<number | null>(null);
  const isPicked = (row: RecordRow) => picked !== undefined && (picked.isAll || picked.ids.has(row.id));
  const pick = (index: number, isOn: boolean, isTo: boolean) => {
    const from = isTo && lastPicked.current !== null ? lastPicked.current : index;
    const ids = new Set(picked?.isAll ? rows.map((row) => row.id) : picked?.ids);
    for (const row of rows.slice(Math.min(from, index), Math.max(from, index) + 1))
      if (isOn) ids.add(row.id);
      else ids.delete(row.id);
    lastPicked.current = index;
    onPick({ ids, isAll: false });
  };
  // One row more stands for those that are still to come.
  const count = list.data ? rows.length + (hasNextPage ? 1 : 0) : Math.min(total, 20);
  const sort = filter.sort ?? "";

  const header = (
    <div role="row" aria-rowindex={1} className="row head" style={{ gridTemplateColumns: filled }}>
      {picked && (
        <div role="columnheader" className="pick-cell">
          <input
            type="checkbox"
            aria-label={t("batches.selectAll")}
            checked={rows.length > 0 && rows.every(isPicked)}
            onChange={(event) =>
              onPick({ ids: new Set(event.target.checked ? rows.map((row) => row.id) : []), isAll: false })
            }
          />
        </div>
      )}
      {fields.map((field) => {
        const down = sort === `-${field.id}`;
        const up = sort === field.id;
        return (
          <div
            key={field.id}
            role="columnheader"
            aria-sort={down ? "descending" : up ? "ascending" : "none"}
            className={alignOf(field)}
          >
            <button
              type="button"
              disabled={field.is_masked ?? false}
              title={field.help ? pickText(field.help, lang) : undefined}
              onClick={() => onSort(down ? field.id : up || isFigure(field) ? `-${field.id}` : field.id)}
            >
              {pickText(field.name, lang)}
              <span aria-hidden="true">{down ? " ↓" : up ? " ↑" : ""}</span>
            </button>
          </div>
        );
      })}
    </div>
  );
  return (
    <>
      {list.error && <LoadError error={list.error} onRetry={() => list.refetch()} />}
      <VirtualRows
        total={count}
        rowHeight={phone ? CARD : ROW}
        label={pickText(object.name, lang)}
        header={phone ? undefined : header}
        onRange={onRange}
        onOpen={(index) => {
          const row = rows[index];
          if (row) onOpen(row.id);
        }}
        {...(phone ? {} : { minWidth })}
      >
        {(index) => {
          const row = rows[index];
          if (!row)
            return (
              <div
                role="gridcell"
                className="row-loading"
                aria-label={t("records.loading", { n: exactNumber(index + 1) })}
              >
                <Skeleton height={14} width={`${40 + ((index * 37) % 45)}%`} />
              </div>
            );
          return phone ? (
            <RecordCard object={object} row={row} fields={fields} />
          ) : (
            <div className="cells" style={{ gridTemplateColumns: filled }}>
              {picked && (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the box in it has its own keys.
                <div role="gridcell" className="pick-cell" onClick={(event) => event.stopPropagation()}>
                  <input
                    type="checkbox"
                    aria-label={t("batches.select", { title: titleOf(object, row) })}
                    checked={isPicked(row)}
                    onChange={(event) => {
                      const native = event.nativeEvent as MouseEvent;
                      pick(index, event.target.checked, native.shiftKey);
                    }}
                  />
                </div>
              )}
              {fields.map((field) => (
                <div key={field.id} role="gridcell" className={alignOf(field) ?? "ellipsis"}>
                  {field.id === object.title ? (
                    <span className="titled">
                      <b className="title">{titleOf(object, row)}</b>
                      <Finish object={object} row={row} title={titleOf(object, row)} isSmall />
                      <Star object={object.id} id={row.id} title={titleOf(object, row)} isSmall />
                    </span>
                  ) : (
                    <RecordValue field={field} row={row} isPlain />
                  )}
                </div>
              ))}
            </div>
          );
        }}
      </VirtualRows>
    </>
  );
}

function RecordCard({ object, row, fields }: { object: ObjectDef; row: RecordRow; fields: FieldDef[] }) {
  const lang = useLang();
  const title = titleOf(object, row);
  const isSaid = (field: FieldDef) => row.values[field.id] !== null && row.values[field.id] !== undefined;
  const choices = fields.filter((f) => f.type === "choice" && isSaid(f)).slice(0, 2);
  const rank = (field: FieldDef) =>
    isMoney(field) ? 0 : field.type === "link" ? 1 : field.type === "date" ? 2 : 3;
  const rest = fields
    .filter((f) => f.id !== object.title && f.type !== "choice" && isSaid(f))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, N_CARD_FIELDS);
  return (
    <div role="gridcell" className="customer-card">
      <div className="card-line">
        <b className="ellipsis">{title}</b>
        <Finish object={object} row={row} title={title} isSmall />
        <Star object={object.id} id={row.id} title={title} isSmall />
        {choices.map((field) => (
          <RecordValue key={field.id} field={field} row={row} isPlain />
        ))}
      </div>
      <div className="card-pair">
        {rest.map((field) => (
          <span key={field.id} className="ellipsis">
            <small>{pickText(field.name, lang)}</small> <RecordValue field={field} row={row} isPlain />
          </span>
        ))}
      </div>
    </div>
  );
}
