// Erasures that wait for a second person, and those that are done.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { confirmErasure, erasuresQuery, type WaitingErasure, withdrawErasure } from "../../api/trust";
import { faultsOf } from "../../fields/coerce";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import { Dialog } from "../../ui/dialog";
import { pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useObjects } from "../../ui/session";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";

export function PrivacyPage() {
  const { t } = useTranslation();
  return (
    <SettingsFrame area="privacy" title={t("settings.privacy")} note={t("privacy.note")}>
      <Erasures />
    </SettingsFrame>
  );
}

function Erasures() {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(erasuresQuery);
  const [asked, setAsked] = useState<WaitingErasure | null>(null);
  const withdraw = useMutation({
    mutationFn: withdrawErasure,
    onSettled: () => cache.invalidateQueries({ queryKey: erasuresQuery.queryKey }),
  });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={240} />;
  const nameOf = (id: string) => {
    const object = findObject(objects, id);
    return object ? pickText(object.name, lang) : id;
  };
  const link = (object: string, record: number, text: string) => (
    <Link to="/records/$object/$id" params={{ object, id: String(record) }}>
      {text}
    </Link>
  );
  return (
    <>
      <Panel title={t("privacy.waiting")} note={t("privacy.waitingNote")}>
        {data.waiting.length === 0 && <p className="nothing">{t("privacy.noneWaiting")}</p>}
        <ul className="list erasures">
          {data.waiting.map((w) => (
            <li key={w.id}>
              <div className="grow">
                <p>
                  {nameOf(w.object)} {link(w.object, w.record, w.title)}
                </p>
                <p className="note">
                  {w.reason} · {w.asked_by} · <time dateTime={w.asked_at}>{showInstant(w.asked_at)}</time> ·{" "}
                  {t("privacy.nRecords", { n: w.n_records })}
                </p>
              </div>
              <div className="controls">
                <Button loading={withdraw.isPending} onClick={() => withdraw.mutate(w.id)}>
                  {t("privacy.withdraw")}
                </Button>
                <Button danger type="primary" onClick={() => setAsked(w)}>
                  {t("privacy.confirm")}
                </Button>
              </div>
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={t("privacy.done")} note={t("privacy.doneNote")}>
        {data.done.length === 0 && <p className="nothing">{t("privacy.noneDone")}</p>}
        <ul className="list erasures">
          {data.done.map((d) => (
            <li key={d.pseudonym}>
              <time dateTime={d.at}>{showInstant(d.at)}</time> {nameOf(d.object)}{" "}
              {link(d.object, d.record, d.pseudonym)}
              {d.backups.length > 0 && <StillIn backups={d.backups} />}
            </li>
          ))}
        </ul>
      </Panel>
      {asked && (
        <Dialog title={t("privacy.sure", { title: asked.title })} onClose={() => setAsked(null)}>
          <ConfirmErasure asked={asked} onClose={() => setAsked(null)} />
        </Dialog>
      )}
    </>
  );
}

/** Kept backups in which an erased person still is. */
function StillIn({ backups }: { backups: string[] }) {
  const { t } = useTranslation();
  return <p className="note">{t("privacy.stillIn", { names: backups.join(t("list.comma")) })}</p>;
}

function ConfirmErasure({ asked, onClose }: { asked: WaitingErasure; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [title, setTitle] = useState("");
  const erase = useMutation({
    mutationFn: () => confirmErasure(asked.id, title),
    // Whatever the page remembers may hold something of the person; only this
    // list stays where it is, with what was done.
    onSuccess: async () => {
      await cache.resetQueries({ predicate: (query) => query.queryKey[0] === "records" });
      await cache.invalidateQueries();
    },
  });
  if (erase.isSuccess)
    return (
      <>
        <p role="status">
          {t("privacy.report", {
            pseudonym: erase.data.pseudonym,
            records: erase.data.n_records,
            entries: erase.data.n_entries,
            files: erase.data.n_files,
          })}
        </p>
        {erase.data.backups.length > 0 && <StillIn backups={erase.data.backups} />}
        <div className="controls">
          <Button onClick={onClose}>{t("reveal.close")}</Button>
        </div>
      </>
    );
  const faults = erase.error instanceof ApiError ? faultsOf(erase.error.problem) : [];
  const fault = faults.find((f) => f.field === "title")?.detail;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        erase.mutate();
      }}
    >
      <p>{t("privacy.sureHelp")}</p>
      <Labelled label={t("privacy.type", { title: asked.title })} fault={fault}>
        {(id) => (
          <Input
            id={id}
            autoFocus
            autoComplete="off"
            value={title}
            onChange={(e) => setTitle(e.target.value)}
          />
        )}
      </Labelled>
      {erase.error && !fault && (
        <Alert type="error" showIcon title={erase.error.message || t("error.unreachable")} />
      )}
      <div className="controls">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button danger type="primary" htmlType="submit" loading={erase.isPending}>
          {t("privacy.confirm")}
        </Button>
      </div>
    </form>
  );
}
