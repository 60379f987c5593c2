// What belongs to whoever is signed in: password, second factor, tokens.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Alert, App, Button, Input } from "antd";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addToken,
  changePassword,
  deleteToken,
  newTotp,
  type SessionUser,
  sessionQuery,
  type Token,
  type TotpSecret,
  tokensQuery,
  turnOffTotp,
  turnOnTotp,
} from "../../api/session";
import { DayInput } from "../../fields/day-input";
import { useLang } from "../../i18n";
import "../../i18n/settings";
import { Confirm, Dialog } from "../../ui/dialog";
import { NO_VALUE, pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { isDate } from "../../ui/period";
import { SHORTEST_PASSWORD, useUser } from "../../ui/session";
import { Labelled } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";
import { Passkeys } from "./passkeys";
import { ScopesInput, useScopeWords } from "./scopes";

const Code = lazy(() => import("./code").then((m) => ({ default: m.Code })));

export function AccountPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const user = useUser();
  if (!user) return null;
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("nav.account")}</h1>
          <p className="note">
            {user.name} · {user.login} · {pickText(user.role_name, lang)}
          </p>
        </div>
      </header>
      <div className="two">
        <PasswordPanel />
        <SecondFactor user={user} />
      </div>
      <Passkeys />
      <Tokens />
    </main>
  );
}

function PasswordPanel() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [isTried, setTried] = useState(false);
  const isShort = next.length < SHORTEST_PASSWORD;
  const save = useMutation({
    mutationFn: () => changePassword({ old, new: next }),
    onSuccess: () => {
      setOld("");
      setNext("");
      setAgain("");
      setTried(false);
      void message.success(t("account.passwordChanged"));
    },
  });
  return (
    <Panel title={t("user.password")}>
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (old && !isShort && next === again) save.mutate();
        }}
      >
        {save.error && <Alert type="error" showIcon title={save.error.message || t("error.unreachable")} />}
        <Labelled label={t("account.old")} fault={isTried && !old ? t("wrong.required") : undefined}>
          {(id) => (
            <Input
              id={id}
              type="password"
              autoComplete="current-password"
              value={old}
              onChange={(e) => setOld(e.target.value)}
            />
          )}
        </Labelled>
        <Labelled
          label={t("account.new")}
          note={t("wrong.short", { n: SHORTEST_PASSWORD })}
          fault={isTried && isShort ? t("wrong.short", { n: SHORTEST_PASSWORD }) : undefined}
        >
          {(id) => (
            <Input
              id={id}
              type="password"
              autoComplete="new-password"
              value={next}
              onChange={(e) => setNext(e.target.value)}
            />
          )}
        </Labelled>
        <Labelled label={t("user.again")} fault={isTried && next !== again ? t("wrong.twice") : undefined}>
          {(id) => (
            <Input
              id={id}
              type="password"
              autoComplete="new-password"
              value={again}
              onChange={(e) => setAgain(e.target.value)}
            />
          )}
        </Labelled>
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {t("account.change")}
        </Button>
      </form>
    </Panel>
  );
}

function SecondFactor({ user }: { user: SessionUser }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [secret, setSecret] = useState<TotpSecret | null>(null);
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [isLeaving, setLeaving] = useState(false);
  const refresh = () => cache.invalidateQueries({ queryKey: sessionQuery.queryKey });
  const start = useMutation({ mutationFn: newTotp, onSuccess: setSecret });
  const turnOn = useMutation({
    mutationFn: () => turnOnTotp(code.replace(/\s/g, "")),
    onSuccess: async () => {
      setSecret(null);
      setCode("");
      await refresh();
    },
  });
  const turnOff = useMutation({
    mutationFn: () => turnOffTotp(password),
    onSuccess: async () => {
      setLeaving(false);
      setPassword("");
      await refresh();
    },
  });
  const failed = start.error ?? turnOn.error;
  return (
    <Panel
      title={t("account.second")}
      note={t("account.secondHelp")}
      actions={
        <span className={user.has_totp ? "chip state-done" : "chip"}>
          {user.has_totp ? t("account.on") : t("account.off")}
        </span>
      }
    >
      {failed && <Alert type="error" showIcon title={failed.message || t("error.unreachable")} />}
      {user.has_totp ? (
        <Button danger onClick={() => setLeaving(true)}>
          {t("account.turnOff")}
        </Button>
      ) : !secret ? (
        <Button loading={start.isPending} onClick={() => start.mutate()}>
          {t("account.turnOn")}
        </Button>
      ) : (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            if (code.trim()) turnOn.mutate();
          }}
        >
          <p>{t("account.scan")}</p>
          <div className="second-factor">
            <Suspense fallback={<Skeleton height={180} width={180} />}>
              <Code text={secret.uri} label={t("account.code")} />
            </Suspense>
            <div>
              <p className="note">{t("account.byHand")}</p>
              <code className="secret">{secret.secret}</code>
              <p>
                <a href={secret.uri}>{t("account.openApp")}</a>
              </p>
            </div>
          </div>
          <Labelled label={t("account.enter")}>
            {(id) => (
              <Input
                id={id}
                className="mono"
                inputMode="numeric"
                autoComplete="one-time-code"
                maxLength={8}
                value={code}
                onChange={(e) => setCode(e.target.value)}
              />
            )}
          </Labelled>
          <div className="controls">
            <Button type="primary" htmlType="submit" loading={turnOn.isPending}>
              {t("account.confirm")}
            </Button>
            <Button onClick={() => setSecret(null)}>{t("form.cancel")}</Button>
          </div>
        </form>
      )}
      {isLeaving && (
        <Dialog title={t("account.turnOff")} onClose={() => setLeaving(false)}>
          <form
            className="form"
            onSubmit={(event) => {
              event.preventDefault();
              if (password) turnOff.mutate();
            }}
          >
            <Labelled
              label={t("account.old")}
              fault={turnOff.error ? turnOff.error.message || t("error.unreachable") : undefined}
            >
              {(id) => (
                <Input
                  id={id}
                  type="password"
                  autoComplete="current-password"
                  value={password}
                  onChange={(e) => setPassword(e.target.value)}
                />
              )}
            </Labelled>
            <div className="controls">
              <Button onClick={() => setLeaving(false)}>{t("form.cancel")}</Button>
              <Button danger type="primary" htmlType="submit" loading={turnOff.isPending}>
                {t("account.turnOff")}
              </Button>
            </div>
          </form>
        </Dialog>
      )}
    </Panel>
  );
}

