// Light and dark: chosen, kept, followed; readable on every page; no flash.
import { expect, test } from "@playwright/test";
import { DESK, isAccessible, isLoaded, open, PHONE } from "./checks";
import { fixtureCsv, HEADLESS_CSV, importCsv, UNCLEAR_CSV } from "./fixture";
import { type Server, startServer } from "./server";

let server: Server;
let pages: string[];
test.beforeAll(async () => {
  server = await startServer();
  const done = await importCsv(server.url, fixtureCsv(), "orders.csv");
  const asks = await importCsv(server.url, UNCLEAR_CSV.zh, "unclear.csv");
  const failed = await importCsv(server.url, HEADLESS_CSV, "headless.csv");
  pages = [
    "/",
    "/customers",
    "/customers/3",
    "/import",
    `/import/${done}`,
    `/import/${asks}`,
    `/import/${failed}`,
    "/metrics",
    "/metrics/net_revenue?compare=year",
    "/metrics/net_revenue?view=table&compare=previous",
    "/metrics/cohort_retention",
    "/nowhere",
  ];
});
test.afterAll(async () => {
  await server?.stop();
});

for (const mode of ["light", "dark"] as const) {
  for (const [name, screen] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const) {
    test(`every page can be read, ${mode}, ${name}`, async ({ browser }) => {
      const context = await browser.newContext(screen);
      const { page, faults } = await open(context, "zh", mode);
      for (const path of pages) {
        await page.goto(server.url + path);
        await isLoaded(page);
        await isAccessible(page, `${path}, ${mode}`);
      }
      await page.goto(server.url);
      await page.locator(".card .figure.big").first().click();
      await expect(page.locator(".explain .code-block").first()).not.toBeEmpty();
      await expect(page.locator(".explain tbody tr").first()).toBeVisible();
      await isAccessible(page, `explain, ${mode}`);
      expect(faults).toEqual([]);
      await context.close();
    });
  }
}

test("follows the system, then the choice, which is kept", async ({ browser }) => {
  const context = await browser.newContext({ ...DESK, colorScheme: "dark" });
  const page = await context.newPage();
  const html = page.locator("html");
  await page.goto(server.url);
  await expect(html).toHaveAttribute("data-mode", "dark");
  await page.emulateMedia({ colorScheme: "light" });
  await expect(html).toHaveAttribute("data-mode", "light");

  await page.locator(".mode select").selectOption("dark");
  await expect(html).toHaveAttribute("data-mode", "dark");
  await expect(page.locator('meta[name="theme-color"]')).toHaveAttribute("content", "#171c24");
  await page.reload();
  await expect(html).toHaveAttribute("data-mode", "dark");
  await expect(page.locator(".mode select")).toHaveValue("dark");

  await page.locator(".mode select").selectOption("system");
  await expect(html).toHaveAttribute("data-mode", "light");
  await context.close();
});

test("is dark before the page's own script runs", async ({ browser }) => {
  const context = await browser.newContext(DESK);
  const { page } = await open(context, "zh", "dark");
  // The page's script never comes, so what is seen is the first paint.
  await page.route(/\/assets\/.*\.js$/, () => undefined);
  await page.goto(server.url, { waitUntil: "commit" });
  await expect(page.locator("#root")).toBeAttached();
  await expect
    .poll(() => page.evaluate(() => getComputedStyle(document.body).backgroundColor))
    .toBe("rgb(15, 19, 24)");
  await context.close();
});
