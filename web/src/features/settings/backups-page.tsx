// Backups: when the last one was made, making, checking, taking out and
// deleting them, and how one is restored.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Alert, Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type Backup,
  type BackupFailure,
  type BackupRun,
  backupPath,
  backupsQuery,
  checkBackup,
  deleteBackup,
  makeBackup,
} from "../../api/backups";
import { useLogWords } from "../../fields/change-words";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import "../../i18n/settings";
import { Confirm } from "../../ui/dialog";
import { exactNumber, NO_VALUE, pickText, showAge, showBytes, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useMayAdmin, useObjects } from "../../ui/session";
import { SettingsFrame } from "../../ui/settings-frame";
import { Empty, LoadError, Skeleton } from "../../ui/states";

const OLD_DAYS = 7;
const DAY_MS = 86_400_000;
const BACKUP_ENDING = ".keji-backup";
/** What is done of each task, in its order. */
const STEPS = { make: ["copy", "verify", "finish"], check: ["open", "verify"] } as const;

export function BackupsPage() {
  const { t } = useTranslation();
  return (
    <SettingsFrame area="backups" title={t("settings.backups")} note={t("backups.note")}>
      <Backups />
    </SettingsFrame>
  );
}

function Backups() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(backupsQuery);
  const again = () => cache.invalidateQueries({ queryKey: backupsQuery.queryKey });
  const make = useMutation({ mutationFn: makeBackup, onSettled: again });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={320} />;
  const last = data.backups.find((backup) => backup.is_readable);
  return (
    <>
      {data.is_frozen && <Frozen />}
      <section className="panel">
        <Last backup={last} />
        <div className="controls">
          <Button
            type="primary"
            loading={make.isPending || data.running?.task === "make"}
            disabled={data.running !== null && data.running !== undefined}
            onClick={() => make.mutate()}
          >
            {t("backups.make")}
          </Button>
        </div>
        {make.error && <Wrong error={make.error} />}
        <Work run={data.running ?? null} />
        {data.failure && <Failed failure={data.failure} />}
      </section>
      {data.backups.length === 0 ? (
        <Empty title={t("backups.empty")}>
          <p>{t("backups.emptyText")}</p>
        </Empty>
      ) : (
        <Panel title={t("backups.list")} note={t("backups.listNote")}>
          <Table backups={data.backups} run={data.running ?? null} onDone={again} />
        </Panel>
      )}
      <Restore name={last?.name} />
    </>
  );
}

/** When it was, and whether that is too long ago. */
function Last({ backup }: { backup: Backup | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  if (!backup) return <Alert type="warning" showIcon title={t("backups.never")} />;
  const said = t("backups.last", {
    at: showInstant(backup.made_at),
    age: showAge(backup.made_at, Date.now(), lang),
  });
  const isOld = Date.now() - Date.parse(backup.made_at) > OLD_DAYS * DAY_MS;
  if (isOld) return <Alert type="warning" showIcon title={said} description={t("backups.old")} />;
  return <p className="last-backup">{said}</p>;
}

function Frozen() {
  const { t } = useTranslation();
  const mayRelease = useMayAdmin("webhooks");
  return (
    <Alert
      type="warning"
      showIcon
      title={t("webhooks.frozen")}
      description={
        <>
          <p>{t("webhooks.frozenText")}</p>
          {mayRelease && <Link to="/settings/webhooks">{t("backups.toRelease")}</Link>}
        </>
      }
    />
  );
}

function Wrong({ error }: { error: Error }) {
  const { t } = useTranslation();
  return (
    <p className="wrong" role="alert">
      {error.message || t("error.unreachable")}
    </p>
  );
}

/** What is under way, and that it has ended. */
function Work({ run }: { run: BackupRun | null }) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const wasRunning = useRef(false);
  const [hasEnded, setEnded] = useState(false);
  useEffect(() => {
    setEnded(wasRunning.current && run === null);
    wasRunning.current = run !== null;
  }, [run]);
  const object = run?.table ? findObject(objects, run.table) : undefined;
  const table = object ? pickText(object.name, lang) : t("backups.ownTable");
  const steps: readonly string[] = run ? STEPS[run.task] : [];
  const now = run ? steps.indexOf(run.step) : -1;
  return (
    <div className="backup-work">
      <div role="status">
        {run && (
          <p>
            {t(run.task === "make" ? "backups.making" : "backups.checking", {
              at: showInstant(run.started_at),
              by: run.by,
            })}
          </p>
        )}
        {hasEnded && <p className="note">{t("backups.ended")}</p>}
      </div>
      {run && (
        <>
          <ol className="stages" aria-label={t("backups.step")}>
            {STEPS[run.task].map((step, i) => (
              <li
                key={step}
                className={i < now ? "past" : i === now ? "now" : ""}
                aria-current={i === now ? "step" : undefined}
              >
                {t(`backups.steps.${step}`)}
              </li>
            ))}
          </ol>
          {run.table && <p className="note">{t("backups.at", { table, rows: exactNumber(run.rows) })}</p>}
        </>
      )}
    </div>
  );
}

