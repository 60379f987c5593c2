// A few records, and what a metric has to be over them.
import { PlusOutlined } from "@ant-design/icons";
import { Button, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { GivenDraft, MetricDraft } from "../../api/design";
import type { CatalogField } from "../../api/types";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { DateInput } from "../../ui/date-input";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { Labelled } from "../../ui/side-form";
import { noText, withAt, without } from "./draft";
import { sampleOf, shownColumns } from "./metric-draft";

export function ExampleEditor({
  draft,
  fault,
  onChange,
}: {
  draft: MetricDraft;
  fault: string | undefined;
  onChange: (next: MetricDraft["example"]) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const { example } = draft;
  const set = (part: Partial<MetricDraft["example"]>) => onChange({ ...example, ...part });
  const known = new Set(example.given.map((g) => g.object));
  return (
    <Panel title={t("ownMetric.example")} note={t("ownMetric.exampleNote")} className="example-edit">
      <div className="form-grid">
        <Labelled label={t("ownMetric.exampleAbout")}>
          {(at) => (
            <Input
              id={at}
              value={lang === "zh" ? example.about?.zh : example.about?.en}
              maxLength={500}
              onChange={(e) => set({ about: { ...noText(), ...example.about, [lang]: e.target.value } })}
            />
          )}
        </Labelled>
        <div className="form-field">
          <span className="dates">
            <DateInput label={t("ownMetric.first")} value={example.from} onChange={(from) => set({ from })} />
            <span aria-hidden="true">–</span>
            <DateInput label={t("ownMetric.last")} value={example.to} onChange={(to) => set({ to })} />
          </span>
        </div>
      </div>
      {example.given.map((given, at) => (
        <Given
          key={given.object}
          given={given}
          draft={draft}
          onChange={(next) => set({ given: withAt(example.given, at, next) })}
          onRemove={() => set({ given: without(example.given, at) })}
        />
      ))}
      <div className="form-grid">
        <Labelled label={t("ownMetric.addObject")}>
          {(id) => (
            <select
              id={id}
              value=""
              onChange={(e) => {
                const object = catalog.objects.find((o) => o.id === e.target.value);
                if (object) set({ given: [...example.given, sampleOf(object)] });
              }}
            >
              <option value="" />
              {catalog.objects
                .filter((o) => !known.has(o.id))
                .map((o) => (
                  <option key={o.id} value={o.id}>
                    {pickText(o.name, lang)}
                  </option>
                ))}
            </select>
          )}
        </Labelled>
        <Labelled label={t("ownMetric.is")} note={t("ownMetric.isHelp")} fault={fault}>
          {(id) => (
            <Input
              id={id}
              inputMode="decimal"
              value={example.is ?? ""}
              onChange={(e) => set({ is: e.target.value || null })}
            />
          )}
        </Labelled>
      </div>
    </Panel>
  );
}

function Given({
  given,
  draft,
  onChange,
  onRemove,
}: {
  given: GivenDraft;
  draft: MetricDraft;
  onChange: (next: GivenDraft) => void;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const object = catalog.objects.find((o) => o.id === given.object);
  if (!object) return null;
  const name = pickText(object.name, lang);
  const columns = shownColumns(object, given, draft);
  const fields = columns.flatMap((id) => object.fields.filter((f) => f.id === id));
  const put = (row: number, field: string, text: string) =>
    onChange({ ...given, rows: withAt(given.rows, row, { ...given.rows[row], [field]: text }) });
  return (
    <section className="given-edit" aria-label={name}>
      <h3>{name}</h3>
      <Select
        mode="multiple"
        className="layout-fields"
        aria-label={`${name}: ${t("ownMetric.columns")}`}
        placeholder={t("ownMetric.columns")}
        value={columns}
        optionFilterProp="label"
        onChange={(chosen: string[]) =>
          onChange({
            ...given,
            rows: given.rows.map((row) => Object.fromEntries(chosen.map((id) => [id, row[id] ?? ""]))),
          })
        }
        options={object.fields.map((f) => ({ value: f.id, label: pickText(f.name, lang) }))}
      />
      <div className="table-scroll" tabIndex={0} role="region" aria-label={name}>
        <table className="table">
          <thead>
            <tr>
              {fields.map((f) => (
                <th key={f.id} scope="col">
                  {pickText(f.name, lang)}
                </th>
              ))}
              <th scope="col">
                <span className="visually-hidden">{t("design.remove")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {given.rows.map((row, n) => (
              <tr key={n}>
                {fields.map((f) => (
                  <td key={f.id}>
                    <Cell
                      field={f}
                      label={t("ownMetric.cell", { n: n + 1, name: pickText(f.name, lang) })}
                      value={row[f.id] ?? ""}
                      onChange={(text) => put(n, f.id, text)}
                    />
                  </td>
                ))}
                <td>
                  <Button
                    size="small"
                    aria-label={t("ownMetric.removeRow", { n: n + 1 })}
                    onClick={() => onChange({ ...given, rows: without(given.rows, n) })}
                  >
                    ×
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="controls">
        <Button
          icon={<PlusOutlined aria-hidden="true" />}
          onClick={() => onChange({ ...given, rows: [...given.rows, { ...given.rows.at(-1) }] })}
        >
          {t("ownMetric.addRow")}
        </Button>
        <Button onClick={onRemove}>{t("ownMetric.removeRecords", { name })}</Button>
      </div>
    </section>
  );
}

function Cell({
  field,
  label,
  value,
  onChange,
}: {
  field: CatalogField;
  label: string;
  value: string;
  onChange: (text: string) => void;
}) {
  const lang = useLang();
  if (field.type === "choice")
    return (
      <select aria-label={label} value={value} onChange={(e) => onChange(e.target.value)}>
        <option value="" />
        {field.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option[lang]}
          </option>
        ))}
      </select>
    );
  return <Input aria-label={label} value={value} onChange={(e) => onChange(e.target.value)} />;
}
