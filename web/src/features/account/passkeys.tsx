// One's own passkeys: made, listed, deleted.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addPasskey,
  deletePasskey,
  isGivenUp,
  isKnownThere,
  type Passkey,
  passkeysQuery,
  whereToUsePasskeys,
} from "../../api/passkey";
import { Confirm } from "../../ui/dialog";
import { NO_VALUE, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { LoadError, Skeleton } from "../../ui/states";

export function Passkeys() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const { data, error, refetch } = useQuery(passkeysQuery);
  const [name, setName] = useState("");
  const [deleted, setDeleted] = useState<Passkey | null>(null);
  const where = whereToUsePasskeys();
  const refresh = () => cache.invalidateQueries({ queryKey: passkeysQuery.queryKey });
  const add = useMutation({
    mutationFn: () => addPasskey(name.trim()),
    onSuccess: async () => {
      setName("");
      void message.success(t("account.passkeyAdded"));
      await refresh();
    },
  });
  const remove = useMutation({
    mutationFn: (id: number) => deletePasskey(id),
    onSuccess: async () => {
      setDeleted(null);
      await refresh();
    },
  });
  const failed = isGivenUp(add.error)
    ? t("account.passkeyGivenUp")
    : isKnownThere(add.error)
      ? t("account.passkeyKnown")
      : add.error?.message || t("error.unreachable");
  return (
    <Panel title={t("account.passkeys")} note={t("account.passkeysHelp")}>
      {where === "here" ? (
        <form
          className="filters token-form"
          onSubmit={(event) => {
            event.preventDefault();
            if (name.trim()) add.mutate();
          }}
        >
          <Input
            className="grow"
            aria-label={t("account.passkeyName")}
            placeholder={t("account.passkeyName")}
            maxLength={100}
            value={name}
            onChange={(e) => setName(e.target.value)}
          />
          <Button htmlType="submit" disabled={!name.trim()} loading={add.isPending}>
            {t("account.passkeyNew")}
          </Button>
        </form>
      ) : where === "nowhere" ? (
        <p className="note">{t("account.passkeysNowhere")}</p>
      ) : (
        <p className="note">
          {t("account.passkeysElsewhere")} <a href={where}>{new URL(where).origin}</a>
        </p>
      )}
      {add.error && (
        <p className="wrong" role="alert">
          {failed}
        </p>
      )}
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={80} />
      ) : data.length === 0 ? (
        <p className="nothing">{t("account.noPasskeys")}</p>
      ) : (
        <table className="table as-cards passkeys">
          <thead>
            <tr>
              <th scope="col">{t("account.passkeyName")}</th>
              <th scope="col">{t("account.passkeyFor")}</th>
              <th scope="col">{t("account.tokenMade")}</th>
              <th scope="col">{t("account.tokenUsed")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("users.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((passkey) => (
              <tr key={passkey.id}>
                <td data-head={t("account.passkeyName")}>{passkey.name}</td>
                <td data-head={t("account.passkeyFor")}>{passkey.host}</td>
                <td data-head={t("account.tokenMade")}>{showInstant(passkey.created_at)}</td>
                <td data-head={t("account.tokenUsed")}>
                  {passkey.used_at ? showInstant(passkey.used_at) : NO_VALUE}
                </td>
                <td>
                  <Button
                    size="small"
                    danger
                    aria-label={t("record.deleteNamed", { name: passkey.name })}
                    onClick={() => setDeleted(passkey)}
                  >
                    {t("account.passkeyDelete")}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {deleted && (
        <Confirm
          title={t("record.deleteSure", { title: deleted.name })}
          action={t("account.passkeyDelete")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(deleted.id)}
          onClose={() => setDeleted(null)}
        >
          <p>{t("account.passkeyDeleteHelp")}</p>
        </Confirm>
      )}
    </Panel>
  );
}
