// The records of any object: what objects there are, lists, one record and its
// history. A record's fields are known at run time only.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { apiLanguage, client, unwrapAs } from "./client";
import type { Format } from "./queries";
import { part, send, withQuery } from "./request";
import type { Actor, ChangeValues } from "./session";
import type { Text2, Unit, Value } from "./types";

const MINUTE = 60_000;

export type FieldType =
  | "text"
  | "choice"
  | "link"
  | "decimal"
  | "int"
  | "float"
  | "bool"
  | "date"
  | "instant";
export type FieldDef = {
  id: string;
  type: FieldType;
  name: Text2;
  help?: Text2 | null;
  required?: boolean;
  /** The reader may see it, not write it. */
  is_read_only?: boolean;
  /** The reader sees it covered, as text; nothing finds or sorts by it. */
  is_masked?: boolean;
  /** Worked out whenever it is read. */
  is_computed?: boolean;
  /** One record's value is shown for a reason. */
  may_reveal?: boolean;
  unique?: boolean;
  search?: boolean;
  /** The object that a link points to. */
  to?: string | null;
  options?: { value: string; zh: string; en: string }[] | null;
  unit?: Unit | null;
};
export type ObjectDef = {
  id: string;
  name: Text2;
  about: Text2;
  /** The field by which people know a record, and the one that they call it by. */
  number: string | null;
  title: string | null;
  is_writable: boolean;
  /** Whether it says by what its duplicates are known. */
  has_duplicates?: boolean;
  actions: string[];
  fields: FieldDef[];
  /** How its fields stand on pages and forms for the reader's role; without any, by their kind. */
  sections?: { name: Text2; fields: string[] }[];
};

export type Values = Record<string, Value>;
export type LinkTitle = { id: number; title: string };
export type RecordRow = { id: number; values: Values; links: Record<string, LinkTitle> };
export type RecordPage = {
  fields: string[];
  rows: RecordRow[];
  next: string | null;
  total: number | null;
};
export type RecordFilter = { where?: string; search?: string; sort?: string };
/** A record with the mark by which a change says what it has seen. */
export type Held = RecordRow & { etag: string | null };
export type RecordChange = {
  seq: number;
  at: string;
  actor: Actor;
  channel: string;
  kind: string;
  before: ChangeValues;
  after: ChangeValues;
};
export type HistoryPage = {
  changes: RecordChange[];
  /** By field, what linked records are called now. */
  links: Record<string, { id: number; title?: string | null }[]>;
  next: number | string | null;
};
/** What is wrong with which field of a record that was not taken. */
export type FieldFault = { field: string; code: string; detail: string };

/** A covered value is a text, whatever its field holds. */
const covered = (object: ObjectDef): ObjectDef => ({
  ...object,
  fields: object.fields.map((f) =>
    f.is_masked ? { ...f, type: "text", options: null, unit: null, is_read_only: true } : f,
  ),
});

export const objectsQuery = queryOptions({
  queryKey: ["objects"],
  queryFn: async ({ signal }) =>
    (await send<{ objects: ObjectDef[] }>("GET", "/api/objects", { signal })).body.objects.map(covered),
  staleTime: 10 * MINUTE,
});

const pathOf = (object: string, id?: number | string) =>
  id === undefined ? `/api/records/${part(object)}` : `/api/records/${part(object)}/${part(id)}`;

export type PageAsked = RecordFilter & {
  fields?: string[];
  limit?: number;
  after?: string | undefined;
  count?: boolean;
};

export const recordPage = async (object: string, asked: PageAsked, signal?: AbortSignal) => {
  const { fields, count, ...rest } = asked;
  const query = { ...rest, fields: fields?.join(","), count: count ? "true" : undefined };
  return (await send<RecordPage>("GET", withQuery(pathOf(object), query), { signal })).body;
};

export const recordsQuery = (object: string, asked: PageAsked) =>
  queryOptions({
    queryKey: ["records", object, "page", asked],
    queryFn: ({ signal }) => recordPage(object, asked, signal),
    placeholderData: keepPreviousData,
    staleTime: MINUTE / 2,
  });

/** How many records match; of no more than one is anything fetched. */
export const recordCountQuery = (object: string, filter: RecordFilter) =>
  queryOptions({
    queryKey: ["records", object, "count", filter],
    queryFn: async ({ signal }) =>
      (await recordPage(object, { ...filter, limit: 1, count: true }, signal)).total ?? 0,
    staleTime: MINUTE / 2,
  });

export type RecordGroup = {
  /** Of a month its first day; null for the records without a value. */
  value: Value;
  label: string | null;
  count: number;
  sum: string | null;
};
export type RecordGroups = {
  groups: RecordGroup[];
  other: { n_groups: number; count: number; sum: string | null } | null;
  count: number;
  sum: string | null;
  currency: string | null;
  is_mixed: boolean;
  is_partial: boolean;
};

export type GroupsAsked = Omit<RecordFilter, "sort"> & { by: string; sum?: string };

/** The records of a list counted, and one of their numbers added up, by a field. */
export const groupsQuery = (object: string, asked: GroupsAsked) =>
  queryOptions({
    queryKey: ["records", object, "groups", asked, apiLanguage()],
    queryFn: async ({ signal }) =>
      (await send<RecordGroups>("GET", withQuery(`${pathOf(object)}/groups`, asked), { signal })).body,
    // None of another question: groups by another field mean something else.
    staleTime: MINUTE / 2,
  });

export const fetchRecord = async (object: string, id: number, signal?: AbortSignal): Promise<Held> => {
  const { body, etag } = await send<RecordRow>("GET", pathOf(object, id), { signal });
  return { ...body, etag };
};

export const recordQuery = (object: string, id: number) =>
  queryOptions({
    queryKey: ["records", object, "one", id],
    queryFn: ({ signal }) => fetchRecord(object, id, signal),
    staleTime: MINUTE / 2,
  });

/** `key` is the same for every try of one wish, so that a second try makes no second record. */
export const createRecord = async (object: string, values: Values, key: string): Promise<Held> => {
  const headers = { "Idempotency-Key": key };
  const { body, etag } = await send<RecordRow>("POST", pathOf(object), { body: values, headers });
  return { ...body, etag };
};

export const changeRecord = async (
  object: string,
  id: number,
  values: Values,
  etag: string | null,
): Promise<Held> => {
  const headers: Record<string, string> = etag ? { "If-Match": etag } : {};
  const answer = await send<RecordRow>("PATCH", pathOf(object, id), { body: values, headers });
  return { ...answer.body, etag: answer.etag };
};

export const deleteRecord = async (object: string, id: number, etag: string | null): Promise<void> => {
  const headers: Record<string, string> = etag ? { "If-Match": etag } : {};
  await send("DELETE", pathOf(object, id), { headers });
};

export const historyPage = async (
  object: string,
  id: number,
  after: number | string | undefined,
  signal?: AbortSignal,
) =>
  (
    await send<HistoryPage>("GET", withQuery(`${pathOf(object, id)}/history`, { after, limit: 50 }), {
      signal,
    })
  ).body;

export const exportRecords = async (object: string, filter: RecordFilter, format: Format): Promise<Blob> => {
  const { where, sort } = filter;
  const query = { format, ...(where ? { where } : {}), ...(sort ? { sort } : {}) };
  return unwrapAs<Blob>(
    await client.GET("/api/exports/records/{object}", {
      params: { path: { object }, query },
      parseAs: "blob",
    }),
  );
};
