// Story 2: goal, customers, industry and a SWOT lead to metrics with
// reasons, figures of the firm's own, and what is not recorded yet.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, importCsv } from "./fixture";
import { asOwner, type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
  await importCsv(server.url, fixtureCsv("digits"), "orders.csv");
});
test.afterAll(async () => {
  await server?.stop();
});

const WORDS = {
  zh: {
    goals: "目标",
    profit: "提高利润",
    industry: "行业",
    manufacturing: "制造",
    weakness: "劣势",
    late: "交付不准时",
    note: "劣势备注",
    where: "再加条件",
    notCaused: "相关，不等于因果。",
    clear: /^明显$/,
    byValues: "按数值（Pearson）",
  },
  en: {
    goals: "Goals",
    profit: "Raise profit",
    industry: "Industry",
    manufacturing: "Manufacturing",
    weakness: "Weakness",
    late: "Late deliveries",
    note: "Note on Weakness",
    where: "Further condition",
    notCaused: "Correlated, not caused.",
    clear: /^Clear$/,
    byValues: "By value (Pearson)",
  },
} as const;

const cards = (page: Page) => page.locator(".choose-one");
const card = (page: Page, id: string) =>
  cards(page).filter({ has: page.locator(`a[href="/metrics/${id}"]`) });
const parts = (page: Page) => new URL(page.url()).searchParams;

async function pick(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label, exact: true }).click();
  await page.locator(".ant-select-item-option").filter({ hasText: option }).first().click();
  await page.keyboard.press("Escape");
}

for (const lang of ["zh", "en"] as const satisfies Lang[])
  for (const [size, device] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const)
    test(`choosing metrics, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext(device);
      const { page, faults } = await open(context, lang);

      await test.step("from the page of all metrics", async () => {
        await page.goto(`${server.url}/metrics`);
        await page.locator('main a[href="/choose"]').click();
        await expect(page.locator(".choose-swot fieldset")).toHaveCount(4);
        await expect(cards(page)).toHaveCount(0);
        await isSound(page, "choose-empty", lang);
      });

      await test.step("a goal gives eight to twelve, and the address holds it", async () => {
        await pick(page, words.goals, words.profit);
        await expect.poll(() => parts(page).get("goals")).toBe('["profit"]');
        await isLoaded(page);
        await expect(card(page, "customer_profit")).toHaveCount(1);
        const n = await cards(page).count();
        expect(n).toBeGreaterThanOrEqual(8);
        expect(n).toBeLessThanOrEqual(12);
        await expect(card(page, "on_time_delivery")).toHaveCount(0);
      });

      await test.step("industry and weakness change what is chosen, and say so", async () => {
        await pick(page, words.industry, words.manufacturing);
        await pick(page, words.weakness, words.late);
        await page.getByLabel(words.note).fill("2 / 5");
        await page.getByLabel(words.note).press("Enter");
        await expect.poll(() => parts(page).get("notes")).toContain("2 / 5");
        const delivery = card(page, "on_time_delivery");
        await expect(delivery).toHaveCount(1);
        await expect(delivery.locator(".said-weakness")).toContainText(words.late);
        await expect(delivery.locator(".said-industry")).toContainText(words.manufacturing);
        // Nobody recorded a delivery: no figure, but where to record one.
        await expect(delivery.locator(".figure")).toHaveCount(0);
        await expect(delivery.locator('.missing-data a[href="/records/delivery"]')).toHaveCount(1);
        await isSound(page, "choose", lang);
      });

      await test.step("a figure is the answer to the same question", async () => {
        const situation = {
          goals: ["profit"],
          industry: "manufacturing",
          swot: ["late_delivery"],
        };
        const sent = await fetch(`${server.url}/api/insight/choice`, {
          method: "POST",
          headers: { "content-type": "application/json", ...asOwner() },
          body: JSON.stringify(situation),
        });
        const choice = (await sent.json()) as { metrics: { metric: string }[] };
        const shown = await cards(page)
          .locator("h3 a")
          .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
        expect(shown).toEqual(choice.metrics.map((one) => `/metrics/${one.metric}`));
        const figure = card(page, "average_order_value").locator(".figure");
        await figure.click();
        await expect(page.locator(".explain")).toBeVisible();
        await page.keyboard.press("Escape");
        await expect(page.locator(".explain")).toBeHidden();
      });

      await test.step("three go, and whoever gets the address sees the same", async () => {
        const before = await cards(page).count();
        for (let i = 1; i <= 3; i++) {
          await cards(page).last().locator(".choose-remove").click();
          await expect(cards(page)).toHaveCount(before - i);
        }
        await expect(page.locator(".choose-removed button")).toHaveCount(3);
        const other = await context.newPage();
        await other.goto(page.url());
        await expect(cards(other)).toHaveCount(before - 3);
        await expect(other.getByLabel(words.note)).toHaveValue("2 / 5");
        await expect(other.locator(".choose-removed button")).toHaveCount(3);
        await other.locator(".choose-removed button").first().click();
        await expect(cards(other)).toHaveCount(before - 2);
        await other.close();
      });

      await test.step("relations: a map, a table that says the same, and what they are not", async () => {
        await page.goto(`${server.url}/choose?goals=${encodeURIComponent('["grow_revenue"]')}`);
        const panel = page.locator(".choose-relations");
        await expect(panel.locator(".choose-warning")).toHaveText(words.notCaused);
        await expect(panel.locator("svg.relation-map")).toHaveAttribute("aria-label", /.{20}/);
        await expect(panel.locator("svg.relation-map circle")).toHaveCount(3);
        await expect(panel.locator("tbody tr")).toHaveCount(3);
        await expect(panel.locator(".choose-map ol li")).toHaveCount(3);
        const clear = await panel.locator("tbody td:last-child", { hasText: words.clear }).count();
        await expect(panel.locator("svg.relation-map line")).toHaveCount(clear);
        await panel.getByText(words.byValues).click();
        await expect.poll(() => parts(page).get("method")).toBe("pearson");
        await expect(panel.locator("tbody tr")).toHaveCount(3);
        await isLoaded(page);
        await isSound(page, "choose-relations", lang);
      });

      await test.step("a condition that does not hold is told", async () => {
        const where = page.getByRole("textbox", { name: words.where });
        await where.fill("no_such_field = 1");
        await where.press("Enter");
        await expect(page.getByRole("alert")).toContainText("no_such_field");
        await where.fill("product.number = '1'");
        await where.press("Enter");
        await expect(page.getByRole("alert")).toHaveCount(0);
        await expect(page.locator(".choose-narrowed")).toContainText("product.number");
      });

      await test.step("a chosen one leads to its metric", async () => {
        await cards(page).first().locator("h3 a").click();
        await expect(page).toHaveURL(/\/metrics\/\w+/);
        await expect(page.locator("h1")).toHaveCount(1);
      });
      expect(faults.filter((fault) => !fault.includes("422"))).toEqual([]);
      await context.close();
    });

test("choosing is found by its name", async ({ browser }) => {
  const context = await browser.newContext(DESK);
  const { page, faults } = await open(context, "zh");
  await page.goto(`${server.url}/`);
  await isLoaded(page);
  await page.keyboard.press("Control+k");
  await page.locator("dialog input").fill("选择指");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/choose/);
  expect(faults).toEqual([]);
  await context.close();
});
