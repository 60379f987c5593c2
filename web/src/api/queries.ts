// The queries of the page, each with its cache key. Components call these and
// never the client.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client, unwrap, unwrapAs } from "./client";
import type {
  Answer,
  Customer,
  CustomerPage,
  Import,
  Mapping,
  Order,
  OrderLine,
  Page,
  Preview,
  Question,
  RowsBehind,
  Why,
} from "./types";

const MINUTE = 60_000;

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: async () => unwrap(await client.GET("/api/status")),
  staleTime: MINUTE / 2,
});

export const catalogQuery = queryOptions({
  queryKey: ["catalog"],
  queryFn: async () => unwrap(await client.GET("/api/catalog")),
  staleTime: 10 * MINUTE,
});

export const insightQuery = (question: Question) =>
  queryOptions({
    queryKey: ["insight", question],
    queryFn: async ({ signal }) =>
      unwrapAs<Answer>(await client.POST("/api/insight", { body: question, signal })),
    staleTime: 5 * MINUTE,
  });

export const whyQuery = (question: Question) =>
  queryOptions({
    queryKey: ["why", question],
    queryFn: async ({ signal }) =>
      unwrapAs<Why>(await client.POST("/api/insight/why", { body: question, signal })),
    staleTime: 5 * MINUTE,
  });

export const explainQuery = (question: Question) =>
  queryOptions({
    queryKey: ["explain", question],
    queryFn: async ({ signal }) =>
      unwrap(await client.POST("/api/insight/explain", { body: question, signal })),
    staleTime: 5 * MINUTE,
  });

export const metricQuery = (id: string) =>
  queryOptions({
    queryKey: ["metric", id],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/metrics/{id}", { params: { path: { id } }, signal })),
    staleTime: MINUTE,
  });

export const rowsBehindQuery = (question: Question) =>
  queryOptions({
    queryKey: ["rows", question],
    queryFn: async ({ signal }) =>
      // A limit of the answer's rows says nothing about the records behind one of them.
      unwrapAs<RowsBehind>(
        await client.POST("/api/insight/rows", { body: { ...question, limit: null }, signal }),
      ),
    staleTime: 5 * MINUTE,
  });

export const evaluationQuery = (as_of: string) =>
  queryOptions({
    queryKey: ["evaluation", as_of],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/evaluations/{as_of}", { params: { path: { as_of } }, signal })),
    staleTime: 5 * MINUTE,
  });

export type CustomerFilter = { where?: string; search?: string; sort?: string; as_of?: string };

export const customersQuery = (filter: CustomerFilter, offset: number, limit: number) =>
  queryOptions({
    queryKey: ["customers", filter, offset, limit],
    queryFn: async ({ signal }) =>
      unwrapAs<CustomerPage>(
        await client.GET("/api/customers", { params: { query: { ...filter, offset, limit } }, signal }),
      ),
    staleTime: MINUTE,
  });

export const customerQuery = (id: number) =>
  queryOptions({
    queryKey: ["customer", id],
    queryFn: async ({ signal }) =>
      unwrapAs<Customer>(await client.GET("/api/customers/{id}", { params: { path: { id } }, signal })),
    staleTime: MINUTE,
  });

