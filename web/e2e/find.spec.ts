// One box finds records of every object, pages and metrics, by keyboard and by
// finger, in both languages and sizes.
import { expect, test } from "@playwright/test";
import { DESK, isSound, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    open: "查找任何东西",
    title: "查找",
    none: "没有找到",
    metric: "销售总额",
    make: "新建",
    spelling: "拼音",
    near: "相近",
  },
  en: {
    open: "Find anything",
    title: "Find",
    none: "Nothing fits",
    metric: "Gross sales",
    make: "New",
    spelling: "Pinyin",
    near: "similar",
  },
} as const;

let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn();
  const make = async (object: string, data: Record<string, unknown>) => {
    const made = await server.api.post(`/api/records/${object}`, { data });
    expect(made.status(), await made.text()).toBe(201);
    return ((await made.json()) as { id: number }).id;
  };
  const customer = await make("customer", {
    number: "K1",
    name: "上海明朗贸易有限公司",
    phone: "021-68880001",
    kind: "company",
  });
  await make("customer", { number: "K2", name: "上海云海进出口有限公司", kind: "company" });
  await make("contact", { name: "单曾文", mobile: "13612345678", customer });
  await make("contact", { name: "李明朗", customer });
});
test.afterAll(() => server?.stop());

for (const lang of ["zh", "en"] as const) {
  for (const [size, screen] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const) {
    test(`anything is found, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext({ ...screen, storageState: server.state });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/customers`);
      await expect(page.locator("h1")).toBeVisible();
      const box = page.getByRole("dialog", { name: words.title });
      const field = box.getByRole("combobox");
      const options = box.getByRole("option");
      if (size === "desk") await page.keyboard.press("Control+k");
      else await page.getByRole("button", { name: words.open }).tap();
      await expect(field).toBeFocused();
      await isSound(page, "find-empty", lang);

      // By the first letters; the index follows within a moment.
      await expect(async () => {
        await field.fill("");
        await field.fill("mlmy");
        await expect(options.filter({ hasText: "上海明朗贸易有限公司" })).toBeVisible({ timeout: 2_000 });
      }).toPass();
      await expect(options.first()).toContainText(words.spelling);
      await field.fill("明朗");
      await expect(options).toHaveCount(2);
      await expect(options.first()).toHaveAttribute("aria-selected", "true");
      await expect(box.locator("mark").first()).toHaveText("明朗");
      await isSound(page, "find", lang);
      await field.fill("5678");
      await expect(options.first()).toContainText("13612345678");
      await field.fill("上海朗明贸易");
      await expect(options.first()).toContainText(words.near);
      await field.fill(words.metric);
      await expect(options.first()).toContainText(words.metric);
      await field.fill("火星公司");
      await expect(box.getByRole("status")).toContainText(words.none);
      await isSound(page, "find-none", lang);

      // Down to the second and open it; by a finger, the first.
      await field.fill("明朗");
      await expect(options).toHaveCount(2);
      if (size === "desk") {
        await expect(options.first()).toContainText("李明朗");
        await page.keyboard.press("ArrowDown");
        await expect(options.nth(1)).toHaveAttribute("aria-selected", "true");
        await page.keyboard.press("Enter");
        await expect(page).toHaveURL(/\/customers\/\d+$/);
      } else {
        await options.filter({ hasText: "李明朗" }).tap();
        await expect(page).toHaveURL(/\/records\/contact\/\d+$/);
      }
      await expect(box).toHaveCount(0);

      // Something new begins in the same box; Escape leaves it.
      await page.getByRole("button", { name: words.open }).click();
      await field.fill(words.make);
      await expect(options.first()).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(box).toHaveCount(0);
      expect(faults).toEqual([]);
      await context.close();
    });
  }
}
