// Public forms, as an administrator makes them.
import { queryOptions } from "@tanstack/react-query";
import { part, send } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type PublicForm = Schemas["FormBody"];
export type FormDraft = Schemas["FormDraft"];
export type FormField = Schemas["FormField"];

const AT = "/api/design/forms";

export const formsQuery = queryOptions({
  queryKey: ["forms"],
  queryFn: async ({ signal }) => (await send<Schemas["FormsHere"]>("GET", AT, { signal })).body,
});
export const addForm = async (body: FormDraft) =>
  (await send<Schemas["FormMade"]>("POST", AT, { body })).body;
export const changeForm = async (id: number, body: FormDraft) =>
  void (await send("PUT", `${AT}/${part(id)}`, { body }));
export const deleteForm = async (id: number) => void (await send("DELETE", `${AT}/${part(id)}`));
