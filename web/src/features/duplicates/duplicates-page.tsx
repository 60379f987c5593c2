// Records that look like one: the pairs that the scan found, what a merge would
// do, and what was merged.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Alert, Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { mergesQuery, type PairBody, pairsQuery, scanNow, tellApart, undoMerge } from "../../api/duplicates";
import { type ObjectDef, objectsQuery } from "../../api/records";
import { useLogWords } from "../../fields/change-words";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import "../../i18n/duplicates";
import { exactNumber, pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { MergeDrawer } from "./merge-drawer";
import "./duplicates.css";

const route = getRouteApi("/data/duplicates/$object");
const SOON_MS = 1_000;

export function DuplicatesPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const params = route.useParams();
  const objects = useQuery(objectsQuery);
  const object = findObject(objects.data, params.object);
  const others = (objects.data ?? []).filter((o) => o.has_duplicates);
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("duplicates.title")}</h1>
          <p className="note">{t("duplicates.note")}</p>
        </div>
        <nav className="controls" aria-label={t("duplicates.object")}>
          {others.map((o) => (
            <Link
              key={o.id}
              to="/data/duplicates/$object"
              params={{ object: o.id }}
              aria-current={o.id === params.object ? "page" : undefined}
              className="chip"
            >
              {pickText(o.name, lang)}
            </Link>
          ))}
        </nav>
      </header>
      {objects.error ? (
        <LoadError error={objects.error} onRetry={() => objects.refetch()} />
      ) : object ? (
        <Duplicates key={object.id} object={object} />
      ) : (
        <Skeleton height={320} />
      )}
    </main>
  );
}

function Duplicates({ object }: { object: ObjectDef }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [pages, setPages] = useState<(string | undefined)[]>([undefined]);
  const [looked, setLooked] = useState<PairBody | null>(null);
  const [said, setSaid] = useState("");
  /** The scan that was the last one when another was asked for. */
  const [awaited, setAwaited] = useState<string | null>(null);
  const first = useQuery({
    ...pairsQuery(object.id),
    refetchInterval: (query) =>
      awaited !== null && (query.state.data?.last_scan?.begun_at ?? "") === awaited ? SOON_MS : false,
  });
  const again = () => cache.invalidateQueries({ queryKey: ["duplicates", object.id] });
  const last = first.data?.last_scan;
  const isScanning = awaited !== null && (last?.begun_at ?? "") === awaited;
  const scan = useMutation({
    mutationFn: () => scanNow(object.id),
    onMutate: () => setAwaited(last?.begun_at ?? ""),
    onError: () => setAwaited(null),
    onSuccess: again,
  });
  const apart = useMutation({
    mutationFn: (pair: PairBody) => tellApart(object.id, pair.a.id, pair.b.id),
    onSuccess: async () => {
      setSaid(t("duplicates.toldApart"));
      await again();
    },
  });
  if (first.error) return <LoadError error={first.error} onRetry={() => first.refetch()} />;
  if (!first.data) return <Skeleton height={320} />;
  const wrong = scan.error ?? apart.error;
  return (
    <>
      <section className="panel">
        <p>
          {last
            ? t("duplicates.last", {
                at: showInstant(last.begun_at),
                n: exactNumber(last.n_compared),
                s: last.seconds.toFixed(1),
              })
            : t("duplicates.never")}
        </p>
        {last && last.n_crowded > 0 && (
          <p className="note">{t("duplicates.crowded", { n: exactNumber(last.n_crowded) })}</p>
        )}
        {first.data.may_merge && (
          <Button type="primary" loading={scan.isPending || isScanning} onClick={() => scan.mutate()}>
            {t(isScanning ? "duplicates.scanning" : "duplicates.scan")}
          </Button>
        )}
        {wrong && (
          <p className="wrong" role="alert">
            {wrong.message || t("error.unreachable")}
          </p>
        )}
        <p role="status">{said}</p>
      </section>
      {first.data.pairs.length === 0 ? (
        <Empty title={t("duplicates.none")}>
          <p>{t("duplicates.noneText")}</p>
        </Empty>
      ) : (
        <Panel title={t("duplicates.list")}>
          <div className="table-scroll" tabIndex={0} role="region" aria-label={t("duplicates.list")}>
            <table className="table as-cards">
              <thead>
                <tr>
                  <th scope="col">{t("duplicates.first")}</th>
                  <th scope="col">{t("duplicates.second")}</th>
                  <th scope="col">{t("duplicates.why")}</th>
                  <th scope="col" className="num">
                    {t("duplicates.score")}
                  </th>
                  <th scope="col">
                    <span className="visually-hidden">{t("users.actions")}</span>
                  </th>
                </tr>
              </thead>
              {pages.map((after) => (
                <Rows
                  key={after ?? ""}
                  object={object}
                  after={after}
                  mayMerge={first.data.may_merge}
                  onLook={setLooked}
                  onApart={(pair) => apart.mutate(pair)}
                  onMore={after === pages[pages.length - 1] ? (next) => setPages([...pages, next]) : null}
                />
              ))}
            </table>
          </div>
        </Panel>
      )}
      <Merges object={object} onDone={setSaid} />
      {looked && (
        <MergeDrawer
          object={object}
          pair={looked}
          onClose={() => setLooked(null)}
          onDone={async () => {
            setLooked(null);
            setSaid(t("duplicates.done"));
            await cache.invalidateQueries({ queryKey: ["records"] });
            await again();
          }}
        />
      )}
    </>
  );
}

