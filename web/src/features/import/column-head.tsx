// What one column of a file is: its field, how it is written, whether empty
// cells mean the one above.
import { Select } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { ObjectDef } from "../../api/records";
import type { ColumnMapping } from "../../api/types";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { SEARCH_SIGN } from "../../ui/signs";
import { type ColumnView, fieldsOf } from "./draft";
import { isReason } from "./reasons";

const LEFT_OUT = "";
const FOUND = "found" as const;
/** What needs no saying. */
const PLAIN = new Set<string>(["heading", "unknown", "given"]);

type Choice = { find?: string; taken?: string };

export function ColumnHead({
  column,
  doubts,
  view,
  takenBy,
  plain,
  onChange,
}: {
  column: ColumnMapping;
  /** Codes of what somebody has to look at. */
  doubts: string[];
  view: ColumnView;
  /** The heading that a field is taken from already. */
  takenBy: (field: string) => string | undefined;
  /** The object of plain records. */
  plain: ObjectDef | undefined;
  onChange: (part: Partial<ColumnMapping>) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const gaps = useId();
  const samples = (column.samples ?? []).slice(0, 3).join(" · ");
  const groups = fieldsOf(catalog, plain);
  const names = groups.flatMap((g) => g.fields.map((f) => pickText(f.name, lang)));
  const options = [
    { value: LEFT_OUT, label: t("mapping.leftOut"), find: "" },
    ...groups.map(({ object, fields }) => ({
      label: pickText(object.name, lang),
      options: fields.map((f) => {
        const other = takenBy(f.path);
        const name = pickText(f.name, lang);
        // Customers and products both have a name: alone it says too little.
        const isShared = names.indexOf(name) !== names.lastIndexOf(name);
        return {
          value: f.path,
          label: isShared ? `${pickText(object.name, lang)} · ${name}` : name,
          // Found by its name in either language, and by its path.
          find: `${f.name.zh} ${f.name.en} ${f.path}`.toLowerCase(),
          taken: other ? t("mapping.takenBy", { name: other }) : "",
        };
      }),
    })),
  ];
  return (
    <div className="column-head">
      <Select
        aria-label={t("mapping.fieldOf", { name: column.heading })}
        className={column.field ? "field-choice" : "field-choice none"}
        value={column.field ?? LEFT_OUT}
        onChange={(next) => onChange({ field: next || null, reason: "given" })}
        options={options}
        optionRender={(option) => (
          <>
            {option.label}
            {(option.data as Choice).taken && <span className="note"> {(option.data as Choice).taken}</span>}
          </>
        )}
        showSearch={{
          filterOption: (text, option) =>
            ((option as Choice | undefined)?.find ?? "").includes(text.trim().toLowerCase()),
          searchIcon: SEARCH_SIGN,
        }}
        popupRender={(menu) => (
          <>
            {samples && <p className="note samples-of">{t("mapping.samplesOf", { samples })}</p>}
            {menu}
          </>
        )}
        popupMatchSelectWidth={false}
      />
      {view.formats.length > 0 && (
        <Select
          aria-label={t("mapping.formatOf", { name: column.heading })}
          value={column.format ?? FOUND}
          onChange={(next) => onChange({ format: next === FOUND ? null : next })}
          options={[FOUND, ...view.formats].map((f) => ({ value: f, label: t(`mapping.formats.${f}`) }))}
          popupMatchSelectWidth={false}
        />
      )}
      {view.hasGaps && (
        <label className="switch" htmlFor={gaps}>
          <input
            id={gaps}
            type="checkbox"
            checked={column.fill_down ?? false}
            onChange={(e) => onChange({ fill_down: e.target.checked })}
          />
          {t("mapping.fillDown")}
        </label>
      )}
      {column.reason !== "given" &&
        doubts.filter(isReason).map((code) => (
          <p key={code} className="doubt">
            {t(`mapping.reasons.${code}`)}
          </p>
        ))}
      {isReason(column.reason) && !PLAIN.has(column.reason) && (
        <p className="note">{t(`mapping.reasons.${column.reason}`)}</p>
      )}
    </div>
  );
}
