// The scores with their intervals, and what the intervals mean.
import { useTranslation } from "react-i18next";
import type { Score, Value } from "../../api/types";
import { useLang } from "../../i18n";
import { findField, rfmSuffix, useCatalog } from "../../ui/catalog";
import { Figure } from "../../ui/figure";
import { NO_VALUE, pickText, showValue } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { interval } from "./interval";

const SHOWN = [
  "net_revenue_365",
  "net_revenue",
  "n_orders",
  "days_since_last",
  "p_alive",
  "expected_purchases_365",
  "expected_spend",
  "clv_12m",
  "value_at_risk",
] as const;

export function Scores({
  score,
  asOf,
  customer,
  currency,
}: {
  score: Score;
  asOf: string;
  customer: number;
  currency: string | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const fields = score as Record<string, Value | undefined>;
  return (
    <Panel title={t("customer.scores")} note={t("customer.scoresNote", { date: asOf })}>
      <div className="scores">
        {SHOWN.map((id) => {
          const field = findField(catalog, `score.${id}`);
          const name = pickText(field?.name, lang) || id;
          const unit = field?.unit ?? "count";
          const value = (score[id] ?? null) as Value;
          const se = fields[`${id}_se`] ?? null;
          const around = interval(value, se, unit === "score" ? 1 : null);
          const shown = (v: number) => showValue(v, unit, lang, currency).text;
          const range = around && t("customer.between", { from: shown(around.from), to: shown(around.to) });
          return (
            <div key={id} className="score">
              <span className="muted">{name}</span>
              <Figure
                className="mid"
                asked={{
                  title: name,
                  value,
                  unit,
                  currency,
                  as_of: asOf,
                  about: pickText(field?.help, lang),
                  where: `id = ${customer}`,
                  facts: around && range ? [[t("customer.interval"), range]] : [],
                }}
              />
              {range && <span className="note">{range}</span>}
            </div>
          );
        })}
      </div>
      <div className="rfm-line">
        {catalog.rfm.map((rule) => {
          const suffix = rfmSuffix(catalog, rule.id);
          const parts = ["r", "f", "m"].map((part) => fields[`${part}_${suffix}`]);
          if (parts.every((p) => p === null || p === undefined)) return null;
          return (
            <span key={rule.id} title={pickText(rule.about, lang)}>
              <span className="muted">{pickText(rule.name, lang)}</span>{" "}
              <b>{parts.map((p, i) => `${"RFM"[i]}${p ?? NO_VALUE}`).join(" ")}</b>
            </span>
          );
        })}
      </div>
      <p className="note">{t("customer.intervalHelp")}</p>
    </Panel>
  );
}
