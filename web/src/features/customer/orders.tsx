// The customer's orders, newest first; a row opens its lines.
import { DownOutlined, RightOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import { orderLinesQuery, ordersQuery } from "../../api/queries";
import type { Order } from "../../api/types";
import { FieldValue } from "../../fields/field-value";
import { Amount } from "../../ui/figure";
import { showInstant } from "../../ui/format";
import { LoadError, Skeleton } from "../../ui/states";

const PAGE = 20;

export function Orders({ id, currency }: { id: number; currency: string | undefined }) {
  const { t } = useTranslation();
  const [offset, setOffset] = useState(0);
  const [open, setOpen] = useState<number | null>(null);
  const { data, error, refetch } = useQuery(ordersQuery(id, offset, PAGE));
  if (error) return <LoadError error={error} onRetry={() => refetch()} />;
  if (!data) return <Skeleton height={PAGE * 37} />;
  if (data.total === 0) return <p className="nothing">{t("answer.empty")}</p>;
  return (
    <>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={t("customer.orders")}>
        <table className="table orders">
          <thead>
            <tr>
              <th scope="col">{t("order.number")}</th>
              <th scope="col">{t("order.at")}</th>
              <th scope="col">{t("order.kind")}</th>
              <th scope="col" className="num hide-phone">
                {t("order.lines")}
              </th>
              <th scope="col" className="num">
                {t("order.net")}
              </th>
            </tr>
          </thead>
          <tbody>
            {data.resources.map((order) => (
              <Fragment key={order.id}>
                <tr>
                  <td>
                    <button
                      type="button"
                      className="expand"
                      aria-expanded={open === order.id}
                      onClick={() => setOpen(open === order.id ? null : order.id)}
                    >
                      {open === order.id ? (
                        <DownOutlined aria-hidden="true" />
                      ) : (
                        <RightOutlined aria-hidden="true" />
                      )}{" "}
                      {order.number}
                    </button>
                  </td>
                  <td className="nowrap" title={order.ordered_at}>
                    {order.ordered_on}
                    <span className="hide-phone">{showInstant(order.ordered_at).slice(10)}</span>
                  </td>
                  <td>
                    <span className={`chip kind-${order.kind}`}>
                      <FieldValue path="order.kind" value={order.kind} />
                    </span>
                  </td>
                  <td className="num hide-phone">{order.n_lines}</td>
                  <td className="num">
                    <Amount value={order.net_amount} unit="money" currency={order.currency ?? currency} />
                  </td>
                </tr>
                {open === order.id && (
                  <tr className="inner">
                    <td colSpan={5}>
                      <Lines order={order} currency={currency} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
      {data.total > PAGE && (
        <div className="pager">
          <Button size="small" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - PAGE))}>
            {t("pager.previous")}
          </Button>
          <span>
            {t("pager.of", { from: offset + 1, to: Math.min(offset + PAGE, data.total), total: data.total })}
          </span>
          <Button
            size="small"
            disabled={offset + PAGE >= data.total}
            onClick={() => setOffset(offset + PAGE)}
          >
            {t("pager.next")}
          </Button>
        </div>
      )}
    </>
  );
}

function Lines({ order, currency }: { order: Order; currency: string | undefined }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(orderLinesQuery(order.id));
  if (error) return <LoadError error={error} />;
  if (!data) return <Skeleton height={Math.min(10, order.n_lines) * 29} />;
  const money = order.currency ?? currency;
  return (
    <table className="table small">
      <thead>
        <tr>
          <th scope="col">{t("order.product")}</th>
          <th scope="col" className="num">
            {t("order.quantity")}
          </th>
          <th scope="col" className="num hide-phone">
            {t("order.price")}
          </th>
          <th scope="col" className="num">
            {t("order.amount")}
          </th>
        </tr>
      </thead>
      <tbody>
        {data.resources.map((line) => (
          <tr key={line.id}>
            <td>
              {line.product_name || line.description || "–"}{" "}
              {line.product_number && <span className="muted">{line.product_number}</span>}
            </td>
            <td className="num">
              <Amount value={line.quantity} unit="count" />
            </td>
            <td className="num hide-phone">
              <Amount value={line.price} unit="money" currency={money} />
            </td>
            <td className="num">
              <Amount value={line.amount} unit="money" currency={money} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
