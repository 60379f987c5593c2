// What would change, before it does.
import { useMutation } from "@tanstack/react-query";
import { App, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DesignOutcome, DesignStep } from "../../api/design";
import { useLang } from "../../i18n";
import { Dialog } from "../../ui/dialog";
import { pickText } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { Labelled } from "../../ui/side-form";
import { useDesignChanged } from "./use-changed";

const LOSING = ["remove_object", "remove_field", "remove_option"];

export function Preview({
  steps,
  isNoted = false,
  onApply,
  onDone,
  onClose,
}: {
  steps: DesignStep[];
  /** Nobody is asked why: the change says so itself. */
  isNoted?: boolean;
  onApply: (note: string) => Promise<DesignOutcome>;
  onDone?: (outcome: DesignOutcome) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const { message } = App.useApp();
  const objects = useObjects();
  const changed = useDesignChanged();
  const [note, setNote] = useState("");
  const apply = useMutation({
    mutationFn: () => onApply(note.trim()),
    onSuccess: async (outcome) => {
      await changed();
      void message.success(t("design.applied", { n: outcome.version }));
      onClose();
      onDone?.(outcome);
    },
  });
  const said = (step: DesignStep): string => {
    const object = objects.find((o) => o.id === step.object);
    return t(`design.steps.${step.kind as "add_field"}`, {
      name: pickText(step.name, lang),
      object: object ? pickText(object.name, lang) : (step.object ?? ""),
    });
  };
  return (
    <Dialog title={t("design.previewTitle")} onClose={onClose}>
      {steps.length === 0 ? (
        <p>{t("design.nothing")}</p>
      ) : (
        <ul className="design-steps">
          {steps.map((step) => (
            <li
              key={`${step.kind} ${step.object} ${step.field} ${step.name.zh}`}
              className={LOSING.includes(step.kind) ? "losing" : undefined}
            >
              {said(step)}
              {typeof step.n_records === "number" && (
                <span className="muted">
                  {" "}
                  {t(step.field ? "design.values" : "design.records", { n: step.n_records })}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {steps.length > 0 && !isNoted && (
        <Labelled label={t("design.what")}>
          {(id) => <Input id={id} value={note} maxLength={200} onChange={(e) => setNote(e.target.value)} />}
        </Labelled>
      )}
      {apply.error && (
        <p className="wrong" role="alert">
          {apply.error.message || t("error.unreachable")}
        </p>
      )}
      <div className="controls">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        {steps.length > 0 && (
          <Button type="primary" loading={apply.isPending} onClick={() => apply.mutate()}>
            {t("design.apply")}
          </Button>
        )}
      </div>
    </Dialog>
  );
}
