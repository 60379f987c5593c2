// From a number to exactly its records: from the chart, from the table, of the
// compared period, of a cohort; the records add up to the number.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, open } from "./checks";
import { fixtureCsv, importCsv } from "./fixture";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
  await importCsv(server.url, fixtureCsv(), "orders.csv");
});
test.afterAll(async () => {
  await server?.stop();
});

/** The drawer's number and the sum of the records under it, both in full; they agree. */
async function agrees(page: Page): Promise<string> {
  const proof = page.locator(".proof");
  await expect(proof).toBeVisible();
  const [number, sum] = await proof.locator("dd").allTextContents();
  await expect(proof.locator(".same")).toHaveText("equal");
  expect(sum?.replace("equal", "")).toBe(number);
  return number ?? "";
}

const close = async (page: Page) => {
  await page.keyboard.press("Escape");
  await expect(page.locator(".explain")).toBeHidden();
};

test("a number opens its records", async ({ browser }) => {
  const context = await browser.newContext(DESK);
  const { page, faults } = await open(context, "en");

  await test.step("a cell of the table, and the period before", async () => {
    await page.goto(
      `${server.url}/metrics/net_revenue?view=table&compare=previous&from=2024-06-01&to=2024-09-01`,
    );
    await isLoaded(page);
    const row = page.locator(".answer tbody tr").nth(1);
    for (const at of [0, 1]) {
      const figure = row.locator(".figure").nth(at);
      const exact = (await figure.getAttribute("data-exact")) ?? (await figure.textContent());
      await figure.click();
      expect(await agrees(page)).toBe(exact);
      await expect(page.locator(".filter-words li").first()).toHaveText(
        at === 0 ? "Period: 2024-07" : "Period: 2024-04",
      );
      await close(page);
    }
    await expect(page.locator(".answer thead th").nth(2)).toHaveText("Previous");
  });

  await test.step("the year before, by its name", async () => {
    await page.goto(
      `${server.url}/metrics/net_revenue?view=table&compare=year&from=2025-01-01&to=2025-02-01`,
    );
    await isLoaded(page);
    await expect(page.locator(".answer thead th").nth(2)).toHaveText("a year before");
    await page.locator(".answer tbody .figure").nth(1).click();
    await agrees(page);
    await expect(page.locator(".filter-words li").first()).toHaveText("Period: 2024-01");
    await close(page);
  });

  await test.step("a point of the line, to the customer", async () => {
    await page.goto(`${server.url}/metrics/net_revenue?compare=previous&from=2024-06-01&to=2024-09-01`);
    await isLoaded(page);
    const chart = page.locator(".answer canvas");
    await expect(chart).toBeVisible();
    const box = await chart.boundingBox();
    await chart.click({ position: { x: (box?.width ?? 0) / 2, y: 140 } });
    await agrees(page);
    await expect(page.locator(".explain h3")).toHaveText("Net revenue");
    await page.locator(".explain td a").first().click();
    await expect(page).toHaveURL(/\/customers\/\d+/);
    await expect(page.locator(".explain")).toBeHidden();
  });

  await test.step("a bar, with its filter in words", async () => {
    await page.goto(`${server.url}/metrics/orders?grain=none&by=country&from=2024-06-01&to=2024-07-01`);
    await isLoaded(page);
    const chart = page.locator(".answer canvas");
    await expect(chart).toBeVisible();
    const box = await chart.boundingBox();
    await chart.click({ position: { x: 160, y: (box?.height ?? 0) / 2 - 10 } });
    await agrees(page);
    await expect(page.locator(".filter-words li")).toHaveCount(2);
    await expect(page.locator(".filter-words li").nth(1)).toContainText("Country or region: ");
    await close(page);
  });

  await test.step("a cohort's month", async () => {
    await page.goto(`${server.url}/metrics/cohort_customers`);
    await isLoaded(page);
    await page.locator(".heat tbody tr").first().locator("td .figure").nth(1).click();
    await agrees(page);
    await expect(page.locator(".filter-words li")).toHaveCount(4);
    await close(page);
    await page.goto(`${server.url}/metrics/cohort_customers?view=table`);
    await isLoaded(page);
    await page.locator(".answer tbody .figure").nth(2).click();
    await agrees(page);
    await close(page);
  });

  await test.step("pages of records, and an order's lines", async () => {
    await page.goto(`${server.url}/metrics/net_revenue`);
    await isLoaded(page);
    await page.getByRole("button", { name: "Where this number comes from" }).click();
    await agrees(page);
    const first = page.locator(".explain .as-cards > tbody > tr").first();
    const before = await first.textContent();
    await page.getByRole("button", { name: "Next" }).click();
    await expect(first).not.toHaveText(before ?? "");
    await expect(page.locator(".explain .pager > span").first()).toContainText("26–50");
    await page.locator(".explain .expand").first().click();
    await expect(page.locator(".explain .inner tbody tr").first()).toBeVisible();
    await close(page);
  });
  expect(faults).toEqual([]);
  await context.close();
});
