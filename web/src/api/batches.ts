// Many writes that are one: tables from the clipboard, the same change of many
// records, taking them back, and what was deleted.
import { queryOptions } from "@tanstack/react-query";
import type { RecordFilter, Values } from "./records";
import { part, send, withQuery } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type BatchFault = Schemas["BatchFault"];
export type BatchDoc = Schemas["BatchDoc"];
export type BinEntry = Schemas["BinEntry"];
export type BatchUndone = Schemas["BatchUndone"];
export type BatchAnswer = Omit<Schemas["BatchAnswer"], "sample"> & {
  sample: {
    id: number;
    title?: string | null;
    before: { values: Values; links: Record<string, { id: number; title: string }> };
    after: { values: Values; links: Record<string, { id: number; title: string }> };
  }[];
};

/** Text as people write it, a value as the API has it, or null for a cell that is left alone. */
export type CellValue = string | number | boolean | null;
export type PasteRow = { id?: number | null; cells: CellValue[]; seen?: Values };
type How = { check?: boolean; leave_wrong?: boolean; position?: number | null; key?: string };
export type PasteBody = { fields: string[]; rows: PasteRow[] } & How;
export type EditBody = RecordFilter & {
  ids?: number[];
  values?: Values;
  delete?: boolean;
  expect?: number;
} & How;

export const pasteRecords = async (object: string, body: PasteBody, signal?: AbortSignal) =>
  (await send<BatchAnswer>("POST", `/api/batches/paste/${part(object)}`, { body, signal })).body;
export const editRecords = async (object: string, body: EditBody, signal?: AbortSignal) =>
  (await send<BatchAnswer>("POST", `/api/batches/edit/${part(object)}`, { body, signal })).body;
export const undoBatch = async (id: number, leave = false) =>
  (await send<BatchUndone>("POST", `/api/batches/${id}/undo`, { body: { leave } })).body;
export const batchProgress = async (key: string) =>
  (await send<Schemas["BatchProgress"]>("GET", `/api/batches/progress/${part(key)}`)).body;
export const stopBatch = async (key: string) =>
  void (await send("DELETE", `/api/batches/progress/${part(key)}`));
export const newKey = (): string => `${Date.now()}-${Math.random().toString(36).slice(2)}`;

export const batchesQuery = queryOptions({
  queryKey: ["batches"],
  queryFn: async ({ signal }) =>
    (await send<Schemas["BatchList"]>("GET", "/api/batches", { signal })).body.batches,
});

export type BinAsked = { object?: string; search?: string; after?: number };
export const binQuery = (asked: BinAsked) =>
  queryOptions({
    queryKey: ["bin", asked],
    queryFn: async ({ signal }) =>
      (await send<Schemas["Bin"]>("GET", withQuery("/api/bin", asked), { signal })).body,
  });
export const restoreRecord = async (seq: number) =>
  (await send<{ id: number }>("POST", `/api/bin/${seq}/restore`)).body;
