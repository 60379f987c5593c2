// Records that mean the same: what a typed one resembles, pairs, merges.
import { queryOptions } from "@tanstack/react-query";
import type { ObjectDef } from "./records";
import { part, send, withQuery } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Reason = Schemas["Reason"];
export type DuplicateMatch = Schemas["DuplicateMatch"];
export type PairBody = Schemas["PairBody"];
export type PairList = Schemas["PairList"];
export type MergePreview = Schemas["MergePreview"];
export type MergeBody = Schemas["MergeBody"];
export type MergeEntry = Schemas["MergeEntry"];
export type Side = Schemas["Side"];

const at = (object: string, rest = "") => `/api/duplicates/${part(object)}${rest}`;

export const pairsQuery = (object: string, after?: string) =>
  queryOptions({
    queryKey: ["duplicates", object, "pairs", after ?? ""],
    queryFn: async ({ signal }) =>
      (await send<PairList>("GET", withQuery(at(object), { after }), { signal })).body,
  });
export const mergesQuery = (object: string) =>
  queryOptions({
    queryKey: ["duplicates", object, "merges"],
    queryFn: async ({ signal }) =>
      (await send<Schemas["MergeList"]>("GET", at(object, "/merges"), { signal })).body,
  });
export const previewQuery = (object: string, survivor: number, loser: number) =>
  queryOptions({
    // Not below `duplicates`: after the merge there is nothing more to look at.
    queryKey: ["merge-preview", object, survivor, loser],
    queryFn: async ({ signal }) =>
      (
        await send<MergePreview>("GET", withQuery(at(object, "/preview"), { survivor, loser }), {
          signal,
        })
      ).body,
    gcTime: 0,
  });
export const scanNow = async (object: string) =>
  (await send<Schemas["ScanJob"]>("POST", at(object, "/scan"))).body;
export const tellApart = async (object: string, a: number, b: number) =>
  void (await send("POST", at(object, "/distinct"), { body: { a, b } }));
export const mergeRecords = async (object: string, body: MergeBody) =>
  (await send<Schemas["MergeDone"]>("POST", at(object, "/merges"), { body })).body;
export const undoMerge = async (object: string, id: number) =>
  (await send<Schemas["UnmergeDone"]>("POST", at(object, `/merges/${id}/undo`))).body;
export const checkQuery = (object: ObjectDef, values: Record<string, unknown>) =>
  queryOptions({
    queryKey: ["duplicates", object.id, "check", values],
    queryFn: async ({ signal }) =>
      (await send<Schemas["DuplicateAnswer"]>("POST", at(object.id, "/check"), { body: { values }, signal }))
        .body,
    retry: false,
    staleTime: 10_000,
  });
