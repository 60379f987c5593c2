// One object: its name, fields, options and rules. A new one begins with what
// most have.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Button, Input, Select } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import {
  changeDesign,
  type DesignChange,
  type DesignedObject,
  type DesignOutcome,
  designQuery,
  type ObjectDesign,
  type ObjectDraft,
  objectDesignQuery,
} from "../../api/design";
import { useLang } from "../../i18n";
import "../../i18n/design";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";
import "./design.css";
import defaults from "./defaults.json";
import { DerivedEditor } from "./derived-editor";
import {
  type Fault,
  faultsByPlace,
  isSameAt,
  measuredBy,
  moved,
  newField,
  newObject,
  noText,
  withAt,
  without,
} from "./draft";
import { FieldEditor } from "./field-editor";
import { LayoutsEditor } from "./layouts-editor";
import { Preview } from "./preview";
import { TwoTexts } from "./two-texts";

export function ObjectDesignPage() {
  const { object } = useParams({ from: "/settings/design/$object" });
  const isNew = object === "new";
  const { t } = useTranslation();
  const lang = useLang();
  const design = useQuery(designQuery);
  const found = useQuery({ ...objectDesignQuery(object), enabled: !isNew });
  const fresh = useMemo<ObjectDesign>(
    () => ({
      version: 0,
      id: "",
      kind: "own",
      draft: newObject(defaults),
      given: [],
    }),
    [],
  );
  const one = isNew ? fresh : found.data;
  const error = design.error ?? (isNew ? null : found.error);
  return (
    <SettingsFrame
      area="design"
      title={one && !isNew ? pickText(one.draft.name, lang) : t("design.new")}
      {...(isNew ? { note: t("design.notice") } : {})}
      actions={
        <>
          {one && !isNew && (
            <Link to="/records/$object" params={{ object }} className="button-link plain">
              {t("design.open")}
            </Link>
          )}
          <Link to="/settings/design" className="button-link plain">
            {t("design.title")}
          </Link>
        </>
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => found.refetch()} />
      ) : one && design.data ? (
        <Editor
          key={`${one.id} ${design.data.version}`}
          one={one}
          version={design.data.version}
          objects={design.data.objects}
          isNew={isNew}
        />
      ) : (
        <Skeleton height={480} />
      )}
    </SettingsFrame>
  );
}

