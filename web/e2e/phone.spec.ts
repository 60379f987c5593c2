// Every page on a screen of 375 px: nothing sideways, no small print, nothing
// too small for a thumb.
import { expect, type Page, test } from "@playwright/test";
import { isLoaded, isSound, open, PHONE } from "./checks";
import { fixtureCsv, HEADLESS_CSV, importCsv, UNCLEAR_CSV } from "./fixture";
import { type Server, startServer } from "./server";

const WIDTH = PHONE.viewport.width;
const TARGET = 40;
const SMALLEST = 12;

let server: Server;
let pages: Record<string, string>;
test.beforeAll(async () => {
  server = await startServer();
  const done = await importCsv(server.url, fixtureCsv(), "orders.csv");
  const asks = await importCsv(server.url, UNCLEAR_CSV.zh, "unclear.csv");
  const failed = await importCsv(server.url, HEADLESS_CSV, "headless.csv");
  pages = {
    overview: "/",
    customers: "/customers",
    customer: "/customers/3",
    import: "/import",
    "import-run": `/import/${done}`,
    mapping: `/import/${asks}`,
    "import-failed": `/import/${failed}`,
    metrics: "/metrics",
    metric: "/metrics/net_revenue?compare=previous",
    "metric-bars": "/metrics/gross_sales?grain=none&by=product.name&compare=previous",
    "metric-table": "/metrics/net_revenue?view=table&compare=year",
    "metric-cohorts": "/metrics/cohort_retention",
    "no-page": "/nowhere",
  };
});
test.afterAll(async () => {
  await server?.stop();
});

/** What is too small, in words. */
const tooSmall = (page: Page) =>
  page.evaluate(
    ({ target, smallest }) => {
      const found: string[] = [];
      const isSeen = (element: Element) => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility !== "hidden";
      };
      const name = (element: Element) =>
        `${element.tagName.toLowerCase()}.${element.className} “${element.textContent?.trim().slice(0, 20)}”`;
      // A control counts with what belongs to it: its label, its frame.
      const WHOLE = ".ant-select, .ant-input-affix-wrapper, label, .mode, .rfm-cell, .row";
      const controls =
        'a[href], button, summary, input, select, [role="combobox"], [role="switch"], [role="row"]';
      for (const element of document.querySelectorAll(controls)) {
        const whole = element.closest(WHOLE) ?? element;
        // A link within a sentence is as high as its line.
        if (!isSeen(whole) || element.closest(".skip, .note") || element.closest(".visually-hidden"))
          continue;
        const box = whole.getBoundingClientRect();
        if (box.height < target - 0.5 || box.width < target - 0.5)
          found.push(`${name(element)} is ${Math.round(box.width)} × ${Math.round(box.height)}`);
      }
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        const parent = text.parentElement;
        if (!parent || !text.textContent?.trim() || !isSeen(parent)) continue;
        const size = Number.parseFloat(getComputedStyle(parent).fontSize);
        if (size < smallest) found.push(`${name(parent)} is written in ${size} px`);
      }
      return [...new Set(found)];
    },
    { target: TARGET, smallest: SMALLEST },
  );

async function fits(page: Page, name: string): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, `${name}: wider than the screen`).toBeLessThanOrEqual(WIDTH);
  expect(await tooSmall(page), `${name}: too small`).toEqual([]);
}

for (const lang of ["zh", "en"] as const) {
  test(`every page fits a phone, ${lang}`, async ({ browser }) => {
    const context = await browser.newContext(PHONE);
    const { page, faults } = await open(context, lang);
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(server.url + path);
      await isLoaded(page);
      await fits(page, name);
    }
    expect(faults).toEqual([]);

    await page.goto(`${server.url}/`);
    await page.locator(".card .figure.big").first().click();
    await expect(page.locator(".explain .code-block").first()).not.toBeEmpty();
    await expect(page.locator(".explain .as-cards tbody tr").first()).toBeVisible();
    await fits(page, "explain");
    await isSound(page, "explain-phone", lang);
    await page.keyboard.press("Escape");

    await page.goto(`${server.url}/customers`);
    await page.getByRole("button", { name: lang === "zh" ? "筛选" : "Filters" }).click();
    await page.getByRole("button", { name: lang === "zh" ? "条件式" : "Expression" }).click();
    await fits(page, "filters");
    await page.locator(".rows .row").first().click();
    await expect(page).toHaveURL(/\/customers\/\d+/);
    await isLoaded(page);
    await page.locator(".expand").first().click();
    await expect(page.locator(".inner tbody tr").first()).toBeVisible();
    await fits(page, "order lines");
    await context.close();
  });
}
