// Sessions, records and settings of the stand-in server, in memory: it forgets
// them when it ends. `MOCK_STATE=setup` or `signed_out` starts outside; the
// start code is START-CODE, every password of ten characters is right, the user
// `second` has the second factor 123456.
import { matcher } from "./where.mjs";

const t = (zh, en) => ({ zh, en });
const f = (id, type, zh, en, more = {}) => ({ id, type, name: t(zh, en), help: null, ...more });
const choice = (id, zh, en, options, more = {}) =>
  f(id, "choice", zh, en, { options: options.map(([value, z, e]) => ({ value, zh: z, en: e })), ...more });
const money = { unit: "money" };
const ALL = ["read", "create", "update", "delete", "export"];

export const objects = [
  {
    id: "customer",
    name: t("客户", "Customer"),
    about: t(
      "其表现被衡量的一方：个人或公司。",
      "The party whose performance is measured: a person or a company.",
    ),
    number: "number",
    title: "name",
    is_writable: true,
    actions: ALL,
    fields: [
      f("number", "text", "客户编号", "Customer number", { required: true, unique: true, search: true }),
      f("name", "text", "客户名称", "Name", { search: true }),
      choice("kind", "类别", "Kind", [
        ["company", "公司", "Company"],
        ["person", "个人", "Person"],
      ]),
      f("city", "text", "城市", "City"),
      f("user", "link", "负责人", "Owner", { to: "user" }),
    ],
  },
  {
    id: "contact",
    name: t("联系人", "Contact"),
    about: t("在客户那边可以交谈的人。", "A person to talk to at a customer."),
    number: null,
    title: "name",
    is_writable: true,
    actions: ALL,
    fields: [
      f("customer", "link", "客户", "Customer", { required: true, to: "customer" }),
      f("name", "text", "姓名", "Name", { required: true, search: true }),
      f("position", "text", "职务", "Position"),
      f("phone", "text", "电话", "Phone", { search: true }),
      f("email", "text", "邮箱", "E-mail", { search: true }),
      f("is_main", "bool", "主要联系人", "Main contact"),
    ],
  },
  {
    id: "opportunity",
    name: t("商机", "Opportunity"),
    about: t("一笔可能做成的生意。", "A deal that may come about."),
    number: "number",
    title: "name",
    is_writable: true,
    actions: ALL,
    fields: [
      f("number", "text", "商机编号", "Number", { required: true, unique: true, search: true }),
      f("name", "text", "名称", "Name", { required: true, search: true }),
      f("customer", "link", "客户", "Customer", { required: true, to: "customer" }),
      choice(
        "stage",
        "阶段",
        "Stage",
        [
          ["lead", "线索", "Lead"],
          ["talk", "洽谈", "In talks"],
          ["quote", "报价", "Quoted"],
          ["won", "赢单", "Won"],
          ["lost", "输单", "Lost"],
        ],
        { required: true },
      ),
      choice("source", "来源", "Source", [
        ["visit", "拜访", "Visit"],
        ["web", "网站", "Website"],
      ]),
      f("amount", "decimal", "预计金额", "Expected amount", money),
      f("probability", "float", "赢单概率", "Probability", { unit: "pct" }),
      f("close_on", "date", "预计成交日", "Expected close", {
        help: t("客户说的日子，不是我们希望的。", "The day the customer names, not the one we hope for."),
      }),
      f("user", "link", "负责人", "Owner", { to: "user" }),
      f("note", "text", "说明", "Note"),
    ],
  },
  {
    id: "payment",
    name: t("回款", "Payment"),
    about: t("客户付来的一笔钱。", "Money that a customer paid."),
    number: "number",
    title: null,
    is_writable: true,
    actions: ["read", "create", "export"],
    fields: [
      f("number", "text", "回款编号", "Number", { required: true, unique: true, search: true }),
      f("customer", "link", "客户", "Customer", { required: true, to: "customer" }),
      f("paid_on", "date", "到账日", "Paid on", { required: true }),
      f("amount", "decimal", "金额", "Amount", { required: true, ...money }),
    ],
  },
  {
    id: "ticket",
    name: t("工单", "Ticket"),
    about: t("客户提出的一件事。", "Something that a customer asks for."),
    number: "number",
    title: "subject",
    is_writable: true,
    actions: ALL,
    fields: [
      f("number", "text", "工单编号", "Number", { required: true, unique: true, search: true }),
      f("subject", "text", "主题", "Subject", { required: true, search: true }),
      f("customer", "link", "客户", "Customer", { required: true, to: "customer" }),
      choice("state", "状态", "State", [
        ["open", "待处理", "Open"],
        ["doing", "处理中", "In progress"],
        ["done", "已解决", "Solved"],
      ]),
      f("opened_at", "instant", "提出时间", "Opened at"),
      f("description", "text", "描述", "Description"),
    ],
  },
  {
    id: "order",
    name: t("订单", "Order"),
    about: t("客户的一次销售、退货或调整。", "One sale, return or adjustment of a customer."),
    number: "number",
    title: "number",
    is_writable: false,
    actions: ["read", "export"],
    fields: [
      f("number", "text", "订单编号", "Order number", { required: true, search: true }),
      f("customer", "link", "客户", "Customer", { to: "customer" }),
      f("ordered_on", "date", "下单日", "Order day"),
      f("net_amount", "decimal", "净额", "Net amount", money),
    ],
  },
  {
    id: "user",
    name: t("用户", "User"),
    about: t("能登录的人。", "A person who can sign in."),
    number: "login",
    title: "name",
    is_writable: false,
    actions: ["read"],
    fields: [
      f("login", "text", "登录名", "Sign-in name", { search: true }),
      f("name", "text", "姓名", "Name", { search: true }),
    ],
  },
];

