// R × F: how many customers stand in each cell and what they brought.
import { Link } from "@tanstack/react-router";
import { Segmented, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Evaluation } from "../../api/types";
import { HeatTable } from "../../charts/heat-table";
import { useLang } from "../../i18n";
import { rfmSuffix, useCatalog } from "../../ui/catalog";
import { pickText, showValue, toNumber } from "../../ui/format";
import { Panel } from "../../ui/panel";

const SCORES = [1, 2, 3, 4, 5];

export function RfmPanel({
  evaluation,
  currency,
  rule,
  heat,
  onRule,
  onHeat,
}: {
  evaluation: Evaluation;
  currency?: string | undefined;
  rule: string | undefined;
  heat: "customers" | "money";
  onRule: (rule: string) => void;
  onHeat: (heat: "customers" | "money") => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const rules = catalog.rfm.filter((r) => evaluation.rfm[r.id] !== undefined);
  const chosen = rules.find((r) => r.id === rule) ?? rules[0];
  const total = chosen && evaluation.rfm[chosen.id];
  if (!chosen || !total) return null;
  const suffix = rfmSuffix(catalog, chosen.id);
  return (
    <Panel
      title={t("rfm.title")}
      note={pickText(chosen.about, lang)}
      actions={
        <>
          <Select
            aria-label={t("rfm.rule")}
            value={chosen.id}
            onChange={onRule}
            options={rules.map((r) => ({ value: r.id, label: pickText(r.name, lang) }))}
            popupMatchSelectWidth={false}
          />
          <Segmented<"customers" | "money">
            aria-label={t("rfm.shade")}
            value={heat}
            onChange={onHeat}
            options={[
              { value: "customers", label: t("overview.customers") },
              { value: "money", label: t("rfm.money") },
            ]}
          />
        </>
      }
    >
      <HeatTable
        caption={t("rfm.title")}
        corner={<span className="corner">{t("rfm.corner")}</span>}
        heads={SCORES.map((f) => t("rfm.f", { n: f }))}
        rows={[...SCORES].reverse().map((r) => ({
          key: `R${r}`,
          label: t("rfm.r", { n: r }),
          cells: SCORES.map((f) => {
            const customers = total.matrix[r - 1]?.[f - 1] ?? 0;
            const money = total.money[r - 1]?.[f - 1] ?? null;
            const n = showValue(customers, "count", lang);
            const sum = showValue(money, "money", lang, currency);
            return {
              value: heat === "money" ? (toNumber(money) ?? 0) : customers,
              title: t("rfm.cell", { r, f, customers: n.exact, money: sum.exact || sum.text }),
              content: (
                <Link
                  to="/customers"
                  search={{ where: `r_${suffix} = ${r} and f_${suffix} = ${f}` }}
                  className="rfm-cell"
                >
                  <b>{n.text}</b>
                  <small>{sum.text}</small>
                </Link>
              ),
            };
          }),
        }))}
      />
      <p className="note">{t("rfm.help")}</p>
    </Panel>
  );
}
