// Objects and fields made in the page: a table of one's own in minutes, in
// force at once, taken back and brought back.
import { readFileSync } from "node:fs";
import { expect, type Locator, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { OWNER, type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    title: "对象和字段",
    new: "新建对象",
    name: "名称",
    sixth: "名称 6",
    budget: "预算",
    budgetId: "yu_suan",
    english: "英文名称（可不填）",
    add: "加字段",
    type: "类型",
    preview: "查看更改",
    apply: "应用",
    created: "新建对象“安装交付”",
    fresh: "新建",
    save: "保存",
    remove: "删除",
    removed: "删除字段",
    restore: "恢复",
    back: "退回到这一版",
    customer: "客户",
    needsName: "要有名称",
  },
  en: {
    title: "Objects and fields",
    new: "New object",
    name: "Name in Chinese",
    sixth: "Name in English 6",
    budget: "Budget",
    budgetId: "budget",
    english: "Name in English",
    add: "Add a field",
    type: "Type",
    preview: "Review changes",
    apply: "Apply",
    created: "New object “Installation”",
    fresh: "New",
    save: "Save",
    remove: "Remove",
    removed: "goes (can be restored",
    restore: "Restore",
    back: "Go back to this version",
    customer: "Customer",
    needsName: "it needs a name",
  },
} as const;

/** The second story walks the same pages in the other sizes; pictures are made of all. */
const isWalked = (lang: Lang, size: "desk" | "phone") =>
  process.env.KEJI_SHOTS !== undefined || (lang === "zh") === (size === "phone");

