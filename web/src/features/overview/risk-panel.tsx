// What is at risk, who it is, and how far the models can be trusted.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { customersQuery } from "../../api/queries";
import type { Evaluation } from "../../api/types";
import { useLang } from "../../i18n";
import { Amount, Figure } from "../../ui/figure";
import { showValue } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { LoadError, Skeleton } from "../../ui/states";
import { TierTag } from "../../ui/tags";
import { AT_RISK } from "../../ui/where";

const SHOWN = 6;

export function RiskPanel({
  evaluation,
  currency,
}: {
  evaluation: Evaluation;
  currency?: string | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const worst = useQuery(
    customersQuery({ where: AT_RISK, sort: "-value_at_risk", as_of: evaluation.as_of }, 0, SHOWN),
  );
  const holdout = evaluation.models.holdout;
  const asked = { as_of: evaluation.as_of, about: t("risk.about"), where: AT_RISK, currency };
  return (
    <Panel title={t("risk.title")} note={t("risk.about")}>
      <div className="pair">
        <div>
          <span className="muted">{t("risk.value")}</span>
          <Figure
            className="big risk"
            asked={{ ...asked, title: t("risk.value"), value: evaluation.value_at_risk, unit: "money" }}
          />
        </div>
        <div>
          <span className="muted">{t("risk.customers")}</span>
          <Figure
            className="big"
            asked={{ ...asked, title: t("risk.customers"), value: evaluation.n_at_risk, unit: "count" }}
          />
        </div>
      </div>
      {worst.error ? (
        <LoadError error={worst.error} onRetry={() => worst.refetch()} />
      ) : !worst.data ? (
        <Skeleton height={SHOWN * 41} />
      ) : (
        <ul className="list">
          {worst.data.resources.map((c) => (
            <li key={c.id}>
              <Link to="/customers/$id" params={{ id: String(c.id) }}>
                {c.name || c.number}
              </Link>
              <TierTag id={c.tier} />
              <span className="num">
                <Amount value={c.value_at_risk} unit="money" currency={currency} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <Link to="/customers" search={{ risk: true, sort: "-value_at_risk" }}>
        <Button>{t("risk.list")}</Button>
      </Link>
      {holdout && (
        <p className="note">
          {t("risk.holdout", {
            weeks: showValue(holdout.weeks, "score", lang).text,
            actual: showValue(holdout.actual, "count", lang).text,
            expected: showValue(holdout.expected, "count", lang).text,
            naive: showValue(holdout.naive, "count", lang).text,
          })}
        </p>
      )}
    </Panel>
  );
}
