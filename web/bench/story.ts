// Story 1 with a stop-watch: a person brings a file in and looks at who is at
// risk. For each file: the program on an empty folder, the watch from its
// first word until one customer of the at-risk list is open; then the totals
// against those of the file, and the import taken back.
//
//   KEJI_BIN=program node bench/story.ts FOLDER EXPECTED.json [PICTURES]
//
// FOLDER and EXPECTED.json are those of bench/make_story_files.py. Prints one
// JSON document; ends with 1 where something differs. Pictures cost time on the watch.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Locator, type Page } from "@playwright/test";
import { DESK, open } from "../e2e/checks.ts";
import { asOwner, startServer } from "../e2e/server.ts";
import playwrightConfig from "../playwright.config.ts";
import type { Import, Status } from "../src/api/types.ts";

/** What a file has to come to. */
type Expected = {
  file: string;
  about: string;
  bytes: number;
  rows: number;
  bad: number;
  left_out: number;
  orders: number;
  customers: number;
  spelt_differently: number;
  first: string;
  last: string;
  gross: string;
  net: string;
};
type Reading = {
  file: string;
  about: string;
  rows: number;
  bad: number;
  bytes: number;
  clicks: number;
  asked: boolean;
  at_risk: number | null;
  seconds: { report?: number; at_risk?: number; customer?: number; undo?: number };
  differences: string[];
};

const STEP_MS = 10 * 60_000;
const WORDS = {
  bringIn: "导入订单",
  take: /^导入（/,
  toOverview: "看概览",
  tiers: "价值等级",
  wholeList: "看完整名单",
  undo: "撤销这次导入",
};
/** What an import says of names and of the sheet's own totals. */
const SAID_OF_SPELLINGS = "duplicate_looking_customers";
const SAID_OF_TOTALS = "totals_differ";

const [folder, expectedPath, pictures] = process.argv.slice(2);
if (!folder || !expectedPath) throw new Error("story.ts FOLDER EXPECTED.json [PICTURES]");
const files = JSON.parse(readFileSync(expectedPath, "utf8")) as Expected[];

const browser = await chromium.launch(playwrightConfig.use?.launchOptions);
const readings: Reading[] = [];
for (const expected of files) {
  const reading = await story(expected);
  readings.push(reading);
  console.error(`${reading.file}: ${JSON.stringify(reading.seconds)} ${reading.differences.join("; ")}`);
}
await browser.close();
console.log(JSON.stringify(readings, null, 2));
process.exitCode = readings.some((r) => r.differences.length > 0) ? 1 : 0;

async function story(expected: Expected): Promise<Reading> {
  const { file, about, rows, bad, bytes } = expected;
  const reading: Reading = {
    ...{ file, about, rows, bad, bytes },
    ...{ clicks: 0, asked: false, at_risk: null, seconds: {}, differences: [] },
  };
  const server = await startServer();
  const context = await browser.newContext(DESK);
  context.setDefaultTimeout(STEP_MS);
  try {
    if ((await held(server.url)).length > 0) throw new Error(`${server.url} is not empty`);
    const { page, faults } = await open(context, "zh");
    await walk(page, server.url, expected, reading);
    reading.differences.push(...faults.map((fault) => `page: ${fault}`));
  } catch (error) {
    // The first line says it; the call log behind it is for whoever mends the script.
    console.error(error);
    reading.differences.push(String(error).split("\n")[0] ?? "");
  } finally {
    await context.close();
    await server.stop();
  }
  return reading;
}

