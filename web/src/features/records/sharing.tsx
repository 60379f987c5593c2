// With whom a customer is shared, and to share it.
import { ShareAltOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { endShare, type Share, type ShareDraft, shareCustomer, sharesQuery } from "../../api/session";
import "../../i18n/people";
import { DayInput } from "../../fields/day-input";
import { LinkInput } from "../../fields/link-input";
import { Confirm } from "../../ui/dialog";
import { Panel } from "../../ui/panel";
import { Labelled, SideForm } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";

export function Sharing({ customer }: { customer: number }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(sharesQuery(customer));
  const [isNew, setNew] = useState(false);
  const [ending, setEnding] = useState<Share | null>(null);
  const renew = () => cache.invalidateQueries({ queryKey: sharesQuery(customer).queryKey });
  const end = useMutation({
    mutationFn: (share: Share) => endShare(customer, share.id),
    onSuccess: async () => {
      setEnding(null);
      await renew();
    },
  });
  return (
    <Panel
      title={t("share.title")}
      note={t("share.note")}
      actions={
        data?.may_change && (
          <Button icon={<ShareAltOutlined aria-hidden="true" />} onClick={() => setNew(true)}>
            {t("share.add")}
          </Button>
        )
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={48} />
      ) : data.shares.length === 0 ? (
        <p className="nothing">{t("share.none")}</p>
      ) : (
        <ul className="tree">
          {data.shares.map((share) => (
            <li key={share.id}>
              <span className="grow">
                <b>{share.name}</b>{" "}
                <span className="muted">
                  {share.department !== null && `${t("share.department")} · `}
                  {t(`share.${share.access}`)}
                  {share.until && ` · ${t("share.untilDay", { day: share.until })}`}
                </span>
              </span>
              {data.may_change && (
                <span className="row-actions">
                  <Button
                    size="small"
                    aria-label={t("share.endNamed", { name: share.name })}
                    onClick={() => {
                      end.reset();
                      setEnding(share);
                    }}
                  >
                    {t("share.end")}
                  </Button>
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {isNew && (
        <ShareForm
          customer={customer}
          onDone={async () => {
            setNew(false);
            await renew();
          }}
          onClose={() => setNew(false)}
        />
      )}
      {ending && (
        <Confirm
          title={t("share.endSure", { name: ending.name })}
          action={t("share.end")}
          isBusy={end.isPending}
          onConfirm={() => end.mutate(ending)}
          onClose={() => setEnding(null)}
        >
          {end.error && (
            <p className="wrong" role="alert">
              {end.error.message || t("error.unreachable")}
            </p>
          )}
        </Confirm>
      )}
    </Panel>
  );
}

function ShareForm({
  customer,
  onDone,
  onClose,
}: {
  customer: number;
  onDone: () => Promise<void>;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<"user" | "department">("user");
  const [draft, setDraft] = useState<ShareDraft>({ access: "read" });
  const [missing, setMissing] = useState(false);
  const save = useMutation({ mutationFn: () => shareCustomer(customer, draft), onSuccess: onDone });
  const chosen = draft[kind] ?? null;
  return (
    <SideForm
      title={t("share.add")}
      error={save.error ? save.error.message || t("error.unreachable") : null}
      isBusy={save.isPending}
      onSave={() => {
        setMissing(chosen === null);
        if (chosen !== null) save.mutate();
      }}
      onClose={onClose}
    >
      <Labelled label={t("share.kind")}>
        {(id) => (
          <Select
            id={id}
            value={kind}
            options={[
              { value: "user" as const, label: t("share.user") },
              { value: "department" as const, label: t("share.department") },
            ]}
            onChange={(next) => {
              setKind(next);
              setDraft(({ user: _u, department: _d, ...rest }) => rest);
            }}
          />
        )}
      </Labelled>
      <Labelled
        label={t(`share.${kind}`)}
        note={kind === "department" ? t("share.departmentHelp") : undefined}
        fault={missing && chosen === null ? t("share.missing") : undefined}
      >
        {(id) => (
          <LinkInput
            key={kind}
            id={id}
            to={kind}
            value={chosen}
            label={t(`share.${kind}`)}
            onChange={(next) =>
              setDraft(({ user: _u, department: _d, ...rest }) =>
                next === null ? rest : { ...rest, [kind]: next },
              )
            }
          />
        )}
      </Labelled>
      <Labelled label={t("share.access")}>
        {(id) => (
          <Select
            id={id}
            value={draft.access}
            options={(["read", "write"] as const).map((a) => ({ value: a, label: t(`share.${a}`) }))}
            onChange={(access) => setDraft((d) => ({ ...d, access }))}
          />
        )}
      </Labelled>
      <Labelled label={t("share.until")} note={t("share.untilHelp")}>
        {(id) => (
          <DayInput
            id={id}
            label={t("share.until")}
            value={draft.until ?? ""}
            onChange={(day) => setDraft(({ until: _, ...rest }) => (day ? { ...rest, until: day } : rest))}
          />
        )}
      </Labelled>
    </SideForm>
  );
}
