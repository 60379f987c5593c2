// What an import did: what came in, what to look at first, what was odd, and
// the files to take away.
import { Link, useNavigate, useRouter } from "@tanstack/react-router";
import { Alert, Button } from "antd";
import { type MouseEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { exportScored } from "../../api/queries";
import type { Import, ImportFailure, ReportLine } from "../../api/types";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import { useCurrency, useStatus } from "../../ui/catalog";
import { DownloadMenu } from "../../ui/download-menu";
import { exactNumber, type Lang, NO_VALUE, pickText, showValue } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useObjects } from "../../ui/session";
import { LoadError } from "../../ui/states";
import { Fact } from "./facts";
import { UploadList } from "./upload-list";
import { useUploads } from "./use-uploads";

/** A check does not find out what would be new: it tells only what is in the file. */
const OF_FILE = ["rows_read", "rows_rejected", "rows_left_out", "rows_without_customer"] as const;
const OF_STORE = [
  "customers_new",
  "products_new",
  "orders_new",
  "orders_changed",
  "orders_deleted",
  "lines_new",
  "lines_known",
  "lines_deleted",
] as const;
const OF_RECORDS = ["records_new", "records_changed", "records_known"] as const;
/** Told only when there is something to tell. */
const RARE = new Set<string>(["rows_left_out", "rows_without_customer", "orders_deleted", "lines_deleted"]);

const ENDING = /\.(csv|tsv|txt|xlsx)(\.gz)?$/i;

/** What an import kept of its failure, as an error of the API. */
const failureOf = (failure: ImportFailure, lang: Lang) =>
  new ApiError({ type: "", status: 422, title: pickText(failure, lang), at: failure.at ?? [] });

