// How the months of chosen metrics move together: a map and the table that
// says the same. Correlated is not caused.
import { useQuery } from "@tanstack/react-query";
import { Segmented, Select } from "antd";
import { useTranslation } from "react-i18next";
import { relationsQuery } from "../../api/choice";
import type { CatalogMetric, RelatedPair, RelationMethod, Relations } from "../../api/types";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { Partial } from "../../ui/partial";
import { showPeriod } from "../../ui/period";
import { SEARCH_SIGN } from "../../ui/signs";
import { LoadError, Skeleton } from "../../ui/states";
import { RelationMap } from "./relation-map";

const MOST = 6;

export function RelationsPanel({
  metrics,
  related,
  method,
  where,
  asOf,
  onSet,
}: {
  /** Those that may be related: chosen, and told by month. */
  metrics: CatalogMetric[];
  related: string[];
  method: RelationMethod;
  where: string | null;
  asOf: string;
  onSet: (part: { related?: string[] | undefined; method?: RelationMethod | undefined }) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const ids = related.filter((id) => metrics.some((metric) => metric.id === id)).slice(0, MOST);
  const isEnough = ids.length > 1;
  const { data, error, refetch } = useQuery({
    ...relationsQuery({ metrics: ids, method, where, as_of: asOf }),
    enabled: isEnough,
  });
  const names = new Map(metrics.map((metric) => [metric.id, pickText(metric.name, lang)]));
  return (
    <Panel title={t("choose.relations")} note={t("choose.relationsAbout")} className="choose-relations">
      <div className="filters">
        <Select
          mode="multiple"
          maxCount={MOST}
          showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
          aria-label={t("choose.relate")}
          placeholder={t("choose.relate")}
          className="choose-relate"
          value={ids}
          onChange={(next: string[]) => onSet({ related: next.length > 0 ? next : undefined })}
          options={metrics.map((metric) => ({ value: metric.id, label: names.get(metric.id) }))}
          popupMatchSelectWidth={false}
        />
        <Segmented<RelationMethod>
          aria-label={t("choose.method")}
          value={method}
          onChange={(next) => onSet({ method: next === "spearman" ? undefined : next })}
          options={[
            { value: "spearman", label: t("choose.byRanks") },
            { value: "pearson", label: t("choose.byValues") },
          ]}
        />
      </div>
      <p className="choose-warning">{t("choose.notCaused")}</p>
      {!isEnough ? (
        <p className="note">{t("choose.relateTwo")}</p>
      ) : error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={240} />
      ) : (
        <Found ids={ids} names={names} relations={data} />
      )}
    </Panel>
  );
}

function Found({
  ids,
  names,
  relations,
}: {
  ids: string[];
  names: Map<string, string>;
  relations: Relations;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const name = (id: string) => names.get(id) ?? id;
  const title = t("choose.relations");
  const told = (pair: RelatedPair) => {
    const at = pair.lags.find((lag) => lag.months === pair.strongest);
    const found = at?.found ?? null;
    const months = pair.strongest ?? 0;
    const later =
      months === 0
        ? t("choose.sameMonth")
        : t("choose.later", { name: name(months > 0 ? pair.second : pair.first), n: Math.abs(months) });
    return { found, later };
  };
  return (
    <>
      <div className="choose-map">
        <RelationMap ids={ids} relations={relations} label={t("choose.map")} />
        <ol>
          {ids.map((id) => (
            <li key={id}>{name(id)}</li>
          ))}
        </ol>
      </div>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
        <table className="table">
          <caption className="visually-hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{t("choose.pair")}</th>
              <th scope="col" className="num">
                {t("choose.correlation")}
              </th>
              <th scope="col" className="num">
                {t("choose.interval")}
              </th>
              <th scope="col">{t("choose.lag")}</th>
              <th scope="col" className="num">
                {t("choose.months")}
              </th>
              <th scope="col">{t("choose.verdict")}</th>
            </tr>
          </thead>
          <tbody>
            {relations.pairs.map((pair) => {
              const { found, later } = told(pair);
              return (
                <tr key={`${pair.first} ${pair.second}`}>
                  <th scope="row">
                    {name(pair.first)} – {name(pair.second)}
                  </th>
                  {found ? (
                    <>
                      <td className="num">{found.r.toFixed(2)}</td>
                      <td className="num">
                        {found.low.toFixed(2)} … {found.high.toFixed(2)}
                      </td>
                      <td>{later}</td>
                      <td className="num">{found.n}</td>
                      <td>{pair.is_clear ? t("choose.clear") : t("choose.unclear")}</td>
                    </>
                  ) : (
                    <td colSpan={5}>{t("choose.fewMonths")}</td>
                  )}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className="note">
        {showPeriod(relations.period, lang)} <Partial of={relations} /> · {t("choose.strongestOf")}
      </p>
    </>
  );
}
