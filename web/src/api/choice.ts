// What the page for choosing metrics asks.
import { queryOptions } from "@tanstack/react-query";
import { client, unwrap, unwrapAs } from "./client";
import type { Choice, RelationsQuestion, Situation } from "./types";

const MINUTE = 60_000;

export const choiceWordsQuery = queryOptions({
  queryKey: ["choice-words"],
  queryFn: async ({ signal }) => unwrap(await client.GET("/api/insight/choice", { signal })),
  staleTime: 10 * MINUTE,
});

export const choiceQuery = (situation: Situation) =>
  queryOptions({
    queryKey: ["choice", situation],
    queryFn: async ({ signal }) =>
      unwrapAs<Choice>(await client.POST("/api/insight/choice", { body: situation, signal })),
    staleTime: 5 * MINUTE,
  });

export const relationsQuery = (question: RelationsQuestion) =>
  queryOptions({
    queryKey: ["relations", question],
    queryFn: async ({ signal }) =>
      unwrap(await client.POST("/api/insight/relations", { body: question, signal })),
    staleTime: 5 * MINUTE,
  });
