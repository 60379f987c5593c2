// An object of one's own by the files of the guide alone: in the menu, as a
// list, form, record, board and calendar, like any other.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, open, PHONE } from "./checks";
import { makeRecord, objectOf, type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: { new: "新建设备", save: "保存", title: "设备名称", name: "设备", kind: "压机", part: "设备部件" },
  en: {
    new: "New: Machine",
    save: "Save",
    title: "Machine name",
    name: "Machine",
    kind: "Press",
    part: "Machine part",
  },
} as const;

let server: SignedIn;
let customer: number;
test.beforeAll(async () => {
  server = await signedIn((data) => {
    mkdirSync(join(data, "definitions"));
    cpSync(new URL("../../docs/guide/own", import.meta.url), join(data, "definitions"), { recursive: true });
  });
  customer = await makeRecord(server.api, await objectOf(server.api, "customer"), { name: "8001" });
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
      number: `7${lang === "zh" ? 1 : 2}`,
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

    await page.goto(`${server.url}/records/machine`);
    await isLoaded(page);
    await page
      .getByRole("button", { name: words.new })
      .or(page.getByRole("button", { name: /^(New|新建)$/ }))
      .first()
      .click();
    const form = page.getByRole("dialog", { name: words.new });
    await expect(form.getByRole("textbox", { name: words.title })).toBeVisible();
    await page.keyboard.press("Escape");

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
