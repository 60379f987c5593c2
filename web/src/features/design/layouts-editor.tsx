// How the fields stand on pages and forms, by role: sections with their fields
// in order. What no section names is folded away.
import { PlusOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { LayoutDraft } from "../../api/design";
import { rolesQuery } from "../../api/session";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { Labelled } from "../../ui/side-form";
import { moved, noText, withAt, without } from "./draft";

export type Named = { id: string; name: { zh?: string; en?: string } };

export function LayoutsEditor({
  layouts,
  fields,
  faults,
  onChange,
}: {
  layouts: LayoutDraft[];
  /** All that the object has. */
  fields: Named[];
  faults: Record<string, string>;
  onChange: (next: LayoutDraft[]) => void;
}) {
  const { t } = useTranslation();
  const start = (): LayoutDraft => ({
    roles: [],
    sections: [
      { name: { zh: t("design.layouts.first"), en: "" }, fields: fields.slice(0, 6).map((f) => f.id) },
    ],
  });
  return (
    <Panel title={t("design.layouts.title")} note={t("design.layouts.note")}>
      <ol className="design-fields">
        {layouts.map((layout, at) => (
          <LayoutEditor
            key={at}
            layout={layout}
            at={at}
            fields={fields}
            faults={faults}
            onChange={(next) => onChange(withAt(layouts, at, next))}
            onRemove={() => onChange(without(layouts, at))}
          />
        ))}
      </ol>
      <div className="controls design-add">
        <Button icon={<PlusOutlined aria-hidden="true" />} onClick={() => onChange([...layouts, start()])}>
          {t("design.layouts.add")}
        </Button>
      </div>
    </Panel>
  );
}

function LayoutEditor({
  layout,
  at,
  fields,
  faults,
  onChange,
  onRemove,
}: {
  layout: LayoutDraft;
  at: number;
  fields: Named[];
  faults: Record<string, string>;
  onChange: (next: LayoutDraft) => void;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const roles = useQuery(rolesQuery);
  const sections = layout.sections ?? [];
  const set = (next: LayoutDraft["sections"]) => onChange({ ...layout, sections: next });
  const fault = Object.entries(faults).find(([place]) => place.startsWith(`layouts[${at}]`))?.[1];
  return (
    <li className="design-rule" aria-label={t("design.layouts.one", { n: at + 1 })}>
      <Labelled label={t("design.layouts.roles")} note={t("design.layouts.rolesNote")} fault={fault}>
        {(id) => (
          <Select
            id={id}
            mode="multiple"
            className="layout-fields"
            placeholder={t("design.layouts.everybody")}
            value={layout.roles ?? []}
            onChange={(chosen: string[]) => onChange({ ...layout, roles: chosen })}
            optionFilterProp="label"
            options={(roles.data ?? []).map((role) => ({ value: role.id, label: pickText(role.name, lang) }))}
          />
        )}
      </Labelled>
      <ol className="layout-sections">
        {sections.map((section, n) => (
          <li key={n} aria-label={t("design.layouts.section", { n: n + 1 })}>
            <div className="design-line">
              <Input
                aria-label={t("design.layouts.nameOf", { n: n + 1 })}
                placeholder={t("design.nameZh")}
                maxLength={60}
                value={section.name.zh}
                onChange={(e) =>
                  set(withAt(sections, n, { ...section, name: { ...section.name, zh: e.target.value } }))
                }
              />
              <Input
                aria-label={t("design.layouts.englishOf", { n: n + 1 })}
                placeholder={t("design.nameEn")}
                maxLength={60}
                value={section.name.en}
                onChange={(e) =>
                  set(withAt(sections, n, { ...section, name: { ...section.name, en: e.target.value } }))
                }
              />
              <span className="design-tools">
                <Button disabled={n === 0} onClick={() => set(moved(sections, n, n - 1))}>
                  {t("design.up")}
                </Button>
                <Button disabled={n === sections.length - 1} onClick={() => set(moved(sections, n, n + 1))}>
                  {t("design.down")}
                </Button>
                <Button onClick={() => set(without(sections, n))}>{t("design.remove")}</Button>
              </span>
            </div>
            <Select
              aria-label={t("design.layouts.fieldsOf", { n: n + 1 })}
              mode="multiple"
              className="layout-fields"
              value={section.fields ?? []}
              onChange={(chosen: string[]) => set(withAt(sections, n, { ...section, fields: chosen }))}
              optionFilterProp="label"
              options={fields.map((f) => ({
                value: f.id,
                label: pickText({ zh: "", en: "", ...f.name }, lang),
              }))}
            />
          </li>
        ))}
      </ol>
      <div className="controls">
        <Button onClick={() => set([...sections, { name: noText(), fields: [] }])}>
          {t("design.layouts.addSection")}
        </Button>
        <Button onClick={onRemove}>{t("design.layouts.remove")}</Button>
      </div>
    </li>
  );
}
