// A metric of one's own: made in the page, refused while its example does not
// come out, asked at once, changed, and taken away.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, importCsv } from "./fixture";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeEach(async () => {
  server = await startServer();
  await importCsv(server.url, fixtureCsv("digits"), "orders.csv");
});
test.afterEach(async () => {
  await server?.stop();
});

const WORDS = {
  zh: {
    new: "新建指标",
    name: "名称",
    english: "英文名称（可不填）",
    unit: "单位",
    money: "金额",
    agg: "怎么数",
    sum: "合计",
    expr: "哪个字段，或者算式",
    gross: "销售额",
    is: "应当得出",
    cell: (n: number) => `第 ${n} 条的销售额`,
    preview: "查看更改",
    apply: "应用",
    wrong: "算例对不上",
    change: "修改定义",
    where: "只算满足条件的（可不填）",
    second: "第 2 版",
    remove: "删除指标",
    empty: "还没有自建的指标。",
  },
  en: {
    new: "New metric",
    name: "Name in Chinese",
    english: "Name in English",
    unit: "Unit",
    money: "Money",
    agg: "What of them",
    sum: "The sum",
    expr: "Of which field, or an expression",
    gross: "Gross amount",
    is: "Has to come out as",
    cell: (n: number) => `Gross amount of record ${n}`,
    preview: "Review changes",
    apply: "Apply",
    wrong: "does not come out",
    change: "Change the definition",
    where: "Only those for which (optional)",
    second: "version 2",
    remove: "Remove the metric",
    empty: "There is none yet.",
  },
} as const;

async function accept(page: Page, words: (typeof WORDS)[Lang]): Promise<void> {
  await page.getByRole("button", { name: words.preview }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: words.apply }).click();
  await expect(dialog).toHaveCount(0);
}

for (const lang of ["zh", "en"] as const satisfies Lang[])
  for (const [size, device] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const)
    test(`a metric made in the page, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext(device);
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/metrics`);
      await page.getByRole("link", { name: words.new }).click();
      await expect(page.locator("h1")).toHaveText(words.new);
      await page.getByRole("textbox", { name: words.name, exact: true }).fill("大单额");
      await page.getByRole("textbox", { name: words.english, exact: true }).fill("Large amounts");
      await page.getByLabel(words.unit, { exact: true }).selectOption({ label: words.money });
      await page.getByLabel(words.agg, { exact: true }).selectOption({ label: words.sum });
      await page.getByRole("button", { name: words.gross, exact: true }).click();
      await expect(page.getByLabel(words.expr)).toHaveValue("gross_amount");
      await isSound(page, "own-metric", lang);

      // The example is computed, not believed.
      for (const [n, amount] of [
        [1, "10"],
        [2, "20"],
        [3, "40"],
      ] as const)
        await page.getByLabel(words.cell(n), { exact: true }).fill(amount);
      await page.getByLabel(words.is).fill("70");
      await page.getByRole("button", { name: words.preview }).click();
      const told = page.getByRole("alert").filter({ hasText: words.wrong });
      await expect(told.first()).toContainText("30");
      await page.getByLabel(words.is).fill("30");
      await accept(page, words);

      // Its own page, with a number of these very orders.
      await expect(page).toHaveURL(/\/metrics\/large_amounts$/);
      await isLoaded(page);
      await expect(page.locator(".answer")).toBeVisible();
      await expect(page.locator(".definition .code-block")).toContainText("sum(gross_amount)");

      await page.getByRole("link", { name: words.change }).click();
      await expect(page.getByLabel(words.is)).toHaveValue("30");
      await page.getByLabel(words.where).fill("gross_amount >= 20");
      await page.getByLabel(words.is).fill("20");
      await accept(page, words);
      await isLoaded(page);
      await expect(page.locator(".definition .facts")).toContainText(words.second);

      await page.getByRole("link", { name: words.change }).click();
      await page.getByRole("button", { name: words.remove }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: words.apply }).click();
      await expect(page.getByText(words.empty)).toBeVisible();
      expect(faults.filter((fault) => !fault.includes("422"))).toEqual([]);
      await context.close();
    });
