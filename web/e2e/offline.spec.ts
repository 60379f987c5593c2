// The installed page: what makes it installable, and what it says offline.
import { expect, test } from "@playwright/test";
import { DESK, isLoaded, isSound, open, PHONE } from "./checks";
import { type Server, startServer } from "./server";
import { type SignedIn, signedIn } from "./signed-in";

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

const VISIT = {
  zh: {
    new: "新建",
    kind: "方式",
    day: "日期",
    who: "客户",
    summary: "摘要",
    save: "保存",
    kept: "联网后自动发送",
    waiting: "待发送 2",
    offline: "现在没有网络",
    customer: "客户（名称或编号）",
    text: "内容",
    keep: "存下",
    title: "等待发送",
    arrived: "已送到",
    visit: "拜访",
    close: "取消",
  },
  en: {
    new: "New",
    kind: "Kind",
    day: "Day",
    who: "Customer",
    summary: "Summary",
    save: "Save",
    kept: "as soon as there is",
    waiting: "To send: 2",
    offline: "There is no network",
    customer: "Customer (name or number)",
    text: "What it was about",
    keep: "Keep",
    title: "Waiting to be sent",
    arrived: "have arrived",
    visit: "Visit",
    close: "Cancel",
  },
} as const;

for (const lang of ["zh", "en"] as const)
  test(`visits written without a network arrive once, ${lang}, phone`, async ({ browser }) => {
    const words = VISIT[lang];
    const server: SignedIn = await signedIn();
    try {
      for (const name of ["青山机械", "蓝海电子"])
        await server.api.post("/api/records/customer", { data: { number: name, name, kind: "company" } });
      const context = await browser.newContext({
        ...PHONE,
        storageState: server.state,
        serviceWorkers: "allow",
      });
      const { page } = await open(context, lang);
      await page.goto(`${server.url}/records/touchpoint`);
      await isLoaded(page);
      await page.evaluate(() => navigator.serviceWorker.ready);
      await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
      // The form is open when the network goes.
      await page.getByRole("button", { name: words.new, exact: true }).click();
      const form = page.getByRole("dialog");
      await form.getByRole("combobox", { name: words.who }).fill("青山");
      await page.getByTitle("青山机械").first().click();
      await context.setOffline(true);
      await form.getByRole("combobox", { name: words.kind }).click();
      await page.getByTitle(words.visit, { exact: true }).click();
      await form.getByRole("textbox", { name: words.day }).fill("2026-11-20");
      await form.getByRole("button", { name: words.save }).click();
      await expect(page.getByText(words.kept).first()).toBeVisible();

      // The page starts without a network: nothing is known but who he is.
      await page.goto(`${server.url}/`);
      await expect(page.getByText(words.offline).first()).toBeVisible();
      await page.getByLabel(words.customer).fill("蓝海电子");
      await page.getByLabel(words.text, { exact: true }).fill("谈了明年的价格");
      await isSound(page, "offline-visit", lang);
      await page.getByRole("button", { name: words.keep }).click();
      await expect(page.getByRole("status").filter({ hasText: words.kept })).toBeVisible();

      // Back: both arrive, once, whatever is loaded again meanwhile.
      await context.setOffline(false);
      await page.reload();
      const all = async () => {
        const found = await server.api.get("/api/records/touchpoint?fields=customer,summary,kind");
        return (await found.json()).rows as { values: Record<string, unknown> }[];
      };
      await expect.poll(async () => (await all()).length, { timeout: 20_000 }).toBe(2);
      await expect(page.getByRole("button", { name: /待发送|To send/ })).toHaveCount(0);
      const rows = await all();
      expect(rows.map((row) => row.values.summary)).toContain("谈了明年的价格");
      expect(rows.every((row) => row.values.kind === "visit")).toBe(true);

      // What the server does not take stays, with its reason, and can be mended.
      await context.setOffline(true);
      await page.goto(`${server.url}/`);
      await page.getByLabel(words.customer).fill("没有这家");
      await page.getByLabel(words.text, { exact: true }).fill("问了交期");
      await page.getByRole("button", { name: words.keep }).click();
      await context.setOffline(false);
      await page.reload();
      await page.getByRole("button", { name: /待发送|To send/ }).click();
      const dialog = page.getByRole("dialog");
      await expect(dialog.getByRole("alert").filter({ hasText: "没有这家" })).toBeVisible();
      await isSound(page, "outbox", lang);
      expect((await all()).length).toBe(2);
      await context.close();
    } finally {
      await server.stop();
    }
  });
