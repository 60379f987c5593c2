// What a change did: each field before and after.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { FieldDef, ObjectDef } from "../api/records";
import { type ChangeValues, rolesQuery } from "../api/session";
import type { Value } from "../api/types";
import { useLang } from "../i18n";
import { NO_VALUE, pickText } from "../ui/format";
import { useLogWords } from "./change-words";
import { changedFields } from "./record";
import { useWords, valueText } from "./record-value";

export function Diff({
  object,
  before,
  after,
  links = {},
}: {
  object: ObjectDef | undefined;
  before: ChangeValues;
  after: ChangeValues;
  /** By field, what linked records are called now. */
  links?: Record<string, { id: number; title?: string | null }[]>;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useWords();
  const log = useLogWords();
  // A user's role is kept by its id; who may read the log of users knows its name.
  const roles = useQuery({ ...rolesQuery, enabled: object?.id === "user" });
  const ids = changedFields(object, before, after);
  if (ids.length === 0) return null;
  const text = (id: string, field: FieldDef | undefined, value: unknown): string => {
    if (value === null || value === undefined || value === "") return NO_VALUE;
    if (typeof value === "object") {
      // A link may carry the title that it had.
      const title = (value as { title?: unknown }).title;
      return typeof title === "string" ? title : JSON.stringify(value);
    }
    if (object?.id === "user" && id === "role")
      return pickText(roles.data?.find((role) => role.id === value)?.name, lang) || String(value);
    if (field?.type === "link") return links[id]?.find((to) => to.id === value)?.title ?? `#${value}`;
    return field ? valueText(field, value as Value, lang, words) : log.said(id, String(value));
  };
  return (
    <ul className="diff">
      {ids.map((id) => {
        const field = object?.fields.find((f) => f.id === id);
        return (
          <li key={id}>
            <span className="muted">{field ? pickText(field.name, lang) : log.detail(id)}</span>{" "}
            {before !== null && (
              <>
                <Side word={t("log.before")} text={text(id, field, before[id])} isOld />{" "}
                <span aria-hidden="true">→</span>{" "}
              </>
            )}
            {after !== null && <Side word={t("log.after")} text={text(id, field, after[id])} />}
          </li>
        );
      })}
    </ul>
  );
}

/** The stroke and the colour say it to the eye, a word to the ear. */
function Side({ word, text, isOld = false }: { word: string; text: string; isOld?: boolean }) {
  const inner = (
    <>
      <span className="visually-hidden">{word} </span>
      {text}
    </>
  );
  return isOld ? <del>{inner}</del> : <ins>{inner}</ins>;
}
