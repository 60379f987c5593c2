// What is done with the records that are picked in a list: the same change of
// all of them, handing over, deleting. Shown before it is done, undone in one
// click after.
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, ConfigProvider, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type BatchAnswer, type EditBody, editRecords, newKey, undoBatch } from "../../api/batches";
import type { FieldDef, LinkTitle, ObjectDef, RecordFilter, Values } from "../../api/records";
import { codeOf } from "../../api/request";
import { coerce, type Draft } from "../../fields/coerce";
import { FieldInput } from "../../fields/field-input";
import { mayDo } from "../../fields/record";
import { RecordValue } from "../../fields/record-value";
import { useLang } from "../../i18n";
import "../../i18n/batches";
import { Counts, UnderWay } from "../../ui/batch-words";
import { Dialog } from "../../ui/dialog";
import { exactNumber, pickText } from "../../ui/format";
import "./sheet.css";

const N_FAULTS = 10;
const TOAST_S = 12;

/** Some by their ids, or all that match. */
export type Picked = { ids: Set<number>; isAll: boolean };
export const NO_PICK: Picked = { ids: new Set(), isAll: false };

type Wish = "edit" | "hand" | "delete";

export function BulkBar({
  object,
  filter,
  total,
  picked,
  onPick,
}: {
  object: ObjectDef;
  filter: RecordFilter;
  total: number;
  picked: Picked;
  onPick: (picked: Picked) => void;
}) {
  const { t } = useTranslation();
  const [wish, setWish] = useState<Wish | null>(null);
  const n = picked.isAll ? total : picked.ids.size;
  const mayChange = mayDo(object, "update");
  const owner = ownerOf(object);
  return (
    <section className="picked-bar" aria-label={t("batches.selected", { n: exactNumber(n) })}>
      <b role="status">{t("batches.selected", { n: exactNumber(n) })}</b>
      {!picked.isAll && total > picked.ids.size && (
        <Button size="small" type="link" onClick={() => onPick({ ids: picked.ids, isAll: true })}>
          {t("batches.allMatch", { n: exactNumber(total) })}
        </Button>
      )}
      {mayChange && (
        <Button size="small" onClick={() => setWish("edit")}>
          {t("batches.edit")}
        </Button>
      )}
      {mayChange && owner && (
        <Button size="small" onClick={() => setWish("hand")}>
          {t("batches.handOver")}
        </Button>
      )}
      {mayDo(object, "delete") && object.id !== "file" && (
        <Button size="small" danger onClick={() => setWish("delete")}>
          {t("batches.delete")}
        </Button>
      )}
      <Button size="small" type="text" onClick={() => onPick(NO_PICK)}>
        {t("batches.none")}
      </Button>
      {wish && (
        <BulkDialog
          object={object}
          wish={wish}
          n={n}
          which={picked.isAll ? whichOf(filter) : { ids: [...picked.ids] }}
          onClose={(isDone) => {
            setWish(null);
            if (isDone) onPick(NO_PICK);
          }}
        />
      )}
    </section>
  );
}

const whichOf = ({ where, search }: RecordFilter): EditBody => ({
  ...(where ? { where } : {}),
  ...(search ? { search } : {}),
});

/** The field of whose it is, where the reader may write it. */
const ownerOf = (object: ObjectDef): FieldDef | undefined =>
  object.fields.find((f) => f.id === "user" && f.to === "user" && !f.is_read_only && !f.is_masked);

