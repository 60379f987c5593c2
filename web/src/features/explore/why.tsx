// Why a number moved, by the values of one dimension: more or fewer cases,
// other parts than before, more or less a case. The parts make up the change.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { whyQuery } from "../../api/queries";
import type { CatalogMetric, Effects, Question } from "../../api/types";
import { dimensionName, useLabels } from "../../charts/labels";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { Amount } from "../../ui/figure";
import { pickText } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";
import type { At } from "./search";

export function WhyPanel({
  metric,
  by,
  question,
  currency,
  onNarrow,
}: {
  metric: CatalogMetric;
  by: string;
  question: Question;
  currency: string | undefined;
  onNarrow: (path: string, value: At[1]) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const { textOf } = useLabels(null, currency, question.compare);
  const { data, error, refetch } = useQuery(
    whyQuery({ ...question, metrics: [metric.id], by: [by], grain: null }),
  );
  const name = pickText(metric.name, lang);
  const title = t("explore.why", { name });
  if (error)
    return (
      <section className="explore-why" aria-label={title}>
        <h2>{title}</h2>
        <LoadError error={error} onRetry={() => refetch()} />
      </section>
    );
  if (!data) return <Skeleton height={200} />;
  const isSum = data.kind === "sum";
  const unit = metric.unit;
  const cells = (effects: Effects) => (
    <>
      <td className="num">
        <Amount value={effects.change} unit={unit} currency={currency} />
      </td>
      {isSum && (
        <td className="num">
          <Amount value={effects.volume} unit={unit} currency={currency} />
        </td>
      )}
      <td className="num">
        <Amount value={effects.mix} unit={unit} currency={currency} />
      </td>
      <td className="num">
        <Amount value={effects.rate} unit={unit} currency={currency} />
      </td>
    </>
  );
  const textOfPart = (value: At[1]) => textOf({ name: by, role: "dimension", unit: "none" }, value).text;
  return (
    <section className="explore-why" aria-label={title}>
      <h2>{title}</h2>
      <p className="note">{t(isSum ? "explore.whySum" : "explore.whyRatio")}</p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>
        <table className="table">
          <caption className="visually-hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col">{dimensionName(catalog, by, lang)}</th>
              <th scope="col" className="num">
                {t("explore.before")}
              </th>
              <th scope="col" className="num">
                {t("explore.now")}
              </th>
              <th scope="col" className="num">
                {t("explore.didChange")}
              </th>
              {isSum && (
                <th scope="col" className="num">
                  {t("explore.volume")}
                </th>
              )}
              <th scope="col" className="num">
                {t("explore.mix")}
              </th>
              <th scope="col" className="num">
                {t("explore.rate")}
              </th>
            </tr>
          </thead>
          <tbody>
            {data.parts.map((part) => (
              <tr key={JSON.stringify(part.value)}>
                <th scope="row">
                  <button type="button" className="link" onClick={() => onNarrow(by, part.value)}>
                    {textOfPart(part.value)}
                  </button>
                </th>
                <td className="num">
                  <Amount value={part.before} unit={unit} currency={currency} />
                </td>
                <td className="num">
                  <Amount value={part.now} unit={unit} currency={currency} />
                </td>
                {cells(part)}
              </tr>
            ))}
            {data.others_count > 0 && (
              <tr>
                <th scope="row">{t("explore.others", { n: data.others_count })}</th>
                <td />
                <td />
                {cells(data.others)}
              </tr>
            )}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t("explore.total")}</th>
              <td className="num total">
                <Amount value={data.before} unit={unit} currency={currency} />
              </td>
              <td className="num total">
                <Amount value={data.now} unit={unit} currency={currency} />
              </td>
              {cells(data.whole)}
            </tr>
          </tfoot>
        </table>
      </div>
    </section>
  );
}
