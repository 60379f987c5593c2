// SEC-5: texts that want to run, in every place where somebody can type one,
// on every page: none runs, none stands in the page as markup, none is a link.
// A sample opens some records of each object; with KEJI_XSS=whole all of them.
// With KEJI_XSS_REPORT, what was found is written there.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";
import { N_GROUPS, PAYLOADS } from "./xss/payloads";
import { makePlace, type Place } from "./xss/place";
import { Watch } from "./xss/watch";

const IS_WHOLE = process.env.KEJI_XSS === "whole";
const REPORT = process.env.KEJI_XSS_REPORT;

type Report = {
  pages: number;
  payloads: number;
  slots: number;
  found: string[];
  planted: { what: string; found: number }[];
};
const report: Report = { pages: 0, payloads: PAYLOADS.length, slots: 0, found: [], planted: [] };

let server: SignedIn;
let place: Place;
test.beforeAll(async () => {
  server = await signedIn((data) => {
    mkdirSync(join(data, "definitions/objects"), { recursive: true });
    copyFileSync(
      new URL("xss/hostile.toml", import.meta.url),
      join(data, "definitions/objects/hostile.toml"),
    );
  });
  place = await makePlace(server.api);
  report.slots = place.n_slots;
});
test.afterAll(async () => {
  if (REPORT) writeFileSync(REPORT, JSON.stringify(report));
  await server?.stop();
});

/** The address of every page, with something of each kind on it. */
function addresses(lang: string): string[] {
  const all = ["/", "/customers", "/import", "/metrics", "/records", "/account", "/api/docs"];
  for (const page of ["users", "departments", "roles", "audit", "webhooks", "providers", "privacy"])
    all.push(`/settings/${page}`);
  const payload = encodeURIComponent(PAYLOADS[7] ?? "");
  all.push(`/customers?search=${payload}`, `/records/contact?search=${payload}`, `/records/${payload}`);
  all.push(`/records/contact?where=${encodeURIComponent(`name = '${PAYLOADS[0]?.replaceAll("'", "''")}'`)}`);
  for (const metric of ["orders", "net_revenue"])
    all.push(
      `/metrics/${metric}?by=customer`,
      `/metrics/${metric}?by=product&view=table`,
      `/metrics/${metric}?by=customer.city`,
    );
  for (const id of place.imports) all.push(`/import/${id}`);
  // The texts of records are the same in every language.
  const hasAll = IS_WHOLE && lang === "en";
  const some = (ids: number[]) => (hasAll ? ids : ids.slice(0, 1));
  for (const id of hasAll ? place.customers : place.customers.slice(0, 3)) all.push(`/customers/${id}`);
  for (const object of place.objects) {
    all.push(`/records/${object.id}`);
    const choice = object.fields.find((f) => f.type === "choice");
    const day = object.fields.find((f) => f.type === "date");
    const hasViews = IS_WHOLE || ["task", "hostile", "opportunity"].includes(object.id);
    if (hasViews && choice) all.push(`/records/${object.id}?view=board&by=${choice.id}`);
    if (hasViews && day) all.push(`/records/${object.id}?view=calendar&by=${day.id}&month=2026-01`);
    for (const id of some(place.records[object.id] ?? [])) all.push(`/records/${object.id}/${id}`);
  }
  return all;
}

/** Moves over what shows more when it is pointed at. */
async function pointAround(page: Page): Promise<void> {
  for (const canvas of (await page.locator("canvas").all()).slice(0, 4)) {
    const box = await canvas.boundingBox().catch(() => null);
    if (!box) continue;
    for (const at of [0.3, 0.6]) await page.mouse.move(box.x + box.width * at, box.y + box.height * at);
  }
}

test("no text of anybody runs on any page", async ({ browser }) => {
  const context = await browser.newContext({ ...DESK, storageState: server.state });
  const watch = await Watch.of(context);
  const page = await context.newPage();
  for (const lang of IS_WHOLE ? ["zh", "en"] : ["en"]) {
    await page.goto(server.url);
    await page.evaluate((kept) => localStorage.setItem("keji.language", kept), lang);
    for (const address of addresses(lang)) {
      await page.goto(server.url + address);
      await isLoaded(page).catch(() => report.found.push(`${address}: not loaded`));
      await pointAround(page);
      report.pages += 1;
      report.found.push(...(await watch.look(page)).map((what) => `${lang} ${address}: ${what}`));
    }
  }
  // What opens over a page: a form, the search, the keys.
  for (const object of ["contact", "hostile"]) {
    await page.goto(`${server.url}/records/${object}`);
    await isLoaded(page);
    await page.getByRole("button", { name: /^New/ }).first().click();
    await expect(page.locator("form:visible").first()).toBeVisible();
    report.pages += 1;
    report.found.push(...(await watch.look(page)).map((what) => `form of ${object}: ${what}`));
  }
  await context.close();
  expect(report.found).toEqual([]);
  expect(report.pages).toBeGreaterThan(N_GROUPS * 8);
});

const markup = (html: string) => document.body.insertAdjacentHTML("beforeend", html);

// The watch is not blind: each way in which a text could run or stand as
// markup is planted, and has to be counted.
for (const [what, bypassCSP, plant, seen] of [
  ["a text is markup", false, markup, "element: "],
  ["the policy stops what a text wants to run", false, markup, "policy: "],
  ["a text runs", true, markup, "ran: "],
  [
    "a text shows a dialog",
    true,
    () => document.body.insertAdjacentHTML("beforeend", `<img src=x onerror="alert('planted')">`),
    "dialog: ",
  ],
  [
    "an address is a link",
    false,
    () =>
      void document.body.append(Object.assign(document.createElement("a"), { href: "javascript:alert(1)" })),
    "link: ",
  ],
] as const) {
  test(`planted: ${what}`, async ({ browser }) => {
    const context = await browser.newContext({ ...DESK, storageState: server.state, bypassCSP });
    const watch = await Watch.of(context);
    const page = await context.newPage();
    await page.goto(`${server.url}/records/contact`);
    await isLoaded(page);
    expect(await watch.look(page)).toEqual([]);
    await page.evaluate(plant, PAYLOADS[7] ?? "");
    await page.waitForTimeout(500);
    const found = (await watch.look(page)).filter((one) => one.startsWith(seen));
    report.planted.push({ what, found: found.length });
    expect(found.length).toBeGreaterThan(0);
    await context.close();
  });
}
