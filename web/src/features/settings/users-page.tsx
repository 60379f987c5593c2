// Who can sign in: add, change, stop, and give a leaver's records to somebody.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Input, Select, Switch } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addUser,
  changeUser,
  departmentsQuery,
  handOver,
  type Membership,
  rolesQuery,
  type UserRow,
  usersQuery,
} from "../../api/session";
import { useLang } from "../../i18n";
import "../../i18n/people";
import { Dialog } from "../../ui/dialog";
import { exactNumber, NO_VALUE, pickText, showInstant } from "../../ui/format";
import { SHORTEST_PASSWORD, useUser } from "../../ui/session";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled, SideForm } from "../../ui/side-form";
import { SEARCH_SIGN, useClear } from "../../ui/signs";
import { LoadError, Skeleton } from "../../ui/states";

export function UsersPage() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<UserRow | "new" | null>(null);
  return (
    <SettingsFrame
      area="users"
      title={t("settings.users")}
      note={t("users.note")}
      actions={
        <Button type="primary" icon={<PlusOutlined aria-hidden="true" />} onClick={() => setEdited("new")}>
          {t("users.add")}
        </Button>
      }
    >
      <Users onEdit={setEdited} />
      {edited && (
        <UserForm
          key={edited === "new" ? 0 : edited.id}
          user={edited === "new" ? null : edited}
          onClose={() => setEdited(null)}
        />
      )}
    </SettingsFrame>
  );
}

