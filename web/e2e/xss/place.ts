// A place in which every text that somebody can type in is hostile.
import type { APIRequestContext } from "@playwright/test";
import { ADDRESSES, group, N_GROUPS, PAYLOADS } from "./payloads";

type Field = {
  is_read_only: boolean;
  id: string;
  type: string;
  to?: string | null;
  required?: boolean;
  unique?: boolean;
  options?: { value: string }[] | null;
};
type ObjectBody = {
  id: string;
  title: string | null;
  number: string | null;
  is_writable: boolean;
  fields: Field[];
};

export type Place = {
  objects: ObjectBody[];
  /** Ids by object. */
  records: Record<string, number[]>;
  customers: number[];
  imports: number[];
  n_slots: number;
};

/** Made otherwise, or with a meaning of its own. */
const NOT_HERE = new Set(["user", "department", "member", "share", "score", "consent"]);

export async function makePlace(api: APIRequestContext): Promise<Place> {
  const post = async (path: string, data: unknown): Promise<Record<string, unknown>> => {
    const answer = await api.post(path, { data });
    if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  };
  const place: Place = { objects: [], records: {}, customers: [], imports: [], n_slots: 0 };
  place.imports = await importFiles(api);
  const listed = (await (await api.get("/api/objects")).json()) as { objects: ObjectBody[] };
  place.objects = listed.objects;
  // Some records are of a colleague, so the first one is there before them.
  const { users } = (await (await api.get("/api/users")).json()) as { users: { id: number }[] };
  place.records.user = users.map((user) => user.id);
  await makeRecords(place, post);
  await makeSettings(place, api, post);
  const { rows } = (await (await api.get("/api/records/customer?limit=50")).json()) as {
    rows: { id: number }[];
  };
  place.customers = rows.map((row) => row.id);
  return place;
}

async function makeRecords(
  place: Place,
  post: (path: string, data: unknown) => Promise<Record<string, unknown>>,
) {
  const open = place.objects.filter((o) => o.is_writable && !NOT_HERE.has(o.id));
  for (let round = 0; open.length > 0 && round < 8; round++) {
    for (const object of [...open]) {
      // Those that it needs come first.
      const needs = object.fields.filter(
        (f) => f.required && f.type === "link" && f.to && f.to !== object.id,
      );
      if (needs.some((f) => !place.records[f.to ?? ""]?.length)) continue;
      open.splice(open.indexOf(object), 1);
      const ids: number[] = [];
      for (let n = 0; n < N_GROUPS; n++) {
        const made = await post(`/api/records/${object.id}`, valuesOf(place, object, n));
        ids.push(made.id as number);
      }
      place.records[object.id] = ids;
      place.n_slots += object.fields.filter((f) => f.type === "text").length;
    }
  }
  if (open.length > 0) throw new Error(`no record of ${open.map((o) => o.id).join(", ")}`);
}

function valuesOf(place: Place, object: ObjectBody, n: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  object.fields.forEach((field, at) => {
    if (field.is_read_only) return;
    const isUrl = /website|url|link/.test(field.id) && field.type === "text";
    const linked = field.to ? place.records[field.to] : undefined;
    const value = {
      text: isUrl ? ADDRESSES[n % ADDRESSES.length] : `${n}.${at} ${group(n + at)}`,
      choice: field.options?.[n % (field.options.length || 1)]?.value,
      decimal: "1",
      int: 1,
      float: 1,
      bool: true,
      date: "2026-01-15",
      instant: "2026-01-15T06:30:00Z",
      link: linked?.[n % linked.length],
    }[field.type];
    // A price list or a pipeline may know more than the field says; what is not needed is left out.
    if (
      value !== undefined &&
      (field.required || ["text", "choice", "date", "instant", "link"].includes(field.type))
    )
      values[field.id] = value;
  });
  return values;
}

