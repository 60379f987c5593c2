// The pages. Filters and periods live in the URL; each page is its own chunk.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { ChooseSearch } from "../features/choose/search";
import { readCustomersSearch } from "../features/customers/search";
import type { ExploreSearch } from "../features/explore/search";
import { readMetricSearch } from "../features/metric/search";
import { readOverviewSearch } from "../features/overview/search";
import { readRecordsSearch } from "../features/records/search";
import { readAuditSearch } from "../features/settings/search";
import { NotFound, RouteError } from "./fallbacks";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: RouteError });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readOverviewSearch,
  component: lazyRouteComponent(() => import("../features/overview/overview-page"), "OverviewPage"),
});
const today = createRoute({
  getParentRoute: () => root,
  path: "/today",
  component: lazyRouteComponent(() => import("../features/today/today-page"), "TodayPage"),
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
const explore = createRoute({
  getParentRoute: () => root,
  path: "/explore",
  // The page reads it: what only one page needs does not come with every page.
  validateSearch: (raw: ExploreSearch) => raw,
  component: lazyRouteComponent(() => import("../features/explore/explore-page"), "ExplorePage"),
});
const choose = createRoute({
  getParentRoute: () => root,
  path: "/choose",
  // The page reads it, as that of exploring.
  validateSearch: (raw: ChooseSearch) => raw,
  component: lazyRouteComponent(() => import("../features/choose/choose-page"), "ChoosePage"),
});

const objects = createRoute({
  getParentRoute: () => root,
  path: "/records",
  component: lazyRouteComponent(() => import("../features/records/objects-page"), "ObjectsPage"),
});
const records = createRoute({
  getParentRoute: () => root,
  path: "/records/$object",
  validateSearch: readRecordsSearch,
  component: lazyRouteComponent(() => import("../features/records/list-page"), "RecordsPage"),
});
const record = createRoute({
  getParentRoute: () => root,
  path: "/records/$object/$id",
  component: lazyRouteComponent(() => import("../features/records/record-page"), "RecordPage"),
});
const account = createRoute({
  getParentRoute: () => root,
  path: "/account",
  component: lazyRouteComponent(() => import("../features/account/account-page"), "AccountPage"),
});
const users = createRoute({
  getParentRoute: () => root,
  path: "/settings/users",
  component: lazyRouteComponent(() => import("../features/settings/users-page"), "UsersPage"),
});
const departments = createRoute({
  getParentRoute: () => root,
  path: "/settings/departments",
  component: lazyRouteComponent(() => import("../features/settings/departments-page"), "DepartmentsPage"),
});
const providers = createRoute({
  getParentRoute: () => root,
  path: "/settings/providers",
  component: lazyRouteComponent(() => import("../features/settings/providers-page"), "ProvidersPage"),
});
const roles = createRoute({
  getParentRoute: () => root,
  path: "/settings/roles",
  component: lazyRouteComponent(() => import("../features/settings/roles-page"), "RolesPage"),
});
const audit = createRoute({
  getParentRoute: () => root,
  path: "/settings/audit",
  validateSearch: readAuditSearch,
  component: lazyRouteComponent(() => import("../features/settings/audit-page"), "AuditPage"),
});
const privacy = createRoute({
  getParentRoute: () => root,
  path: "/settings/privacy",
  component: lazyRouteComponent(() => import("../features/settings/privacy-page"), "PrivacyPage"),
});

const webhooks = createRoute({
  getParentRoute: () => root,
  path: "/settings/webhooks",
  component: lazyRouteComponent(() => import("../features/settings/webhooks-page"), "WebhooksPage"),
});
const backups = createRoute({
  getParentRoute: () => root,
  path: "/settings/backups",
  component: lazyRouteComponent(() => import("../features/settings/backups-page"), "BackupsPage"),
});
const packs = createRoute({
  getParentRoute: () => root,
  path: "/settings/packs",
  component: lazyRouteComponent(() => import("../features/design/packs-page"), "PacksPage"),
});
const design = createRoute({
  getParentRoute: () => root,
  path: "/settings/design",
  component: lazyRouteComponent(() => import("../features/design/design-page"), "DesignPage"),
});
const forms = createRoute({
  getParentRoute: () => root,
  path: "/settings/forms",
  component: lazyRouteComponent(() => import("../features/settings/forms-page"), "FormsPage"),
});
const objectDesign = createRoute({
  getParentRoute: () => root,
  path: "/settings/design/$object",
  component: lazyRouteComponent(() => import("../features/design/object-design-page"), "ObjectDesignPage"),
});
const metricDesign = createRoute({
  getParentRoute: () => root,
  path: "/settings/design/metrics/$id",
  component: lazyRouteComponent(() => import("../features/design/metric-design-page"), "MetricDesignPage"),
});
const duplicates = createRoute({
  getParentRoute: () => root,
  path: "/data/duplicates/$object",
  component: lazyRouteComponent(() => import("../features/duplicates/duplicates-page"), "DuplicatesPage"),
});
const bin = createRoute({
  getParentRoute: () => root,
  path: "/data/bin",
  component: lazyRouteComponent(() => import("../features/bin/bin-page"), "BinPage"),
});
const docs = createRoute({
  getParentRoute: () => root,
  path: "/api/docs",
  component: lazyRouteComponent(() => import("../features/docs/docs-page"), "DocsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    today,
    customers,
    customer,
    imports,
    oneImport,
    metrics,
    metric,
    explore,
    choose,
    objects,
    records,
    record,
    account,
    users,
    departments,
    providers,
    roles,
    audit,
    webhooks,
    docs,
    privacy,
    backups,
    duplicates,
    design,
    metricDesign,
    packs,
    objectDesign,
    bin,
    forms,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
