// Packs, tried and removed with one click; and pages that stand as a role wants.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, isSound, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    title: "行业包和应用",
    pack: "进销存",
    try: "试用",
    inUse: "使用中",
    remove: "移除",
    more: "其他字段",
    layout: "加布局",
    name: "分组 1 的名称",
    fields: "分组 1 的字段",
    preview: "查看更改",
    apply: "应用",
    city: "城市",
  },
  en: {
    title: "Packs",
    pack: "Inventory",
    try: "Try it",
    inUse: "In use",
    remove: "Remove",
    more: "More fields",
    layout: "Add a layout",
    name: "Name of section 1",
    fields: "Fields of section 1",
    preview: "Review changes",
    apply: "Apply",
    city: "City",
  },
} as const;

for (const lang of ["zh", "en"] as const)
  for (const size of ["desk", "phone"] as const)
    test(`a pack tried and removed, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server: SignedIn = await signedIn();
      try {
        const context = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const { page, faults } = await open(context, lang);
        await page.goto(`${server.url}/settings/packs`);
        await expect(page.locator("h1")).toHaveText(words.title);
        await expect(page.locator(".pack-card")).toHaveCount(16);
        await isSound(page, "packs", lang);
        const card = page
          .locator(".pack-card")
          .filter({ has: page.getByRole("heading", { name: words.pack }) });
        await card.getByRole("button", { name: words.try }).click();
        await expect(card.getByText(words.inUse)).toBeVisible();
        // Its first object is a list with its samples, and a board.
        const link = card.getByRole("link").first();
        const object = await link.getAttribute("href");
        await link.click();
        await isLoaded(page);
        const def = await (await server.api.get(`/api/objects/${object?.split("/").pop()}`)).json();
        const { rows } = await (await server.api.get(`/api${object}?limit=1`)).json();
        const title = String(rows[0].values[def.title]);
        await expect(page.locator("#main").getByText(title).first()).toBeVisible();
        await isSound(page, "pack-list", lang);
        const views = await (await server.api.get(`/api/views/${object?.split("/").pop()}`)).json();
        expect(views.views.length).toBeGreaterThan(0);
        // And out again.
        await page.goto(`${server.url}/settings/packs`);
        await card.getByRole("button", { name: words.remove, exact: true }).click();
        const dialog = page.getByRole("dialog");
        await isSound(page, "pack-removal", lang);
        await dialog.getByRole("button", { name: words.remove, exact: true }).click();
        await expect(card.getByRole("button", { name: words.try })).toBeVisible();
        const gone = await server.api.get(`/api${object}`);
        expect(gone.status()).toBe(404);
        const customers = await (await server.api.get("/api/records/customer")).json();
        expect(customers.rows).toEqual([]);
        expect(faults).toEqual([]);
        await context.close();
      } finally {
        await server.stop();
      }
    });

for (const lang of ["zh", "en"] as const)
  test(`a page as a role wants it, ${lang}`, async ({ browser }) => {
    const words = WORDS[lang];
    const server: SignedIn = await signedIn();
    try {
      const data = { number: "K1", name: "青山机械", kind: "company", city: "上海", phone: "13812345678" };
      const made = await server.api.post("/api/records/customer", { data });
      const { id } = (await made.json()) as { id: number };
      const context = await browser.newContext({ ...DESK, storageState: server.state });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/settings/design/customer`);
      await page.getByRole("button", { name: words.layout }).click();
      await page.getByRole("textbox", { name: words.name, exact: true }).fill("先看这里");
      const fields = page.getByRole("combobox", { name: words.fields });
      await fields.fill(words.city);
      await page
        .getByRole("option", { name: words.city, exact: true })
        .or(page.getByTitle(words.city, { exact: true }))
        .first()
        .click();
      await page.keyboard.press("Escape");
      await isSound(page, "layouts", lang);
      await page.getByRole("button", { name: words.preview }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: words.apply }).click();
      await expect(dialog).toHaveCount(0);
      await page.goto(`${server.url}/records/customer/${id}`);
      await isLoaded(page);
      await expect(page.getByRole("heading", { name: "先看这里" })).toBeVisible();
      // What no section names is folded away, and there.
      await expect(page.getByText("13812345678", { exact: true })).not.toBeVisible();
      await page.getByText(words.more).click();
      await expect(page.getByText("13812345678", { exact: true })).toBeVisible();
      await isSound(page, "record-layout", lang);
      expect(faults).toEqual([]);
      await context.close();
    } finally {
      await server.stop();
    }
  });
