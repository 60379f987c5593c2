// A number on the page: short, exact on hover and on focus, and a button that
// opens the drawer that says where it comes from.
import { useTranslation } from "react-i18next";
import type { Unit, Value } from "../api/types";
import { useLang } from "../i18n";
import { type Asked, useExplain } from "./explain";
import { type Shown, showValue } from "./format";

const exactOf = (shown: Shown): string | undefined =>
  shown.exact && shown.exact !== shown.text ? shown.exact : undefined;

export function Figure({ asked, text, className }: { asked: Asked; text?: string; className?: string }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const shown = showValue(asked.value, asked.unit, useLang(), asked.currency);
  const exact = exactOf(shown);
  const few = asked.few === undefined ? undefined : t("answer.few", { n: asked.few });
  return (
    <button
      type="button"
      className={["figure", className, few && "few"].filter(Boolean).join(" ")}
      title={[exact, few, t("explain.open")].filter(Boolean).join(" · ")}
      data-exact={exact}
      onClick={() => explain(asked)}
    >
      {text ?? shown.text}
    </button>
  );
}

/** A text that was shortened can be reached by keyboard and then tells the whole. */
export function Exact({ shown, text }: { shown: Shown; text?: string }) {
  const exact = exactOf(shown);
  if (!exact) return <span>{text ?? shown.text}</span>;
  return (
    <span className="exact" title={exact} data-exact={exact} tabIndex={0} role="note">
      {text ?? shown.text}
    </span>
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
  return <Exact shown={showValue(value, unit, useLang(), currency)} />;
}
