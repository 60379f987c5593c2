// An order by hand: made in the list, its lines on its own page, where the
// totals follow.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isSound, type Lang, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    newOrder: "新建订单",
    newLine: "新建订单明细",
    number: "订单编号",
    freight: "运费",
    net: "净额",
    lines: "明细数",
    related: "相关记录",
    line: /^订单明细/,
    quantity: "数量",
    price: "单价",
    amount: "金额",
    save: "保存",
  },
  en: {
    newOrder: "New: Order",
    newLine: "New: Order line",
    number: "Order number",
    freight: "Freight",
    net: "Net amount",
    lines: "Lines",
    related: "Related records",
    line: /^Order line/,
    quantity: "Quantity",
    price: "Price",
    amount: "Amount",
    save: "Save",
  },
} as const;

let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn();
});
test.afterAll(async () => {
  await server?.stop();
});

const shown = (page: Page, name: string) =>
  page.locator(".record-field", { has: page.locator("dt").getByText(name, { exact: true }) }).locator("dd");

async function orderOf(page: Page, lang: Lang): Promise<void> {
  const words = WORDS[lang];
  const number = `8${Date.now()}`;
  await page.goto(`${server.url}/records/order`);
  // An empty list names it in full.
  await page
    .getByRole("button", { name: /^(New|新建)/ })
    .first()
    .click();
  const form = page.getByRole("dialog", { name: words.newOrder });
  // What follows from the lines is not asked for.
  await expect(form.getByRole("textbox", { name: words.freight })).toBeVisible();
  await expect(form.getByText(words.net, { exact: true })).toHaveCount(0);
  await isSound(page, "order-form", lang);
  await form.getByRole("textbox", { name: words.number }).fill(number);
  await form.getByRole("textbox", { name: words.freight }).fill("5");
  await form.getByRole("button", { name: words.save }).click();
  await expect(form).toBeHidden();
  const found = await server.api.get(`/api/records/order?where=number='${number}'`);
  const { rows } = (await found.json()) as { rows: { id: number }[] };
  await page.goto(`${server.url}/records/order/${rows[0]?.id}`);
  await expect(shown(page, words.net)).toContainText("5");

  await page.getByRole("tablist", { name: words.related }).getByRole("tab", { name: words.line }).click();
  await page.getByRole("button", { name: words.newLine }).click();
  const line = page.getByRole("dialog", { name: words.newLine });
  await expect(line.getByText(words.amount, { exact: true })).toHaveCount(0);
  await line.getByRole("textbox", { name: words.quantity }).fill("3");
  await line.getByRole("textbox", { name: words.price }).fill("2.5");
  await line.getByRole("button", { name: words.save }).click();
  await expect(line).toBeHidden();
  // 3 × 2.5 and the freight, without a look at another page.
  await expect(shown(page, words.net)).toContainText("12.5");
  await expect(shown(page, words.lines)).toContainText("1");
  await isSound(page, "order", lang);
}

for (const lang of ["zh", "en"] as const) {
  for (const [size, options] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const) {
    test(`an order by hand, ${lang}, ${size}`, async ({ browser }) => {
      const context = await browser.newContext({ ...options, storageState: server.state });
      const { page, faults } = await open(context, lang, lang === "en" ? "dark" : "light");
      await orderOf(page, lang);
      expect(faults).toEqual([]);
      await context.close();
    });
  }
}
