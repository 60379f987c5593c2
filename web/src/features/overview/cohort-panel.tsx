// Do customers come back? Cohorts of the last months.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { insightQuery } from "../../api/queries";
import { CohortTable } from "../../charts/cohort-table";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { trendSpan } from "../../ui/period";
import { LoadError, Skeleton } from "../../ui/states";

const MONTHS = 13;

export function CohortPanel({ asOf }: { asOf: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const cohorts = catalog.metrics.filter(
    (m) => m.dimensions.includes("cohort") && m.dimensions.includes("age"),
  );
  const metric = cohorts.find((m) => m.unit === "pct") ?? cohorts[0];
  const question = {
    metrics: [metric?.id ?? ""],
    by: ["cohort", "age"],
    ...trendSpan(asOf, MONTHS),
    as_of: asOf,
  };
  const { data, error, refetch } = useQuery({ ...insightQuery(question), enabled: metric !== undefined });
  if (!metric) return null;
  return (
    <Panel
      title={t("cohort.title")}
      note={pickText(metric.about, lang)}
      actions={
        <Link to="/metrics/$id" params={{ id: metric.id }}>
          {pickText(metric.name, lang)}
        </Link>
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={MONTHS * 33 + 40} />
      ) : data.rows.length === 0 ? (
        <p className="nothing">{t("answer.empty")}</p>
      ) : (
        <CohortTable answer={data} metric={metric} question={question} />
      )}
    </Panel>
  );
}
