// What each role may do: a matrix of objects and actions, fields that are kept
// from it, and the settings that it may open.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ObjectDef } from "../../api/records";
import { objectsQuery } from "../../api/records";
import {
  deleteRole,
  FIELD_RIGHTS,
  type FieldRight,
  putRole,
  ROWS,
  type Role,
  type Rows,
  rolesQuery,
} from "../../api/session";
import { useLang } from "../../i18n";
import { Confirm } from "../../ui/dialog";
import { pickText } from "../../ui/format";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";
import {
  ACTIONS,
  ADMIN,
  grantOf,
  idFor,
  withAction,
  withAdmin,
  withField,
  withReveal,
  withRows,
} from "./rights";

export function RolesPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const roles = useQuery(rolesQuery);
  const objects = useQuery(objectsQuery);
  const [picked, setPicked] = useState<string | null>(null);
  const [fresh, setFresh] = useState<Role | null>(null);
  const error = roles.error ?? objects.error;
  const all = [...(roles.data ?? []), ...(fresh ? [fresh] : [])];
  const role = all.find((r) => r.id === picked) ?? all[0];
  const start = (from?: Role) => {
    const id = idFor(
      from ? `${from.id}_copy` : "role",
      all.map((r) => r.id),
    );
    const made: Role = {
      id,
      name: from
        ? { zh: t("roles.copyOf", { name: from.name.zh }), en: t("roles.copyOf", { name: from.name.en }) }
        : { zh: t("roles.new"), en: t("roles.new") },
      about: { zh: "", en: "" },
      is_built_in: false,
      grants: from?.grants ?? [],
      fields: from?.fields ?? [],
      admin: from?.admin ?? [],
    };
    setFresh(made);
    setPicked(id);
  };
  return (
    <SettingsFrame
      area="roles"
      title={t("settings.roles")}
      note={t("roles.note")}
      actions={
        <Button type="primary" icon={<PlusOutlined aria-hidden="true" />} onClick={() => start()}>
          {t("roles.add")}
        </Button>
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => roles.refetch()} />
      ) : !roles.data || !objects.data ? (
        <Skeleton height={400} />
      ) : (
        <div className="roles">
          <ul className="role-list" aria-label={t("settings.roles")}>
            {all.map((r) => (
              <li key={r.id}>
                <button type="button" aria-current={r.id === role?.id} onClick={() => setPicked(r.id)}>
                  {pickText(r.name, lang)}
                  {r.is_built_in && <span className="chip">{t("roles.builtIn")}</span>}
                </button>
              </li>
            ))}
          </ul>
          {role && (
            <RoleForm
              key={role.id}
              role={role}
              isNew={role === fresh}
              objects={objects.data}
              onCopy={() => start(role)}
              onGone={() => {
                setFresh(null);
                setPicked(null);
              }}
              onSaved={() => setFresh(null)}
            />
          )}
        </div>
      )}
    </SettingsFrame>
  );
}

