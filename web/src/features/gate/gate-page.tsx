// Before anybody is signed in: the first start, and signing in. It stands in
// place of every page, at that page's own address, so whoever gets in is where
// they were.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { Alert, Button, Input } from "antd";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { isGivenUp, signInWithPasskey, whereToUsePasskeys } from "../../api/passkey";
import { goToProvider, providerNamesQuery } from "../../api/providers";
import { codeOf } from "../../api/request";
import { type Session, sessionQuery, setUp, signIn } from "../../api/session";
import "../../i18n/people";
import { SHORTEST_PASSWORD } from "../../ui/session";
import { Labelled } from "../../ui/side-form";

export function GatePage({ session }: { session: Session }) {
  const { t } = useTranslation();
  return (
    <main className="gate" id="main">
      <div className="panel">
        <p className="gate-brand" aria-hidden="true">
          <img src="/favicon.svg" alt="" width="36" height="36" /> {t("shell.title")}
        </p>
        {session.state === "setup" ? <Setup /> : <SignIn />}
      </div>
    </main>
  );
}

/** What belonged to somebody else is forgotten before anything is shown. */
function useEntered() {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const at = useLocation({ select: (place) => place.pathname });
  return (session: Session, isFirst = false) => {
    // Who asked for no page of his own begins with the day; an empty place
    // begins with its first file.
    if (at === "/" && !isFirst) void navigate({ to: "/today", replace: true });
    cache.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
    cache.setQueryData(sessionQuery.queryKey, session);
  };
}

function Setup() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const entered = useEntered();
  const [code, setCode] = useState("");
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [isTried, setTried] = useState(false);
  const faults = {
    code: code.trim() === "" ? t("wrong.required") : undefined,
    login: login.trim() === "" ? t("wrong.required") : undefined,
    name: name.trim() === "" ? t("wrong.required") : undefined,
    password: password.length < SHORTEST_PASSWORD ? t("wrong.short", { n: SHORTEST_PASSWORD }) : undefined,
    again: again !== password ? t("wrong.twice") : undefined,
  };
  const isSound = Object.values(faults).every((f) => f === undefined);
  const save = useMutation({
    mutationFn: () => setUp({ code: code.trim(), login: login.trim(), name: name.trim(), password }),
    onSuccess: (session) => entered(session, true),
    onError: (error) => {
      // Somebody was first: from now on one signs in.
      if (["set_up", "no_such_path"].includes(codeOf(error) ?? ""))
        void cache.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
  });
  const refused =
    codeOf(save.error) === "wrong_code" ? t("gate.wrongCode") : save.error?.message || t("error.unreachable");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isSound) save.mutate();
  };
  const shown = (fault: string | undefined) => (isTried ? fault : undefined);
  return (
    <form className="form" onSubmit={submit} noValidate>
      <h1>{t("gate.setup")}</h1>
      <p className="note">{t("gate.setupHelp")}</p>
      {save.error && <Alert type="error" showIcon title={refused} />}
      <Labelled label={t("gate.code")} note={t("gate.codeHelp")} fault={shown(faults.code)}>
        {(id) => (
          <Input
            id={id}
            className="mono"
            autoFocus
            autoComplete="one-time-code"
            spellCheck={false}
            value={code}
            onChange={(e) => setCode(e.target.value)}
          />
        )}
      </Labelled>
      <Labelled label={t("user.login")} note={t("gate.loginHelp")} fault={shown(faults.login)}>
        {(id) => (
          <Input
            id={id}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            value={login}
            onChange={(e) => setLogin(e.target.value)}
          />
        )}
      </Labelled>
      <Labelled label={t("user.name")} fault={shown(faults.name)}>
        {(id) => <Input id={id} autoComplete="name" value={name} onChange={(e) => setName(e.target.value)} />}
      </Labelled>
      <Labelled
        label={t("user.password")}
        note={t("wrong.short", { n: SHORTEST_PASSWORD })}
        fault={shown(faults.password)}
      >
        {(id) => (
          <Input
            id={id}
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(e) => setPassword(e.target.value)}
          />
        )}
      </Labelled>
      <Labelled label={t("user.again")} fault={shown(faults.again)}>
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
      <Button type="primary" size="large" block htmlType="submit" loading={save.isPending}>
        {t("gate.start")}
      </Button>
    </form>
  );
}

