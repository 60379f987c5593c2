// A number on the page: short, exact on hover, and a button that opens the
// drawer that says where it comes from.
import { useTranslation } from "react-i18next";
import type { Unit, Value } from "../api/types";
import { useLang } from "../i18n";
import { type Asked, useExplain } from "./explain";
import { showValue } from "./format";

export function Figure({ asked, text, className }: { asked: Asked; text?: string; className?: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const explain = useExplain();
  const shown = showValue(asked.value, asked.unit, lang, asked.currency);
  const exact = shown.exact && shown.exact !== shown.text ? shown.exact : "";
  return (
    <button
      type="button"
      className={className ? `figure ${className}` : "figure"}
      title={[exact, t("explain.open")].filter(Boolean).join(" · ")}
      onClick={() => explain(asked)}
    >
      {text ?? shown.text}
    </button>
  );
}

/** A number that has no more to tell than its exact value. */
export function Amount({
  value,
  unit,
  currency,
}: {
  value: Value | undefined;
  unit: Unit | string;
  currency?: string | undefined;
}) {
  const shown = showValue(value, unit, useLang(), currency);
  return <span title={shown.exact || undefined}>{shown.text}</span>;
}
