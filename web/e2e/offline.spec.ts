// The installed page: what makes it installable, and what it says offline.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, open } from "./checks";
import { type Server, startServer } from "./server";

let server: Server;
test.beforeAll(async () => {
  server = await startServer();
});
test.afterAll(async () => {
  await server?.stop();
});

test("can be installed", async ({ request }) => {
  const page = await (await request.get(server.url)).text();
  expect(page).toContain('rel="manifest"');
  const answer = await request.get(`${server.url}/manifest.webmanifest`);
  expect(answer.headers()["content-type"]).toMatch(/json/);
  const manifest = await answer.json();
  expect(manifest).toMatchObject({ name: "Keji 客绩", display: "standalone", start_url: "/", lang: "zh-CN" });
  for (const icon of manifest.icons) {
    const image = await request.get(server.url + icon.src);
    expect(image.headers()["content-type"]).toBe("image/png");
    // Width and height stand at bytes 16 and 20 of every PNG.
    const bytes = await image.body();
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(icon.sizes);
  }
  const worker = await request.get(`${server.url}/sw.js`);
  expect(worker.headers()["content-type"]).toMatch(/javascript/);
  expect(worker.headers()["cache-control"]).toBe("no-cache");
});

test("starts offline, says so, and keeps no answer of the API", async ({ browser }) => {
  const context = await browser.newContext({ ...DESK, serviceWorkers: "allow" });
  const { page } = await open(context, "zh");
  await page.goto(server.url);
  await isLoaded(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  const kept = await page.evaluate(async () => {
    const found: string[] = [];
    for (const name of await caches.keys())
      for (const request of await (await caches.open(name)).keys()) found.push(new URL(request.url).pathname);
    return found;
  });
  expect(kept).toContain("/");
  expect(kept.filter((path) => path.startsWith("/assets/")).length).toBeGreaterThan(20);
  expect(kept.filter((path) => path.startsWith("/api"))).toEqual([]);

  await context.setOffline(true);
  const refused: string[] = [];
  page.on("console", (message) => {
    if (/content security policy/i.test(message.text())) refused.push(message.text());
  });
  await page.goto(`${server.url}/metrics`);
  await expect(page.getByText("现在没有网络")).toBeVisible();
  await expect(page.getByRole("navigation")).toBeVisible();
  // Every start has a nonce of its own, also without the server.
  const nonce = () =>
    page.evaluate(() => document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce);
  const first = await nonce();
  await page.reload();
  await expect(page.getByText("现在没有网络")).toBeVisible();
  expect(await nonce()).not.toBe(first);
  expect(refused).toEqual([]);

  await context.setOffline(false);
  await expect(page.locator("h1")).toHaveText("指标", { timeout: 20_000 });
  await context.close();
});
