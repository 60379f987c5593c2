// A button that opens the formats of a file. The file is asked for by the page
// and not by a link, so that it speaks the page's language and a failure is told.
import { DownloadOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { App } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { FORMATS, type Format } from "../api/queries";

export function DownloadMenu({
  label,
  note,
  name,
  fetchFile,
}: {
  label: string;
  note?: string | undefined;
  /** Of the file, without its ending. */
  name: string;
  fetchFile: (format: Format) => Promise<Blob>;
}) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [isOpen, setOpen] = useState(false);
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const leave = (event: Event) => {
      if (!menu.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [isOpen]);
  const save = useMutation({
    mutationFn: async (format: Format) => saveFile(await fetchFile(format), `${name}.${format}`),
    onError: (failure) =>
      void message.error(t("download.failed", { reason: failure.message || t("error.unreachable") })),
  });
  const close = () => {
    setOpen(false);
    menu.current?.querySelector("summary")?.focus();
  };
  return (
    <details
      ref={menu}
      className="download"
      open={isOpen}
      onToggle={(e) => setOpen(e.currentTarget.open)}
      onKeyDown={(e) => {
        if (e.key !== "Escape" || !isOpen) return;
        e.stopPropagation();
        close();
      }}
    >
      <summary aria-busy={save.isPending}>
        <DownloadOutlined aria-hidden="true" /> {save.isPending ? t("download.busy") : label}
      </summary>
      <ul>
        {note && <li className="note">{note}</li>}
        {FORMATS.map((format) => (
          <li key={format}>
            <button
              type="button"
              disabled={save.isPending}
              onClick={() => {
                save.mutate(format);
                close();
              }}
            >
              {t(`download.formats.${format}`)}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Hands a file that is in the page to the browser. */
function saveFile(bytes: Blob, name: string): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
