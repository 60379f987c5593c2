// One field of an object: its name and type in a line, all else below it.
import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined } from "@ant-design/icons";
import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { FieldDraft } from "../../api/design";
import type { FieldType } from "../../api/records";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { Labelled } from "../../ui/side-form";
import { newOption, noText, TYPES, UNITS, withAt, withName, without, withType } from "./draft";

/** What a name is called in the page's language, and in the other, which is folded away. */
const WORDS = {
  zh: { own: "design.nameZh", other: "design.nameEn", option: "design.optionOf", more: "design.optionEn" },
  en: { own: "design.nameEn", other: "design.nameZh", option: "design.optionEn", more: "design.optionOf" },
} as const;

export function FieldEditor({
  field,
  at,
  isOwn,
  isFixed,
  isKnown,
  isLast,
  fault,
  onChange,
  onMove,
  onRemove,
}: {
  field: FieldDraft;
  at: number;
  /** Of an object of one's own. */
  isOwn: boolean;
  isFixed: boolean;
  /** It is stored already: its type stays. */
  isKnown: boolean;
  isLast: boolean;
  fault: string | undefined;
  onChange: (next: FieldDraft) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const [isOpen, setOpen] = useState(false);
  const n = at + 1;
  const words = WORDS[lang];
  const other = lang === "zh" ? "en" : "zh";
  const name = pickText(field.name, lang) || t("design.fieldOf", { n });
  const options = field.options ?? [];
  const isNumber = ["decimal", "int", "float"].includes(field.type);
  const flags = (
    [
      ["is_required", "design.required", true],
      ["is_unique", "design.unique", field.type === "text"],
      ["is_searched", "design.searched", field.type === "text"],
      ["is_title", "design.isTitle", isOwn && field.type === "text"],
    ] as const
  ).filter(([, , fits]) => fits);
  return (
    <li className="design-field" aria-label={name}>
      <div className="design-line">
        <Input
          aria-label={`${t(words.own)} ${n}`}
          placeholder={pickText(field.name, lang) || t(words.own)}
          value={field.name[lang]}
          maxLength={60}
          disabled={isFixed}
          status={fault ? "error" : ""}
          onChange={(e) => onChange({ ...field, name: withName(field.name, lang, e.target.value) })}
        />
        <select
          aria-label={`${name} ${t("design.type")}`}
          value={field.type}
          disabled={isKnown || isFixed}
          onChange={(e) => onChange(withType(field, e.target.value as FieldType))}
        >
          {TYPES.map((type) => (
            <option key={type} value={type}>
              {t(`design.types.${type}`)}
            </option>
          ))}
        </select>
        {field.type === "link" && (
          <select
            aria-label={`${name} ${t("design.to")}`}
            value={field.to ?? ""}
            disabled={isKnown || isFixed}
            onChange={(e) => onChange({ ...field, to: e.target.value })}
          >
            {objects.map((o) => (
              <option key={o.id} value={o.id}>
                {pickText(o.name, lang)}
              </option>
            ))}
          </select>
        )}
        <span className="design-flags">
          {flags.map(([key, word]) => (
            <label key={key} className="switch">
              <input
                type="checkbox"
                disabled={isFixed}
                checked={field[key] ?? false}
                onChange={(e) => onChange({ ...field, [key]: e.target.checked })}
              />
              {t(word)}
            </label>
          ))}
        </span>
        <span className="design-tools">
          <Button
            size="small"
            aria-expanded={isOpen}
            aria-label={`${name} ${t("design.more")}`}
            onClick={() => setOpen(!isOpen)}
          >
            {t("design.more")}
          </Button>
          {!isFixed && (
            <>
              <Button
                size="small"
                aria-label={`${name} ${t("design.up")}`}
                disabled={at === 0}
                icon={<ArrowUpOutlined aria-hidden="true" />}
                onClick={() => onMove(-1)}
              />
              <Button
                size="small"
                aria-label={`${name} ${t("design.down")}`}
                disabled={isLast}
                icon={<ArrowDownOutlined aria-hidden="true" />}
                onClick={() => onMove(1)}
              />
              <Button
                size="small"
                aria-label={`${name} ${t("design.remove")}`}
                icon={<DeleteOutlined aria-hidden="true" />}
                onClick={onRemove}
              />
            </>
          )}
        </span>
      </div>
      {fault && (
        <p className="wrong" role="alert">
          {fault}
        </p>
      )}
      {field.type === "choice" && (
        <ol className="design-options" aria-label={`${name} ${t("design.options")}`}>
          {options.map((option, i) => (
            <li key={option.value ?? `new ${i}`}>
              <Input
                aria-label={`${name} ${t(words.option, { n: i + 1 })}`}
                placeholder={pickText(option.name, lang)}
                value={option.name[lang]}
                disabled={isFixed}
                onChange={(e) =>
                  onChange({
                    ...field,
                    options: withAt(options, i, {
                      ...option,
                      name: withName(option.name, lang, e.target.value),
                    }),
                  })
                }
              />
              {isOpen && (
                <Input
                  aria-label={`${name} ${t(words.more, { n: i + 1 })}`}
                  placeholder={t(words.other)}
                  value={option.name[other]}
                  disabled={isFixed}
                  onChange={(e) =>
                    onChange({
                      ...field,
                      options: withAt(options, i, {
                        ...option,
                        name: { ...noText(), ...option.name, [other]: e.target.value },
                      }),
                    })
                  }
                />
              )}
              {!isFixed && (
                <Button
                  size="small"
                  aria-label={`${name} ${t(words.option, { n: i + 1 })} ${t("design.remove")}`}
                  icon={<DeleteOutlined aria-hidden="true" />}
                  disabled={options.length === 1}
                  onClick={() => onChange({ ...field, options: without(options, i) })}
                />
              )}
            </li>
          ))}
          {!isFixed && (
            <li>
              <Button size="small" onClick={() => onChange({ ...field, options: [...options, newOption()] })}>
                {t("design.addOption")}
              </Button>
            </li>
          )}
        </ol>
      )}
      {isOpen && (
        <div className="form-grid design-more">
          <Labelled label={t(words.other)}>
            {(id) => (
              <Input
                id={id}
                value={field.name[other]}
                disabled={isFixed}
                onChange={(e) =>
                  onChange({ ...field, name: { ...noText(), ...field.name, [other]: e.target.value } })
                }
              />
            )}
          </Labelled>
          {isNumber && (
            <Labelled label={t("design.unit")}>
              {(id) => (
                <select
                  id={id}
                  value={field.unit ?? ""}
                  disabled={isFixed}
                  onChange={(e) => onChange({ ...field, unit: e.target.value || null })}
                >
                  <option value="">{t("design.units.none")}</option>
                  {UNITS.map((unit) => (
                    <option key={unit} value={unit}>
                      {t(`design.units.${unit}`)}
                    </option>
                  ))}
                </select>
              )}
            </Labelled>
          )}
          <Labelled label={t("design.help")}>
            {(id) => (
              <Input
                id={id}
                value={field.help?.zh}
                disabled={isFixed}
                onChange={(e) => onChange({ ...field, help: { en: "", ...field.help, zh: e.target.value } })}
              />
            )}
          </Labelled>
          <Labelled label={t("design.helpEn")}>
            {(id) => (
              <Input
                id={id}
                value={field.help?.en}
                disabled={isFixed}
                onChange={(e) => onChange({ ...field, help: { zh: "", ...field.help, en: e.target.value } })}
              />
            )}
          </Labelled>
          {field.id && (
            <p className="note">
              {t("design.id")}: <code>{field.id}</code>
            </p>
          )}
        </div>
      )}
    </li>
  );
}
