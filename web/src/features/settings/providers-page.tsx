// The providers of single sign-on.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Checkbox, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addProvider,
  cameBackTo,
  changeProvider,
  deleteProvider,
  MATCHES,
  type Matches,
  type Provider,
  providersQuery,
} from "../../api/providers";
import { Confirm } from "../../ui/dialog";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled, SideForm } from "../../ui/side-form";
import { Empty, LoadError, Skeleton } from "../../ui/states";

/** What providers usually call it. */
const CLAIMS: Record<Matches, string> = { email: "email", login: "preferred_username" };

export function ProvidersPage() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<{ provider: Provider | null } | null>(null);
  return (
    <SettingsFrame
      area="users"
      title={t("settings.providers")}
      note={t("providers.note")}
      actions={
        <Button
          type="primary"
          icon={<PlusOutlined aria-hidden="true" />}
          onClick={() => setEdited({ provider: null })}
        >
          {t("providers.add")}
        </Button>
      }
    >
      <Providers onEdit={(provider) => setEdited({ provider })} />
      {edited && (
        <ProviderForm
          key={edited.provider?.id ?? 0}
          provider={edited.provider}
          onClose={() => setEdited(null)}
        />
      )}
    </SettingsFrame>
  );
}

function Providers({ onEdit }: { onEdit: (provider: Provider) => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(providersQuery);
  const [deleted, setDeleted] = useState<Provider | null>(null);
  const remove = useMutation({
    mutationFn: (id: number) => deleteProvider(id),
    onSuccess: async () => {
      setDeleted(null);
      await cache.invalidateQueries({ queryKey: providersQuery.queryKey });
    },
  });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={160} />;
  if (data.length === 0)
    return (
      <Empty title={t("providers.empty")}>
        <p>{t("providers.emptyText")}</p>
      </Empty>
    );
  return (
    <section className="panel">
      <table className="table as-cards">
        <thead>
          <tr>
            <th scope="col">{t("providers.name")}</th>
            <th scope="col">{t("providers.issuer")}</th>
            <th scope="col">{t("providers.matches")}</th>
            <th scope="col">{t("providers.state")}</th>
            <th scope="col">
              <span className="visually-hidden">{t("users.actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {data.map((provider) => (
            <tr key={provider.id}>
              <td data-head={t("providers.name")}>{provider.name}</td>
              <td data-head={t("providers.issuer")}>
                <code className="secret">{provider.issuer}</code>
              </td>
              <td data-head={t("providers.matches")}>{t(`providers.by.${provider.matches}`)}</td>
              <td data-head={t("providers.state")}>
                <span className={provider.is_active ? "chip state-done" : "chip"}>
                  {provider.is_active ? t("account.on") : t("account.off")}
                </span>
              </td>
              <td>
                <span className="row-actions">
                  <Button
                    size="small"
                    aria-label={t("users.editNamed", { name: provider.name })}
                    onClick={() => onEdit(provider)}
                  >
                    {t("users.edit")}
                  </Button>
                  <Button
                    size="small"
                    danger
                    aria-label={t("record.deleteNamed", { name: provider.name })}
                    onClick={() => setDeleted(provider)}
                  >
                    {t("record.delete")}
                  </Button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {deleted && (
        <Confirm
          title={t("record.deleteSure", { title: deleted.name })}
          action={t("record.delete")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(deleted.id)}
          onClose={() => setDeleted(null)}
        >
          <p>{t("providers.deleteHelp")}</p>
        </Confirm>
      )}
    </section>
  );
}

function ProviderForm({ provider, onClose }: { provider: Provider | null; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [name, setName] = useState(provider?.name ?? "");
  const [issuer, setIssuer] = useState(provider?.issuer ?? "");
  const [client, setClient] = useState(provider?.client_id ?? "");
  const [secret, setSecret] = useState("");
  const [matches, setMatches] = useState<Matches>(provider?.matches ?? "email");
  const [claim, setClaim] = useState(provider?.claim ?? CLAIMS.email);
  const [allows, setAllows] = useState(provider?.allows_other_ways ?? false);
  const [isActive, setActive] = useState(provider?.is_active ?? true);
  const [isTried, setTried] = useState(false);
  const needsSecret = provider === null || provider.issuer !== issuer.trim();
  const missing = (text: string) => (text.trim() === "" ? t("wrong.required") : undefined);
  const faults = {
    name: missing(name),
    issuer: missing(issuer),
    client: missing(client),
    secret: needsSecret ? missing(secret) : undefined,
    claim: missing(claim),
  };
  const save = useMutation({
    mutationFn: async () => {
      const draft = {
        name: name.trim(),
        issuer: issuer.trim(),
        client_id: client.trim(),
        claim: claim.trim(),
        matches,
        allows_other_ways: allows,
        is_active: isActive,
        ...(secret === "" ? {} : { client_secret: secret }),
      };
      if (provider) await changeProvider(provider.id, draft);
      else await addProvider(draft);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: providersQuery.queryKey });
      onClose();
    },
  });
  const shown = (fault: string | undefined) => (isTried ? fault : undefined);
  const text = (value: string, set: (next: string) => void, type = "text") =>
    function Text(id: string) {
      return (
        <Input
          id={id}
          type={type}
          autoComplete="off"
          spellCheck={false}
          value={value}
          onChange={(e) => set(e.target.value)}
        />
      );
    };
  return (
    <SideForm
      title={provider ? t("users.editNamed", { name: provider.name }) : t("providers.add")}
      error={save.error ? save.error.message || t("error.unreachable") : null}
      isBusy={save.isPending}
      onSave={() => {
        setTried(true);
        if (Object.values(faults).every((f) => f === undefined)) save.mutate();
      }}
      onClose={onClose}
    >
      <Labelled label={t("providers.back")} note={t("providers.backHelp")}>
        {(id) => <Input id={id} className="mono" readOnly value={cameBackTo()} />}
      </Labelled>
      <Labelled label={t("providers.name")} note={t("providers.nameHelp")} fault={shown(faults.name)}>
        {text(name, setName)}
      </Labelled>
      <Labelled label={t("providers.issuer")} note={t("providers.issuerHelp")} fault={shown(faults.issuer)}>
        {text(issuer, setIssuer)}
      </Labelled>
      <Labelled label={t("providers.client")} fault={shown(faults.client)}>
        {text(client, setClient)}
      </Labelled>
      <Labelled
        label={t("providers.secret")}
        note={needsSecret ? undefined : t("providers.secretKept")}
        fault={shown(faults.secret)}
      >
        {text(secret, setSecret, "password")}
      </Labelled>
      <Labelled label={t("providers.matches")} note={t("providers.matchesHelp")}>
        {(id) => (
          <Select<Matches>
            id={id}
            aria-label={t("providers.matches")}
            value={matches}
            onChange={(next) => {
              if (claim === CLAIMS[matches]) setClaim(CLAIMS[next]);
              setMatches(next);
            }}
            options={MATCHES.map((value) => ({ value, label: t(`providers.by.${value}`) }))}
          />
        )}
      </Labelled>
      <Labelled label={t("providers.claim")} note={t("providers.claimHelp")} fault={shown(faults.claim)}>
        {text(claim, setClaim)}
      </Labelled>
      <Checkbox checked={allows} onChange={(e) => setAllows(e.target.checked)}>
        {t("providers.allows")}
      </Checkbox>
      <Checkbox checked={isActive} onChange={(e) => setActive(e.target.checked)}>
        {t("providers.active")}
      </Checkbox>
    </SideForm>
  );
}
