// A field's value as people read it: by the field's type and unit from the
// catalogue, so that a new field needs no code.
import type { CatalogField, Value } from "../api/types";
import { useLang } from "../i18n";
import { findField, useCatalog } from "../ui/catalog";
import { Exact } from "../ui/figure";
import { type Lang, NO_VALUE, type Shown, showInstant, showValue } from "../ui/format";
import { StageTag, TierTag } from "../ui/tags";

export function fieldText(
  field: CatalogField | undefined,
  value: Value | undefined,
  lang: Lang,
  currency?: string,
): Shown {
  if (value === null || value === undefined || value === "") return { text: NO_VALUE, exact: "" };
  const option = field?.options?.find((o) => o.value === value);
  if (option) return { text: option[lang], exact: "" };
  if (field?.type === "instant") return { text: showInstant(String(value)), exact: String(value) };
  // A column of days says so in its heading.
  if (field?.unit) return showValue(value, field.unit === "days" ? "count" : field.unit, lang, currency);
  return { text: String(value), exact: "" };
}

export function FieldValue({
  path,
  value,
  currency,
  isQuiet = false,
}: {
  path: string;
  value: Value | undefined;
  currency?: string | undefined;
  /** In a grid, which has one tab stop: the active row shows its whole numbers instead. */
  isQuiet?: boolean;
}) {
  const lang = useLang();
  const field = findField(useCatalog(), path);
  if (path === "score.tier") return <TierTag id={typeof value === "string" ? value : null} />;
  if (path === "score.stage") return <StageTag id={typeof value === "string" ? value : null} />;
  const shown = fieldText(field, value, lang, currency);
  if (!isQuiet) return <Exact shown={shown} />;
  return (
    <span title={shown.exact || undefined} className={shown.exact ? "short" : undefined}>
      <span>{shown.text}</span>
      {shown.exact && <span className="whole">{shown.exact}</span>}
    </span>
  );
}
