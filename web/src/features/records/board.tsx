// A column for each word of a choice, or each record of a link. A card is moved
// by the pointer, by the arrow keys with Shift, or by the choice on the card.
import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Select } from "antd";
import { type DragEvent, type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  changeRecord,
  type FieldDef,
  fetchRecord,
  groupsQuery,
  type ObjectDef,
  type RecordFilter,
  type RecordRow,
  recordsQuery,
} from "../../api/records";
import { statusOf } from "../../api/request";
import { defaultColumns, findFieldOf, isMoney, mayDo, sumFields, titleOf } from "../../fields/record";
import { RecordLink, RecordValue } from "../../fields/record-value";
import { useLang } from "../../i18n";
import { useCurrency } from "../../ui/catalog";
import { Amount } from "../../ui/figure";
import { exactNumber, pickText } from "../../ui/format";
import { Partial } from "../../ui/partial";
import { LoadError, Skeleton } from "../../ui/states";
import { allOf } from "../../ui/where";
import { type Lane, laneKey, laneWhere, MAX_LANES, type Move, useLanes, withMoves } from "./lanes";

const N_CARDS = 50;
const N_FACTS = 3;

/** Somebody else has moved the card since it was shown. */
class Moved extends Error {}

export function Board({
  object,
  filter,
  fields,
  by,
  steps,
  onChange,
}: {
  object: ObjectDef;
  filter: RecordFilter;
  fields: FieldDef[];
  by: FieldDef | undefined;
  steps: string | undefined;
  onChange: (next: { by?: string; steps?: string }) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const { message } = App.useApp();
  const cache = useQueryClient();
  const fallback = useCurrency();
  const [over, setOver] = useState<string | undefined>(undefined);
  const [said, setSaid] = useState("");
  const { lanes, whole, to, isTooMany, ...state } = useLanes(by, steps);
  const queryOf = (lane: Lane) => {
    const own = by ? laneWhere(by, lane.value) : "";
    const { where, ...rest } = filter;
    return recordsQuery(object.id, { ...rest, where: allOf([where, own]) ?? own, limit: N_CARDS });
  };
  const pages = useQueries({
    queries: lanes.map((lane) => {
      const { placeholderData: _, ...query } = queryOf(lane);
      return query;
    }),
  });
  const money = sumFields(object).find(isMoney);
  const within = whole && by ? `${by.id} in (${lanes.map((lane) => lane.value).join(", ")})` : undefined;
  const where = allOf([filter.where, within]);
  const totals = useQuery({
    ...groupsQuery(object.id, {
      by: by?.id ?? "",
      ...(money ? { sum: money.id } : {}),
      ...(where ? { where } : {}),
      ...(filter.search ? { search: filter.search } : {}),
    }),
    enabled: by !== undefined && lanes.length > 0,
  });
  const totalOf = (lane: Lane) => totals.data?.groups.find((g) => laneKey(g.value) === lane.key);
  const isMovable = by !== undefined && mayDo(object, "update") && !by.is_read_only;

  const followed = useRef<{ id: number; lane: string } | undefined>(undefined);
  // Cards on their way are kept beside what was read: an answer that was asked
  // for before the move shall not take a card back, nor the focus with it.
  const [moves, setMoves] = useState<Move[]>([]);
  const shown = lanes.map((lane, at) => withMoves(pages[at]?.data?.rows ?? [], lane.key, moves));
  const end = (move: Move) => setMoves((now) => now.filter((m) => m !== move));
  const move = useMutation({
    // One after the other: the second move of a card begins where the first has led.
    scope: { id: `board ${object.id}` },
    mutationFn: async ({ move, from, to }: { move: Move; from: Lane; to: Lane }) => {
      if (!by) return;
      const { id } = move.row;
      // The list does not say which version it shows; the record does, and
      // whether it still stands where it was taken from.
      const now = await fetchRecord(object.id, id);
      if (laneKey(now.values[by.id]) !== from.key) throw new Moved();
      await changeRecord(object.id, id, { [by.id]: to.value }, now.etag);
    },
    onError: (error, { move, from }) => {
      const { id } = move.row;
      if (document.activeElement?.id === `card-${id}`) followed.current = { id, lane: from.key };
      end(move);
      const isLate = error instanceof Moved || statusOf(error) === 412;
      const reason = isLate ? t("board.movedAlready") : error.message || t("error.unreachable");
      void message.error(t("board.failed", { reason }));
    },
    onSuccess: (_, { move, to }) =>
      setSaid(t("board.moved", { title: titleOf(object, move.row), column: to.name })),
    onSettled: async (_, __, { move }) => {
      await cache.invalidateQueries({ queryKey: ["records", object.id] });
      end(move);
    },
  });
  const moveTo = (row: RecordRow, from: Lane, to: Lane | undefined) => {
    if (!to || from.key === to.key) return;
    const one: Move = { row, to: to.key };
    setMoves((now) => [...now.filter((m) => m.row.id !== row.id), one]);
    move.mutate({ move: one, from, to });
  };
  const find = (id: number) => {
    for (const [at, lane] of lanes.entries()) {
      const row = shown[at]?.find((r) => r.id === id);
      if (row) return { row, lane };
    }
    return null;
  };
  const drop = (event: DragEvent, to: Lane) => {
    event.preventDefault();
    setOver(undefined);
    const found = find(Number(event.dataTransfer.getData("text/plain")));
    if (found) moveTo(found.row, found.lane, to);
  };
  const follow = (card: HTMLElement | null, id: number, lane: string) => {
    if (!card || followed.current?.id !== id || followed.current.lane !== lane) return;
    followed.current = undefined;
    card.focus();
  };
  const onKey = (event: KeyboardEvent, row: RecordRow, at: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const [from, to] = [lanes[at], lanes[at + (step ?? 0)]];
    if (!event.shiftKey || step === undefined || !isMovable || !from || !to) return;
    event.preventDefault();
    // The card is made anew in its new column, and keeps the focus there.
    followed.current = { id: row.id, lane: to.key };
    moveTo(row, from, to);
  };
  // What a card says: its money, then what a list shows first.
  const facts = [...new Set([...(money ? [money.id] : []), ...defaultColumns(object)])]
    .map((id) => findFieldOf(object, id))
    .filter((f): f is FieldDef => f !== undefined)
    .filter((f) => f.id !== object.title && (f.id !== object.number || !object.title) && f.id !== by?.id)
    .filter((f) => f.id !== whole?.field);

  return (
    <>
      <div className="board-head">
        {fields.length > 1 && (
          <Select
            aria-label={t("board.by")}
            value={by?.id ?? ""}
            onChange={(id) => onChange({ by: id })}
            options={fields.map((f) => ({ value: f.id, label: pickText(f.name, lang) }))}
            popupMatchSelectWidth={false}
          />
        )}
        {whole && whole.options.length > 1 && (
          <Select
            aria-label={t("board.steps", { object: pickText(whole.object.name, lang) })}
            value={whole.chosen ?? null}
            onChange={(id) => onChange({ steps: String(id) })}
            options={whole.options}
            popupMatchSelectWidth={false}
          />
        )}
        {isMovable && <p className="note hide-phone">{t("board.help")}</p>}
        <p className="visually-hidden" role="status">
          {said}
        </p>
      </div>
      <Partial of={totals.data} />
      {totals.data?.is_mixed && money && <p className="note">{t("groups.mixed")}</p>}
      {state.error && <LoadError error={state.error} onRetry={state.retry} />}
      {state.isPending && <Skeleton height="100%" />}
      {to && isTooMany && (
        <p className="nothing">
          {t("board.tooMany", { object: pickText(to.name, lang), n: exactNumber(MAX_LANES) })}
        </p>
      )}
      {to && !isTooMany && !state.isPending && !state.error && lanes.length === 0 && (
        <p className="nothing">{t("board.noLanes", { object: pickText(to.name, lang) })}</p>
      )}
      <div
        className="board"
        tabIndex={0}
        role="region"
        aria-label={t("records.views.board")}
        hidden={lanes.length === 0}
      >
        {lanes.map((lane, at) => {
          const page = pages[at];
          const total = totalOf(lane);
          return (
            <section
              key={lane.key}
              className={over === lane.key ? "lane over" : "lane"}
              aria-label={lane.name}
              onDragOver={(e) => {
                if (!isMovable) return;
                e.preventDefault();
                setOver(lane.key);
              }}
              onDragLeave={(e) => {
                if (!e.currentTarget.contains(e.relatedTarget as Node)) setOver(undefined);
              }}
              onDrop={(e) => drop(e, lane)}
            >
              <h2>
                {lane.name} <span className="count">{totals.data ? exactNumber(total?.count ?? 0) : ""}</span>
              </h2>
              {money && total && total.sum !== null && (
                <p className="lane-sum">
                  <span className="visually-hidden">{pickText(money.name, lang)} </span>
                  <Amount value={total.sum} unit="money" currency={totals.data?.currency ?? fallback} />
                </p>
              )}
              {page?.error && <LoadError error={page.error} onRetry={() => page.refetch()} />}
              {page?.isPending && <Skeleton height={72} />}
              <ul>
                {shown[at]?.map((row) => (
                  <li
                    key={row.id}
                    id={`card-${row.id}`}
                    ref={(card) => follow(card, row.id, lane.key)}
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
                        value={lane.key}
                        onChange={(e) =>
                          moveTo(
                            row,
                            lane,
                            lanes.find((l) => l.key === e.target.value),
                          )
                        }
                      >
                        {lanes.map((l) => (
                          <option key={l.key} value={l.key}>
                            {l.name}
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