function Editor({
  one,
  version,
  objects,
  isNew,
}: {
  one: ObjectDesign;
  version: number;
  objects: readonly DesignedObject[];
  isNew: boolean;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const navigate = useNavigate();
  const [draft, setDraft] = useState<ObjectDraft>(one.draft);
  const [steps, setSteps] = useState<DesignOutcome["steps"] | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const [withMetrics, setWithMetrics] = useState(false);
  const isOwn = one.kind === "own";
  const isFixed = one.kind === "file" || one.kind === "module";
  const fields = draft.fields ?? [];
  const rules = draft.rules ?? [];
  const derived = draft.derived ?? [];
  const layouts = draft.layouts ?? [];
  const options = draft.options ?? [];
  const isChanged = isNew || withMetrics || JSON.stringify(draft) !== JSON.stringify(one.draft);
  const change = (dry_run: boolean, note: string, removes: boolean): DesignChange => ({
    version,
    note,
    dry_run,
    objects: [
      { id: isNew ? null : one.id, draft: removes ? null : draft, with_metrics: withMetrics && !removes },
    ],
    files: {},
  });
  const look = useMutation({
    mutationFn: ({ removes }: { draft: ObjectDraft; removes: boolean }) =>
      changeDesign(change(true, "", removes)),
    onSuccess: (outcome, { removes }) => {
      setRemoving(removes);
      setSteps(outcome.steps);
    },
  });
  const { here, elsewhere } = faultsByPlace(
    look.error instanceof ApiError ? (look.error.problem.fields as Fault[] | undefined) : undefined,
    isNew ? "" : one.id,
    objects.map((o) => o.id),
  );
  // What was mended since is no fault any more.
  const looked = look.variables?.draft;
  const faults = Object.fromEntries(
    Object.entries(here).filter(([place]) => looked && isSameAt(place, looked, draft)),
  );
  const isMended = Object.keys(here).length > 0 && Object.keys(faults).length + elsewhere.length === 0;
  const nameOf = (id: string | null) => pickText(objects.find((o) => o.id === id)?.name, lang);
  // What has no place in this form is told below it, with the object that it is of.
  const rest = [
    ...Object.entries(faults)
      .filter(([place]) => !/^(name$|(fields|rules|options|derived|layouts)\[)/.test(place))
      .map(([, detail]) => detail),
    ...elsewhere.map(({ object, detail }) =>
      nameOf(object) ? t("design.faultOf", { name: nameOf(object), detail }) : detail,
    ),
  ];
  const n_added = fields.length + rules.length + options.length + derived.length + layouts.length;
  const isRemovable = !isFixed && !isNew && (isOwn || n_added > 0);
  const set = (part: Partial<ObjectDraft>) => setDraft({ ...draft, ...part });
  const dates = fields.filter((f) => f.type === "date" && f.id);
  const choices = one.given.filter((f) => f.type === "choice");
  const all = [...one.given, ...fields].filter((f) => f.id);
  const objectId = one.id;
  const figure = all.find((f) => ["decimal", "int"].includes(f.type));
  const formula = figure?.id ? `${figure.id} * 1.13` : "customer.city";
  const example = dates[0]?.id ? `${dates[0].id} >= date '2026-01-01'` : "amount > 0";
  return (
    <form
      noValidate
      className="design"
      onSubmit={(event) => {
        event.preventDefault();
        look.mutate({ draft, removes: false });
      }}
    >
      {isOwn && (
        <section className="panel">
          <div className="form-grid">
            <TwoTexts
              labels={{ zh: t("design.nameZh"), en: t("design.nameEn") }}
              value={draft.name}
              fault={faults.name}
              maxLength={60}
              autoFocus={isNew}
              onChange={(name) => set({ name })}
            />
            <TwoTexts
              labels={{ zh: t("design.about"), en: t("design.aboutEn") }}
              value={draft.about}
              maxLength={500}
              onChange={(about) => set({ about })}
            />
            <Labelled label={t("design.measured")} note={t("design.measuredHelp")}>
              {(id) => (
                <select
                  id={id}
                  value={draft.measured_by ?? ""}
                  onChange={(e) => {
                    set(measuredBy(draft, e.target.value || null));
                    // Offered with the date; whoever wants other numbers takes it off.
                    setWithMetrics(e.target.value !== "" && !one.draft.measured_by);
                  }}
                >
                  <option value="">{t("design.notMeasured")}</option>
                  {dates.map((f) => (
                    <option key={f.id} value={f.id ?? ""}>
                      {pickText(f.name, lang)}
                    </option>
                  ))}
                </select>
              )}
            </Labelled>
            {draft.measured_by && (
              <div className="form-field">
                <label className="switch">
                  <input
                    type="checkbox"
                    checked={withMetrics}
                    onChange={(e) => setWithMetrics(e.target.checked)}
                  />
                  {t("design.withMetrics")}
                </label>
                <p className="note">{t("design.withMetricsHelp")}</p>
              </div>
            )}
            <div className="form-field">
              <label className="switch">
                <input
                  type="checkbox"
                  checked={draft.is_numbered ?? false}
                  onChange={(e) => set({ is_numbered: e.target.checked })}
                />
                {t("design.numbered")}
              </label>
              <p className="note">{t("design.numberedHelp")}</p>
            </div>
          </div>
        </section>
      )}
      <Panel title={isOwn ? t("design.fieldList") : t("design.addedFields")}>
        <ol className="design-fields">
          {fields.map((field, at) => (
            <FieldEditor
              // A new field has no id yet; its place is its name.
              key={field.id ?? `new ${at}`}
              field={field}
              at={at}
              isOwn={isOwn}
              isFixed={isFixed}
              isKnown={Boolean(field.id)}
              isLast={at === fields.length - 1}
              fault={faults[`fields[${at}]`]}
              onChange={(next) => {
                const others = next.is_title ? fields.map((f) => ({ ...f, is_title: false })) : fields;
                set({ fields: withAt(others, at, next) });
              }}
              onMove={(by) => set({ fields: moved(fields, at, at + by) })}
              onRemove={() => set({ fields: without(fields, at) })}
            />
          ))}
        </ol>
        {!isFixed && (
          <div className="controls design-add">
            <Button
              icon={<PlusOutlined aria-hidden="true" />}
              onClick={() => set({ fields: [...fields, newField("text")] })}
            >
              {t("design.addField")}
            </Button>
          </div>
        )}
      </Panel>
      {one.given.length > 0 && (
        <Panel title={t("design.given")}>
          <ul className="design-given">
            {one.given.map((field) => (
              <li key={field.id}>
                {pickText(field.name, lang)}{" "}
                <span className="muted">{t(`design.types.${field.type as "text"}`)}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {one.kind === "product" && choices.length > 0 && (
        <Panel title={t("design.addedOptions")}>
          <ol className="design-fields">
            {options.map((option, at) => (
              <li key={at} className="design-line">
                <Select
                  aria-label={t("design.addedOptionsField")}
                  value={option.field}
                  onChange={(field: string) => set({ options: withAt(options, at, { ...option, field }) })}
                  options={choices.map((f) => ({ value: f.id ?? "", label: pickText(f.name, lang) }))}
                />
                <Input
                  aria-label={t("design.optionOf", { n: at + 1 })}
                  value={option.zh}
                  status={faults[`options[${at}]`] ? "error" : ""}
                  onChange={(e) => set({ options: withAt(options, at, { ...option, zh: e.target.value }) })}
                />
                <Input
                  aria-label={t("design.optionEn", { n: at + 1 })}
                  placeholder={t("design.nameEn")}
                  value={option.en}
                  onChange={(e) => set({ options: withAt(options, at, { ...option, en: e.target.value }) })}
                />
                <Button onClick={() => set({ options: without(options, at) })}>{t("design.remove")}</Button>
                {faults[`options[${at}]`] && (
                  <p className="wrong" role="alert">
                    {faults[`options[${at}]`]}
                  </p>
                )}
              </li>
            ))}
          </ol>
          <div className="controls design-add">
            <Button
              icon={<PlusOutlined aria-hidden="true" />}
              onClick={() =>
                set({ options: [...options, { field: choices[0]?.id ?? "", value: "", zh: "", en: "" }] })
              }
            >
              {t("design.addOption")}
            </Button>
          </div>
        </Panel>
      )}
      {!isFixed && (
        <Panel title={t("design.derived")} note={t("design.derivedNote")}>
          <ol className="design-fields">
            {derived.map((one, at) => (
              <DerivedEditor
                key={one.id ?? `new ${at}`}
                one={one}
                at={at}
                object={isNew ? "" : objectId}
                example={formula}
                fault={faults[`derived[${at}]`]}
                onChange={(next) => set({ derived: withAt(derived, at, next) })}
                onRemove={() => set({ derived: without(derived, at) })}
              />
            ))}
          </ol>
          <div className="controls design-add">
            <Button
              icon={<PlusOutlined aria-hidden="true" />}
              onClick={() =>
                set({ derived: [...derived, { name: noText(), help: noText(), formula: "", rollup: null }] })
              }
            >
              {t("design.addDerived")}
            </Button>
          </div>
        </Panel>
      )}
      {!isFixed && !isNew && (
        <LayoutsEditor
          layouts={layouts}
          fields={[...all, ...derived].flatMap((f) => (f.id ? [{ id: f.id, name: f.name }] : []))}
          faults={faults}
          onChange={(next) => set({ layouts: next })}
        />
      )}
      {!isFixed && (
        <Panel title={t("design.rules")} note={t("design.rulesNote")}>
          <ol className="design-fields">
            {rules.map((rule, at) => (
              <li key={at} className="design-rule" aria-label={t("design.ruleOf", { n: at + 1 })}>
                <div className="form-grid">
                  <Labelled
                    label={t("design.check")}
                    note={t("design.checkHelp", { example })}
                    fault={faults[`rules[${at}]`]}
                  >
                    {(id) => (
                      <Input
                        id={id}
                        className="mono"
                        value={rule.check}
                        onChange={(e) =>
                          set({ rules: withAt(rules, at, { ...rule, check: e.target.value }) })
                        }
                      />
                    )}
                  </Labelled>
                  <Labelled label={t("design.at")}>
                    {(id) => (
                      <select
                        id={id}
                        value={rule.field}
                        onChange={(e) =>
                          set({ rules: withAt(rules, at, { ...rule, field: e.target.value }) })
                        }
                      >
                        {all.map((f) => (
                          <option key={f.id} value={f.id ?? ""}>
                            {pickText(f.name, lang)}
                          </option>
                        ))}
                      </select>
                    )}
                  </Labelled>
                  <Labelled label={t("design.message")}>
                    {(id) => (
                      <Input
                        id={id}
                        value={rule.message.zh}
                        onChange={(e) =>
                          set({
                            rules: withAt(rules, at, {
                              ...rule,
                              message: { ...rule.message, zh: e.target.value },
                            }),
                          })
                        }
                      />
                    )}
                  </Labelled>
                  <Labelled label={t("design.messageEn")}>
                    {(id) => (
                      <Input
                        id={id}
                        value={rule.message.en}
                        onChange={(e) =>
                          set({
                            rules: withAt(rules, at, {
                              ...rule,
                              message: { ...rule.message, en: e.target.value },
                            }),
                          })
                        }
                      />
                    )}
                  </Labelled>
                </div>
                <Button onClick={() => set({ rules: without(rules, at) })}>{t("design.remove")}</Button>
              </li>
            ))}
          </ol>
          <div className="controls design-add">
            <Button
              icon={<PlusOutlined aria-hidden="true" />}
              disabled={all.length === 0}
              onClick={() =>
                set({ rules: [...rules, { check: "", message: noText(), field: all[0]?.id ?? "" }] })
              }
            >
              {t("design.addRule")}
            </Button>
          </div>
        </Panel>
      )}
      {isRemovable && (
        <div className="controls design-remove">
          <Button danger onClick={() => look.mutate({ draft, removes: true })}>
            {isOwn ? t("design.removeObject") : t("design.removeAdded")}
          </Button>
        </div>
      )}
      {!isFixed && (
        <div className="form-foot design-foot">
          {look.error && !isMended && (
            <p className="wrong" role="alert">
              {Object.keys(faults).length + rest.length > 0
                ? t("design.faults")
                : look.error.message || t("error.unreachable")}
              {rest.map((detail) => (
                <span key={detail}> {detail}</span>
              ))}
            </p>
          )}
          <Button type="primary" htmlType="submit" disabled={!isChanged} loading={look.isPending}>
            {t("design.preview")}
          </Button>
        </div>
      )}
      {steps && (
        <Preview
          steps={steps}
          onApply={(note) => changeDesign(change(false, note, isRemoving))}
          onDone={(outcome) => {
            const made = outcome.objects[0];
            if (isRemoving && isOwn) void navigate({ to: "/settings/design" });
            else if (made) void navigate({ to: "/records/$object", params: { object: made } });
          }}
          onClose={() => setSteps(null)}
        />
      )}
    </form>
  );
}
