// One metric that was chosen: why, where the firm stands, what it reached
// before, and what is not recorded yet.
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Attainable, CatalogMetric, ChosenMetric } from "../../api/types";
import { Spark } from "../../charts/spark";
import { useLang } from "../../i18n";
import { useCurrency } from "../../ui/catalog";
import { Figure } from "../../ui/figure";
import { pickText, showValue, toNumber } from "../../ui/format";
import { useGroupName } from "../../ui/group-name";
import { MissingData } from "../../ui/missing-data";
import { Partial } from "../../ui/partial";
import { showPeriod } from "../../ui/period";

export function ChosenCard({
  chosen,
  metric,
  onRemove,
}: {
  chosen: ChosenMetric;
  metric: CatalogMetric;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const currency = useCurrency();
  const groupName = useGroupName();
  const name = pickText(metric.name, lang);
  const { baseline, attainable, refused } = chosen;
  return (
    <li className="choose-one">
      <header>
        <h3>
          <Link to="/metrics/$id" params={{ id: metric.id }}>
            <span className="code">{metric.code}</span> {name}
          </Link>
        </h3>
        <span className="chip">{groupName(metric.group)}</span>
        <button
          type="button"
          className="choose-remove"
          aria-label={t("choose.remove", { name })}
          title={t("choose.remove", { name })}
          onClick={onRemove}
        >
          ×
        </button>
      </header>
      <p className="muted">{pickText(metric.about, lang)}</p>
      {refused && <p className="choose-refused">{pickText(refused, lang)}</p>}
      {baseline && (
        <div className="choose-stand">
          <div>
            <h4>{t("choose.baseline")}</h4>
            {baseline.value === null ? (
              <p className="note">{t("choose.noValue")}</p>
            ) : (
              <Figure
                className="big"
                asked={{
                  title: name,
                  value: baseline.value,
                  unit: metric.unit,
                  question: baseline.question,
                  currency,
                  status: baseline.status,
                  few: baseline.few ?? undefined,
                }}
              />
            )}
            <p className="note">
              {showPeriod(baseline.period, lang)} <Partial of={baseline} />
            </p>
          </div>
          {attainable && attainable.n > 1 && <Trend attainable={attainable} name={name} />}
        </div>
      )}
      {chosen.is_whole && baseline && <p className="note">{t("choose.whole")}</p>}
      {attainable && (
        <>
          <h4>{t("choose.reach")}</h4>
          <Reach attainable={attainable} metric={metric} currency={currency} />
        </>
      )}
      <h4>{t("choose.why")}</h4>
      <ul className="choose-reasons">
        {chosen.reasons.map((reason) => (
          <li key={reason.rule}>
            {reason.said.length === 0 && <span className="chip">{t("choose.everyone")}</span>}
            {reason.said.map((said) => (
              <span key={said.kind} className={`chip said-${said.kind}`}>
                {t(`choose.said.${said.kind}`)} · {pickText(said.name, lang)}
              </span>
            ))}{" "}
            {pickText(reason.why, lang)}
          </li>
        ))}
      </ul>
      {chosen.missing.length > 0 && (
        <>
          <h4>{t("definition.missing")}</h4>
          <MissingData missing={chosen.missing} />
        </>
      )}
    </li>
  );
}

function Trend({ attainable, name }: { attainable: Attainable; name: string }) {
  const { t } = useTranslation();
  const values = attainable.history.map((past) => toNumber(past.value));
  const span = t(`choose.span.${attainable.grain}`);
  return (
    <Spark values={values} openLast={false} label={t("choose.trend", { name, n: values.length, span })} />
  );
}

function Reach({
  attainable,
  metric,
  currency,
}: {
  attainable: Attainable;
  metric: CatalogMetric;
  currency: string | undefined;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const n = attainable.n;
  const span = t(`choose.span.${attainable.grain}`);
  const text = (value: Attainable["usual"]) => showValue(value, metric.unit, lang, currency).text;
  const [usual, good, best] = [text(attainable.usual), text(attainable.good), text(attainable.best)];
  if (!attainable.is_known) return <p>{t("choose.reachFew", { n, span })}</p>;
  return (
    <p>
      {metric.direction === "band"
        ? t("choose.bandTells", { n, span, usual, low: best, high: good })
        : t("choose.reachTells", { n, span, usual, good, best })}
    </p>
  );
}
