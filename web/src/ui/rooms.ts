// Where an object stands in the navigation. An object that is not named here
// stands with the others at the end, so that a new one is in reach at once.
import type { ObjectDef } from "../api/records";

export const ROOMS = ["customers", "sales", "money", "service", "more"] as const;
export type Room = (typeof ROOMS)[number];

const OF: Record<string, Room> = {};
const put = (room: Room, ...objects: string[]) => {
  for (const object of objects) OF[object] = room;
};
put("customers", "customer", "contact", "activity", "follow_up", "visit", "task", "note", "segment", "need");
put("customers", "membership", "points", "referral", "sign_up", "web_visit");
put("sales", "opportunity", "lead", "quote", "quote_line", "contract", "order", "order_line", "product");
put("sales", "campaign", "goal", "target", "competitor", "price_list");
put("sales", "message", "coupon", "attribution", "market_size");
put("money", "payment", "payment_plan", "invoice", "receivable", "cost", "refund", "credit");
put("service", "ticket", "complaint", "survey", "reply", "rating", "knowledge", "service_visit");
put("service", "invitation", "call", "course_attempt", "idea", "contribution", "service_audit");

/** Written by their own pages under Settings, or by the evaluation. */
const ELSEWHERE = new Set(["user", "department", "member", "score"]);

export function roomsOf(objects: ObjectDef[]): { room: Room; objects: ObjectDef[] }[] {
  return ROOMS.map((room) => ({
    room,
    objects: objects
      .filter((o) => !ELSEWHERE.has(o.id) && (OF[o.id] ?? "more") === room)
      .sort((a, b) => rank(a) - rank(b)),
  })).filter((r) => r.objects.length > 0);
}

const NAMES = Object.keys(OF);
const rank = (object: ObjectDef): number => {
  const at = NAMES.indexOf(object.id);
  return at < 0 ? NAMES.length : at;
};
