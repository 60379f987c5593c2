// The API's documentation: in its frame in both languages, with the objects
// that one may read, tried from the page, under the page's own policy.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn();
});
test.afterAll(async () => {
  await server?.stop();
});

for (const lang of ["zh", "en"] as const) {
  test(`the API to read and to try, ${lang}`, async ({ browser }) => {
    const context = await browser.newContext({
      ...(lang === "en" ? PHONE : DESK),
      storageState: server.state,
    });
    const { page, faults } = await open(context, lang);
    await page.goto(`${server.url}/api/docs`);
    await expect(page.locator("h1").first()).toHaveText(lang === "zh" ? "API 文档" : "API documentation");
    await expect(page.locator(".swagger-ui .opblock-tag").first()).toBeVisible({ timeout: 30_000 });
    await isLoaded(page);
    // An object of the catalog, asked from here.
    await page.locator('.opblock-tag[data-tag="customer"]').click();
    const list = page.locator(".opblock-get", { has: page.locator('[data-path="/api/records/customer"]') });
    await list.first().locator(".opblock-summary-control").click();
    await list.first().getByRole("button", { name: "Try it out" }).click();
    await list.first().getByRole("button", { name: "Execute" }).click();
    await expect(
      list.first().locator(".live-responses-table tbody .response-col_status").first(),
    ).toContainText("200");
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(sideways).toBeLessThanOrEqual(0);
    expect(faults).toEqual([]);
    if (process.env.KEJI_SHOTS === "1")
      await page.screenshot({ path: `../docs/images/api-docs-${lang}${lang === "en" ? "-phone" : ""}.png` });
    await context.close();
  });
}
