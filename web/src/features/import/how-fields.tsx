// What an import does to what is known already, and where the file comes from.
import { Select, Switch } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { How } from "../../api/upload";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { useImports } from "../../ui/session";
import { SEARCH_SIGN } from "../../ui/signs";
import { SourceInput } from "./source-input";

const MODES = ["add", "update", "replace"] as const;
const ORDERS = "";

/** Only orders of the same source are replaced. */
export const lacksSource = (how: How): boolean => how.mode === "replace" && how.source.trim() === "";

export function HowFields({ how, onChange }: { how: How; onChange: (how: How) => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const id = useId();
  const { orders, objects } = useImports();
  const object = objects.find((o) => o.id === how.object);
  // Only orders are replaced, and only what has a number is known again.
  const modes = MODES.filter((mode) => !object || mode === "add" || (mode === "update" && object.number));
  const kinds = [
    ...(orders ? [{ value: ORDERS, label: t("import.orders") }] : []),
    ...objects.map((o) => ({ value: o.id, label: pickText(o.name, lang) })),
  ];
  return (
    <div className="how">
      {kinds.length > 1 && (
        <div className="how-kind">
          <label htmlFor={`${id}kind`}>{t("import.kind")}</label>
          <Select
            id={`${id}kind`}
            value={how.object ?? ORDERS}
            onChange={(next) => onChange({ ...how, mode: "add", object: next === ORDERS ? undefined : next })}
            options={kinds}
            showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
            popupMatchSelectWidth={false}
          />
        </div>
      )}
      <fieldset>
        <legend>{t("import.how")}</legend>
        {modes.map((mode) => (
          <label key={mode} className="mode-choice">
            <input
              type="radio"
              name={`${id}mode`}
              value={mode}
              checked={how.mode === mode}
              onChange={() => onChange({ ...how, mode })}
              aria-labelledby={`${id}${mode}name`}
              aria-describedby={`${id}${mode}`}
            />
            <span>
              <b id={`${id}${mode}name`}>{t(`import.modes.${mode}.name`)}</b>
              <span id={`${id}${mode}`} className="note">
                {object && mode !== "replace"
                  ? t(`import.recordModes.${mode}`)
                  : t(`import.modes.${mode}.about`)}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="how-more">
        <SourceInput
          label={how.mode === "replace" ? t("import.sourceNeeded") : t("import.source")}
          help={lacksSource(how) ? t("import.replaceNeedsSource") : t("import.sourceHelp")}
          isWrong={lacksSource(how)}
          value={how.source}
          onChange={(source) => onChange({ ...how, source })}
        />
        <Choice
          label={t("import.review")}
          isOn={how.review}
          onChange={(review) => onChange({ ...how, review })}
        />
        <Choice
          label={t("import.dryRun")}
          isOn={how.dryRun}
          onChange={(dryRun) => onChange({ ...how, dryRun })}
        />
      </div>
    </div>
  );
}

function Choice({
  label,
  isOn,
  onChange,
}: {
  label: string;
  isOn: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the switch is the control, and is named by the label's text.
    <label className="switch">
      <Switch size="small" checked={isOn} onChange={onChange} aria-label={label} />
      {label}
    </label>
  );
}
