// A comparison: arrow and amount, coloured by whether the metric's direction
// makes it good or bad.
import { useTranslation } from "react-i18next";
import type { CatalogMetric, Unit, Value } from "../api/types";
import { useLang } from "../i18n";
import { NO_VALUE, showChange, toNumber } from "./format";

export function Change({
  change,
  unit,
  direction,
}: {
  change: Value | undefined;
  unit: Unit | string;
  direction: CatalogMetric["direction"];
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const x = toNumber(change);
  if (x === null) return <span className="change none">{t("compare.none")}</span>;
  const good = x === 0 || direction === "band" ? "even" : x > 0 === (direction === "up") ? "good" : "bad";
  const arrow = x > 0 ? "▲" : x < 0 ? "▼" : "■";
  const word = good === "good" ? t("compare.good") : good === "bad" ? t("compare.bad") : "";
  return (
    <span className={`change ${good}`} title={word || undefined}>
      <span aria-hidden="true">{arrow}</span> {Number.isFinite(x) ? showChange(x, unit, lang) : NO_VALUE}
    </span>
  );
}
