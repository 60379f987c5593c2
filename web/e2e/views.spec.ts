// The views of a list: a chart whose groups agree with the list behind them,
// and a board whose columns are the stages of one pipeline at a time.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { makeRecord, objectOf, type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    chart: "图表",
    board: "看板",
    by: "按哪个字段分组",
    measure: "看什么",
    sum: "预计金额合计",
    stage: "销售阶段",
  },
  en: {
    chart: "Chart",
    board: "Board",
    by: "Group by",
    measure: "Show",
    sum: "Sum of Amount",
    stage: "Stage",
  },
} as const;

let server: SignedIn;
const stages: number[] = [];
let [moved, still] = [0, 0];
test.beforeAll(async () => {
  server = await signedIn();
  const make = async (object: string, values: Record<string, unknown>) =>
    makeRecord(server.api, await objectOf(server.api, object), values);
  const customer = await make("customer", { name: "8001" });
  const [first, second] = [
    await make("pipeline", { name: "3001" }),
    await make("pipeline", { name: "3002" }),
  ];
  // Made out of their order: the board goes by the sequence.
  for (const sequence of [3, 1, 2])
    stages[sequence - 1] = await make("stage", {
      name: `400${sequence}`,
      pipeline: first,
      sequence,
      kind: "open",
    });
  const other = await make("stage", { name: "5001", pipeline: second, sequence: 1, kind: "open" });
  const deal = (stage: number | undefined, amount: string | null, expected: string | null) =>
    make("opportunity", { customer, stage, amount, expected_on: expected, opened_on: "2026-01-05" });
  still = await deal(stages[0], "1000.25", "2026-01-31");
  moved = await deal(stages[0], "2000.5", "2026-02-01");
  await deal(stages[1], null, null);
  await deal(other, "7", "2026-02-10");
});
test.afterAll(async () => {
  await server?.stop();
});

const stageOf = async (id: number): Promise<unknown> => {
  const body = await (await server.api.get(`/api/records/opportunity/${id}`)).json();
  return (body as { values: Record<string, unknown> }).values.stage;
};
const tile = (page: Page, name: string) =>
  page.locator(".segmented, .ant-segmented").getByText(name, { exact: true });
const choose = async (page: Page, label: string, option: string) => {
  await page.getByRole("combobox", { name: label }).click();
  await page.locator(".ant-select-item-option", { hasText: option }).first().click();
};

async function chart(page: Page, lang: Lang): Promise<void> {
  const words = WORDS[lang];
  await page.goto(`${server.url}/records/opportunity`);
  await isLoaded(page);
  await tile(page, words.chart).click();
  await expect(page).toHaveURL(/view=chart/);
  const rows = page.locator(".groups tbody tr");
  await expect(rows).toHaveCount(3);
  await choose(page, words.measure, words.sum);
  await expect(page).toHaveURL(/sum=amount/);
  await expect(rows.first()).toContainText("4001");
  await expect(rows.first()).toContainText("3,000.75");
  await expect(page.locator(".groups tfoot")).toContainText("3,007.75");
  await expect(page.locator(".groups canvas")).toBeVisible();
  await isSound(page, "record-chart", lang);
  // What has no amount says so, and is no zero.
  await expect(rows.filter({ hasText: "4002" })).toContainText("–");
  await choose(page, words.by, lang === "zh" ? "预计成交日" : "Expected close");
  await expect(rows).toHaveCount(3);
  await expect(rows.first()).toContainText(lang === "zh" ? "2026年1月" : "2026-01");
  await expect(page.locator(".groups canvas")).toBeVisible();
  await isSound(page, "record-chart-months", lang);
  // The list behind a group is that group, by keyboard as by a click.
  await rows.nth(1).getByRole("link").focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/where=/);
  await expect(page).not.toHaveURL(/view=chart/);
  await isLoaded(page);
  await expect(page.locator(".rows .row:not(.head)")).toHaveCount(2);
  await expect(page.locator(".record-filters code")).toContainText("2026-02");
  // A click on a bar is the same; the middle of the canvas lies on a bar.
  await page.goto(`${server.url}/records/opportunity?view=chart&by=stage&where=amount%20%3E%20500`);
  await expect(rows).toHaveCount(1);
  await page.locator(".groups canvas").click();
  await expect(page).toHaveURL(/stage/);
  await expect(page.locator(".condition")).toHaveCount(2);
  await expect(page.locator(".rows .row:not(.head)")).toHaveCount(2);
}

