// One box over everything: records, pages, metrics, and what can be made. The
// hand stays on the keyboard; a finger has the same list.
import "../../i18n/find";
import "../../i18n/talk";
import "./finder.css";
import { SearchOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { findQuery, type Hit } from "../../api/find";
import { catalogQuery } from "../../api/queries";
import { type ObjectDef, objectsQuery } from "../../api/records";
import { favouritesQuery, type Marked } from "../../api/talk";
import { NewRecord } from "../../fields/new-record";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { roomsOf } from "../../ui/rooms";
import { LoadError } from "../../ui/states";
import { cutAt, has, makeable, metricsOf } from "./entries";

const TYPING_MS = 120;
const MAX_TYPED = 100;
const METRICS = 5;
const PAGES = 6;
const MADE = 5;
const MARKED = 8;

const PAGE_LIST = [
  { to: "/today", key: "nav.today" },
  { to: "/", key: "nav.overview" },
  { to: "/customers", key: "nav.customers" },
  { to: "/import", key: "nav.import" },
  { to: "/metrics", key: "nav.metrics" },
  { to: "/choose", key: "find.choose" },
  { to: "/records", key: "nav.records" },
  { to: "/account", key: "nav.account" },
] as const;

type Entry = {
  id: string;
  text: string;
  /** What stands behind the text, paler. */
  detail?: string | undefined;
  sign?: string | undefined;
  run: () => void;
};
type Group = { name: string; entries: Entry[] };

export function Finder({ onClose }: { onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const lang = useLang();
  const navigate = useNavigate();
  const id = useId();
  const box = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const [made, setMade] = useState<ObjectDef | null>(null);
  const [isEntered, setEntered] = useState(false);
  const objects = useQuery(objectsQuery).data ?? [];
  const catalog = useQuery(catalogQuery).data;
  const found = useQuery(findQuery(asked));
  const marks = useQuery(favouritesQuery).data;

  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list begins at its top.
  useEffect(() => {
    setAt(0);
    setEntered(false);
  }, [typed]);

  const leave = (then: () => void) => () => {
    onClose();
    then();
  };
  const go = (object: string, record: number) => {
    const key = String(record);
    if (object === "customer") void navigate({ to: "/customers/$id", params: { id: key } });
    else void navigate({ to: "/records/$object/$id", params: { object, id: key } });
  };
  const nameOf = (object: string) => {
    const def = objects.find((o) => o.id === object);
    return def ? pickText(def.name, lang) : object;
  };
  const record = (hit: Hit): Entry => {
    const field = objects.find((o) => o.id === hit.object)?.fields.find((f) => f.id === hit.field);
    const isOther = hit.title !== null && hit.text !== hit.title;
    const signs: Partial<Record<Hit["fit"], string>> = {
      spelling: t("find.spelling"),
      sound: t("find.sound"),
      near: t("find.near"),
    };
    return {
      id: `${hit.object}-${hit.id}`,
      text: hit.title ?? hit.text,
      detail: isOther && field ? `${pickText(field.name, lang)} ${hit.text}` : undefined,
      sign: [nameOf(hit.object), signs[hit.fit]].filter(Boolean).join(" · "),
      run: leave(() => go(hit.object, hit.id)),
    };
  };
  const marked = (mark: Marked, kind: string): Entry => ({
    id: `${kind}-${mark.object}-${mark.id}`,
    text: mark.title ?? `${nameOf(mark.object)} #${mark.id}`,
    sign: nameOf(mark.object),
    run: leave(() => go(mark.object, mark.id)),
  });
  const favourites = marks?.favourites ?? [];
  // What is a favourite stands there once.
  const seen = (marks?.seen ?? []).filter(
    (s) => !favourites.some((f) => f.object === s.object && f.id === s.id),
  );
  const pages: Entry[] = [
    ...PAGE_LIST.map((page) => ({
      id: page.to,
      text: t(page.key),
      name: { zh: i18n.t(page.key, { lng: "zh" }), en: i18n.t(page.key, { lng: "en" }) },
      run: leave(() => void navigate({ to: page.to })),
    })),
    ...roomsOf(objects)
      .flatMap((room) => room.objects)
      .filter((object) => object.id !== "customer")
      .map((object) => ({
        id: `list-${object.id}`,
        text: pickText(object.name, lang),
        name: object.name,
        run: leave(() => void navigate({ to: "/records/$object", params: { object: object.id } })),
      })),
  ].filter((page) => has(page.name, typed));
  const isBlank = typed.trim() === "";
  const groups: Group[] = [
    {
      name: t("star.favourites"),
      entries: isBlank ? favourites.slice(0, MARKED).map((mark) => marked(mark, "favourite")) : [],
    },
    {
      name: t("star.seen"),
      entries: isBlank ? seen.slice(0, MARKED).map((mark) => marked(mark, "seen")) : [],
    },
    { name: t("find.records"), entries: asked === "" ? [] : (found.data ?? []).map(record) },
    { name: t("find.rooms"), entries: pages.slice(0, PAGES) },
    {
      name: t("find.metrics"),
      entries: metricsOf(catalog?.metrics ?? [], typed, METRICS).map((metric) => ({
        id: `metric-${metric.id}`,
        text: pickText(metric.name, lang),
        detail: metric.code ?? undefined,
        run: leave(() => void navigate({ to: "/metrics/$id", params: { id: metric.id } })),
      })),
    },
    {
      name: t("find.create"),
      entries: roomsOf(makeable(objects))
        .flatMap((room) => room.objects)
        .filter((object) => has(object.name, typed) || t("find.create").includes(typed.trim()))
        .slice(0, MADE)
        .map((object) => ({
          id: `new-${object.id}`,
          text: t("find.make", { object: pickText(object.name, lang) }),
          run: () => setMade(object),
        })),
    },
  ].filter((group) => group.entries.length > 0);
  const entries = groups.flatMap((group) => group.entries);
  const chosen = entries[Math.min(at, entries.length - 1)];
  // Until the answer to what stands in the field is there, the list is of
  // what stood there before: Enter waits for it.
  const isCurrent = asked === typed.trim() && !found.isPlaceholderData && !found.isLoading;

  useEffect(() => {
    if (chosen) document.getElementById(`${id}-${chosen.id}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen, id]);

  useEffect(() => {
    if (!isEntered || !isCurrent) return;
    setEntered(false);
    chosen?.run();
  }, [isEntered, isCurrent, chosen]);

  const onKey = (event: KeyboardEvent) => {
    // The letters of an input method are not yet typed.
    if (event.nativeEvent.isComposing) return;
    const last = entries.length - 1;
    if (event.key === "ArrowDown") setAt(at >= last ? 0 : at + 1);
    else if (event.key === "ArrowUp") setAt(at <= 0 ? last : at - 1);
    else if (event.key === "Enter") setEntered(true);
    else return;
    event.preventDefault();
  };

  if (made)
    return (
      <NewRecord
        object={made}
        onClose={onClose}
        onDone={(held) => {
          onClose();
          const key = String(held.id);
          if (made.id === "customer") void navigate({ to: "/customers/$id", params: { id: key } });
          else void navigate({ to: "/records/$object/$id", params: { object: made.id, id: key } });
        }}
      />
    );
  return (
    <dialog
      ref={box}
      className="finder"
      aria-label={t("find.title")}
      onClose={onClose}
      // A click beside the box, which is the dialog itself, leaves it.
      onPointerDown={(event) => event.target === box.current && box.current?.close()}
    >
      <div className="finder-box">
        <div className="finder-field">
          <SearchOutlined aria-hidden="true" />
          <input
            autoFocus
            type="text"
            role="combobox"
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={chosen ? `${id}-${chosen.id}` : undefined}
            aria-label={t("find.title")}
            placeholder={t("find.placeholder")}
            autoComplete="off"
            spellCheck={false}
            maxLength={MAX_TYPED}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={onKey}
          />
          <button type="button" className="plain-button" onClick={() => box.current?.close()}>
            {t("explain.close")}
          </button>
        </div>
        {found.error && asked !== "" && (
          <LoadError error={found.error} onRetry={() => void found.refetch()} />
        )}
        <div id={`${id}-list`} className="finder-list" role="listbox" aria-label={t("find.title")}>
          {groups.map((group) => (
            <div key={group.name} role="group" aria-label={group.name}>
              <div className="finder-group" aria-hidden="true">
                {group.name}
              </div>
              {group.entries.map((entry) => (
                <Option
                  key={entry.id}
                  id={`${id}-${entry.id}`}
                  entry={entry}
                  typed={typed}
                  isChosen={entry === chosen}
                  onPoint={() => setAt(entries.indexOf(entry))}
                />
              ))}
            </div>
          ))}
        </div>
        <p className="finder-foot" role="status">
          {asked !== "" && isCurrent && (found.data ?? []).length === 0 && !found.error
            ? t("find.none", { text: asked })
            : asked !== "" && isCurrent
              ? t("find.found", { n: found.data?.length ?? 0 })
              : t("find.hint")}
        </p>
      </div>
    </dialog>
  );
}

function Option({
  id,
  entry,
  typed,
  isChosen,
  onPoint,
}: {
  id: string;
  entry: Entry;
  typed: string;
  isChosen: boolean;
  onPoint: () => void;
}) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys.
    <div id={id} role="option" aria-selected={isChosen} onClick={entry.run} onPointerMove={onPoint}>
      <span className="finder-text">
        <Cut text={entry.text} typed={typed} />
        {entry.detail && (
          <small>
            <Cut text={entry.detail} typed={typed} />
          </small>
        )}
      </span>
      {entry.sign && <span className="finder-sign">{entry.sign}</span>}
    </div>
  );
}

function Cut({ text, typed }: { text: string; typed: string }) {
  const [before, part, behind] = cutAt(text, typed);
  return (
    <span>
      {before}
      {part && <mark>{part}</mark>}
      {behind}
    </span>
  );
}
