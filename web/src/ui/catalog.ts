// The catalogue and the state of the data, for any component. The shell has
// loaded both before it shows a page, so these never wait.
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { catalogQuery, insightQuery, statusQuery } from "../api/queries";
import type { Catalog, CatalogField, CatalogMetric } from "../api/types";
import { addDays } from "./period";

export const useCatalog = () => useSuspenseQuery(catalogQuery).data;
export const useStatus = () => useSuspenseQuery(statusQuery).data;

/** Facts before this day count; null while there are none. */
export function useAsOf(): string | null {
  const status = useStatus();
  return status.as_of ?? (status.last_ordered_on ? addDays(status.last_ordered_on, 1) : null);
}

export const findMetric = (catalog: Catalog, id: string): CatalogMetric | undefined =>
  catalog.metrics.find((m) => m.id === id);

/** The field at the end of a dimension's path: `country`, `customer.kind`. */
export function findField(catalog: Catalog, path: string): CatalogField | undefined {
  const steps = path.split(".");
  const last = steps.at(-1);
  const owner = steps.at(-2);
  const objects = owner
    ? catalog.objects.filter((o) => o.id === owner)
    : ["order", "order_line", "customer", "score", "product", "cost"].flatMap((id) =>
        catalog.objects.filter((o) => o.id === id),
      );
  for (const object of objects) {
    const field = object.fields.find((f) => f.id === last);
    if (field) return field;
  }
  return undefined;
}

/** The currency of all orders, where there is one and only one. */
export function useCurrency(): string | undefined {
  const catalog = useCatalog();
  const status = useStatus();
  const metric = catalog.metrics.find((m) => m.id === "orders" && m.dimensions.includes("currency"));
  const { data } = useQuery({
    ...insightQuery({ metrics: ["orders"], by: ["currency"], limit: 2 }),
    enabled: metric !== undefined && status.counts.order > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const only = data?.rows.length === 1 ? data.rows[0]?.[0] : null;
  return typeof only === "string" && only !== "" ? only : undefined;
}
