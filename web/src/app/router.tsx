// The five pages. Filters and periods live in the URL; each page is its own chunk.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { readCustomersSearch } from "../features/customers/search";
import { readMetricSearch } from "../features/metric/search";
import { readOverviewSearch } from "../features/overview/search";
import { NotFound, RouteError } from "./fallbacks";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: RouteError });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readOverviewSearch,
  component: lazyRouteComponent(() => import("../features/overview/overview-page"), "OverviewPage"),
});
const customers = createRoute({
  getParentRoute: () => root,
  path: "/customers",
  validateSearch: readCustomersSearch,
  component: lazyRouteComponent(() => import("../features/customers/customers-page"), "CustomersPage"),
});
const customer = createRoute({
  getParentRoute: () => root,
  path: "/customers/$id",
  component: lazyRouteComponent(() => import("../features/customer/customer-page"), "CustomerPage"),
});
const imports = createRoute({
  getParentRoute: () => root,
  path: "/import",
  component: lazyRouteComponent(() => import("../features/import/import-page"), "ImportPage"),
});
const oneImport = createRoute({
  getParentRoute: () => root,
  path: "/import/$id",
  component: lazyRouteComponent(() => import("../features/import/import-run-page"), "ImportRunPage"),
});
const metrics = createRoute({
  getParentRoute: () => root,
  path: "/metrics",
  component: lazyRouteComponent(() => import("../features/metric/metrics-page"), "MetricsPage"),
});
const metric = createRoute({
  getParentRoute: () => root,
  path: "/metrics/$id",
  validateSearch: readMetricSearch,
  component: lazyRouteComponent(() => import("../features/metric/metric-page"), "MetricPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([overview, customers, customer, imports, oneImport, metrics, metric]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