function SignIn() {
  const { t } = useTranslation();
  const entered = useEntered();
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [totp, setTotp] = useState("");
  const [isSecond, setSecond] = useState(false);
  const [wasSecond, setWasSecond] = useState(false);
  const second = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isSecond) second.current?.querySelector("input")?.focus();
  }, [isSecond]);
  const enter = useMutation({
    mutationFn: () =>
      signIn({ login: login.trim(), password, ...(isSecond ? { totp: totp.replace(/\s/g, "") } : {}) }),
    onSuccess: entered,
    onError: (error) => {
      if (codeOf(error) === "needs_totp") {
        setWasSecond(isSecond);
        setSecond(true);
        setTotp("");
      }
    },
  });
  const code = codeOf(enter.error);
  // The first answer that asks for the second factor is no fault.
  const isAsked = code === "needs_totp" && !wasSecond;
  const refused =
    code === "wrong_login"
      ? t(isSecond ? "gate.wrongSecond" : "gate.wrongLogin")
      : code === "needs_totp"
        ? t("gate.wrongSecond")
        : code === "too_many_tries"
          ? t("gate.tooMany")
          : code === "sso_only"
            ? t("gate.ssoOnly")
            : enter.error?.message || t("error.unreachable");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (login.trim() && password && (!isSecond || totp.trim())) enter.mutate();
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <h1>{t("gate.signIn")}</h1>
      {enter.error && !isAsked && <Alert type="error" showIcon title={refused} />}
      {!isSecond ? (
        <>
          <Labelled label={t("user.login")}>
            {(id) => (
              <Input
                id={id}
                size="large"
                autoFocus
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                value={login}
                onChange={(e) => setLogin(e.target.value)}
              />
            )}
          </Labelled>
          <Labelled label={t("user.password")}>
            {(id) => (
              <Input
                id={id}
                size="large"
                type="password"
                autoComplete="current-password"
                value={password}
                onChange={(e) => setPassword(e.target.value)}
              />
            )}
          </Labelled>
        </>
      ) : (
        <div ref={second}>
          <Labelled label={t("gate.second")} note={t("gate.secondHelp")}>
            {(id) => (
              <Input
                id={id}
                size="large"
                className="mono"
                inputMode="numeric"
                autoComplete="one-time-code"
                maxLength={16}
                value={totp}
                onChange={(e) => setTotp(e.target.value)}
              />
            )}
          </Labelled>
        </div>
      )}
      <Button type="primary" size="large" block htmlType="submit" loading={enter.isPending}>
        {t("gate.enter")}
      </Button>
      {isSecond && (
        <Button
          type="text"
          block
          onClick={() => {
            setSecond(false);
            enter.reset();
          }}
        >
          {t("gate.back")}
        </Button>
      )}
      {!isSecond && <ByPasskey />}
      {!isSecond && <ByProvider />}
      {!isSecond && <p className="note">{t("gate.forgot")}</p>}
    </form>
  );
}

/** Where a passkey cannot be used, the way to where it can. */
function ByPasskey() {
  const { t } = useTranslation();
  const entered = useEntered();
  const enter = useMutation({ mutationFn: signInWithPasskey, onSuccess: entered });
  const where = whereToUsePasskeys();
  if (where === "nowhere") return null;
  if (where !== "here")
    return (
      <p className="note">
        {t("gate.passkeyElsewhere")} <a href={where}>{new URL(where).origin}</a>
      </p>
    );
  const code = codeOf(enter.error);
  const refused = isGivenUp(enter.error)
    ? t("gate.passkeyGivenUp")
    : code === "too_many_tries"
      ? t("gate.tooMany")
      : enter.error?.message || t("error.unreachable");
  return (
    <>
      {enter.error && <Alert type="error" showIcon title={refused} />}
      <Button size="large" block loading={enter.isPending} onClick={() => enter.mutate()}>
        {t("gate.passkey")}
      </Button>
    </>
  );
}

/** What a provider's answer came to, where it let nobody in. */
const SAID = ["sso_refused", "sso_unknown", "sso_unreachable", "sso_unusable", "too_many_tries"] as const;

function ByProvider() {
  const { t } = useTranslation();
  const { data } = useQuery(providerNamesQuery);
  const go = useMutation({ mutationFn: goToProvider });
  const [said] = useState(() => new URLSearchParams(window.location.search).get("sso"));
  const known = SAID.find((code) => code === said);
  const refused = go.error
    ? codeOf(go.error) === "too_many_tries"
      ? t("gate.tooMany")
      : go.error.message || t("error.unreachable")
    : said && t(`gate.${known ?? "sso_refused"}`);
  return (
    <>
      {refused && <Alert type="error" showIcon title={refused} />}
      {data?.map((provider) => (
        <Button
          key={provider.id}
          size="large"
          block
          loading={go.isPending && go.variables === provider.id}
          onClick={() => go.mutate(provider.id)}
        >
          {t("gate.withProvider", { name: provider.name })}
        </Button>
      ))}
    </>
  );
}
