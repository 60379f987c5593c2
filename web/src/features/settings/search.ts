/** What the audit trail is narrowed to, as it stands in the URL. */
export type AuditSearch = { actor?: string; object?: string; record?: string; kind?: string };

const NAMES = ["actor", "object", "record", "kind"] as const;

export function readAuditSearch(raw: Record<string, unknown>): AuditSearch {
  const search: AuditSearch = {};
  for (const name of NAMES) {
    const value = raw[name];
    if (typeof value === "string" && value !== "") search[name] = value;
    else if (typeof value === "number") search[name] = String(value);
  }
  return search;
}
