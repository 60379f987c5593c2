// Two people wrote the same fields of one record: both values of each, and
// the reader chooses.
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { FieldDef, RecordRow } from "../../api/records";
import { RecordValue } from "../../fields/record-value";
import { useLang } from "../../i18n";
import { Dialog } from "../../ui/dialog";
import { NO_VALUE, pickText } from "../../ui/format";

export function SheetConflict({
  who,
  fields,
  theirs,
  mine,
  onKeep,
  onClose,
}: {
  who: string;
  fields: FieldDef[];
  theirs: RecordRow;
  mine: Record<string, string>;
  onKeep: (mine: string[]) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const [kept, setKept] = useState<string[]>([]);
  const keep = (id: string, isMine: boolean) =>
    setKept((now) => (isMine ? [...now.filter((k) => k !== id), id] : now.filter((k) => k !== id)));
  return (
    <Dialog title={t("batches.conflict", { who: who || t("record.somebody") })} onClose={onClose}>
      <p className="note">{t("batches.conflictHelp")}</p>
      {fields.map((field) => (
        <fieldset key={field.id} className="sheet-choice">
          <legend>{pickText(field.name, lang)}</legend>
          <label>
            <input
              type="radio"
              name={field.id}
              checked={!kept.includes(field.id)}
              onChange={() => keep(field.id, false)}
            />
            <span className="muted">{t("batches.theirs")}</span>{" "}
            <RecordValue field={field} row={theirs} isPlain />
          </label>
          <label>
            <input
              type="radio"
              name={field.id}
              checked={kept.includes(field.id)}
              onChange={() => keep(field.id, true)}
            />
            <span className="muted">{t("batches.mine")}</span> <span>{mine[field.id] || NO_VALUE}</span>
          </label>
        </fieldset>
      ))}
      <div className="controls">
        <Button type="primary" onClick={() => onKeep(kept)}>
          {t("batches.keep")}
        </Button>
      </div>
    </Dialog>
  );
}
