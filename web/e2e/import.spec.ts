// Story: any file. Columns are checked before they are taken, a table is
// pasted, several files come at once, the way back is open, and the file goes
// home with its scores; in both languages, on a desk and on a phone.
import { readFile } from "node:fs/promises";
import { expect, type Page, test } from "@playwright/test";
import { DESK, isSound, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, importCsv, MESSY_CSV } from "./fixture";
import { type Server, startServer } from "./server";

const DONE_MS = 120_000;
const WORDS = {
  zh: {
    review: "先核对列",
    quantity: "“数量”列的字段",
    date: "“日期”列的写法",
    number: "“单号”列的字段",
    lacks: "还缺：金额，或者数量和单价",
    fillDown: "空格同上",
    saveAs: "记住这份列对应，叫作",
    importAdd: "导入（新增，已有的不改）",
    result: "导入结果",
    odd: "文件里不寻常的地方",
    rejects: /^下载未通过的/,
    scored: "下载带评分的原文件",
    saved: "记住的列对应",
    forget: (name: string) => `删除“${name}”的列对应`,
    forgetSure: "确定删除",
    replace: "替换",
    needsSource: "“替换”要知道文件的来源",
    source: /^来源/,
    paste: "粘贴一张表格",
    pasteLabel: "从 Excel 或 WPS 里复制，粘贴到这里",
    pasteSend: "导入这张表",
    pasted: "粘贴的表格.tsv",
    choose: "选择文件",
    waiting: "服务暂时没有回应，正在等它回来",
    download: "下载",
    dayFirst: "日月年",
    monthFirst: "月日年",
    leftOut: "不导入",
    header: ["等级", "阶段", "流失风险", "原因", "预期价值"],
  },
  en: {
    review: "Check columns first",
    quantity: "Field of column “数量”",
    date: "How “日期” is written",
    number: "Field of column “单号”",
    lacks: "Missing: amount, or quantity and price",
    fillDown: "Empty means as above",
    saveAs: "Remember these columns as",
    importAdd: "Import (add; what is known stays)",
    result: "Result",
    odd: "What was odd in the file",
    rejects: /^Download .* rejected rows/,
    scored: "Download the file with scores",
    saved: "Remembered columns",
    forget: (name: string) => `Delete the columns of “${name}”`,
    forgetSure: "Delete for good",
    replace: "Replace",
    needsSource: "“Replace” needs a source",
    source: /^Source/,
    paste: "Paste a table",
    pasteLabel: "Copy in Excel or WPS and paste here",
    pasteSend: "Import this table",
    pasted: "Pasted table.tsv",
    choose: "Choose a file",
    waiting: "The server does not answer just now; waiting for it",
    download: "Download",
    dayFirst: "Day, month, year",
    monthFirst: "Month, day, year",
    leftOut: "Leave out",
    header: ["Tier", "Stage", "Churn risk", "Reason", "Expected value"],
  },
} as const;

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(async () => {
  await server?.stop();
});

const csv = (name: string, text: string) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
const file = (page: Page) => page.locator('input[type="file"]');

/** Chooses in a select by what is typed, with the keyboard alone. */
async function choose(page: Page, label: string, typed: string): Promise<void> {
  const select = page.getByRole("combobox", { name: label });
  await select.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type(typed);
  await page.keyboard.press("Enter");
}

async function pick(page: Page, label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label }).click();
  await page.locator(".ant-select-item-option", { hasText: option }).first().click();
}

async function isDone(page: Page): Promise<void> {
  await expect(page.locator("h1 .state-done")).toBeVisible({ timeout: DONE_MS });
}

