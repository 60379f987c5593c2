// A day, typed or chosen. Apart from the other kinds of input: a list that only
// filters by days does not load them.
import { CalendarOutlined } from "@ant-design/icons";
import { Input } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";

/** A day as `2026-01-31` in every language, with the browser's own calendar beside it. */
export function DayInput({
  label,
  value,
  onChange,
  ...more
}: {
  label: string;
  value: string;
  onChange: (day: string) => void;
} & Record<string, unknown>) {
  const { t } = useTranslation();
  const picker = useRef<HTMLInputElement>(null);
  return (
    <span className="day">
      <Input
        {...more}
        aria-label={label}
        placeholder={t("date.example")}
        inputMode="numeric"
        maxLength={10}
        value={value}
        onChange={(e) => onChange(e.target.value.trim())}
        suffix={
          <button
            type="button"
            className="day-button"
            aria-label={t("field.calendar", { name: label })}
            onClick={() => picker.current?.showPicker()}
          >
            <CalendarOutlined aria-hidden="true" />
          </button>
        }
      />
      <input
        ref={picker}
        type="date"
        className="day-picker"
        tabIndex={-1}
        aria-hidden="true"
        value={value}
        onChange={(e) => onChange(e.target.value)}
      />
    </span>
  );
}