function Rows({
  object,
  after,
  mayMerge,
  onLook,
  onApart,
  onMore,
}: {
  object: ObjectDef;
  after: string | undefined;
  mayMerge: boolean;
  onLook: (pair: PairBody) => void;
  onApart: (pair: PairBody) => void;
  onMore: ((next: string) => void) | null;
}) {
  const { t } = useTranslation();
  const { data } = useQuery(pairsQuery(object.id, after));
  const nameOf = (side: PairBody["a"]) => side.title ?? side.number ?? String(side.id);
  return (
    <tbody>
      {(data?.pairs ?? []).map((pair) => {
        const names = { a: nameOf(pair.a), b: nameOf(pair.b) };
        return (
          <tr key={`${pair.a.id}-${pair.b.id}`}>
            {([pair.a, pair.b] as const).map((side, i) => (
              <td key={side.id} data-head={t(i === 0 ? "duplicates.first" : "duplicates.second")}>
                <span>
                  <Link to="/records/$object/$id" params={{ object: object.id, id: String(side.id) }}>
                    {nameOf(side)}
                  </Link>{" "}
                  {side.number && side.title && <span className="muted">{side.number}</span>}
                </span>
              </td>
            ))}
            <td data-head={t("duplicates.why")}>
              <span>{pair.reasons.map((r) => t(`duplicates.reasons.${r}`)).join(" · ")}</span>
            </td>
            <td data-head={t("duplicates.score")} className="num">
              {pair.score}%
            </td>
            <td>
              <span className="row-actions">
                {mayMerge && (
                  <Button
                    size="small"
                    onClick={() => onLook(pair)}
                    aria-label={t("duplicates.lookNamed", names)}
                  >
                    {t("duplicates.look")}
                  </Button>
                )}
                <Button
                  size="small"
                  onClick={() => onApart(pair)}
                  aria-label={t("duplicates.apartNamed", names)}
                >
                  {t("duplicates.apart")}
                </Button>
              </span>
            </td>
          </tr>
        );
      })}
      {onMore && data?.next && (
        <tr>
          <td colSpan={5}>
            <Button onClick={() => data.next && onMore(data.next)}>{t("duplicates.more")}</Button>
          </td>
        </tr>
      )}
    </tbody>
  );
}

/** What was merged, and the way back. */
function Merges({ object, onDone }: { object: ObjectDef; onDone: (said: string) => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const cache = useQueryClient();
  const { data } = useQuery(mergesQuery(object.id));
  const undo = useMutation({
    mutationFn: (id: number) => undoMerge(object.id, id),
    onSuccess: async (done) => {
      const fields = done.fields_left.map((id) => {
        const field = object.fields.find((f) => f.id === id);
        return field ? pickText(field.name, lang) : id;
      });
      onDone(
        t("duplicates.undone", { moved: done.moved }) +
          (done.left > 0 ? t("duplicates.undoneLeft", { left: done.left }) : "") +
          (fields.length > 0 ? t("duplicates.undoneFields", { fields: fields.join(", ") }) : ""),
      );
      await cache.invalidateQueries({ queryKey: ["records"] });
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["duplicates", object.id] }),
  });
  if (!data) return null;
  return (
    <Panel title={t("duplicates.merges")}>
      {undo.error && <Alert type="error" showIcon title={undo.error.message || t("error.unreachable")} />}
      {data.merges.length === 0 && <p className="note">{t("duplicates.mergesNone")}</p>}
      <ul className="plain-list">
        {data.merges.map((merge) => {
          const title = merge.title ?? String(merge.survivor);
          return (
            <li key={merge.id}>
              <Link to="/records/$object/$id" params={{ object: object.id, id: String(merge.survivor) }}>
                {title}
              </Link>{" "}
              {t("duplicates.mergedFrom", { loser: merge.loser })}{" "}
              <span className="muted">
                {t("duplicates.mergedAt", { at: showInstant(merge.at), by: words.actor(merge.actor) })}
                {merge.undone_at && ` · ${t("duplicates.undoneAt", { at: showInstant(merge.undone_at) })}`}
              </span>{" "}
              {merge.undo_until && (
                <Button
                  size="small"
                  loading={undo.isPending && undo.variables === merge.id}
                  onClick={() => undo.mutate(merge.id)}
                  aria-label={t("duplicates.undoNamed", { title })}
                >
                  {t("duplicates.undo")}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