const NAMES = [
  "远东贸易",
  "华盛百货",
  "Blue Harbour Ltd",
  "星海礼品",
  "Kensington Gifts",
  "明德商行",
  "锦程实业",
  "瑞丰超市",
];
const PEOPLE = ["王敏", "李强", "Anna Schmidt", "陈静", "Tom Baker", "赵磊"];
const pick = (list, n) => list[n % list.length];
const today = new Date();
const date = (n) => new Date(today.getTime() + n * 864e5).toISOString().slice(0, 10);
let seq = 1000;
const data = Object.fromEntries(objects.map((o) => [o.id, new Map()]));
const history = new Map();
const log = [];

function note(actor, kind, object, record, before, after) {
  const entry = {
    seq: ++seq,
    at: new Date().toISOString(),
    actor,
    channel: "page",
    kind,
    object,
    record,
    before,
    after,
  };
  log.unshift(entry);
  const key = `${object}/${record}`;
  history.set(key, [entry, ...(history.get(key) ?? [])]);
}
function put(object, values) {
  const id = data[object].size + 1;
  const def = objects.find((o) => o.id === object);
  data[object].set(id, {
    id,
    version: 1,
    values: { ...Object.fromEntries(def.fields.map((x) => [x.id, null])), ...values },
  });
  return id;
}
for (const [i, name] of PEOPLE.entries())
  put("user", { login: ["wangmin", "liqiang", "anna", "chenjing", "tom", "zhaolei"][i], name });
for (const [i, name] of NAMES.entries())
  put("customer", {
    number: String(12347 + i),
    name,
    kind: i % 3 ? "company" : "person",
    city: pick(["上海", "北京", "London"], i),
    user: 1 + (i % 6),
  });
for (let i = 0; i < 24; i++)
  put("contact", {
    customer: 1 + (i % 8),
    name: `${pick(PEOPLE, i)}${i > 5 ? i : ""}`,
    position: pick(["采购经理", "财务", "Buyer"], i),
    phone: `138001380${String(i).padStart(2, "0")}`,
    email: `p${i}@example.com`,
    is_main: i % 4 === 0,
  });
for (let i = 0; i < 160; i++)
  put("opportunity", {
    number: `S${2600 + i}`,
    name: pick(
      ["春季礼品采购", "Christmas gift boxes", "办公用品年度框架", "门店陈列改造", "Tea sets, spring"],
      i,
    ),
    customer: 1 + (i % 8),
    stage: pick(["lead", "talk", "quote", "won", "lost", "lead", "talk"], i),
    source: i % 3 ? "visit" : null,
    amount: i % 9 === 8 ? null : `${(i + 1) * 1234}.${i % 2 ? "5" : "25"}`,
    probability: i % 5 ? (i % 10) / 10 : null,
    close_on: i % 7 === 6 ? null : date((i % 60) - 20),
    user: 1 + (i % 6),
    note: i % 4 ? null : "客户要求先看样品。\n下周二再通电话。",
  });
