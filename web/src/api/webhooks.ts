// Webhooks: who is told of changes, what was sent, and what a restore froze.
import { queryOptions } from "@tanstack/react-query";
import { part, send, withQuery } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Webhook = Schemas["WebhookBody"];
export type WebhookDraft = Schemas["NewWebhook"];
export type Delivery = Schemas["DeliveryBody"];
export type Attempt = Schemas["AttemptBody"];
type WebhookList = Schemas["WebhookList"];
type DeliveryList = Schemas["DeliveryList"];

export const WEBHOOK_KINDS = ["create", "update", "delete", "import", "undo", "evaluation"] as const;

const at = (id: number, rest = "") => `/api/webhooks/${part(id)}${rest}`;

export const webhooksQuery = queryOptions({
  queryKey: ["webhooks"],
  queryFn: async ({ signal }) => (await send<WebhookList>("GET", "/api/webhooks", { signal })).body,
});
export const addWebhook = async (webhook: WebhookDraft) =>
  (await send<Schemas["WebhookMade"]>("POST", "/api/webhooks", { body: webhook })).body;
export const changeWebhook = async (id: number, change: Schemas["WebhookChange"]) =>
  void (await send("PATCH", at(id), { body: change }));
export const deleteWebhook = async (id: number) => void (await send("DELETE", at(id)));
export const newSecret = async (id: number) =>
  (await send<Schemas["WebhookSecret"]>("POST", at(id, "/secret"))).body;
export const testWebhook = async (id: number) => (await send<Attempt>("POST", at(id, "/test"))).body;
export const deliveryPage = async (
  id: number,
  dead: boolean,
  before: number | undefined,
  signal: AbortSignal,
) =>
  (
    await send<DeliveryList>(
      "GET",
      withQuery(at(id, "/deliveries"), { dead: dead ? "true" : undefined, before, limit: 50 }),
      { signal },
    )
  ).body;
export const resend = async (id: number, delivery: number) =>
  void (await send("POST", at(id, `/deliveries/${part(delivery)}/resend`)));
export const releaseOutbound = async () => void (await send("POST", "/api/outbound/release"));
