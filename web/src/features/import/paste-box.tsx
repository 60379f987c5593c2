// A table from the clipboard, as Excel and WPS put it there: rows as lines,
// cells between tabs.
import { Button, Input } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { exactNumber } from "../../ui/format";

/** Rows and columns of a pasted table. */
export function sizeOf(text: string): { rows: number; columns: number } {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return { rows: lines.length, columns: Math.max(0, ...lines.map((line) => line.split("\t").length)) };
}

export function PasteBox({
  text,
  onChange,
  onSend,
}: {
  text: string;
  onChange: (text: string) => void;
  onSend: () => void;
}) {
  const { t } = useTranslation();
  const id = useId();
  const { rows, columns } = sizeOf(text);
  const isTable = rows > 1 && columns > 1;
  return (
    <div className="paste">
      <label htmlFor={id}>{t("import.pasteLabel")}</label>
      <Input.TextArea
        id={id}
        className="mono"
        rows={5}
        value={text}
        wrap="off"
        aria-describedby={`${id}help`}
        onChange={(e) => onChange(e.target.value)}
      />
      <p id={`${id}help`} className="note" aria-live="polite">
        {text.trim() === ""
          ? t("import.pasteHelp")
          : isTable
            ? t("import.pasteSize", { rows: exactNumber(rows), columns: exactNumber(columns) })
            : t("import.pasteNoTable")}
      </p>
      <Button disabled={!isTable} onClick={onSend}>
        {t("import.pasteSend")}
      </Button>
    </div>
  );
}
