// When there is nothing to show: no data, a server in trouble, no server.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isAccessible, isLoaded, open, PHONE } from "./checks";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(async () => {
  await server?.stop();
});

const WORDS = {
  zh: { noOrders: "还没有订单", retry: "重试", unreachable: "连不上服务" },
  en: { noOrders: "No orders yet", retry: "Try again", unreachable: "The server cannot be reached" },
} as const;
const PROBLEM = {
  type: "/problems/internal",
  title: "Something broke",
  status: 500,
  detail: "It is written down as 7f3a.",
  code: "internal",
  at: [],
};

/** Nothing wider than the screen, and no word broken into a column of letters. */
async function reads(page: Page, name: string): Promise<void> {
  const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(width, `${name}: scrolls sideways`).toBeLessThanOrEqual(0);
  const narrow = await page.evaluate(() =>
    [...document.querySelectorAll(".ant-alert-title, .ant-alert-description")]
      .filter((e) => e.getBoundingClientRect().width < 90)
      .map((e) => e.textContent),
  );
  expect(narrow, `${name}: too narrow`).toEqual([]);
  await isAccessible(page, name);
}

for (const lang of ["zh", "en"] as const) {
  for (const [screen, options, mode] of [
    ["desk", DESK, "light"],
    ["phone", PHONE, "dark"],
  ] as const) {
    test(`nothing to show, ${lang}, ${screen}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext(options);
      const { page } = await open(context, lang, mode);

      for (const path of ["/", "/customers", "/import", "/metrics/net_revenue"]) {
        await page.goto(server.url + path);
        await isLoaded(page);
        await reads(page, `empty ${path}`);
      }
      await page.goto(server.url);
      await expect(page.getByText(words.noOrders)).toBeVisible();

      await page.route("**/api/{customers,imports,insight}**", (route) =>
        route.fulfill({
          status: 500,
          contentType: "application/problem+json",
          body: JSON.stringify(PROBLEM),
        }),
      );
      for (const path of ["/customers/1", "/import"]) {
        await page.goto(server.url + path);
        await expect(page.getByText(PROBLEM.title).first()).toBeVisible();
        await expect(page.getByText(PROBLEM.detail).first()).toBeVisible();
        await reads(page, `500 ${path}`);
      }

      await page.route("**/api/**", (route) => route.abort());
      await page.goto(server.url);
      await expect(page.getByText(words.unreachable)).toBeVisible();
      await expect(page.locator(".skeleton")).toHaveCount(0);
      await reads(page, "no server");
      await page.unrouteAll();
      await page.getByRole("button", { name: words.retry }).click();
      await expect(page.getByText(words.noOrders)).toBeVisible();

      // What stands between may answer in words of its own, which help nobody.
      await page.route("**/api/status", (route) => route.fulfill({ status: 502, body: "Bad Gateway" }));
      await page.goto(server.url);
      await expect(page.getByText(words.unreachable)).toBeVisible();
      await context.close();
    });
  }
}
