// One import: at work, asking for a mapping, or done. The id is in the URL, so
// a reload finds it again.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Alert, App, Button, Progress } from "antd";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { cancelImport, importQuery, isAtWork, mapImport, undoImport } from "../../api/queries";
import type { Import, ImportFailure, Mapping } from "../../api/types";
import { useLang } from "../../i18n";
import { useCurrency } from "../../ui/catalog";
import {
  exactNumber,
  type Lang,
  NO_VALUE,
  pickText,
  showBytes,
  showSeconds,
  showValue,
} from "../../ui/format";
import { Panel } from "../../ui/panel";
import { LoadError, Skeleton } from "../../ui/states";
import { MappingTable } from "./mapping-table";
import { StateTag } from "./state-tag";

const route = getRouteApi("/import/$id");
const STAGES = ["receiving", "reading", "merging", "copying", "evaluating"] as const;

export function ImportRunPage() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const id = Number(route.useParams().id);
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(importQuery(id));

  const onDone = (next: Import) => {
    cache.setQueryData(["import", id], next);
    void cache.invalidateQueries({ queryKey: ["import", id] });
  };
  const onError = (failure: Error) => void message.error(failure.message || t("error.unreachable"));
  const map = useMutation({ mutationFn: (mapping: Mapping) => mapImport(id, mapping), onSuccess: onDone });
  const cancel = useMutation({ mutationFn: () => cancelImport(id), onSuccess: onDone, onError });
  const undo = useMutation({ mutationFn: () => undoImport(id), onSuccess: onDone, onError });
  useFreshNumbers(data?.state);

  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <p className="crumb">
            <Link to="/import">{t("import.title")}</Link>
          </p>
          <h1>
            {data?.filename ?? t("import.title")} {data && <StateTag state={data.state} />}
          </h1>
        </div>
      </header>
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={240} />
      ) : data.state === "needs_mapping" && data.mapping ? (
        <MappingTable
          mapping={data.mapping}
          busy={map.isPending}
          error={map.error}
          onContinue={(mapping) => map.mutate(mapping)}
          onCancel={() => cancel.mutate()}
        />
      ) : isAtWork(data.state) ? (
        <AtWork run={data} busy={cancel.isPending} onCancel={() => cancel.mutate()} />
      ) : (
        <Result run={data} busy={undo.isPending} onUndo={() => undo.mutate()} />
      )}
    </main>
  );
}

/** What an import kept of its failure, as an error of the API. */
const failureOf = (failure: ImportFailure, lang: Lang) =>
  new ApiError({ type: "", status: 422, title: pickText(failure, lang), at: failure.at ?? [] });

/** When an import ends, every number on every page may be another one. */
function useFreshNumbers(state: Import["state"] | undefined): void {
  const cache = useQueryClient();
  const before = useRef(state);
  useEffect(() => {
    const was = before.current;
    before.current = state;
    if (!state || isAtWork(state) || was === undefined || was === state) return;
    void cache.invalidateQueries({
      predicate: (q) => q.queryKey[0] !== "import" && q.queryKey[0] !== "catalog",
    });
  }, [state, cache]);
}

