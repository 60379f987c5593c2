// The name of where a file comes from, with the known ones offered.
import { useQuery } from "@tanstack/react-query";
import { Input } from "antd";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { mappingsQuery } from "../../api/queries";

export function SourceInput({
  label,
  help,
  value,
  isWrong = false,
  onChange,
}: {
  label: string;
  help: string;
  value: string;
  isWrong?: boolean;
  onChange: (name: string) => void;
}) {
  const { t } = useTranslation();
  const id = useId();
  const { data } = useQuery(mappingsQuery);
  return (
    <div className="source">
      <label htmlFor={id}>{label}</label>
      <Input
        id={id}
        list={`${id}known`}
        value={value}
        maxLength={80}
        placeholder={t("import.sourceExample")}
        aria-describedby={`${id}help`}
        aria-invalid={isWrong}
        {...(isWrong ? { status: "error" as const } : {})}
        onChange={(e) => onChange(e.target.value)}
      />
      <datalist id={`${id}known`}>
        {(data?.resources ?? []).map((saved) => (
          <option key={saved.name} value={saved.name} />
        ))}
      </datalist>
      <p id={`${id}help`} className={isWrong ? "wrong" : "note"}>
        {help}
      </p>
    </div>
  );
}
