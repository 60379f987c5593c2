// Everything without a mouse.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isAccessible, isLoaded, open } from "./checks";
import { fixtureCsv, importCsv } from "./fixture";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
  await importCsv(server.url, fixtureCsv(), "orders.csv");
});
test.afterAll(async () => {
  await server?.stop();
});

const TITLES = {
  zh: {
    o: "概览",
    c: "客户",
    i: "导入",
    m: "指标",
    keys: "快捷键",
    search: "搜索名称、编号、首字母或电话尾号",
  },
  en: {
    o: "Overview",
    c: "Customers",
    i: "Import",
    m: "Metrics",
    keys: "Keys",
    search: "Search name, number, initials or end of phone",
  },
} as const;

/** One page of each kind; the record's is the file's first customer. */
const PAGES = [
  "/",
  "/today",
  "/customers",
  "/import",
  "/metrics",
  "/metrics/net_revenue",
  "/records/contact",
  "/records/customer/1",
  "/settings/design",
  "/settings/design/customer",
  "/settings/packs",
  "/settings/forms",
  "/data/duplicates/customer",
  "/data/bin",
];

/** Presses Tab until the focus is on a wanted element; fails where no number of presses reaches it. */
async function tabTo(page: Page, selector: string, presses = 120): Promise<void> {
  for (let i = 0; i < presses; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
  }
  throw new Error(`Tab does not reach ${selector}`);
}

/** What has the focus shows it: by an outline, a shadow or its frame's. */
const showsFocus = (page: Page) =>
  page.evaluate(() => {
    let element: Element | null = document.activeElement;
    for (let depth = 0; element && depth < 4; depth++, element = element.parentElement) {
      const style = getComputedStyle(element);
      if (style.outlineStyle !== "none" && style.outlineWidth !== "0px") return true;
      if (style.boxShadow !== "none") return true;
    }
    return false;
  });

for (const lang of ["zh", "en"] as const) {
  test(`keys, ${lang}`, async ({ browser }) => {
    const words = TITLES[lang];
    const context = await browser.newContext(DESK);
    const { page, faults } = await open(context, lang);
    const heading = page.locator("h1");
    await page.goto(server.url);
    await isLoaded(page);

    await test.step("the skip link comes first and leads to the content", async () => {
      await page.keyboard.press("Tab");
      await expect(page.locator(".skip")).toBeFocused();
      await page.keyboard.press("Enter");
      await expect(page.locator("#main")).toBeFocused();
    });

    await test.step("g and a letter go to the pages", async () => {
      for (const key of ["c", "i", "m", "o"] as const) {
        await page.keyboard.press("g");
        await page.keyboard.press(key);
        await expect(heading).toHaveText(words[key]);
      }
    });

    await test.step("? shows the keys, Esc hides them", async () => {
      await page.keyboard.press("?");
      const list = page.getByRole("dialog", { name: words.keys });
      await expect(list).toBeVisible();
      await expect(list.locator("dl > div")).toHaveCount(11);
      await isAccessible(page, "keys");
      await page.keyboard.press("Escape");
      await expect(list).toBeHidden();
    });

    await test.step("/ goes to the search, and letters stay in it", async () => {
      await page.keyboard.press("/");
      const search = page.getByRole("textbox", { name: words.search });
      await expect(search).toBeFocused();
      await page.keyboard.type("g c?");
      await expect(search).toHaveValue("g c?");
      await expect(page.getByRole("dialog", { name: words.keys })).toBeHidden();
      await search.fill("");
      await expect(page).not.toHaveURL(/search=/);
    });

    await test.step("the list: arrows move, Enter opens, whole numbers show", async () => {
      await isLoaded(page);
      await expect(page.locator(".rows .row:not(.head)").first()).toBeVisible();
      await tabTo(page, '[role="grid"]');
      expect(await showsFocus(page)).toBe(true);
      for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "End", "Home", "ArrowDown"])
        await page.keyboard.press(key);
      const active = page.locator("#row-1");
      await expect(active).toHaveClass(/active/);
      await expect(page.getByRole("grid")).toHaveAttribute("aria-activedescendant", "row-1");
      await page.keyboard.press("Enter");
      await expect(page).toHaveURL(/\/customers\/\d+/);
    });

    await test.step("a customer's order opens its lines", async () => {
      await isLoaded(page);
      await tabTo(page, ".expand", 300);
      expect(await showsFocus(page)).toBe(true);
      await page.keyboard.press("Enter");
      await expect(page.locator(".inner tbody tr").first()).toBeVisible();
    });

    await test.step("a number tells its exact value, opens its drawer, Esc closes and gives the focus back", async () => {
      await page.goto(`${server.url}/metrics/net_revenue?view=table&compare=previous`);
      await isLoaded(page);
      await tabTo(page, "td .figure[data-exact]", 200);
      expect(await showsFocus(page)).toBe(true);
      const figure = page.locator("td .figure:focus");
      await expect(page.locator(".bubble")).toHaveText((await figure.getAttribute("data-exact")) ?? "");
      await page.keyboard.press("Enter");
      const drawer = page.locator(".ant-drawer-open [role=dialog]");
      await expect(drawer.locator(".proof")).toBeVisible();
      await tabTo(page, ".explain .expand", 60);
      await page.keyboard.press("Enter");
      await expect(drawer.locator(".inner tbody tr").first()).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(drawer).toBeHidden();
      await expect(figure).toBeFocused();
    });

    await test.step("arrows go along the tabs of a record", async () => {
      await page.goto(`${server.url}/records/customer/1`);
      await isLoaded(page);
      await tabTo(page, '[role="tab"]', 200);
      const tab = page.locator('[role="tab"]:focus');
      const first = await tab.textContent();
      await page.keyboard.press("ArrowRight");
      await expect(tab).not.toHaveText(first ?? "");
      await expect(tab).toHaveAttribute("aria-selected", "true");
      expect(await showsFocus(page)).toBe(true);
    });

    await test.step("every control of every page can be reached and shows the focus", async () => {
      // Which controls there are does not hang on the language: each page is walked in one.
      for (const path of PAGES.filter((_, n) => (n % 2 === 0) === (lang === "zh"))) {
        await page.goto(server.url + path);
        await isLoaded(page);
        const missed = await page.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>("a[href], button, select, input, summary")]
            .filter((e) => e.offsetParent !== null && !e.matches(":disabled, [type=file]"))
            // Arrows go from tab to tab: one of a list is reached, and the others from it.
            .filter((e) => !(e.role === "tab" && e.parentElement?.querySelector('[role=tab][tabindex="0"]')))
            // What stands in a row of a grid stands on the page as well that Enter opens.
            .filter((e) => !e.closest('[role="grid"] [role="row"]'))
            .filter((e) => e.tabIndex < 0)
            .map((e) => e.outerHTML.slice(0, 120)),
        );
        expect(missed, path).toEqual([]);
        for (let i = 0; i < 12; i++) {
          await page.keyboard.press("Tab");
          const text = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120));
          expect(await showsFocus(page), `${path}: ${text}`).toBe(true);
        }
      }
    });
    expect(faults).toEqual([]);
    await context.close();
  });
}
