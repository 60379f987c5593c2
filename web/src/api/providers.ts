// Single sign-on: the providers, and the way to one of them.
import { queryOptions } from "@tanstack/react-query";
import { part, send } from "./request";

const MINUTE = 60_000;

export const MATCHES = ["email", "login"] as const;
export type Matches = (typeof MATCHES)[number];
export type Provider = {
  id: number;
  name: string;
  issuer: string;
  client_id: string;
  claim: string;
  matches: Matches;
  allows_other_ways: boolean;
  is_active: boolean;
};
export type ProviderDraft = Omit<Provider, "id"> & { client_secret?: string };

export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: async ({ signal }) =>
    (await send<{ providers: Provider[] }>("GET", "/api/providers", { signal })).body.providers,
  staleTime: MINUTE,
});
export const addProvider = async (draft: ProviderDraft) =>
  void (await send("POST", "/api/providers", { body: draft }));
export const changeProvider = async (id: number, draft: ProviderDraft) =>
  void (await send("PUT", `/api/providers/${part(id)}`, { body: draft }));
export const deleteProvider = async (id: number) => void (await send("DELETE", `/api/providers/${part(id)}`));

export type ProviderName = { id: number; name: string };
/** Those to sign in with. */
export const providerNamesQuery = queryOptions({
  queryKey: ["session", "providers"],
  queryFn: async ({ signal }) =>
    (await send<{ providers: ProviderName[] }>("GET", "/api/session/providers", { signal })).body.providers,
  staleTime: MINUTE,
});

/** Leaves the page for the provider's. */
export async function goToProvider(id: number): Promise<void> {
  const { url } = (await send<{ url: string }>("POST", `/api/session/sso/${part(id)}`)).body;
  window.location.assign(url);
}

/** Where providers send people back to; they want to know it beforehand. */
export const cameBackTo = (): string => `${window.location.origin}/api/session/sso/callback`;
