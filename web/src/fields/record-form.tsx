// A new record: every field with its control, faults beside their fields. What
// is wrong is said before anything is sent; what the server refuses is said at
// the same place.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Drawer, Progress } from "antd";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { addFile, FILE } from "../api/files";
import {
  createRecord,
  type FieldDef,
  type Held,
  type LinkTitle,
  type ObjectDef,
  type Values,
} from "../api/records";
import { useLang } from "../i18n";
import "../i18n/outbox";
import { pickText, showBytes } from "../ui/format";
import { newKey } from "../ui/key";
import { layer } from "../ui/layer";
import { keep, lastUser } from "../ui/outbox";
import { CLOSE_SIGN } from "../ui/signs";
import { usePhone } from "../ui/use-media";
import { coerceAll, type Drafts, faultsOf } from "./coerce";
import { DuplicateHint } from "./duplicate-hint";
import { FieldInput } from "./field-input";
import { type FieldGroup, groupsOf, isLong } from "./record";

export type Given = { drafts: Drafts; links: Record<string, LinkTitle> };

export function RecordDrawer({
  object,
  given,
  onDone,
  onClose,
}: {
  object: ObjectDef;
  /** What is filled in already, as the customer whose page asks for a new contact. */
  given?: Given | undefined;
  onDone: (made: Held) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const phone = usePhone();
  return (
    <Drawer
      open
      size={phone ? "100%" : 560}
      title={t("form.new", { object: pickText(object.name, lang) })}
      getContainer={layer}
      closable={{ closeIcon: CLOSE_SIGN, "aria-label": t("explain.close") }}
      onClose={onClose}
    >
      <RecordForm object={object} given={given} onDone={onDone} onClose={onClose} />
    </Drawer>
  );
}

function RecordForm({
  object,
  given,
  onDone,
  onClose,
}: {
  object: ObjectDef;
  given?: Given | undefined;
  onDone: (made: Held) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  /** The same content sent again is the same wish; other content is another one. */
  const wish = useRef({ content: "", key: "" });
  const [drafts, setDrafts] = useState<Drafts>(() => ({
    ...switchesOff(writable(object)),
    ...given?.drafts,
  }));
  const [links, setLinks] = useState(given?.links ?? {});
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [general, setGeneral] = useState<string[]>([]);
  // What makes a file's record a file.
  const isFile = object.id === FILE;
  const [file, setFile] = useState<File | null>(null);
  const [sent, setSent] = useState(0);
  const picker = useRef<HTMLInputElement>(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const save = useMutation({
    // Without a network it fails at once, and is kept.
    networkMode: "always",
    mutationFn: (values: Values) => {
      const content = JSON.stringify([values, file?.name, file?.size, file?.lastModified]);
      if (wish.current.content !== content) wish.current = { content, key: newKey() };
      const { key } = wish.current;
      if (!file) return createRecord(object.id, values, key);
      return addFile(file, values, key, setSent, stop.current.signal);
    },
    onSuccess: async (made) => {
      await cache.invalidateQueries({ queryKey: ["records"] });
      onDone(made);
    },
    onError: (error, values) => {
      // No answer at all: it is kept here and goes as soon as there is a network.
      if (!(error instanceof ApiError) && !navigator.onLine && !file) {
        const user = lastUser();
        const title = [pickText(object.name, lang), ...labelsOf(object, values, links)].join(" · ");
        const at = new Date().toISOString();
        if (user !== null && keep({ key: wish.current.key, user, object: object.id, title, values, at })) {
          void message.success(t("outbox.keptForm"));
          onClose();
          return;
        }
      }
      const named = error instanceof ApiError ? faultsOf(error.problem) : [];
      const isHere = (field: string) => object.fields.some((f) => f.id === field);
      setFaults(Object.fromEntries(named.filter((f) => isHere(f.field)).map((f) => [f.field, f.detail])));
      const others = named.filter((f) => !isHere(f.field)).map((f) => f.detail);
      setGeneral(named.length > 0 ? others : [error.message || t("error.unreachable")]);
    },
  });
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    if (Object.keys(faults).length > 0)
      form.current
        ?.querySelector<HTMLElement>('[aria-invalid="true"], .ant-select-status-error input')
        ?.focus();
  }, [faults]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { values, wrong } = coerceAll(writable(object), drafts);
    const said = Object.entries(wrong).map(([field, code]) => [field, t(`wrong.${code}`)] as const);
    if (isFile && !file) said.push(["content", t("files.mustChoose")]);
    setFaults(Object.fromEntries(said));
    setGeneral([]);
    if (said.length === 0) save.mutate(values);
  };
  const groups = groupsOf({ ...object, fields: writable(object) });
  return (
    <form ref={form} className="form" onSubmit={submit} noValidate>
      {general.map((text) => (
        <Alert key={text} type="error" showIcon title={text} />
      ))}
      {object.has_duplicates && <DuplicateHint object={object} drafts={drafts} />}
      {isFile && (
        <div className="form-field">
          <label htmlFor={`${id}-content`}>
            {t("files.file")}
            <span className="must"> *</span>
          </label>
          <div className="chosen-file">
            <Button
              id={`${id}-content`}
              aria-invalid={faults.content !== undefined}
              onClick={() => picker.current?.click()}
            >
              {t("files.chooseOne")}
            </Button>
            {file && (
              <span>
                {file.name} <small className="note">{showBytes(file.size)}</small>
              </span>
            )}
          </div>
          <input
            ref={picker}
            type="file"
            className="visually-hidden"
            tabIndex={-1}
            aria-label={t("files.chooseOne")}
            onChange={(e) => {
              const chosen = e.target.files?.[0] ?? null;
              setFile(chosen);
              setSent(0);
              if (chosen) setDrafts((d) => ({ ...d, name: d.name || chosen.name }));
            }}
          />
          {faults.content && (
            <p className="wrong" role="alert">
              {faults.content}
            </p>
          )}
          {file && save.isPending && (
            <Progress
              size="small"
              aria-label={t("files.sending", { name: file.name })}
              percent={file.size ? Math.floor((sent / file.size) * 100) : 0}
            />
          )}
        </div>
      )}
      {groups.map((group) => (
        <Group
          key={group.id}
          group={group}
          isAlone={groups.length === 1}
          isWrong={group.fields.some((f) => faults[f.id])}
        >
          <div className="form-grid">
            {group.fields.map((field) => (
              <div key={field.id} className={isLong(field) ? "form-field wide" : "form-field"}>
                <label htmlFor={`${id}-${field.id}`}>
                  {pickText(field.name, lang)}
                  {field.required && <span className="must"> *</span>}
                </label>
                <FieldInput
                  field={field}
                  id={`${id}-${field.id}`}
                  draft={drafts[field.id] ?? null}
                  link={links[field.id]}
                  isWrong={faults[field.id] !== undefined}
                  onChange={(draft, link) => {
                    setDrafts((d) => ({ ...d, [field.id]: draft }));
                    if (link) setLinks((l) => ({ ...l, [field.id]: link }));
                  }}
                />
                {faults[field.id] ? (
                  <p className="wrong" role="alert">
                    {faults[field.id]}
                  </p>
                ) : (
                  (field.help || field.id === object.number) && (
                    <p className="note">
                      {field.id === object.number ? t("field.numbered") : pickText(field.help, lang)}
                    </p>
                  )
                )}
              </div>
            ))}
          </div>
        </Group>
      ))}
      <div className="form-foot">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {t("form.save")}
        </Button>
      </div>
    </form>
  );
}

/** The fields that the reader may write. A number that nobody gives is the next one. */
const writable = (object: ObjectDef): FieldDef[] =>
  object.fields
    .filter((f) => !f.is_read_only)
    .map((f) => (f.id === object.number ? { ...f, required: false } : f));

/** A switch that nobody touched says no. */
const switchesOff = (fields: FieldDef[]): Drafts =>
  Object.fromEntries(fields.filter((f) => f.type === "bool" && f.required).map((f) => [f.id, false]));

/** Fields under a heading; those that no section names are folded away until one is wrong. */
function Group({
  group,
  isAlone,
  isWrong,
  children,
}: {
  group: FieldGroup;
  isAlone: boolean;
  isWrong: boolean;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const [isOpen, setOpen] = useState(false);
  const title = group.name ? pickText(group.name, lang) : t(`record.groups.${group.kind}`);
  if (group.kind === "more")
    return (
      <details open={isOpen || isWrong} onToggle={(e) => setOpen(e.currentTarget.open)}>
        <summary>{title}</summary>
        {children}
      </details>
    );
  return (
    <fieldset>
      <legend className={isAlone ? "visually-hidden" : undefined}>{title}</legend>
      {children}
    </fieldset>
  );
}

/** What a record that waits is called: its title, or to whom it leads. */
function labelsOf(object: ObjectDef, values: Values, links: Record<string, LinkTitle>): string[] {
  const title = object.title ? values[object.title] : null;
  const led = Object.entries(links).filter(([field]) => values[field] !== null);
  return [title ? String(title) : "", led[0]?.[1].title ?? ""].filter(Boolean).slice(0, 1);
}