async function makeSettings(
  place: Place,
  api: APIRequestContext,
  post: (path: string, data: unknown) => Promise<Record<string, unknown>>,
) {
  // Names are short, so each payload has one of its own.
  const texts = PAYLOADS;
  const contact = place.records.contact?.[0] ?? 0;
  for (const [n, text] of texts.entries()) {
    await post("/api/departments", { name: text });
    await post("/api/tokens", { name: text });
    await post("/api/users", {
      login: `hostile${n}`,
      name: text,
      role: "representative",
      phone: text.slice(0, 40),
    });
    const names = { zh: text, en: text };
    const role = await api.put(`/api/roles/hostile${n}`, {
      data: { name: names, about: names, grants: [{ object: "customer", actions: ["read"], rows: "own" }] },
    });
    if (!role.ok()) throw new Error(`role: ${role.status()} ${await role.text()}`);
    await post("/api/webhooks", {
      name: text,
      url: `https://example.com/${encodeURI(text)}?x=${n}`,
      objects: ["customer"],
      kinds: ["create"],
      is_active: false,
    });
    await post(`/api/consents/contact/${contact}`, {
      channel: "phone",
      purpose: "marketing",
      state: "given",
      source: text,
      evidence: text,
    });
  }
  await post("/api/providers", {
    name: texts[0],
    issuer: "https://id.example.com",
    client_id: texts[1],
    client_secret: "x",
    claim: "email",
    matches: "email",
    is_active: true,
    allows_other_ways: true,
  });
  await post("/api/erasures", { object: "contact", record: place.records.contact?.[0], reason: texts[2] });
  place.n_slots += 12;
  // Addresses of webhooks are http or https alone.
  for (const url of ADDRESSES) {
    const answer = await api.post("/api/webhooks", {
      data: { name: "x", url, objects: ["customer"], kinds: ["create"] },
    });
    if (answer.status() !== 422) throw new Error(`a webhook to ${url}: ${answer.status()}`);
  }
}

const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** Orders of customers and products with hostile names, under a hostile file name; one file whose headings are hostile, too. */
async function importFiles(api: APIRequestContext): Promise<number[]> {
  const lines = ["订单号,下单时间,客户编号,客户名称,商品编号,商品名称,数量,单价,国家,城市"];
  PAYLOADS.forEach((text, n) => {
    const day = `2025-${String(1 + (n % 9)).padStart(2, "0")}-${String(1 + (n % 27)).padStart(2, "0")}`;
    lines.push(
      [`X${n}`, day, `H${n}`, cell(text), `HP${n}`, cell(text), 1 + n, "10", cell(text), cell(text)].join(
        ",",
      ),
    );
  });
  // Rows that cannot be read, whose words stand in the report.
  PAYLOADS.forEach((text, n) => {
    lines.push([`Y${n}`, cell(text), "H1", "x", "HP1", "x", cell(text), "1", "", ""].join(","));
  });
  const unclear = [
    [cell(PAYLOADS[0] ?? ""), "日期", cell(PAYLOADS[7] ?? ""), "钱", ...PAYLOADS.slice(8, 20).map(cell)].join(
      ",",
    ),
    ["1", "01/02/2024", cell(PAYLOADS[9] ?? ""), "12.5", ...PAYLOADS.slice(20, 32).map(cell)].join(","),
    ["2", "03/04/2024", cell(PAYLOADS[12] ?? ""), "8", ...PAYLOADS.slice(32, 44).map(cell)].join(","),
  ];
  const ids: number[] = [];
  for (const [name, text, more] of [
    [`${PAYLOADS[7]}.csv`, lines.join("\n"), ""],
    [`${PAYLOADS[0]}.csv`, unclear.join("\n"), ""],
    [`${PAYLOADS[12]}.csv`, unclear.join("\n"), "&object=contact&review=true"],
  ] as const) {
    const answer = await api.post(`/api/imports?filename=${encodeURIComponent(name)}${more}`, {
      data: Buffer.from(`${text}\n`),
      headers: { "content-type": "application/octet-stream" },
    });
    if (!answer.ok()) throw new Error(`${name}: ${answer.status()} ${await answer.text()}`);
    const { id } = (await answer.json()) as { id: number };
    for (;;) {
      const run = (await (await api.get(`/api/imports/${id}`)).json()) as {
        state: string;
        mapping?: unknown;
      };
      if (!["queued", "running"].includes(run.state)) break;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    ids.push(id);
  }
  return ids;
}
