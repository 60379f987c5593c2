// A representative and a manager: each sees what they may, and no more, on
// every page of records.
import { type APIRequestContext, expect, type Page, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { makeRecord, OWNER, objectOf, type SignedIn, type StorageState, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    import: "导入",
    export: "导出",
    notAllowed: "您的角色不能导入文件",
    kind: "文件里是什么",
    contact: "联系人",
    sum: "预计金额合计",
  },
  en: {
    import: "Import",
    export: "Export",
    notAllowed: "Your role brings in no files",
    kind: "What the file holds",
    contact: "Contact",
    sum: "Sum of Amount",
  },
} as const;

/** Customers by name: of the representative, of a colleague in the department, of nobody in it. */
const [OWN, TEAM, AWAY] = ["7101", "7202", "7303"];

type Who = { state: StorageState; api: APIRequestContext };
let server: SignedIn;
const customers: Record<string, number> = {};
let rep: Who;
let manager: Who;

async function signIn(login: string): Promise<Who> {
  const api = await request.newContext({ baseURL: server.url });
  const answer = await api.post("/api/session", { data: { login, password: OWNER.password } });
  expect(answer.ok(), await answer.text()).toBe(true);
  return { api, state: await api.storageState() };
}

test.beforeAll(async () => {
  server = await signedIn();
  const { api } = server;
  const post = async (path: string, data: unknown) => {
    const answer = await api.post(path, { data });
    expect(answer.ok(), await answer.text()).toBe(true);
    return ((await answer.json()) as { id: number }).id;
  };
  const make = async (object: string, values: Record<string, unknown>) =>
    makeRecord(api, await objectOf(api, object), values);
  const department = await post("/api/departments", { name: "5500" });
  const user = async (login: string, role: string, inside: boolean) => {
    const id = await post("/api/users", { login, name: login, role, password: OWNER.password });
    if (inside)
      expect(
        (await api.patch(`/api/users/${id}`, { data: { departments: [{ id: department }] } })).ok(),
      ).toBe(true);
    return id;
  };
  const [mine, his, far] = [
    await user("2101", "representative", true),
    await user("2202", "representative", true),
    await user("2303", "representative", false),
  ];
  await user("2900", "manager", true);
  const pipeline = await make("pipeline", { name: "3001" });
  const stage = await make("stage", { name: "4001", pipeline, sequence: 1, kind: "open" });
  for (const [name, owner, amount] of [
    [OWN, mine, "10.5"],
    [TEAM, his, "200"],
    [AWAY, far, "4000"],
  ] as const) {
    const customer = await make("customer", { number: `9${name}`, name, user: owner, kind: "company" });
    customers[name] = customer;
    await make("opportunity", {
      name: `6${name}`,
      customer,
      stage,
      amount,
      user: owner,
      opened_on: "2026-01-05",
    });
    await make("file", { name: `8${name}`, customer, user: owner });
  }
  rep = await signIn("2101");
  manager = await signIn("2900");
});
test.afterAll(async () => {
  await server?.stop();
});

const rows = (page: Page) => page.locator(".rows .row:not(.head)");
const main = (page: Page) => page.locator("#main");

/** What is seen is there, and of the others not even the name. */
async function seesOnly(page: Page, seen: string[], prefix = ""): Promise<void> {
  await isLoaded(page);
  for (const name of seen) await expect(main(page)).toContainText(prefix + name);
  for (const name of [OWN, TEAM, AWAY].filter((n) => !seen.includes(n)))
    await expect(main(page)).not.toContainText(prefix + name);
}

