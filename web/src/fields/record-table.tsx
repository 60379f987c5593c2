// Some records as a plain table; on a phone each is a card.
import type { FieldDef, ObjectDef, RecordRow } from "../api/records";
import { useLang } from "../i18n";
import { pickText } from "../ui/format";
import { findFieldOf, titleOf } from "./record";
import { alignOf, RecordLink, RecordValue } from "./record-value";

export function RecordTable({
  object,
  columns,
  rows,
  label,
}: {
  object: ObjectDef;
  columns: string[];
  rows: RecordRow[];
  label: string;
}) {
  const lang = useLang();
  const fields = columns.map((c) => findFieldOf(object, c)).filter((f): f is FieldDef => f !== undefined);
  // The first text leads to the record; a link there leads elsewhere.
  const lead = fields.find((f) => f.id === object.title) ?? fields.find((f) => f.type !== "link");
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="table as-cards">
        <thead>
          <tr>
            {fields.map((field) => (
              <th key={field.id} scope="col" className={alignOf(field)}>
                {pickText(field.name, lang)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              {fields.map((field) => (
                <td key={field.id} data-head={pickText(field.name, lang)} className={alignOf(field)}>
                  {field === lead ? (
                    <RecordLink
                      object={object.id}
                      id={row.id}
                      title={
                        field.id === object.title
                          ? titleOf(object, row)
                          : String(row.values[field.id] ?? `#${row.id}`)
                      }
                    />
                  ) : (
                    <RecordValue field={field} row={row} />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
