// The records of any object, as a list, a board, a calendar or a chart.
import { PlusOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Button, Segmented } from "antd";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { exportRecords, type ObjectDef, objectsQuery, recordCountQuery } from "../../api/records";
import { NewRecord } from "../../fields/new-record";
import {
  boardFields,
  calendarFields,
  chartFields,
  findObject,
  keptColumns,
  mayDo,
} from "../../fields/record";
import { useLang } from "../../i18n";
import { DownloadMenu } from "../../ui/download-menu";
import "../../i18n/batches";
import { exactNumber, pickText } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { usePhone } from "../../ui/use-media";
import type { Picked } from "./bulk";
import { ColumnChooser, useColumns } from "./columns";
import { FilterBar } from "./filter-bar";
import { RecordGrid } from "./record-grid";
import { filterOf, type RecordsSearch, type View } from "./search";

// The list is what most come for: the other views come when they are opened.
const Board = lazy(() => import("./board").then((m) => ({ default: m.Board })));
const Calendar = lazy(() => import("./calendar").then((m) => ({ default: m.Calendar })));
const Sheet = lazy(() => import("./sheet").then((m) => ({ default: m.Sheet })));
const BulkBar = lazy(() => import("./bulk").then((m) => ({ default: m.BulkBar })));
const SavedViews = lazy(() => import("./saved-views").then((m) => ({ default: m.SavedViews })));
const RecordsChart = lazy(() => import("./chart").then((m) => ({ default: m.RecordsChart })));

const route = getRouteApi("/records/$object");

export function RecordsPage() {
  const { t } = useTranslation();
  const { object: id } = route.useParams();
  const { data, error, refetch } = useQuery(objectsQuery);
  const object = findObject(data, id);
  if (!object)
    return (
      <main className="page" id="main" aria-busy={!data && !error}>
        <h1 className={data ? undefined : "visually-hidden"}>{t("records.title")}</h1>
        {error ? (
          <LoadError error={error} onRetry={() => refetch()} />
        ) : data ? (
          <Empty
            title={t("records.unknown", { id })}
            action={<Link to="/records">{t("records.toAll")}</Link>}
          />
        ) : (
          <Skeleton height={400} />
        )}
      </main>
    );
  return <Records key={object.id} object={object} />;
}

