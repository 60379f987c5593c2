// Choosing metrics: a situation in the firm's words, and what follows from
// it by rules. All answers stand in the URL.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { choiceQuery, choiceWordsQuery } from "../../api/choice";
import type { Situation } from "../../api/types";
import { useLang } from "../../i18n";
import "../../i18n/choose";
import { findMetric, useAsOf, useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { useGroupName } from "../../ui/group-name";
import { Panel } from "../../ui/panel";
import { ShareLink } from "../../ui/share-link";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { ChosenCard } from "./chosen-card";
import { RelationsPanel } from "./relations";
import { type ChooseSearch, readChooseSearch } from "./search";
import { SituationForm } from "./situation-form";
import "./choose.css";

const route = getRouteApi("/choose");

/** How many metrics are related before anybody chose. */
const FIRST_RELATED = 3;

export function ChoosePage() {
  const { t } = useTranslation();
  const words = useQuery(choiceWordsQuery);
  const search = readChooseSearch(route.useSearch());
  const navigate = route.useNavigate();
  const set = (part: { [K in keyof ChooseSearch]?: ChooseSearch[K] | undefined }) =>
    void navigate({ search: (s) => ({ ...s, ...part }) as ChooseSearch, replace: true, resetScroll: false });
  return (
    <main className="page choose" id="main">
      <header className="page-head">
        <div>
          <h1>{t("choose.title")}</h1>
          <p className="note">{t("choose.about")}</p>
        </div>
        <div className="controls">
          <ShareLink label={t("choose.share")} copied={t("choose.copied")} failed={t("choose.copyFailed")} />
        </div>
      </header>
      {words.error ? (
        <LoadError error={words.error} onRetry={() => words.refetch()} />
      ) : !words.data ? (
        <Skeleton height={320} />
      ) : (
        <>
          <SituationForm words={words.data} search={search} onSet={set} />
          {search.goals ? (
            <Chosen goals={search.goals} search={search} onSet={set} />
          ) : (
            <Empty title={t("choose.start")}>{t("choose.startHelp")}</Empty>
          )}
        </>
      )}
    </main>
  );
}

function Chosen({
  goals,
  search,
  onSet,
}: {
  goals: string[];
  search: ChooseSearch;
  onSet: (part: { [K in keyof ChooseSearch]?: ChooseSearch[K] | undefined }) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const asOf = useAsOf();
  const groupName = useGroupName();
  const situation: Situation = {
    goals,
    group: search.group ?? null,
    industry: search.industry ?? null,
    swot: search.swot ?? [],
    where: search.where ?? null,
    as_of: asOf,
  };
  const { data, error, isFetching, refetch } = useQuery({
    ...choiceQuery(situation),
    placeholderData: (before) => before,
  });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={480} />;
  const without = search.without ?? [];
  const known = data.metrics.flatMap((chosen) => {
    const metric = findMetric(catalog, chosen.metric);
    return metric ? [{ chosen, metric }] : [];
  });
  const kept = known.filter(({ metric }) => !without.includes(metric.id));
  const removed = known.filter(({ metric }) => without.includes(metric.id));
  const groups = [...new Set(kept.map(({ metric }) => metric.group))];
  const put = (ids: string[]) => onSet({ without: ids.length > 0 ? ids : undefined });
  // Of what has no figure of these customers, or none by month, no months can be related.
  const relatable = kept
    .filter(({ chosen }) => chosen.baseline && !chosen.is_whole && chosen.attainable?.grain === "month")
    .map(({ metric }) => metric);
  return (
    <>
      <Panel
        title={t("choose.chosen", { n: kept.length })}
        className={isFetching ? "answer stale" : "answer"}
        note={
          <span className="choose-groups">
            {groups.map((group) => (
              <span key={group} className="chip">
                {t("choose.of", {
                  group: groupName(group),
                  n: kept.filter(({ metric }) => metric.group === group).length,
                })}
              </span>
            ))}
          </span>
        }
      >
        {data.narrowed && (
          <div className="note choose-narrowed">
            {t("choose.narrowed")} <pre>{data.narrowed}</pre>
          </div>
        )}
        <ol className="choose-list" aria-busy={isFetching}>
          {kept.map(({ chosen, metric }) => (
            <ChosenCard
              key={metric.id}
              chosen={chosen}
              metric={metric}
              onRemove={() => put([...without, metric.id])}
            />
          ))}
        </ol>
        {removed.length > 0 && (
          <section aria-label={t("choose.removed")} className="choose-removed">
            <h3>{t("choose.removed")}</h3>
            <ul>
              {removed.map(({ metric }) => (
                <li key={metric.id}>
                  <button
                    type="button"
                    className="link"
                    onClick={() => put(without.filter((id) => id !== metric.id))}
                  >
                    {t("choose.restore", { name: pickText(metric.name, lang) })}
                  </button>
                </li>
              ))}
            </ul>
          </section>
        )}
      </Panel>
      {asOf && relatable.length > 1 && (
        <RelationsPanel
          metrics={relatable}
          related={search.related ?? relatable.slice(0, FIRST_RELATED).map((metric) => metric.id)}
          method={search.method ?? "spearman"}
          where={data.narrowed ?? null}
          asOf={asOf}
          onSet={onSet}
        />
      )}
    </>
  );
}