for (let i = 0; i < 30; i++)
  put("payment", {
    number: `P${100 + i}`,
    customer: 1 + (i % 8),
    paid_on: date(-i * 3),
    amount: `${(i + 3) * 810}.00`,
  });
for (let i = 0; i < 18; i++)
  put("ticket", {
    number: `T${100 + i}`,
    subject: pick(["包装破损", "Invoice is missing", "发错货"], i),
    customer: 1 + (i % 8),
    state: pick(["open", "doing", "done"], i),
    opened_at: new Date(today.getTime() - i * 5e7).toISOString(),
    description: null,
  });
for (let i = 0; i < 50; i++)
  put("order", {
    number: String(489434 + i),
    customer: 1 + (i % 8),
    ordered_on: date(-i),
    net_amount: `${(i + 1) * 97}.5`,
  });
note("wangmin", "create", "opportunity", 1, null, { stage: "lead", amount: "1000", name: "春季礼品采购" });
note(
  "liqiang",
  "update",
  "opportunity",
  1,
  { stage: "talk", amount: "1000" },
  { stage: "lead", amount: "1234.25" },
);
note("wangmin", "sign_in", null, null, null, null);

const titleOf = (object, id) => {
  const def = objects.find((o) => o.id === object);
  const row = data[object]?.get(Number(id));
  return row ? String(row.values[def.title] ?? row.values[def.number] ?? `#${id}`) : `#${id}`;
};
function show(def, row, fields = def.fields.map((x) => x.id)) {
  const links = {};
  for (const x of def.fields)
    if (x.type === "link" && fields.includes(x.id) && row.values[x.id] !== null)
      links[x.id] = { id: row.values[x.id], title: titleOf(x.to, row.values[x.id]) };
  return { id: row.id, values: Object.fromEntries(fields.map((x) => [x, row.values[x]])), links };
}

const departments = [
  { id: 1, name: "销售部", kind: null, parent: null },
  { id: 2, name: "华东区", kind: "大区", parent: 1 },
  { id: 3, name: "华北区", kind: "大区", parent: 1 },
  { id: 4, name: "Service", kind: null, parent: null },
];
const roles = [
  {
    id: "administrator",
    name: t("管理员", "Administrator"),
    about: t("能做一切。", "May do everything."),
    is_built_in: true,
    grants: objects.map((o) => ({ object: o.id, actions: o.actions, rows: "all" })),
    fields: [],
    admin: ["users", "roles", "audit", "tokens"],
  },
  {
    id: "representative",
    name: t("销售代表", "Representative"),
    about: t("看自己的客户。", "Sees own customers."),
    is_built_in: true,
    grants: [{ object: "customer", actions: ["read", "update"], rows: "own" }],
    fields: [{ field: "contact.phone", as: "masked" }],
    admin: [],
  },
  {
    id: "shop",
    name: t("店长", "Shop manager"),
    about: t("", ""),
    is_built_in: false,
    grants: [{ object: "customer", actions: ["read"], rows: "department" }],
    fields: [],
    admin: [],
  },
];
const users = PEOPLE.map((name, i) => ({
  id: i + 1,
  login: ["wangmin", "liqiang", "anna", "chenjing", "tom", "zhaolei"][i],
  name,
  role: i === 0 ? "administrator" : i === 5 ? "shop" : "representative",
  email: i % 2 ? null : `u${i}@example.com`,
  phone: null,
  is_active: i !== 4,
  departments: i ? [{ id: 1 + (i % 4), name: departments[i % 4].name, is_head: i === 1 }] : [],
  has_totp: i === 2,
  last_seen: i === 4 ? null : new Date(today.getTime() - i * 9e6).toISOString(),
}));
const tokens = [
  { id: 1, name: "Excel", scopes: [], created_at: today.toISOString(), used_at: null, expires_at: null },
];
const state = { of: process.env.MOCK_STATE ?? "signed_in", login: "wangmin", totp: false };

