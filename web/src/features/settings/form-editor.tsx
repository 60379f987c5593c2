// One public form: what its answers become, what is asked in which order, what
// is written with every answer, and until when.
import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Input, Switch } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import {
  addForm,
  changeForm,
  type FormDraft,
  type FormField,
  formsQuery,
  type PublicForm,
} from "../../api/forms";
import type { FieldDef, ObjectDef } from "../../api/records";
import { coerce, type Draft } from "../../fields/coerce";
import { DayInput } from "../../fields/day-input";
import { FieldInput } from "../../fields/field-input";
import { mayDo } from "../../fields/record";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { Labelled, SideForm } from "../../ui/side-form";

type Text = { zh: string; en: string };
type Fixed = Record<string, Draft>;

const NO_TEXT: Text = { zh: "", en: "" };

/** What may be asked or given: not what only the program sets, nor what has to be one's own. */
const fits = (object: ObjectDef, field: FieldDef): boolean =>
  !field.is_read_only && !field.is_masked && !field.unique && field.id !== object.number;

export function FormEditor({ form, onClose }: { form: PublicForm | null; onClose: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const cache = useQueryClient();
  const objects = useObjects().filter((o) => mayDo(o, "create"));
  const first = objects.find((o) => o.id === "customer") ?? objects[0];
  const given = form?.draft;
  const [object, setObject] = useState(given?.object ?? first?.id ?? "");
  const [title, setTitle] = useState<Text>(given?.title ?? NO_TEXT);
  const [about, setAbout] = useState<Text>(given?.about ?? NO_TEXT);
  const [thanks, setThanks] = useState<Text>(given?.thanks ?? NO_TEXT);
  const [fields, setFields] = useState<FormField[]>(given?.fields ?? []);
  const [fixed, setFixed] = useState<Fixed>((given?.fixed as Fixed | undefined) ?? {});
  const [isActive, setActive] = useState(given?.is_active ?? true);
  const [endsOn, setEndsOn] = useState(given?.ends_on ?? "");
  const [max, setMax] = useState(given?.max_answers ? String(given.max_answers) : "");
  const [isTried, setTried] = useState(false);
  const def = objects.find((o) => o.id === object);
  const usable = def ? def.fields.filter((f) => fits(def, f)) : [];
  const isNamed = (id: string) => fields.some((f) => f.field === id) || id in fixed;
  const left = usable.filter((f) => !isNamed(f.id));

  const values: Record<string, unknown> = {};
  const badFixed: Record<string, string> = {};
  for (const [id, draft] of Object.entries(fixed)) {
    const field = def?.fields.find((f) => f.id === id);
    const read = field ? coerce(field, draft) : { value: draft };
    if ("wrong" in read) badFixed[id] = t(`wrong.${read.wrong}`);
    else values[id] = read.value;
  }
  const isCount = max.trim() === "" || /^\d{1,7}$/.test(max.trim());

  const save = useMutation({
    mutationFn: async () => {
      const draft: FormDraft = {
        object,
        title,
        about,
        thanks,
        fields,
        fixed: values as FormDraft["fixed"],
        is_active: isActive,
        ends_on: endsOn.trim() || null,
        max_answers: max.trim() ? Number(max) : null,
      };
      if (form) await changeForm(form.id, draft);
      else await addForm(draft);
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: formsQuery.queryKey });
      onClose();
    },
  });
  const told = save.error instanceof ApiError ? (save.error.problem.fields ?? []) : [];
  const faultOf = (id: string): string | undefined => told.find((f) => f.field === id)?.detail;
  const nameOf = (id: string): string => {
    const field = def?.fields.find((f) => f.id === id);
    return field ? pickText(field.name, lang) : id;
  };
  // What is wrong with something that stands nowhere in the form.
  const isHere = (id: string) => isNamed(id) || ["title", "fields", "max_answers"].includes(id);
  const others = told.filter((f) => !isHere(f.field)).map((f) => `${nameOf(f.field)}: ${f.detail}`);
  const general = save.error
    ? told.length > 0
      ? others.join(" ") || null
      : save.error.message || t("error.unreachable")
    : null;

  const put = (at: number, next: FormField) => setFields(fields.map((f, i) => (i === at ? next : f)));
  const move = (at: number, by: number) => {
    const next = [...fields];
    const [one] = next.splice(at, 1);
    if (one) next.splice(at + by, 0, one);
    setFields(next);
  };
  const choose = (label: string, id: string, options: FieldDef[], onChoose: (id: string) => void) => (
    <select id={id} aria-label={label} value="" onChange={(e) => e.target.value && onChoose(e.target.value)}>
      <option value="">{t("forms.choose")}</option>
      {options.map((f) => (
        <option key={f.id} value={f.id}>
          {pickText(f.name, lang)}
        </option>
      ))}
    </select>
  );

  return (
    <SideForm
      title={form ? t("forms.editOf", { title: form.draft.title.zh }) : t("forms.new")}
      error={general}
      isBusy={save.isPending}
      onSave={() => {
        setTried(true);
        if (title.zh.trim() && isCount && Object.keys(badFixed).length === 0) save.mutate();
      }}
      onClose={onClose}
    >
      <Labelled label={t("forms.object")} fault={faultOf("object")}>
        {(id) => (
          <select
            id={id}
            value={object}
            onChange={(e) => {
              setObject(e.target.value);
              // Another object has other fields.
              setFields([]);
              setFixed({});
            }}
          >
            {objects.map((o) => (
              <option key={o.id} value={o.id}>
                {pickText(o.name, lang)}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <TwoTexts
        labels={[t("forms.titleZh"), t("forms.titleEn")]}
        text={title}
        fault={faultOf("title") ?? (isTried && !title.zh.trim() ? t("wrong.required") : undefined)}
        onChange={setTitle}
      />
      <TwoTexts isLong labels={[t("forms.aboutZh"), t("forms.aboutEn")]} text={about} onChange={setAbout} />
      <fieldset className="form-group">
        <legend>{t("forms.fields")}</legend>
        {faultOf("fields") && (
          <p className="wrong" role="alert">
            {faultOf("fields")}
          </p>
        )}
        <ol className="form-rows">
          {fields.map((asked, at) => (
            <Asked
              key={asked.field}
              asked={asked}
              name={nameOf(asked.field)}
              isNeeded={def?.fields.find((f) => f.id === asked.field)?.required ?? false}
              isFirst={at === 0}
              isLast={at === fields.length - 1}
              fault={faultOf(asked.field)}
              onChange={(next) => put(at, next)}
              onMove={(by) => move(at, by)}
              onRemove={() => setFields(fields.filter((_, i) => i !== at))}
            />
          ))}
        </ol>
        <Labelled label={t("forms.addField")}>
          {(id) =>
            choose(
              t("forms.addField"),
              id,
              left.filter((f) => f.type !== "link"),
              (field) => setFields([...fields, { field, is_required: false }]),
            )
          }
        </Labelled>
      </fieldset>
      <fieldset className="form-group">
        <legend>{t("forms.fixed")}</legend>
        <p className="note">{t("forms.fixedNote")}</p>
        {Object.keys(fixed).map((id) => {
          const field = def?.fields.find((f) => f.id === id);
          const remove = () => setFixed(Object.fromEntries(Object.entries(fixed).filter(([f]) => f !== id)));
          return (
            <Labelled key={id} label={nameOf(id)} fault={faultOf(id) ?? (isTried ? badFixed[id] : undefined)}>
              {(control) => (
                <span className="form-row">
                  <span style={{ flex: 1, minWidth: 0 }}>
                    {field && (
                      <FieldInput
                        id={control}
                        field={field}
                        draft={fixed[id] ?? null}
                        onChange={(draft) => setFixed({ ...fixed, [id]: draft })}
                      />
                    )}
                  </span>
                  <Button
                    aria-label={`${nameOf(id)} ${t("forms.remove")}`}
                    icon={<DeleteOutlined aria-hidden="true" />}
                    onClick={remove}
                  />
                </span>
              )}
            </Labelled>
          );
        })}
        <Labelled label={t("forms.addFixed")}>
          {(id) => choose(t("forms.addFixed"), id, left, (field) => setFixed({ ...fixed, [field]: null }))}
        </Labelled>
      </fieldset>
      <TwoTexts
        isLong
        labels={[t("forms.thanksZh"), t("forms.thanksEn")]}
        text={thanks}
        onChange={setThanks}
      />
      <Labelled label={t("forms.endsOn")}>
        {(id) => <DayInput id={id} label={t("forms.endsOn")} value={endsOn} onChange={setEndsOn} />}
      </Labelled>
      <Labelled
        label={t("forms.max")}
        fault={faultOf("max_answers") ?? (isTried && !isCount ? t("forms.maxWrong") : undefined)}
      >
        {(id) => (
          <Input id={id} inputMode="numeric" value={max} onChange={(e) => setMax(e.target.value.trim())} />
        )}
      </Labelled>
      <Labelled label={t("forms.active")}>
        {(id) => <Switch id={id} aria-label={t("forms.active")} checked={isActive} onChange={setActive} />}
      </Labelled>
      <p className="note">{t("forms.ownerHelp")}</p>
    </SideForm>
  );
}

function TwoTexts({
  labels,
  text,
  fault,
  isLong = false,
  onChange,
}: {
  labels: [string, string];
  text: Text;
  fault?: string | undefined;
  isLong?: boolean;
  onChange: (text: Text) => void;
}) {
  return (["zh", "en"] as const).map((one, at) => (
    <Labelled key={one} label={labels[at] ?? ""} fault={at === 0 ? fault : undefined}>
      {(id) =>
        isLong ? (
          <Input.TextArea
            id={id}
            autoSize={{ minRows: 1, maxRows: 6 }}
            value={text[one]}
            onChange={(e) => onChange({ ...text, [one]: e.target.value })}
          />
        ) : (
          <Input
            id={id}
            value={text[one]}
            maxLength={200}
            onChange={(e) => onChange({ ...text, [one]: e.target.value })}
          />
        )
      }
    </Labelled>
  ));
}

function Asked({
  asked,
  name,
  isNeeded,
  isFirst,
  isLast,
  fault,
  onChange,
  onMove,
  onRemove,
}: {
  asked: FormField;
  name: string;
  /** By the object itself. */
  isNeeded: boolean;
  isFirst: boolean;
  isLast: boolean;
  fault: string | undefined;
  onChange: (next: FormField) => void;
  onMove: (by: number) => void;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const texts = [
    ["label", "zh", "forms.labelZh"],
    ["label", "en", "forms.labelEn"],
    ["help", "zh", "forms.helpZh"],
    ["help", "en", "forms.helpEn"],
  ] as const;
  return (
    <li aria-label={name}>
      <div className="form-row">
        <strong>{name}</strong>
        <label className="switch">
          <input
            type="checkbox"
            aria-label={`${name} ${t("forms.required")}`}
            checked={isNeeded || (asked.is_required ?? false)}
            disabled={isNeeded}
            onChange={(e) => onChange({ ...asked, is_required: e.target.checked })}
          />
          {t("forms.required")}
        </label>
        <Button
          size="small"
          aria-expanded={isOpen}
          aria-label={`${name} ${t("forms.more")}`}
          onClick={() => setOpen(!isOpen)}
        >
          {t("forms.more")}
        </Button>
        <Button
          size="small"
          disabled={isFirst}
          aria-label={`${name} ${t("forms.up")}`}
          icon={<ArrowUpOutlined aria-hidden="true" />}
          onClick={() => onMove(-1)}
        />
        <Button
          size="small"
          disabled={isLast}
          aria-label={`${name} ${t("forms.down")}`}
          icon={<ArrowDownOutlined aria-hidden="true" />}
          onClick={() => onMove(1)}
        />
        <Button
          size="small"
          aria-label={`${name} ${t("forms.remove")}`}
          icon={<DeleteOutlined aria-hidden="true" />}
          onClick={onRemove}
        />
      </div>
      {isOpen && (
        <div className="form-texts">
          {texts.map(([part, lang, word]) => (
            <Labelled key={word} label={t(word)}>
              {(id) => (
                <Input
                  id={id}
                  value={asked[part]?.[lang] ?? ""}
                  maxLength={200}
                  onChange={(e) =>
                    onChange({ ...asked, [part]: { ...NO_TEXT, ...asked[part], [lang]: e.target.value } })
                  }
                />
              )}
            </Labelled>
          ))}
        </div>
      )}
      {fault && (
        <p className="wrong" role="alert">
          {fault}
        </p>
      )}
    </li>
  );
}
