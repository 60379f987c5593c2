// Whose net revenue moved most against the compared period.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { customerQuery, insightQuery } from "../../api/queries";
import type { Period, Question } from "../../api/types";
import { useLang } from "../../i18n";
import { findMetric, useCatalog } from "../../ui/catalog";
import { Change } from "../../ui/change";
import { Amount, Figure } from "../../ui/figure";
import { showValue } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { LoadError, Skeleton } from "../../ui/states";
import { type Mover, topMovers } from "./movers";

const METRIC = "net_revenue";
const SHOWN = 8;
const NAMES = ["customer", "customer.number", "customer.name"];

export function MoversPanel({
  period,
  compare,
  asOf,
  currency,
}: {
  period: Period;
  compare: "previous" | "year";
  asOf: string;
  currency?: string | undefined;
}) {
  const { t } = useTranslation();
  const catalog = useCatalog();
  const metric = findMetric(catalog, METRIC);
  const by = NAMES.filter((path) => metric?.dimensions.includes(path));
  // A customer who moved by more than the 200th largest value of both periods
  // is among the 200 largest of one of them, so two short answers suffice.
  const question: Question = { metrics: [METRIC], by, ...period, compare, as_of: asOf, limit: 200 };
  const enabled = by.includes("customer");
  const now = useQuery({ ...insightQuery({ ...question, sort: [`-${METRIC}`] }), enabled });
  const before = useQuery({ ...insightQuery({ ...question, sort: [`-${METRIC}_previous`] }), enabled });
  if (!metric || !enabled) return null;
  const error = now.error ?? before.error;
  const movers = now.data && before.data ? topMovers([now.data, before.data], METRIC, SHOWN) : null;
  return (
    <Panel title={t("movers.title")} note={compare === "year" ? t("movers.noteYear") : t("movers.note")}>
      {error ? (
        <LoadError error={error} />
      ) : !movers ? (
        <Skeleton height={SHOWN * 41} />
      ) : (
        <div className="two flat">
          {(["up", "down"] as const).map((side) => (
            <div key={side}>
              <h3>{t(`movers.${side}`)}</h3>
              {movers[side].length === 0 && <p className="nothing">{t("movers.none")}</p>}
              <ul className="list">
                {movers[side].map((mover) => (
                  <MoverItem
                    key={mover.id}
                    mover={mover}
                    question={question}
                    currency={currency}
                    direction={metric.direction}
                  />
                ))}
              </ul>
            </div>
          ))}
        </div>
      )}
    </Panel>
  );
}

function MoverItem({
  mover,
  question,
  currency,
  direction,
}: {
  mover: Mover;
  question: Question;
  currency?: string | undefined;
  direction: "up" | "down" | "band";
}) {
  const lang = useLang();
  const known = mover.name ?? mover.number;
  const { data } = useQuery({ ...customerQuery(mover.id), enabled: known === null });
  const name = known ?? data?.customer.name ?? data?.customer.number ?? `#${mover.id}`;
  const delta = showValue(mover.delta, "money", lang, currency);
  return (
    <li>
      <Link to="/customers/$id" params={{ id: String(mover.id) }}>
        {name}
      </Link>
      <span className="muted hide-phone">
        <Amount value={mover.before ?? 0} unit="money" currency={currency} /> →{" "}
        <Amount value={mover.now ?? 0} unit="money" currency={currency} />
      </span>
      <span className="num">
        <Figure
          text={mover.delta > 0 ? `+${delta.text}` : delta.text}
          asked={{
            title: name,
            value: mover.now,
            unit: "money",
            currency,
            question: { ...question, by: [], limit: null, where: `customer = ${mover.id}` },
          }}
        />{" "}
        {mover.change !== null && <Change change={mover.change} unit="money" direction={direction} />}
      </span>
    </li>
  );
}
