// The records behind one number, and whether they are that number.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { exportRows, insightQuery, rowsBehindQuery } from "../../api/queries";
import type { Answer, CatalogMetric, RowsBehind, Value } from "../../api/types";
import { cellOf } from "../../charts/shape";
import { useAsked } from "../../charts/use-asked";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { DownloadMenu } from "../../ui/download-menu";
import type { Asked } from "../../ui/explain";
import { Figure } from "../../ui/figure";
import { exactNumber, pickText, showValue } from "../../ui/format";
import { showGrain } from "../../ui/period";
import { LoadError, Skeleton } from "../../ui/states";
import { isAdditive, isSame, type Proof, proofOf, provedBy, sumOf } from "./proof";
import { RecordsTable } from "./records-table";

type AskedQuestion = Extract<Asked, { question: unknown }>;

/** Where a number counts only from a day on, so do its records. */
function since(found: RowsBehind, day: string | undefined): RowsBehind {
  if (!day) return found;
  const at = found.columns.findIndex((c) => c.name === "ordered_on");
  const rows = found.rows.filter((row) => String(row[at]) >= day);
  const isCut = found.truncated && rows.length === found.rows.length;
  return isCut ? found : { ...found, rows, total: rows.length, truncated: false, is_partial: false };
}

export function Records({
  asked,
  metric,
  value,
  onLeave,
}: {
  asked: AskedQuestion;
  metric: CatalogMetric | undefined;
  value: Value;
  onLeave: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const { data, error, refetch } = useQuery(rowsBehindQuery(asked.question));
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={240} />;
  const found = since(data, asked.since);
  const object = catalog.objects.find((o) => o.id === found.object);
  const proof = proofOf(metric?.formula ?? "");
  return (
    <>
      <p className="note">
        {t(found.truncated ? "explain.rowsCut" : "explain.rowsOf", {
          object: pickText(object?.name, lang) || found.object,
          total: exactNumber(found.total),
          n: exactNumber(found.rows.length),
        })}
      </p>
      {!asked.since && (
        <DownloadMenu
          label={t("metric.export")}
          note={t("explain.exportHelp")}
          name={`keji-${found.object}`}
          fetchFile={(format) => exportRows(asked.question, format)}
        />
      )}
      {proof ? (
        <Proved found={found} proof={proof} value={value} asked={asked} />
      ) : (
        <p className="note">{t("explain.noSum")}</p>
      )}
      {found.truncated && metric && isAdditive(metric.formula) && (
        <Parts asked={asked} metric={metric} value={value} />
      )}
      <RecordsTable
        found={found}
        column={proof?.kind === "sum" ? proof.column : undefined}
        currency={asked.currency}
        onLeave={onLeave}
      />
    </>
  );
}

function Proved({
  found,
  proof,
  value,
  asked,
}: {
  found: RowsBehind;
  proof: Proof;
  value: Value;
  asked: AskedQuestion;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  // All are counted though not all are listed.
  const proved = proof.kind === "count" ? String(found.total) : provedBy(proof, found);
  if (proved === null) return null;
  const summed = found.columns.find((c) => c.name === proof.column);
  const unit = proof.kind === "sum" ? (summed?.unit ?? asked.unit) : "count";
  const object = catalog.objects.find((o) => o.id === proof.column);
  const isWhole = proof.kind === "count" || !found.truncated;
  const isWholeNumber = isWhole && !proof.isPart && value !== null;
  return (
    <dl className="proof">
      {!proof.isPart && value !== null && (
        <div>
          <dt>{t("explain.number")}</dt>
          <dd>{showValue(value, asked.unit, lang, asked.currency).exact}</dd>
        </div>
      )}
      <div>
        <dt>
          {proof.kind === "distinct"
            ? t("explain.distinct", { object: pickText(object?.name, lang) || proof.column })
            : t(`explain.${proof.kind}`)}
        </dt>
        <dd>
          {showValue(proved, unit, lang, asked.currency).exact}
          {isWholeNumber && (
            <span className={isSame(proved, value) ? "same" : "differs"}>
              {isSame(proved, value) ? t("explain.same") : t("explain.differs")}
            </span>
          )}
        </dd>
      </div>
      {proof.isPart && <p className="note">{t("explain.part")}</p>}
    </dl>
  );
}

const DAY_MS = 86_400_000;
/** More days than these are shown by month. */
const MANY_DAYS = 62;

/** More records than are listed: the number by shorter periods, each of which opens its own. */
function Parts({ asked, metric, value }: { asked: AskedQuestion; metric: CatalogMetric; value: Value }) {
  const { t } = useTranslation();
  const lang = useLang();
  const { from, to } = asked.question;
  const days = from && to ? (Date.parse(to) - Date.parse(from)) / DAY_MS : MANY_DAYS + 1;
  const grain = days > MANY_DAYS ? "month" : "day";
  const question = { ...asked.question, by: [], compare: null, sort: [], limit: null, grain } as const;
  const { data, error } = useQuery({
    ...insightQuery({ ...question, by: [], sort: [] }),
    enabled: days > 1,
  });
  const askedOf = useAsked(data ?? NOTHING, metric, asked.question, grain, asked.currency);
  if (days <= 1) return null;
  if (error) return <LoadError error={error} />;
  if (!data) return <Skeleton height={120} />;
  const sum = sumOf(data.rows.map((row) => cellOf(data, row, metric.id)));
  return (
    <details className="parts" open>
      <summary>{t("explain.parts")}</summary>
      <ul>
        {data.rows.map((row, i) => {
          const part = askedOf(i, false);
          const start = String(cellOf(data, row, "period"));
          return part ? (
            <li key={start}>
              <span>{showGrain(start, grain, lang)}</span>
              <Figure asked={{ ...part, filter: asked.filter ?? [] }} />
            </li>
          ) : null;
        })}
      </ul>
      <p className="note">
        {t("explain.partsSum")} <b>{showValue(sum, asked.unit, lang, asked.currency).exact}</b>{" "}
        {value !== null && (
          <span className={isSame(sum, value) ? "same" : "differs"}>
            {isSame(sum, value) ? t("explain.same") : t("explain.differs")}
          </span>
        )}
      </p>
    </details>
  );
}

const NOTHING: Answer = {
  columns: [],
  rows: [],
  as_of: "",
  status: "settled",
  row_status: [],
  small: [],
  period: { from: "", to: "" },
  compared: null,
  seq: 0,
  truncated: false,
  is_partial: false,
};

/** The filter of a number in words: its period, then each condition. */
export function FilterWords({ asked, period }: { asked: AskedQuestion; period: string }) {
  const { t } = useTranslation();
  const words: [string, string][] = [[t("explain.period"), period], ...(asked.filter ?? [])];
  if (asked.since) words.push([t("explain.since"), asked.since]);
  return (
    <ul className="filter-words" aria-label={t("explain.filter")}>
      {words.map(([name, text]) => (
        <li key={name} className="chip">
          {t("explain.is", { name, text })}
        </li>
      ))}
    </ul>
  );
}
