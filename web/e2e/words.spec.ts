// One language at a time. The records of this story are called by digits, so
// that every word on the page is the page's own.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, HEADLESS_CSV, importCsv, UNCLEAR_CSV } from "./fixture";
import { speaksOnly } from "./reading";
import { type Server, startServer } from "./server";

let server: Server;
let pages: string[];
/** The headings of a file are its own words, so each language has its file. */
let asks: Record<Lang, string>;
test.beforeAll(async () => {
  server = await startServer();
  const done = await importCsv(server.url, fixtureCsv("digits"), "1.csv");
  const failed = await importCsv(server.url, HEADLESS_CSV, "2.csv");
  asks = {
    zh: `/import/${await importCsv(server.url, UNCLEAR_CSV.zh, "3.csv")}`,
    en: `/import/${await importCsv(server.url, UNCLEAR_CSV.en, "4.csv")}`,
  };
  pages = [
    "/",
    "/?period=this_year&compare=year",
    "/customers",
    "/customers?search=77777",
    "/customers/3",
    "/import",
    `/import/${done}`,
    `/import/${failed}`,
    "/metrics",
    "/metrics/net_revenue?compare=year",
    "/metrics/net_revenue?view=table&compare=previous",
    "/metrics/gross_sales?grain=none&by=product.number",
    "/metrics/cohort_retention",
    "/metrics/0",
    "/choose",
    "/choose?goals=%5B%22grow_revenue%22%2C%22satisfy%22%5D&group=vip&industry=retail&swot=%5B%22rivals%22%5D",
    "/nowhere",
  ];
});
test.afterAll(async () => {
  await server?.stop();
});

for (const lang of ["zh", "en"] as const) {
  test(`every word is ${lang}`, async ({ browser }) => {
    const context = await browser.newContext(DESK);
    const { page } = await open(context, lang);
    for (const path of [...pages, asks[lang]]) {
      await page.goto(server.url + path);
      await isLoaded(page);
      await speaksOnly(page, lang, path);
    }
    await page.goto(server.url);
    await page.locator(".card .figure.big").first().click();
    await expect(page.locator(".explain .code-block").first()).not.toBeEmpty();
    await expect(page.locator(".explain tbody tr").first()).toBeVisible();
    await speaksOnly(page, lang, "explain");
    await page.keyboard.press("Escape");
    await page.locator(".pair .figure").first().click();
    await expect(page.locator(".explain .list li").first()).toBeVisible();
    await speaksOnly(page, lang, "explain an evaluation");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await speaksOnly(page, lang, "keys");
    await page.keyboard.press("Escape");
    for (const control of [".page-head .ant-select", ".panel-actions .ant-select"]) {
      await page.locator(control).first().click();
      await speaksOnly(page, lang, control);
      await page.keyboard.press("Escape");
    }
    await page.goto(`${server.url}/metrics/net_revenue`);
    await isLoaded(page);
    for (const select of await page.locator(".filters .ant-select").all()) {
      await select.click();
      await speaksOnly(page, lang, "metric filters");
      await page.keyboard.press("Escape");
    }
    await context.close();

    const phone = await browser.newContext(PHONE);
    const small = await open(phone, lang);
    for (const path of ["/", "/customers", "/customers/3"]) {
      await small.page.goto(server.url + path);
      await isLoaded(small.page);
      await speaksOnly(small.page, lang, `${path} on a phone`);
    }
    await phone.close();
  });
}
