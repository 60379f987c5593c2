// Records as a table, a page at a time; on a phone each is a card.
import { DownOutlined, RightOutlined } from "@ant-design/icons";
import { Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Catalog, RowsBehind, Value } from "../../api/types";
import { CustomerLink } from "../../fields/customer-link";
import { FieldValue } from "../../fields/field-value";
import { OrderLines } from "../../fields/order-lines";
import { useLang } from "../../i18n";
import { findField, useCatalog } from "../../ui/catalog";
import { type Lang, NO_VALUE, pickText } from "../../ui/format";
import { Pager } from "../../ui/pager";

const PAGE = 25;
const MAX_COLUMNS = 7;
const NUMBERS = ["money", "count", "days", "pct", "score"];

type Column = { at: number; name: string; label: string; isNumber: boolean; isDate: boolean };

/** The columns that tell the records apart; the one that is added up always. */
function tellingColumns(
  found: RowsBehind,
  always: string | undefined,
  catalog: Catalog,
  lang: Lang,
): Column[] {
  const typeOf = (name: string) => findField(catalog, `${found.object}.${name}`)?.type;
  const hasDate = found.columns.some((c) => typeOf(c.name) === "date");
  const other = lang === "zh" ? "_en" : "_zh";
  const tells = (name: string, at: number) => {
    if (name === always || name === "number" || name.endsWith(".number")) return true;
    if (name === "id" || name.endsWith(other) || (hasDate && typeOf(name) === "instant")) return false;
    const first = found.rows[0]?.[at];
    return found.rows.length > 1
      ? found.rows.some((row) => row[at] !== first)
      : first !== null && first !== undefined;
  };
  const told = found.columns
    .map((c, at) => ({
      at,
      name: c.name,
      label: pickText(c.label, lang),
      isNumber: NUMBERS.includes(c.unit),
      isDate: typeOf(c.name) === "date",
    }))
    .filter((c) => tells(c.name, c.at));
  const last = told.find((c) => c.name === always);
  return [...told.filter((c) => c !== last).slice(0, MAX_COLUMNS - (last ? 1 : 0)), ...(last ? [last] : [])];
}

export function RecordsTable({
  found,
  column,
  currency,
  onLeave,
}: {
  found: RowsBehind;
  column: string | undefined;
  currency: string | undefined;
  onLeave: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const [offset, setOffset] = useState(0);
  const [open, setOpen] = useState<number | null>(null);
  const columns = tellingColumns(found, column, catalog, lang);
  const idAt = found.columns.findIndex((c) => c.name === "id");
  const cell = (c: Column, value: Value | undefined, id: number) => {
    const isText = typeof value === "string" && value !== "";
    if (c.name === "customer.number" && isText) return <CustomerLink number={value} onLeave={onLeave} />;
    if (found.object === "order" && c.name === "number" && isText)
      return (
        <button
          type="button"
          className="expand"
          aria-expanded={open === id}
          onClick={() => setOpen(open === id ? null : id)}
        >
          {open === id ? <DownOutlined aria-hidden="true" /> : <RightOutlined aria-hidden="true" />} {value}
        </button>
      );
    if (c.name.includes(".")) return value ?? NO_VALUE;
    return <FieldValue path={`${found.object}.${c.name}`} value={value} currency={currency} />;
  };
  if (found.rows.length === 0) return <p className="nothing">{t("answer.empty")}</p>;
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("explain.rows")}>
        <table className="table small as-cards">
          <thead>
            <tr>
              {columns.map((c) => (
                <th key={c.name} scope="col" className={c.isNumber ? "num" : undefined}>
                  {c.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.rows.slice(offset, offset + PAGE).map((row, i) => {
              const id = Number(row[idAt] ?? i);
              return (
                <Fragment key={id}>
                  <tr>
                    {columns.map((c) => (
                      <td
                        key={c.name}
                        data-head={c.label}
                        className={c.isNumber ? "num" : c.isDate ? "nowrap" : undefined}
                      >
                        {cell(c, row[c.at], id)}
                      </td>
                    ))}
                  </tr>
                  {open === id && (
                    <tr className="inner">
                      <td colSpan={columns.length}>
                        <OrderLines id={id} n={3} currency={currency} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
      <Pager offset={offset} size={PAGE} total={found.rows.length} onMove={setOffset} />
    </>
  );
}
