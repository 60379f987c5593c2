// Search, conditions and the expression that they make. The expression can be
// written by hand; one that says more than conditions can stays a text.
import { CloseOutlined, FilterOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Input, Select } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { FieldDef, ObjectDef } from "../../api/records";
import { DayInput } from "../../fields/day-input";
import { LinkInput } from "../../fields/link-input";
import { findFieldOf } from "../../fields/record";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { SEARCH_SIGN, useClear } from "../../ui/signs";
import { arity, type Condition, type Filter, fromExpression, type Op, opsOf, toExpression } from "./filter";
import type { RecordsSearch } from "./search";

const TYPING_MS = 300;

export function FilterBar({
  object,
  search,
  onChange,
}: {
  object: ObjectDef;
  search: RecordsSearch;
  onChange: (next: RecordsSearch) => void;
}) {
  const { t } = useTranslation();
  const clear = useClear();
  const [text, setText] = useState(search.search ?? "");
  const [isOpen, setOpen] = useState(search.where !== undefined);
  useEffect(() => setText(search.search ?? ""), [search.search]);
  useEffect(() => {
    if (text === (search.search ?? "")) return;
    const timer = setTimeout(() => {
      const { search: _, ...rest } = search;
      onChange(text ? { ...rest, search: text } : rest);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, search, onChange]);
  const setWhere = (where: string) => {
    const { where: _, ...rest } = search;
    onChange(where.trim() ? { ...rest, where: where.trim() } : rest);
  };
  const isSearchable = object.fields.some((f) => f.search);
  return (
    <div className="filters record-filters">
      {isSearchable && (
        <Input
          className="grow search"
          allowClear={clear.input}
          prefix={SEARCH_SIGN}
          aria-label={t("records.search")}
          placeholder={t("records.search")}
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
      )}
      <Button
        icon={<FilterOutlined aria-hidden="true" />}
        aria-expanded={isOpen}
        className={search.where ? "is-on" : ""}
        onClick={() => setOpen(!isOpen)}
      >
        {t("customers.filters")}
      </Button>
      {search.where && !isOpen && <code className="ellipsis">{search.where}</code>}
      {isOpen && <Builder object={object} where={search.where ?? ""} onChange={setWhere} />}
    </div>
  );
}

type DayOp = "at_least" | "at_most" | "is" | "between" | "empty" | "not_empty";
const EMPTY: Filter = { join: "and", conditions: [] };

function Builder({
  object,
  where,
  onChange,
}: {
  object: ObjectDef;
  where: string;
  onChange: (where: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const [filter, setFilter] = useState<Filter | null>(() => fromExpression(object, where));
  const [text, setText] = useState(where);
  // Another expression, as by the browser's way back: it is read anew.
  useEffect(() => {
    setText(where);
    setFilter((now) => (now && toExpression(object, now) === where ? now : fromExpression(object, where)));
  }, [where, object]);

  const set = (next: Filter) => {
    setFilter(next);
    const made = toExpression(object, next);
    setText(made);
    if (made !== where) onChange(made);
  };
  const setCondition = (at: number, condition: Condition) =>
    filter && set({ ...filter, conditions: filter.conditions.map((c, i) => (i === at ? condition : c)) });
  const add = () => {
    const field = object.fields.find((f) => !f.is_masked);
    const base = filter ?? EMPTY;
    if (field)
      set({
        ...base,
        conditions: [...base.conditions, { field: field.id, op: opsOf(field)[0] ?? "is", values: [] }],
      });
  };
  const shown = filter ?? EMPTY;
  // Days are before and after, amounts are more and less.
  const wordOf = (field: FieldDef, op: Op) =>
    isDay(field) ? t(`filter.dayOps.${op as DayOp}`) : t(`filter.ops.${op}`);
  return (
    <section className="builder" aria-label={t("filter.title")}>
      {filter === null && <p className="note">{t("filter.byHand")}</p>}
      {shown.conditions.map((condition, at) => {
        const field = findFieldOf(object, condition.field);
        if (!field) return null;
        return (
          <div className="condition" key={at}>
            {at === 0 ? (
              <span className="muted join">{t("filter.where")}</span>
            ) : (
              <Select
                className="join"
                aria-label={t("filter.join")}
                value={shown.join}
                onChange={(join) => set({ ...shown, join })}
                options={[
                  { value: "and" as const, label: t("filter.and") },
                  { value: "or" as const, label: t("filter.or") },
                ]}
              />
            )}
            <Select
              aria-label={t("filter.field")}
              showSearch={{ optionFilterProp: "label" }}
              value={condition.field}
              onChange={(id) => {
                const next = findFieldOf(object, id);
                if (next) setCondition(at, { field: id, op: opsOf(next)[0] ?? "is", values: [] });
              }}
              options={object.fields
                .filter((f) => !f.is_masked)
                .map((f) => ({ value: f.id, label: pickText(f.name, lang) }))}
              popupMatchSelectWidth={false}
            />
            <Select<Op>
              aria-label={t("filter.op")}
              value={condition.op}
              onChange={(op) => {
                const n = arity(op);
                const values = n === null ? condition.values : condition.values.slice(0, n);
                setCondition(at, { ...condition, op, values });
              }}
              options={opsOf(field).map((op) => ({ value: op, label: wordOf(field, op) }))}
              popupMatchSelectWidth={false}
            />
            <Values
              field={field}
              condition={condition}
              onChange={(values) => setCondition(at, { ...condition, values })}
            />
            <Button
              type="text"
              icon={<CloseOutlined aria-hidden="true" />}
              aria-label={t("filter.remove")}
              onClick={() => set({ ...shown, conditions: shown.conditions.filter((_, i) => i !== at) })}
            />
          </div>
        );
      })}
      <div className="controls">
        {filter !== null && (
          <Button icon={<PlusOutlined aria-hidden="true" />} onClick={add}>
            {t("filter.add")}
          </Button>
        )}
        {(where !== "" || shown.conditions.length > 0) && (
          <Button type="text" onClick={() => set(EMPTY)}>
            {t("filter.clear")}
          </Button>
        )}
      </div>
      <form
        className="expression"
        onSubmit={(event) => {
          event.preventDefault();
          onChange(text);
        }}
      >
        <Input
          className="mono"
          aria-label={t("customers.expression")}
          placeholder={t("filter.example")}
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        <Button htmlType="submit" disabled={text.trim() === where}>
          {t("customers.apply")}
        </Button>
        <p className="note">{t("filter.expressionHelp")}</p>
      </form>
    </section>
  );
}

const isDay = (field: FieldDef) => field.type === "date" || field.type === "instant";

function Values({
  field,
  condition,
  onChange,
}: {
  field: FieldDef;
  condition: Condition;
  onChange: (values: string[]) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const n = arity(condition.op);
  if (n === 0) return null;
  if (n === null)
    return (
      <Select
        className="grow"
        mode="multiple"
        aria-label={t("filter.value")}
        placeholder={t("field.choose")}
        value={condition.values}
        onChange={onChange}
        options={(field.options ?? []).map((o) => ({ value: o.value, label: o[lang] }))}
      />
    );
  if (field.type === "link") {
    const id = Number(condition.values[0]);
    return (
      <span className="grow">
        <LinkInput
          to={field.to ?? ""}
          label={t("filter.value")}
          value={condition.values[0] && Number.isInteger(id) ? id : null}
          onChange={(next) => onChange(next === null ? [] : [String(next)])}
        />
      </span>
    );
  }
  return (
    <>
      {Array.from({ length: n }, (_, i) => (
        <Typed
          key={i}
          isDay={isDay(field)}
          label={t("filter.value")}
          value={condition.values[i] ?? ""}
          onChange={(value) =>
            onChange(Array.from({ length: n }, (_, at) => (at === i ? value : (condition.values[at] ?? ""))))
          }
        />
      ))}
    </>
  );
}

/** What is typed goes into the expression when the typing pauses. */
function Typed({
  isDay: asDay,
  label,
  value,
  onChange,
}: {
  isDay: boolean;
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, value, onChange]);
  if (asDay) return <DayInput label={label} value={text} onChange={setText} />;
  return <Input className="grow" aria-label={label} value={text} onChange={(e) => setText(e.target.value)} />;
}
