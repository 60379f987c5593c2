// A record's value by its field's type. Links lead to their record; amounts
// are shown in full, because people compare them with papers.
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { FieldDef, RecordRow } from "../api/records";
import type { Value } from "../api/types";
import { useLang } from "../i18n";
import { useCurrency } from "../ui/catalog";
import { currencySign, exactNumber, type Lang, NO_VALUE, showInstant, showValue } from "../ui/format";
import { isFigure } from "./record";

/** At least two places, so that amounts stand below each other. */
const inCents = (text: string): string =>
  text.includes(".") ? text.replace(/\.(\d)$/, ".$10") : /\d$/.test(text) ? `${text}.00` : text;

/** The value in words; without its currency's sign where that is not known. */
export function valueText(
  field: FieldDef,
  value: Value | undefined,
  lang: Lang,
  words: { yes: string; no: string },
  currency?: string,
): string {
  if (value === null || value === undefined || value === "") return NO_VALUE;
  switch (field.type) {
    case "choice":
      return field.options?.find((o) => o.value === value)?.[lang] ?? String(value);
    case "bool":
      return value === true ? words.yes : words.no;
    case "instant":
      return showInstant(String(value));
    case "decimal":
    case "int":
    case "float": {
      if (field.unit === "money") {
        const text = inCents(exactNumber(String(value)));
        const sign = currencySign(currency);
        return text.startsWith("−") ? `−${sign}${text.slice(1)}` : sign + text;
      }
      if (field.unit === "pct") return showValue(value, "pct", lang).text;
      return field.unit || field.type !== "int" ? exactNumber(String(value)) : String(value);
    }
    default:
      return String(value);
  }
}

export const alignOf = (field: FieldDef): "num" | undefined => (isFigure(field) ? "num" : undefined);

export function useWords(): { yes: string; no: string } {
  const { t } = useTranslation();
  return { yes: t("field.yes"), no: t("field.no") };
}

export function RecordValue({
  field,
  row,
  isPlain = false,
}: {
  field: FieldDef;
  row: RecordRow;
  /** In a grid, where the row is what opens. */
  isPlain?: boolean;
}) {
  const lang = useLang();
  const words = useWords();
  const own = row.values.currency;
  const fallback = useCurrency();
  const value = row.values[field.id];
  const link = row.links[field.id];
  if (field.type === "link" && link && field.to)
    return isPlain ? (
      <span>{link.title}</span>
    ) : (
      <RecordLink object={field.to} id={link.id} title={link.title} />
    );
  const text = valueText(field, value, lang, words, typeof own === "string" ? own : fallback);
  if (text === NO_VALUE) return <span className="muted">{NO_VALUE}</span>;
  if (field.type === "choice") return <span className="chip">{text}</span>;
  return <span>{text}</span>;
}

/** To a record's own page; a customer has a page that says more. */
export function RecordLink({ object, id, title }: { object: string; id: number; title: string }) {
  if (object === "customer")
    return (
      <Link to="/customers/$id" params={{ id: String(id) }}>
        {title}
      </Link>
    );
  return (
    <Link to="/records/$object/$id" params={{ object, id: String(id) }}>
      {title}
    </Link>
  );
}
