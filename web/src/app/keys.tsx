// Keys that work on every page, and the list of them.
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

const ROOMS: Record<string, "/" | "/customers" | "/import" | "/metrics" | "/records"> = {
  o: "/",
  c: "/customers",
  i: "/import",
  m: "/metrics",
  r: "/records",
};
const SEQUENCE_MS = 3_000;
const SEARCH = ".search input, input.search";
/** A page that was just opened has its search field within this many frames. */
const FRAMES = 120;

const LIST = [
  { keys: ["Ctrl", "K"], says: "keys.find" },
  { keys: ["/"], says: "keys.search" },
  { keys: ["g", "o"], says: "keys.overview" },
  { keys: ["g", "c"], says: "keys.customers" },
  { keys: ["g", "i"], says: "keys.import" },
  { keys: ["g", "m"], says: "keys.metrics" },
  { keys: ["g", "r"], says: "keys.records" },
  { keys: ["↑", "↓"], says: "keys.rows" },
  { keys: ["Enter"], says: "keys.open" },
  { keys: ["Esc"], says: "keys.close" },
  { keys: ["?"], says: "keys.list" },
] as const;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches("input, textarea, select, [role=combobox]"));

function focusSearch(frames = FRAMES): void {
  const field = document.querySelector<HTMLInputElement>(SEARCH);
  if (field) {
    field.focus();
    field.select();
  } else if (frames > 0) {
    requestAnimationFrame(() => focusSearch(frames - 1));
  }
}

export function Keys() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const dialog = useRef<HTMLDialogElement>(null);
  const startedAt = useRef(Number.NEGATIVE_INFINITY);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target) || dialog.current?.open) return;
      const room = event.timeStamp - startedAt.current < SEQUENCE_MS ? ROOMS[event.key] : undefined;
      startedAt.current = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
      if (room) {
        void navigate({ to: room });
      } else if (event.key === "/") {
        event.preventDefault();
        if (!document.querySelector(SEARCH)) void navigate({ to: "/customers" });
        focusSearch();
      } else if (event.key === "?") {
        dialog.current?.showModal();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate]);

  return (
    <>
      <button type="button" className="keys-button" onClick={() => dialog.current?.showModal()}>
        <kbd>?</kbd> {t("keys.title")}
      </button>
      <dialog ref={dialog} className="keys" aria-labelledby="keys-title">
        <h2 id="keys-title">{t("keys.title")}</h2>
        <dl>
          {LIST.map((entry) => (
            <div key={entry.says}>
              <dt>
                {entry.keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{t(entry.says)}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog">
          <button type="submit" className="plain-button">
            {t("explain.close")}
          </button>
        </form>
      </dialog>
    </>
  );
}
