// Which column is what? Shown when the file does not say it clearly.
import { Alert, Button, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Mapping } from "../../api/types";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { SEARCH_SIGN } from "../../ui/signs";
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
const DATE = "order.ordered_at";
const FOUND = "found" as const;
const FORMATS = ["ymd", "dmy", "mdy", "serial"] as const;
// The codes by which the server says why; their texts are in the catalogue.
const REASONS = [
  "heading",
  "heading_part",
  "content",
  "content_product",
  "content_differs",
  "second_choice",
  "unknown",
  "given",
  "missing_date",
  "missing_amount",
  "missing_party",
  "ambiguous",
  "low_confidence",
  "date_order",
  "date_order_mixed",
  "amount_differs",
] as const;

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
  const [fields, setFields] = useState(mapping.columns.map((c) => c.field ?? null));
  const [formats, setFormats] = useState(mapping.columns.map((c) => c.format ?? null));
  const groups = OBJECTS.flatMap((id) => catalog.objects.filter((o) => o.id === id)).map((object) => ({
    label: pickText(object.name, lang),
    options: object.fields
      .filter((f) => f.type !== "link" && !DERIVED.has(`${object.id}.${f.id}`))
      .map((f) => ({ value: `${object.id}.${f.id}`, label: pickText(f.name, lang) })),
  }));
  const options = [{ value: LEFT_OUT, label: t("mapping.leftOut") }, ...groups];
  const used = fields.filter((f): f is string => f !== null);
  const twice = used.find((f, i) => used.indexOf(f) !== i);
  const continueWith = () =>
    onContinue({
      ...mapping,
      confident: true,
      columns: mapping.columns.map((c, i) => ({
        ...c,
        field: fields[i] ?? null,
        format: fields[i] === DATE ? (formats[i] ?? null) : null,
      })),
    });
  const reasonOf = (code: string | undefined) => {
    const known = REASONS.find((r) => r === code);
    return known ? t(`mapping.reasons.${known}`) : (code ?? "");
  };
  const fieldName = (path: string | null | undefined) =>
    groups.flatMap((g) => g.options).find((o) => o.value === path)?.label ?? path ?? "";
  return (
    <section className="panel">
      <h2>{t("mapping.title")}</h2>
      <p className="note">{t("mapping.help")}</p>
      {(mapping.notes ?? []).length > 0 && (
        <ul className="places">
          {(mapping.notes ?? []).map((note, i) => (
            <li key={i}>
              {[
                fieldName(note.field),
                reasonOf(note.code),
                (note.columns ?? []).join(lang === "zh" ? "、" : ", "),
              ]
                .filter(Boolean)
                .join(" · ")}
            </li>
          ))}
        </ul>
      )}
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
                    showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
                    popupMatchSelectWidth={false}
                    style={{ width: "100%", minWidth: 150 }}
                  />
                  {fields[i] === DATE && (
                    <Select
                      aria-label={t("mapping.format")}
                      value={formats[i] ?? FOUND}
                      onChange={(next) =>
                        setFormats(formats.map((f, at) => (at === i ? (next === FOUND ? null : next) : f)))
                      }
                      options={[FOUND, ...FORMATS].map((f) => ({
                        value: f,
                        label: t(`mapping.formats.${f}`),
                      }))}
                      popupMatchSelectWidth={false}
                    />
                  )}
                  {reasonOf(column.reason) && <p className="note">{reasonOf(column.reason)}</p>}
                </td>
                <td className="samples">{(column.samples ?? []).slice(0, 4).join(" · ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {twice && <Alert type="warning" showIcon title={t("mapping.twice", { name: fieldName(twice) })} />}
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
