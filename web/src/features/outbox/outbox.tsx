// What waits on this device: sent when there is a network, one after the other,
// and shown until it has arrived.
import { CloudSyncOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { createRecord, type LinkTitle, objectsQuery, type RecordPage, type Values } from "../../api/records";
import { send, withQuery } from "../../api/request";
import type { Drafts } from "../../fields/coerce";
import { NewRecord } from "../../fields/new-record";
import { findObject } from "../../fields/record";
import "../../i18n/outbox";
import "./outbox.css";
import { Dialog } from "../../ui/dialog";
import { showInstant } from "../../ui/format";
import { drop, explain, useOutbox, type Waiting } from "../../ui/outbox";
import { useOnline } from "../../ui/use-online";

/** A server that is away may be back. */
const AGAIN_MS = 30_000;

/** A customer that was written as a name is looked for; `null` where it is not sure which one is meant. */
async function customerOf(text: string): Promise<LinkTitle | null> {
  const query = { search: text, fields: "name,number", limit: 5 };
  const { body } = await send<RecordPage>("GET", withQuery("/api/records/customer", query));
  const isMeant = (row: RecordPage["rows"][number]) =>
    row.values.name === text || row.values.number === text || body.rows.length === 1;
  const found = body.rows.filter(isMeant);
  const one = found.length === 1 ? found[0] : undefined;
  return one ? { id: one.id, title: String(one.values.name ?? text) } : null;
}

export function Outbox({ user }: { user: number }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const isOnline = useOnline();
  const items = useOutbox().filter((one) => one.user === user);
  const [isOpen, setOpen] = useState(false);
  const [isSending, setSending] = useState(false);
  const isBusy = useRef(false);
  const attempt = useCallback(
    async (wanted: Waiting[]) => {
      if (isBusy.current || wanted.length === 0) return;
      isBusy.current = true;
      setSending(true);
      let sent = 0;
      for (const one of wanted) {
        try {
          const values = { ...one.values } as Values;
          if (typeof values.customer === "string") {
            const customer = await customerOf(values.customer);
            if (!customer) {
              explain(one.key, t("outbox.whichCustomer", { name: values.customer }));
              continue;
            }
            values.customer = customer.id;
          }
          await createRecord(one.object, values, one.key);
          drop(one.key);
          sent += 1;
        } catch (error) {
          // Without an answer nothing is known: it stays, and goes again later.
          if (!(error instanceof ApiError) || error.problem.status >= 500 || error.problem.status === 429)
            break;
          explain(one.key, error.message);
        }
      }
      isBusy.current = false;
      setSending(false);
      if (sent === 0) return;
      void message.success(t("outbox.sent", { n: sent }));
      await cache.invalidateQueries({ queryKey: ["records"] });
    },
    [cache, message, t],
  );
  const fresh = items.filter((one) => !one.problem);
  const rest = useRef(fresh);
  rest.current = fresh;
  const n = fresh.length;
  useEffect(() => {
    if (!isOnline || n === 0) return;
    void attempt(rest.current);
    const again = window.setInterval(() => void attempt(rest.current), AGAIN_MS);
    return () => window.clearInterval(again);
  }, [isOnline, n, attempt]);
  if (items.length === 0) return null;
  return (
    <>
      <Button
        className="outbox"
        icon={<CloudSyncOutlined aria-hidden="true" />}
        danger={items.some((one) => one.problem)}
        onClick={() => setOpen(true)}
      >
        <span className="outbox-words">{t("outbox.waiting", { n: items.length })}</span>
        <span className="outbox-count" aria-hidden="true">
          {items.length}
        </span>
      </Button>
      {isOpen && (
        <Dialog title={t("outbox.title")} onClose={() => setOpen(false)}>
          <p className="note">{t(isOnline ? "outbox.note" : "outbox.noteOffline")}</p>
          <ul className="outbox-list">
            {items.map((one) => (
              <Item key={one.key} one={one} onDone={() => drop(one.key)} />
            ))}
          </ul>
          <div className="controls">
            <Button onClick={() => setOpen(false)}>{t("form.cancel")}</Button>
            <Button
              type="primary"
              disabled={!isOnline}
              loading={isSending}
              onClick={() => void attempt(items)}
            >
              {t("outbox.sendNow")}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Item({ one, onDone }: { one: Waiting; onDone: () => void }) {
  const { t } = useTranslation();
  const objects = useQuery(objectsQuery);
  const object = findObject(objects.data, one.object);
  const [isEditing, setEditing] = useState(false);
  const [isGoing, setGoing] = useState(false);
  // What was written as a name is chosen anew.
  const isText = typeof one.values.customer === "string";
  const drafts = Object.fromEntries(
    Object.entries(one.values).filter(([field]) => !(isText && field === "customer")),
  ) as Drafts;
  return (
    <li>
      <strong>{one.title}</strong> <span className="muted">{showInstant(one.at)}</span>
      {one.problem && (
        <p className="wrong" role="alert">
          {one.problem}
        </p>
      )}
      <div className="controls">
        {one.problem && object && <Button onClick={() => setEditing(true)}>{t("outbox.edit")}</Button>}
        {isGoing ? (
          <Button danger onClick={onDone}>
            {t("outbox.discardSure")}
          </Button>
        ) : (
          <Button onClick={() => setGoing(true)}>{t("outbox.discard")}</Button>
        )}
      </div>
      {isEditing && object && (
        <NewRecord
          object={object}
          given={{ drafts, links: {} }}
          onDone={() => {
            setEditing(false);
            onDone();
          }}
          onClose={() => setEditing(false)}
        />
      )}
    </li>
  );
}
