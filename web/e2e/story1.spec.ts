// Story 1: from a file to insight. Import, overview, customers, one customer,
// where a number comes from; in both languages, on a desk and on a phone, with
// no accessibility fault, no refused style or script and no untranslated word.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { FIXTURE_NAME, fixtureCsv } from "./fixture";
import { type Server, startServer } from "./server";

type Lang = "zh" | "en";

const FILE = process.env.KEJI_E2E_FILE;
const SHOTS = process.env.KEJI_SHOTS === "1";
const IMPORT_MS = 12 * 60_000;
/** The keys of the catalogue, as `overview.title`: none may be seen. */
const KEYS = keysOf(JSON.parse(readFileSync(new URL("../src/i18n/zh.json", import.meta.url), "utf8")));
function keysOf(tree: object, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [prefix + key] : keysOf(value as object, `${prefix}${key}.`),
  );
}
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

/** A page of a language, with everything that goes wrong in it. */
async function open(context: BrowserContext, lang: Lang): Promise<{ page: Page; faults: string[] }> {
  await context.addInitScript((value) => localStorage.setItem("keji.language", value), lang);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || /content security policy/i.test(message.text()))
      faults.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  return { page, faults };
}

async function isSound(page: Page, name: string, lang: Lang): Promise<void> {
  await expect(page.locator("html")).toHaveAttribute("lang", lang === "zh" ? "zh-CN" : "en");
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expect(page.locator("h1")).toHaveCount(1);
  // Formulas, plans and SQL name fields as `order.kind`; everything else is words.
  const text = await page.evaluate(() => {
    const copy = document.body.cloneNode(true) as HTMLElement;
    for (const code of copy.querySelectorAll("pre")) code.remove();
    return copy.textContent ?? "";
  });
  expect(
    KEYS.filter((key) => text.includes(key)),
    `${name}: untranslated`,
  ).toEqual([]);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(sideways, `${name}: scrolls sideways`).toBeLessThanOrEqual(0);
  const axe = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
  const found = axe.violations.map(
    (v) =>
      `${v.id}: ${v.nodes
        .slice(0, 3)
        .map((n) => n.target.join(" "))
        .join(" | ")}`,
  );
  expect(found, `${name}: accessibility`).toEqual([]);
  if (SHOTS) {
    const size = page.viewportSize();
    await page.screenshot({
      path: `../docs/images/${name}-${lang}${(size?.width ?? 0) < 600 ? "-phone" : ""}.png`,
      animations: "disabled",
    });
  }
}

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

  // The filter is in the URL, and a reload keeps it.
  await page.getByRole("switch", { name: lang === "zh" ? "只看有风险" : "At risk only" }).click();
  await expect(page).toHaveURL(/risk=true/);
  await page.reload();
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
    const page = await context.newPage();
    await page.goto(server.url);
    await page.getByText("EN", { exact: true }).click();
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await page.reload();
    await expect(page.locator("h1")).toHaveText("Overview");
    await context.close();
  });
});