function AtWork({ run, busy, onCancel }: { run: Import; busy: boolean; onCancel: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const p = run.progress ?? NOT_STARTED;
  const percent = p.total_bytes ? Math.min(100, Math.floor((p.bytes / p.total_bytes) * 100)) : 0;
  const at = (STAGES as readonly string[]).indexOf(run.stage ?? "");
  return (
    <section className="panel">
      <ol className="stages" aria-label={t("import.stage")}>
        {STAGES.map((stage, i) => (
          <li
            key={stage}
            className={i < at ? "past" : i === at ? "now" : ""}
            aria-current={i === at ? "step" : undefined}
          >
            {t(`import.stages.${stage}`)}
          </li>
        ))}
      </ol>
      <Progress percent={percent} status="active" aria-label={t("import.progress")} />
      <dl className="facts" aria-live="off">
        <Fact
          name={t("import.bytes")}
          value={p.total_bytes ? `${showBytes(p.bytes)} / ${showBytes(p.total_bytes)}` : showBytes(p.bytes)}
        />
        <Fact name={t("import.rows")} value={exactNumber(p.rows)} />
        <Fact name={t("import.rejected")} value={exactNumber(p.rejected)} />
        <Fact
          name={t("import.rate")}
          value={p.rate ? t("import.perSecond", { n: exactNumber(Math.round(p.rate)) }) : NO_VALUE}
        />
        <Fact
          name={t("import.remaining")}
          value={p.remaining_s == null ? NO_VALUE : showSeconds(p.remaining_s, lang)}
        />
      </dl>
      <p className="note">{t("import.leave")}</p>
      <Button danger loading={busy} onClick={onCancel}>
        {t("import.cancel")}
      </Button>
    </section>
  );
}

const NOT_STARTED = { bytes: 0, total_bytes: 0, rows: 0, rejected: 0, rate: 0, remaining_s: null };

const Fact = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

const COUNTS = [
  "rows_read",
  "rows_rejected",
  "rows_without_customer",
  "customers_new",
  "products_new",
  "orders_new",
  "orders_changed",
  "lines_new",
  "lines_known",
] as const;
/** A check does not find out what would be new: it tells only the first counts. */
const CHECKED = 3;

function Result({ run, busy, onUndo }: { run: Import; busy: boolean; onUndo: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const currency = useCurrency();
  const s = run.summary;
  return (
    <>
      {run.error && <LoadError error={failureOf(run.error, lang)} />}
      {run.dry_run && run.state === "done" && <Alert type="info" showIcon title={t("import.dryRunDone")} />}
      {run.state === "undone" && <Alert type="info" showIcon title={t("import.undone")} />}
      {run.state === "cancelled" && <Alert type="info" showIcon title={t("import.cancelled")} />}
      {s && (
        <Panel title={t("import.result")}>
          <dl className="facts wide">
            {COUNTS.slice(0, run.dry_run ? CHECKED : undefined).map((name) => (
              <Fact key={name} name={t(`import.summary.${name}`)} value={exactNumber(s[name])} />
            ))}
            <Fact
              name={t("import.summary.span")}
              value={s.first_ordered_on ? `${s.first_ordered_on} – ${s.last_ordered_on}` : NO_VALUE}
            />
            <Fact
              name={t("import.summary.gross_amount")}
              value={showValue(s.gross_amount, "money", lang, currency).exact || NO_VALUE}
            />
            <Fact
              name={t("import.summary.net_amount")}
              value={showValue(s.net_amount, "money", lang, currency).exact || NO_VALUE}
            />
            <Fact
              name={t("import.summary.file")}
              value={
                [s.encoding, s.delimiter === "\t" ? t("import.tab") : s.delimiter]
                  .filter(Boolean)
                  .join(" · ") || NO_VALUE
              }
            />
          </dl>
          {s.rows_without_customer > 0 && <p className="note">{t("import.withoutCustomer")}</p>}
          <div className="controls">
            {run.state === "done" && (
              <Link to="/">
                <Button type="primary">{t("import.toOverview")}</Button>
              </Link>
            )}
            {s.rows_rejected > 0 && (
              <Button href={`/api/imports/${run.id}/rejects`} download>
                {t("import.rejects", { n: exactNumber(s.rows_rejected) })}
              </Button>
            )}
            {run.state === "done" && !run.dry_run && (
              <Button loading={busy} onClick={onUndo} title={t("import.undoHelp")}>
                {t("import.undo")}
              </Button>
            )}
          </div>
        </Panel>
      )}
      {!s && !run.error && run.state === "done" && <p>{t("import.states.done")}</p>}
      <p>
        <Link to="/import">{t("import.another")}</Link>
      </p>
    </>
  );
}
