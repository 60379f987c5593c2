// Story 5: a metric by dimensions, narrowed step by step down to its records;
// at each step the total is the number that led there.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, importCsv } from "./fixture";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
  await importCsv(server.url, fixtureCsv("digits"), "orders.csv");
});
test.afterAll(async () => {
  await server?.stop();
});

const address = (search: Record<string, unknown>) =>
  `${server.url}/explore?${Object.entries(search)
    .map(
      ([key, value]) =>
        `${key}=${encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value))}`,
    )
    .join("&")}`;
const exactOf = async (figure: ReturnType<Page["locator"]>) =>
  (await figure.getAttribute("data-exact")) ?? (await figure.textContent());
const total = (page: Page) => page.locator(".explore-totals .figure").first();
const SPAN = { from: "2024-03-01", to: "2024-06-01" };

for (const lang of ["zh", "en"] as const satisfies Lang[])
  for (const [size, device] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const)
    test(`explore, ${lang}, ${size}`, async ({ browser }) => {
      const context = await browser.newContext(device);
      const { page, faults } = await open(context, lang);

      await test.step("by product, with two metrics", async () => {
        await page.goto(
          address({
            metrics: ["gross_sales", "net_amount"],
            by: ["product.number"],
            grain: "none",
            ...SPAN,
          }),
        );
        await isLoaded(page);
        await expect(page.locator(".explore-chart canvas")).toHaveCount(2);
        await expect(page.locator(".answer tbody tr")).toHaveCount(3);
        // Each number is one of its own metric: the net is without the return.
        const totals = page.locator(".explore-totals .figure");
        const [gross, net] = [await exactOf(totals.nth(0)), await exactOf(totals.nth(1))];
        expect(gross).not.toBe(net);
        const figures = page.locator(".answer tbody tr").first().locator(".figure");
        expect(await exactOf(figures.nth(0))).not.toBe(await exactOf(figures.nth(1)));
        await isSound(page, "explore", lang);
      });

      const row = page.locator(".answer tbody tr").first();
      const number = await exactOf(row.locator(".figure").first());
      await test.step("narrowed to one product, the total is its number", async () => {
        await row.locator("button.link").click();
        await expect(page.locator(".explore-path .chip")).toHaveCount(1);
        await expect.poll(() => exactOf(total(page))).toBe(number);
        await expect(page.locator(".explore-narrow code")).toContainText("product.number =");
      });

      await test.step("down to the records, which add up to it", async () => {
        await total(page).click();
        await expect(page.locator(".proof .same")).toBeVisible();
        const [shown, sum] = await page.locator(".proof dd").allTextContents();
        expect(shown).toBe(number);
        expect(sum).toContain(number ?? "");
        await page.keyboard.press("Escape");
        await expect(page.locator(".explain")).toBeHidden();
      });

      await test.step("whoever gets the address sees the same", async () => {
        const other = await context.newPage();
        await other.goto(page.url());
        await expect.poll(() => exactOf(total(other))).toBe(number);
        await other.close();
      });

      await test.step("a pivot table whose margins are asked for", async () => {
        await page.goto(
          address({
            metrics: ["gross_sales"],
            by: ["product.number"],
            grain: "month",
            view: "pivot",
            ...SPAN,
          }),
        );
        await isLoaded(page);
        const pivot = page.locator(".explore-pivot");
        await expect(pivot.locator("tbody tr")).toHaveCount(3);
        await expect(pivot.locator("thead th")).toHaveCount(5);
        // The corner is the total above.
        const corner = pivot.locator("tfoot td").last();
        await expect(corner).toHaveText((await total(page).textContent()) ?? "");
        await isSound(page, "explore-pivot", lang);
        await pivot.locator("tbody th button").first().click();
        await expect(page.locator(".explore-path .chip")).toHaveCount(1);
        await page.locator(".explore-path .chip-close").click();
        await expect(page.locator(".explore-path .chip")).toHaveCount(0);
      });

      await test.step("why it moved: the parts make up the change", async () => {
        await page.goto(
          address({
            metrics: ["gross_sales"],
            by: ["product.number"],
            grain: "none",
            compare: "previous",
            ...SPAN,
          }),
        );
        await isLoaded(page);
        const why = page.locator(".explore-why");
        await expect(why.locator("tbody tr")).toHaveCount(3);
        const cells = async (row: ReturnType<Page["locator"]>) =>
          (
            await row
              .locator("td")
              .evaluateAll((all) =>
                all.map(
                  (td) => td.querySelector("[data-exact]")?.getAttribute("data-exact") ?? td.textContent,
                ),
              )
          ).map((text) => Number((text ?? "").replaceAll("−", "-").replaceAll(/[^0-9.-]/g, "")));
        const sums = [0, 0, 0, 0, 0, 0];
        for (const row of await why.locator("tbody tr").all())
          for (const [i, value] of (await cells(row)).entries()) sums[i] = (sums[i] ?? 0) + value;
        const whole = await cells(why.locator("tfoot tr"));
        expect(whole).toHaveLength(6);
        for (const [i, value] of whole.entries()) expect(Math.abs(value - (sums[i] ?? 0))).toBeLessThan(0.05);
        const [before, now, change, volume, mix, rate] = whole as [
          number,
          number,
          number,
          number,
          number,
          number,
        ];
        expect(change).not.toBe(0);
        expect(Math.abs(now - before - change)).toBeLessThan(0.05);
        expect(Math.abs(volume + mix + rate - change)).toBeLessThan(0.05);
        await isSound(page, "explore-why", lang);
      });

      await test.step("a condition that does not hold is told, and what stood there stays", async () => {
        await page.goto(address({ metrics: ["gross_sales"], ...SPAN }));
        await isLoaded(page);
        const field = page.locator(".explore-where input");
        await field.fill("no_such_field > 1");
        await field.press("Enter");
        await expect(page.getByRole("alert")).toContainText("no_such_field");
        await field.fill("product.number = '1'");
        await field.press("Enter");
        await expect(page.getByRole("alert")).toHaveCount(0);
        await expect(total(page)).toBeVisible();
      });
      expect(faults.filter((fault) => !fault.includes("422"))).toEqual([]);
      await context.close();
    });
