// Webhooks: one is made, its secret is shown once, a test says how it went, a
// change arrives signed, and the log says so; in both languages and sizes.
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@playwright/test";
import { DESK, isSound, open, PHONE } from "./checks";
import { makeRecord, objectOf, type SignedIn, signedIn } from "./signed-in";

type Got = { headers: IncomingMessage["headers"]; body: string };

const WORDS = {
  zh: {
    add: "新建网络钩子",
    title: "网络钩子",
    name: "名称",
    url: "地址",
    save: "保存",
    kept: "已记下",
    test: "测试",
    log: "投递记录",
    received: "已送到",
    rotate: "换密钥",
    remove: "删除",
  },
  en: {
    add: "Add a webhook",
    title: "Webhooks",
    name: "Name",
    url: "Address",
    save: "Save",
    kept: "I have it",
    test: "Test",
    log: "Deliveries",
    received: "received",
    rotate: "New secret",
    remove: "Delete",
  },
} as const;

let receiver: Server;
let server: SignedIn;
const got: Got[] = [];
test.beforeAll(async () => {
  receiver = createServer((request, answer) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      got.push({ headers: request.headers, body });
      answer.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  process.env.KEJI_ALLOW_OUTBOUND = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  server = await signedIn();
});
test.afterAll(async () => {
  delete process.env.KEJI_ALLOW_OUTBOUND;
  await server?.stop();
  receiver?.close();
});
test.describe.configure({ mode: "serial" });

for (const lang of ["zh", "en"] as const) {
  test(`a webhook from its making to its log, ${lang}`, async ({ browser }) => {
    const words = WORDS[lang];
    const context = await browser.newContext({
      ...(lang === "en" ? PHONE : DESK),
      storageState: server.state,
    });
    const { page, faults } = await open(context, lang);
    await page.goto(`${server.url}/settings/webhooks`);
    await expect(page.locator("h1")).toHaveText(words.title);
    await isSound(page, "webhooks-none", lang);
    await page.getByRole("button", { name: words.add }).click();
    await page.getByLabel(words.name, { exact: true }).fill("8848");
    const { port } = receiver.address() as AddressInfo;
    await page.getByLabel(words.url, { exact: true }).fill(`http://127.0.0.1:${port}/${lang}`);
    await isSound(page, "webhook-form", lang);
    await page.getByRole("button", { name: words.save, exact: true }).click();
    const secret = (await page.locator("code.secret").textContent()) ?? "";
    expect(secret).toMatch(/^whsec_/);
    await isSound(page, "webhook-secret", lang);
    await page.getByRole("button", { name: words.kept }).click();
    await expect(page.locator("code.secret")).toHaveCount(0);

    await page.getByRole("button", { name: words.test, exact: true }).click();
    await expect(page.getByRole("status").filter({ hasText: "204" })).toBeVisible();
    const before = got.length;
    const product = await objectOf(server.api, "product");
    await makeRecord(server.api, product, {});
    await expect.poll(() => got.length).toBeGreaterThan(before);
    const one = got.at(-1) as Got;
    const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signed } = one.headers;
    const key = Buffer.from(secret.replace("whsec_", ""), "base64");
    const mac = createHmac("sha256", key).update(`${id}.${at}.${one.body}`).digest("base64");
    expect(signed).toBe(`v1,${mac}`);

    await page.getByRole("button", { name: words.log }).click();
    await expect(page.getByText(words.received, { exact: true })).toHaveCount(2);
    await isSound(page, "webhooks", lang);
    await page.getByRole("button", { name: words.rotate }).click();
    await page.getByRole("dialog").getByRole("button", { name: words.rotate }).click();
    await expect(page.locator("code.secret")).not.toHaveText(secret);
    await page.getByRole("button", { name: new RegExp(words.remove) }).click();
    await page.getByRole("dialog").getByRole("button", { name: words.remove, exact: true }).click();
    await expect(page.locator(".empty")).toBeVisible();
    expect(faults).toEqual([]);
    await context.close();
  });
}