const session = () => {
  if (state.of !== "signed_in") return { state: state.of, user: null };
  const user = users.find((u) => u.login === state.login) ?? users[0];
  const role = roles.find((r) => r.id === user.role);
  return {
    state: "signed_in",
    user: {
      id: user.id,
      login: user.login,
      name: user.name,
      role: role.id,
      role_name: role.name,
      admin: role.admin,
      has_totp: state.totp,
    },
  };
};
const bad = (status, code, title, more = {}) => ({
  status,
  body: { type: `/problems/${code}`, title, detail: title, status, code, ...more },
});
const ok = (body, status = 200, headers = {}) => ({ status, body, headers });

/** Null where it is not about these. */
export function records(method, url, raw, headers) {
  const p = url.pathname.slice(4);
  const q = url.searchParams;
  const body = raw ? safe(raw) : {};
  let m;
  if (p === "/session" && method === "GET") return ok(session());
  if (p === "/setup") {
    if (state.of !== "setup") return bad(409, "set_up", "已经有用户了");
    if (body.code !== "START-CODE") return bad(403, "wrong_code", "启动代码不对");
    state.of = "signed_in";
    return ok(session(), 201);
  }
  if (p === "/session" && method === "POST") {
    if (body.password?.length < 10) return bad(401, "wrong_login", "登录名或密码不对");
    if (body.login === "second" && body.totp !== "123456")
      return bad(401, body.totp ? "wrong_login" : "needs_totp", "请填验证码");
    state.of = "signed_in";
    state.login = body.login;
    return ok(session());
  }
  if (state.of !== "signed_in") return bad(401, "signed_out", "请先登录");
  if (p === "/session" && method === "DELETE") {
    state.of = "signed_out";
    return ok(undefined, 204);
  }
  if (p === "/session/password")
    return body.old?.length < 10 ? bad(401, "wrong_login", "现在的密码不对") : ok(undefined, 204);
  if (p === "/session/totp") {
    if (method === "POST")
      return ok({
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        uri: "otpauth://totp/Keji:wangmin?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Keji",
      });
    state.totp = method === "PUT";
    return ok(undefined, 204);
  }
  if (p === "/users" && method === "GET") return ok({ users });
  if (p === "/users") {
    users.push({
      email: null,
      phone: null,
      ...body,
      password: undefined,
      id: users.length + 1,
      is_active: true,
      has_totp: false,
      last_seen: null,
      departments: named(body.departments),
    });
    return ok(users.at(-1), 201);
  }
  if ((m = /^\/users\/(\d+)$/.exec(p))) {
    const user = users.find((u) => u.id === Number(m[1]));
    Object.assign(user, body, {
      password: undefined,
      departments: body.departments ? named(body.departments) : user.departments,
    });
    return ok(user);
  }
  if (/^\/users\/\d+\/hand-over$/.test(p)) return ok({ n_records: 37 });
  if (p === "/departments" && method === "GET") return ok({ departments });
  if (p === "/departments") {
    departments.push({ kind: null, parent: null, ...body, id: departments.length + 1 });
    return ok(departments.at(-1), 201);
  }
  if ((m = /^\/departments\/(\d+)$/.exec(p))) {
    const at = departments.findIndex((d) => d.id === Number(m[1]));
    if (method === "DELETE") {
      if (departments.some((d) => d.parent === Number(m[1])))
        return bad(409, "in_use", "还有下级部门，不能删除");
      departments.splice(at, 1);
      return ok(undefined, 204);
    }
    Object.assign(departments[at], body);
    return ok(departments[at]);
  }
  if (p === "/roles") return ok({ roles });
  if ((m = /^\/roles\/(\w+)$/.exec(p))) {
    const at = roles.findIndex((r) => r.id === m[1]);
    if (method === "DELETE") roles.splice(at, 1);
    else if (at < 0) roles.push({ ...body, id: m[1], is_built_in: false });
    else roles[at] = { ...roles[at], ...body };
    return ok(undefined, 204);
  }
  if (p === "/tokens" && method === "GET") return ok({ tokens });
  if (p === "/tokens") {
    tokens.push({
      id: tokens.length + 1,
      name: body.name,
      scopes: [],
      created_at: new Date().toISOString(),
      used_at: null,
      expires_at: body.expires_on ? `${body.expires_on}T00:00:00Z` : null,
    });
    return ok({ id: tokens.length, token: "keji_9f2c1a7b4d8e6f3a5c0b2d4e6f8a1c3e" }, 201);
  }
  if ((m = /^\/tokens\/(\d+)$/.exec(p))) {
    tokens.splice(
      tokens.findIndex((x) => x.id === Number(m[1])),
      1,
    );
    return ok(undefined, 204);
  }
  if (p === "/audit") {
    const entries = log.filter((e) =>
      ["actor", "object", "kind"].every((k) => !q.get(k) || e[k] === q.get(k)),
    );
    return ok({ entries, next: null, is_whole: true });
  }
  if (p === "/objects") return ok({ objects });
  if ((m = /^\/exports\/records\/(\w+)$/.exec(p))) return ok({ rows: data[m[1]].size });
  if (!(m = /^\/records\/(\w+)(?:\/(\d+)(\/history)?)?$/.exec(p))) return null;
  const def = objects.find((o) => o.id === m[1]);
  if (!def) return bad(404, "no_such_object", "没有这个对象");
  const rows = data[def.id];
  const wrongFields = (values, isNew) => {
    const wrong = [];
    for (const x of def.fields) {
      const value = values[x.id];
      if (x.required && (isNew ? value === undefined : false || value === null))
        wrong.push({ field: x.id, code: "required", detail: "这里必须填写" });
      if (
        x.unique &&
        value &&
        [...rows.values()].some((r) => r.id !== Number(m[2]) && r.values[x.id] === value)
      )
        wrong.push({ field: x.id, code: "duplicate", detail: `已经有一条的${x.name.zh}是 ${value}` });
    }
    return wrong;
  };
  if (!m[2] && method === "GET") {
    let match;
    try {
      match = matcher(q.get("where"));
    } catch (error) {
      return bad(422, "expression", "条件式不成立", { detail: error.message });
    }
    const search = q.get("search")?.toLowerCase();
    let found = [...rows.values()].filter((r) => match(r.values));
    if (search)
      found = found.filter((r) =>
        def.fields.some(
          (x) =>
            x.search &&
            String(r.values[x.id] ?? "")
              .toLowerCase()
              .includes(search),
        ),
      );
    const sort = q.get("sort");
    if (sort) {
      const field = sort.replace(/^-/, "");
      const isNumber = def.fields.find((x) => x.id === field)?.type === "decimal";
      const key = (r) => (isNumber ? Number(r.values[field] ?? -1) : (r.values[field] ?? ""));
      found.sort(
        (a, b) =>
          (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.id - b.id) * (sort.startsWith("-") ? -1 : 1),
      );
    }
    const from = Number(q.get("after") ?? 0);
    const limit = Number(q.get("limit") ?? 50);
    const fields = q.get("fields") ? q.get("fields").split(",") : def.fields.map((x) => x.id);
    return ok({
      fields,
      rows: found.slice(from, from + limit).map((r) => show(def, r, fields)),
      next: from + limit < found.length ? String(from + limit) : null,
      total: q.get("count") ? found.length : null,
    });
  }
  if (!m[2]) {
    const wrong = wrongFields(body, true);
    if (wrong.length > 0) return bad(422, "invalid_record", "有字段没有填对", { fields: wrong });
    const id = put(def.id, body);
    note(state.login, "create", def.id, id, null, body);
    return ok(show(def, rows.get(id)), 201, { etag: '"1"' });
  }
  const row = rows.get(Number(m[2]));
  if (!row) return bad(404, "no_such_record", "没有这条记录");
  if (m[3]) return ok({ changes: history.get(`${def.id}/${row.id}`) ?? [], next: null });
  if (method === "GET") return ok(show(def, row), 200, { etag: `"${row.version}"` });
  if (headers["if-match"] && headers["if-match"] !== `"${row.version}"`)
    return bad(412, "changed_meanwhile", "这条记录刚被改过");
  if (method === "DELETE") {
    rows.delete(row.id);
    note(state.login, "delete", def.id, row.id, row.values, null);
    return ok(undefined, 204);
  }
  const wrong = wrongFields(body, false);
  if (wrong.length > 0) return bad(422, "invalid_record", "有字段没有填对", { fields: wrong });
  const before = Object.fromEntries(Object.keys(body).map((k) => [k, row.values[k]]));
  Object.assign(row.values, body);
  row.version += 1;
  note(state.login, "update", def.id, row.id, before, body);
  return ok(show(def, row), 200, { etag: `"${row.version}"` });
}

const named = (members = []) =>
  members.map((d) => ({ ...d, name: departments.find((x) => x.id === d.id)?.name ?? "" }));
function safe(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
