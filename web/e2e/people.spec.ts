// The people of a company: its departments, a role of one's own, somebody who
// comes and somebody who leaves, and a key for a program; and what the log
// says of it.
import { readFileSync } from "node:fs";
import { expect, type Page, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { makeRecord, OWNER, objectOf, type SignedIn, signedIn } from "./signed-in";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../src/i18n/${name}.json`, import.meta.url), "utf8"));
const texts = (lang: Lang) => ({ ...read(lang), ...read(`settings.${lang}`) });

/** Both come to the same server, hence each has names of its own. */
const NAMES = {
  zh: {
    region: "华东大区",
    shop: "杭州门店",
    role: ["门店顾问", "Shop adviser"],
    leaver: "陈离任",
    heir: "王接手",
    login: "wang",
    customers: ["西湖百货", "钱江超市"],
    customer: "客户",
    key: "报表程序",
    own: "自己的",
  },
  en: {
    region: "North region",
    shop: "Leeds shop",
    role: ["顾问", "Adviser"],
    leaver: "Liz Leaver",
    heir: "Harry Heir",
    login: "harry",
    customers: ["Northern Stores", "Aire Supermarkets"],
    customer: "Customer",
    key: "Report program",
    own: "Own",
  },
} as const;

let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn();
});
test.afterAll(async () => {
  await server?.stop();
});

const post = async (path: string, data: unknown): Promise<number> => {
  const answer = await server.api.post(path, { data });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  return ((await answer.json()) as { id: number }).id;
};
const choose = async (page: Page, label: string, option: string) => {
  await page.getByRole("combobox", { name: label, exact: true }).click();
  await page.locator(".ant-select-item-option", { hasText: option }).first().click();
};

for (const [lang, shape] of [
  ["zh", DESK],
  ["en", PHONE],
] as const)
  test(`departments, roles, people and tokens, ${lang}`, async ({ browser }) => {
    const names = NAMES[lang];
    const words = texts(lang);
    const context = await browser.newContext({ ...shape, storageState: server.state });
    const { page, faults } = await open(context, lang);
    const form = page.getByRole("dialog");
    const save = async () => {
      await form.getByRole("button", { name: words.form.save, exact: true }).click();
      await expect(form).toHaveCount(0);
    };
    const go = async (path: string) => {
      await page.goto(server.url + path);
      await isLoaded(page);
    };
    const named = (key: string, name: string) => key.replace("{{name}}", name);

    await test.step("a department and one below it", async () => {
      await go("/settings/departments");
      await page.getByRole("button", { name: words.departments.add, exact: true }).click();
      await form.getByRole("button", { name: words.form.save, exact: true }).click();
      await expect(form.locator(".wrong")).toHaveText(words.wrong.required);
      await form.getByLabel(words.departments.name, { exact: true }).fill(names.region);
      await save();
      await page.getByRole("button", { name: named(words.departments.addBelow, names.region) }).click();
      await form.getByLabel(words.departments.name, { exact: true }).fill(names.shop);
      await save();
      await expect(page.locator(".tree li", { hasText: names.region })).toBeVisible();
      await expect(page.locator(".tree li", { hasText: names.shop })).toHaveCSS("padding-left", "24px");
    });

    await test.step("a role of one's own", async () => {
      await go("/settings/roles");
      await page.getByRole("button", { name: words.roles.add, exact: true }).click();
      await page.getByLabel(words.roles.nameZh, { exact: true }).fill(names.role[0]);
      await page.getByLabel(words.roles.nameEn, { exact: true }).fill(names.role[1]);
      for (const action of ["read", "update"])
        await page
          .getByRole("checkbox", { name: `${names.customer} ${words.roles.actions[action]}`, exact: true })
          .check();
      await page
        .getByRole("combobox", { name: `${names.customer} ${words.roles.rows}`, exact: true })
        .selectOption("own");
      await isSound(page, "roles", lang);
      await page.getByRole("button", { name: words.form.save, exact: true }).click();
      await expect(page.locator(".ant-message")).toContainText(words.form.saved);
    });

    await test.step("somebody who comes", async () => {
      await go("/settings/users");
      await page.getByRole("button", { name: words.users.add, exact: true }).click();
      await form.getByLabel(words.user.login, { exact: true }).fill(names.login);
      await form.getByLabel(words.user.name, { exact: true }).fill(names.heir);
      await choose(page, words.user.role, names.role[lang === "zh" ? 0 : 1]);
      await form.getByLabel(words.user.password, { exact: true }).fill(OWNER.password);
      await choose(page, words.user.departments, names.shop);
      await page.keyboard.press("Escape");
      await form.getByRole("checkbox", { name: names.shop }).check();
      await isSound(page, "user-form", lang);
      await save();
      await expect(page.locator("tr", { hasText: names.heir })).toContainText(
        named(words.users.headOf, names.shop),
      );
      await isSound(page, "users", lang);
      await go("/settings/departments");
      await expect(page.locator(".tree li", { hasText: names.shop })).toContainText(names.heir);
      await isSound(page, "departments", lang);
    });

    const his = await request.newContext({ baseURL: server.url });
    const entered = await his.post("/api/session", {
      data: { login: names.login, password: OWNER.password },
    });
    expect(entered.ok(), await entered.text()).toBe(true);
    const sees = async () =>
      ((await (await his.get("/api/records/customer")).json()) as { rows: unknown[] }).rows.length;

    await test.step("somebody who leaves hands over", async () => {
      const leaver = await post("/api/users", {
        login: `${names.login}_before`,
        name: names.leaver,
        role: "representative",
        password: OWNER.password,
      });
      const customer = await objectOf(server.api, "customer");
      for (const name of names.customers) await makeRecord(server.api, customer, { name, user: leaver });
      expect(await sees()).toBe(0);
      await go("/settings/users");
      await page
        .getByRole("button", { name: named(words.users.handOverNamed, names.leaver), exact: true })
        .click();
      await form.getByRole("combobox").selectOption({ label: names.heir });
      await isSound(page, "hand-over", lang);
      await form.getByRole("button", { name: words.users.handOver, exact: true }).click();
      await expect(page.locator(".ant-message")).toContainText("2");
      expect(await sees()).toBe(2);
      // The role of one's own sees its customers, and nothing else.
      expect((await his.get("/api/records/contact")).status()).toBe(403);
      await his.dispose();
    });

    await test.step("a key for a program, for customers only", async () => {
      await go("/account");
      await page.getByRole("textbox", { name: words.account.tokenName }).fill(names.key);
      const scopes = page.getByRole("combobox", { name: words.account.tokenScopes });
      const scope = words.account.scopeOf
        .replace("{{object}}", names.customer)
        .replace("{{what}}", words.account.scopes.read);
      await scopes.click();
      await scopes.fill(scope);
      await page.locator(".ant-select-item-option", { hasText: scope }).first().click();
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: words.account.tokenNew }).click();
      const token = (await page.locator("code.secret").last().textContent()) ?? "";
      const row = page.locator("tr", { hasText: names.key });
      await expect(row).toContainText(scope);
      await row.scrollIntoViewIfNeeded();
      await isSound(page, "tokens", lang);
      const program = await request.newContext({
        baseURL: server.url,
        extraHTTPHeaders: { authorization: `Bearer ${token}` },
      });
      const status = async (path: string) => (await program.get(path)).status();
      expect(await status("/api/records/customer")).toBe(200);
      expect(await status("/api/records/contact")).toBe(403);
      expect((await program.post("/api/records/customer", { data: { name: "1" } })).status()).toBe(403);
      await page.getByRole("button", { name: words.account.tokenKept }).click();
      await row.getByRole("button").click();
      await form.getByRole("button", { name: words.account.revoke }).click();
      await expect(row).toHaveCount(0);
      expect(await status("/api/records/customer")).toBe(401);
      await program.dispose();
    });

    await test.step("the log has it", async () => {
      await go("/settings/audit");
      await expect(page.locator(".audit li", { hasText: names.heir }).first()).toBeVisible();
      await isSound(page, "audit", lang);
    });
    expect(faults).toEqual([]);
    await context.close();
  });
