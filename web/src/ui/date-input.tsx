// A civil date as `2010-12-09` in every language; taken over on Enter or when
// the field is left, and only if there is such a day.
import { Input } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { isDate } from "./period";

export function DateInput({
  value,
  label,
  onChange,
}: {
  value: string;
  label: string;
  onChange: (date: string) => void;
}) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const done = () => {
    if (isDate(text)) {
      if (text !== value) onChange(text);
    } else {
      setText(value);
    }
  };
  return (
    <Input
      className="date"
      aria-label={label}
      placeholder={t("date.example")}
      inputMode="numeric"
      maxLength={10}
      status={isDate(text) ? undefined : "warning"}
      value={text}
      onChange={(e) => setText(e.target.value.trim())}
      onBlur={done}
      onPressEnter={done}
    />
  );
}
