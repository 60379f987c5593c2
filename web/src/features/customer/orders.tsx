// The customer's orders, newest first; a row opens its lines.
import { DownOutlined, RightOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { useTranslation } from "react-i18next";
import { ordersQuery } from "../../api/queries";
import { FieldValue } from "../../fields/field-value";
import { OrderLines } from "../../fields/order-lines";
import { Amount } from "../../ui/figure";
import { showInstant } from "../../ui/format";
import { Pager } from "../../ui/pager";
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
        <table className="table orders as-cards">
          <thead>
            <tr>
              <th scope="col">{t("order.number")}</th>
              <th scope="col">{t("order.at")}</th>
              <th scope="col">{t("order.kind")}</th>
              <th scope="col" className="num">
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
                  <td data-head={t("order.number")}>
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
                  <td data-head={t("order.at")} className="nowrap" title={order.ordered_at}>
                    {order.ordered_on}
                    <span className="hide-phone">{showInstant(order.ordered_at).slice(10)}</span>
                  </td>
                  <td data-head={t("order.kind")}>
                    <span className={`chip kind-${order.kind}`}>
                      <FieldValue path="order.kind" value={order.kind} />
                    </span>
                  </td>
                  <td data-head={t("order.lines")} className="num">
                    {order.n_lines}
                  </td>
                  <td data-head={t("order.net")} className="num">
                    <Amount value={order.net_amount} unit="money" currency={order.currency ?? currency} />
                  </td>
                </tr>
                {open === order.id && (
                  <tr className="inner">
                    <td colSpan={5}>
                      <OrderLines id={order.id} n={order.n_lines} currency={order.currency ?? currency} />
                    </td>
                  </tr>
                )}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
      <Pager offset={offset} size={PAGE} total={data.total} onMove={setOffset} />
    </>
  );
}
