// Ends a task with its outcome.
import "../i18n/talk";
import "./talk.css";
import { CheckOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input } from "antd";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { changeRecord } from "../api/records";
import { Dialog } from "../ui/dialog";
import { Labelled } from "../ui/side-form";

const LONGEST = 10_000;

export function FinishButton({ id, title, isSmall }: { id: number; title: string; isSmall: boolean }) {
  const { t } = useTranslation();
  const [isAsked, setAsked] = useState(false);
  return (
    // What is clicked here opens no row behind it.
    // biome-ignore lint/a11y/noStaticElementInteractions: it only keeps clicks from the row.
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys do not reach the row from here.
    <span className="finish" onClick={(event) => event.stopPropagation()}>
      <Button
        size={isSmall ? "small" : "middle"}
        type={isSmall ? "default" : "primary"}
        icon={<CheckOutlined aria-hidden="true" />}
        aria-label={t("finish.of", { title })}
        onClick={() => setAsked(true)}
      >
        {t("finish.button")}
      </Button>
      {isAsked && <FinishTask id={id} onClose={() => setAsked(false)} />}
    </span>
  );
}

function FinishTask({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [outcome, setOutcome] = useState("");
  const [isTried, setTried] = useState(false);
  const isEmpty = outcome.trim() === "";
  const save = useMutation({
    mutationFn: () => changeRecord("task", id, { state: "done", outcome: outcome.trim() }, null),
    onSuccess: async () => {
      onClose();
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["records", "task"] }),
        cache.invalidateQueries({ queryKey: ["today"] }),
      ]);
    },
  });
  return (
    <Dialog title={t("finish.title")} onClose={onClose}>
      <form
        className="form"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          setTried(true);
          if (!isEmpty) save.mutate();
        }}
      >
        {save.error && <Alert type="error" showIcon title={save.error.message || t("error.unreachable")} />}
        <Labelled
          label={t("finish.outcome")}
          note={t("finish.help")}
          fault={isTried && isEmpty ? t("finish.needed") : undefined}
        >
          {(field) => (
            <Input.TextArea
              id={field}
              autoFocus
              rows={3}
              maxLength={LONGEST}
              value={outcome}
              onChange={(event) => setOutcome(event.target.value)}
            />
          )}
        </Labelled>
        <div className="controls">
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t("finish.save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
