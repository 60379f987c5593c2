// Backups: the first is made, checked, downloaded and deleted; what is damaged
// or old is said; in both languages and sizes.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { DESK, isSound, open, PHONE } from "./checks";
import { makeRecord, objectOf, type SignedIn, signedIn } from "./signed-in";

const ENDING = ".keji-backup";
const WORDS = {
  zh: {
    title: "备份",
    never: "还没有备份",
    make: "立即备份",
    last: "上次备份：",
    check: "检查",
    whole: "完好",
    damaged: "已损坏",
    download: "下载",
    remove: "删除",
    by: "owner",
    old: "已经超过 7 天",
    records: "条记录",
  },
  en: {
    title: "Backups",
    never: "No backup has been made yet",
    make: "Make a backup now",
    last: "Last backup: ",
    check: "Check",
    whole: "whole",
    damaged: "damaged",
    download: "Download",
    remove: "Delete",
    by: "owner",
    old: "more than 7 days",
    records: "records",
  },
} as const;

let data = "";
let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn((folder) => {
    data = folder;
  });
  const product = await objectOf(server.api, "product");
  await makeRecord(server.api, product, {});
});
test.afterAll(() => server?.stop());
test.describe.configure({ mode: "serial" });

const kept = () => readdirSync(join(data, "backups")).filter((name) => name.endsWith(ENDING));

/** Each control of the page is large enough for a finger. */
async function hasRoomForFingers(page: Page): Promise<void> {
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("main button, main a, main summary")]
      .map((e) => ({ text: e.textContent, height: e.getBoundingClientRect().height }))
      .filter(({ height }) => height > 0 && height < 40),
  );
  expect(small).toEqual([]);
}

for (const lang of ["zh", "en"] as const) {
  const isPhone = lang === "en";
  test(`backups from the first to none, ${lang}`, async ({ browser }) => {
    const words = WORDS[lang];
    const context = await browser.newContext({ ...(isPhone ? PHONE : DESK), storageState: server.state });
    const { page, faults } = await open(context, lang);
    await page.goto(`${server.url}/settings/backups`);
    await expect(page.locator("h1")).toHaveText(words.title);
    await expect(page.getByRole("alert").filter({ hasText: words.never })).toBeVisible();
    await expect(page.locator(".empty")).toBeVisible();
    await isSound(page, "backups-none", lang);
    if (isPhone) await hasRoomForFingers(page);

    await page.getByRole("button", { name: words.make }).click();
    const rows = page.locator("table.backups tbody tr");
    await expect(rows).toHaveCount(1);
    await expect(page.getByText(words.last)).toBeVisible();
    await expect(rows.first()).toContainText(words.by);
    const [name = ""] = kept();
    expect(name).toMatch(/^keji-\d{8}T\d{6}Z\.keji-backup$/);

    // One that was changed, and is old, beside it.
    const path = join(data, "backups", name);
    const altered = readFileSync(path);
    const at = altered.length - 1;
    altered[at] = (altered[at] ?? 0) ^ 1;
    writeFileSync(join(data, "backups", `altered${ENDING}`), altered);
    await page.reload();
    await expect(rows).toHaveCount(2);
    const of = (file: string) => rows.filter({ hasText: file });
    for (const row of [rows.first(), rows.last()]) {
      await row.getByRole("button", { name: new RegExp(`^${words.check}`) }).click();
      await expect(row.locator(".chip")).toHaveText(new RegExp(`${words.whole}|${words.damaged}`));
    }
    await expect(of(`altered${ENDING}`).locator(".chip")).toHaveText(words.damaged);
    await expect(of(`altered${ENDING}`).locator(".wrong")).not.toBeEmpty();
    await expect(of(name).locator(".chip")).toHaveText(words.whole);
    await of(name).getByText(words.records).first().click();
    await page.evaluate(() => window.scrollTo(0, 0));
    await isSound(page, "backups", lang);
    if (isPhone) await hasRoomForFingers(page);

    const coming = page.waitForEvent("download");
    await of(name).getByRole("link", { name: words.download }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toBe(name);
    const taken = readFileSync(await download.path());
    expect(taken.equals(readFileSync(path))).toBe(true);

    for (const left of [1, 0]) {
      await rows
        .last()
        .getByRole("button", { name: new RegExp(`^${words.remove}`) })
        .click();
      const dialog = page.getByRole("dialog");
      if (left === 0) await isSound(page, "backups-delete", lang);
      await dialog.getByRole("button", { name: words.remove, exact: true }).click();
      await expect(dialog).toHaveCount(0);
      await expect(rows).toHaveCount(left);
    }
    expect(kept()).toEqual([]);

    // Something that is no backup, and old.
    const broken = join(data, "backups", `broken${ENDING}`);
    mkdirSync(join(data, "backups"), { recursive: true });
    writeFileSync(broken, "half");
    await page.reload();
    await expect(rows.locator(".chip")).toHaveText(words.damaged);
    // What cannot be read counts for nothing.
    await expect(page.getByRole("alert").filter({ hasText: words.never })).toBeVisible();
    expect(statSync(broken).size).toBe(4);
    await rows.getByRole("button", { name: new RegExp(`^${words.remove}`) }).click();
    await page.getByRole("dialog").getByRole("button", { name: words.remove, exact: true }).click();
    await expect(rows).toHaveCount(0);
    expect(faults).toEqual([]);
    await context.close();
  });
}

test("a backup of last week is said to be old", async ({ browser }) => {
  for (const lang of ["zh", "en"] as const) {
    const context = await browser.newContext({ ...DESK, storageState: server.state });
    const { page, faults } = await open(context, lang);
    await page.route("**/api/backups", async (route) => {
      const name = `old${ENDING}`;
      const made_at = new Date(Date.now() - 8 * 86_400_000).toISOString();
      const backup = { name, made_at, made_by: null, bytes: 1, is_readable: true, problem: null };
      const rest = { records: {}, contents: 0, contents_missing: 2, seq: 1, check: null };
      const running = {
        task: "make",
        name,
        by: "7",
        started_at: made_at,
        step: "verify",
        table: "product",
        rows: 1200,
      };
      const failure = { task: "make", name, by: "7", at: made_at, code: "full", detail: "8848" };
      const body = { backups: [{ ...backup, ...rest }], running, failure, is_frozen: true };
      await route.fulfill({ json: body });
    });
    await page.goto(`${server.url}/settings/backups`);
    await expect(page.getByRole("alert").filter({ hasText: WORDS[lang].old })).toBeVisible();
    await expect(page.locator(".stages .now")).toHaveCount(1);
    await expect(page.getByText("1,200")).toBeVisible();
    await expect(page.getByText("8848")).toBeVisible();
    await expect(page.getByRole("link", { name: /Webhooks|网络钩子/ }).last()).toBeVisible();
    await expect(page.getByRole("button", { name: WORDS[lang].make })).toBeDisabled();
    await isSound(page, "backups-running", lang);
    expect(faults).toEqual([]);
    await context.close();
  }
});
