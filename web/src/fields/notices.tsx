// What somebody is told, line by line: who did what, where, and when.
import "../i18n/talk";
import "./notices.css";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Notice } from "../api/talk";
import { useLang } from "../i18n";
import { exactNumber, pickText, showAge, showInstant } from "../ui/format";
import { useObjects } from "../ui/session";
import { findObject } from "./record";
import { RecordLink } from "./record-link";

const KINDS = ["mention", "comment", "task", "owner"] as const;
const isKind = (kind: string): kind is (typeof KINDS)[number] => (KINDS as readonly string[]).includes(kind);

export function Notices({ notices, onOpen }: { notices: Notice[]; onOpen: (notice: Notice) => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const now = Date.now();
  return (
    <ul className="notices">
      {notices.map((notice) => {
        const object = findObject(objects, notice.object);
        const objectName = object ? pickText(object.name, lang) : notice.object;
        const isMany = notice.n > 1;
        return (
          <li key={notice.id} className={notice.is_read ? "notice" : "notice new"}>
            <p>
              {!notice.is_read && <span className="visually-hidden">{t("notice.unread")} </span>}
              {isMany
                ? t("notice.many", { name: notice.actor, n: exactNumber(notice.n), object: objectName })
                : isKind(notice.kind) && t(`notice.kinds.${notice.kind}`, { name: notice.actor })}{" "}
              <time dateTime={notice.at} title={showInstant(notice.at)} className="muted">
                {showAge(notice.at, now, lang)}
              </time>
            </p>
            {isMany ? (
              <Link to="/records/$object" params={{ object: notice.object }} onClick={() => onOpen(notice)}>
                {objectName}
              </Link>
            ) : (
              <RecordLink
                object={notice.object}
                id={notice.record}
                title={notice.title ?? null}
                onClick={() => onOpen(notice)}
              />
            )}
            {notice.text && <p className="notice-text">{notice.text}</p>}
          </li>
        );
      })}
    </ul>
  );
}
