// A passkey: made on the account page, used to sign in, seen in the log,
// deleted, and then of no use. The device is the browser's own stand-in.
import { expect, type Page, request, test } from "@playwright/test";
import { DESK, isSound, type Lang, open, PHONE } from "./checks";
import { type Fresh, OWNER, startFresh } from "./signed-in";

const WORDS = {
  zh: {
    login: "登录名",
    password: "密码",
    signIn: "登录",
    signOut: "退出登录",
    account: "我的账户",
    name: "名称，例如：办公室电脑",
    add: "添加通行密钥",
    none: "还没有通行密钥",
    use: "用通行密钥登录",
    remove: "删除",
    passkey: "通行密钥",
    elsewhere: "要用通行密钥登录，请打开",
  },
  en: {
    login: "Sign-in name",
    password: "Password",
    signIn: "Sign in",
    signOut: "Sign out",
    account: "My account",
    name: "Name, such as: office computer",
    add: "Add a passkey",
    none: "No passkeys yet",
    use: "Use a passkey",
    remove: "Delete",
    passkey: "passkey",
    elsewhere: "To sign in with a passkey, open",
  },
} as const;

let server: Fresh;
let named: string;
test.beforeAll(async () => {
  server = await startFresh();
  named = server.url.replace("127.0.0.1", "localhost");
  const api = await request.newContext({ baseURL: server.url });
  const made = await api.post("/api/setup", { data: { code: server.code, ...OWNER } });
  expect(made.ok(), await made.text()).toBe(true);
  await api.dispose();
});
test.afterAll(async () => {
  await server?.stop();
});
test.describe.configure({ mode: "serial" });

async function signOutOf(page: Page, lang: Lang): Promise<void> {
  await page.locator(".user-menu > summary").click();
  await page.getByRole("button", { name: WORDS[lang].signOut }).click();
  await expect(page.locator("h1")).toHaveText(WORDS[lang].signIn);
}

for (const lang of ["zh", "en"] as const) {
  test(`a passkey, ${lang}`, async ({ browser }) => {
    const words = WORDS[lang];
    const context = await browser.newContext(lang === "en" ? PHONE : DESK);
    const { page, faults } = await open(context, lang);
    const device = await context.newCDPSession(page);
    await device.send("WebAuthn.enable");
    await device.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });

    await test.step("a number is no name", async () => {
      await page.goto(`${server.url}/account`);
      await expect(page.getByText(words.elsewhere)).toBeVisible();
      await expect(page.getByRole("link", { name: named })).toHaveAttribute("href", `${named}/account`);
    });

    await test.step("making one", async () => {
      await page.goto(`${named}/account`);
      await page.getByLabel(words.login, { exact: true }).fill(OWNER.login);
      await page.getByLabel(words.password, { exact: true }).fill(OWNER.password);
      await page.getByRole("button", { name: words.signIn, exact: true }).click();
      await expect(page.locator("h1")).toHaveText(words.account);
      await expect(page.getByText(words.none)).toBeVisible();
      await page.getByLabel(words.name, { exact: true }).fill("900");
      await page.getByRole("button", { name: words.add }).click();
      await expect(page.locator(".passkeys tbody tr")).toHaveCount(1);
      await expect(page.locator(".passkeys")).toContainText("localhost");
      await isSound(page, "account-passkeys", lang);
    });

    await test.step("signing in", async () => {
      for (let i = 0; i < 2; i++) {
        await signOutOf(page, lang);
        await isSound(page, "sign-in-passkey", lang);
        await page.getByRole("button", { name: words.use }).click();
        await expect(page.locator("h1")).toHaveText(words.account);
      }
      expect(faults).toEqual([]);
    });

    await test.step("the log has it", async () => {
      await page.goto(`${named}/settings/audit?kind=sign_in`);
      await expect(page.locator(".audit li").first()).toContainText(words.passkey);
      await expect(page.locator(".audit li").first()).toContainText("127.0.0.1");
      await isSound(page, "audit-sign-ins", lang);
    });

    await test.step("a deleted one is of no use", async () => {
      await page.goto(`${named}/account`);
      await page.locator(".passkeys tbody tr").getByRole("button").click();
      await page.getByRole("dialog").getByRole("button", { name: words.remove, exact: true }).click();
      await expect(page.getByText(words.none)).toBeVisible();
      await signOutOf(page, lang);
      await page.getByRole("button", { name: words.use }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await isSound(page, "sign-in-passkey-refused", lang);
    });
    expect(faults.filter((fault) => !/401/.test(fault))).toEqual([]);
    await context.close();
  });
}
