// The catalogue and the state of the data, for any component. The shell has
// loaded both before it shows a page, so these never wait.
import { useSuspenseQuery } from "@tanstack/react-query";
import { catalogQuery, statusQuery } from "../api/queries";
import type { Catalog, CatalogField, CatalogMetric, Status } from "../api/types";
import { addDays } from "./period";

export const useCatalog = () => useSuspenseQuery(catalogQuery).data;
export const useStatus = () => useSuspenseQuery(statusQuery).data;

/** Facts before this day count; null while there are none. */
export function useAsOf(): string | null {
  const status = useStatus();
  return status.as_of ?? (status.last_ordered_on ? addDays(status.last_ordered_on, 1) : null);
}

/** How many records of an object there are. */
/** How many there are; unknown to whoever sees a part of them. */
export const countOf = (status: Status, object: string): number | undefined => status.counts[object];

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

/** The currency of the orders, where there is one and only one. */
export const useCurrency = (): string | undefined => useStatus().currency ?? undefined;

/** The name by which the fields of a rule's scores end: `r_cut`, `f_cut`. */
export function rfmSuffix(catalog: Catalog, rule: string): string {
  const names = [rule, rule.split("_").at(-1) ?? rule];
  return names.find((name) => findField(catalog, `score.r_${name}`)) ?? rule;
}
