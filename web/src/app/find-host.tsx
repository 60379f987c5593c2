// The door to the box that finds anything; the box comes when it is opened.
import { SearchOutlined } from "@ant-design/icons";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

/** As they stand on the keys. */
const KEYS = "Ctrl K";

const Finder = lazy(() => import("../features/find/finder").then((m) => ({ default: m.Finder })));

export function FindHost() {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      if (event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) setOpen(true);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <button type="button" className="find-button" aria-label={t("keys.find")} onClick={() => setOpen(true)}>
        <SearchOutlined aria-hidden="true" />
        <span className="find-words" aria-hidden="true">
          {t("keys.search")} <kbd>{KEYS}</kbd>
        </span>
      </button>
      {isOpen && (
        <Suspense>
          <Finder onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
