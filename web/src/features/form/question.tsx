// One question with the control that its type asks for.
import { useId } from "react";
import type { AskedField, FormValue } from "../../api/form";
import { isLong } from "../../fields/record";
import { type Lang, wordsOf } from "./words";

const TEL = /(^|_)(phone|mobile|tel)/;
const MAIL = /(^|_)(e?mail)/;
/** More than these stand better in a list that opens. */
const N_RADIOS = 6;
const LONGEST = 10_000;

export function Question({
  field,
  lang,
  value,
  fault,
  onChange,
}: {
  field: AskedField;
  lang: Lang;
  value: FormValue;
  fault: string | undefined;
  onChange: (value: FormValue) => void;
}) {
  const t = wordsOf(lang);
  const id = useId();
  const help = field.help?.[lang];
  const about = [help ? `${id}-help` : "", fault ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  const common = {
    id,
    "aria-required": field.is_required,
    "aria-invalid": fault !== undefined,
    ...(about ? { "aria-describedby": about } : {}),
  };
  const label = (
    <>
      {field.label[lang]}
      {field.is_required && <span className="must">{t("publicForm.required")}</span>}
    </>
  );
  const more = (
    <>
      {help && (
        <p id={`${id}-help`} className="note">
          {help}
        </p>
      )}
      {fault && (
        <p id={`${id}-wrong`} className="wrong">
          {fault}
        </p>
      )}
    </>
  );
  const text = value === null ? "" : String(value);
  const options =
    field.type === "bool"
      ? [
          { value: "true", zh: t("publicForm.yes"), en: t("publicForm.yes") },
          { value: "false", zh: t("publicForm.no"), en: t("publicForm.no") },
        ]
      : field.options;
  const isChoice = field.type === "choice" || field.type === "bool";
  if (isChoice && options.length <= N_RADIOS)
    return (
      <fieldset className="question" {...(about ? { "aria-describedby": about } : {})}>
        <legend>{label}</legend>
        {options.map((option, n) => (
          <label key={option.value} className="radio">
            <input
              type="radio"
              name={id}
              value={option.value}
              checked={text === option.value}
              aria-invalid={fault !== undefined && n === 0}
              onChange={() => onChange(option.value)}
            />
            {option[lang] || option.zh}
          </label>
        ))}
        {more}
      </fieldset>
    );
  return (
    <div className="question">
      <label htmlFor={id}>{label}</label>
      {isChoice ? (
        <select {...common} value={text} onChange={(e) => onChange(e.target.value)}>
          <option value="">{t("publicForm.choose")}</option>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option[lang] || option.zh}
            </option>
          ))}
        </select>
      ) : field.type === "text" && isLong({ id: field.id, type: "text" }) ? (
        <textarea
          {...common}
          rows={4}
          maxLength={LONGEST}
          value={text}
          onChange={(e) => onChange(e.target.value)}
        />
      ) : (
        <input
          {...common}
          {...kindOf(field)}
          maxLength={LONGEST}
          value={text}
          onChange={(e) => onChange(e.target.value)}
        />
      )}
      {more}
    </div>
  );
}

function kindOf(field: AskedField): {
  type: string;
  inputMode?: "decimal" | "numeric";
  autoComplete?: string;
} {
  switch (field.type) {
    case "date":
      return { type: "date" };
    case "instant":
      return { type: "datetime-local" };
    case "int":
      return { type: "text", inputMode: "numeric", autoComplete: "off" };
    case "decimal":
    case "float":
      return { type: "text", inputMode: "decimal", autoComplete: "off" };
    default:
      if (TEL.test(field.id)) return { type: "tel", autoComplete: "tel" };
      if (MAIL.test(field.id)) return { type: "email", autoComplete: "email" };
      return { type: "text" };
  }
}