function Users({ onEdit }: { onEdit: (user: UserRow) => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const clear = useClear();
  const { data, error, refetch } = useQuery(usersQuery);
  const roles = useQuery(rolesQuery);
  const me = useUser();
  const [search, setSearch] = useState("");
  const [leaver, setLeaver] = useState<UserRow | null>(null);
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={320} />;
  const roleName = (id: string) => pickText(roles.data?.find((r) => r.id === id)?.name, lang) || id;
  const wanted = search.trim().toLowerCase();
  const shown = data.filter((u) =>
    [u.name, u.login, u.email ?? ""].some((x) => x.toLowerCase().includes(wanted)),
  );
  return (
    <section className="panel">
      <div className="filters">
        <Input
          className="grow search"
          allowClear={clear.input}
          prefix={SEARCH_SIGN}
          aria-label={t("users.search")}
          placeholder={t("users.search")}
          value={search}
          onChange={(e) => setSearch(e.target.value)}
        />
      </div>
      <div className="table-scroll tall" tabIndex={0} role="region" aria-label={t("settings.users")}>
        <table className="table as-cards users">
          <thead>
            <tr>
              <th scope="col">{t("user.name")}</th>
              <th scope="col">{t("user.login")}</th>
              <th scope="col">{t("user.role")}</th>
              <th scope="col">{t("user.departments")}</th>
              <th scope="col">{t("user.lastSeen")}</th>
              <th scope="col">{t("user.state")}</th>
              <th scope="col">
                <span className="visually-hidden">{t("users.actions")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((user) => (
              <tr key={user.id}>
                <td data-head={t("user.name")}>
                  <b>{user.name}</b>
                </td>
                <td data-head={t("user.login")}>{user.login}</td>
                <td data-head={t("user.role")}>{roleName(user.role)}</td>
                <td data-head={t("user.departments")}>
                  {user.departments
                    .map((d) => (d.is_head ? t("users.headOf", { name: d.name }) : d.name))
                    .join(t("list.comma")) || <span className="muted">{NO_VALUE}</span>}
                </td>
                <td data-head={t("user.lastSeen")} className="nowrap">
                  {user.last_seen ? showInstant(user.last_seen) : <span className="muted">{NO_VALUE}</span>}
                </td>
                <td data-head={t("user.state")}>
                  <span className={user.is_active ? "chip state-done" : "chip"}>
                    {user.is_active ? t("user.active") : t("user.stopped")}
                  </span>
                  {user.has_totp && <span className="chip">{t("user.hasTotp")}</span>}
                </td>
                <td>
                  <span className="row-actions">
                    <Button
                      size="small"
                      onClick={() => onEdit(user)}
                      aria-label={t("users.editNamed", { name: user.name })}
                    >
                      {t("users.edit")}
                    </Button>
                    {user.id !== me?.id && (
                      <Button
                        size="small"
                        onClick={() => setLeaver(user)}
                        aria-label={t("users.handOverNamed", { name: user.name })}
                      >
                        {t("users.handOver")}
                      </Button>
                    )}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p className="nothing">{t("metrics.none")}</p>}
      {leaver && <HandOver leaver={leaver} users={data} onClose={() => setLeaver(null)} />}
    </section>
  );
}

function UserForm({ user, onClose }: { user: UserRow | null; onClose: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const me = useUser();
  const roles = useQuery(rolesQuery);
  const departments = useQuery(departmentsQuery);
  const [login, setLogin] = useState(user?.login ?? "");
  const [name, setName] = useState(user?.name ?? "");
  const [role, setRole] = useState(user?.role ?? "");
  const [email, setEmail] = useState(user?.email ?? "");
  const [phone, setPhone] = useState(user?.phone ?? "");
  const [password, setPassword] = useState("");
  const [isActive, setActive] = useState(user?.is_active ?? true);
  const [members, setMembers] = useState<Membership[]>(
    user?.departments.map((d) => ({ id: d.id, is_head: d.is_head })) ?? [],
  );
  const [isTried, setTried] = useState(false);
  const need = (text: string) => (isTried && text.trim() === "" ? t("wrong.required") : undefined);
  const isShort = password !== "" && password.length < SHORTEST_PASSWORD;
  const lacksPassword = user === null && password === "";
  const save = useMutation({
    mutationFn: async () => {
      const common = {
        name: name.trim(),
        role,
        email: email.trim() || null,
        phone: phone.trim() || null,
        departments: members,
        ...(password ? { password } : {}),
      };
      if (user) await changeUser(user.id, { ...common, is_active: isActive });
      else await addUser({ ...common, login: login.trim(), password });
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: usersQuery.queryKey });
      onClose();
    },
  });
  const submit = () => {
    setTried(true);
    if (login.trim() && name.trim() && role && !isShort && !lacksPassword) save.mutate();
  };
  const title = user ? t("users.editNamed", { name: user.name }) : t("users.add");
  return (
    <SideForm
      title={title}
      error={save.error ? save.error.message || t("error.unreachable") : null}
      isBusy={save.isPending}
      onSave={submit}
      onClose={onClose}
    >
      <Labelled
        label={t("user.login")}
        fault={need(login)}
        note={user ? t("users.loginKept") : t("gate.loginHelp")}
      >
        {(id) => (
          <Input
            id={id}
            disabled={user !== null}
            autoComplete="off"
            autoCapitalize="none"
            value={login}
            onChange={(e) => setLogin(e.target.value)}
          />
        )}
      </Labelled>
      <Labelled label={t("user.name")} fault={need(name)}>
        {(id) => <Input id={id} autoComplete="off" value={name} onChange={(e) => setName(e.target.value)} />}
      </Labelled>
      <Labelled
        label={t("user.role")}
        fault={need(role)}
        note={pickText(roles.data?.find((r) => r.id === role)?.about, lang)}
      >
        {(id) => (
          <Select
            id={id}
            aria-label={t("user.role")}
            {...(role ? { value: role } : {})}
            placeholder={t("field.choose")}
            onChange={setRole}
            options={(roles.data ?? []).map((r) => ({ value: r.id, label: pickText(r.name, lang) }))}
          />
        )}
      </Labelled>
      <Labelled
        label={user ? t("users.newPassword") : t("user.password")}
        fault={isTried && (isShort || lacksPassword) ? t("wrong.short", { n: SHORTEST_PASSWORD }) : undefined}
        note={user ? t("users.newPasswordHelp") : t("users.passwordHelp")}
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
      <Labelled label={t("user.email")}>
        {(id) => <Input id={id} type="email" value={email} onChange={(e) => setEmail(e.target.value)} />}
      </Labelled>
      <Labelled label={t("user.phone")}>
        {(id) => <Input id={id} type="tel" value={phone} onChange={(e) => setPhone(e.target.value)} />}
      </Labelled>
      <Labelled label={t("user.departments")}>
        {(id) => (
          <Select
            id={id}
            mode="multiple"
            aria-label={t("user.departments")}
            placeholder={t("field.choose")}
            value={members.map((m) => m.id)}
            onChange={(ids: number[]) =>
              setMembers(ids.map((d) => members.find((m) => m.id === d) ?? { id: d, is_head: false }))
            }
            options={(departments.data ?? []).map((d) => ({ value: d.id, label: d.name }))}
          />
        )}
      </Labelled>
      {members.length > 0 && (
        <fieldset>
          <legend>{t("users.heads")}</legend>
          {members.map((m) => (
            <label key={m.id} className="switch">
              <input
                type="checkbox"
                checked={m.is_head}
                onChange={(e) =>
                  setMembers(members.map((x) => (x.id === m.id ? { ...x, is_head: e.target.checked } : x)))
                }
              />
              {departments.data?.find((d) => d.id === m.id)?.name ?? m.id}
            </label>
          ))}
        </fieldset>
      )}
      {user && user.id !== me?.id && (
        <Labelled label={t("users.isActive")} note={t("users.isActiveHelp")}>
          {(id) => (
            <Switch id={id} aria-label={t("users.isActive")} checked={isActive} onChange={setActive} />
          )}
        </Labelled>
      )}
    </SideForm>
  );
}

function HandOver({ leaver, users, onClose }: { leaver: UserRow; users: UserRow[]; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const [to, setTo] = useState("");
  const give = useMutation({
    mutationFn: () => handOver(leaver.id, Number(to)),
    onSuccess: async ({ n_records }) => {
      onClose();
      void message.success(t("users.handedOver", { n: exactNumber(n_records) }));
      await cache.invalidateQueries();
    },
  });
  return (
    <Dialog title={t("users.handOverNamed", { name: leaver.name })} onClose={onClose}>
      <p>{t("users.handOverHelp", { name: leaver.name })}</p>
      <label className="form-field">
        {t("users.handOverTo")}
        <select value={to} onChange={(e) => setTo(e.target.value)}>
          <option value="">{t("field.choose")}</option>
          {users
            .filter((u) => u.is_active && u.id !== leaver.id)
            .map((u) => (
              <option key={u.id} value={u.id}>
                {u.name}
              </option>
            ))}
        </select>
      </label>
      {give.error && (
        <p className="wrong" role="alert">
          {give.error.message || t("error.unreachable")}
        </p>
      )}
      <div className="controls">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button type="primary" disabled={to === ""} loading={give.isPending} onClick={() => give.mutate()}>
          {t("users.handOver")}
        </Button>
      </div>
    </Dialog>
  );
}
