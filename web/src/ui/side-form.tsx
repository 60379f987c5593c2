// A form at the side of the page, on a phone in its place.
import { Alert, Button, Drawer } from "antd";
import { type FormEvent, type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { layer } from "./layer";
import { CLOSE_SIGN } from "./signs";
import { usePhone } from "./use-media";

export function SideForm({
  title,
  error,
  isBusy,
  onSave,
  onClose,
  children,
}: {
  title: string;
  error?: string | null;
  isBusy: boolean;
  onSave: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const phone = usePhone();
  return (
    <Drawer
      open
      size={phone ? "100%" : 480}
      title={title}
      getContainer={layer}
      closable={{ closeIcon: CLOSE_SIGN, "aria-label": t("explain.close") }}
      onClose={onClose}
    >
      <form
        className="form"
        noValidate
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          onSave();
        }}
      >
        {error && <Alert type="error" showIcon title={error} />}
        {children}
        <div className="form-foot">
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button type="primary" htmlType="submit" loading={isBusy}>
            {t("form.save")}
          </Button>
        </div>
      </form>
    </Drawer>
  );
}

/** A control with its label, and what is wrong with it or worth knowing. */
export function Labelled({
  label,
  note,
  fault,
  children,
}: {
  label: string;
  note?: string | undefined;
  fault?: string | undefined;
  children: (id: string) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
      {fault ? (
        <p className="wrong" role="alert">
          {fault}
        </p>
      ) : (
        note && <p className="note">{note}</p>
      )}
    </div>
  );
}
