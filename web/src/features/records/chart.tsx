// The records of a list in groups: counted, or one of their numbers added up.
// The bars are drawn; the table below has every group and leads to its records.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import {
  type FieldDef,
  groupsQuery,
  type ObjectDef,
  type RecordGroup,
  type RecordGroups,
} from "../../api/records";
import { columnsOption, MAX_BARS } from "../../charts/bar";
import { Canvas } from "../../charts/canvas";
import { groupsOption } from "../../charts/groups";
import { isMoney, sumFields } from "../../fields/record";
import { valueText } from "../../fields/record-value";
import { useLang } from "../../i18n";
import { useCurrency } from "../../ui/catalog";
import { COLOURS } from "../../ui/colours";
import { exactNumber, NO_VALUE, pickText } from "../../ui/format";
import { useMode } from "../../ui/mode";
import { Partial } from "../../ui/partial";
import { showGrain } from "../../ui/period";
import { LoadError, Skeleton } from "../../ui/states";
import { isTime, monthsOf, whereOf } from "./groups";
import type { RecordsSearch } from "./search";

const BAR = 30;
const COUNT = "";

export function RecordsChart({
  object,
  search,
  fields,
  by,
  onChange,
}: {
  object: ObjectDef;
  search: RecordsSearch;
  fields: FieldDef[];
  by: FieldDef;
  onChange: (next: { by?: string; sum?: string | undefined }) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const sums = sumFields(object);
  const sum = sums.find((f) => f.id === search.sum);
  const found = useQuery(
    groupsQuery(object.id, {
      by: by.id,
      ...(sum ? { sum: sum.id } : {}),
      ...(search.where ? { where: search.where } : {}),
      ...(search.search ? { search: search.search } : {}),
    }),
  );
  const nameOf = (field: FieldDef) => pickText(field.name, lang);
  return (
    <>
      <div className="board-head">
        <Select
          aria-label={t("groups.by")}
          value={by.id}
          onChange={(id) => onChange({ by: id })}
          options={fields.map((f) => ({ value: f.id, label: nameOf(f) }))}
          showSearch={{ optionFilterProp: "label" }}
          popupMatchSelectWidth={false}
        />
        {sums.length > 0 && (
          <Select
            aria-label={t("groups.measure")}
            value={sum?.id ?? COUNT}
            onChange={(id) => onChange({ sum: id === COUNT ? undefined : id })}
            options={[
              { value: COUNT, label: t("groups.count") },
              ...sums.map((f) => ({ value: f.id, label: t("groups.sum", { name: nameOf(f) }) })),
            ]}
            popupMatchSelectWidth={false}
          />
        )}
        <p className="note">{t("groups.pick")}</p>
      </div>
      {found.error ? (
        <LoadError error={found.error} onRetry={() => found.refetch()} />
      ) : !found.data ? (
        <Skeleton height="100%" />
      ) : found.data.count === 0 ? (
        <p className="nothing">{t("records.none")}</p>
      ) : (
        <Groups object={object} search={search} by={by} sum={sum} found={found.data} />
      )}
    </>
  );
}

function Groups({
  object,
  search,
  by,
  sum,
  found,
}: {
  object: ObjectDef;
  search: RecordsSearch;
  by: FieldDef;
  sum: FieldDef | undefined;
  found: RecordGroups;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const colours = COLOURS[useMode()];
  const navigate = useNavigate();
  const own = useCurrency();
  const currency = found.currency ?? own;
  const measure = sum ? t("groups.sum", { name: pickText(sum.name, lang) }) : t("groups.count");
  const title = t("groups.picture", {
    object: pickText(object.name, lang),
    measure,
    by: pickText(by.name, lang),
  });
  const unit = sum ? (isMoney(sum) ? "money" : "count") : "count";
  const context = {
    unit,
    lang,
    currency,
    colours,
    words: { before: "", open: "", none: "" },
    names: (value: string) => value,
  };
  const figureOf = (group: { count: number; sum: string | null }) => (sum ? group.sum : group.count);
  const textOf = (group: RecordGroup) =>
    group.value !== null && isTime(by)
      ? showGrain(String(group.value), "month", lang)
      : (group.label ?? `#${String(group.value)}`);
  const sumText = (value: string | null) =>
    sum ? valueText(sum, value, lang, { yes: "", no: "" }, currency) : NO_VALUE;
  const searchOf = (group: RecordGroup): RecordsSearch => ({
    ...(search.search ? { search: search.search } : {}),
    where: whereOf(object, search.where, by, group.value),
  });
  const open = (group: RecordGroup | undefined) => {
    if (group)
      void navigate({ to: "/records/$object", params: { object: object.id }, search: searchOf(group) });
  };
  const months = isTime(by) ? monthsOf(found) : [];
  const bars = found.groups.slice(0, MAX_BARS);
  const other = found.other;
  const label = other ? t("groups.other", { n: exactNumber(other.n_groups) }) : "";
  const drawn = [
    ...bars.map((g) => ({ name: textOf(g), value: figureOf(g), isAside: g.value === null })),
    ...(other && bars.length === found.groups.length
      ? [{ name: label, value: figureOf(other), isAside: true }]
      : []),
  ];
  const isDrawn = !(sum && found.is_mixed);
  return (
    <div className="panel groups" tabIndex={0} role="region" aria-label={t("records.views.chart")}>
      {found.is_mixed && sum && <p role="status">{t("groups.mixed")}</p>}
      {isDrawn &&
        (isTime(by) ? (
          months.length > 0 && (
            <Canvas
              height={280}
              label={title}
              option={columnsOption(
                months.map((m) => m.month),
                months.map((m) => (m.group ? (figureOf(m.group)?.toString() ?? null) : sum ? null : "0")),
                measure,
                false,
                context,
              )}
              onPick={({ x }) => open(months[Math.round(x)]?.group)}
            />
          )
        ) : (
          <Canvas
            height={Math.max(120, drawn.length * BAR + 40)}
            label={title}
            option={groupsOption(drawn, measure, context)}
            onPick={({ y }) => open(bars[drawn.length - 1 - Math.round(y)])}
          />
        ))}
      {isDrawn && !isTime(by) && found.groups.length > MAX_BARS && (
        <p className="note">{t("chart.barsCut", { n: MAX_BARS, all: exactNumber(found.groups.length) })}</p>
      )}
      <table className="table">
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{pickText(by.name, lang)}</th>
            <th scope="col" className="num">
              {t("groups.count")}
            </th>
            {sum && (
              <th scope="col" className="num">
                {measure}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {found.groups.map((group) => (
            <tr key={String(group.value)}>
              <td>
                <Link to="/records/$object" params={{ object: object.id }} search={searchOf(group)}>
                  {textOf(group)}
                </Link>
              </td>
              <td className="num">{exactNumber(group.count)}</td>
              {sum && <td className="num">{sumText(group.sum)}</td>}
            </tr>
          ))}
          {other && (
            <tr>
              <td>{label}</td>
              <td className="num">{exactNumber(other.count)}</td>
              {sum && <td className="num">{sumText(other.sum)}</td>}
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t("groups.all")}</th>
            <td className="num">{exactNumber(found.count)}</td>
            {sum && <td className="num">{sumText(found.sum)}</td>}
          </tr>
        </tfoot>
      </table>
      {other && (
        <p className="note">
          {t(isTime(by) ? "groups.cutMonths" : "groups.cut", {
            n: exactNumber(found.groups.length),
            rest: exactNumber(other.n_groups),
          })}
        </p>
      )}
      {found.groups.some((g) => g.value === null || (sum && g.sum === null)) && (
        <p className="note">{t("groups.empty")}</p>
      )}
      <Partial of={found} />
    </div>
  );
}
