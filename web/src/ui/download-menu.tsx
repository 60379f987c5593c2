// A button that opens the formats of a file. The file is asked for by the page
// and not by a link, so that it speaks the page's language and a failure is told.
import { DownloadOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { App } from "antd";
import { useTranslation } from "react-i18next";
import { FORMATS, type Format } from "../api/queries";
import { Menu } from "./menu";
import { useMayExport } from "./session";

export function DownloadMenu({
  label,
  note,
  name,
  fetchFile,
  of = [],
}: {
  label: string;
  note?: string | undefined;
  /** Of the file, without its ending. */
  name: string;
  fetchFile: (format: Format) => Promise<Blob>;
  /** The objects whose records are in the file: it is offered to whoever may take them out. */
  of?: string[];
}) {
  const { t } = useTranslation();
  const mayExport = useMayExport(...of);
  const { message } = App.useApp();
  const save = useMutation({
    mutationFn: async (format: Format) => saveFile(await fetchFile(format), `${name}.${format}`),
    onError: (failure) =>
      void message.error(t("download.failed", { reason: failure.message || t("error.unreachable") })),
  });
  if (!mayExport) return null;
  return (
    <Menu
      isBusy={save.isPending}
      label={
        <>
          <DownloadOutlined aria-hidden="true" /> {save.isPending ? t("download.busy") : label}
        </>
      }
    >
      {(close) => (
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
      )}
    </Menu>
  );
}

/** Hands a file that is in the page to the browser. */
export function saveFile(bytes: Blob, name: string): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
