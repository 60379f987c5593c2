// Webhooks: other programs are told of changes. Making one, its secret, once,
// and what was sent.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Input, Select, Switch } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { usersQuery } from "../../api/session";
import {
  addWebhook,
  changeWebhook,
  deleteWebhook,
  newSecret,
  releaseOutbound,
  testWebhook,
  WEBHOOK_KINDS,
  type Webhook,
  webhooksQuery,
} from "../../api/webhooks";
import { useLogWords } from "../../fields/change-words";
import { useLang } from "../../i18n";
import { Confirm } from "../../ui/dialog";
import { pickText, showInstant } from "../../ui/format";
import { useMayAdmin, useObjects } from "../../ui/session";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled, SideForm } from "../../ui/side-form";
import { SEARCH_SIGN } from "../../ui/signs";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { Deliveries } from "./deliveries";
import { useAttemptWords } from "./delivery-words";

/** A new webhook is being made, or this one changed. */
type Edited = "new" | Webhook;

export function WebhooksPage() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Edited | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <SettingsFrame
      area="webhooks"
      title={t("settings.webhooks")}
      note={t("webhooks.note")}
      actions={
        <Button type="primary" icon={<PlusOutlined aria-hidden="true" />} onClick={() => setEdited("new")}>
          {t("webhooks.add")}
        </Button>
      }
    >
      {secret && <Secret secret={secret} onKept={() => setSecret(null)} />}
      <Hooks onEdit={setEdited} onSecret={setSecret} />
      {edited && (
        <HookForm
          key={edited === "new" ? "new" : edited.id}
          edited={edited}
          onSecret={setSecret}
          onClose={() => setEdited(null)}
        />
      )}
    </SettingsFrame>
  );
}

function Secret({ secret, onKept }: { secret: string; onKept: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  return (
    <Alert
      type="info"
      showIcon
      title={t("webhooks.secretOnce")}
      description={
        <>
          <code className="secret">{secret}</code>
          <div className="controls">
            <Button
              size="small"
              onClick={() =>
                navigator.clipboard?.writeText(secret).then(() => void message.success(t("account.copied")))
              }
            >
              {t("account.copy")}
            </Button>
            <Button size="small" onClick={onKept}>
              {t("account.tokenKept")}
            </Button>
          </div>
        </>
      }
    />
  );
}

function Frozen() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [isAsked, setAsked] = useState(false);
  const release = useMutation({
    mutationFn: releaseOutbound,
    onSuccess: async () => {
      setAsked(false);
      await cache.invalidateQueries({ queryKey: webhooksQuery.queryKey });
    },
  });
  return (
    <>
      <Alert
        type="warning"
        showIcon
        title={t("webhooks.frozen")}
        description={
          <>
            <p>{t("webhooks.frozenText")}</p>
            <Button size="small" onClick={() => setAsked(true)}>
              {t("webhooks.release")}
            </Button>
          </>
        }
      />
      {isAsked && (
        <Confirm
          title={t("webhooks.releaseSure")}
          action={t("webhooks.release")}
          isBusy={release.isPending}
          onConfirm={() => release.mutate()}
          onClose={() => setAsked(false)}
        >
          <p>{t("webhooks.releaseText")}</p>
          <Wrong error={release.error} />
        </Confirm>
      )}
    </>
  );
}

function Wrong({ error }: { error: Error | null }) {
  const { t } = useTranslation();
  if (!error) return null;
  return (
    <p className="wrong" role="alert">
      {error.message || t("error.unreachable")}
    </p>
  );
}

function Hooks({
  onEdit,
  onSecret,
}: {
  onEdit: (hook: Webhook) => void;
  onSecret: (secret: string) => void;
}) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(webhooksQuery);
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={240} />;
  return (
    <>
      {data.is_frozen && <Frozen />}
      {data.webhooks.length === 0 ? (
        <Empty title={t("webhooks.empty")}>
          <p>{t("webhooks.emptyText")}</p>
        </Empty>
      ) : (
        data.webhooks.map((hook) => (
          <Hook key={hook.id} hook={hook} onEdit={() => onEdit(hook)} onSecret={onSecret} />
        ))
      )}
    </>
  );
}