/** Holds back what passes, and counts it; once let go, nothing waits. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { count: 0, open, pass: () => opened };
}

async function board(page: Page, lang: Lang, isPhone: boolean): Promise<void> {
  await page.goto(`${server.url}/records/opportunity?view=board`);
  const lanes = page.locator(".lane");
  await expect(lanes.locator("h2")).toHaveText([/^4001/, /^4002/, /^4003/]);
  await isLoaded(page);
  await expect(lanes.nth(0).locator(".count")).toHaveText("2");
  await expect(lanes.nth(0).locator(".lane-sum [data-exact]")).toHaveAttribute("data-exact", "3,000.75");
  await expect(lanes.nth(2).locator(".count")).toHaveText("0");
  await isSound(page, "record-board-stages", lang);
  const card = page.locator(`#card-${moved}`);
  if (isPhone) await card.getByRole("combobox").selectOption({ label: "4002" });
  else await card.dragTo(lanes.nth(1));
  await expect(lanes.nth(1).locator(`#card-${moved}`)).toBeVisible();
  await expect.poll(() => stageOf(moved)).toBe(stages[1]);
  await expect(lanes.nth(0).locator(".count")).toHaveText("1");
  await expect(lanes.nth(1).locator(".count")).toHaveText("2");
  if (!isPhone) {
    // A change elsewhere makes the page ask again: what was asked before the
    // move and is answered after it takes neither the card back nor the focus.
    const [answers, changes] = [gate(), gate()];
    await page.route("**/api/records/opportunity?*", async (route) => {
      const response = await route.fetch();
      answers.count += 1;
      await answers.pass();
      // The first column comes last: once it is seen, all are there.
      const where = new URL(route.request().url()).searchParams.get("where");
      if (where?.includes(String(stages[0]))) await new Promise((resolve) => setTimeout(resolve, 500));
      await route.fulfill({ response });
    });
    await page.route(`**/api/records/opportunity/${moved}`, async (route) => {
      if (route.request().method() === "PATCH") await changes.pass();
      await route.continue();
    });
    const name = lang === "zh" ? "6001" : "6002";
    expect((await server.api.patch(`/api/records/opportunity/${still}`, { data: { name } })).ok()).toBe(true);
    await expect.poll(() => answers.count).toBeGreaterThanOrEqual(3);
    await card.focus();
    await page.keyboard.press("Shift+ArrowRight");
    await expect(lanes.nth(2).locator(`#card-${moved}`)).toBeFocused();
    answers.open();
    await expect(lanes.nth(0)).toContainText(name);
    await expect(lanes.nth(2).locator(`#card-${moved}`)).toBeFocused();
    changes.open();
    await expect.poll(() => stageOf(moved)).toBe(stages[2]);
    await page.keyboard.press("Shift+ArrowLeft");
    await expect.poll(() => stageOf(moved)).toBe(stages[1]);
    await page.unrouteAll({ behavior: "wait" });
  }
  await expect(lanes.nth(1).locator(`#card-${moved}`)).toBeVisible();
  await isLoaded(page);
  // Somebody else moves it: the page says so, and does not move it over him.
  // The list that would tell comes after his own move.
  const told = gate();
  await page.route("**/api/records/opportunity?*", async (route) => {
    await told.pass();
    await route.continue();
  });
  const theirs = await server.api.patch(`/api/records/opportunity/${moved}`, { data: { stage: stages[2] } });
  expect(theirs.ok()).toBe(true);
  await card.getByRole("combobox").selectOption({ label: "4001" });
  await expect(page.locator(".ant-message")).toContainText(lang === "zh" ? "别人" : "somebody else");
  told.open();
  await expect(lanes.nth(2).locator(`#card-${moved}`)).toBeVisible();
  expect(await stageOf(moved)).toBe(stages[2]);
  await page.unrouteAll({ behavior: "wait" });
  await server.api.patch(`/api/records/opportunity/${moved}`, { data: { stage: stages[0] } });
  // The other pipeline has its own stages.
  await choose(page, lang === "zh" ? "看哪一个销售管道" : "Which one: Pipeline", "3002");
  await expect(lanes.locator("h2")).toHaveText([/^5001/]);
  await expect(lanes.nth(0).locator(".count")).toHaveText("1");
  await expect(page).toHaveURL(/steps=/);
}

for (const lang of ["zh", "en"] as const)
  for (const [size, options] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const)
    test(`views of a list, ${lang}, ${size}`, async ({ browser }) => {
      const context = await browser.newContext({ ...options, storageState: server.state });
      const { page, faults } = await open(context, lang, lang === "en" ? "dark" : "light");
      await test.step("the chart", () => chart(page, lang));
      await test.step("the board", () => board(page, lang, size === "phone"));
      expect(faults).toEqual([]);
      await context.close();
    });

test("a very long name and number fit a phone", async ({ browser }) => {
  const long = "7".repeat(60);
  const id = await makeRecord(server.api, await objectOf(server.api, "customer"), {
    name: long,
    number: `9${long}`,
  });
  const context = await browser.newContext({ ...PHONE, storageState: server.state });
  const { page } = await open(context, "zh");
  for (const path of [`/records/customer/${id}`, `/customers/${id}`, "/records/customer"]) {
    await page.goto(server.url + path);
    await isLoaded(page);
    await expect(page.locator("h1")).toBeVisible();
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(sideways, path).toBeLessThanOrEqual(0);
  }
  await context.close();
});
