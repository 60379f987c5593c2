// What is worked out whenever it is read: a formula, or a number of the
// records that link here.
import { Button, Input } from "antd";
import { useTranslation } from "react-i18next";
import type { DerivedDraft } from "../../api/design";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { Labelled } from "../../ui/side-form";
import { UNITS } from "./draft";

const WHAT = ["count", "sum", "min", "max"] as const;

export function DerivedEditor({
  one,
  at,
  object,
  example,
  fault,
  onChange,
  onRemove,
}: {
  one: DerivedDraft;
  at: number;
  /** The object that it belongs to; empty of a new one, to which nothing links yet. */
  object: string;
  example: string;
  fault: string | undefined;
  onChange: (next: DerivedDraft) => void;
  onRemove: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const linking = objects.flatMap((o) =>
    o.fields.filter((f) => f.type === "link" && f.to === object && object !== "").map((f) => ({ o, f })),
  );
  const rollup = one.rollup ?? null;
  const gathered = objects.find((o) => o.id === rollup?.of);
  const numbers = (gathered?.fields ?? []).filter(
    (f) =>
      ["decimal", "int", "float"].includes(f.type) ||
      (rollup?.what !== "sum" && ["date", "instant"].includes(f.type)),
  );
  const first = linking[0];
  const name = pickText(one.name, lang) || t("design.derivedOf", { n: at + 1 });
  return (
    <li className="design-rule" aria-label={name}>
      <div className="form-grid">
        <Labelled label={t("design.nameZh")}>
          {(id) => (
            <Input
              id={id}
              value={one.name.zh}
              maxLength={60}
              onChange={(e) => onChange({ ...one, name: { en: "", ...one.name, zh: e.target.value } })}
            />
          )}
        </Labelled>
        <Labelled label={t("design.nameEn")}>
          {(id) => (
            <Input
              id={id}
              value={one.name.en}
              maxLength={60}
              onChange={(e) => onChange({ ...one, name: { zh: "", ...one.name, en: e.target.value } })}
            />
          )}
        </Labelled>
        <Labelled label={t("design.how")} {...(first ? {} : { note: t("design.nothingLinks") })}>
          {(id) => (
            <select
              id={id}
              value={rollup ? "rollup" : "formula"}
              onChange={(e) =>
                onChange(
                  e.target.value === "rollup" && first
                    ? {
                        ...one,
                        formula: null,
                        rollup: { of: first.o.id, by: first.f.id, what: "count", value: null, where: null },
                      }
                    : { ...one, formula: one.formula ?? "", rollup: null },
                )
              }
            >
              <option value="formula">{t("design.formula")}</option>
              <option value="rollup" disabled={!first}>
                {t("design.rollup")}
              </option>
            </select>
          )}
        </Labelled>
        <Labelled label={t("design.unit")}>
          {(id) => (
            <select
              id={id}
              value={one.unit ?? ""}
              onChange={(e) => onChange({ ...one, unit: e.target.value || null })}
            >
              <option value="">{t("design.units.none")}</option>
              {UNITS.map((unit) => (
                <option key={unit} value={unit}>
                  {t(`design.units.${unit}`)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
        {rollup ? (
          <>
            <Labelled label={t("design.gatherFrom")}>
              {(id) => (
                <select
                  id={id}
                  value={`${rollup.of}.${rollup.by}`}
                  onChange={(e) => {
                    const [of = "", by = ""] = e.target.value.split(".");
                    onChange({ ...one, rollup: { of, by, what: "count", value: null, where: null } });
                  }}
                >
                  {linking.map(({ o, f }) => (
                    <option key={`${o.id}.${f.id}`} value={`${o.id}.${f.id}`}>
                      {pickText(o.name, lang)} · {pickText(f.name, lang)}
                    </option>
                  ))}
                </select>
              )}
            </Labelled>
            <Labelled label={t("design.gather")}>
              {(id) => (
                <select
                  id={id}
                  value={rollup.what}
                  onChange={(e) => {
                    const what = WHAT.find((w) => w === e.target.value) ?? "count";
                    onChange({ ...one, rollup: { ...rollup, what, value: null } });
                  }}
                >
                  {WHAT.map((what) => (
                    <option key={what} value={what}>
                      {t(`design.gathers.${what}`)}
                    </option>
                  ))}
                </select>
              )}
            </Labelled>
            {rollup.what !== "count" && (
              <Labelled label={t("design.gatherOf")}>
                {(id) => (
                  <select
                    id={id}
                    value={rollup.value ?? ""}
                    onChange={(e) =>
                      onChange({ ...one, rollup: { ...rollup, value: e.target.value || null } })
                    }
                  >
                    <option value="" />
                    {numbers.map((f) => (
                      <option key={f.id} value={f.id}>
                        {pickText(f.name, lang)}
                      </option>
                    ))}
                  </select>
                )}
              </Labelled>
            )}
            <Labelled label={t("design.gatherWhere")} fault={fault}>
              {(id) => (
                <Input
                  id={id}
                  className="mono"
                  value={rollup.where ?? ""}
                  onChange={(e) => onChange({ ...one, rollup: { ...rollup, where: e.target.value || null } })}
                />
              )}
            </Labelled>
          </>
        ) : (
          <Labelled label={t("design.formula")} note={t("design.formulaHelp", { example })} fault={fault}>
            {(id) => (
              <Input
                id={id}
                className="mono"
                value={one.formula ?? ""}
                onChange={(e) => onChange({ ...one, formula: e.target.value })}
              />
            )}
          </Labelled>
        )}
      </div>
      <Button onClick={onRemove} aria-label={`${name} ${t("design.remove")}`}>
        {t("design.remove")}
      </Button>
    </li>
  );
}