function Hook({
  hook,
  onEdit,
  onSecret,
}: {
  hook: Webhook;
  onEdit: () => void;
  onSecret: (secret: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const attemptWords = useAttemptWords();
  const cache = useQueryClient();
  const objects = useObjects();
  const mayUsers = useMayAdmin("users");
  const users = useQuery({ ...usersQuery, enabled: mayUsers });
  const [isOpen, setOpen] = useState(false);
  const [asked, setAsked] = useState<"delete" | "rotate" | null>(null);
  const again = () => cache.invalidateQueries({ queryKey: webhooksQuery.queryKey });
  const remove = useMutation({ mutationFn: () => deleteWebhook(hook.id), onSuccess: again });
  const rotate = useMutation({
    mutationFn: () => newSecret(hook.id),
    onSuccess: async (made) => {
      setAsked(null);
      onSecret(made.secret);
      await again();
    },
  });
  const test = useMutation({
    mutationFn: () => testWebhook(hook.id),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["deliveries", hook.id] }),
  });
  const nameOf = (id: string) => {
    const object = objects.find((o) => o.id === id);
    return object ? pickText(object.name, lang) : id;
  };
  const told = hook.objects.includes("*")
    ? t("webhooks.all")
    : hook.objects.map(nameOf).join(t("list.comma"));
  const kinds = hook.kinds.map(words.kind).join(t("list.comma"));
  const owner = users.data?.find((u) => u.id === hook.owner)?.name ?? `#${hook.owner}`;
  return (
    <section className="panel" aria-label={hook.name}>
      <header className="panel-head">
        <div>
          <h2>{hook.name}</h2>
          <p className="code hook-url">{hook.url}</p>
        </div>
        <div className="panel-actions">
          <span className={hook.is_active ? "chip state-done" : "chip"}>
            {t(hook.is_active ? "webhooks.active" : "webhooks.off")}
          </span>
          {hook.n_waiting > 0 && (
            <span className="chip">{t("webhooks.nWaiting", { n: hook.n_waiting })}</span>
          )}
          {hook.n_dead > 0 && (
            <span className="chip state-failed">{t("webhooks.nDead", { n: hook.n_dead })}</span>
          )}
        </div>
      </header>
      <p>
        {told} · {kinds}
      </p>
      <p className="note">
        {t("webhooks.owner", { name: owner })}
        {hook.old_secret_until &&
          ` ${t("webhooks.oldSecret", { until: showInstant(hook.old_secret_until) })}`}
      </p>
      <div className="controls hook-actions">
        <Button size="small" onClick={onEdit} aria-label={t("users.editNamed", { name: hook.name })}>
          {t("users.edit")}
        </Button>
        <Button size="small" loading={test.isPending} onClick={() => test.mutate()}>
          {t("webhooks.test")}
        </Button>
        <Button size="small" onClick={() => setAsked("rotate")}>
          {t("webhooks.rotate")}
        </Button>
        <Button size="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t("webhooks.log")}
        </Button>
        <Button
          size="small"
          danger
          aria-label={t("record.deleteNamed", { name: hook.name })}
          onClick={() => setAsked("delete")}
        >
          {t("record.delete")}
        </Button>
      </div>
      {test.data && (
        <p role="status" className={test.data.status && test.data.status < 300 ? "note" : "wrong"}>
          {t("webhooks.tested", { result: attemptWords(test.data) })}
        </p>
      )}
      <Wrong error={test.error} />
      {isOpen && <Deliveries hook={hook} />}
      {asked === "delete" && (
        <Confirm
          title={t("record.deleteSure", { title: hook.name })}
          action={t("record.delete")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={() => setAsked(null)}
        >
          <p>{t("webhooks.deleteText")}</p>
          <Wrong error={remove.error} />
        </Confirm>
      )}
      {asked === "rotate" && (
        <Confirm
          title={t("webhooks.rotateSure")}
          action={t("webhooks.rotate")}
          isBusy={rotate.isPending}
          onConfirm={() => rotate.mutate()}
          onClose={() => setAsked(null)}
        >
          <p>{t("webhooks.rotateText")}</p>
          <Wrong error={rotate.error} />
        </Confirm>
      )}
    </section>
  );
}

function HookForm({
  edited,
  onSecret,
  onClose,
}: {
  edited: Edited;
  onSecret: (secret: string) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useLogWords();
  const cache = useQueryClient();
  const known = useObjects();
  const hook = edited === "new" ? null : edited;
  const [name, setName] = useState(hook?.name ?? "");
  const [url, setUrl] = useState(hook?.url ?? "");
  const [objects, setObjects] = useState<string[]>(hook?.objects ?? ["*"]);
  const [kinds, setKinds] = useState<string[]>(hook?.kinds ?? ["create", "update", "delete"]);
  const [isActive, setActive] = useState(hook?.is_active ?? true);
  const [isTried, setTried] = useState(false);
  const need = (isThere: boolean) => (isTried && !isThere ? t("wrong.required") : undefined);
  const isWhole = name.trim() !== "" && url.trim() !== "" && objects.length > 0 && kinds.length > 0;
  const save = useMutation({
    mutationFn: async () => {
      const draft = { name: name.trim(), url: url.trim(), objects, kinds, is_active: isActive };
      if (hook) await changeWebhook(hook.id, draft);
      else onSecret((await addWebhook(draft)).secret);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: webhooksQuery.queryKey });
      onClose();
    },
  });
  return (
    <SideForm
      title={hook ? t("users.editNamed", { name: hook.name }) : t("webhooks.add")}
      error={save.error ? save.error.message || t("error.unreachable") : null}
      isBusy={save.isPending}
      onSave={() => {
        setTried(true);
        if (isWhole) save.mutate();
      }}
      onClose={onClose}
    >
      <Labelled label={t("webhooks.name")} fault={need(name.trim() !== "")}>
        {(id) => <Input id={id} autoFocus value={name} onChange={(e) => setName(e.target.value)} />}
      </Labelled>
      <Labelled label={t("webhooks.url")} note={t("webhooks.urlHelp")} fault={need(url.trim() !== "")}>
        {(id) => <Input id={id} inputMode="url" value={url} onChange={(e) => setUrl(e.target.value)} />}
      </Labelled>
      <Labelled label={t("webhooks.objects")} fault={need(objects.length > 0)}>
        {(id) => (
          <Select<string[]>
            id={id}
            mode="multiple"
            aria-label={t("webhooks.objects")}
            showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
            value={objects}
            // All and some exclude each other; what was chosen last counts.
            onChange={(next) =>
              setObjects(next.at(-1) === "*" ? ["*"] : next.filter((object) => object !== "*"))
            }
            options={[
              { value: "*", label: t("webhooks.all") },
              ...known.map((o) => ({ value: o.id, label: pickText(o.name, lang) })),
            ]}
          />
        )}
      </Labelled>
      <Labelled label={t("webhooks.kinds")} fault={need(kinds.length > 0)}>
        {(id) => (
          <Select<string[]>
            id={id}
            mode="multiple"
            aria-label={t("webhooks.kinds")}
            value={kinds}
            onChange={setKinds}
            options={WEBHOOK_KINDS.map((kind) => ({ value: kind, label: words.kind(kind) }))}
          />
        )}
      </Labelled>
      <Labelled label={t("webhooks.isActive")} note={t("webhooks.isActiveHelp")}>
        {(id) => (
          <Switch id={id} aria-label={t("webhooks.isActive")} checked={isActive} onChange={setActive} />
        )}
      </Labelled>
      <p className="note">{t("webhooks.ownerHelp")}</p>
    </SideForm>
  );
}
