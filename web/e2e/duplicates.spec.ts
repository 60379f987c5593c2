// Duplicates: told while typing, looked for, compared, made one, and two again;
// in both languages and sizes.
import { expect, test } from "@playwright/test";
import { DESK, isSound, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    title: "查重",
    scan: "现在查一遍",
    look: "核对",
    merge: "合并",
    undo: "撤销",
    done: "已合并",
    hint: "很可能已经有了",
    code: "统一社会信用代码",
    mistyped: "最后一位校验码对不上",
    fresh: "新建",
  },
  en: {
    title: "Duplicates",
    scan: "Look now",
    look: "Compare",
    merge: "Merge",
    undo: "Undo",
    done: "Merged",
    hint: "Very likely there already",
    code: "Unified social credit code",
    mistyped: "the last sign does not fit the others",
    fresh: "New",
  },
} as const;

for (const lang of ["zh", "en"] as const)
  for (const size of ["desk", "phone"] as const)
    test(`two customers become one and two again, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server: SignedIn = await signedIn();
      try {
        const make = async (values: object) => {
          const made = await server.api.post("/api/records/customer", { data: values });
          expect(made.status()).toBe(201);
          return (await made.json()).id as number;
        };
        const kept = await make({ number: "K1", name: "上海云海贸易有限公司", city: "上海" });
        const old = await make({ number: "K2", name: "云海贸易（上海）有限责任公司", phone: "021-62345678" });
        const context = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const { page, faults } = await open(context, lang);
        await page.goto(`${server.url}/data/duplicates/customer`);
        await expect(page.locator("h1")).toHaveText(words.title);
        await page.getByRole("button", { name: words.scan }).click();
        const look = page.getByRole("button", { name: new RegExp(`^${words.look}`) });
        await expect(look).toHaveCount(1, { timeout: 20_000 });
        await isSound(page, `duplicates-${size}`, lang);
        await look.click();
        const drawer = page.getByRole("dialog");
        await expect(drawer.getByRole("radio").first()).toBeVisible();
        await isSound(page, `duplicates-merge-${size}`, lang);
        await drawer.getByRole("button", { name: words.merge, exact: true }).click();
        await expect(page.getByText(words.done).first()).toBeVisible();
        await page.goto(`${server.url}/records/customer/${old}`);
        await expect(page).toHaveURL(new RegExp(`/records/customer/${kept}$`));
        await page.goto(`${server.url}/data/duplicates/customer`);
        await page.getByRole("button", { name: new RegExp(`^${words.undo}`) }).click();
        await expect(page.getByRole("button", { name: new RegExp(`^${words.undo}`) })).toHaveCount(0);
        await page.goto(`${server.url}/records/customer`);
        await page.getByRole("button", { name: words.fresh }).first().click();
        const name = lang === "zh" ? "客户名称" : "Name";
        await page.getByRole("textbox", { name, exact: true }).fill("上海 云海 贸易 有限公司");
        await expect(page.getByText(words.hint)).toBeVisible();
        const code = page.getByRole("textbox", { name: words.code, exact: true });
        await code.fill("9144030071526726XH");
        await expect(page.getByText(words.mistyped)).toBeVisible();
        await isSound(page, `duplicates-hint-${size}`, lang);
        await code.fill("9144030071526726XG");
        await expect(page.getByText(words.mistyped)).toHaveCount(0);
        expect(faults).toEqual([]);
        await context.close();
      } finally {
        await server.stop();
      }
    });
