// An object of one's own by the files of the guide alone: in the menu, as a
// list, form, record, board, calendar and chart, made, changed and brought in
// by the page like any other.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, isSound, open, PHONE } from "./checks";
import { makeRecord, objectOf, type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    new: "新建设备",
    save: "保存",
    title: "设备名称",
    name: "设备",
    kind: "压机",
    part: "设备部件",
    day: "安装日",
    customer: "客户",
    price: "售价",
    edit: "修改“售价”",
    holds: "文件里是什么",
    heads: "设备名称,客户,安装日,售价",
  },
  en: {
    new: "New: Machine",
    save: "Save",
    title: "Machine name",
    name: "Machine",
    kind: "Press",
    part: "Machine part",
    day: "Installed on",
    customer: "Customer",
    price: "Price",
    edit: "Change “Price”",
    holds: "What the file holds",
    heads: "machine name,customer,installation date,price",
  },
} as const;

let server: SignedIn;
let customer: number;
test.beforeAll(async () => {
  server = await signedIn((data) => {
    mkdirSync(join(data, "definitions"));
    cpSync(new URL("../../docs/guide/own", import.meta.url), join(data, "definitions"), { recursive: true });
  });
  customer = await makeRecord(server.api, await objectOf(server.api, "customer"), {
    name: "8001",
    number: "K1",
  });
});
test.afterAll(async () => {
  await server?.stop();
});

for (const lang of ["zh", "en"] as const) {
  test(`an object of files alone in the page, ${lang}`, async ({ browser }) => {
    const words = WORDS[lang];
    const context = await browser.newContext({
      ...(lang === "en" ? PHONE : DESK),
      storageState: server.state,
    });
    const { page, faults } = await open(context, lang);
    const machine = {
      number: `M${lang === "zh" ? 1 : 2}`,
      customer,
      kind: "press",
      installed_on: "2026-01-15",
    };
    const made = await server.api.post("/api/records/machine", {
      data: { ...machine, title: "4711", price: "12.5" },
    });
    expect(made.status()).toBe(201);
    const { id } = (await made.json()) as { id: number };
    const part = { machine: id, name: "6204", quantity: 4 };
    expect((await server.api.post("/api/records/machine_part", { data: part })).status()).toBe(201);

    await page.goto(`${server.url}/records`);
    await expect(page.locator("#main a[href='/records/machine']").first()).toContainText(words.name);
    await page.goto(`${server.url}/records/machine`);
    await isLoaded(page);
    await expect(page.locator("h1")).toContainText(words.name);
    await expect(page.locator("#main").getByText("4711").first()).toBeVisible();
    await page.goto(`${server.url}/records/machine?view=board&by=kind`);
    await expect(page.locator("#main").getByText(words.kind).first()).toBeVisible();
    await expect(page.locator("#main").getByText("4711").first()).toBeVisible();
    await page.goto(`${server.url}/records/machine?view=calendar&by=installed_on&month=2026-01`);
    await expect(page.locator("#main").getByText("4711").first()).toBeVisible();

    await page.goto(`${server.url}/records/machine?view=chart&by=kind&sum=price&where=id%20%3D%20${id}`);
    await expect(page.locator(".groups tbody tr").first()).toContainText(words.kind);
    await expect(page.locator(".groups tbody tr").first()).toContainText("12.50");

    // One is made in its form, without a number, and changed on its page.
    const made2 = `77${lang === "zh" ? 1 : 2}`;
    await page.goto(`${server.url}/records/machine`);
    await isLoaded(page);
    await page
      .getByRole("button", { name: words.new })
      .or(page.getByRole("button", { name: /^(New|新建)$/ }))
      .first()
      .click();
    const form = page.getByRole("dialog", { name: words.new });
    await form.getByRole("textbox", { name: words.title }).fill(made2);
    await form.getByRole("combobox", { name: words.customer }).fill("8001");
    await page.locator(".ant-select-item-option", { hasText: "8001" }).first().click();
    await form.getByRole("textbox", { name: words.day }).fill("2026-02-01");
    await isSound(page, "own-form", lang);
    await form.getByRole("button", { name: words.save }).click();
    await expect(form).toHaveCount(0);
    await page.goto(`${server.url}/records/machine?where=${encodeURIComponent(`title = '${made2}'`)}`);
    await isLoaded(page);
    await page.getByRole("grid").focus();
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/records\/machine\/\d+/);
    const price = page.locator(".record-field", {
      has: page.locator("dt").getByText(words.price, { exact: true }),
    });
    await price.getByRole("button", { name: words.edit }).click();
    await price.getByRole("textbox").fill("88.5");
    await page.keyboard.press("Enter");
    await expect(price.locator("dd")).toContainText("88.50");
    // What the history says of it: who it is linked to, by name.
    await expect(page.locator(".history li").first()).toContainText("88.5");
    await expect(page.locator("ol.history > li").last()).toContainText("8001");
    await page.locator("ol.history").scrollIntoViewIfNeeded();
    await isSound(page, "record-history", lang);

    // More of them come in as a file.
    await page.goto(`${server.url}/import`);
    await isLoaded(page);
    await page.getByRole("combobox", { name: words.holds }).fill(words.name);
    await page
      .locator(".ant-select-item-option")
      .filter({ hasText: new RegExp(`^${words.name}$`) })
      .click();
    await page.locator('input[type="file"]').setInputFiles({
      name: "1.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(`${words.heads}\n9${made2},K1,2026-03-01,5\n8${made2},K1,2026-03-02,6\n`),
    });
    await expect(page).toHaveURL(/\/import\/\d+/);
    const go = page.locator(".mapping .ant-btn-primary");
    await expect(go.or(page.locator(".facts.wide"))).toBeVisible();
    if (await go.isVisible()) await go.click();
    await expect(page.locator("h1 .state-done")).toBeVisible();
    const filter = encodeURIComponent(`title in ('9${made2}', '8${made2}')`);
    await page.goto(`${server.url}/records/machine?where=${filter}`);
    await expect(page.locator(".rows .row:not(.head)")).toHaveCount(2);

    await page.goto(`${server.url}/records/machine/${id}`);
    await isLoaded(page);
    await expect(page.locator("#main")).toContainText("12.5");
    await expect(page.getByRole("tab", { name: new RegExp(words.part) })).toBeVisible();
    await page.goto(`${server.url}/metrics/machine_value`);
    await isLoaded(page);
    await expect(page.locator("#main")).toContainText(lang === "zh" ? "装机金额" : "Value of machines");
    expect(faults).toEqual([]);
    await context.close();
  });
}