async function checksColumns(page: Page, lang: Lang, tag: string): Promise<void> {
  const words = WORDS[lang];
  const source = `shop ${tag}`;
  await page.goto(`${server.url}/import`);
  await page.getByRole("switch", { name: words.review }).click();
  await file(page).setInputFiles(csv("messy.csv", MESSY_CSV));
  await page.waitForURL(/\/import\/\d+/);
  await expect(page.locator("h1 .state-needs_mapping")).toBeVisible();
  const asked = page.url();
  const button = page.getByRole("button", { name: words.importAdd });
  // Day and month are not guessed: somebody has to say.
  await expect(button).toBeDisabled();
  await isSound(page, "mapping", lang);
  await pick(page, words.date, words.dayFirst);
  await expect(page.getByText("2024-04-03").first()).toBeVisible();
  await expect(button).toBeEnabled();

  // Without quantity there is no amount, and the page says so.
  await pick(page, words.quantity, words.leftOut);
  await expect(page.getByText(words.lacks)).toBeVisible();
  await expect(button).toBeDisabled();
  // A field is found by its name in either language.
  await choose(page, words.quantity, lang === "zh" ? "quantity" : "数量");
  await expect(page.getByText(words.lacks)).toHaveCount(0);
  await expect(button).toBeEnabled();

  // Day and month change places at once.
  await pick(page, words.date, words.monthFirst);
  await expect(page.getByText("2024-03-04").first()).toBeVisible();
  // The row below belongs to the order above.
  await expect(page.locator(".wrong").first()).toBeVisible();
  const gaps = page.getByLabel(words.fillDown);
  for (let i = 0; i < (await gaps.count()); i++) await gaps.nth(i).check();
  await expect(page.locator(".bad, .cells-of .wrong")).toHaveCount(1);
  await isSound(page, "mapping-mended", lang);

  await page.getByLabel(words.saveAs).fill(source);
  await button.click();
  await expect(page).not.toHaveURL(asked);
  await isDone(page);
  await expect(page.getByRole("heading", { name: words.result })).toBeVisible();
  await expect(page.getByRole("link", { name: words.rejects })).toBeVisible();
  await expect(page.getByRole("heading", { name: words.odd })).toBeVisible();
  await isSound(page, "import-report", lang);

  // Mended rows come in where they were turned away, and only they.
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: words.rejects }).click();
  const mended = (await readFile(await (await coming).path(), "utf8")).replaceAll("一个", "1");
  const done = page.url();
  await file(page).setInputFiles(csv("mended.csv", mended));
  await expect(page).not.toHaveURL(done);
  await isDone(page);
  await expect(page.locator("h1")).toContainText("mended.csv");
  await expect(page.getByRole("link", { name: words.rejects })).toHaveCount(0);
  await page.goto(done);
  await isDone(page);

  // The file back: its own columns, then five more.
  await page.locator(".download summary", { hasText: words.scored }).click();
  await isSound(page, "import-formats", lang);
  const scored = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV", exact: true }).click();
  const path = await (await scored).path();
  const header = (await readFile(path, "utf8")).replace(/^\ufeff/, "").split(/\r?\n/);
  const own = header.find((line) => line.startsWith("单号")) ?? header[0] ?? "";
  expect(own.split(",").slice(-5)).toEqual(words.header);

  // It is remembered: the same headings are not asked about again.
  await page.goto(`${server.url}/import`);
  await expect(page.getByRole("heading", { name: words.saved })).toBeVisible();
  await file(page).setInputFiles(csv("messy-2.csv", MESSY_CSV.replaceAll("K00", "K10")));
  await page.waitForURL(/\/import\/\d+/);
  await isDone(page);
  await expect(page.locator(".facts")).toContainText(source);
  await page.goto(`${server.url}/import`);
  await isSound(page, "import-saved", lang);
  await page.getByRole("button", { name: words.forget(source) }).click();
  await page.getByRole("button", { name: words.forgetSure }).click();
  await expect(page.getByRole("button", { name: words.forget(source) })).toHaveCount(0);
}

