// Values behind a mask, consents, and all that there is of a person.
import { queryOptions } from "@tanstack/react-query";
import { ApiError, apiLanguage, asProblem } from "./client";
import { part, send } from "./request";
import type { Value } from "./types";

const MINUTE = 60_000;

/** The value of one field of one record, for a reason that stays in the log. */
export const revealField = async (object: string, id: number, field: string, reason: string) =>
  (
    await send<{ field: string; value: Value }>("POST", `/api/records/${part(object)}/${part(id)}/reveal`, {
      body: { field, reason },
    })
  ).body.value;

export type Party = "contact" | "customer";
export type ConsentEntry = {
  id: number;
  channel: string;
  purpose: string;
  state: string;
  at: string;
  recorded_at: string;
  recorded_by: string;
  source: string;
  evidence: string | null;
};
export type Consents = {
  as_of: string;
  states: { channel: string; purpose: string; state: string; by: number }[];
  entries: ConsentEntry[];
};
export type NewConsent = {
  channel: string;
  purpose: string;
  state: string;
  source: string;
  evidence?: string;
  at?: string;
};

const consentsPath = (party: Party, id: number) => `/api/consents/${party}/${part(id)}`;

export const consentsQuery = (party: Party, id: number) =>
  queryOptions({
    queryKey: ["consents", party, id],
    queryFn: async ({ signal }) => (await send<Consents>("GET", consentsPath(party, id), { signal })).body,
    staleTime: MINUTE / 2,
  });

export const addConsent = async (party: Party, id: number, consent: NewConsent) =>
  void (await send("POST", consentsPath(party, id), { body: consent }));

export const personFile = async (party: Party, id: number): Promise<Blob> => {
  const path = `/api/persons/${party}/${part(id)}/export`;
  const response = await fetch(path, { headers: { "Accept-Language": apiLanguage() } });
  if (response.ok) return response.blob();
  throw new ApiError(asProblem(await response.json().catch(() => undefined), response.status));
};

export type WaitingErasure = {
  id: number;
  object: string;
  record: number;
  title: string;
  reason: string;
  asked_by: string;
  asked_at: string;
  n_records: number;
};
export type Erasures = {
  waiting: WaitingErasure[];
  done: { pseudonym: string; object: string; record: number; at: string; backups: string[] }[];
};
export type ErasureReport = {
  pseudonym: string;
  n_records: number;
  n_entries: number;
  n_files: number;
  /** Kept ones of before, by name. */
  backups: string[];
};

export const erasuresQuery = queryOptions({
  queryKey: ["erasures"],
  queryFn: async ({ signal }) => (await send<Erasures>("GET", "/api/erasures", { signal })).body,
  staleTime: MINUTE / 2,
});

export const askErasure = async (object: string, record: number, reason: string) =>
  void (await send("POST", "/api/erasures", { body: { object, record, reason } }));
export const confirmErasure = async (id: number, title: string) =>
  (await send<ErasureReport>("POST", `/api/erasures/${part(id)}/confirm`, { body: { title } })).body;
export const withdrawErasure = async (id: number) => void (await send("DELETE", `/api/erasures/${part(id)}`));
