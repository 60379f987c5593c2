// Who is signed in, and what administration there is: users, departments,
// roles, tokens, the audit trail.
import { queryOptions } from "@tanstack/react-query";
import { part, send, withQuery } from "./request";
import type { Text2 } from "./types";

const MINUTE = 60_000;

export type AdminArea = "users" | "roles" | "audit" | "tokens";
export type SessionUser = {
  id: number;
  login: string;
  name: string;
  role: string;
  role_name: Text2;
  admin: (AdminArea | string)[];
  has_totp: boolean;
};
export type Session = { state: "setup" | "signed_out" | "signed_in"; user: SessionUser | null };

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }) => (await send<Session>("GET", "/api/session", { signal })).body,
  staleTime: 5 * MINUTE,
});

export const setUp = async (first: { code: string; login: string; name: string; password: string }) =>
  (await send<Session>("POST", "/api/setup", { body: first })).body;

export const signIn = async (who: { login: string; password: string; totp?: string }) =>
  (await send<Session>("POST", "/api/session", { body: who })).body;

export const signOut = async () => void (await send("DELETE", "/api/session"));

export const changePassword = async (change: { old: string; new: string }) =>
  void (await send("POST", "/api/session/password", { body: change }));

export type TotpSecret = { secret: string; uri: string };
export const newTotp = async () => (await send<TotpSecret>("POST", "/api/session/totp")).body;
export const turnOnTotp = async (code: string) =>
  void (await send("PUT", "/api/session/totp", { body: { code } }));
export const turnOffTotp = async (password: string) =>
  void (await send("DELETE", "/api/session/totp", { body: { password } }));

export type UserRow = {
  id: number;
  login: string;
  name: string;
  role: string;
  email: string | null;
  phone: string | null;
  is_active: boolean;
  departments: { id: number; name: string; is_head: boolean }[];
  has_totp: boolean;
  last_seen: string | null;
};
export type Membership = { id: number; is_head: boolean };
export type UserDraft = {
  login: string;
  name: string;
  role: string;
  password: string;
  email?: string | null;
  phone?: string | null;
  departments?: Membership[];
};
export type UserChange = Partial<Omit<UserDraft, "login">> & { is_active?: boolean };

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: async ({ signal }) =>
    (await send<{ users: UserRow[] }>("GET", "/api/users", { signal })).body.users,
  staleTime: MINUTE,
});
export const addUser = async (user: UserDraft) =>
  (await send<UserRow>("POST", "/api/users", { body: user })).body;
export const changeUser = async (id: number, change: UserChange) =>
  void (await send("PATCH", `/api/users/${part(id)}`, { body: change }));
export const handOver = async (id: number, to: number) =>
  (await send<{ n_records: number }>("POST", `/api/users/${part(id)}/hand-over`, { body: { to } })).body;

export type Department = { id: number; name: string; kind: string | null; parent: number | null };
export type DepartmentDraft = { name: string; kind?: string | null; parent?: number | null };
export const departmentsQuery = queryOptions({
  queryKey: ["departments"],
  queryFn: async ({ signal }) =>
    (await send<{ departments: Department[] }>("GET", "/api/departments", { signal })).body.departments,
  staleTime: MINUTE,
});
export const addDepartment = async (department: DepartmentDraft) =>
  (await send<Department>("POST", "/api/departments", { body: department })).body;
export const changeDepartment = async (id: number, change: Partial<DepartmentDraft>) =>
  void (await send("PATCH", `/api/departments/${part(id)}`, { body: change }));
export const deleteDepartment = async (id: number) =>
  void (await send("DELETE", `/api/departments/${part(id)}`));

export const ROWS = ["own", "team", "department", "all"] as const;
export type Rows = (typeof ROWS)[number];
export const FIELD_RIGHTS = ["hidden", "masked", "read"] as const;
export type FieldRight = (typeof FIELD_RIGHTS)[number];
export type Grant = { object: string; actions: string[]; rows: Rows };
export type Role = {
  id: string;
  name: Text2;
  about: Text2;
  is_built_in: boolean;
  grants: Grant[];
  fields: { field: string; as: FieldRight | "write"; reveal?: boolean }[];
  admin: string[];
};
export const rolesQuery = queryOptions({
  queryKey: ["roles"],
  queryFn: async ({ signal }) => (await send<{ roles: Role[] }>("GET", "/api/roles", { signal })).body.roles,
  staleTime: MINUTE,
});
export const putRole = async (role: Role) => {
  const { id, is_built_in, ...body } = role;
  await send("PUT", `/api/roles/${part(id)}`, { body });
};
export const deleteRole = async (id: string) => void (await send("DELETE", `/api/roles/${part(id)}`));

export type Token = {
  id: number;
  name: string;
  scopes: string[];
  created_at: string;
  used_at: string | null;
  expires_at: string | null;
};
export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: async ({ signal }) =>
    (await send<{ tokens: Token[] }>("GET", "/api/tokens", { signal })).body.tokens,
  staleTime: MINUTE,
});
export const addToken = async (token: { name: string; scopes: string[]; expires_on?: string }) =>
  (await send<{ id: number; token: string }>("POST", "/api/tokens", { body: token })).body;
export const deleteToken = async (id: number) => void (await send("DELETE", `/api/tokens/${part(id)}`));

/** A person as the log names one. */
export type Actor = string | { id: number; name: string } | null;
export type ChangeValues = Record<string, unknown> | null;
export type AuditEntry = {
  seq: number;
  at: string;
  actor: Actor;
  channel: string;
  kind: string;
  object: string | null;
  record: number | string | null;
  /** What the record is called now. */
  title: string | null;
  before: ChangeValues;
  after: ChangeValues;
};
export type AuditPage = {
  entries: AuditEntry[];
  next: number | string | null;
  is_whole: boolean | null;
  /** Kept backups in which the log was another one. */
  rewritten_since: string[];
};
export type AuditFilter = { actor?: string; object?: string; record?: string; kind?: string };
export const auditPage = async (
  filter: AuditFilter,
  before: number | string | undefined,
  signal: AbortSignal,
) =>
  (await send<AuditPage>("GET", withQuery("/api/audit", { ...filter, before, limit: 50 }), { signal })).body;

export type Share = {
  id: number;
  user: number | null;
  department: number | null;
  name: string;
  access: "read" | "write";
  until: string | null;
};
export type ShareDraft = {
  user?: number;
  department?: number;
  access: "read" | "write";
  until?: string;
};
export const sharesQuery = (customer: number) =>
  queryOptions({
    queryKey: ["shares", customer],
    queryFn: async ({ signal }) =>
      (
        await send<{ shares: Share[]; may_change: boolean }>(
          "GET",
          `/api/customers/${part(customer)}/shares`,
          { signal },
        )
      ).body,
    staleTime: MINUTE,
  });
export const shareCustomer = async (customer: number, share: ShareDraft) =>
  void (await send("POST", `/api/customers/${part(customer)}/shares`, { body: share }));
export const endShare = async (customer: number, share: number) =>
  void (await send("DELETE", `/api/customers/${part(customer)}/shares/${part(share)}`));
