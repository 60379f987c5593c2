// Passkeys: what the server asks of the browser, and the browser of the device.
import { queryOptions } from "@tanstack/react-query";
import { part, send } from "./request";
import type { Session } from "./session";

const MINUTE = 60_000;

export type Passkey = {
  id: number;
  name: string;
  host: string;
  created_at: string;
  used_at: string | null;
};

export const passkeysQuery = queryOptions({
  queryKey: ["passkeys"],
  queryFn: async ({ signal }) =>
    (await send<{ passkeys: Passkey[] }>("GET", "/api/passkeys", { signal })).body.passkeys,
  staleTime: MINUTE,
});
export const deletePasskey = async (id: number) => void (await send("DELETE", `/api/passkeys/${part(id)}`));

/** Whether the browser can, at an address of this kind; else the address where it could. */
export function whereToUsePasskeys(): "here" | "nowhere" | string {
  if (typeof PublicKeyCredential === "undefined" || !("parseRequestOptionsFromJSON" in PublicKeyCredential))
    // Without a secure context there is nothing of it, wherever one is.
    return "nowhere";
  const { hostname, port, pathname } = window.location;
  if (hostname === "127.0.0.1" || hostname === "[::1]") return `http://localhost:${port || "80"}${pathname}`;
  return "here";
}

export async function addPasskey(name: string): Promise<void> {
  const { publicKey } = (
    await send<{ publicKey: PublicKeyCredentialCreationOptionsJSON }>("POST", "/api/passkeys/options")
  ).body;
  const made = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
  });
  await send("POST", "/api/passkeys", { body: { name, credential: json(made) } });
}

export async function signInWithPasskey(): Promise<Session> {
  const { publicKey } = (
    await send<{ publicKey: PublicKeyCredentialRequestOptionsJSON }>("POST", "/api/session/passkey/options")
  ).body;
  const given = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
  });
  return (await send<Session>("POST", "/api/session/passkey", { body: { credential: json(given) } })).body;
}

const json = (credential: Credential | null): unknown =>
  credential instanceof PublicKeyCredential ? credential.toJSON() : null;

/** Whoever closes the browser's question has not failed at anything. */
export const isGivenUp = (error: unknown): boolean =>
  error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError");
export const isKnownThere = (error: unknown): boolean =>
  error instanceof DOMException && error.name === "InvalidStateError";
