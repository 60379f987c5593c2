// The control that a field's type asks for. It holds what is typed; what is
// kept follows from it in `coerce`.
import { Input, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import type { FieldDef, LinkTitle } from "../api/records";
import { useLang } from "../i18n";
import { pickText } from "../ui/format";
import { useClear } from "../ui/signs";
import { type Draft, fromInstant } from "./coerce";
import { DayInput } from "./day-input";
import { LinkInput } from "./link-input";
import { isLong } from "./record";

export function FieldInput({
  field,
  id,
  draft,
  link,
  isWrong = false,
  autoFocus,
  onChange,
}: {
  field: FieldDef;
  /** Of the control, so that its label can point to it. */
  id?: string;
  draft: Draft;
  link?: LinkTitle | undefined;
  isWrong?: boolean;
  autoFocus?: boolean;
  onChange: (draft: Draft, link?: LinkTitle) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const clear = useClear();
  const label = pickText(field.name, lang);
  const status = isWrong ? ("error" as const) : undefined;
  const common = {
    "aria-label": label,
    "aria-invalid": isWrong,
    "aria-required": field.required ?? false,
    ...(id ? { id } : {}),
    ...(autoFocus ? { autoFocus } : {}),
    ...(status ? { status } : {}),
  };
  const text = draft === null || draft === undefined ? "" : String(draft);
  switch (field.type) {
    case "choice":
      return (
        <Select
          {...common}
          className="whole-width"
          allowClear={field.required ? false : clear.select}
          placeholder={t("field.choose")}
          {...(text === "" ? {} : { value: text })}
          options={(field.options ?? []).map((o) => ({ value: o.value, label: o[lang] }))}
          onChange={(next: string | undefined) => onChange(next ?? null)}
        />
      );
    case "bool":
      if (field.required)
        return (
          <Switch
            checked={draft === true}
            aria-label={label}
            {...(id ? { id } : {})}
            onChange={(on) => onChange(on)}
          />
        );
      return (
        <Select
          {...common}
          className="whole-width"
          allowClear={clear.select}
          placeholder={t("field.choose")}
          {...(typeof draft === "boolean" ? { value: draft ? "yes" : "no" } : {})}
          options={[
            { value: "yes", label: t("field.yes") },
            { value: "no", label: t("field.no") },
          ]}
          onChange={(next: string | undefined) => onChange(next === undefined ? null : next === "yes")}
        />
      );
    case "link":
      return (
        <LinkInput
          id={id}
          to={field.to ?? ""}
          value={typeof draft === "number" ? draft : null}
          known={link}
          label={label}
          status={status}
          autoFocus={autoFocus}
          onChange={onChange}
        />
      );
    case "date":
      return <DayInput {...common} label={label} value={text} onChange={onChange} />;
    case "instant":
      return (
        <Input
          {...common}
          inputMode="numeric"
          placeholder={t("date.exampleTime")}
          value={text.includes("T") ? fromInstant(text) : text}
          onChange={(e) => onChange(e.target.value)}
        />
      );
    case "decimal":
    case "int":
    case "float":
      return (
        <Input
          {...common}
          inputMode="decimal"
          autoComplete="off"
          value={text}
          onChange={(e) => onChange(e.target.value)}
        />
      );
    default:
      return isLong(field) ? (
        <Input.TextArea
          {...common}
          autoSize={{ minRows: 2, maxRows: 12 }}
          value={text}
          onChange={(e) => onChange(e.target.value)}
        />
      ) : (
        <Input {...common} autoComplete="off" value={text} onChange={(e) => onChange(e.target.value)} />
      );
  }
}
