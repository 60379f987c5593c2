// Customers and money per tier or stage, each row leading to its list.
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { GroupTotal } from "../../api/types";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { Figure } from "../../ui/figure";
import { pickText, toNumber } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { StageTag, TierTag } from "../../ui/tags";
import { quote } from "../../ui/where";

export function GroupsPanel({
  kind,
  groups,
  asOf,
  currency,
}: {
  kind: "tiers" | "stages";
  groups: { [id: string]: GroupTotal };
  asOf: string;
  currency?: string | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const options = catalog[kind].filter((o) => groups[o.id] !== undefined);
  const most = (pick: (g: GroupTotal) => number | null) =>
    Math.max(1, ...Object.values(groups).map((g) => pick(g) ?? 0));
  const mostCustomers = most((g) => g.customers);
  const mostMoney = most((g) => toNumber(g.net_revenue_365));
  const field = kind === "tiers" ? "tier" : "stage";
  return (
    <Panel title={t(`overview.${kind}`)} note={t(`overview.${kind}Note`)}>
      <table className="table bars">
        <thead>
          <tr>
            <th scope="col">{t(`overview.${field}`)}</th>
            <th scope="col" className="num">
              {t("overview.customers")}
            </th>
            <th scope="col" className="num">
              {t("overview.net365")}
            </th>
          </tr>
        </thead>
        <tbody>
          {options.map((option) => {
            const group = groups[option.id] as GroupTotal;
            const asked = {
              title: `${option[lang]} · `,
              as_of: asOf,
              about: pickText(option.about, lang),
              where: `${field} = ${quote(option.id)}`,
              currency,
            };
            return (
              <tr key={option.id}>
                <th scope="row">
                  <Link
                    to="/customers"
                    search={kind === "tiers" ? { tier: option.id } : { stage: option.id }}
                    title={pickText(option.about, lang)}
                  >
                    {kind === "tiers" ? <TierTag id={option.id} /> : <StageTag id={option.id} />}
                  </Link>
                </th>
                <td className="num">
                  <Bar share={group.customers / mostCustomers} />
                  <Figure
                    asked={{
                      ...asked,
                      title: asked.title + t("overview.customers"),
                      value: group.customers,
                      unit: "count",
                    }}
                  />
                </td>
                <td className="num">
                  <Bar share={(toNumber(group.net_revenue_365) ?? 0) / mostMoney} />
                  <Figure
                    asked={{
                      ...asked,
                      title: asked.title + t("overview.net365"),
                      value: group.net_revenue_365,
                      unit: "money",
                    }}
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Panel>
  );
}

const Bar = ({ share }: { share: number }) => (
  <i className="bar" aria-hidden="true" style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
);