function RoleForm({
  role,
  isNew,
  objects,
  onCopy,
  onGone,
  onSaved,
}: {
  role: Role;
  isNew: boolean;
  objects: ObjectDef[];
  onCopy: () => void;
  onGone: () => void;
  onSaved: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const [draft, setDraft] = useState(role);
  const [isDeleting, setDeleting] = useState(false);
  const isFixed = role.is_built_in;
  const isChanged = isNew || JSON.stringify(draft) !== JSON.stringify(role);
  const refresh = () => cache.invalidateQueries({ queryKey: rolesQuery.queryKey });
  const save = useMutation({
    mutationFn: () => putRole(draft),
    onSuccess: async () => {
      await refresh();
      onSaved();
      void message.success(t("form.saved"));
    },
  });
  const remove = useMutation({
    mutationFn: () => deleteRole(role.id),
    onSuccess: async () => {
      await refresh();
      onGone();
    },
  });
  const fieldName = (path: string): string => {
    const [object, field] = path.split(".");
    const def = objects.find((o) => o.id === object);
    const found = def?.fields.find((f) => f.id === field);
    return def && found ? `${pickText(def.name, lang)} · ${pickText(found.name, lang)}` : path;
  };
  const free = objects.flatMap((o) =>
    o.fields
      .map((f) => `${o.id}.${f.id}`)
      .filter((path) => !draft.fields.some((f) => f.field === path))
      .map((path) => ({ value: path, label: fieldName(path) })),
  );
  return (
    <form
      className="panel role"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <h2>{pickText(draft.name, lang)}</h2>
      {isFixed ? (
        <p className="note">
          {pickText(role.about, lang)} {t("roles.builtInHelp")}
        </p>
      ) : (
        <div className="form-grid">
          <Labelled label={t("roles.nameZh")}>
            {(id) => (
              <Input
                id={id}
                value={draft.name.zh}
                onChange={(e) => setDraft({ ...draft, name: { ...draft.name, zh: e.target.value } })}
              />
            )}
          </Labelled>
          <Labelled label={t("roles.nameEn")}>
            {(id) => (
              <Input
                id={id}
                value={draft.name.en}
                onChange={(e) => setDraft({ ...draft, name: { ...draft.name, en: e.target.value } })}
              />
            )}
          </Labelled>
        </div>
      )}
      <h3>{t("roles.matrix")}</h3>
      <div className="table-scroll tall" tabIndex={0} role="region" aria-label={t("roles.matrix")}>
        <table className="table small matrix">
          <thead>
            <tr>
              <th scope="col">{t("log.object")}</th>
              {ACTIONS.map((action) => (
                <th key={action} scope="col">
                  {t(`roles.actions.${action}`)}
                </th>
              ))}
              <th scope="col">{t("roles.rows")}</th>
            </tr>
          </thead>
          <tbody>
            {objects.map((object) => {
              const grant = grantOf(draft, object.id);
              const name = pickText(object.name, lang);
              return (
                <tr key={object.id}>
                  <th scope="row">{name}</th>
                  {ACTIONS.map((action) => (
                    <td key={action}>
                      {(object.is_writable || action === "read" || action === "export") && (
                        <label className="tick">
                          <input
                            type="checkbox"
                            aria-label={`${name} ${t(`roles.actions.${action}`)}`}
                            disabled={isFixed}
                            checked={grant?.actions.includes(action) ?? false}
                            onChange={(e) => setDraft(withAction(draft, object.id, action, e.target.checked))}
                          />
                        </label>
                      )}
                    </td>
                  ))}
                  <td>
                    {grant && (
                      <select
                        aria-label={`${name} ${t("roles.rows")}`}
                        disabled={isFixed}
                        value={grant.rows}
                        onChange={(e) => setDraft(withRows(draft, object.id, e.target.value as Rows))}
                      >
                        {ROWS.map((rows) => (
                          <option key={rows} value={rows}>
                            {t(`roles.rowsOf.${rows}`)}
                          </option>
                        ))}
                      </select>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <h3>{t("roles.fields")}</h3>
      <p className="note">{t("roles.fieldsHelp")}</p>
      {draft.fields.length > 0 && (
        <ul className="list field-rights">
          {draft.fields.map(({ field, as, reveal }) => (
            <li key={field}>
              <span className="grow">{fieldName(field)}</span>
              <select
                aria-label={fieldName(field)}
                disabled={isFixed}
                value={as === "write" ? "" : as}
                onChange={(e) =>
                  setDraft(
                    withField(draft, field, e.target.value === "" ? null : (e.target.value as FieldRight)),
                  )
                }
              >
                {FIELD_RIGHTS.map((right) => (
                  <option key={right} value={right}>
                    {t(`roles.fieldRights.${right}`)}
                  </option>
                ))}
                <option value="">{t("roles.fieldAsUsual")}</option>
              </select>
              {as === "masked" && (
                <label className="switch">
                  <input
                    type="checkbox"
                    disabled={isFixed}
                    checked={reveal ?? false}
                    onChange={(e) => setDraft(withReveal(draft, field, e.target.checked))}
                  />
                  {t("roles.reveal")}
                </label>
              )}
            </li>
          ))}
        </ul>
      )}
      {!isFixed && (
        <Select
          className="field-right-new"
          aria-label={t("roles.fieldAdd")}
          placeholder={t("roles.fieldAdd")}
          showSearch={{ optionFilterProp: "label" }}
          value={null}
          onChange={(field: string | null) => field && setDraft(withField(draft, field, "hidden"))}
          options={free}
        />
      )}
      <h3>{t("roles.admin")}</h3>
      <div className="admin-rights">
        {ADMIN.map((area) => (
          <label key={area} className="switch">
            <input
              type="checkbox"
              disabled={isFixed}
              checked={draft.admin.includes(area)}
              onChange={(e) => setDraft(withAdmin(draft, area, e.target.checked))}
            />
            {t(`roles.adminOf.${area}`)}
          </label>
        ))}
      </div>
      {(save.error || remove.error) && (
        <p className="wrong" role="alert">
          {save.error?.message || remove.error?.message || t("error.unreachable")}
        </p>
      )}
      <div className="controls">
        {!isFixed && (
          <Button type="primary" htmlType="submit" disabled={!isChanged} loading={save.isPending}>
            {t("form.save")}
          </Button>
        )}
        {!isNew && <Button onClick={onCopy}>{t("roles.copy")}</Button>}
        {!isFixed && (
          <Button danger onClick={() => (isNew ? onGone() : setDeleting(true))}>
            {isNew ? t("form.cancel") : t("record.delete")}
          </Button>
        )}
      </div>
      {isDeleting && (
        <Confirm
          title={t("record.deleteSure", { title: pickText(role.name, lang) })}
          action={t("record.delete")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate()}
          onClose={() => setDeleting(false)}
        />
      )}
    </form>
  );
}
