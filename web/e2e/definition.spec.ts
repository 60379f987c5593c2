// What a metric means, on its own page: who answers for it, what others have
// found, an example that comes out; and what to record where nothing is.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { fixtureCsv, importCsv } from "./fixture";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
  await importCsv(server.url, fixtureCsv("digits"), "orders.csv");
});
test.afterAll(async () => {
  await server?.stop();
});

const WORDS = {
  zh: {
    none: "还没有数据",
    reply: "答卷",
    owner: "客户成功",
    of: "丙：经验之谈",
    choice: "推荐意愿",
    up: "越高越好",
  },
  en: {
    none: "No data yet",
    reply: "Reply",
    owner: "Customer success",
    of: "C: a rule of thumb",
    choice: "Recommendation",
    up: "Higher is better",
  },
} as const;

for (const lang of ["zh", "en"] as const satisfies Lang[])
  for (const [size, device] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const)
    test(`what a metric means, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext(device);
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/metrics/net_promoter_score`);
      await isLoaded(page);

      // Nobody was asked: no chart of zeros, but what to record and where.
      await expect(page.getByRole("heading", { name: words.none })).toBeVisible();
      await expect(page.locator(".missing-data li")).toContainText(words.reply);
      await expect(page.locator(".missing-data a")).toHaveAttribute("href", "/records/reply");
      await expect(page.locator(".answer")).toHaveCount(0);

      const panel = page.locator(".definition");
      await expect(panel.locator(".facts")).toContainText(words.owner);
      await expect(panel.locator(".facts")).toContainText(words.up);
      const found = panel.locator("table").first().locator("tbody tr");
      await expect(found).toHaveCount(2);
      await expect(found.first()).toContainText(words.of);
      await panel.locator("summary").click();
      const given = panel.locator(".example table").first();
      await expect(given.locator("tbody tr")).toHaveCount(16);
      await expect(given.locator("tbody tr").first()).toContainText(words.choice);
      await expect(panel.locator(".example table").last().locator("tbody td.num")).toHaveText("28.57");
      await isSound(page, "metric-definition", lang);

      // One with data has its chart, and nothing that is missing.
      await page.goto(`${server.url}/metrics/net_revenue`);
      await isLoaded(page);
      await expect(page.locator(".answer")).toBeVisible();
      await expect(page.locator(".missing-data")).toHaveCount(0);
      await expect(panel.locator(".code-block")).toContainText("sum(net_amount)");
      expect(faults).toEqual([]);
      await context.close();
    });
