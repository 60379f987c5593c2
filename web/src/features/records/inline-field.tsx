// A field that is changed where it stands: Enter keeps, Escape drops. Where the
// record was changed meanwhile, both values are shown and the reader decides.
import { EditOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import {
  changeRecord,
  type FieldDef,
  fetchRecord,
  type Held,
  historyPage,
  type LinkTitle,
  type ObjectDef,
  recordQuery,
} from "../../api/records";
import { statusOf } from "../../api/request";
import type { Actor } from "../../api/session";
import type { Value } from "../../api/types";
import { nameOf } from "../../fields/change-words";
import { coerce, type Draft, faultsOf } from "../../fields/coerce";
import { FieldInput } from "../../fields/field-input";
import { isLong } from "../../fields/record";
import { RecordValue } from "../../fields/record-value";
import { Reveal } from "../../fields/reveal";
import { useLang } from "../../i18n";
import { Dialog } from "../../ui/dialog";
import { pickText } from "../../ui/format";

type Conflict = { theirs: Held; by: Actor };

export function InlineField({
  object,
  field,
  record,
  isEditable,
  isEditing,
  onEdit,
  onDone,
}: {
  object: ObjectDef;
  field: FieldDef;
  record: Held;
  isEditable: boolean;
  isEditing: boolean;
  onEdit: () => void;
  onDone: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const name = pickText(field.name, lang);
  const button = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    // The focus comes back to where it was before.
    if (wasEditing.current && !isEditing) button.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  return (
    <div className={isEditing ? "record-field editing" : "record-field"}>
      <dt title={field.help ? pickText(field.help, lang) : undefined}>{name}</dt>
      <dd>
        {isEditing ? (
          <Editor object={object} field={field} record={record} onDone={onDone} />
        ) : (
          <>
            <span className={isLong(field) ? "prose" : undefined}>
              <RecordValue field={field} row={record} />
            </span>
            {field.may_reveal && (record.values[field.id] ?? null) !== null && (
              <Reveal object={object.id} id={record.id} field={field} />
            )}
            {isEditable && (
              <button
                ref={button}
                type="button"
                className="edit"
                aria-label={t("record.edit", { name })}
                title={t("record.edit", { name })}
                onClick={onEdit}
              >
                <EditOutlined aria-hidden="true" />
              </button>
            )}
          </>
        )}
      </dd>
    </div>
  );
}

function Editor({
  object,
  field,
  record,
  onDone,
}: {
  object: ObjectDef;
  field: FieldDef;
  record: Held;
  onDone: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const [draft, setDraft] = useState<Draft>(record.values[field.id] ?? null);
  const [link, setLink] = useState<LinkTitle | undefined>(record.links[field.id]);
  const [fault, setFault] = useState<string | null>(null);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  // As it was when the edit began: what others write meanwhile is theirs.
  const [seen] = useState(record);
  const key = recordQuery(object.id, record.id).queryKey;
  const finish = async (held?: Held) => {
    if (held) cache.setQueryData(key, held);
    setConflict(null);
    onDone();
    await cache.invalidateQueries({ queryKey: ["records"] });
  };
  const again = useRef<(wanted: { value: Value; etag: string | null }) => void>(() => {});
  const save = useMutation({
    mutationFn: ({ value, etag }: { value: Value; etag: string | null }) =>
      changeRecord(object.id, record.id, { [field.id]: value }, etag),
    onSuccess: (held) => finish(held),
    onError: async (error, { value }) => {
      if (statusOf(error) === 412) {
        try {
          const [theirs, history] = await Promise.all([
            fetchRecord(object.id, record.id),
            historyPage(object.id, record.id, undefined),
          ]);
          // Another field of it is no conflict: both stay.
          const [now, then] = [theirs, seen].map((r) => JSON.stringify(r.values[field.id] ?? null));
          if (now === then) {
            again.current({ value, etag: theirs.etag });
            return;
          }
          setConflict({ theirs, by: history.changes[0]?.actor ?? null });
          return;
        } catch (later) {
          setFault((later as Error).message || t("error.unreachable"));
          return;
        }
      }
      const own = error instanceof ApiError ? faultsOf(error.problem) : [];
      setFault(own.map((f) => f.detail).join(" ") || error.message || t("error.unreachable"));
    },
  });
  again.current = save.mutate;
  const submit = () => {
    const result = coerce(field, draft);
    if ("wrong" in result) {
      setFault(t(`wrong.${result.wrong}`));
      return;
    }
    setFault(null);
    if (result.value === (seen.values[field.id] ?? null)) onDone();
    else save.mutate({ value: result.value, etag: seen.etag });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isInList = (event.target as HTMLElement).getAttribute("aria-expanded") === "true";
    if (event.nativeEvent.isComposing || isInList) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      onDone();
    } else if (
      event.key === "Enter" &&
      !event.shiftKey &&
      (event.target as HTMLElement).tagName === "INPUT"
    ) {
      event.preventDefault();
      submit();
    }
  };
  const mine: Held = {
    ...record,
    values: { ...record.values, [field.id]: draft },
    links: link ? { ...record.links, [field.id]: link } : record.links,
  };
  return (
    <div className="inline-editor" role="group" aria-label={pickText(field.name, lang)} onKeyDown={onKeyDown}>
      <FieldInput
        field={field}
        draft={draft}
        link={link}
        isWrong={fault !== null}
        autoFocus
        onChange={(next, nextLink) => {
          setDraft(next);
          setLink(nextLink);
        }}
      />
      {fault && (
        <p className="wrong" role="alert">
          {fault}
        </p>
      )}
      <div className="controls">
        <Button type="primary" size="small" loading={save.isPending} onClick={submit}>
          {t("form.save")}
        </Button>
        <Button size="small" onClick={onDone}>
          {t("form.cancel")}
        </Button>
      </div>
      {conflict && (
        <Dialog
          title={t("record.changed", { who: nameOf(conflict.by) || t("record.somebody") })}
          onClose={() => setConflict(null)}
        >
          <dl className="facts">
            <div>
              <dt>{t("record.theirs")}</dt>
              <dd>
                <RecordValue field={field} row={conflict.theirs} isPlain />
              </dd>
            </div>
            <div>
              <dt>{t("record.mine")}</dt>
              <dd>
                <RecordValue field={field} row={mine} isPlain />
              </dd>
            </div>
          </dl>
          <div className="controls">
            <Button onClick={() => finish(conflict.theirs)}>{t("record.takeTheirs")}</Button>
            <Button
              type="primary"
              loading={save.isPending}
              onClick={() => {
                const result = coerce(field, draft);
                if ("value" in result) save.mutate({ value: result.value, etag: conflict.theirs.etag });
              }}
            >
              {t("record.keepMine")}
            </Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
