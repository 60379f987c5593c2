// A stand-in for the server while working on the page: the same contract,
// invented but repeatable data, a million customers that exist only as a rule.
// `node mock/server.mjs [port]` serves dist/ with the nonce and the policy of
// the real server, and /api.

import { randomBytes } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { catalog } from "./catalog.mjs";
import { records } from "./records.mjs";

const dist = join(fileURLToPath(new URL(".", import.meta.url)), "..", "dist");
const port = Number(process.argv[2] ?? 4010);
const isEmpty = process.env.MOCK_EMPTY === "1";
const AS_OF = "2010-12-10";
const N = 1_000_000;

const hash = (a, b = 0) => {
  let x = Math.imul(a + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
};
const day = (d, n) => new Date(Date.parse(`${d}T00:00:00Z`) + n * 864e5).toISOString().slice(0, 10);
const money = (x) => x.toFixed(3).replace(/0+$/, "").replace(/\.$/, "");
const SURNAMES = [
  "远东贸易",
  "华盛百货",
  "Blue Harbour Ltd",
  "星海礼品",
  "Kensington Gifts",
  "明德商行",
  "Nordic Home AB",
  "锦程实业",
  "La Maison",
  "瑞丰超市",
];
const COUNTRIES = ["United Kingdom", "Germany", "France", "EIRE", "Netherlands", "Spain"];
const TIERS = ["vip", "potential", "regular", "dormant"];
const STAGES = ["mature", "growing", "new", "declining", "at_risk", "lost", "won_back", "prospect"];

function customer(id) {
  const h = (n) => hash(id, n);
  const since = Math.floor(h(1) ** 2 * 370);
  const orders = 1 + Math.floor(h(2) ** 3 * 60);
  const net = orders * (120 + h(3) * 700);
  const alive = Math.max(0.02, Math.min(0.99, 1 - since / 400 + (h(4) - 0.5) * 0.2));
  const tier = net > 12000 ? "vip" : since > 200 ? "dormant" : orders > 8 ? "potential" : "regular";
  const risk = since > 90 ? net * (1 - alive) : 0;
  return {
    id,
    number: String(12346 + id),
    name: h(5) < 0.6 ? `${SURNAMES[Math.floor(h(6) * SURNAMES.length)]} ${id}` : null,
    kind: h(7) < 0.5 ? "company" : null,
    country: COUNTRIES[Math.floor(h(8) ** 3 * COUNTRIES.length)],
    region: null,
    city: null,
    owner: h(9) < 0.3 ? "王敏" : null,
    as_of: AS_OF,
    tier,
    tier_reason_zh: `近365天净销售额 ${net.toFixed(0)}，${orders} 张订单，距上次购买 ${since} 天`,
    tier_reason_en: `net revenue of 365 days ${net.toFixed(0)}, ${orders} orders, last bought ${since} days ago`,
    stage: STAGES[since > 250 ? 5 : since > 120 ? 4 : Math.floor(h(10) * 4)],
    stage_reason_zh: `沉默 ${since} 天，是购买周期的 ${(since / 45).toFixed(1)} 倍`,
    stage_reason_en: `silent for ${since} days, ${(since / 45).toFixed(1)} × the purchase cycle`,
    first_ordered_on: day(AS_OF, -370),
    last_ordered_on: day(AS_OF, -since - 1),
    days_since_last: since,
    n_orders: orders,
    n_purchase_days: orders,
    gross_sales: money(net * 1.04),
    net_revenue: money(net),
    net_revenue_365: money(net * 0.93),
    net_revenue_180: money(net * 0.5),
    net_revenue_180_before: money(net * 0.43),
    frequency_365: orders,
    cycle_days: 45 + h(11) * 20,
    silence: since / 45,
    next_expected_on: day(AS_OF, 12),
    next_expected_from: day(AS_OF, 2),
    next_expected_to: day(AS_OF, 41),
    r_reference: 5 - Math.floor(since / 75),
    f_reference: Math.min(5, 1 + Math.floor(orders / 3)),
    m_reference: Math.min(5, 1 + Math.floor(net / 1500)),
    r_cut: 4,
    f_cut: 3,
    m_cut: 5,
    r_fixed: 5,
    f_fixed: 2,
    m_fixed: 4,
    p_alive: alive,
    p_alive_se: 0.04,
    expected_purchases_365: orders * alive,
    expected_purchases_365_se: 0.8,
    expected_spend: money(net / orders),
    expected_spend_se: money(31.2),
    expected_revenue_365: money(net * alive),
    clv_12m: money(net * alive * 0.94),
    clv_12m_se: money(net * 0.12),
    clv_basis: "revenue",
    value_at_risk: money(risk),
  };
}

const at = (months) => new Date(Date.UTC(2009, 11 + months, 1)).toISOString().slice(0, 10);
const SEASON = [0.9, 0.7, 0.6, 0.85, 0.75, 0.8, 0.82, 0.78, 0.83, 1.1, 1.35, 1.6];
const BASE = { money: 612345.678, count: 1523, pct: 0.342, days: 38, score: 0.61 };

function value(metric, month, salt = 0) {
  const m = catalog.metrics.find((x) => x.id === metric);
  const season = SEASON[((month % 12) + 12) % 12] * (0.95 + hash(month + 100, salt) * 0.1);
  const x =
    BASE[m.unit] *
    (m.unit === "pct" ? 0.9 + season * 0.1 : season) *
    (metric === "average_order_value" ? 0.0007 : 1);
  return m.unit === "money" ? money(x) : m.unit === "count" ? Math.round(x) : x;
}

function ask(q) {
  const columns = [];
  const metric = q.metrics[0];
  const m = catalog.metrics.find((x) => x.id === metric);
  if (!m) return null;
  const rows = [];
  const row_status = [];
  const from = q.from ?? "2009-12-01";
  const to = q.to ?? AS_OF;
  const add = (name, unit) => {
    columns.push({ name, role: "metric", unit });
    if (q.compare)
      columns.push(
        { name: `${name}_previous`, role: "metric", unit },
        { name: `${name}_change`, role: "metric", unit: unit === "pct" ? "pct" : "pct" },
      );
  };
  const cells = (v, salt) => {
    if (!q.compare) return [v];
    const before = Number(v) * (0.8 + hash(salt, 77) * 0.5);
    const shown = m.unit === "money" ? money(before) : m.unit === "count" ? Math.round(before) : before;
    return [v, shown, m.unit === "pct" ? Number(v) - before : (Number(v) - before) / before];
  };
  if (m.dimensions.includes("cohort")) {
    columns.push(
      { name: "cohort", role: "dimension", unit: "" },
      { name: "age", role: "dimension", unit: "count" },
    );
    add(metric, m.unit);
    for (let c = 0; c < 13; c++)
      for (let age = 0; age <= 12 - c; age++) {
        rows.push([at(c), age, age === 0 ? 1 : 0.38 * 0.93 ** age * (0.8 + hash(c, age) * 0.4)]);
        row_status.push(c + age === 12 ? "open" : "settled");
      }
  } else {
    const by = q.by ?? [];
    if (q.grain) columns.push({ name: "period", role: "dimension", unit: "" });
    for (const b of by) columns.push({ name: b, role: "dimension", unit: "" });
    add(metric, m.unit);
    const groups =
      by.length === 0
        ? [[]]
        : by.includes("customer")
          ? Array.from({ length: 60 }, (_, i) =>
              by.map((b) =>
                b === "customer"
                  ? i + 1
                  : b === "customer.number"
                    ? customer(i + 1).number
                    : customer(i + 1).name,
              ),
            )
          : by[0] === "currency"
            ? [[null]]
            : COUNTRIES.map((c) => by.map(() => c));
    const months = q.grain
      ? [...Array(13).keys()].filter((i) => at(i) >= from.slice(0, 8).concat("01") && at(i) < to)
      : [10];
    for (const i of months)
      for (const [g, group] of groups.entries()) {
        const v = value(metric, i, g);
        const scaled =
          groups.length > 1
            ? m.unit === "money"
              ? money(Number(v) / (g + 1) ** 1.6)
              : m.unit === "count"
                ? Math.round(Number(v) / (g + 1) ** 1.6)
                : v
            : v;
        rows.push([...(q.grain ? [at(i)] : []), ...group, ...cells(scaled, i * 100 + g)]);
        row_status.push((q.grain && i === 12) || (!q.grain && to > "2010-12-01") ? "open" : "settled");
      }
  }
  return {
    columns,
    rows,
    as_of: AS_OF,
    status: row_status.includes("open") ? "open" : "settled",
    row_status,
    small: [],
    period: { from, to },
    compared: q.compare ? { from: day(from, -31), to: from } : null,
    seq: 42,
    truncated: false,
  };
}

const tiers = {
  vip: { customers: 214, net_revenue_365: "4120034.5" },
  potential: { customers: 930, net_revenue_365: "2610882.1" },
  regular: { customers: 2301, net_revenue_365: "1533120.44" },
  dormant: { customers: 868, net_revenue_365: "221930.3" },
};
const stages = Object.fromEntries(
  STAGES.map((s, i) => [
    s,
    { customers: Math.round(900 / (i + 1)), net_revenue_365: money(3200000 / (i + 1) ** 1.4) },
  ]),
);
const matrix = [1, 2, 3, 4, 5].map((r) =>
  [1, 2, 3, 4, 5].map((f) => Math.round(40 + hash(r, f) * 120 + (r === f ? 260 : 0))),
);
const rfm = {
  r: {},
  f: {},
  m: {},
  matrix,
  money: matrix.map((row, r) => row.map((n, f) => money(n * (f + 1) ** 2 * (r + 1) * 47.11))),
};
const evaluation = {
  as_of: AS_OF,
  at: "2026-01-05T08:00:00Z",
  n_customers: 4384,
  n_buyers: 4314,
  tiers,
  stages,
  rfm: { reference: rfm, reference_cut: rfm, fixed: rfm },
  models: {
    used: "mbg_nbd",
    mbg_nbd: {
      params: { r: 0.8, alpha: 6, a: 0.3, b: 2 },
      std_errors: null,
      log_likelihood: -10233.2,
      identified: true,
      note: null,
    },
    bg_nbd: null,
    gamma_gamma: null,
    holdout: { weeks: 13, actual: 4712, expected: 4630.2, naive: 5288.4, mae: 0.9, rmse: 1.7 },
  },
  value_at_risk: "812340.55",
  n_at_risk: 703,
  base_cycle_days: 47.5,
};

const imports = new Map();
function run(id) {
  const i = imports.get(id);
  if (!i) return null;
  if (i.state === "running") {
    const t = (Date.now() - i.started) / 1000;
    i.progress = {
      bytes: Math.min(i.size, Math.round((i.size * t) / 5)),
      total_bytes: i.size,
      rows: Math.round(t * 12000),
      rejected: Math.round(t * 3),
      rate: 12000,
      remaining_s: Math.max(0, 6 - t),
    };
    i.stage = t < 3 ? "reading" : t < 4 ? "merging" : t < 5 ? "copying" : "evaluating";
    if (t > 6) {
      i.state = "done";
      i.stage = null;
      i.finished_at = new Date().toISOString();
      i.batch = 7;
      i.summary = {
        rows_read: 61234,
        rows_rejected: 18,
        rows_without_customer: 1022,
        customers_new: 4314,
        products_new: 3820,
        orders_new: 20951,
        orders_changed: 0,
        lines_new: 60194,
        lines_known: 0,
        first_ordered_on: "2009-12-01",
        last_ordered_on: "2010-12-09",
        gross_amount: "8832003.274",
        net_amount: "8402118.91",
        encoding: "GB18030",
        delimiter: ",",
        as_of: AS_OF,
      };
    }
  }
  const { started, size, ...shown } = i;
  return shown;
}

function problem(status, title, detail, more = {}) {
  return {
    status,
    body: { type: "/problems/example", title, status, detail, code: "example", args: {}, ...more },
  };
}

async function api(method, url, body) {
  const p = url.pathname.slice(4);
  const q = url.searchParams;
  let m;
  if (p === "/status")
    return {
      body: isEmpty
        ? {
            version: "0.1.0",
            counts: { customer: 0, product: 0, order: 0, order_line: 0, cost: 0 },
            first_ordered_on: null,
            last_ordered_on: null,
            as_of: null,
            evaluations: [],
            seq: 0,
            copy_seq: 0,
            demo: false,
            currency: null,
          }
        : {
            version: "0.1.0",
            counts: { customer: 4384, product: 3820, order: 20951, order_line: 525461, cost: 0 },
            first_ordered_on: "2009-12-01",
            last_ordered_on: "2010-12-09",
            as_of: AS_OF,
            evaluations: [AS_OF],
            seq: 42,
            copy_seq: 42,
            demo: true,
            currency: null,
          },
    };
  if (p === "/catalog") return { body: catalog };
  if (p === "/insight") {
    const a = ask(JSON.parse(body));
    return a ? { body: a } : problem(422, "没有这个指标", "metric unknown");
  }
  if (p === "/insight/explain") {
    const x = JSON.parse(body);
    return {
      body: {
        metrics: catalog.metrics.filter((c) => x.metrics.includes(c.id)),
        plan: "Projection: sum(order.net_amount)\n  Filter: order.kind = 'sale'\n    Scan: order",
        sql: "select sum(net_amount) from \"order\" where ordered_on >= date '2010-11-01' and ordered_on < date '2010-12-01'",
        period: { from: x.from ?? "2009-12-01", to: x.to ?? AS_OF },
        as_of: AS_OF,
        seq: 42,
      },
    };
  }
  if (p === "/insight/rows")
    return {
      body: {
        object: "order",
        columns: [
          { name: "id", label: { zh: "内部编号", en: "Id" }, unit: "link" },
          { name: "number", label: { zh: "订单编号", en: "Order number" }, unit: "text" },
          { name: "customer.number", label: { zh: "客户", en: "Customer" }, unit: "text" },
          { name: "ordered_on", label: { zh: "下单日", en: "Order day" }, unit: "text" },
          { name: "net_amount", label: { zh: "净额", en: "Net amount" }, unit: "money" },
        ],
        rows: Array.from({ length: 60 }, (_, i) => [
          i + 1,
          String(489434 + i),
          customer(1 + (i % 9)).number,
          day("2010-11-01", i % 30),
          money(20 + hash(i, 3) * 900),
        ]),
        total: 2803,
        truncated: true,
      },
    };
  if ((m = /^\/evaluations\/(.+)$/.exec(p))) return { body: evaluation };
  if (p === "/customers") {
    const limit = Number(q.get("limit") ?? 100),
      offset = Number(q.get("offset") ?? 0);
    if (q.get("where")?.includes("bad"))
      return problem(422, "条件式不成立", "field `bad` is unknown", { at: [{ column: "bad" }] });
    const total = q.get("search") ? 37 : q.get("where") ? 703 : N;
    await new Promise((r) => setTimeout(r, 60));
    const resources = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) =>
      customer(offset + i + 1),
    );
    if (limit <= 20) resources.sort((a, b) => b.value_at_risk - a.value_at_risk);
    return { body: { resources, total, as_of: AS_OF, next: null } };
  }
  if ((m = /^\/customers\/(\d+)$/.exec(p))) {
    const { id, number, name, kind, country, region, city, owner, ...score } = customer(Number(m[1]));
    const monthly = Array.from({ length: 13 }, (_, i) => {
      const x = (hash(id, i + 50) > 0.3 ? hash(id, i + 30) : -0.05) * 3000;
      return {
        month: at(i),
        gross_sales: money(Math.max(0, x) * 1.04),
        net_revenue: money(x),
        orders: Math.max(0, Math.round(x / 400)),
      };
    });
    return {
      body: {
        customer: {
          id,
          number,
          name,
          kind,
          country,
          region,
          city,
          owner,
          industry: null,
          phone: "138****5678",
          email: null,
        },
        score,
        history: [0, 1, 2].map((i) => ({
          as_of: day(AS_OF, -i * 30),
          tier: TIERS[i % 2],
          stage: "growing",
          net_revenue_365: score.net_revenue_365,
          p_alive: 0.8,
          clv_12m: score.clv_12m,
        })),
        orders: { total: 47, first_on: "2009-12-03", last_on: "2010-12-01" },
        monthly,
      },
    };
  }
  if ((m = /^\/customers\/(\d+)\/orders$/.exec(p))) {
    const o = Number(q.get("offset") ?? 0);
    return {
      body: {
        total: 47,
        resources: Array.from({ length: Math.min(20, 47 - o) }, (_, i) => ({
          id: o + i + 1,
          number: `${489434 + o + i}`,
          customer: Number(m[1]),
          kind: i === 3 ? "return" : "sale",
          ordered_at: `${day("2010-12-01", -(o + i) * 6)}T03:12:00Z`,
          ordered_on: day("2010-12-01", -(o + i) * 6),
          country: "United Kingdom",
          channel: null,
          currency: null,
          goods_amount: "312.5",
          gross_amount: "312.5",
          freight: "0",
          discount: "0",
          net_amount: i === 3 ? "-36.25" : money(100 + hash(i, o) * 900),
          n_lines: 3,
        })),
      },
    };
  }
  if (/^\/orders\/\d+\/lines$/.test(p))
    return {
      body: {
        total: 3,
        resources: [1, 2, 3].map((i) => ({
          id: i,
          product: i,
          product_number: `8512${i}A`,
          product_name: ["WHITE HANGING HEART T-LIGHT HOLDER", "陶瓷小马", "REGENCY CAKESTAND 3 TIER"][i - 1],
          description: null,
          quantity: String(i * 6),
          price: "2.55",
          amount: money(i * 6 * 2.55),
        })),
      },
    };
  if (/^\/customers\/\d+\/timeline$/.test(p)) {
    const b = Number(q.get("before") ?? 0);
    return {
      body: {
        resources: Array.from({ length: 20 }, (_, i) => {
          const n = b + i;
          const kind = n % 9 === 4 ? "score" : n % 11 === 5 ? "return" : "order";
          return {
            at: `${day("2010-12-01", -n * 4)}T02:00:00Z`,
            kind,
            title:
              kind === "score"
                ? { zh: "等级：普通客户 → 潜力客户", en: "Tier: Regular → Potential" }
                : kind === "return"
                  ? { zh: `退货 C${489434 + n}`, en: `Return C${489434 + n}` }
                  : { zh: `订单 ${489434 + n}`, en: `Order ${489434 + n}` },
            amount: kind === "score" ? null : kind === "return" ? "-36.25" : "312.5",
            ref: String(n),
          };
        }),
        next: b >= 60 ? null : String(b + 20),
      },
    };
  }
  if (p === "/imports" && method === "GET")
    return { body: { resources: [...imports.keys()].reverse().map(run) } };
  if (p === "/imports" && method === "POST") {
    const id = String(imports.size + 1);
    const filename = q.get("filename");
    const asks = filename.includes("map");
    imports.set(id, {
      id,
      filename,
      state: asks ? "needs_mapping" : "running",
      stage: "reading",
      progress: { bytes: 0, total_bytes: 1, rows: 0, rejected: 0, rate: null, remaining_s: null },
      mapping: {
        encoding: "GB18030",
        delimiter: ",",
        header_row: 2,
        confident: false,
        columns: [
          ["单号", "order.number"],
          ["日期", "order.ordered_at"],
          ["客户", "customer.name"],
          ["金额", "order_line.amount"],
          ["备注", null],
        ].map(([heading, field]) => ({
          heading,
          field,
          confidence: field ? 0.7 : 0,
          reason: field ? "标题相近" : null,
          samples: ["A-001", "2025.3.5", "华盛百货"],
        })),
      },
      summary: null,
      error: null,
      batch: null,
      created_at: new Date().toISOString(),
      finished_at: null,
      started: Date.now(),
      size: body.length * 1000,
    });
    return { status: 201, body: run(id) };
  }
  if ((m = /^\/imports\/(\w+)$/.exec(p))) {
    const i = run(m[1]);
    return i ? { body: i } : problem(404, "没有这次导入", `no import ${m[1]}`);
  }
  if ((m = /^\/imports\/(\w+)\/(mapping|cancel|undo)$/.exec(p))) {
    const i = imports.get(m[1]);
    i.state = { mapping: "running", cancel: "cancelled", undo: "undone" }[m[2]];
    i.started = Date.now();
    return { body: run(m[1]) };
  }
  return problem(404, "没有这个地址", p);
}

const TYPES = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname.startsWith("/api/")) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const sent = Buffer.concat(parts).toString();
    const answer =
      records(request.method, url, sent, request.headers) ?? (await api(request.method, url, sent));
    const { status = 200, body, headers = {} } = answer;
    response.writeHead(status, {
      "content-type": status >= 400 ? "application/problem+json" : "application/json",
      ...headers,
    });
    response.end(body === undefined ? undefined : JSON.stringify(body));
    return;
  }
  const file = join(dist, url.pathname);
  if (url.pathname !== "/" && existsSync(file) && extname(file)) {
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
    return;
  }
  if (url.pathname.startsWith("/assets/")) {
    response.writeHead(404).end();
    return;
  }
  const nonce = randomBytes(16).toString("base64");
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'self'; script-src 'self' 'nonce-${nonce}'; style-src-elem 'self' 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'`,
  });
  response.end(readFileSync(join(dist, "index.html"), "utf8").replaceAll("__CSP_NONCE__", nonce));
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
