// The best of all records for a text.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { client, unwrap } from "./client";
import type { components } from "./schema";

export type Hit = components["schemas"]["Hit"];

const HITS = 12;

export const findQuery = (q: string) =>
  queryOptions({
    queryKey: ["find", q],
    queryFn: async ({ signal }) =>
      unwrap(await client.GET("/api/search", { params: { query: { q, limit: HITS } }, signal })).hits,
    enabled: q !== "",
    placeholderData: keepPreviousData,
    staleTime: 5_000,
  });
