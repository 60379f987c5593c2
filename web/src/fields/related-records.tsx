// The records of other objects that point to one record: a tab for each kind,
// with how many there are.
import { PlusOutlined } from "@ant-design/icons";
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button } from "antd";
import { type KeyboardEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { FILE } from "../api/files";
import { recordCountQuery, recordsQuery } from "../api/records";
import { useLang } from "../i18n";
import { exactNumber, pickText } from "../ui/format";
import { useObjects } from "../ui/session";
import { LoadError, Skeleton } from "../ui/states";
import { NewRecord } from "./new-record";
import { calendarFields, defaultColumns, linksTo, mayDo } from "./record";
import { RecordTable } from "./record-table";

const N_ROWS = 20;

export function RelatedRecords({
  object,
  id,
  title,
  without = [],
}: {
  object: string;
  id: number;
  title: string;
  /** Objects that the page shows in a part of its own. */
  without?: string[];
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const name = useId();
  // Files have a panel of their own, with their content.
  const relations = linksTo(useObjects(), object).filter((r) => ![...without, FILE].includes(r.object.id));
  const counts = useQueries({
    queries: relations.map((r) => recordCountQuery(r.object.id, { where: `${r.field.id} = ${id}` })),
  });
  const [picked, setPicked] = useState<number | null>(null);
  const [isNew, setNew] = useState(false);
  // Where nobody chose, the first that has something.
  const at =
    picked ??
    Math.max(
      0,
      counts.findIndex((c) => (c.data ?? 0) > 0),
    );
  const relation = relations[at];
  const filter = { where: `${relation?.field.id} = ${id}` };
  const day = relation ? calendarFields(relation.object)[0] : undefined;
  const page = useQuery({
    ...recordsQuery(relation?.object.id ?? "", {
      ...filter,
      ...(day ? { sort: `-${day.id}` } : {}),
      limit: N_ROWS,
    }),
    enabled: relation !== undefined,
  });
  if (!relation) return null;

  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = (at + step + relations.length) % relations.length;
    setPicked(next);
    document.getElementById(`${name}-tab-${next}`)?.focus();
  };
  const isTwice = (target: string) => relations.filter((r) => r.object.id === target).length > 1;
  const labelOf = (r: (typeof relations)[number]) =>
    isTwice(r.object.id)
      ? t("record.relatedBy", { object: pickText(r.object.name, lang), field: pickText(r.field.name, lang) })
      : pickText(r.object.name, lang);
  const columns = defaultColumns(relation.object).filter((c) => c !== relation.field.id);
  const total = counts[at]?.data;
  return (
    <section className="panel related">
      <h2>{t("record.related")}</h2>
      <div className="tabs" role="tablist" aria-label={t("record.related")} onKeyDown={move}>
        {relations.map((r, i) => (
          <button
            key={`${r.object.id}.${r.field.id}`}
            id={`${name}-tab-${i}`}
            type="button"
            role="tab"
            aria-selected={i === at}
            aria-controls={`${name}-panel`}
            tabIndex={i === at ? 0 : -1}
            onClick={() => setPicked(i)}
          >
            {labelOf(r)} <span className="count">{exactNumber(counts[i]?.data ?? 0)}</span>
          </button>
        ))}
      </div>
      <div id={`${name}-panel`} role="tabpanel" aria-labelledby={`${name}-tab-${at}`}>
        {page.error ? (
          <LoadError error={page.error} onRetry={() => page.refetch()} />
        ) : !page.data || page.isPlaceholderData ? (
          <Skeleton height={120} />
        ) : page.data.rows.length === 0 ? (
          <p className="nothing">{t("record.noRelated", { object: pickText(relation.object.name, lang) })}</p>
        ) : (
          <RecordTable
            object={relation.object}
            columns={columns}
            rows={page.data.rows}
            label={labelOf(relation)}
          />
        )}
        <div className="controls">
          {mayDo(relation.object, "create") && (
            <Button icon={<PlusOutlined aria-hidden="true" />} onClick={() => setNew(true)}>
              {t("form.new", { object: pickText(relation.object.name, lang) })}
            </Button>
          )}
          {(total ?? 0) > 0 && (
            <Link
              to="/records/$object"
              params={{ object: relation.object.id }}
              search={{ where: filter.where }}
            >
              {t("record.allRelated", { n: exactNumber(total ?? 0) })}
            </Link>
          )}
        </div>
      </div>
      {isNew && (
        <NewRecord
          object={relation.object}
          given={{
            drafts: { [relation.field.id]: id },
            links: { [relation.field.id]: { id, title } },
          }}
          onDone={() => setNew(false)}
          onClose={() => setNew(false)}
        />
      )}
    </section>
  );
}
