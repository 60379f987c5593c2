// Public forms: what strangers are asked, at which address, and how many answered.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button } from "antd";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteForm, formsQuery, type PublicForm } from "../../api/forms";
import { useLang } from "../../i18n";
import "../../i18n/forms";
import { Confirm } from "../../ui/dialog";
import { pickText, showInstant } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { FormEditor } from "./form-editor";
import "./forms.css";
import { SettingsFrame } from "../../ui/settings-frame";

// The code is drawn by a library that few need.
const FormCode = lazy(() => import("./form-code").then((m) => ({ default: m.FormCode })));

/** A new form is being made, or this one changed. */
type Edited = "new" | PublicForm;

const LOCAL = /^http:\/\/(127\.|localhost|\[::1\])/;

export function FormsPage() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Edited | null>(null);
  return (
    <SettingsFrame
      area="design"
      title={t("forms.title")}
      note={t("forms.note")}
      actions={
        <Button type="primary" icon={<PlusOutlined aria-hidden="true" />} onClick={() => setEdited("new")}>
          {t("forms.new")}
        </Button>
      }
    >
      <Forms onEdit={setEdited} />
      {edited && (
        <FormEditor
          key={edited === "new" ? "new" : edited.id}
          form={edited === "new" ? null : edited}
          onClose={() => setEdited(null)}
        />
      )}
    </SettingsFrame>
  );
}

function Forms({ onEdit }: { onEdit: (form: PublicForm) => void }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(formsQuery);
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={240} />;
  if (data.forms.length === 0)
    return (
      <Empty title={t("forms.empty")}>
        <p>{t("forms.emptyText")}</p>
      </Empty>
    );
  return (
    <>
      {LOCAL.test(data.origin) && <Alert type="info" showIcon title={t("forms.local")} />}
      {data.forms.map((form) => (
        <FormCard
          key={form.id}
          form={form}
          address={`${data.origin}/f/${form.token}`}
          onEdit={() => onEdit(form)}
        />
      ))}
    </>
  );
}

function FormCard({ form, address, onEdit }: { form: PublicForm; address: string; onEdit: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const { message } = App.useApp();
  const cache = useQueryClient();
  const object = useObjects().find((o) => o.id === form.draft.object);
  const [shown, setShown] = useState<"code" | "delete" | null>(null);
  const gone = useMutation({
    mutationFn: () => deleteForm(form.id),
    onSuccess: async () => {
      setShown(null);
      await cache.invalidateQueries({ queryKey: formsQuery.queryKey });
    },
  });
  const title = form.draft.title[lang] || form.draft.title.zh;
  const max = form.draft.max_answers;
  const facts = [
    object ? pickText(object.name, lang) : form.draft.object,
    max ? t("forms.answersOf", { n: form.n_answers, max }) : t("forms.answers", { n: form.n_answers }),
    form.last_answer_at ? t("forms.last", { at: showInstant(form.last_answer_at) }) : t("forms.noneYet"),
    t("forms.owner", { name: form.owner }),
  ];
  return (
    <section className="panel form-card" aria-label={title}>
      <header className="panel-head">
        <div>
          <h2>
            {title}{" "}
            <span className={form.state === "open" ? "chip open" : "chip"}>
              {t(`forms.states.${form.state}`)}
            </span>
          </h2>
          <p className="note">{facts.join(" · ")}</p>
        </div>
      </header>
      {form.faults.length > 0 && (
        <ul className="wrong" role="alert">
          {form.faults.map((fault) => (
            <li key={fault}>{fault}</li>
          ))}
        </ul>
      )}
      <p className="form-address">
        <a href={address} target="_blank" rel="noreferrer" aria-label={`${t("forms.openIt")}: ${title}`}>
          {address}
        </a>
      </p>
      <div className="controls">
        <Button type="primary" onClick={() => setShown("code")}>
          {t("forms.code")}
        </Button>
        <Button
          onClick={() =>
            navigator.clipboard?.writeText(address).then(() => void message.success(t("forms.copied")))
          }
        >
          {t("forms.copy")}
        </Button>
        <Button onClick={onEdit}>{t("forms.edit")}</Button>
        <Button danger onClick={() => setShown("delete")}>
          {t("forms.delete")}
        </Button>
      </div>
      {shown === "code" && (
        <Suspense fallback={null}>
          <FormCode title={title} address={address} onClose={() => setShown(null)} />
        </Suspense>
      )}
      {shown === "delete" && (
        <Confirm
          title={t("forms.deleteSure", { title })}
          action={t("forms.delete")}
          isBusy={gone.isPending}
          onConfirm={() => gone.mutate()}
          onClose={() => setShown(null)}
        >
          <p>{t("forms.deleteText")}</p>
          {gone.error && (
            <p className="wrong" role="alert">
              {gone.error.message || t("error.unreachable")}
            </p>
          )}
        </Confirm>
      )}
    </section>
  );
}
