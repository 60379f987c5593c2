// The day of a representative, of each other role, and of somebody who has nothing
// to do yet: the first page after signing in, a task done with its outcome, a
// task made of what is at risk.
import { readFileSync } from "node:fs";
import { expect, type Page, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { FIXTURE_NAME, fixtureCsv, HEADLESS_CSV } from "./fixture";
import { makeRecord, OWNER, objectOf, type SignedIn, type StorageState, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    today: "今日",
    login: "登录名",
    password: "密码",
    signIn: "登录",
    late: "逾期任务",
    risk: "有风险的客户",
    payments: "到期的回款",
    team: "团队情况",
    outcome: "结果",
    finish: "完成任务",
    needed: "请写结果",
    make: /建任务$/,
    save: "保存",
    reason: "起因",
    nothing: "今天没有要处理的事",
    title: "标题",
  },
  en: {
    today: "Today",
    login: "Sign-in name",
    password: "Password",
    signIn: "Sign in",
    late: "Overdue tasks",
    risk: "Customers at risk",
    payments: "Payments due",
    team: "The team",
    outcome: "Outcome",
    finish: "Finish task",
    needed: "Say what came of it",
    make: /^Make a task for/,
    save: "Save",
    reason: "Reason",
    nothing: "Nothing to do today",
    title: "Title",
  },
} as const;

const DAY_MS = 86_400_000;

/** A representative with customers of the file, a late task and a payment that is due. */
async function work(server: SignedIn): Promise<void> {
  const { api } = server;
  const post = async (path: string, data: unknown) => {
    const answer = await api.post(path, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return (await answer.json()) as { id: number; day?: string };
  };
  const sent = await api.post(`/api/imports?filename=${FIXTURE_NAME}`, {
    headers: { "content-type": "application/octet-stream" },
    data: fixtureCsv("digits"),
  });
  const run = (await sent.json()) as { id: number };
  await expect
    .poll(async () => ((await (await api.get(`/api/imports/${run.id}`)).json()) as { state: string }).state, {
      timeout: 120_000,
    })
    .toBe("done");
  const user = (
    await post("/api/users", {
      login: "2101",
      name: "2101",
      role: "representative",
      password: OWNER.password,
    })
  ).id;
  const page = (await (await api.get("/api/customers?sort=-value_at_risk&limit=12")).json()) as {
    resources: { id: number }[];
  };
  for (const { id } of page.resources)
    expect((await api.patch(`/api/records/customer/${id}`, { data: { user } })).ok()).toBe(true);
  const { day = "" } = (await (await api.get("/api/today")).json()) as { day: string };
  const past = new Date(Date.parse(day) - 3 * DAY_MS).toISOString().slice(0, 10);
  const customer = page.resources[0]?.id;
  await post("/api/records/task", { name: "8101", customer, user, due_on: past, priority: "high" });
  await post("/api/records/task", { name: "8102", customer, user, due_at: `${day}T16:30` });
  await post("/api/records/payment_plan", { customer, user, due_on: past, amount: "12500", state: "open" });
}

const section = (page: Page, name: string) =>
  page.locator(".panel").filter({ has: page.getByRole("heading", { name: new RegExp(`^${name}`) }) });

for (const lang of ["zh", "en"] as const satisfies readonly Lang[])
  for (const size of ["desk", "phone"] as const)
    test(`the day of a representative, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server = await signedIn();
      try {
        await work(server);
        const context = await browser.newContext(size === "phone" ? PHONE : DESK);
        const { page, faults } = await open(context, lang);
        await context.clearCookies();
        await page.goto(server.url);
        await page.getByLabel(words.login, { exact: true }).fill("2101");
        await page.getByLabel(words.password, { exact: true }).fill(OWNER.password);
        await page.getByRole("button", { name: words.signIn, exact: true }).click();
        // The first page after signing in.
        await expect(page).toHaveURL(/\/today$/);
        await expect(page.locator("h1")).toHaveText(words.today);
        await isLoaded(page);
        await expect(section(page, words.late).locator(".today-rows > li")).toHaveCount(1);
        await expect(section(page, words.payments).locator(".today-rows > li")).toHaveCount(1);
        await expect(section(page, words.team)).toHaveCount(0);
        const risk = section(page, words.risk);
        await expect(risk.locator(".today-money").first()).toBeVisible();
        await isSound(page, "today", lang);
        // What is at risk becomes a task, with its reason.
        await risk.getByRole("button", { name: words.make }).first().click();
        const form = page.getByRole("dialog");
        await expect(form.getByRole("textbox", { name: words.reason })).not.toHaveValue("");
        await expect(form.getByRole("textbox", { name: words.title })).not.toHaveValue("");
        await form.getByRole("button", { name: words.save }).click();
        await expect(form).toHaveCount(0);
        // A task ends with what came of it.
        await section(page, words.late).locator(".finish button").click();
        const asked = page.getByRole("dialog");
        await asked.getByRole("button", { name: words.finish }).click();
        await expect(asked.getByText(words.needed)).toBeVisible();
        await isSound(page, `today-finish-${size}`, lang);
        await asked.getByRole("textbox", { name: words.outcome }).fill("9");
        await asked.getByRole("button", { name: words.finish }).click();
        await expect(section(page, words.late)).toHaveCount(0);
        // In the list it is done by one click as well.
        await page.goto(`${server.url}/records/task`);
        await isLoaded(page);
        await expect(page.locator(".rows .finish")).toHaveCount(2);
        await expect(page.locator(".rows .star")).toHaveCount(3);
        await page.locator(".rows .finish button").first().click();
        await page.getByRole("dialog").getByRole("textbox").fill("9");
        await page.getByRole("dialog").getByRole("button", { name: words.finish }).click();
        await expect(page.locator(".rows .finish")).toHaveCount(1);
        await isSound(page, `tasks-${size}`, lang);
        expect(faults.filter((fault) => !/401/.test(fault))).toEqual([]);
        await context.close();

        // The owner sees where the team stands.
        const whole = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const his = await open(whole, lang);
        await his.page.goto(`${server.url}/today`);
        await isLoaded(his.page);
        await expect(section(his.page, words.team).locator("tbody tr").first()).toBeVisible();
        await isSound(his.page, `today-owner-${size}`, lang);
        expect(his.faults).toEqual([]);
        await whole.close();
      } finally {
        await server.stop();
      }
    });

test("who has nothing to do is told what will stand here", async ({ browser }) => {
  const server = await signedIn();
  try {
    const data = { login: "2101", name: "2101", role: "representative", password: OWNER.password };
    expect((await server.api.post("/api/users", { data })).ok()).toBe(true);
    const api = await request.newContext({ baseURL: server.url });
    const entered = await api.post("/api/session", { data: { login: "2101", password: OWNER.password } });
    expect(entered.ok()).toBe(true);
    for (const lang of ["zh", "en"] as const) {
      const context = await browser.newContext({ ...PHONE, storageState: await api.storageState() });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/today`);
      await isLoaded(page);
      await expect(page.getByText(WORDS[lang].nothing)).toBeVisible();
      await isSound(page, "today-empty", lang);
      expect(faults).toEqual([]);
      await context.close();
    }
  } finally {
    await server.stop();
  }
});