async function uploads(page: Page, lang: Lang): Promise<void> {
  const words = WORDS[lang];
  await page.goto(`${server.url}/import`);
  // Replace without a source: refused before a byte is sent, and the reason said.
  await page.getByRole("radio", { name: words.replace, exact: true }).check();
  await expect(page.getByText(words.needsSource).first()).toBeVisible();
  await file(page).setInputFiles(csv("orders.csv", fixtureCsv()));
  await expect(page.getByRole("alert")).toContainText(words.needsSource);
  await expect(page).toHaveURL(/\/import$/);
  await isSound(page, "import-replace", lang);
  await page.getByLabel(words.source).fill(lang === "zh" ? "门店" : "shop");
  await expect(page.getByText(words.needsSource)).toHaveCount(0);
  await file(page).setInputFiles(csv("orders.csv", fixtureCsv()));
  await page.waitForURL(/\/import\/\d+/);
  await isDone(page);
  await expect(page.locator(".facts")).toContainText(words.replace);

  // Several at once: a list, each with what became of it.
  await page.goto(`${server.url}/import`);
  await file(page).setInputFiles([csv("one.csv", fixtureCsv("digits")), csv("two.csv", "x,y\n1,2\n")]);
  const list = page.locator(".uploads > li");
  await expect(list).toHaveCount(2);
  await expect(list.nth(0).locator(".state-done")).toBeVisible({ timeout: DONE_MS });
  await expect(list.nth(1).locator(".state-needs_mapping, .state-failed")).toBeVisible();
  await isSound(page, "import-several", lang);

  // A table from the clipboard.
  await page.getByText(words.paste, { exact: true }).click();
  await expect(page.getByRole("button", { name: words.pasteSend })).toBeDisabled();
  await page
    .getByLabel(words.pasteLabel)
    .fill("订单号\t下单日期\t客户名称\t金额\nT1\t2024-05-06\t甲\t12.5\nT2\t2024-05-07\t乙\t8\n");
  await isSound(page, "import-paste", lang);
  await page.getByRole("button", { name: words.pasteSend }).click();
  await page.waitForURL(/\/import\/\d+/);
  await expect(page.locator("h1")).toContainText(words.pasted);
  await isDone(page);
}

for (const lang of ["zh", "en"] as const) {
  for (const [screen, options] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const) {
    test(`any file, ${lang}, ${screen}`, async ({ browser }) => {
      const context = await browser.newContext({ ...options, acceptDownloads: true });
      const { page, faults } = await open(context, lang);
      await checksColumns(page, lang, `${lang} ${screen}`);
      await uploads(page, lang);
      expect(faults).toEqual([]);
      await context.close();
    });
  }
}

test("waits for a server that is away, and finds the import again", async ({ browser }) => {
  const id = await importCsv(server.url, fixtureCsv("digits"), "orders.csv");
  const context = await browser.newContext(DESK);
  const { page } = await open(context, "zh");
  const address = `**/api/imports/${id}`;
  await page.route(address, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({
      json: { ...(await answer.json()), state: "running", stage: "reading", summary: null },
    });
  });
  await page.goto(`${server.url}/import/${id}`);
  await expect(page.locator("h1 .state-running")).toBeVisible();
  await page.unroute(address);
  await page.route(address, (route) => route.abort());
  await expect(page.getByText(WORDS.zh.waiting)).toBeVisible();
  await isSound(page, "import-waiting", "zh");
  await page.unroute(address);
  await isDone(page);
  await context.close();
});

test("a metric's answer as a file", async ({ browser }) => {
  await importCsv(server.url, fixtureCsv("digits"), "orders.csv");
  const context = await browser.newContext({ ...DESK, acceptDownloads: true });
  const { page, faults } = await open(context, "zh");
  await page.goto(`${server.url}/metrics/net_revenue?view=table&compare=previous`);
  const rows = page.locator(".answer table tbody tr");
  await expect(rows.first()).toBeVisible();
  await page.locator(".download summary", { hasText: WORDS.zh.download }).click();
  await isSound(page, "metric-download", "zh");
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV", exact: true }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toMatch(/net_revenue\.csv$/);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  expect(lines.length - 1).toBe(await rows.count());
  await page.keyboard.press("Escape");
  expect(faults).toEqual([]);
  await context.close();
});