for (const lang of ["zh", "en"] as const)
  for (const size of (["desk", "phone"] as const).filter((size) => isWalked(lang, size)))
    test(`an object made in the page, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server: SignedIn = await signedIn();
      try {
        const context = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const { page, faults } = await open(context, lang);
        await page.goto(`${server.url}/settings/design`);
        await expect(page.locator("h1")).toHaveText(words.title);
        await isSound(page, "design", lang);
        await page.getByRole("link", { name: words.new }).click();
        await expect(page.locator("h1")).toHaveText(words.new);
        // What is missing is told where it is missing; nothing was made.
        await page.getByRole("button", { name: words.add }).click();
        await page.getByRole("button", { name: words.preview }).click();
        await expect(page.getByRole("alert").filter({ hasText: words.needsName }).first()).toBeVisible();
        expect(faults.splice(0).every((fault) => fault.includes("422"))).toBe(true);
        await page.getByRole("textbox", { name: words.name, exact: true }).fill("安装交付");
        await page.getByRole("textbox", { name: words.english, exact: true }).fill("Installation");
        await page.getByRole("textbox", { name: words.sixth }).fill(words.budget);
        // What was mended is no fault any more.
        await expect(page.locator(".design").getByRole("alert")).toHaveCount(0);
        await page
          .getByRole("combobox", { name: new RegExp(`${words.type}$`) })
          .nth(5)
          .selectOption("decimal");
        await page.evaluate(() => window.scrollTo(0, 0));
        await isSound(page, "design-object", lang);
        await page.getByRole("button", { name: words.preview }).click();
        const dialog = page.getByRole("dialog");
        await expect(dialog.getByText(words.created)).toBeVisible();
        await dialog.getByRole("button", { name: words.apply }).click();
        // It is there, as a list with a form, without a restart.
        await expect(page).toHaveURL(/\/records\/installation$/);
        await isLoaded(page);
        const made = await server.api.post("/api/records/installation", {
          data: {
            name: "上海门店上线",
            state: "in_progress",
            due_on: "2026-12-01",
            [words.budgetId]: "5000",
          },
        });
        expect(made.status(), await made.text()).toBe(201);
        await page.goto(`${server.url}/records/installation?view=board&by=state`);
        await expect(page.locator("#main").getByText("上海门店上线").first()).toBeVisible();

        // The field goes, and comes back with its value.
        await page.goto(`${server.url}/settings/design/installation`);
        await page.getByRole("button", { name: `${words.budget} ${words.remove}` }).click();
        await page.getByRole("button", { name: words.preview }).click();
        await expect(dialog.getByText(words.removed)).toBeVisible();
        await isSound(page, "design-preview", lang);
        await dialog.getByRole("button", { name: words.apply }).click();
        await expect(dialog).toHaveCount(0);
        await page.goto(`${server.url}/settings/design`);
        await isLoaded(page);
        await isSound(page, "design-trash", lang);
        await page.getByRole("button", { name: words.restore, exact: true }).click();
        await dialog.getByRole("button", { name: words.apply }).click();
        await expect(dialog).toHaveCount(0);
        const { id } = (await made.json()) as { id: number };
        const again = await server.api.get(`/api/records/installation/${id}`);
        expect((await again.json()).values[words.budgetId]).toBe("5000");
        await expect(page.getByRole("button", { name: words.back })).toHaveCount(3);
        expect(faults).toEqual([]);
        await context.close();
      } finally {
        await server.stop();
      }
    });

const texts = (lang: Lang) =>
  JSON.parse(readFileSync(new URL(`../src/i18n/design.${lang}.json`, import.meta.url), "utf8")).design;

/** What an administrator of each language calls things. */
const NAMES = {
  zh: {
    tax: "含税金额",
    negative: "金额不能为负",
    total: "安装金额合计",
    section: "先看这里",
    representative: "业务员",
    amount: "金额",
    state: "状态",
    customer: "客户",
    title: "名称",
    new: "新建安装交付",
    save: "保存",
    inUse: "还有 1 条",
    unused: "没有人用",
  },
  en: {
    tax: "With tax",
    negative: "The amount cannot be negative",
    total: "Installations in all",
    section: "Look here first",
    representative: "Sales representative",
    amount: "Amount",
    state: "State",
    customer: "Customer",
    title: "Name",
    new: "New: Installation",
    save: "Save",
    inUse: "1 record",
    unused: "Nobody uses it",
  },
} as const;

const named = (zh: string, en: string) => ({ zh, en });
const INSTALLATION = {
  name: named("安装交付", "Installation"),
  is_numbered: true,
  fields: [
    { type: "text", name: named("名称", "Name"), is_required: true, is_title: true },
    { type: "link", name: named("客户", "Customer"), to: "customer" },
    { type: "decimal", name: named("金额", "Amount"), unit: "money" },
    {
      type: "choice",
      name: named("状态", "State"),
      options: [{ name: named("未开始", "To do") }, { name: named("完成", "Done") }],
    },
  ],
};

for (const lang of ["zh", "en"] as const)
  test(`rules, formulas, layouts, files and the way back, ${lang}`, async ({ browser }) => {
    const words = texts(lang);
    const names = NAMES[lang];
    const server: SignedIn = await signedIn();
    const elsewhere: SignedIn = await signedIn();
    try {
      const { api } = server;
      const post = async (path: string, data: unknown) => {
        const answer = await api.post(path, { data });
        expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
        return (await answer.json()) as { id: number };
      };
      await post("/api/design", { version: 0, note: "1", objects: [{ draft: INSTALLATION }] });
      const { id: user } = await post("/api/users", {
        login: "rep",
        name: "2101",
        role: "representative",
        password: OWNER.password,
      });
      const { id: customer } = await post("/api/records/customer", { number: "K1", name: "青山机械", user });

      const shape = lang === "en" ? PHONE : DESK;
      const context = await browser.newContext({ ...shape, storageState: server.state });
      const { page, faults } = await open(context, lang);
      const dialog = page.getByRole("dialog");
      const go = async (path: string) => {
        await page.goto(server.url + path);
        await isLoaded(page);
      };
      const apply = async () => {
        await page.getByRole("button", { name: words.preview }).click();
        await dialog.getByRole("button", { name: words.apply }).click();
        await expect(dialog).toHaveCount(0);
      };
      /** Refused, with what is said at one place and nothing changed. */
      const isRefused = async (place: Locator, says: string) => {
        await page.getByRole("button", { name: words.preview }).click();
        await expect(place.getByRole("alert")).toContainText(says);
        await expect(dialog).toHaveCount(0);
      };
      const derived = page.locator(".design-rule").filter({ has: page.getByLabel(words.how) });

      await test.step("a rule, a formula and a roll-up", async () => {
        await go("/settings/design/installation");
        await page.getByRole("button", { name: words.addRule }).click();
        const rule = page.getByRole("listitem", { name: words.ruleOf.replace("{{n}}", "1") });
        await rule.getByLabel(words.check).fill("amount >= 0");
        await rule.getByLabel(words.message, { exact: true }).fill(names.negative);
        await rule.getByLabel(words.messageEn, { exact: true }).fill(names.negative);
        await rule.getByLabel(words.at, { exact: true }).selectOption("amount");
        await page.getByRole("button", { name: words.addDerived }).click();
        await derived.getByLabel(words.nameZh, { exact: true }).fill(names.tax);
        await derived.getByLabel(words.nameEn, { exact: true }).fill("With tax");
        await derived.getByLabel(words.formula, { exact: true }).fill("amount * 1.13");
        await apply();
        await go("/settings/design/customer");
        await page.getByRole("button", { name: words.addDerived }).click();
        await derived.getByLabel(words.nameZh, { exact: true }).fill(names.total);
        await derived.getByLabel(words.nameEn, { exact: true }).fill("Installations in all");
        await derived.getByLabel(words.how, { exact: true }).selectOption("rollup");
        await derived.getByLabel(words.gatherFrom, { exact: true }).selectOption("installation.customer");
        await derived.getByLabel(words.gather, { exact: true }).selectOption("sum");
        await derived.getByLabel(words.gatherOf, { exact: true }).selectOption("amount");
        await isSound(page, "design-rollup", lang);
        await apply();
      });

      const made = await test.step("a record shows what came of them", async () => {
        await go("/records/installation");
        await page
          .getByRole("button", { name: /^(New|新建)/ })
          .first()
          .click();
        const form = page.getByRole("dialog", { name: names.new });
        await form.getByRole("textbox", { name: names.title, exact: true }).fill("上海门店上线");
        await form.getByLabel(names.amount, { exact: true }).fill("-1");
        await form.getByRole("button", { name: names.save }).click();
        await expect(form.locator(".form-field", { hasText: names.amount })).toContainText(names.negative);
        await form.getByLabel(names.amount, { exact: true }).fill("100");
        await form.getByRole("button", { name: names.save }).click();
        await expect(form).toHaveCount(0);
        const list = await (await api.get("/api/records/installation")).json();
        const { id } = list.rows[0] as { id: number };
        const rest = await api.patch(`/api/records/installation/${id}`, {
          data: { customer, state: "to_do" },
        });
        expect(rest.ok(), await rest.text()).toBe(true);
        await go(`/records/installation/${id}`);
        await expect(page.locator(".record-field", { hasText: names.tax })).toContainText("113");
        await go(`/records/customer/${customer}`);
        await expect(page.locator(".record-field", { hasText: names.total })).toContainText("100");
        return id;
      });
      faults.splice(0);

      await test.step("what does not hold is told at its place", async () => {
        await go("/settings/design/installation");
        await derived.getByLabel(words.formula, { exact: true }).fill("with_tax + 1");
        await isRefused(derived, "installation.with_tax → installation.with_tax");
        await derived.getByLabel(words.formula, { exact: true }).fill("amount * 1.13");
        // An option that a record has cannot go.
        const optionOf = lang === "zh" ? words.optionOf : words.optionEn;
        const state = page.getByRole("listitem", { name: names.state, exact: true });
        await state
          .getByRole("button", {
            name: `${names.state} ${optionOf.replace("{{n}}", "1")} ${words.remove}`,
          })
          .click();
        await isRefused(state, names.inUse);
        await isSound(page, "design-faults", lang);
        // Nor can the object, by which the customers' roll-up counts: that is no fault of a field here.
        await page.getByRole("button", { name: words.removeObject }).click();
        const foot = page.locator(".design-foot").getByRole("alert");
        await expect(foot).toContainText(
          words.faultOf.replace("{{name}}", names.customer).replace("{{detail}}", ""),
        );
        await expect(page.locator(".design-field").getByRole("alert")).toHaveCount(0);
      });

      await test.step("a layout for one role", async () => {
        await go("/settings/design/installation");
        await page.getByRole("button", { name: words.layouts.add }).click();
        const layout = page.getByRole("listitem", { name: words.layouts.one.replace("{{n}}", "1") });
        await layout.getByRole("combobox", { name: words.layouts.roles }).fill(names.representative);
        await page.locator(".ant-select-item-option", { hasText: names.representative }).first().click();
        await page.keyboard.press("Escape");
        await layout
          .getByLabel(words.layouts.nameOf.replace("{{n}}", "1"), { exact: true })
          .fill(names.section);
        await layout
          .getByLabel(words.layouts.englishOf.replace("{{n}}", "1"), { exact: true })
          .fill(names.section);
        await isSound(page, "design-layout", lang);
        await apply();
        await go(`/records/installation/${made}`);
        await expect(page.locator(".record-field", { hasText: names.tax })).toBeVisible();
        await expect(page.getByRole("heading", { name: names.section })).toHaveCount(0);
        const his = await request.newContext({ baseURL: server.url });
        await his.post("/api/session", { data: { login: "rep", password: OWNER.password } });
        const seen = await browser.newContext({ ...shape, storageState: await his.storageState() });
        const other = await open(seen, lang);
        await other.page.goto(`${server.url}/records/installation/${made}`);
        await isLoaded(other.page);
        await expect(other.page.getByRole("heading", { name: names.section })).toBeVisible();
        await seen.close();
        await his.dispose();
      });

      await test.step("out as a file, in elsewhere, and back", async () => {
        await go("/settings/design");
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          page.getByRole("button", { name: words.export }).click(),
        ]);
        const file = await download.path();
        const there = await browser.newContext({ ...shape, storageState: elsewhere.state });
        const second = await open(there, lang);
        const asked = second.page.getByRole("dialog");
        await second.page.goto(`${elsewhere.url}/settings/design`);
        await isLoaded(second.page);
        const input = second.page.locator("input[type=file]");
        await input.setInputFiles({
          name: "x.json",
          mimeType: "application/json",
          buffer: Buffer.from("{}"),
        });
        await expect(second.page.locator(".ant-message")).toContainText(words.notPack);
        // Only the button is seen, and not the browser's own beside it.
        expect((await input.boundingBox())?.width ?? 0).toBeLessThanOrEqual(1);
        await input.setInputFiles(file);
        await expect(asked).toContainText(lang === "zh" ? "安装交付" : "Installation");
        await isSound(second.page, "design-import", lang);
        await asked.getByRole("button", { name: words.apply }).click();
        await expect(asked).toHaveCount(0);
        const objects = async () =>
          (
            (await (await elsewhere.api.get("/api/objects")).json()) as { objects: { id: string }[] }
          ).objects.map((o) => o.id);
        expect(await objects()).toContain("installation");
        const own = second.page.locator("a[href='/settings/design/installation']");
        await expect(own).toBeVisible();
        await second.page.getByRole("button", { name: words.back }).last().click();
        await asked.getByLabel(words.what).fill(names.unused);
        await asked.getByRole("button", { name: words.apply }).click();
        await expect(own).toHaveCount(0);
        const wentBack = `${words.wentBack.replace("{{to}}", words.first)} · ${names.unused}`;
        await expect(second.page.getByText(wentBack)).toBeVisible();
        expect(await objects()).not.toContain("installation");
        await isSound(second.page, "design-versions", lang);
        expect(second.faults).toEqual([]);
        await there.close();
      });
      expect(faults.filter((fault) => !fault.includes("422"))).toEqual([]);
      await context.close();
    } finally {
      await server.stop();
      await elsewhere.stop();
    }
  });
