// Which columns a list shows: the reader's choice, kept in this browser.
import { SettingOutlined } from "@ant-design/icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ObjectDef } from "../../api/records";
import { defaultColumns, keptColumns } from "../../fields/record";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { Menu } from "../../ui/menu";

const keyOf = (object: ObjectDef) => `keji.columns.${object.id}`;

function read(object: ObjectDef): string[] {
  try {
    return keptColumns(object, JSON.parse(localStorage.getItem(keyOf(object)) ?? "null"));
  } catch {
    return defaultColumns(object);
  }
}

export function useColumns(object: ObjectDef): [string[], (columns: string[] | null) => void] {
  const [columns, setColumns] = useState(() => read(object));
  return [
    columns,
    (next) => {
      if (next === null) localStorage.removeItem(keyOf(object));
      else localStorage.setItem(keyOf(object), JSON.stringify(next));
      setColumns(next ?? defaultColumns(object));
    },
  ];
}

export function ColumnChooser({
  object,
  columns,
  onChange,
}: {
  object: ObjectDef;
  columns: string[];
  onChange: (columns: string[] | null) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <Menu
      className="hide-phone columns"
      label={
        <>
          <SettingOutlined aria-hidden="true" /> {t("records.columns")}
        </>
      }
    >
      <ul>
        {object.fields.map((field) => (
          <li key={field.id}>
            <label className="switch">
              <input
                type="checkbox"
                checked={columns.includes(field.id)}
                // The last one stays: a list without columns says nothing.
                disabled={columns.length === 1 && columns[0] === field.id}
                onChange={(e) =>
                  onChange(e.target.checked ? [...columns, field.id] : columns.filter((c) => c !== field.id))
                }
              />
              {pickText(field.name, lang)}
            </label>
          </li>
        ))}
        <li>
          <button type="button" onClick={() => onChange(null)}>
            {t("records.columnsDefault")}
          </button>
        </li>
      </ul>
    </Menu>
  );
}