export const ordersQuery = (id: number, offset: number, limit: number) =>
  queryOptions({
    queryKey: ["orders", id, offset, limit],
    queryFn: async ({ signal }) =>
      unwrapAs<Page<Order>>(
        await client.GET("/api/customers/{id}/orders", {
          params: { path: { id }, query: { offset, limit } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: MINUTE,
  });

export const orderLinesQuery = (id: number) =>
  queryOptions({
    queryKey: ["order-lines", id],
    queryFn: async ({ signal }) =>
      unwrapAs<Page<OrderLine>>(
        await client.GET("/api/orders/{id}/lines", { params: { path: { id } }, signal }),
      ),
    staleTime: MINUTE,
  });

export const timelinePage = async (id: number, before: string | undefined, signal: AbortSignal) =>
  unwrap(
    await client.GET("/api/customers/{id}/timeline", {
      params: { path: { id }, query: { limit: 50, before } },
      signal,
    }),
  );

export const importsQuery = queryOptions({
  queryKey: ["imports"],
  queryFn: async () => unwrapAs<{ resources: Import[] }>(await client.GET("/api/imports")),
});

/** An import still at work: its page asks again every half second. */
export const isAtWork = (state: Import["state"]): boolean => state === "queued" || state === "running";

export const importQuery = (id: number) =>
  queryOptions({
    queryKey: ["import", id],
    queryFn: async ({ signal }) =>
      unwrapAs<Import>(await client.GET("/api/imports/{id}", { params: { path: { id } }, signal })),
    refetchInterval: (query) => {
      const { data, error } = query.state;
      if (data && !isAtWork(data.state)) return false;
      // A server that was stopped goes on with the import when it is back.
      return error ? WAIT_MS : 500;
    },
  });

/** How often to ask a server that does not answer. */
const WAIT_MS = 2_000;

/** The first rows of a file as a mapping reads them. */
export const previewImport = async (id: number, mapping: Mapping, signal?: AbortSignal) =>
  unwrapAs<Preview>(
    await client.POST("/api/imports/{id}/preview", {
      params: { path: { id }, query: { rows: 10 } },
      body: mapping,
      ...(signal ? { signal } : {}),
    }),
  );

export const previewQuery = (id: number, mapping: Mapping) =>
  queryOptions({
    queryKey: ["preview", id, mapping],
    queryFn: ({ signal }) => previewImport(id, mapping, signal),
    placeholderData: keepPreviousData,
    staleTime: 5 * MINUTE,
    gcTime: MINUTE,
  });

/** The answer is a new import of the same file. */
export const mapImport = async (id: number, mapping: Mapping, saveAs: string) =>
  unwrapAs<Import>(
    await client.POST("/api/imports/{id}/mapping", {
      params: { path: { id }, query: saveAs ? { save_as: saveAs } : {} },
      body: mapping,
    }),
  );

export const mappingsQuery = queryOptions({
  queryKey: ["mappings"],
  queryFn: async () => unwrap(await client.GET("/api/mappings")),
});

export async function deleteMapping(name: string): Promise<void> {
  const answer = await client.DELETE("/api/mappings/{name}", { params: { path: { name } } });
  if (!answer.response.ok) unwrap(answer);
}

export const cancelImport = async (id: number) =>
  unwrapAs<Import>(await client.POST("/api/imports/{id}/cancel", { params: { path: { id } } }));

export const undoImport = async (id: number) =>
  unwrapAs<Import>(await client.POST("/api/imports/{id}/undo", { params: { path: { id } } }));

export const FORMATS = ["xlsx", "csv", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

/** The customers of a filter with their scores, as a file in the page's language. */
export const exportCustomers = async (filter: CustomerFilter, format: Format): Promise<Blob> => {
  const query = { ...filter, format };
  return unwrapAs<Blob>(await client.GET("/api/exports/customers", { params: { query }, parseAs: "blob" }));
};

/** The imported file with the scores of each row's customer. */
export const exportScored = async (id: number, format: Format): Promise<Blob> =>
  unwrapAs<Blob>(
    await client.GET("/api/exports/imports/{id}", {
      params: { path: { id }, query: { format } },
      parseAs: "blob",
    }),
  );

/** One customer's orders. */
export const exportOrders = async (customer: number, format: Format): Promise<Blob> => {
  const query = { format, where: `customer = ${customer}`, sort: "-ordered_at" };
  return unwrapAs<Blob>(
    await client.GET("/api/exports/records/{object}", {
      params: { path: { object: "order" }, query },
      parseAs: "blob",
    }),
  );
};

/** The records behind a question about one metric. */
export const exportRows = async (question: Question, format: Format): Promise<Blob> =>
  unwrapAs<Blob>(
    await client.POST("/api/exports/rows", {
      params: { query: { format } },
      body: question,
      parseAs: "blob",
    }),
  );

/** The answer to a question as a file. */
export const exportInsight = async (question: Question, format: Format): Promise<Blob> =>
  unwrapAs<Blob>(
    await client.POST("/api/exports/insight", {
      params: { query: { format } },
      body: question,
      parseAs: "blob",
    }),
  );
