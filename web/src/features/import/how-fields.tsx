// What an import does to what is known already, and where the file comes from.
import { Switch } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { How } from "../../api/upload";
import { SourceInput } from "./source-input";

const MODES = ["add", "update", "replace"] as const;

/** Only orders of the same source are replaced. */
export const lacksSource = (how: How): boolean => how.mode === "replace" && how.source.trim() === "";

export function HowFields({ how, onChange }: { how: How; onChange: (how: How) => void }) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="how">
      <fieldset>
        <legend>{t("import.how")}</legend>
        {MODES.map((mode) => (
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
                {t(`import.modes.${mode}.about`)}
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
