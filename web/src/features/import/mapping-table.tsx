// Which column is what? Shown when the file does not say it clearly.
import { Alert, Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Mapping } from "../../api/types";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { LoadError } from "../../ui/states";

const OBJECTS = ["customer", "order", "order_line", "product"];
// Written by the import itself, never read from a file.
const DERIVED = new Set([
  "order.ordered_on",
  "order.goods_amount",
  "order.gross_amount",
  "order.net_amount",
  "order.n_lines",
  "order_line.occurrence",
  "order_line.row_hash",
]);
const LEFT_OUT = "";

export function MappingTable({
  mapping,
  busy,
  error,
  onContinue,
  onCancel,
}: {
  mapping: Mapping;
  busy: boolean;
  error: Error | null;
  onContinue: (mapping: Mapping) => void;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const [fields, setFields] = useState(mapping.columns.map((c) => c.field));
  const groups = OBJECTS.flatMap((id) => catalog.objects.filter((o) => o.id === id)).map((object) => ({
    label: pickText(object.name, lang),
    options: object.fields
      .filter((f) => f.type !== "link" && !DERIVED.has(`${object.id}.${f.id}`))
      .map((f) => ({ value: `${object.id}.${f.id}`, label: pickText(f.name, lang) })),
  }));
  const options = [{ value: LEFT_OUT, label: t("mapping.leftOut") }, ...groups];
  const used = fields.filter((f): f is string => f !== null);
  const twice = used.find((f, i) => used.indexOf(f) !== i);
  const twiceName = groups.flatMap((g) => g.options).find((o) => o.value === twice)?.label;
  const continueWith = () =>
    onContinue({
      ...mapping,
      confident: true,
      columns: mapping.columns.map((c, i) => ({ ...c, field: fields[i] ?? null })),
    });
  return (
    <section className="panel">
      <h2>{t("mapping.title")}</h2>
      <p className="note">{t("mapping.help")}</p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("mapping.title")}>
        <table className="table mapping">
          <thead>
            <tr>
              <th scope="col">{t("mapping.heading")}</th>
              <th scope="col">{t("mapping.field")}</th>
              <th scope="col">{t("mapping.samples")}</th>
            </tr>
          </thead>
          <tbody>
            {mapping.columns.map((column, i) => (
              <tr key={i}>
                <th scope="row">{column.heading}</th>
                <td>
                  <Select
                    aria-label={t("mapping.fieldOf", { name: column.heading })}
                    value={fields[i] ?? LEFT_OUT}
                    onChange={(next) => setFields(fields.map((f, at) => (at === i ? next || null : f)))}
                    options={options}
                    showSearch={{ optionFilterProp: "label" }}
                    popupMatchSelectWidth={false}
                    style={{ width: "100%", minWidth: 150 }}
                  />
                  {column.reason && <p className="note">{column.reason}</p>}
                </td>
                <td className="samples">{column.samples.slice(0, 4).join(" · ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {twice && <Alert type="warning" showIcon title={t("mapping.twice", { name: twiceName ?? twice })} />}
      {error && <LoadError error={error} />}
      <div className="controls">
        <Button type="primary" loading={busy} disabled={twice !== undefined} onClick={continueWith}>
          {t("mapping.continue")}
        </Button>
        <Button onClick={onCancel}>{t("import.cancel")}</Button>
      </div>
    </section>
  );
}
