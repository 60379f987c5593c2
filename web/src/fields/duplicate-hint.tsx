// While somebody types a new record: whether it is there already, and what of it
// looks mistyped. What the reader may not see is only said to be there.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Alert } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { checkQuery, type DuplicateMatch } from "../api/duplicates";
import type { ObjectDef } from "../api/records";
import { useLang } from "../i18n";
import "../i18n/duplicates";
import { type Lang, pickText } from "../ui/format";
import type { Drafts } from "./coerce";
import "./duplicate-hint.css";

/** After the last key. */
const PAUSE_MS = 500;

export function DuplicateHint({ object, drafts }: { object: ObjectDef; drafts: Drafts }) {
  const { t } = useTranslation();
  const lang = useLang();
  const typed = JSON.stringify(valuesOf(object, drafts));
  const [asked, setAsked] = useState("{}");
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const { data } = useQuery({
    ...checkQuery(object, JSON.parse(asked)),
    enabled: asked !== "{}",
    placeholderData: keepPreviousData,
  });
  const matches = asked === "{}" ? [] : (data?.matches ?? []);
  const typos = asked === "{}" ? [] : (data?.hints ?? []);
  return (
    <div role="status" className="duplicate-hint">
      {typos.map(({ field, kind }) => (
        <Alert
          key={field}
          type="warning"
          showIcon
          title={t(`duplicates.typed.${kind}`, { field: nameOf(object, field, lang) })}
        />
      ))}
      {matches.length > 0 && (
        <Alert
          type="warning"
          showIcon
          title={t(matches.some((m) => m.is_sure) ? "duplicates.hintSure" : "duplicates.hint")}
          description={
            <ul>
              {matches.map((match, i) => (
                <li key={match.id ?? `other-${i}`}>
                  <Match object={object} match={match} />
                </li>
              ))}
            </ul>
          }
        />
      )}
    </div>
  );
}

function Match({ object, match }: { object: ObjectDef; match: DuplicateMatch }) {
  const { t } = useTranslation();
  const days = match.days_since_contact;
  const contact =
    days === null || days === undefined
      ? t("duplicates.hintNever")
      : days === 0
        ? t("duplicates.hintToday")
        : t("duplicates.hintDays", { n: days });
  const said = [
    match.reasons.map((reason) => t(`duplicates.reasons.${reason}`)).join(" · "),
    match.owner ? t("duplicates.hintOwner", { owner: match.owner }) : t("duplicates.hintNobody"),
    contact,
  ];
  return (
    <>
      {match.id ? (
        <Link to="/records/$object/$id" params={{ object: object.id, id: String(match.id) }}>
          {match.title ?? match.number ?? String(match.id)}
        </Link>
      ) : (
        <span>{t("duplicates.hintOthers")}</span>
      )}{" "}
      <small>{said.join(" · ")}</small>
    </>
  );
}

const nameOf = (object: ObjectDef, id: string, lang: Lang) =>
  pickText(object.fields.find((field) => field.id === id)?.name, lang) || id;

/** Texts and links that are filled in. */
function valuesOf(object: ObjectDef, drafts: Drafts): Record<string, string | number> {
  const values: Record<string, string | number> = {};
  for (const field of object.fields) {
    const draft = drafts[field.id];
    if (field.is_read_only || field.is_masked) continue;
    if (field.type === "text" && typeof draft === "string" && draft.trim().length > 1)
      values[field.id] = draft.trim();
    if (field.type === "link" && typeof draft === "number") values[field.id] = draft;
  }
  return values;
}
