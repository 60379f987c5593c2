// What one metric means: its rules, who answers for it, what others have found
// and an example that comes out.
import { useTranslation } from "react-i18next";
import type { CatalogMetric, MetricDefinition, Value } from "../../api/types";
import { useLabels } from "../../charts/labels";
import { useLang } from "../../i18n";
import "../../i18n/definition";
import { useCatalog, useCurrency } from "../../ui/catalog";
import { pickText, showValue } from "../../ui/format";
import { Panel } from "../../ui/panel";
import "./definition.css";

export function Definition({ told, metric }: { told: MetricDefinition; metric: CatalogMetric }) {
  const { t } = useTranslation();
  const lang = useLang();
  const facts: [string, string][] = [
    [t("definition.code"), t("definition.codeIs", { code: told.code, version: told.version })],
    [t("definition.better"), t(`definition.betterIs.${told.direction}`)],
    [t("definition.finest"), t(`grain.${told.grain_min}`)],
    [
      t("definition.settles"),
      told.settle_days > 0
        ? t("definition.settlesIs", { n: told.settle_days })
        : t("definition.settlesAtOnce"),
    ],
  ];
  if (told.owner) facts.splice(1, 0, [t("definition.owner"), pickText(told.owner.name, lang)]);
  if (told.reference) facts.push([t("definition.reference"), pickText(told.reference, lang)]);
  if (told.min_n) facts.push([t("definition.cases"), t("definition.casesIs", { n: told.min_n })]);
  return (
    <Panel title={t("definition.title")} note={t("definition.note")} className="definition">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <h3>{t("definition.formula")}</h3>
      <pre className="code-block" tabIndex={0}>
        {told.formula}
      </pre>
      {told.benchmarks.length > 0 && <Benchmarks told={told} metric={metric} />}
      {told.examples.map((example, at) => (
        <Example key={at} example={example} metric={metric} />
      ))}
    </Panel>
  );
}

function Benchmarks({ told, metric }: { told: MetricDefinition; metric: CatalogMetric }) {
  const { t } = useTranslation();
  const lang = useLang();
  const show = (value: string) => showValue(value, metric.unit, lang).text;
  const range = (low: string | null | undefined, high: string | null | undefined) => {
    if (low == null) return t("definition.upTo", { high: show(high ?? "") });
    if (high == null) return t("definition.from", { low: show(low) });
    return low === high ? show(low) : t("definition.between", { low: show(low), high: show(high) });
  };
  const heads = ["whose", "range", "source", "dated", "grade"] as const;
  return (
    <>
      <h3>{t("definition.benchmarks")}</h3>
      <p className="note">{t("definition.benchmarksNote")}</p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("definition.benchmarks")}>
        <table className="table">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {t(`definition.${head}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {told.benchmarks.map((one, at) => (
              <tr key={at}>
                <td>{pickText(one.about, lang)}</td>
                <td>{range(one.low, one.high)}</td>
                <td lang="en">{one.source}</td>
                <td>{one.dated ?? t("definition.undated")}</td>
                <td>{t(`definition.grades.${one.grade}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Example({
  example,
  metric,
}: {
  example: MetricDefinition["examples"][number];
  metric: CatalogMetric;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const currency = useCurrency();
  const { nameOf, textOf } = useLabels(example.grain, currency);
  const columns = example.columns.map((name) => ({
    name,
    role: name === metric.id ? ("metric" as const) : ("dimension" as const),
    unit: name === metric.id ? metric.unit : "",
  }));
  /** A choice in words, everything else as it stands. */
  const cell = (object: string, field: string, value: string | null) => {
    const of = catalog.objects.find((o) => o.id === object)?.fields.find((f) => f.id === field);
    return of?.options.find((o) => o.value === value)?.[lang] ?? value ?? "";
  };
  const shown = (column: (typeof columns)[number], value: Value | undefined) =>
    column.role === "metric" && value === null ? t("definition.nothing") : textOf(column, value).text;
  return (
    <details className="example">
      <summary>{t("definition.example")}</summary>
      <p>
        {pickText(example.about, lang)} <span className="note">{t("definition.exampleNote")}</span>
      </p>
      {example.given.map((given) => {
        const title = t("definition.given", { name: pickText(given.name, lang), n: given.rows.length });
        const [only, ...others] = given.fields;
        if (only && others.length === 0)
          return (
            <p key={given.object}>
              {title} · {pickText(only.name, lang)}{" "}
              <data>{given.rows.map((row) => cell(given.object, only.id, row[0] ?? null)).join(" · ")}</data>
            </p>
          );
        return (
          <div key={given.object} className="table-scroll" tabIndex={0} role="region" aria-label={title}>
            <table className="table">
              <caption>{title}</caption>
              <thead>
                <tr>
                  {given.fields.map((field) => (
                    <th key={field.id} scope="col">
                      {pickText(field.name, lang)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {given.rows.map((row, r) => (
                  <tr key={r}>
                    {given.fields.map((field, i) => (
                      <td key={field.id}>{cell(given.object, field.id, row[i] ?? null)}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        );
      })}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("definition.comes")}>
        <table className="table">
          <caption>
            {t("definition.comes")} · {t("definition.asOf", { day: example.as_of })}
            {example.from && example.to
              ? ` · ${t("definition.span", { from: example.from, to: example.to })}`
              : ""}
          </caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" className={column.role === "metric" ? "num" : undefined}>
                  {nameOf(column)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {example.rows.map((row, r) => (
              <tr key={r}>
                {columns.map((column, i) => (
                  <td key={column.name} className={column.role === "metric" ? "num" : undefined}>
                    {shown(column, row[i])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
