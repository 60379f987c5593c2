// A link to another record: search as you type over the records that the
// reader may see.
import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type LinkTitle, type RecordFilter, recordsQuery } from "../api/records";
import { useObjects } from "../ui/session";
import { SEARCH_SIGN, useClear } from "../ui/signs";
import { findObject, namesOf, titleOf } from "./record";

const TYPING_MS = 250;
const N_OPTIONS = 30;

export function LinkInput({
  id,
  to,
  value,
  known,
  label,
  status,
  autoFocus,
  onChange,
}: {
  id?: string | undefined;
  to: string;
  value: number | null;
  /** What the value is called, where that is known already. */
  known?: LinkTitle | undefined;
  label: string;
  status?: "error" | undefined;
  autoFocus?: boolean | undefined;
  onChange: (value: number | null, link: LinkTitle | undefined) => void;
}) {
  const { t } = useTranslation();
  const object = findObject(useObjects(), to);
  const clear = useClear();
  const [typed, setTyped] = useState("");
  const [search, setSearch] = useState("");
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const names = object ? namesOf(object) : [];
  const filter: RecordFilter = {
    ...(search ? { search } : {}),
    ...(names[0] ? { sort: names[0] } : {}),
  };
  const found = useQuery({
    ...recordsQuery(to, { ...filter, fields: names, limit: N_OPTIONS }),
    enabled: isOpen && object !== undefined,
  });
  const [chosen, setChosen] = useState<LinkTitle | undefined>(known);
  const options = useMemo(() => {
    const rows = object
      ? (found.data?.rows ?? []).map((row) => ({ value: row.id, label: titleOf(object, row) }))
      : [];
    const current = chosen?.id === value ? chosen : known?.id === value ? known : undefined;
    // What is chosen keeps its name, also where the search does not find it.
    if (value !== null && !rows.some((o) => o.value === value))
      return [{ value, label: current?.title ?? `#${value}` }, ...rows];
    return rows;
  }, [object, found.data, value, chosen, known]);
  return (
    <Select<number>
      {...(id ? { id } : {})}
      className="whole-width"
      aria-label={label}
      status={status ?? ""}
      autoFocus={autoFocus ?? false}
      allowClear={clear.select}
      showSearch={{ filterOption: false, onSearch: setTyped, searchIcon: SEARCH_SIGN }}
      placeholder={t("field.search")}
      notFoundContent={found.isFetching ? t("field.searching") : t("field.nothingFound")}
      {...(value === null ? {} : { value })}
      options={options}
      onOpenChange={setOpen}
      onChange={(next: number | undefined) => {
        const option = options.find((o) => o.value === next);
        const link = next === undefined || !option ? undefined : { id: next, title: option.label };
        setChosen(link);
        onChange(next ?? null, link);
      }}
    />
  );
}
