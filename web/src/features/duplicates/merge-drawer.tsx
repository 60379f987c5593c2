// Two records side by side: of each field the value that is taken, and what
// comes along.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Drawer } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { mergeRecords, type PairBody, previewQuery, type Side } from "../../api/duplicates";
import type { FieldDef, ObjectDef } from "../../api/records";
import type { Value } from "../../api/types";
import { findObject } from "../../fields/record";
import { valueText } from "../../fields/record-value";
import { useLang } from "../../i18n";
import { exactNumber, pickText } from "../../ui/format";
import { layer } from "../../ui/layer";
import { useObjects } from "../../ui/session";
import { CLOSE_SIGN } from "../../ui/signs";
import { LoadError, Skeleton } from "../../ui/states";
import { usePhone } from "../../ui/use-media";

const SIDES = ["survivor", "loser"] as const;

export function MergeDrawer({
  object,
  pair,
  onDone,
  onClose,
}: {
  object: ObjectDef;
  pair: PairBody;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const phone = usePhone();
  const [isSwapped, setSwapped] = useState(false);
  const [survivor, loser] = isSwapped ? [pair.b, pair.a] : [pair.a, pair.b];
  return (
    <Drawer
      open
      size={phone ? "100%" : 760}
      title={t("duplicates.merging", { object: pickText(object.name, lang) })}
      getContainer={layer}
      closable={{ closeIcon: CLOSE_SIGN, "aria-label": t("explain.close") }}
      onClose={onClose}
    >
      <p className="note">{t("duplicates.mergeNote")}</p>
      <p>
        <Button onClick={() => setSwapped(!isSwapped)}>{t("duplicates.swap")}</Button>
      </p>
      <Preview
        key={survivor.id}
        object={object}
        survivor={survivor.id}
        loser={loser.id}
        onDone={onDone}
        onClose={onClose}
      />
    </Drawer>
  );
}

function Preview({
  object,
  survivor,
  loser,
  onDone,
  onClose,
}: {
  object: ObjectDef;
  survivor: number;
  loser: number;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const [sides, setSides] = useState<Record<string, Side>>({});
  const { data, error, refetch } = useQuery(previewQuery(object.id, survivor, loser));
  const merge = useMutation({
    mutationFn: () => mergeRecords(object.id, { survivor, loser, sides, versions: data?.versions ?? null }),
    onSuccess: onDone,
  });
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={320} />;
  const differing = data.fields.filter((f) => JSON.stringify(f.survivor) !== JSON.stringify(f.loser));
  const nameOf = (of: ObjectDef | undefined, id: string) => {
    const field = of?.fields.find((f) => f.id === id);
    return field ? pickText(field.name, lang) : id;
  };
  const text = (id: string, value: unknown) => {
    const field = object.fields.find((f) => f.id === id);
    return field ? shown(field, value as Value, lang, t("field.yes"), t("field.no")) : String(value ?? "");
  };
  return (
    <>
      <table className="table merge-table">
        <thead>
          <tr>
            <th scope="col">{t("duplicates.field")}</th>
            <th scope="col">{t("duplicates.stays")}</th>
            <th scope="col">{t("duplicates.goes")}</th>
          </tr>
        </thead>
        <tbody>
          {differing.map((field) => {
            const name = nameOf(object, field.field);
            const taken = sides[field.field] ?? field.taken;
            return (
              <tr key={field.field}>
                <th scope="row">{name}</th>
                {SIDES.map((side) => (
                  <td key={side}>
                    <label>
                      <input
                        type="radio"
                        name={`merge-${field.field}`}
                        checked={taken === side}
                        disabled={!field.may_choose}
                        onChange={() => setSides({ ...sides, [field.field]: side })}
                        aria-label={t(`duplicates.sides.${side}`, { field: name })}
                      />{" "}
                      {text(field.field, field[side])}
                    </label>
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="note">{t("duplicates.same", { n: data.fields.length - differing.length })}</p>
      <h3>{t("duplicates.moved")}</h3>
      {data.moved.length === 0 ? (
        <p className="note">{t("duplicates.movedNone")}</p>
      ) : (
        <ul>
          {data.moved.map((link) => {
            const other = findObject(objects, link.object);
            return (
              <li key={`${link.object}.${link.field}`}>
                {t("duplicates.movedOne", {
                  object: other ? pickText(other.name, lang) : link.object,
                  field: nameOf(other, link.field),
                  n: exactNumber(link.n),
                })}
              </li>
            );
          })}
        </ul>
      )}
      <p className="note">{t("duplicates.undoDays", { n: data.undo_days })}</p>
      {merge.error && <Alert type="error" showIcon title={merge.error.message || t("error.unreachable")} />}
      <div className="form-foot">
        <Button onClick={onClose}>{t("form.cancel")}</Button>
        <Button type="primary" loading={merge.isPending} onClick={() => merge.mutate()}>
          {t("duplicates.merge")}
        </Button>
      </div>
    </>
  );
}

const shown = (field: FieldDef, value: Value, lang: "zh" | "en", yes: string, no: string) =>
  valueText(field, value, lang, { yes, no });
