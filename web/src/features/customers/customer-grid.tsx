import { useQueries } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { type CustomerFilter, customersQuery } from "../../api/queries";
import type { CustomerRow } from "../../api/types";
import { FieldValue } from "../../fields/field-value";
import { Star } from "../../fields/talk";
import { useLang } from "../../i18n";
import { findField, useCatalog, useCurrency } from "../../ui/catalog";
import { exactNumber, pickText } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";
import { StageTag, TierTag } from "../../ui/tags";
import { usePhone } from "../../ui/use-media";
import { VirtualRows } from "../../ui/virtual-rows";

type Column = { id: keyof CustomerRow & string; path: string; width: number; grow?: number; cut?: true };

const COLUMNS: Column[] = [
  { id: "number", path: "customer.number", width: 92, cut: true },
  { id: "name", path: "customer.name", width: 138, grow: 1, cut: true },
  { id: "tier", path: "score.tier", width: 96 },
  { id: "stage", path: "score.stage", width: 100 },
  { id: "days_since_last", path: "score.days_since_last", width: 96 },
  { id: "n_orders", path: "score.n_orders", width: 72 },
  { id: "net_revenue_365", path: "score.net_revenue_365", width: 112 },
  { id: "p_alive", path: "score.p_alive", width: 80 },
  { id: "clv_12m", path: "score.clv_12m", width: 114 },
  { id: "value_at_risk", path: "score.value_at_risk", width: 98 },
];
const REASON_WIDTH = 210;
const STAR_WIDTH = 40;
const TEMPLATE = [
  ...COLUMNS.map((c) => (c.grow ? `minmax(${c.width}px, ${c.grow}fr)` : `${c.width}px`)),
  `minmax(${REASON_WIDTH}px, 2fr)`,
  `${STAR_WIDTH}px`,
].join(" ");
const MIN_WIDTH = COLUMNS.reduce((sum, c) => sum + c.width, REASON_WIDTH + STAR_WIDTH);
const ROW = 44;
const CARD = 150;

export function CustomerGrid({
  filter,
  total,
  window,
  sort,
  onSort,
}: {
  filter: CustomerFilter;
  total: number;
  window: number;
  sort: string;
  onSort: (sort: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const currency = useCurrency();
  const phone = usePhone();
  const navigate = useNavigate();
  const [range, setRange] = useState({ from: 0, to: window });
  const onRange = useCallback((from: number, to: number) => setRange({ from, to }), []);

  const firstPage = Math.floor(range.from / window);
  const pages = Array.from(
    { length: Math.max(1, Math.ceil(range.to / window) - firstPage) },
    (_, i) => firstPage + i,
  );
  const loaded = useQueries({ queries: pages.map((page) => customersQuery(filter, page * window, window)) });
  const failed = loaded.find((q) => q.error);
  const rowAt = (index: number): CustomerRow | undefined =>
    loaded[Math.floor(index / window) - firstPage]?.data?.resources[index % window];
  const open = (index: number) => {
    const row = rowAt(index);
    if (row) void navigate({ to: "/customers/$id", params: { id: String(row.id) } });
  };
  const reason = (row: CustomerRow) => (lang === "zh" ? row.tier_reason_zh : row.tier_reason_en) ?? "";

  const header = (
    <div role="row" aria-rowindex={1} className="row head" style={{ gridTemplateColumns: TEMPLATE }}>
      {COLUMNS.map((column) => {
        const field = findField(catalog, column.path);
        const name = field ? pickText(field.name, lang) : column.id;
        const down = sort === `-${column.id}`;
        const up = sort === column.id;
        return (
          <div
            key={column.id}
            role="columnheader"
            aria-sort={down ? "descending" : up ? "ascending" : "none"}
            className={field?.unit ? "num" : undefined}
          >
            <button
              type="button"
              title={field?.help ? pickText(field.help, lang) : undefined}
              onClick={() => onSort(down ? column.id : up || field?.unit ? `-${column.id}` : column.id)}
            >
              {name}
              <span aria-hidden="true">{down ? " ↓" : up ? " ↑" : ""}</span>
            </button>
          </div>
        );
      })}
      <div role="columnheader">{t("customers.reason")}</div>
      <div role="columnheader" />
    </div>
  );

  return (
    <>
      {failed && <LoadError error={failed.error} onRetry={() => failed.refetch()} />}
      <VirtualRows
        total={total}
        rowHeight={phone ? CARD : ROW}
        label={t("customers.title")}
        header={phone ? undefined : header}
        onRange={onRange}
        onOpen={open}
        minWidth={phone ? undefined : MIN_WIDTH}
      >
        {(index) => {
          const row = rowAt(index);
          if (!row) {
            return (
              <div role="gridcell" className="row-loading" aria-label={exactNumber(index + 1)}>
                <Skeleton height={14} width={`${40 + ((index * 37) % 45)}%`} />
              </div>
            );
          }
          return phone ? (
            <CustomerCard row={row} currency={currency} reason={reason(row)} />
          ) : (
            <div className="cells" style={{ gridTemplateColumns: TEMPLATE }}>
              {COLUMNS.map((column) => (
                <div
                  key={column.id}
                  role="gridcell"
                  className={findField(catalog, column.path)?.unit ? "num" : "ellipsis"}
                  title={column.cut ? String(row[column.id] ?? "") : undefined}
                >
                  <FieldValue path={column.path} value={row[column.id]} currency={currency} isQuiet />
                </div>
              ))}
              <div role="gridcell" className="reason" title={reason(row)}>
                {reason(row)}
              </div>
              <div role="gridcell">
                <Star object="customer" id={row.id} title={row.name || row.number} isSmall />
              </div>
            </div>
          );
        }}
      </VirtualRows>
    </>
  );
}

function CustomerCard({
  row,
  currency,
  reason,
}: {
  row: CustomerRow;
  currency: string | undefined;
  reason: string;
}) {
  const { t } = useTranslation();
  const money = (path: string, value: string | null | undefined) => (
    <b>
      <FieldValue path={path} value={value} currency={currency} isQuiet />
    </b>
  );
  return (
    <div role="gridcell" className="customer-card">
      <div className="card-line">
        <b className="ellipsis">{row.name || row.number}</b>
        <Star object="customer" id={row.id} title={row.name || row.number} isSmall />
        <TierTag id={row.tier} />
        <StageTag id={row.stage} />
      </div>
      <div className="card-line muted ellipsis">
        {row.name ? `${row.number} · ` : ""}
        {row.days_since_last !== null &&
          row.days_since_last !== undefined &&
          t("customers.lastDaysAgo", { n: row.days_since_last })}
      </div>
      <div className="card-pair">
        <span>
          <small>{t("overview.net365")}</small> {money("score.net_revenue_365", row.net_revenue_365)}
        </span>
        <span>
          <small>{t("customers.clv")}</small> {money("score.clv_12m", row.clv_12m)}
        </span>
      </div>
      <div className="muted ellipsis">{reason}</div>
    </div>
  );
}
