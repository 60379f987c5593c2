// A person's data: all of it as one file, or asked to be erased.
import { DownloadOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Alert, App, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { askErasure, type Party, personFile } from "../../api/trust";
import "../../i18n/people";
import { reasonFault } from "../../fields/reveal";
import { Dialog } from "../../ui/dialog";
import { saveFile } from "../../ui/download-menu";
import { Panel } from "../../ui/panel";
import { useMayAdmin } from "../../ui/session";
import { Labelled } from "../../ui/side-form";

export function PersonData({ party, id, mayErase }: { party: Party; id: number; mayErase: boolean }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const isAdmin = useMayAdmin("privacy");
  const [isAsking, setAsking] = useState(false);
  const [isAsked, setAsked] = useState(false);
  const save = useMutation({
    mutationFn: async () => saveFile(await personFile(party, id), `keji-${party}-${id}.zip`),
    onError: (failure) =>
      void message.error(t("download.failed", { reason: failure.message || t("error.unreachable") })),
  });
  if (!isAdmin && !mayErase) return null;
  return (
    <Panel title={t("person.title")} note={t("person.note")}>
      <div className="controls">
        {isAdmin && (
          <Button
            icon={<DownloadOutlined aria-hidden="true" />}
            loading={save.isPending}
            onClick={() => save.mutate()}
          >
            {t("person.export")}
          </Button>
        )}
        {mayErase && (
          <Button danger onClick={() => setAsking(true)}>
            {t("person.erase")}
          </Button>
        )}
      </div>
      {isAsked && (
        <p role="status" className="note">
          {t("person.asked")} {isAdmin && <Link to="/settings/privacy">{t("person.toWaiting")}</Link>}
        </p>
      )}
      {isAsking && (
        <Dialog title={t("person.erase")} onClose={() => setAsking(false)}>
          <AskErasure
            party={party}
            id={id}
            onClose={() => setAsking(false)}
            onAsked={() => {
              setAsking(false);
              setAsked(true);
            }}
          />
        </Dialog>
      )}
    </Panel>
  );
}

function AskErasure({
  party,
  id,
  onClose,
  onAsked,
}: {
  party: Party;
  id: number;
  onClose: () => void;
  onAsked: () => void;
}) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [reason, setReason] = useState("");
  const ask = useMutation({
    mutationFn: () => askErasure(party, id, reason),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ["erasures"] });
      onAsked();
    },
  });
  const fault = ask.error ? reasonFault(ask.error) : undefined;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        ask.mutate();
      }}
    >
      <p>{t("person.eraseHelp")}</p>
      <Labelled label={t("reveal.reason")} note={t("person.reasonNote")} fault={fault}>
        {(inputId) => (
          <Input id={inputId} autoFocus value={reason} onChange={(e) => setReason(e.target.value)} />
        )}
      </Labelled>
      {ask.error && !fault && (
        <Alert type="error" showIcon title={ask.error.message || t("error.unreachable")} />
      )}
      <div className="controls">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button danger type="primary" htmlType="submit" loading={ask.isPending}>
          {t("person.ask")}
        </Button>
      </div>
    </form>
  );
}
