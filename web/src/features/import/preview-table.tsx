// The first rows of a file, each cell with what it is read as; on a phone one
// card for each column.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ColumnMapping, Preview, PreviewRow } from "../../api/types";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { usePhone } from "../../ui/use-media";

const CARD_ROWS = 4;

type Shown = {
  columns: ColumnMapping[];
  /** The place of each column among a row's cells. */
  places: number[];
  preview: Preview | undefined;
  head: (at: number) => ReactNode;
};

export function PreviewTable(shown: Shown) {
  return usePhone() ? <Cards {...shown} /> : <Wide {...shown} />;
}

/** Whether a row's problem is this column's: some are of the whole row. */
const isOf = (row: PreviewRow, column: ColumnMapping): boolean => row.problem?.column === column.heading;

function Cell({ row, column, place }: { row: PreviewRow; column: ColumnMapping; place: number }) {
  const lang = useLang();
  const raw = row.cells[place] ?? "";
  const value = column.field && !row.is_left_out ? row.values[column.field] : undefined;
  const isSame = value !== undefined && value === raw.trim();
  return (
    <>
      <span className={isSame ? "raw as-is" : "raw"}>{raw || " "}</span>
      {isOf(row, column) ? (
        <span className="wrong">{pickText(row.problem, lang)}</span>
      ) : (
        value !== undefined && !isSame && <span className="typed">{value}</span>
      )}
    </>
  );
}

function Wide({ columns, places, preview, head }: Shown) {
  const { t } = useTranslation();
  const lang = useLang();
  const rows = preview?.rows ?? [];
  const hasSheets = rows.some((r) => r.sheet);
  return (
    <div className="table-scroll preview" tabIndex={0} role="region" aria-label={t("mapping.rows")}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col" className="row-number">
              {t("mapping.row")}
            </th>
            {columns.map((column, i) => (
              <th scope="col" key={i} className={column.field ? undefined : "out"}>
                <span className="heading">{column.heading}</span>
                {head(i)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.sheet ?? ""}${row.row}`} className={row.is_left_out ? "left-out" : undefined}>
              <th scope="row" className="row-number">
                {row.row}
                {hasSheets && <small>{row.sheet}</small>}
                {row.is_left_out && <small className="chip">{t("mapping.rowLeftOut")}</small>}
                {row.problem && !columns.some((c) => isOf(row, c)) && (
                  <small className="wrong">{pickText(row.problem, lang)}</small>
                )}
              </th>
              {columns.map((column, i) => (
                <td
                  key={i}
                  className={[column.field ? "" : "out", isOf(row, column) ? "bad" : ""].join(" ").trim()}
                >
                  <Cell row={row} column={column} place={places[i] ?? -1} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cards({ columns, places, preview, head }: Shown) {
  const { t } = useTranslation();
  const lang = useLang();
  const rows = preview?.rows ?? [];
  const ofRows = rows.filter((r) => r.problem && !columns.some((c) => isOf(r, c)));
  return (
    <>
      <ul className="column-cards">
        {columns.map((column, i) => {
          const faulty = rows.filter((r) => isOf(r, column));
          const first = rows.filter((r) => !r.is_left_out && !faulty.includes(r));
          const cells = [...faulty, ...first].slice(0, CARD_ROWS);
          return (
            <li key={i} className={column.field ? "" : "out"}>
              <h3>{column.heading}</h3>
              {head(i)}
              <ul className="cells-of">
                {cells.map((row) => (
                  <li key={`${row.sheet ?? ""}${row.row}`}>
                    <Cell row={row} column={column} place={places[i] ?? -1} />
                  </li>
                ))}
              </ul>
            </li>
          );
        })}
      </ul>
      {ofRows.map((row) => (
        <p key={row.row} className="wrong">
          {t("error.row", { row: row.row })} · {pickText(row.problem, lang)}
        </p>
      ))}
    </>
  );
}
