// The backups that the place keeps, and the one that is being made or checked.
import { queryOptions } from "@tanstack/react-query";
import { part, send } from "./request";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Backup = Schemas["BackupBody"];
export type BackupRun = Schemas["RunBody"];
export type BackupFailure = Schemas["FailureBody"];

const SOON = 1_000;

const at = (name: string, rest = "") => `/api/backups/${part(name)}${rest}`;

export const backupsQuery = queryOptions({
  queryKey: ["backups"],
  queryFn: async ({ signal }) => (await send<Schemas["BackupList"]>("GET", "/api/backups", { signal })).body,
  refetchInterval: (query) => (query.state.data?.running ? SOON : false),
});
export const makeBackup = async () => (await send<BackupRun>("POST", "/api/backups")).body;
export const checkBackup = async (name: string) => (await send<BackupRun>("POST", at(name, "/check"))).body;
export const deleteBackup = async (name: string) => void (await send("DELETE", at(name)));
/** A link, and not a call: the file may be larger than what a page holds. */
export const backupPath = (name: string): string => at(name, "/content");
