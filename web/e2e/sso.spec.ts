// Single sign-on with a real provider: entered by the administrator on the
// page, used by people; whom nobody knows it does not let in, and who comes in
// by it has no other way unless the administrator allows one.
import { type APIRequestContext, expect, type Page, request, test } from "@playwright/test";
import { DESK, isSound, open, PHONE } from "./checks";
import { CLIENT, type Running, startProvider } from "./provider";
import { type Fresh, OWNER, startFresh } from "./signed-in";

const WORDS = {
  zh: {
    add: "添加登录服务",
    name: "名称",
    issuer: "地址（issuer）",
    client: "客户端编号（client id）",
    secret: "客户端密钥（client secret）",
    save: "保存",
    unknown: "不对应这里的任何用户",
    refused: "单点登录没有成功",
  },
  en: {
    add: "Add a provider",
    name: "Name",
    issuer: "Address (issuer)",
    client: "Client id",
    secret: "Client secret",
    save: "Save",
    unknown: "is no user here",
    refused: "Single sign-on did not work",
  },
} as const;

let provider: Running;
let server: Fresh;
let owner: APIRequestContext;

test.beforeAll(async () => {
  // The provider wants to know where it sends people before they are sent; the
  // server, where it may go out to. The port of one has to come first.
  const probe = await startFresh();
  const { port } = new URL(probe.url);
  await probe.stop();
  provider = await startProvider(`http://127.0.0.1:${port}/api/session/sso/callback`);
  server = await startFresh([
    "--listen",
    `127.0.0.1:${port}`,
    "--allow-outbound",
    new URL(provider.issuer).host,
  ]);
  owner = await request.newContext({ baseURL: server.url });
  const made = await owner.post("/api/setup", { data: { code: server.code, ...OWNER } });
  expect(made.ok(), await made.text()).toBe(true);
});
test.afterAll(async () => {
  await owner?.dispose();
  await server?.stop();
  await provider?.stop();
});
test.describe.configure({ mode: "serial" });

/** On the provider's own pages. */
async function signInThere(page: Page, name: string): Promise<void> {
  await expect(page).toHaveURL(new RegExp(`^${provider.issuer}`));
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  // And that it may tell.
  await page.locator("button[type=submit]").click();
}

for (const [i, lang] of (["zh", "en"] as const).entries()) {
  test(`single sign-on, ${lang}`, async ({ browser }) => {
    const words = WORDS[lang];
    const person = ["wang", "smith"][i] ?? "";
    const called = `700${i}`;
    const added = await owner.post("/api/users", {
      data: {
        login: person,
        name: called,
        role: "representative",
        email: `${person}@Example.com`,
        password: OWNER.password,
      },
    });
    expect(added.ok(), await added.text()).toBe(true);

    await test.step("the administrator enters it", async () => {
      const context = await browser.newContext({ ...DESK, storageState: await owner.storageState() });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/settings/providers`);
      await isSound(page, "providers-empty", lang);
      await page.getByRole("button", { name: words.add }).click();
      const box = (name: string) => page.getByLabel(name, { exact: true });
      await box(words.name).fill("123");
      await box(words.issuer).fill(provider.issuer);
      await box(words.client).fill(CLIENT.id);
      await box(words.secret).fill(CLIENT.secret);
      await isSound(page, "providers-form", lang);
      await page.getByRole("button", { name: words.save }).click();
      await expect(page.locator("tbody tr")).toHaveCount(1);
      await isSound(page, "providers", lang);
      expect(faults).toEqual([]);
      await context.close();
    });

    const visit = async (name: string): Promise<{ page: Page; close: () => Promise<void> }> => {
      const context = await browser.newContext(lang === "en" ? PHONE : DESK);
      // Nobody: the cookie of another story would be somebody's.
      await context.addCookies([{ name: "language", value: lang, url: server.url }]);
      const { page } = await open(context, lang);
      await page.goto(`${server.url}/`);
      await page.getByRole("button", { name: /123/ }).click();
      await signInThere(page, name);
      return { page, close: () => context.close() };
    };
    const byPassword = async () => {
      const anybody = await request.newContext({ baseURL: server.url });
      const answer = await anybody.post("/api/session", {
        data: { login: person, password: OWNER.password },
      });
      const said = { status: answer.status(), code: ((await answer.json()) as { code?: string }).code };
      await anybody.dispose();
      return said;
    };

    await test.step("whom the product does not know", async () => {
      expect((await byPassword()).status).toBe(200);
      for (const [name, said] of [
        ["nobody", words.unknown],
        [`unverified-${person}`, words.refused],
      ] as const) {
        const { page, close } = await visit(name);
        await expect(page.getByRole("alert")).toContainText(said);
        await isSound(page, "sign-in-provider-refused", lang);
        await close();
      }
      expect((await byPassword()).status).toBe(200);
    });

    await test.step("whom it knows", async () => {
      for (let n = 0; n < 2; n++) {
        const { page, close } = await visit(person);
        await expect(page.locator(".user-menu")).toBeVisible();
        await expect(page.locator(".user-menu > summary")).toHaveAttribute("title", new RegExp(called));
        await close();
      }
    });

    await test.step("has no other way, unless it is allowed", async () => {
      expect(await byPassword()).toEqual({ status: 401, code: "sso_only" });
      const { providers } = (await (await owner.get("/api/providers")).json()) as {
        providers: { id: number; allows_other_ways: boolean }[];
      };
      const [known] = providers;
      if (!known) throw new Error("no provider");
      const { id, ...rest } = known;
      const path = `/api/providers/${id}`;
      expect((await owner.put(path, { data: { ...rest, allows_other_ways: true } })).status()).toBe(204);
      expect((await byPassword()).status).toBe(200);
      // Another address would be sent the secret: it is asked for anew.
      const moved = await owner.put(path, { data: { ...rest, issuer: "https://id.example.com" } });
      expect(moved.status()).toBe(422);
      expect((await owner.delete(path)).status()).toBe(204);
    });
  });
}
