// What a person consents to, and every entry that says so.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { addConsent, consentsQuery, type Party } from "../../api/trust";
import { useLang } from "../../i18n";
import { Dialog } from "../../ui/dialog";
import { pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useObjects } from "../../ui/session";
import { Labelled } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";

const FIELDS = ["channel", "purpose", "state"] as const;

/** The words of the ledger's closed sets, as its definition has them. */
function useConsentWords() {
  const lang = useLang();
  const def = useObjects().find((o) => o.id === "consent");
  const options = (field: string) =>
    (def?.fields.find((f) => f.id === field)?.options ?? []).map((o) => ({
      value: o.value,
      label: o[lang],
    }));
  const name = (field: string) => {
    const found = def?.fields.find((f) => f.id === field);
    return found ? pickText(found.name, lang) : field;
  };
  const word = (field: string, value: string) =>
    options(field).find((o) => o.value === value)?.label ?? value;
  return { isKnown: def !== undefined, options, name, word };
}

export function Consents({ party, id, mayAdd }: { party: Party; id: number; mayAdd: boolean }) {
  const { t } = useTranslation();
  const words = useConsentWords();
  const [isAdding, setAdding] = useState(false);
  const found = useQuery({ ...consentsQuery(party, id), enabled: words.isKnown });
  if (!words.isKnown) return null;
  return (
    <Panel
      title={t("consent.title")}
      note={t("consent.note")}
      actions={
        mayAdd && (
          <Button icon={<PlusOutlined aria-hidden="true" />} onClick={() => setAdding(true)}>
            {t("consent.add")}
          </Button>
        )
      }
    >
      {found.error ? (
        <LoadError error={found.error} onRetry={() => found.refetch()} />
      ) : !found.data ? (
        <Skeleton height={80} />
      ) : found.data.entries.length === 0 ? (
        <p className="nothing">{t("consent.none")}</p>
      ) : (
        <>
          <ul className="consents">
            {found.data.states.map((s) => (
              <li key={`${s.channel}.${s.purpose}`}>
                <span>
                  {words.word("channel", s.channel)} · {words.word("purpose", s.purpose)}
                </span>{" "}
                <b className={s.state === "withdrawn" ? "wrong" : undefined}>
                  {words.word("state", s.state)}
                </b>
              </li>
            ))}
          </ul>
          <ol className="history">
            {found.data.entries.map((e) => (
              <li key={e.id}>
                <p>
                  <time dateTime={e.at}>{showInstant(e.at)}</time> <b>{words.word("state", e.state)}</b>{" "}
                  <span className="chip">{words.word("channel", e.channel)}</span>{" "}
                  <span className="chip">{words.word("purpose", e.purpose)}</span>{" "}
                  <span className="muted">
                    {t("consent.from", { source: e.source, who: e.recorded_by })}
                    {e.evidence && ` · ${e.evidence}`}
                  </span>
                </p>
              </li>
            ))}
          </ol>
        </>
      )}
      {isAdding && (
        <Dialog title={t("consent.add")} onClose={() => setAdding(false)}>
          <AddConsent party={party} id={id} onClose={() => setAdding(false)} />
        </Dialog>
      )}
    </Panel>
  );
}

function AddConsent({ party, id, onClose }: { party: Party; id: number; onClose: () => void }) {
  const { t } = useTranslation();
  const words = useConsentWords();
  const cache = useQueryClient();
  const [draft, setDraft] = useState({
    channel: "phone",
    purpose: "marketing",
    state: "given",
    source: "",
    evidence: "",
  });
  const add = useMutation({
    mutationFn: () => {
      const { evidence, ...rest } = draft;
      return addConsent(party, id, evidence ? { ...rest, evidence } : rest);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ["consents", party, id] });
      onClose();
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      {FIELDS.map((field) => (
        <Labelled key={field} label={words.name(field)}>
          {(inputId) => (
            <select
              id={inputId}
              value={draft[field]}
              onChange={(e) => setDraft({ ...draft, [field]: e.target.value })}
            >
              {words.options(field).map((o) => (
                <option key={o.value} value={o.value}>
                  {o.label}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      ))}
      {(["source", "evidence"] as const).map((field) => (
        <Labelled key={field} label={words.name(field)}>
          {(inputId) => (
            <Input
              id={inputId}
              value={draft[field]}
              onChange={(e) => setDraft({ ...draft, [field]: e.target.value })}
            />
          )}
        </Labelled>
      ))}
      {add.error && <Alert type="error" showIcon title={add.error.message || t("error.unreachable")} />}
      <div className="controls">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button type="primary" htmlType="submit" loading={add.isPending}>
          {t("form.save")}
        </Button>
      </div>
    </form>
  );
}
