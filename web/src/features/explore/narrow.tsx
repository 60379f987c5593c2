// To what the question is narrowed: a path of dimensions and values, each of
// which can be left again, and a condition in words of the expression language.
import { useQuery } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { insightQuery } from "../../api/queries";
import type { Question } from "../../api/types";
import { dimensionName, useLabels } from "../../charts/labels";
import { columnAt } from "../../charts/shape";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { SEARCH_SIGN } from "../../ui/signs";
import type { At } from "./search";

/** Values that are offered; whoever looks for another one writes the condition. */
const OFFERED = 500;

export function Narrow({
  at,
  dimensions,
  question,
  where,
  onAt,
  onWhere,
  onNarrow,
}: {
  at: At[];
  dimensions: string[];
  question: Question;
  where: string | undefined;
  onAt: (next: At[]) => void;
  onWhere: (next: string | undefined) => void;
  onNarrow: (path: string, value: At[1]) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const { textOf } = useLabels(null);
  const [path, setPath] = useState<string | null>(null);
  const [typed, setTyped] = useState(where ?? "");
  useEffect(() => setTyped(where ?? ""), [where]);
  const sort = question.metrics[0];
  const values = useQuery({
    ...insightQuery({ ...question, by: path ? [path] : [], limit: OFFERED, sort: sort ? [`-${sort}`] : [] }),
    enabled: path !== null && sort !== undefined,
  });
  const found = path && values.data && columnAt(values.data, path) >= 0 ? values.data : undefined;
  const column = found?.columns[columnAt(found, path ?? "")];
  const options = found
    ? found.rows.map((row, i) => ({
        value: i,
        label: column ? textOf(column, row[columnAt(found, path ?? "")]).text : "",
      }))
    : [];
  const nameOf = (dimension: string) => dimensionName(catalog, dimension, lang);
  const valueName = ([dimension, value]: At) =>
    textOf({ name: dimension, role: "dimension", unit: "none" }, value).text;
  return (
    <div className="explore-narrow">
      <nav aria-label={t("explore.path")}>
        <ol className="explore-path">
          <li>
            {at.length > 0 ? (
              <Button type="link" size="small" onClick={() => onAt([])}>
                {t("explore.everything")}
              </Button>
            ) : (
              <span>{t("explore.everything")}</span>
            )}
          </li>
          {at.map((one, i) => (
            <li key={one[0]}>
              <span className="chip">
                {nameOf(one[0])}: {valueName(one)}
                <button
                  type="button"
                  className="chip-close"
                  aria-label={t("explore.leave", { name: `${nameOf(one[0])}: ${valueName(one)}` })}
                  onClick={() => onAt(at.filter((_, other) => other !== i))}
                >
                  ×
                </button>
              </span>
            </li>
          ))}
        </ol>
      </nav>
      <div className="filters">
        <Select
          showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
          aria-label={t("explore.narrowBy")}
          placeholder={t("explore.narrowBy")}
          value={path}
          onChange={(next: string) => setPath(next)}
          options={dimensions.map((d) => ({ value: d, label: nameOf(d) }))}
          popupMatchSelectWidth={false}
        />
        {path && (
          <Select
            showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
            aria-label={t("explore.value")}
            placeholder={t("explore.value")}
            loading={values.isFetching}
            value={null}
            onChange={(i: number | null) => {
              const value = i === null ? undefined : found?.rows[i]?.[columnAt(found, path)];
              if (value === undefined) return;
              onNarrow(path, value);
              setPath(null);
            }}
            options={options}
            popupMatchSelectWidth={false}
          />
        )}
        <form
          className="explore-where"
          onSubmit={(event) => {
            event.preventDefault();
            onWhere(typed.trim() === "" ? undefined : typed.trim());
          }}
        >
          <Input
            aria-label={t("explore.where")}
            placeholder={t("explore.whereExample", { name: dimensions[0] ?? "customer.city" })}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          <Button htmlType="submit">{t("explore.apply")}</Button>
        </form>
      </div>
      {question.where && (
        <p className="note">
          {t("explore.condition")} <code>{question.where}</code>
        </p>
      )}
    </div>
  );
}
