// The tree of departments. Rights "of the department" follow it.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addDepartment,
  changeDepartment,
  type Department,
  deleteDepartment,
  departmentsQuery,
  usersQuery,
} from "../../api/session";
import { Confirm } from "../../ui/dialog";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled, SideForm } from "../../ui/side-form";
import { useClear } from "../../ui/signs";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { belowOf, branchesOf } from "./tree";

type Edited = { department: Department | null; parent: number | null };

export function DepartmentsPage() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Edited | null>(null);
  return (
    <SettingsFrame
      area="users"
      title={t("settings.departments")}
      note={t("departments.note")}
      actions={
        <Button
          type="primary"
          icon={<PlusOutlined aria-hidden="true" />}
          onClick={() => setEdited({ department: null, parent: null })}
        >
          {t("departments.add")}
        </Button>
      }
    >
      <Tree onEdit={setEdited} />
      {edited && (
        <DepartmentForm
          key={`${edited.department?.id}.${edited.parent}`}
          edited={edited}
          onClose={() => setEdited(null)}
        />
      )}
    </SettingsFrame>
  );
}

function Tree({ onEdit }: { onEdit: (edited: Edited) => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(departmentsQuery);
  const users = useQuery(usersQuery);
  const [deleted, setDeleted] = useState<Department | null>(null);
  const remove = useMutation({
    mutationFn: (id: number) => deleteDepartment(id),
    onSuccess: async () => {
      setDeleted(null);
      await cache.invalidateQueries({ queryKey: departmentsQuery.queryKey });
    },
  });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={240} />;
  if (data.length === 0)
    return (
      <Empty title={t("departments.empty")}>
        <p>{t("departments.emptyText")}</p>
      </Empty>
    );
  const membersOf = (id: number) => (users.data ?? []).filter((u) => u.departments.some((d) => d.id === id));
  return (
    <section className="panel">
      <ul className="tree">
        {branchesOf(data).map(({ department, depth }) => {
          const members = membersOf(department.id);
          const heads = members.filter((u) => u.departments.some((d) => d.id === department.id && d.is_head));
          return (
            <li key={department.id} style={{ paddingInlineStart: `${Math.min(depth, 5) * 24}px` }}>
              <span className="grow">
                <b>{department.name}</b>{" "}
                <span className="muted">
                  {members.length === 1
                    ? t("departments.onePerson")
                    : t("departments.people", { n: members.length })}
                  {heads.length > 0 &&
                    ` · ${t("departments.headedBy", { names: heads.map((u) => u.name).join(t("list.comma")) })}`}
                </span>
              </span>
              <span className="row-actions">
                <Button
                  size="small"
                  aria-label={t("departments.addBelow", { name: department.name })}
                  onClick={() => onEdit({ department: null, parent: department.id })}
                >
                  {t("departments.below")}
                </Button>
                <Button
                  size="small"
                  aria-label={t("users.editNamed", { name: department.name })}
                  onClick={() => onEdit({ department, parent: department.parent })}
                >
                  {t("users.edit")}
                </Button>
                <Button
                  size="small"
                  danger
                  aria-label={t("record.deleteNamed", { name: department.name })}
                  onClick={() => {
                    remove.reset();
                    setDeleted(department);
                  }}
                >
                  {t("record.delete")}
                </Button>
              </span>
            </li>
          );
        })}
      </ul>
      {deleted && (
        <Confirm
          title={t("record.deleteSure", { title: deleted.name })}
          action={t("record.delete")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(deleted.id)}
          onClose={() => setDeleted(null)}
        >
          {remove.error && (
            <p className="wrong" role="alert">
              {remove.error.message || t("error.unreachable")}
            </p>
          )}
        </Confirm>
      )}
    </section>
  );
}

function DepartmentForm({ edited, onClose }: { edited: Edited; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const clear = useClear();
  const { department } = edited;
  const all = useQuery(departmentsQuery).data ?? [];
  const [name, setName] = useState(department?.name ?? "");
  const [kind, setKind] = useState(department?.kind ?? "");
  const [parent, setParent] = useState<number | null>(edited.parent);
  const [isTried, setTried] = useState(false);
  const save = useMutation({
    mutationFn: async () => {
      const draft = { name: name.trim(), kind: kind.trim() || null, parent };
      if (department) await changeDepartment(department.id, draft);
      else await addDepartment(draft);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: departmentsQuery.queryKey });
      await cache.invalidateQueries({ queryKey: usersQuery.queryKey });
      onClose();
    },
  });
  const barred = department ? belowOf(all, department.id) : new Set<number>();
  return (
    <SideForm
      title={department ? t("users.editNamed", { name: department.name }) : t("departments.add")}
      error={save.error ? save.error.message || t("error.unreachable") : null}
      isBusy={save.isPending}
      onSave={() => {
        setTried(true);
        if (name.trim()) save.mutate();
      }}
      onClose={onClose}
    >
      <Labelled
        label={t("departments.name")}
        fault={isTried && name.trim() === "" ? t("wrong.required") : undefined}
      >
        {(id) => <Input id={id} autoFocus value={name} onChange={(e) => setName(e.target.value)} />}
      </Labelled>
      <Labelled label={t("departments.kind")} note={t("departments.kindHelp")}>
        {(id) => <Input id={id} value={kind} onChange={(e) => setKind(e.target.value)} />}
      </Labelled>
      <Labelled label={t("departments.parent")}>
        {(id) => (
          <Select<number>
            id={id}
            aria-label={t("departments.parent")}
            allowClear={clear.select}
            placeholder={t("departments.top")}
            {...(parent === null ? {} : { value: parent })}
            onChange={(next: number | undefined) => setParent(next ?? null)}
            options={all.filter((d) => !barred.has(d.id)).map((d) => ({ value: d.id, label: d.name }))}
          />
        )}
      </Labelled>
    </SideForm>
  );
}