/** Each role with what it finds on a day on which there is something of everything. */
const ROLES = {
  owner: "received team at_risk payments closing tickets imports backup",
  manager: "notifications tasks_overdue tasks_today team at_risk payments closing tickets visits",
  representative:
    "notifications tasks_overdue tasks_today visits at_risk payments closing renewals tickets changes",
  service: "notifications tickets tasks_overdue tasks_today at_risk renewals",
  marketing: "notifications tasks_overdue tasks_today new_customers withdrawn at_risk",
  data: "notifications tasks_overdue tasks_today imports new_customers",
} as const;
type Role = keyof typeof ROLES;
const isRole = (role: string): role is Role => role in ROLES;

test.describe("the day of each role", () => {
  let server: SignedIn;
  const states = new Map<Role, StorageState>();

  test.beforeAll(async () => {
    server = await signedIn();
    const { api } = server;
    states.set("owner", server.state);
    const ok = async (sent: ReturnType<typeof api.post>) => {
      const answer = await sent;
      expect(answer.ok(), `${answer.url()}: ${await answer.text()}`).toBe(true);
      return (await answer.json().catch(() => ({}))) as { id: number };
    };
    const post = (path: string, data: unknown) => ok(api.post(path, { data }));
    const make = async (object: string, values: Record<string, unknown>) =>
      makeRecord(api, await objectOf(api, object), values);
    const upload = async (name: string, text: string, state: string) => {
      const { id } = await ok(
        api.post(`/api/imports?filename=${name}`, {
          headers: { "content-type": "application/octet-stream" },
          data: text,
        }),
      );
      await expect
        .poll(async () => ((await (await api.get(`/api/imports/${id}`)).json()) as { state: string }).state, {
          timeout: 120_000,
        })
        .toBe(state);
    };
    await upload(FIXTURE_NAME, fixtureCsv(), "done");
    await upload("headless.csv", HEADLESS_CSV, "failed");
    const { day } = (await (await api.get("/api/today")).json()) as { day: string };
    const dayOf = (days: number) => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

    const department = (await post("/api/departments", { name: "华东" })).id;
    const ids = new Map<string, number>();
    for (const [role, name] of [
      ["manager", "陈经理"],
      ["representative", "李明"],
      ["service", "周敏"],
      ["marketing", "吴青"],
      ["data", "郑数"],
    ] as const) {
      const user = { login: role, name, role, password: OWNER.password };
      const { id } = await post("/api/users", user);
      ids.set(role, id);
      const its = await request.newContext({ baseURL: server.url });
      await its.post("/api/session", { data: { login: role, password: OWNER.password } });
      states.set(role, await its.storageState());
      await its.dispose();
      await make("task", { name: "打电话给客户", user: id, due_on: dayOf(-2), reason: "上次答应的" });
      await make("task", { name: "准备周会", user: id, due_on: day });
    }
    const [user, manager] = [ids.get("representative"), ids.get("manager")];
    for (const id of [user, manager])
      await ok(api.patch(`/api/users/${id}`, { data: { departments: [{ id: department }] } }));
    const page = (await (await api.get("/api/customers?sort=-value_at_risk&limit=4")).json()) as {
      resources: { id: number }[];
    };
    for (const { id } of page.resources)
      await ok(api.patch(`/api/records/customer/${id}`, { data: { user } }));
    const customer = page.resources[0]?.id;
    for (const whose of [user, manager])
      await make("touchpoint", { customer, user: whose, kind: "visit", next_on: day, summary: "带新样品" });
    await make("payment_plan", { customer, user, due_on: dayOf(-3), amount: "12500", state: "open" });
    await make("ticket", { customer, user, subject: "发票抬头写错", opened_on: dayOf(-1), state: "open" });
    const pipeline = await make("pipeline", { name: "直销" });
    const stage = await make("stage", { name: "报价", pipeline, kind: "open", sequence: 1 });
    await make("opportunity", {
      name: "二期扩容",
      customer,
      user,
      stage,
      expected_on: dayOf(5),
      amount: "88000",
    });
    await make("contract", {
      number: "HT-2025-017",
      name: "年度维保",
      customer,
      user,
      ends_on: dayOf(30),
      state: "active",
      renewal: "manual",
      amount: "36000",
    });
    for (const amount of ["30000", "4500.5"])
      await make("payment", {
        customer,
        paid_on: dayOf(-1),
        amount,
        currency: "CNY",
        method: "bank_transfer",
      });
    await post(`/api/consents/customer/${await make("customer", { name: "王女士", kind: "person" })}`, {
      channel: "phone",
      purpose: "marketing",
      state: "withdrawn",
      source: "call",
      at: new Date().toISOString(),
    });
  });
  test.afterAll(async () => {
    await server?.stop();
  });

  for (const lang of ["zh", "en"] as const)
    for (const [size, shape] of [
      ["desk", DESK],
      ["phone", PHONE],
    ] as const)
      test(`${lang}, ${size}`, async ({ browser }) => {
        const words = JSON.parse(
          readFileSync(new URL(`../src/i18n/talk.${lang}.json`, import.meta.url), "utf8"),
        ).today.sections as Record<string, string>;
        for (const role of Object.keys(ROLES).filter(isRole)) {
          const storageState = states.get(role);
          if (!storageState) throw new Error(`nobody is signed in as ${role}`);
          const context = await browser.newContext({ ...shape, storageState });
          const { page, faults } = await open(context, lang);
          await page.goto(`${server.url}/today`);
          await isLoaded(page);
          await expect(page.locator(".today-sections .panel").first()).toBeVisible();
          const titles = await page.locator(".today-sections h2").allTextContents();
          expect(
            titles.map((title) => title.replace(/\s*[\d,]*$/, "")),
            role,
          ).toEqual(ROLES[role].split(" ").map((kind) => words[kind]));
          if (role === "owner")
            await expect(page.locator(".today-sum [data-exact]")).toHaveAttribute("data-exact", /34,500\.5/);
          await isSound(page, `today-${role}`, lang);
          expect(faults, role).toEqual([]);
          await context.close();
        }
      });
});
