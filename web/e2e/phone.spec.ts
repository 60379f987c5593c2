// Every page on a screen of 375 px: nothing sideways, no small print, nothing
// too small for a thumb.
import { expect, type Page, test } from "@playwright/test";
import { isLoaded, isSound, open, PHONE } from "./checks";
import { fixtureCsv, HEADLESS_CSV, importCsv, UNCLEAR_CSV } from "./fixture";
import { tooSmall } from "./reading";
import { type Server, startServer } from "./server";

const WIDTH = PHONE.viewport.width;

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
