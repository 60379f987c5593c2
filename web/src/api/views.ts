// Saved views of a list.
import { queryOptions } from "@tanstack/react-query";
import { part, send } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type SavedView = Schemas["ViewBody"];
export type SavedState = Schemas["ViewState"];

const at = (object: string, id?: number) =>
  `/api/views/${part(object)}${id === undefined ? "" : `/${part(id)}`}`;

export const viewsQuery = (object: string) =>
  queryOptions({
    queryKey: ["views", object],
    queryFn: async ({ signal }) => (await send<Schemas["ViewList"]>("GET", at(object), { signal })).body,
    staleTime: 60_000,
  });
export const addView = async (object: string, body: Schemas["NewView"]) =>
  (await send<Schemas["ViewMade"]>("POST", at(object), { body })).body;
export const changeView = async (object: string, id: number, body: Schemas["ViewChange"]) =>
  void (await send("PATCH", at(object, id), { body }));
export const deleteView = async (object: string, id: number) => void (await send("DELETE", at(object, id)));
export const setUsualView = async (object: string, view: number | null) =>
  void (await send("PUT", at(object), { body: { view } }));
