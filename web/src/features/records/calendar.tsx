// A month of records by one of their days; on a phone, the days that have any.
import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";
import {
  type FieldDef,
  type ObjectDef,
  type RecordFilter,
  type RecordRow,
  recordsQuery,
} from "../../api/records";
import { titleOf } from "../../fields/record";
import { RecordLink } from "../../fields/record-value";
import { useLang } from "../../i18n";
import { pickText, showInstant } from "../../ui/format";
import { monthStart, showGrain } from "../../ui/period";
import { LoadError, Skeleton } from "../../ui/states";
import { usePhone } from "../../ui/use-media";
import { allOf, quote } from "../../ui/where";
import { weeksOf } from "./weeks";

const N_RECORDS = 500;
const DAY = "T00:00:00+08:00";

export function Calendar({
  object,
  filter,
  fields,
  by,
  month,
  onChange,
}: {
  object: ObjectDef;
  filter: RecordFilter;
  fields: FieldDef[];
  by: FieldDef | undefined;
  month: string | undefined;
  onChange: (next: { by?: string; month?: string }) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const phone = usePhone();
  const today = showInstant(new Date().toISOString()).slice(0, 10);
  const first = monthStart(`${month ?? today.slice(0, 7)}-01`);
  const next = monthStart(first, 1);
  const bound = (day: string) => quote(by?.type === "instant" ? day + DAY : day);
  const own = `${by?.id} >= ${bound(first)} and ${by?.id} < ${bound(next)}`;
  const page = useQuery(
    recordsQuery(object.id, {
      ...filter,
      where: allOf([filter.where, own]) ?? own,
      sort: by?.id ?? "",
      limit: N_RECORDS,
    }),
  );
  const dayOf = (row: RecordRow): string => {
    const value = String(row.values[by?.id ?? ""] ?? "");
    return by?.type === "instant" ? showInstant(value).slice(0, 10) : value;
  };
  const byDay = new Map<string, RecordRow[]>();
  for (const row of page.data?.rows ?? []) byDay.set(dayOf(row), [...(byDay.get(dayOf(row)) ?? []), row]);
  const go = (months: number) => onChange({ month: monthStart(first, months).slice(0, 7) });
  const entries = (day: string) => (
    <ul>
      {byDay.get(day)?.map((row) => (
        <li key={row.id} className="ellipsis">
          <RecordLink object={object.id} id={row.id} title={titleOf(object, row)} />
        </li>
      ))}
    </ul>
  );
  const weekdays = weeksOf(first)[0] ?? [];
  const weekday = (day: string) =>
    new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en", { weekday: "short", timeZone: "UTC" }).format(
      new Date(`${day}T00:00:00Z`),
    );

  return (
    <>
      <div className="board-head">
        <Button
          icon={<LeftOutlined aria-hidden="true" />}
          aria-label={t("calendar.before")}
          onClick={() => go(-1)}
        />
        <h2 aria-live="polite">{showGrain(first, "month", lang)}</h2>
        <Button
          icon={<RightOutlined aria-hidden="true" />}
          aria-label={t("calendar.after")}
          onClick={() => go(1)}
        />
        <Button onClick={() => onChange({ month: today.slice(0, 7) })}>{t("calendar.today")}</Button>
        {fields.length > 1 && (
          <Select
            aria-label={t("calendar.by")}
            value={by?.id ?? ""}
            onChange={(field) => onChange({ by: field })}
            options={fields.map((f) => ({ value: f.id, label: pickText(f.name, lang) }))}
            popupMatchSelectWidth={false}
          />
        )}
      </div>
      {page.error ? (
        <LoadError error={page.error} onRetry={() => page.refetch()} />
      ) : !page.data ? (
        <Skeleton height="100%" />
      ) : phone ? (
        <div className="agenda">
          {byDay.size === 0 && <p className="nothing">{t("calendar.none")}</p>}
          {[...byDay.keys()].sort().map((day) => (
            <section key={day} className={day === today ? "today" : undefined}>
              <h3>
                {day} <span className="muted">{weekday(day)}</span>
              </h3>
              {entries(day)}
            </section>
          ))}
        </div>
      ) : (
        <div className="month-scroll" tabIndex={0} role="region" aria-label={t("records.views.calendar")}>
          <table className="month">
            <thead>
              <tr>
                {weekdays.map((day) => (
                  <th key={day} scope="col">
                    {weekday(day)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {weeksOf(first).map((week) => (
                <tr key={week[0]}>
                  {week.map((day) => (
                    <td
                      key={day}
                      className={[day === today && "today", (day < first || day >= next) && "other"]
                        .filter(Boolean)
                        .join(" ")}
                    >
                      <time dateTime={day}>{Number(day.slice(8))}</time>
                      {entries(day)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {page.data?.next && <p className="note">{t("answer.truncated", { n: N_RECORDS })}</p>}
    </>
  );
}
