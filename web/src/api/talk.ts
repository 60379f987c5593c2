// What colleagues say of records, what one is told, what one marked, and what
// one has to look at today.
import { queryOptions } from "@tanstack/react-query";
import { apiLanguage } from "./client";
import { part, send, withQuery } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Comment = Schemas["CommentBody"];
export type CommentSaved = Schemas["CommentSaved"];
export type Person = Schemas["PersonBody"];
export type Notice = Schemas["NotificationBody"];
export type NoticeList = Schemas["NotificationList"];
export type Marked = Schemas["MarkedBody"];
export type Today = Schemas["Today"];
export type Section = Schemas["Section"];
export type SectionKind = Schemas["SectionKind"];
export type TodayRow = Schemas["TodayRow"];

const SECOND = 1_000;

const at = (object: string, id: number, rest: string) => `/api/records/${part(object)}/${part(id)}/${rest}`;

export const commentsKey = (object: string, id: number) => ["records", object, "comments", id];
export const commentPage = async (
  object: string,
  id: number,
  before: number | undefined,
  signal?: AbortSignal,
) =>
  (
    await send<Schemas["CommentList"]>("GET", withQuery(at(object, id, "comments"), { before }), {
      signal,
    })
  ).body;
export const addComment = async (object: string, id: number, text: string) =>
  (await send<CommentSaved>("POST", at(object, id, "comments"), { body: { text } })).body;
export const changeComment = async (object: string, id: number, comment: number, text: string) =>
  (await send<CommentSaved>("PATCH", at(object, id, `comments/${comment}`), { body: { text } })).body;
export const deleteComment = async (object: string, id: number, comment: number) =>
  void (await send("DELETE", at(object, id, `comments/${comment}`)));
export const peopleQuery = (object: string, id: number, q: string) =>
  queryOptions({
    queryKey: ["people", object, id, q],
    queryFn: async ({ signal }) =>
      (await send<Schemas["PeopleList"]>("GET", withQuery(at(object, id, "people"), { q }), { signal })).body
        .people,
    staleTime: 30 * SECOND,
  });

export const noticesKey = ["notices"];
export const noticePage = async (before: number | undefined, signal?: AbortSignal) =>
  (await send<NoticeList>("GET", withQuery("/api/notifications", { before }), { signal })).body;
export const readNotice = async (id: number, up_to = false) =>
  void (await send("POST", "/api/notifications/read", { body: { id, up_to } }));

export const favouritesQuery = queryOptions({
  queryKey: ["favourites"],
  queryFn: async ({ signal }) =>
    (await send<Schemas["FavouriteList"]>("GET", "/api/favourites", { signal })).body,
  staleTime: 30 * SECOND,
});
export const markRecord = async (object: string, id: number, isMarked: boolean) =>
  void (await send(isMarked ? "PUT" : "DELETE", `/api/favourites/${part(object)}/${part(id)}`));
export const seeRecord = async (object: string, id: number) =>
  void (await send("PUT", `/api/seen/${part(object)}/${part(id)}`));

export const todayQuery = () =>
  queryOptions({
    queryKey: ["today", apiLanguage()],
    queryFn: async ({ signal }) => (await send<Today>("GET", "/api/today", { signal })).body,
    staleTime: 10 * SECOND,
  });