async function tour(page: Page, lang: Lang, seen: string[], total: string, who: string): Promise<void> {
  const go = async (path: string) => {
    await page.goto(server.url + path);
    await isLoaded(page);
  };
  await test.step("list and search", async () => {
    await go("/records/customer");
    await expect(rows(page)).toHaveCount(seen.length);
    await seesOnly(page, seen);
    await isSound(page, `${who}-list`, lang);
    await go(`/records/customer?search=${AWAY}`);
    await expect(rows(page)).toHaveCount(0);
    await go(`/records/customer?search=${OWN}`);
    await expect(rows(page)).toHaveCount(1);
  });
  await test.step("the customer's page", async () => {
    await go(`/customers/${customers[OWN]}`);
    await expect(page.locator("h1")).toHaveText(OWN);
    await isSound(page, `${who}-customer`, lang);
    for (const hidden of [TEAM, AWAY].filter((n) => !seen.includes(n))) {
      await go(`/customers/${customers[hidden]}`);
      await expect(main(page)).not.toContainText(hidden);
      await expect(page.locator("h1")).toHaveCount(1);
      await go(`/records/customer/${customers[hidden]}`);
      await expect(main(page)).not.toContainText(hidden);
    }
  });
  await test.step("chart and board", async () => {
    await go("/records/opportunity?view=chart&by=user&sum=amount");
    await expect(page.locator(".groups tbody tr")).toHaveCount(seen.length);
    await expect(page.locator(".groups tfoot")).toContainText(total);
    await isSound(page, `${who}-chart`, lang);
    await go("/records/opportunity?view=board");
    await expect(page.locator(".board-card")).toHaveCount(seen.length);
    await seesOnly(page, seen, "6");
    await isSound(page, `${who}-board`, lang);
  });
  await test.step("files and history", async () => {
    await go("/records/file");
    await seesOnly(page, seen, "8");
    await isSound(page, `${who}-files`, lang);
    await go(`/records/customer/${customers[OWN]}`);
    await expect(page.locator(".history li").first()).toBeVisible();
    await isSound(page, `${who}-record`, lang);
  });
}

/** In the rail on a desk, in the bar on a phone: only for whoever brings in anything. */
const importRoom = (page: Page, lang: Lang) =>
  page.getByRole("navigation").getByRole("link", { name: WORDS[lang].import, exact: true });

for (const lang of ["zh", "en"] as const)
  for (const [size, options] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const) {
    test(`a representative, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext({ ...options, storageState: rep.state });
      const { page, faults } = await open(context, lang);
      await tour(page, lang, [OWN], "10.5", "rep");
      await page.goto(`${server.url}/records/customer`);
      await isLoaded(page);
      await expect(page.locator("summary", { hasText: words.export })).toHaveCount(0);
      expect((await rep.api.get("/api/exports/records/customer?format=csv")).status()).toBe(403);
      await expect(importRoom(page, lang)).toHaveCount(0);
      await page.goto(`${server.url}/import`);
      await expect(main(page)).toContainText(words.notAllowed);
      await isSound(page, "rep-import", lang);
      // What is another's is not there: the server says so, and the page too.
      expect(faults.filter((fault) => !/40[34]/.test(fault))).toEqual([]);
      await context.close();
    });

    test(`a manager, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext({
        ...options,
        storageState: manager.state,
        acceptDownloads: true,
      });
      const { page, faults } = await open(context, lang);
      await tour(page, lang, [OWN, TEAM], "210.5", "manager");
      await test.step("export", async () => {
        const file = await (await manager.api.get("/api/exports/records/customer?format=csv")).text();
        expect([OWN, TEAM, AWAY].map((n) => file.includes(n))).toEqual([true, true, false]);
        await page.goto(`${server.url}/records/customer`);
        await isLoaded(page);
        await expect(page.locator("summary", { hasText: words.export })).toBeVisible();
      });
      await test.step("import", async () => {
        await expect(importRoom(page, lang)).toBeVisible();
        await page.goto(`${server.url}/import`);
        await isLoaded(page);
        await isSound(page, "manager-import", lang);
        await page.getByRole("combobox", { name: words.kind }).click();
        await page.getByRole("combobox", { name: words.kind }).fill(words.contact);
        await page.locator(".ant-select-item-option").first().click();
        const name = `1${Date.now()}`;
        const heads = lang === "zh" ? "客户,姓名,钱" : "customer,name,cash";
        await page.locator('input[type="file"]').setInputFiles({
          name: "1.csv",
          mimeType: "text/csv",
          buffer: Buffer.from(`${heads}\n9${TEAM},${name},1\n9${AWAY},2${name},1\n`),
        });
        await expect(page).toHaveURL(/\/import\/\d+/);
        const go = page.locator(".mapping .ant-btn-primary");
        await expect(go.or(page.locator(".facts.wide"))).toBeVisible();
        if (await go.isVisible()) {
          await isLoaded(page);
          await isSound(page, "manager-mapping", lang);
          await go.click();
        }
        // One row is of a customer that is not his to see.
        await expect(page.locator(".facts.wide")).toBeVisible();
        await isLoaded(page);
        await isSound(page, "manager-imported", lang);
        const found = await manager.api.get(`/api/records/contact?search=${name}&count=true`);
        expect(((await found.json()) as { total: number }).total).toBe(1);
      });
      expect(faults.filter((fault) => !/40[34]/.test(fault))).toEqual([]);
      await context.close();
    });
  }