export function Report({ run, busy, onUndo }: { run: Import; busy: boolean; onUndo: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const status = useStatus();
  const s = run.summary;
  const isKept = run.state === "done" && !run.dry_run;
  return (
    <>
      {run.error && <LoadError error={failureOf(run.error, lang)} />}
      {run.dry_run && run.state === "done" && <Alert type="info" showIcon title={t("import.dryRunDone")} />}
      {run.state === "undone" && <Alert type="info" showIcon title={t("import.undone")} />}
      {run.state === "cancelled" && <Alert type="info" showIcon title={t("import.cancelled")} />}
      {s && <Counts run={run} />}
      {s && run.state === "done" && <FirstLooks run={run} lines={s.first_looks ?? []} />}
      {s && (s.oddities ?? []).length > 0 && (
        <Panel title={t("import.odd")} note={t("import.oddNote")}>
          <ul className="report">
            {(s.oddities ?? []).map((line, i) => (
              <li key={i}>
                <span>{pickText(line, lang)}</span>
                {line.column && <span className="chip">{t("error.column", { column: line.column })}</span>}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {isKept && (
        <Panel title={t("import.files")}>
          <div className="take-away">
            {status.as_of && !run.object && (
              <div>
                <DownloadMenu
                  label={t("import.scored")}
                  name={`keji-${run.filename.replace(ENDING, "")}`}
                  fetchFile={(format) => exportScored(run.id, format)}
                />
                <p className="note">{t("import.scoredHelp")}</p>
              </div>
            )}
            {run.batch != null && (
              <div>
                <Button loading={busy} onClick={onUndo}>
                  {t("import.undo")}
                </Button>
                <p className="note">{t("import.undoHelp")}</p>
              </div>
            )}
          </div>
        </Panel>
      )}
      <p>
        <Link to="/import">{t("import.another")}</Link>
      </p>
    </>
  );
}

/** Most urgent first, each with the step that follows. */
function FirstLooks({ run, lines }: { run: Import; lines: ReportLine[] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const router = useRouter();
  const follow = (event: MouseEvent, href: string) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    router.history.push(href);
  };
  const rejected = run.summary?.rows_rejected ?? 0;
  const told = lines.filter((l) => l.code !== "rejects");
  if (told.length === 0 && rejected === 0) return null;
  return (
    <Panel title={t("import.firstLooks")}>
      <ul className="report steps">
        {rejected > 0 && <Rejects run={run} n={rejected} />}
        {told.map((line) => (
          <li key={line.code}>
            <span>{pickText(line, lang)}</span>
            {line.href && (
              <Button href={line.href} onClick={(e) => follow(e, line.href ?? "")}>
                {t("import.look")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** The rejected rows go out, are mended, and come in again where they were. */
function Rejects({ run, n }: { run: Import; n: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const picker = useRef<HTMLInputElement>(null);
  const uploads = useUploads((id) => void navigate({ to: "/import/$id", params: { id: String(id) } }));
  const send = (files: FileList | null) =>
    uploads.send([...(files ?? [])].slice(0, 1), {
      // Some rows of a source must not replace all of it.
      mode: run.mode === "replace" ? "update" : run.mode,
      source: run.source ?? "",
      review: false,
      dryRun: run.dry_run,
      ...(run.object ? { object: run.object } : {}),
    });
  return (
    <li
      onDragOver={(e) => e.preventDefault()}
      onDrop={(e) => {
        e.preventDefault();
        send(e.dataTransfer.files);
      }}
    >
      <span>{t("import.mend")}</span>
      <Button href={`/api/imports/${run.id}/rejects`} download>
        {t("import.rejects", { n: exactNumber(n) })}
      </Button>
      <Button onClick={() => picker.current?.click()}>{t("import.mended")}</Button>
      <input
        ref={picker}
        type="file"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t("import.mended")}
        onChange={(e) => {
          send(e.target.files);
          e.target.value = "";
        }}
      />
      <UploadList list={uploads.list} onStop={uploads.stop} />
    </li>
  );
}

function Counts({ run }: { run: Import }) {
  const { t } = useTranslation();
  const lang = useLang();
  const currency = useCurrency();
  const object = findObject(useObjects(), run.object ?? "");
  const s = run.summary;
  if (!s) return null;
  const ofStore = run.object ? OF_RECORDS : OF_STORE;
  const counts = [...OF_FILE, ...(run.dry_run ? [] : ofStore)].filter(
    (name) => !RARE.has(name) || (s[name] ?? 0) > 0,
  );
  const money = (value: string) => showValue(value, "money", lang, currency).exact || NO_VALUE;
  const source = s.source ?? run.source;
  return (
    <Panel
      title={t("import.result")}
      actions={
        run.state === "done" ? (
          run.object ? (
            <Link to="/records/$object" params={{ object: run.object }}>
              <Button type="primary">{t("import.toRecords")}</Button>
            </Link>
          ) : (
            <Link to="/">
              <Button type="primary">{t("import.toOverview")}</Button>
            </Link>
          )
        ) : undefined
      }
    >
      <dl className="facts wide">
        {counts.map((name) => (
          <Fact key={name} name={t(`import.summary.${name}`)} value={exactNumber(s[name] ?? 0)} />
        ))}
        {!run.object && (
          <>
            <Fact
              name={t("import.summary.span")}
              value={s.first_ordered_on ? `${s.first_ordered_on} – ${s.last_ordered_on}` : NO_VALUE}
            />
            <Fact name={t("import.summary.gross_amount")} value={money(s.gross_amount)} />
            <Fact name={t("import.summary.net_amount")} value={money(s.net_amount)} />
          </>
        )}
        {object && <Fact name={t("import.kind")} value={pickText(object.name, lang)} />}
        <Fact name={t("import.how")} value={t(`import.modes.${run.mode}.name`)} />
        {source && <Fact name={t("import.source")} value={source} />}
        <Fact
          name={t("import.summary.file")}
          value={
            [s.encoding, s.delimiter === "\t" ? t("import.tab") : s.delimiter].filter(Boolean).join(" · ") ||
            NO_VALUE
          }
        />
      </dl>
      {s.rows_without_customer > 0 && <p className="note">{t("import.withoutCustomer")}</p>}
      {(s.rows_left_out ?? 0) > 0 && <p className="note">{t("import.leftOutHelp")}</p>}
    </Panel>
  );
}
