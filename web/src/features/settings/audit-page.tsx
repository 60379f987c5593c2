// Everything that was done, newest first, with what stood before and after.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Button, Input, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AuditEntry, auditPage, usersQuery } from "../../api/session";
import { KINDS, useLogWords } from "../../fields/change-words";
import { Diff } from "../../fields/diff";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import { pickText, showInstant } from "../../ui/format";
import { useMayAdmin, useObjects } from "../../ui/session";
import { SettingsFrame } from "../../ui/settings-frame";
import { SEARCH_SIGN, useClear } from "../../ui/signs";
import { LoadError, Skeleton } from "../../ui/states";
import type { AuditSearch } from "./search";

const route = getRouteApi("/settings/audit");
const TYPING_MS = 300;

export function AuditPage() {
  const { t } = useTranslation();
  return (
    <SettingsFrame area="audit" title={t("settings.audit")} note={t("audit.note")}>
      <Trail />
    </SettingsFrame>
  );
}

function Trail() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const pages = useInfiniteQuery({
    queryKey: ["audit", search],
    queryFn: ({ pageParam, signal }) => auditPage(search, pageParam, signal),
    initialPageParam: undefined as number | string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
  const entries = pages.data?.pages.flatMap((p) => p.entries) ?? [];
  const first = pages.data?.pages[0];
  const isWhole = first?.is_whole;
  const rewritten = first?.rewritten_since ?? [];
  return (
    <>
      <AuditFilters search={search} onChange={(next) => navigate({ search: next, replace: true })} />
      {pages.error ? (
        <LoadError error={pages.error} onRetry={() => pages.refetch()} />
      ) : !pages.data ? (
        <Skeleton height={400} />
      ) : (
        <section className="panel">
          <p className={isWhole ? "whole-chain" : "wrong"} role="status">
            {isWhole
              ? t("audit.whole")
              : rewritten.length > 0
                ? t("audit.rewritten", { names: rewritten.join(t("list.comma")) })
                : t("audit.broken")}
          </p>
          {entries.length === 0 && !pages.hasNextPage && <p className="nothing">{t("audit.none")}</p>}
          <ol className="history audit">
            {entries.map((entry) => (
              <Entry key={entry.seq} entry={entry} />
            ))}
          </ol>
          {pages.hasNextPage && (
            <Button loading={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
              {t("pager.more")}
            </Button>
          )}
        </section>
      )}
    </>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const lang = useLang();
  const words = useLogWords();
  const objects = useObjects();
  const object = entry.object ? findObject(objects, entry.object) : undefined;
  const name = object ? pickText(object.name, lang) : words.thing(entry.object ?? "");
  const isThere = object && entry.record !== null && entry.kind !== "delete";
  return (
    <li>
      <p>
        <span className="code">{entry.seq}</span> <time dateTime={entry.at}>{showInstant(entry.at)}</time>{" "}
        <b>{words.actor(entry.actor)}</b> <span className="chip">{words.kind(entry.kind)}</span>{" "}
        {isThere ? (
          <Link to="/records/$object/$id" params={{ object: object.id, id: String(entry.record) }}>
            {name} {entry.title ?? `#${entry.record}`}
          </Link>
        ) : (
          name && (
            <span>
              {name}
              {entry.record !== null && ` #${entry.record}`}
            </span>
          )
        )}{" "}
        <span className="muted">{words.channel(entry.channel)}</span>
      </p>
      <Diff object={object} before={entry.before} after={entry.after} />
    </li>
  );
}

function AuditFilters({ search, onChange }: { search: AuditSearch; onChange: (next: AuditSearch) => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const clear = useClear();
  const mayUsers = useMayAdmin("users");
  const users = useQuery({ ...usersQuery, enabled: mayUsers });
  const objects = useObjects();
  const [actor, setActor] = useState(search.actor ?? "");
  useEffect(() => setActor(search.actor ?? ""), [search.actor]);
  const set = (name: keyof AuditSearch, value: string | undefined) => {
    const { [name]: _, ...rest } = search;
    onChange(value ? { ...rest, [name]: value } : rest);
  };
  useEffect(() => {
    if (mayUsers || actor === (search.actor ?? "")) return;
    const timer = setTimeout(() => set("actor", actor), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <div className="filters">
      {mayUsers ? (
        <Select
          allowClear={clear.select}
          showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
          aria-label={t("audit.person")}
          placeholder={t("audit.person")}
          {...(search.actor ? { value: search.actor } : {})}
          onChange={(value: string | undefined) => set("actor", value)}
          options={(users.data ?? []).map((u) => ({ value: u.login, label: u.name }))}
          popupMatchSelectWidth={false}
        />
      ) : (
        <Input
          className="grow search"
          prefix={SEARCH_SIGN}
          aria-label={t("audit.person")}
          placeholder={t("audit.person")}
          value={actor}
          onChange={(e) => setActor(e.target.value)}
        />
      )}
      <Select
        allowClear={clear.select}
        showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
        aria-label={t("log.object")}
        placeholder={t("log.object")}
        {...(search.object ? { value: search.object } : {})}
        onChange={(value: string | undefined) => set("object", value)}
        options={objects.map((o) => ({ value: o.id, label: pickText(o.name, lang) }))}
        popupMatchSelectWidth={false}
      />
      <Select
        allowClear={clear.select}
        aria-label={t("audit.kind")}
        placeholder={t("audit.kind")}
        {...(search.kind ? { value: search.kind } : {})}
        onChange={(value: string | undefined) => set("kind", value)}
        options={KINDS.map((kind) => ({ value: kind, label: words.kind(kind) }))}
        popupMatchSelectWidth={false}
      />
      {search.record && (
        <Button onClick={() => set("record", undefined)}>
          {t("audit.allRecords", { id: search.record })}
        </Button>
      )}
    </div>
  );
}
