// Saved views: names for what the address of a list says. Choosing one only
// changes the address.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Input } from "antd";
import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ObjectDef } from "../../api/records";
import { rolesQuery } from "../../api/session";
import {
  addView,
  changeView,
  deleteView,
  type SavedState,
  type SavedView,
  setUsualView,
  viewsQuery,
} from "../../api/views";
import { useLang } from "../../i18n";
import "../../i18n/views";
import { Dialog } from "../../ui/dialog";
import { pickText } from "../../ui/format";
import { Menu } from "../../ui/menu";
import { useMayAdmin } from "../../ui/session";
import { type RecordsSearch, readRecordsSearch } from "./search";
import "./saved-views.css";

const KEYS = ["view", "search", "where", "sort", "by", "sum", "steps", "month", "columns"] as const;

const stateOf = (search: RecordsSearch): SavedState =>
  Object.fromEntries(KEYS.map((key) => [key, search[key] ?? null])) as SavedState;
const isSame = (a: SavedState | RecordsSearch, b: SavedState | RecordsSearch): boolean =>
  KEYS.every((key) => (a[key] ?? "") === (b[key] ?? ""));

export function SavedViews({
  object,
  search,
  columns,
  onChange,
}: {
  object: ObjectDef;
  search: RecordsSearch;
  columns: string[];
  onChange: (search: RecordsSearch) => void;
}) {
  const { t } = useTranslation();
  const { data } = useQuery(viewsQuery(object.id));
  const [asked, setAsked] = useState<"save" | "edit" | null>(null);
  const began = useRef(false);
  const views = data?.views ?? [];
  const usual = data?.usual ?? null;
  useEffect(() => {
    // Once, and only a list that was opened without saying how.
    if (!data || began.current) return;
    began.current = true;
    const first = data.views.find((v) => v.id === data.usual && v.fits);
    if (first && Object.keys(search).length === 0) onChange(readRecordsSearch(first.state));
  }, [data, search, onChange]);
  const current = views.find((v) => v.fits && isSame(v.state, search));
  const whole: RecordsSearch = { ...search, columns: columns.join(",") };
  return (
    <>
      <Menu
        className="saved-views"
        label={
          <span className="saved-name">
            {t("savedViews.menu")}
            {current ? `: ${current.name}` : ""}
          </span>
        }
      >
        {(close) => {
          const go = (next: () => void) => {
            close();
            next();
          };
          return (
            <ul>
              <li>
                <button type="button" onClick={() => go(() => onChange({}))}>
                  {t("savedViews.plain")}
                </button>
              </li>
              {views.map((view) => (
                <li key={view.id}>
                  <button
                    type="button"
                    disabled={!view.fits}
                    aria-current={view === current}
                    onClick={() => go(() => onChange(readRecordsSearch(view.state)))}
                  >
                    <span className="saved-name">
                      {view.name}
                      <span className="muted">
                        {view.fits ? "" : ` · ${t("savedViews.broken")}`}
                        {view.is_own ? "" : ` · ${t("savedViews.by", { name: view.owner })}`}
                      </span>
                    </span>
                  </button>
                </li>
              ))}
              {views.length === 0 && <li className="note">{t("savedViews.none")}</li>}
              <li className="saved-more">
                <button type="button" onClick={() => go(() => setAsked("save"))}>
                  {t("savedViews.save")}
                </button>
              </li>
              {views.length > 0 && (
                <li>
                  <button type="button" onClick={() => go(() => setAsked("edit"))}>
                    {t("savedViews.edit")}
                  </button>
                </li>
              )}
            </ul>
          );
        }}
      </Menu>
      {asked === "save" && (
        <SaveDialog
          object={object}
          search={whole}
          onSaved={() => onChange(whole)}
          onClose={() => setAsked(null)}
        />
      )}
      {asked === "edit" && (
        <EditDialog
          object={object}
          views={views}
          usual={usual}
          search={whole}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function useShares(): { value: string; label: string }[] {
  const { t } = useTranslation();
  const lang = useLang();
  const may = useMayAdmin("design");
  const { data } = useQuery({ ...rolesQuery, enabled: may });
  const all = [{ value: "", label: t("savedViews.nobody") }];
  if (!may) return all;
  all.push({ value: "*", label: t("savedViews.everybody") });
  return [...all, ...(data ?? []).map((role) => ({ value: role.id, label: pickText(role.name, lang) }))];
}

function Share({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const shares = useShares();
  if (shares.length === 1) return null;
  return (
    <select aria-label={label} value={value} onChange={(e) => onChange(e.target.value)}>
      {shares.map((share) => (
        <option key={share.value} value={share.value}>
          {share.label}
        </option>
      ))}
    </select>
  );
}

function SaveDialog({
  object,
  search,
  onSaved,
  onClose,
}: {
  object: ObjectDef;
  search: RecordsSearch;
  onSaved: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const cache = useQueryClient();
  const id = useId();
  const [name, setName] = useState("");
  const [shared, setShared] = useState("");
  const [isUsual, setUsual] = useState(false);
  const save = useMutation({
    mutationFn: async () => {
      const body = { name: name.trim(), state: stateOf(search), shared_with: shared || null };
      const made = await addView(object.id, body);
      if (isUsual) await setUsualView(object.id, made.id);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: viewsQuery(object.id).queryKey });
      void message.success(t("savedViews.saved", { name: name.trim() }));
      onSaved();
      onClose();
    },
  });
  return (
    <Dialog title={t("savedViews.save")} onClose={onClose}>
      <form
        className="form"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          if (name.trim()) save.mutate();
        }}
      >
        {save.error && <Alert type="error" showIcon title={save.error.message || t("error.unreachable")} />}
        <div className="form-field">
          <label htmlFor={id}>{t("savedViews.name")}</label>
          <Input id={id} value={name} maxLength={100} onChange={(e) => setName(e.target.value)} />
        </div>
        <div className="controls">
          <Share label={t("savedViews.share")} value={shared} onChange={setShared} />
          <label className="switch">
            <input type="checkbox" checked={isUsual} onChange={(e) => setUsual(e.target.checked)} />
            {t("savedViews.usual")}
          </label>
        </div>
        <div className="form-foot">
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={save.isPending} disabled={!name.trim()}>
            {t("form.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function EditDialog({
  object,
  views,
  usual,
  search,
  onClose,
}: {
  object: ObjectDef;
  views: SavedView[];
  usual: number | null;
  search: RecordsSearch;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [sure, setSure] = useState<number | null>(null);
  const [names, setNames] = useState<Record<number, string>>({});
  const work = useMutation({
    mutationFn: (what: () => Promise<void>) => what(),
    onSettled: () => cache.invalidateQueries({ queryKey: viewsQuery(object.id).queryKey }),
  });
  return (
    <Dialog title={t("savedViews.edit")} onClose={onClose}>
      {work.error && <Alert type="error" showIcon title={work.error.message || t("error.unreachable")} />}
      <ul className="saved-list">
        {views.map((view) => {
          const name = names[view.id] ?? view.name;
          return (
            <li key={view.id} aria-label={view.name}>
              {view.may_change ? (
                <span className="saved-line">
                  <Input
                    aria-label={`${view.name} ${t("savedViews.name")}`}
                    value={name}
                    maxLength={100}
                    onChange={(e) => setNames({ ...names, [view.id]: e.target.value })}
                  />
                  <Button
                    disabled={!name.trim() || name.trim() === view.name}
                    onClick={() => work.mutate(() => changeView(object.id, view.id, { name: name.trim() }))}
                  >
                    {t("savedViews.rename")}
                  </Button>
                </span>
              ) : (
                <strong className="saved-name">{view.name}</strong>
              )}
              <span className="saved-line">
                <label className="switch">
                  <input
                    type="checkbox"
                    aria-label={`${view.name} ${t("savedViews.usual")}`}
                    checked={usual === view.id}
                    onChange={(e) => {
                      const next = e.target.checked ? view.id : null;
                      work.mutate(() => setUsualView(object.id, next));
                    }}
                  />
                  {t("savedViews.usual")}
                </label>
                {view.may_change && (
                  <>
                    <Share
                      label={`${view.name} ${t("savedViews.share")}`}
                      value={view.shared_with ?? ""}
                      onChange={(next) =>
                        work.mutate(() => changeView(object.id, view.id, { shared_with: next || null }))
                      }
                    />
                    <Button
                      onClick={() =>
                        work.mutate(() => changeView(object.id, view.id, { state: stateOf(search) }))
                      }
                    >
                      {t("savedViews.update")}
                    </Button>
                  </>
                )}
                {(view.may_change || view.is_own) && sure !== view.id && (
                  <Button
                    danger
                    aria-label={`${view.name} ${t("savedViews.delete")}`}
                    onClick={() => setSure(view.id)}
                  >
                    {t("savedViews.delete")}
                  </Button>
                )}
              </span>
              {sure === view.id && (
                <span className="saved-line" role="alert">
                  <span>{t("savedViews.deleteSure", { name: view.name })}</span>
                  <Button onClick={() => setSure(null)}>{t("form.cancel")}</Button>
                  <Button
                    danger
                    type="primary"
                    onClick={() => work.mutate(() => deleteView(object.id, view.id))}
                  >
                    {t("savedViews.delete")}
                  </Button>
                </span>
              )}
            </li>
          );
        })}
      </ul>
      <div className="controls">
        <Button type="primary" onClick={onClose}>
          {t("savedViews.close")}
        </Button>
      </div>
    </Dialog>
  );
}