function Failed({ failure }: { failure: BackupFailure }) {
  const { t } = useTranslation();
  return (
    <Alert
      type="error"
      showIcon
      title={t(failure.task === "make" ? "backups.notMade" : "backups.notChecked", {
        at: showInstant(failure.at),
      })}
      description={
        <>
          <p>{failure.detail}</p>
          {failure.code === "full" && <p>{t("backups.full")}</p>}
        </>
      }
    />
  );
}

function Table({
  backups,
  run,
  onDone,
}: {
  backups: Backup[];
  run: BackupRun | null;
  onDone: () => Promise<void>;
}) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Backup | null>(null);
  const check = useMutation({ mutationFn: checkBackup, onSettled: onDone });
  const remove = useMutation({
    mutationFn: deleteBackup,
    onSuccess: () => setAsked(null),
    onSettled: onDone,
  });
  return (
    <>
      {check.error && <Wrong error={check.error} />}
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("backups.list")}>
        <table className="table as-cards backups">
          <thead>
            <tr>
              <th scope="col">{t("backups.madeAt")}</th>
              <th scope="col">{t("backups.madeBy")}</th>
              <th scope="col" className="num">
                {t("backups.size")}
              </th>
              <th scope="col">{t("backups.state")}</th>
              <th scope="col">{t("backups.records")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("users.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {backups.map((backup) => (
              <Row
                key={backup.name}
                backup={backup}
                isBusy={run !== null || check.isPending}
                isChecked={run?.task === "check" && run.name === backup.name}
                onCheck={() => check.mutate(backup.name)}
                onDelete={() => {
                  remove.reset();
                  setAsked(backup);
                }}
              />
            ))}
          </tbody>
        </table>
      </div>
      {asked && (
        <Confirm
          title={t("backups.deleteSure", { at: showInstant(asked.made_at) })}
          action={t("record.delete")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(asked.name)}
          onClose={() => setAsked(null)}
        >
          <p className="code">{asked.name}</p>
          <p>{t(backups.length === 1 ? "backups.deleteOnly" : "backups.deleteText")}</p>
          {remove.error && <Wrong error={remove.error} />}
        </Confirm>
      )}
    </>
  );
}