function Records({ object }: { object: ObjectDef }) {
  const { t } = useTranslation();
  const lang = useLang();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const goTo = route.useNavigate();
  const [ownColumns, setColumns] = useColumns(object);
  // A saved view brings its own.
  const columns = search.columns ? keptColumns(object, search.columns.split(",")) : ownColumns;
  const [isNew, setNew] = useState(false);
  const filter = filterOf(object, search);
  const { sort: _, ...counted } = filter;
  const count = useQuery(recordCountQuery(object.id, counted));
  const isPhone = usePhone();
  const [picked, setPicked] = useState<Picked>({ ids: new Set(), isAll: false });
  const which = JSON.stringify(counted);
  // What was picked among others is not picked any more.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it follows the filter alone.
  useEffect(() => setPicked({ ids: new Set(), isAll: false }), [which]);
  const boards = boardFields(object, useObjects());
  const calendars = calendarFields(object);
  const charts = chartFields(object);
  const chartBy = charts.find((f) => f.id === search.by) ?? charts[0];
  const views: View[] = [
    "list",
    // Cells are too small for a thumb.
    ...(!isPhone && (mayDo(object, "update") || mayDo(object, "create")) ? (["grid"] as const) : []),
    ...(boards.length > 0 ? (["board"] as const) : []),
    ...(calendars.length > 0 ? (["calendar"] as const) : []),
    ...(charts.length > 0 ? (["chart"] as const) : []),
  ];
  const view = search.view && views.includes(search.view) ? search.view : "list";
  const name = pickText(object.name, lang);
  const change = (next: RecordsSearch) => navigate({ search: next, replace: true });
  const chooseColumns = (next: string[] | null) => {
    if (!search.columns) return setColumns(next);
    const { columns: _, ...rest } = search;
    change(next ? { ...rest, columns: next.join(",") } : rest);
  };
  const isNarrowed = Boolean(search.where || search.search);
  const open = (record: number) =>
    void goTo({ to: "/records/$object/$id", params: { object: object.id, id: String(record) } });

  return (
    <main className="page fill" id="main">
      <header className="page-head records-head">
        <div>
          <h1>{name}</h1>
          <p className="note" aria-live="polite">
            {count.data === undefined ? " " : t("records.count", { n: exactNumber(count.data) })}
          </p>
        </div>
        <div className="controls">
          <Suspense fallback={null}>
            <SavedViews
              object={object}
              search={search}
              columns={columns}
              onChange={(next) => void change(next)}
            />
          </Suspense>
          {views.length > 1 && (
            <Segmented<View>
              aria-label={t("records.view")}
              value={view}
              onChange={(next) => {
                const { search: text, where, sort, columns: shown } = search;
                const kept = {
                  ...(text ? { search: text } : {}),
                  ...(where ? { where } : {}),
                  ...(sort ? { sort } : {}),
                  ...(shown ? { columns: shown } : {}),
                };
                change(next === "list" ? kept : { ...kept, view: next });
              }}
              options={views.map((v) => ({
                value: v,
                label: v === "grid" ? t("batches.grid") : t(`records.views.${v}`),
              }))}
            />
          )}
          {(view === "list" || view === "grid") && (
            <ColumnChooser object={object} columns={columns} onChange={chooseColumns} />
          )}
          <DownloadMenu
            of={[object.id]}
            label={t("customers.export")}
            {...(search.search ? { note: t("records.exportNote") } : {})}
            name={`keji-${object.id}`}
            fetchFile={(format) => exportRecords(object.id, filter, format)}
          />
        </div>
        {object.has_duplicates && mayDo(object, "update") && (
          <Link to="/data/duplicates/$object" params={{ object: object.id }}>
            {t("records.duplicates")}
          </Link>
        )}
        {mayDo(object, "delete") && <Link to="/data/bin">{t("batches.bin")}</Link>}
        {mayDo(object, "create") && (
          <Button type="primary" icon={<PlusOutlined aria-hidden="true" />} onClick={() => setNew(true)}>
            {t("form.newShort")}
          </Button>
        )}
      </header>
      <FilterBar object={object} search={search} onChange={change} />
      <Suspense fallback={<Skeleton height="100%" />}>
        {count.error ? (
          <LoadError error={count.error} onRetry={() => count.refetch()} />
        ) : count.data === undefined ? (
          <Skeleton height="100%" />
        ) : count.data === 0 && view === "list" ? (
          isNarrowed ? (
            <Empty
              title={t("records.none")}
              action={<Button onClick={() => change({})}>{t("customers.clear")}</Button>}
            />
          ) : (
            <Empty
              title={t("records.empty", { object: name })}
              action={
                mayDo(object, "create") ? (
                  <Button type="primary" onClick={() => setNew(true)}>
                    {t("form.new", { object: name })}
                  </Button>
                ) : undefined
              }
            >
              <p>{pickText(object.about, lang)}</p>
            </Empty>
          )
        ) : view === "grid" ? (
          <Sheet
            key={JSON.stringify(filter)}
            object={object}
            columns={columns}
            filter={filter}
            onOpen={open}
          />
        ) : view === "board" ? (
          <Board
            object={object}
            filter={filter}
            fields={boards}
            by={boards.find((f) => f.id === search.by) ?? boards[0]}
            steps={search.steps}
            onChange={(next) => change({ ...search, ...next })}
          />
        ) : view === "calendar" ? (
          <Calendar
            object={object}
            filter={filter}
            fields={calendars}
            by={calendars.find((f) => f.id === search.by) ?? calendars[0]}
            month={search.month}
            onChange={(next) => change({ ...search, ...next })}
          />
        ) : view === "chart" && chartBy ? (
          <RecordsChart
            object={object}
            search={search}
            fields={charts}
            by={chartBy}
            onChange={(next) => {
              const { sum: _, ...rest } = { ...search, ...next };
              const sum = "sum" in next ? next.sum : search.sum;
              change(sum ? { ...rest, sum } : rest);
            }}
          />
        ) : (
          <>
            {/* The list stays where it is while this comes. */}
            <Suspense>
              {(picked.isAll || picked.ids.size > 0) && (
                <BulkBar
                  object={object}
                  filter={filter}
                  total={count.data}
                  picked={picked}
                  onPick={setPicked}
                />
              )}
            </Suspense>
            <RecordGrid
              key={JSON.stringify(filter)}
              object={object}
              columns={columns}
              filter={filter}
              total={count.data}
              picked={mayDo(object, "update") || mayDo(object, "delete") ? picked : undefined}
              onPick={setPicked}
              onOpen={open}
              onSort={(sort) => change({ ...search, sort })}
            />
          </>
        )}
      </Suspense>
      {isNew && <NewRecord object={object} onDone={(made) => open(made.id)} onClose={() => setNew(false)} />}
    </main>
  );
}