function Tokens() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const { data, error, refetch } = useQuery(tokensQuery);
  const [name, setName] = useState("");
  const [until, setUntil] = useState("");
  const [scopes, setScopes] = useState<string[]>([]);
  const words = useScopeWords();
  const [shown, setShown] = useState<string | null>(null);
  const [deleted, setDeleted] = useState<Token | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: tokensQuery.queryKey });
  const isUntil = until === "" || isDate(until);
  const add = useMutation({
    mutationFn: () => addToken({ name: name.trim(), scopes, ...(until ? { expires_on: until } : {}) }),
    onSuccess: async ({ token }) => {
      setShown(token);
      setName("");
      setUntil("");
      setScopes([]);
      await refresh();
    },
  });
  const remove = useMutation({
    mutationFn: (id: number) => deleteToken(id),
    onSuccess: async () => {
      setDeleted(null);
      await refresh();
    },
  });
  return (
    <Panel
      title={t("account.tokens")}
      note={t("account.tokensHelp")}
      actions={<Link to="/api/docs">{t("docs.title")}</Link>}
    >
      <form
        className="filters token-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() && isUntil) add.mutate();
        }}
      >
        <Input
          className="grow"
          aria-label={t("account.tokenName")}
          placeholder={t("account.tokenName")}
          value={name}
          onChange={(e) => setName(e.target.value)}
        />
        <ScopesInput value={scopes} onChange={setScopes} />
        <DayInput label={t("account.tokenUntil")} value={until} onChange={setUntil} />
        <span className="note">{t("account.tokenUntil")}</span>
        <Button htmlType="submit" disabled={!name.trim() || !isUntil} loading={add.isPending}>
          {t("account.tokenNew")}
        </Button>
      </form>
      {add.error && (
        <p className="wrong" role="alert">
          {add.error.message || t("error.unreachable")}
        </p>
      )}
      {shown && (
        <Alert
          type="info"
          showIcon
          title={t("account.tokenOnce")}
          description={
            <>
              <code className="secret">{shown}</code>
              <div className="controls">
                <Button
                  size="small"
                  onClick={() =>
                    navigator.clipboard
                      ?.writeText(shown)
                      .then(() => void message.success(t("account.copied")))
                  }
                >
                  {t("account.copy")}
                </Button>
                <Button size="small" onClick={() => setShown(null)}>
                  {t("account.tokenKept")}
                </Button>
              </div>
            </>
          }
        />
      )}
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={80} />
      ) : data.length === 0 ? (
        <p className="nothing">{t("account.noTokens")}</p>
      ) : (
        <table className="table as-cards">
          <thead>
            <tr>
              <th scope="col">{t("account.tokenName")}</th>
              <th scope="col">{t("account.tokenScopes")}</th>
              <th scope="col">{t("account.tokenMade")}</th>
              <th scope="col">{t("account.tokenUsed")}</th>
              <th scope="col">{t("account.tokenEnds")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("users.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.map((token) => (
              <tr key={token.id}>
                <td data-head={t("account.tokenName")}>{token.name}</td>
                <td data-head={t("account.tokenScopes")}>
                  {token.scopes.length > 0
                    ? token.scopes.map(words).join(t("list.comma"))
                    : t("account.tokenWhole")}
                </td>
                <td data-head={t("account.tokenMade")}>{showInstant(token.created_at)}</td>
                <td data-head={t("account.tokenUsed")}>
                  {token.used_at ? showInstant(token.used_at) : NO_VALUE}
                </td>
                <td data-head={t("account.tokenEnds")}>
                  {token.expires_at ? showInstant(token.expires_at).slice(0, 10) : NO_VALUE}
                </td>
                <td>
                  <Button
                    size="small"
                    danger
                    aria-label={t("record.deleteNamed", { name: token.name })}
                    onClick={() => setDeleted(token)}
                  >
                    {t("account.revoke")}
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
          action={t("account.revoke")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(deleted.id)}
          onClose={() => setDeleted(null)}
        >
          <p>{t("account.revokeHelp")}</p>
        </Confirm>
      )}
    </Panel>
  );
}
