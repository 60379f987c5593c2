// What objects and fields there are, as an administrator changes it.
import { queryOptions } from "@tanstack/react-query";
import { part, send } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Design = Schemas["DesignBody"];
export type DesignedObject = Schemas["DesignedObject"];
export type ObjectDesign = Schemas["ObjectDesign"];
export type ObjectDraft = Schemas["ObjectDraft"];
export type FieldDraft = Schemas["FieldDraft"];
export type OptionDraft = Schemas["OptionDraft"];
export type DerivedDraft = Schemas["DerivedDraft"];
export type LayoutDraft = Schemas["LayoutDraft"];
export type RuleDraft = Schemas["RuleDraft"];
export type MetricDesign = Schemas["MetricDesign"];
export type MetricDraft = Schemas["MetricDraft"];
export type MeasureDraft = Schemas["MeasureDraft"];
export type GivenDraft = Schemas["GivenDraft"];
export type DesignChange = Schemas["DesignChange"];
export type DesignOutcome = Schemas["DesignOutcome"];
export type DesignStep = Schemas["Step"];
export type DesignPack = Schemas["Pack"];
export type PackList = Schemas["PackList"];
export type PackBody = Schemas["PackBody"];
export type PackChange = Schemas["PackChange"];
export type PackOutcome = Schemas["PackOutcome"];
export type Trashed = Schemas["TrashBody"];

export const designQuery = queryOptions({
  queryKey: ["design"],
  queryFn: async ({ signal }) => (await send<Design>("GET", "/api/design", { signal })).body,
});
export const objectDesignQuery = (id: string) =>
  queryOptions({
    queryKey: ["design", id],
    queryFn: async ({ signal }) =>
      (await send<ObjectDesign>("GET", `/api/design/objects/${part(id)}`, { signal })).body,
  });
export const metricDesignQuery = (id: string) =>
  queryOptions({
    queryKey: ["design", "metric", id],
    queryFn: async ({ signal }) =>
      (await send<MetricDesign>("GET", `/api/design/metrics/${part(id)}`, { signal })).body,
  });

export const packsQuery = queryOptions({
  queryKey: ["design", "packs"],
  queryFn: async ({ signal }) => (await send<PackList>("GET", "/api/design/packs", { signal })).body,
});
export const takePackIn = async (id: string, body: PackChange) =>
  (await send<PackOutcome>("POST", `/api/design/packs/${part(id)}`, { body })).body;
export const removePack = async (id: string, body: PackChange) =>
  (await send<PackOutcome>("POST", `/api/design/packs/${part(id)}/remove`, { body })).body;

export const changeDesign = async (body: DesignChange) =>
  (await send<DesignOutcome>("POST", "/api/design", { body })).body;
export const rollBack = async (body: Schemas["RollBack"]) =>
  (await send<DesignOutcome>("POST", "/api/design/rollback", { body })).body;
export const restoreTrashed = async (body: Schemas["Restore"]) =>
  (await send<DesignOutcome>("POST", "/api/design/trash/restore", { body })).body;
export const discardTrashed = async (body: Schemas["TrashPlace"]) =>
  void (await send("POST", "/api/design/trash/discard", { body }));
export const exportDesign = async () => (await send<DesignPack>("GET", "/api/design/export")).body;
