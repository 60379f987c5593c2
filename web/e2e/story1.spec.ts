// Story 1: from a file to insight. Import, overview, customers, one customer,
// where a number comes from; in both languages, on a desk and on a phone, with
// no accessibility fault, no refused style or script and no untranslated word.
import { basename } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { isSound, type Lang, open } from "./checks";
import { FIXTURE_NAME, fixtureCsv } from "./fixture";
import { type Server, session, startServer } from "./server";

const FILE = process.env.KEJI_E2E_FILE;
const IMPORT_MS = 12 * 60_000;
const WORDS = {
  zh: {
    overview: "概览",
    customers: "客户",
    import: "导入",
    metrics: "指标",
    explain: "这个数从哪里来",
    done: "导入结果",
    tiers: "价值等级",
    reload: "完成",
  },
  en: {
    overview: "Overview",
    customers: "Customers",
    import: "Import",
    metrics: "Metrics",
    explain: "Where this number comes from",
    done: "Result",
    tiers: "Value tiers",
    reload: "Done",
  },
} as const;

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(async () => {
  await server?.stop();
});

async function importFile(page: Page, lang: Lang): Promise<void> {
  await page.goto(`${server.url}/import`);
  await expect(page.locator("h1")).toHaveText(WORDS[lang].import);
  await isSound(page, "import", lang);
  const file = FILE ?? { name: FIXTURE_NAME, mimeType: "text/csv", buffer: Buffer.from(fixtureCsv()) };
  await page.setInputFiles('input[type="file"]', file);
  await page.waitForURL(/\/import\/\d+/, { timeout: IMPORT_MS });
  // Its id is in the URL: a reload finds the same import again.
  await page.reload();
  await expect(page.locator("h1")).toContainText(FILE ? basename(FILE) : FIXTURE_NAME);
  const finished = page.locator(".state-done, .state-failed, .state-needs_mapping");
  await expect(finished).toBeVisible({ timeout: IMPORT_MS });
  await expect(finished).toHaveText(WORDS[lang].reload);
  await expect(page.getByRole("heading", { name: WORDS[lang].done })).toBeVisible();
  if (!FILE) {
    await expect(
      page.locator(".facts > div", { hasText: lang === "zh" ? "新客户" : "New customers" }).locator("dd"),
    ).toHaveText("60");
    await expect(
      page.getByRole("link", { name: lang === "zh" ? "下载未通过的 1 行" : "Download 1 rejected rows" }),
    ).toBeVisible();
  }
  await isSound(page, "import-done", lang);
}

async function walk(page: Page, lang: Lang, isPhone: boolean): Promise<void> {
  const words = WORDS[lang];
  const rooms = page.getByRole("navigation");

  await page.goto(server.url);
  await expect(page.locator("h1")).toHaveText(words.overview);
  await expect(page.locator(".card .figure.big").first()).toBeVisible();
  await expect(page.getByRole("heading", { name: words.tiers })).toBeVisible();
  await expect(page.locator(".heat").first()).toBeVisible();
  await isSound(page, "overview", lang);

  // Every number can be asked.
  await page.locator(".card .figure.big").first().click();
  const drawer = page.getByRole("dialog");
  await expect(drawer).toContainText(words.explain);
  await expect(drawer.locator(".code-block").first()).not.toBeEmpty();
  await expect(drawer.locator("table tbody tr").first()).toBeVisible();
  await isSound(page, "explain", lang);
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();

  await rooms.getByRole("link", { name: words.customers, exact: true }).click();
  await expect(page.locator("h1")).toHaveText(words.customers);
  const rows = page.locator(".rows .row:not(.head)");
  await expect(rows.first()).toBeVisible();
  await isSound(page, "customers", lang);

  // The filter is in the URL, and a reload keeps it. On a phone the filters stand behind a button.
  const filters = page.getByRole("button", { name: lang === "zh" ? /^筛选/ : /^Filters/ });
  if (isPhone) await filters.click();
  await page.getByRole("switch", { name: lang === "zh" ? "只看有风险" : "At risk only" }).click();
  await expect(page).toHaveURL(/risk=true/);
  await page.reload();
  if (isPhone) await filters.click();
  await expect(
    page.getByRole("switch", { name: lang === "zh" ? "只看有风险" : "At risk only" }),
  ).toBeChecked();
  await page.goto(`${server.url}/customers`);

  // By keyboard: the second row, then its page.
  await expect(rows.first()).toBeVisible();
  await page.getByRole("grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/customers\/\d+/);
  await expect(page.locator(".scores .figure").first()).toBeVisible();
  await expect(page.locator(".timeline li").first()).toBeVisible();
  await page.locator(".expand").first().click();
  await expect(page.locator(".inner tbody tr").first()).toBeVisible();
  await expect(page.locator("canvas").first()).toBeVisible();
  await isSound(page, "customer", lang);

  await rooms.getByRole("link", { name: words.metrics, exact: true }).click();
  await expect(page.locator("h1")).toHaveText(words.metrics);
  await isSound(page, "metrics", lang);
  await page.locator('.metric-list a[href="/metrics/net_revenue"]').click();
  await expect(page.locator("canvas").first()).toBeVisible();
  if (!isPhone) await page.locator("canvas").first().hover();
  await isSound(page, "metric", lang);
  await page.goto(`${server.url}/metrics/net_revenue?view=table&compare=previous`);
  await expect(page.locator(".answer table tbody tr").first()).toBeVisible();
  await isSound(page, "metric-table", lang);

  // What was told in Chinese at the end of the import is told in this language.
  await page.goto(`${server.url}/import`);
  await isSound(page, "import", lang);
  await page.locator('main a[href^="/import/"]').first().click();
  await expect(page.getByRole("heading", { name: words.done })).toBeVisible();
  await isSound(page, "import-done", lang);
}

test("story 1: from a file to insight", async ({ browser }) => {
  const desk = { viewport: { width: 1440, height: 900 } };
  const phone = { viewport: { width: 375, height: 760 }, hasTouch: true };

  await test.step("import, in Chinese", async () => {
    const context = await browser.newContext(desk);
    const { page, faults } = await open(context, "zh");
    await importFile(page, "zh");
    expect(faults).toEqual([]);
    await context.close();
  });
  for (const lang of ["zh", "en"] as const) {
    for (const [name, options] of [
      ["desk", desk],
      ["phone", phone],
    ] as const) {
      await test.step(`walk, ${lang}, ${name}`, async () => {
        const context = await browser.newContext(options);
        const { page, faults } = await open(context, lang);
        await walk(page, lang, name === "phone");
        expect(faults).toEqual([]);
        await context.close();
      });
    }
  }
  await test.step("the language switch is kept", async () => {
    const context = await browser.newContext(desk);
    await context.addCookies([session]);
    const page = await context.newPage();
    await page.goto(server.url);
    await page.getByText("EN", { exact: true }).click();
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await page.reload();
    await expect(page.locator("h1")).toHaveText("Overview");
    await context.close();
  });
});