async function walk(page: Page, url: string, expected: Expected, reading: Reading): Promise<void> {
  const { seconds } = reading;
  const start = performance.now();
  const elapsed = () => Math.round(performance.now() - start) / 1000;
  const click = async (what: Locator) => {
    await what.click();
    reading.clicks += 1;
  };
  const picture = async (name: string) => {
    if (pictures) await page.screenshot({ path: join(pictures, `${expected.file}-${name}.png`) });
  };

  await page.goto(url);
  await click(page.getByRole("main").getByRole("button", { name: WORDS.bringIn }));
  await page.locator(".drop").drop({ files: join(folder as string, expected.file) });
  await page.waitForURL(/\/import\/\d+/);
  const resting = page.locator(".state-done, .state-failed, .state-needs_mapping");
  await resting.waitFor();
  if (await page.locator(".state-needs_mapping").isVisible()) {
    reading.asked = true;
    await picture("asked");
    await click(page.getByRole("button", { name: WORDS.take }));
    await page.locator(".state-done, .state-failed").waitFor();
  }
  await page.locator(".facts").first().waitFor();
  seconds.report = elapsed();
  await picture("report");
  const report = page.url();

  await click(page.getByRole("button", { name: WORDS.toOverview }));
  await page.getByRole("heading", { name: WORDS.tiers }).waitFor();
  await click(page.getByRole("button", { name: WORDS.wholeList }));
  const first = page.locator(".rows .row:not(.head)").first();
  await first.getByRole("gridcell").first().waitFor();
  seconds.at_risk = elapsed();
  await picture("at-risk");
  const listed = await page.locator(".page-head p.note").innerText();

  await click(first);
  await page.waitForURL(/\/customers\/\d+/);
  await page.locator(".scores .figure").first().waitFor();
  await page.locator(".timeline li").first().waitFor();
  seconds.customer = elapsed();
  await picture("customer");

  const run = await get<Import>(`${url}/api/imports/${report.split("/").pop()}`);
  reading.differences.push(...(await differences(url, run, expected)));
  reading.at_risk = Number(/[\d,]+/.exec(listed)?.[0].replaceAll(",", ""));
  const told = run.summary?.first_looks?.find((l) => l.code === "value_at_risk")?.count ?? 0;
  if (told !== reading.at_risk)
    reading.differences.push(`at risk: ${told} in the report, ${reading.at_risk} in the list`);

  await page.goto(report);
  const before = performance.now();
  await page.getByRole("button", { name: WORDS.undo }).click();
  await page.locator(".state-undone").waitFor();
  seconds.undo = Math.round(performance.now() - before) / 1000;
  const left = await held(url);
  if (left.length > 0) reading.differences.push(`after the undo: ${left.join(", ")}`);
}

/** Everything that the program says otherwise than the file. */
async function differences(url: string, run: Import, expected: Expected): Promise<string[]> {
  const s = run.summary;
  if (!s) return [`the import ended ${run.state}`];
  const said = (code: string) => s.oddities?.find((o) => o.code === code);
  const { gross, net } = await asked(url);
  const pairs: [string, string | number, string | number][] = [
    ["rows", s.rows_read, expected.rows],
    ["rejected rows", s.rows_rejected, expected.bad],
    ["rows of totals", s.rows_left_out ?? 0, expected.left_out],
    ["orders", s.orders_new, expected.orders],
    ["customers", s.customers_new, expected.customers],
    ["lines", s.lines_new, expected.rows - expected.bad],
    ["first day", s.first_ordered_on ?? "", expected.first],
    ["last day", s.last_ordered_on ?? "", expected.last],
    ["gross, report", plain(s.gross_amount), plain(expected.gross)],
    ["net, report", plain(s.net_amount), plain(expected.net)],
    ["gross sales", plain(gross), plain(expected.gross)],
    ["net revenue", plain(net), plain(expected.net)],
    ["customers spelt differently", said(SAID_OF_SPELLINGS)?.count ?? 0, expected.spelt_differently],
    ["totals said to differ", said(SAID_OF_TOTALS)?.count ?? 0, 0],
  ];
  return pairs
    .filter(([, found, wanted]) => found !== wanted)
    .map(([what, found, wanted]) => `${what}: ${found}, in the file ${wanted}`);
}

/** What the two metrics answer over everything. */
async function asked(url: string): Promise<{ gross: string; net: string }> {
  const response = await fetch(`${url}/api/insight`, {
    method: "POST",
    headers: { "content-type": "application/json", ...asOwner() },
    body: JSON.stringify({ metrics: ["gross_sales", "net_revenue"] }),
  });
  const answer = (await response.json()) as { columns: { name: string }[]; rows: string[][] };
  const of = (name: string) => String(answer.rows[0]?.[answer.columns.findIndex((c) => c.name === name)]);
  return { gross: of("gross_sales"), net: of("net_revenue") };
}

/** The objects of which there are records, and the evaluations. */
async function held(url: string): Promise<string[]> {
  const { counts, evaluations } = await get<Status>(`${url}/api/status`);
  return Object.entries({ ...counts, evaluation: evaluations.length })
    .filter(([, n]) => n !== 0)
    .map(([object, n]) => `${n} ${object}`);
}

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url, { headers: asOwner() })).json()) as T;
}

/** `12.50` and `12.5` are one amount. */
function plain(amount: string): string {
  return amount.includes(".") ? amount.replace(/\.?0+$/, "") : amount;
}
