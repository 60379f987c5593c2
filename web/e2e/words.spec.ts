// One language at a time. The records of this story are called by digits, so
// that every word on the page is the page's own.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, HEADLESS_CSV, importCsv, UNCLEAR_CSV } from "./fixture";
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
    "/nowhere",
  ];
});
test.afterAll(async () => {
  await server?.stop();
});

/** What is no word of either language: names of files and formats, codes, units, keys. */
const NEUTRAL =
  /keji serve --demo-if-empty|客绩|Keji|中文|\bEN\b|\.?\b(csv|gz|xlsx)\b|\b(CSV|XLSX|Parquet|Excel|SQL|UTF-8|GBK|GB18030|RFM|VIP|ID|CLV|BG\/NBD|MBG\/NBD)\b|\b[A-Z]\d{1,2}\b|\bR \\ F\b|\b(Enter|Esc|g|o|c|i|m)\b|\bP\(alive\)|\bSE\b|\blml\b|\bWPS\b|[a-z_0-9]*_[a-z_0-9]+( [><=]+ \d+)?( and )?/gi;

/** Every text of the page that is read, seen or heard, but code and what people chose. */
const texts = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode())
      if (!text.parentElement?.closest("pre, script, style, noscript")) found.push(text.textContent ?? "");
    for (const element of document.querySelectorAll("body *:not([aria-hidden=true], [aria-hidden=true] *)"))
      for (const name of ["title", "aria-label", "placeholder", "alt", "data-head", "data-exact"])
        found.push(element.getAttribute(name) ?? "");
    return [document.title, ...found].map((text) => text.trim()).filter(Boolean);
  });

async function speaksOnly(page: Page, lang: Lang, name: string): Promise<void> {
  const foreign = lang === "en" ? /\p{Script=Han}/u : /[A-Za-z]{2,}/;
  const found = (await texts(page)).filter((text) => foreign.test(text.replace(NEUTRAL, " ")));
  expect.soft([...new Set(found)], `${name}: not ${lang}`).toEqual([]);
}

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