function BulkDialog({
  object,
  wish,
  n,
  which,
  onClose,
}: {
  object: ObjectDef;
  wish: Wish;
  n: number;
  which: EditBody;
  onClose: (isDone: boolean) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const { message } = App.useApp();
  const open = object.fields.filter((f) => !f.is_read_only && !f.is_masked);
  const [id, setId] = useState<string | null>(wish === "hand" ? (ownerOf(object)?.id ?? null) : null);
  const field = open.find((f) => f.id === id);
  const [draft, setDraft] = useState<Draft>(null);
  const [link, setLink] = useState<LinkTitle | undefined>();
  const [fault, setFault] = useState<string | null>(null);
  const [answer, setAnswer] = useState<BatchAnswer | null>(null);
  const [busy, setBusy] = useState<{ key: string; isWriting: boolean } | null>(null);
  const isDelete = wish === "delete";
  const numbers = { n: exactNumber(n) };
  const title = isDelete
    ? t("batches.deleteTitle", numbers)
    : wish === "hand"
      ? t("batches.handOver")
      : t("batches.editTitle", numbers);

  const run = async (how: EditBody) => {
    const wanted = isDelete ? { delete: true } : valuesOf();
    if (!wanted) return;
    const key = newKey();
    setBusy({ key, isWriting: !how.check });
    setFault(null);
    try {
      const found = await editRecords(object.id, { ...which, ...wanted, ...how, key });
      if (how.check || (found.batch ?? null) === null) return setAnswer(found);
      const batch = found.batch as number;
      const done = found.n_updated + found.n_deleted;
      await cache.invalidateQueries({ queryKey: ["records"] });
      const toast = `batch-${batch}`;
      message.success({
        key: toast,
        duration: TOAST_S,
        content: (
          <>
            {t("batches.done", { n: exactNumber(done) })}{" "}
            <Button
              size="small"
              onClick={() =>
                undoBatch(batch).then(
                  async (undone) => {
                    await cache.invalidateQueries({ queryKey: ["records"] });
                    const first = undone.left[0];
                    const text = first
                      ? `${t("batches.notUndone")}: ${first.title ?? `#${first.id}`} ${first.detail}`
                      : t("batches.undone", { n: exactNumber(undone.n) });
                    if (first) message.error({ key: toast, content: text });
                    else message.success({ key: toast, content: text });
                  },
                  (error: Error) => message.error({ key: toast, content: error.message }),
                )
              }
            >
              {t("batches.undo")}
            </Button>
          </>
        ),
      });
      onClose(true);
    } catch (error) {
      setFault(
        codeOf(error) === "cancelled"
          ? t("batches.stopped")
          : (error as Error).message || t("error.unreachable"),
      );
    } finally {
      setBusy(null);
    }
  };
  const valuesOf = (): { values: Values } | null => {
    if (!field) return null;
    const result = coerce(field, draft);
    if ("value" in result) return { values: { [field.id]: result.value } };
    setFault(t(`wrong.${result.wrong}`));
    return null;
  };
  const fields = answer?.sample[0]
    ? object.fields.filter((f) => f.id in (answer.sample[0]?.after.values ?? {}))
    : [];
  const changed = answer ? answer.n_updated + answer.n_deleted : 0;

  return (
    <Dialog title={title} onClose={() => onClose(false)}>
      {/* Lists open within the dialog, which stands above all else. */}
      <ConfigProvider getPopupContainer={(node) => node?.parentElement ?? document.body}>
        <div className="bulk">
          {isDelete ? (
            <p className="note">{t("batches.deleteHelp")}</p>
          ) : (
            <>
              {wish === "edit" && (
                <div>
                  <span>{t("batches.field")}</span>
                  <Select<string>
                    className="whole-width"
                    aria-label={t("batches.field")}
                    showSearch={{ optionFilterProp: "label" }}
                    {...(id ? { value: id } : {})}
                    options={open.map((f) => ({ value: f.id, label: pickText(f.name, lang) }))}
                    onChange={(next) => {
                      setId(next);
                      setDraft(null);
                      setLink(undefined);
                      setAnswer(null);
                    }}
                  />
                </div>
              )}
              {field && (
                <div>
                  <span>{t("batches.value")}</span>
                  <FieldInput
                    field={field}
                    draft={draft}
                    link={link}
                    onChange={(next, nextLink) => {
                      setDraft(next);
                      setLink(nextLink);
                      setAnswer(null);
                    }}
                  />
                </div>
              )}
            </>
          )}
          {fault && (
            <p className="wrong" role="alert">
              {fault}
            </p>
          )}
          {busy && <UnderWay of={busy.key} isWriting={busy.isWriting} />}
          {answer && !busy && (
            <>
              <Counts answer={answer} />
              {answer.sample.length > 0 && (
                <table className="bulk-sample">
                  <caption className="note">
                    {t("batches.sample", { n: exactNumber(answer.sample.length) })}
                  </caption>
                  <thead>
                    <tr>
                      <th scope="col">{t("batches.record")}</th>
                      <th scope="col">{t("batches.before")}</th>
                      <th scope="col">{t("batches.after")}</th>
                    </tr>
                  </thead>
                  <tbody>
                    {answer.sample.slice(0, N_FAULTS).map((one) => (
                      <tr key={one.id}>
                        <td>{one.title ?? `#${one.id}`}</td>
                        {[one.before, one.after].map((side, at) => (
                          <td key={at}>
                            {fields.map((f) => (
                              <RecordValue key={f.id} field={f} row={{ id: one.id, ...side }} isPlain />
                            ))}
                          </td>
                        ))}
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
              {answer.faults.length > 0 && (
                <div>
                  <h3>{t("batches.refused")}</h3>
                  <ul className="batch-faults">
                    {answer.faults.slice(0, N_FAULTS).map((f, at) => (
                      <li key={at}>
                        <b>{f.title ?? `#${f.id}`}</b> {f.detail}
                      </li>
                    ))}
                    {answer.faults.length > N_FAULTS && (
                      <li>{t("batches.moreFaults", { n: exactNumber(answer.faults.length - N_FAULTS) })}</li>
                    )}
                  </ul>
                </div>
              )}
            </>
          )}
          <div className="controls">
            <Button onClick={() => onClose(false)}>{t("form.cancel")}</Button>
            {!answer ? (
              <Button
                type="primary"
                disabled={(!isDelete && !field) || busy !== null}
                onClick={() => void run({ check: true })}
              >
                {t("batches.preview")}
              </Button>
            ) : (
              changed > 0 && (
                <Button
                  type="primary"
                  danger={isDelete}
                  disabled={busy !== null}
                  onClick={() =>
                    void run({
                      position: answer.position,
                      leave_wrong: answer.n_wrong > 0,
                      ...(which.ids ? {} : { expect: n }),
                    })
                  }
                >
                  {answer.n_wrong > 0
                    ? t("batches.writeRight")
                    : t(isDelete ? "batches.delete" : "batches.write")}
                </Button>
              )
            )}
          </div>
        </div>
      </ConfigProvider>
    </Dialog>
  );
}
