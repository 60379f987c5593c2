// Every customer with what is known about them: sorted and filtered by the
// server, fetched in windows as they come into view.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { customersQuery, exportCustomers } from "../../api/queries";
import { countOf, useAsOf, useStatus } from "../../ui/catalog";
import { DownloadMenu } from "../../ui/download-menu";
import { exactNumber } from "../../ui/format";
import { Partial } from "../../ui/partial";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { CustomerGrid } from "./customer-grid";
import { Filters } from "./filters";
import { defaultSort, whereOf } from "./search";

const route = getRouteApi("/customers");
const WINDOW = 100;

export function CustomersPage() {
  const { t } = useTranslation();
  const status = useStatus();
  const asOf = useAsOf();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const where = whereOf(search);
  const usual = defaultSort(status.as_of !== null);
  const sort = search.sort ?? usual;
  const filter = {
    ...(where ? { where } : {}),
    ...(search.search ? { search: search.search } : {}),
    ...(status.as_of ? { as_of: status.as_of } : {}),
    sort,
  };
  const first = useQuery({
    ...customersQuery(filter, 0, WINDOW),
    enabled: countOf(status, "customer") !== 0,
  });

  if (countOf(status, "customer") === 0) {
    return (
      <main className="page" id="main">
        <h1>{t("customers.title")}</h1>
        <Empty
          title={t("customers.empty")}
          action={
            <Link to="/import">
              <Button type="primary" size="large">
                {t("overview.emptyAction")}
              </Button>
            </Link>
          }
        >
          <p>{t("customers.emptyText")}</p>
          <p className="note">{t("import.demoHint")}</p>
        </Empty>
      </main>
    );
  }
  return (
    <main className="page fill" id="main">
      <header className="page-head">
        <div>
          <h1>{t("customers.title")}</h1>
          <p className="note" aria-live="polite">
            {first.data ? t("customers.count", { n: exactNumber(first.data.total) }) : " "}
            {asOf && first.data ? ` · ${t("shell.asOf")} ${first.data.as_of ?? asOf}` : ""}{" "}
            <Partial of={first.data} />
          </p>
        </div>
        <div className="controls">
          <Link to="/records/$object" params={{ object: "customer" }}>
            <Button>{t("customers.asRecords")}</Button>
          </Link>
          <DownloadMenu
            of={["customer", "score"]}
            label={t("customers.export")}
            note={t("customers.exportAll")}
            name="keji-customers"
            fetchFile={(format) => exportCustomers(filter, format)}
          />
        </div>
      </header>
      <Filters search={search} onChange={(next) => navigate({ search: next, replace: true })} />
      {first.error ? (
        <LoadError error={first.error} onRetry={() => first.refetch()} />
      ) : !first.data ? (
        <Skeleton height="100%" />
      ) : first.data.total === 0 ? (
        <Empty
          title={t("customers.none")}
          action={<Button onClick={() => navigate({ search: {} })}>{t("customers.clear")}</Button>}
        />
      ) : (
        <CustomerGrid
          key={JSON.stringify(filter)}
          filter={filter}
          total={first.data.total}
          window={WINDOW}
          sort={sort}
          onSort={(next) =>
            navigate({
              search: (s) => ({ ...s, sort: next === usual ? undefined : next }),
              replace: true,
            })
          }
        />
      )}
    </main>
  );
}
