// What an order holds, inside the row that opened it.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { orderLinesQuery } from "../api/queries";
import { Amount } from "../ui/figure";
import { NO_VALUE } from "../ui/format";
import { LoadError, Skeleton } from "../ui/states";

export function OrderLines({ id, n, currency }: { id: number; n: number; currency: string | undefined }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(orderLinesQuery(id));
  if (error) return <LoadError error={error} />;
  if (!data) return <Skeleton height={Math.min(10, n) * 29} />;
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
              {line.product_name || line.description || NO_VALUE}{" "}
              {line.product_number && <span className="muted">{line.product_number}</span>}
            </td>
            <td className="num">
              <Amount value={line.quantity} unit="count" />
            </td>
            <td className="num hide-phone">
              <Amount value={line.price} unit="money" currency={currency} />
            </td>
            <td className="num">
              <Amount value={line.amount} unit="money" currency={currency} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
