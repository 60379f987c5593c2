// A covered value, and the way to see it once: by a reason that stays in the log.
import { EyeOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import type { FieldDef } from "../api/records";
import { revealField } from "../api/trust";
import { useLang } from "../i18n";
import { Dialog } from "../ui/dialog";
import { NO_VALUE, pickText } from "../ui/format";
import { Labelled } from "../ui/side-form";
import { faultsOf } from "./coerce";

export function Reveal({ object, id, field }: { object: string; id: number; field: FieldDef }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [isOpen, setOpen] = useState(false);
  const name = pickText(field.name, lang);
  return (
    <>
      <button
        type="button"
        className="edit"
        aria-label={t("reveal.show", { name })}
        title={t("reveal.show", { name })}
        onClick={() => setOpen(true)}
      >
        <EyeOutlined aria-hidden="true" />
      </button>
      {isOpen && (
        <Dialog title={t("reveal.show", { name })} onClose={() => setOpen(false)}>
          <Reason object={object} id={id} field={field} name={name} onClose={() => setOpen(false)} />
        </Dialog>
      )}
    </>
  );
}

function Reason({
  object,
  id,
  field,
  name,
  onClose,
}: {
  object: string;
  id: number;
  field: FieldDef;
  name: string;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const show = useMutation({ mutationFn: () => revealField(object, id, field.id, reason) });
  const fault = show.error && (reasonFault(show.error) ?? (show.error.message || t("error.unreachable")));
  if (show.isSuccess)
    return (
      <>
        <dl className="facts">
          <div>
            <dt>{name}</dt>
            <dd role="status">{show.data === null ? NO_VALUE : String(show.data)}</dd>
          </div>
        </dl>
        <div className="controls">
          <Button onClick={onClose}>{t("reveal.close")}</Button>
        </div>
      </>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        show.mutate();
      }}
    >
      <Labelled label={t("reveal.reason")} note={t("reveal.note")} fault={fault ?? undefined}>
        {(id) => <Input id={id} autoFocus value={reason} onChange={(e) => setReason(e.target.value)} />}
      </Labelled>
      <div className="controls">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button type="primary" htmlType="submit" loading={show.isPending}>
          {t("reveal.do")}
        </Button>
      </div>
    </form>
  );
}

/** What the server says of the reason itself. */
export const reasonFault = (error: Error): string | undefined =>
  error instanceof ApiError ? faultsOf(error.problem).find((f) => f.field === "reason")?.detail : undefined;
