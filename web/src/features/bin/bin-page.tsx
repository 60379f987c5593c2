// What was deleted of late and can come back, and what was written at once and
// can be undone as a whole.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type BatchDoc,
  type BinEntry,
  batchesQuery,
  binQuery,
  restoreRecord,
  undoBatch,
} from "../../api/batches";
import { useLogWords } from "../../fields/change-words";
import { findObject, mayDo } from "../../fields/record";
import { useLang } from "../../i18n";
import "../../i18n/batches";
import { exactNumber, pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useObjects } from "../../ui/session";
import { Empty, LoadError, Skeleton } from "../../ui/states";

export function BinPage() {
  const { t } = useTranslation();
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("batches.bin")}</h1>
          <p className="note">{t("batches.binNote")}</p>
        </div>
      </header>
      <Deleted />
      <Panel title={t("batches.recent")} note={t("batches.recentNote")}>
        <Recent />
      </Panel>
    </main>
  );
}

function useObjectName() {
  const lang = useLang();
  const objects = useObjects();
  return (id: string) => {
    const object = findObject(objects, id);
    return object ? pickText(object.name, lang) : id;
  };
}

function Deleted() {
  const { t } = useTranslation();
  const words = useLogWords();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const nameOf = useObjectName();
  const [object, setObject] = useState("");
  const [search, setSearch] = useState("");
  const [pages, setPages] = useState<(number | undefined)[]>([undefined]);
  const asked = { ...(object ? { object } : {}), ...(search ? { search } : {}) };
  const mine = useObjects().filter((o) => mayDo(o, "delete") && o.id !== "file");
  const restore = useMutation({
    mutationFn: async (entry: BinEntry) => ({ entry, made: await restoreRecord(entry.seq) }),
    onSuccess: async ({ entry, made }) => {
      void message.success(t("batches.restored", { title: entry.title ?? `#${made.id}` }));
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["bin"] }),
        cache.invalidateQueries({ queryKey: ["records"] }),
      ]);
    },
    onError: (error) => void message.error(error.message || t("error.unreachable")),
  });
  return (
    <section className="panel">
      <div className="controls">
        <label>
          {t("batches.kind")}{" "}
          <select
            value={object}
            onChange={(e) => {
              setObject(e.target.value);
              setPages([undefined]);
            }}
          >
            <option value="">{t("batches.all")}</option>
            {mine.map((o) => (
              <option key={o.id} value={o.id}>
                {nameOf(o.id)}
              </option>
            ))}
          </select>
        </label>
        <Input.Search
          aria-label={t("batches.binSearch")}
          placeholder={t("batches.binSearch")}
          allowClear
          style={{ maxWidth: 280 }}
          onSearch={(text) => {
            setSearch(text.trim());
            setPages([undefined]);
          }}
        />
      </div>
      {pages.map((after, at) => (
        <DeletedPart
          key={after ?? 0}
          asked={{ ...asked, ...(after === undefined ? {} : { after }) }}
          isFirst={at === 0}
          isLast={at === pages.length - 1}
          actor={words.actor}
          nameOf={nameOf}
          busy={restore.isPending ? restore.variables.seq : null}
          onRestore={(entry) => restore.mutate(entry)}
          onMore={(next) => setPages((now) => [...now, next])}
        />
      ))}
    </section>
  );
}

function DeletedPart({
  asked,
  isFirst,
  isLast,
  actor,
  nameOf,
  busy,
  onRestore,
  onMore,
}: {
  asked: { object?: string; search?: string; after?: number };
  isFirst: boolean;
  isLast: boolean;
  actor: (login: string) => string;
  nameOf: (object: string) => string;
  busy: number | null;
  onRestore: (entry: BinEntry) => void;
  onMore: (after: number) => void;
}) {
  const { t } = useTranslation();
  const part = useQuery(binQuery(asked));
  if (part.error) return <LoadError error={part.error} onRetry={() => part.refetch()} />;
  if (!part.data) return <Skeleton height={160} />;
  const next = part.data.next ?? null;
  if (isFirst && part.data.entries.length === 0 && next === null)
    return <Empty title={t("batches.binEmpty")} />;
  return (
    <>
      <ul className="bin">
        {part.data.entries.map((entry) => (
          <li key={entry.seq}>
            <span className="grow">
              <b>{entry.title ?? `#${entry.record}`}</b> <span className="chip">{nameOf(entry.object)}</span>
            </span>
            <span className="muted">
              {showInstant(entry.at)} · {actor(entry.actor)}
            </span>
            <Button
              size="small"
              loading={busy === entry.seq}
              aria-label={`${t("batches.restore")}: ${entry.title ?? entry.record}`}
              onClick={() => onRestore(entry)}
            >
              {t("batches.restore")}
            </Button>
          </li>
        ))}
      </ul>
      {isLast && next !== null && <Button onClick={() => onMore(next)}>{t("batches.more")}</Button>}
    </>
  );
}

function Recent() {
  const { t } = useTranslation();
  const words = useLogWords();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const nameOf = useObjectName();
  const list = useQuery(batchesQuery);
  const undo = useMutation({
    mutationFn: ({ batch, leave }: { batch: BatchDoc; leave: boolean }) => undoBatch(batch.id, leave),
    onSuccess: async (done, { batch }) => {
      const first = done.left[0];
      if ((done.batch ?? null) === null && first)
        message.warning({
          key: `batch-${batch.id}`,
          duration: 12,
          content: (
            <>
              {t("batches.notUndone")}: {first.title ?? `#${first.id}`} {first.detail}
              {done.left.length > 1 &&
                ` ${t("batches.moreFaults", { n: exactNumber(done.left.length - 1) })}`}{" "}
              <Button size="small" onClick={() => undo.mutate({ batch, leave: true })}>
                {t("batches.undoRest")}
              </Button>
            </>
          ),
        });
      else
        message.success({
          key: `batch-${batch.id}`,
          content: t("batches.undone", { n: exactNumber(done.n) }),
        });
      await Promise.all(
        ["batches", "bin", "records"].map((key) => cache.invalidateQueries({ queryKey: [key] })),
      );
    },
    onError: (error) => void message.error(error.message || t("error.unreachable")),
  });
  if (list.error) return <LoadError error={list.error} onRetry={() => list.refetch()} />;
  if (!list.data) return <Skeleton height={160} />;
  if (list.data.length === 0) return <p className="note">{t("batches.recentEmpty")}</p>;
  const kindOf = (kind: string) =>
    kind === "paste" || kind === "edit" || kind === "delete" || kind === "undo" || kind === "redo"
      ? t(`batches.kinds.${kind}`)
      : kind;
  return (
    <ul className="bin">
      {list.data.map((batch) => (
        <li key={batch.id}>
          <span className="grow">
            <b>{nameOf(batch.object)}</b> <span className="chip">{kindOf(batch.kind)}</span>{" "}
            {batch.n_created > 0 && t("batches.counts.created", { n: exactNumber(batch.n_created) })}{" "}
            {batch.n_updated > 0 && t("batches.counts.updated", { n: exactNumber(batch.n_updated) })}{" "}
            {batch.n_deleted > 0 && t("batches.counts.deleted", { n: exactNumber(batch.n_deleted) })}
          </span>
          <span className="muted">
            {showInstant(batch.at)} · {words.actor(batch.actor)}
          </span>
          {(batch.undone_by ?? null) !== null ? (
            <span className="muted">{t("batches.isUndone")}</span>
          ) : (
            <Button
              size="small"
              loading={undo.isPending && undo.variables.batch.id === batch.id}
              onClick={() => undo.mutate({ batch, leave: false })}
            >
              {t("batches.undo")}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