function Row({
  backup,
  isBusy,
  isChecked,
  onCheck,
  onDelete,
}: {
  backup: Backup;
  isBusy: boolean;
  isChecked: boolean;
  onCheck: () => void;
  onDelete: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const at = showInstant(backup.made_at);
  return (
    <tr>
      <td data-head={t("backups.madeAt")} className="nowrap">
        <span>
          <time dateTime={backup.made_at}>{at}</time>{" "}
          <span className="muted">{showAge(backup.made_at, Date.now(), lang)}</span>
        </span>
      </td>
      <td data-head={t("backups.madeBy")}>
        {backup.made_by ? words.actor(backup.made_by) : <span className="muted">{NO_VALUE}</span>}
      </td>
      <td data-head={t("backups.size")} className="num nowrap">
        {showBytes(backup.bytes)}
      </td>
      <td data-head={t("backups.state")}>
        <State backup={backup} />
      </td>
      <td data-head={t("backups.records")}>
        <Content backup={backup} />
      </td>
      <td>
        <span className="row-actions">
          <Button
            size="small"
            loading={isChecked}
            disabled={isBusy}
            onClick={onCheck}
            aria-label={t("backups.checkNamed", { at })}
          >
            {t("backups.check")}
          </Button>
          <Button
            size="small"
            href={backupPath(backup.name)}
            download={backup.name}
            aria-label={t("backups.downloadNamed", { at })}
          >
            {t("backups.download")}
          </Button>
          <Button
            size="small"
            danger
            disabled={isBusy}
            onClick={onDelete}
            aria-label={t("backups.deleteNamed", { at })}
          >
            {t("record.delete")}
          </Button>
        </span>
      </td>
    </tr>
  );
}

function State({ backup }: { backup: Backup }) {
  const { t } = useTranslation();
  const { check } = backup;
  const isBad = !backup.is_readable || check?.is_good === false;
  const faults = check ? check.faults : [backup.problem ?? ""].filter(Boolean);
  return (
    <div>
      <span className={isBad ? "chip state-failed" : check ? "chip state-done" : "chip"}>
        {t(isBad ? "backups.damaged" : check ? "backups.whole" : "backups.unchecked")}
      </span>
      {check && <p className="note">{t("backups.checkedAt", { at: showInstant(check.at) })}</p>}
      {faults.map((fault) => (
        <p key={fault} className="wrong">
          {fault}
        </p>
      ))}
      {backup.contents_missing > 0 && (
        <p className="wrong">{t("backups.missing", { n: backup.contents_missing })}</p>
      )}
    </div>
  );
}

/** How many records, and on asking what else the backup says of itself. */
function Content({ backup }: { backup: Backup }) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  if (!backup.is_readable) return <span className="muted">{NO_VALUE}</span>;
  const counts = Object.entries(backup.records).filter(([, n]) => n > 0);
  const all = counts.reduce((sum, [, n]) => sum + n, 0);
  const nameOf = (id: string) => {
    const object = findObject(objects, id);
    return object ? pickText(object.name, lang) : id;
  };
  return (
    <details className="backup-content">
      <summary>{t("backups.nRecords", { n: exactNumber(all) })}</summary>
      <dl>
        {counts.map(([object, n]) => (
          <Fact key={object} name={nameOf(object)} value={exactNumber(n)} />
        ))}
        <Fact name={t("backups.contents")} value={exactNumber(backup.contents)} />
        <Fact name={t("backups.seq")} value={String(backup.seq ?? NO_VALUE)} />
        <Fact name={t("backups.head")} value={backup.log_head ?? NO_VALUE} />
        <Fact name={t("backups.version")} value={backup.version ?? NO_VALUE} />
        <Fact name={t("backups.file")} value={backup.name} />
      </dl>
    </details>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="code">{value}</dd>
    </div>
  );
}

/** What is typed to restore a backup, which is the same in every language. */
function commandsOf(file: string) {
  const restore = `keji restore ${file} --data ./new`;
  return {
    folder: restore,
    postgres: `${restore} --database postgres://…`,
    erased: `${restore} --erasures erasures.jsonl`,
    check: "keji check --data ./new\nkeji serve --data ./new",
    release: "keji outbound release --data ./new",
  };
}

function Restore({ name = `FILE${BACKUP_ENDING}` }: { name?: string | undefined }) {
  const { t } = useTranslation();
  const commands = commandsOf(name);
  return (
    <Panel title={t("backups.restore")} note={t("backups.restoreNote")}>
      <ol className="restore">
        <li>{t("backups.restoreFile")}</li>
        <li>
          {t("backups.restoreEmpty")}
          <pre tabIndex={0}>{commands.folder}</pre>
          {t("backups.restorePostgres")}
          <pre tabIndex={0}>{commands.postgres}</pre>
        </li>
        <li>
          {t("backups.restoreErased")}
          <pre tabIndex={0}>{commands.erased}</pre>
        </li>
        <li>
          {t("backups.restoreCheck")}
          <pre tabIndex={0}>{commands.check}</pre>
        </li>
        <li>
          {t("backups.restoreRelease")}
          <pre tabIndex={0}>{commands.release}</pre>
        </li>
      </ol>
    </Panel>
  );
}
