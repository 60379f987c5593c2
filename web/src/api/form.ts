// Public forms, for whoever has an address.
import { part, send } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type AskedForm = Schemas["AskedForm"];
export type AskedField = Schemas["AskedField"];
export type FormValue = string | number | boolean | null;

const at = (token: string) => `/api/forms/${part(token)}`;

export const askForm = async (token: string) => (await send<AskedForm>("GET", at(token))).body;
export const answerForm = async (
  token: string,
  answer: { ticket: string; values: Record<string, FormValue>; website: string },
) => (await send<Schemas["Thanks"]>("POST", `${at(token)}/answers`, { body: answer })).body;
