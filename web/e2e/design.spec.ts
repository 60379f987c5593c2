// Objects and fields made in the page: a table of one's own in minutes, in
// force at once, taken back and brought back.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, isSound, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    title: "对象和字段",
    new: "新建对象",
    name: "名称",
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

for (const lang of ["zh", "en"] as const)
  for (const size of ["desk", "phone"] as const)
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
        await page.getByRole("textbox", { name: `${words.name} 6` }).fill("预算");
        await page
          .getByRole("combobox", { name: new RegExp(`${words.type}$`) })
          .nth(5)
          .selectOption("decimal");
        await isSound(page, "design-object", lang);
        await page.getByRole("button", { name: words.preview }).click();
        const dialog = page.getByRole("dialog");
        await expect(dialog.getByText(words.created)).toBeVisible();
        await dialog.getByRole("button", { name: words.apply }).click();
        // It is there, as a list with a form, without a restart.
        await expect(page).toHaveURL(/\/records\/installation$/);
        await isLoaded(page);
        const made = await server.api.post("/api/records/installation", {
          data: { name: "上海门店上线", state: "in_progress", due_on: "2026-12-01", yu_suan: "5000" },
        });
        expect(made.status(), await made.text()).toBe(201);
        await page.goto(`${server.url}/records/installation?view=board&by=state`);
        await expect(page.locator("#main").getByText("上海门店上线").first()).toBeVisible();

        // The field goes, and comes back with its value.
        await page.goto(`${server.url}/settings/design/installation`);
        await page.getByRole("button", { name: `预算 ${words.remove}` }).click();
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
        expect((await again.json()).values.yu_suan).toBe("5000");
        await expect(page.getByRole("button", { name: words.back })).toHaveCount(3);
        expect(faults).toEqual([]);
        await context.close();
      } finally {
        await server.stop();
      }
    });
