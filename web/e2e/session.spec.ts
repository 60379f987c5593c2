// Getting in: the first start with the code of the console, a wrong password,
// the second factor, signing out; a representative sees own customers only.
import { createHmac } from "node:crypto";
import { expect, type Page, test } from "@playwright/test";
import { DESK, isSound, type Lang, open, PHONE } from "./checks";
import { type Fresh, makeRecord, OWNER, objectOf, startFresh } from "./signed-in";

const WORDS = {
  zh: {
    setup: "第一次启动",
    code: "启动代码",
    login: "登录名",
    name: "姓名",
    password: "密码",
    again: "再填一次密码",
    start: "开始使用",
    signIn: "登录",
    wrong: "登录名或密码不对",
    second: "验证码",
    account: "我的账户",
    signOut: "退出登录",
    turnOn: "开启两步验证",
    enter: "应用显示的六位数字",
    confirm: "确认开启",
    on: "已开启",
    settings: "设置",
  },
  en: {
    setup: "First start",
    code: "Start code",
    login: "Sign-in name",
    name: "Name",
    password: "Password",
    again: "Password again",
    start: "Start",
    signIn: "Sign in",
    wrong: "The sign-in name or the password is wrong",
    second: "Code",
    account: "My account",
    signOut: "Sign out",
    turnOn: "Turn on",
    enter: "Six digits from the app",
    confirm: "Confirm",
    on: "On",
    settings: "Settings",
  },
} as const;

/** The six digits of a secret (RFC 6238: SHA-1, 30 s). */
function totp(secret: string, at = Date.now()): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[\s=]/g, "")].map((c) => letters.indexOf(c).toString(2).padStart(5, "0"));
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", Buffer.from(bytes.map((b) => Number.parseInt(b, 2))))
    .update(counter)
    .digest();
  const from = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const box = (page: Page, name: string) => page.getByLabel(name, { exact: true });
/** A refused sign-in is an answer that the page asked for. */
const unexpected = (faults: string[]) => faults.filter((fault) => !/40[13]/.test(fault));

async function signInAs(page: Page, lang: Lang, login: string, password: string): Promise<void> {
  const words = WORDS[lang];
  await box(page, words.login).fill(login);
  await box(page, words.password).fill(password);
  await page.getByRole("button", { name: words.signIn, exact: true }).click();
}

async function signOutOf(page: Page, lang: Lang): Promise<void> {
  await page.locator(".user-menu > summary").click();
  await page.getByRole("button", { name: WORDS[lang].signOut }).click();
  await expect(page.locator("h1")).toHaveText(WORDS[lang].signIn);
}

/** A server can be started for the first time once. */
const STARTS = [
  ["desk", DESK, "zh"],
  ["desk", DESK, "en"],
  ["phone", PHONE, "zh"],
  ["phone", PHONE, "en"],
] as const;

for (const [screen, size, lang] of STARTS)
  test.describe(`${screen}, ${lang}`, () => {
    test.describe.configure({ mode: "serial" });
    let server: Fresh;
    test.beforeAll(async () => {
      server = await startFresh();
    });
    test.afterAll(async () => {
      await server?.stop();
    });

    test("the first start", async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext(size);
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/records`);
      await expect(page.locator("h1")).toHaveText(words.setup);
      await isSound(page, "setup", lang);
      const fill = async (code: string) => {
        await box(page, words.code).fill(code);
        await box(page, words.login).fill(OWNER.login);
        await box(page, words.name).fill(OWNER.name);
        await box(page, words.password).fill(OWNER.password);
        await box(page, words.again).fill(OWNER.password);
        await page.getByRole("button", { name: words.start }).click();
      };
      await fill("WRONG-CODE");
      await expect(page.getByRole("alert").first()).toBeVisible();
      await fill(server.code);
      // One is where one wanted to be.
      await expect(page).toHaveURL(/\/records$/);
      await expect(page.locator(".user-menu")).toBeVisible();
      await signOutOf(page, lang);
      expect(unexpected(faults)).toEqual([]);
      await context.close();
    });

    test("signing in", async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext(size);
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/metrics`);
      await expect(page.locator("h1")).toHaveText(words.signIn);
      await isSound(page, "sign-in", lang);
      await signInAs(page, lang, OWNER.login, "not the password");
      await expect(page.getByRole("alert")).toContainText(words.wrong);
      await isSound(page, "sign-in-wrong", lang);
      await box(page, words.password).fill(OWNER.password);
      await page.keyboard.press("Enter");
      await expect(page).toHaveURL(/\/metrics$/);
      await expect(page.locator(".metric-list li").first()).toBeVisible();
      await signOutOf(page, lang);
      expect(unexpected(faults)).toEqual([]);
      await context.close();
    });

    test("the second factor", async ({ browser }) => {
      const words = WORDS[lang];
      const context = await browser.newContext({ ...size, baseURL: server.url });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/account`);
      await signInAs(page, lang, OWNER.login, OWNER.password);
      await expect(page.locator("h1")).toHaveText(words.account);
      await page.getByRole("button", { name: words.turnOn }).click();
      await expect(page.locator(".qr svg")).toBeVisible();
      const secret = (await page.locator(".secret").first().textContent()) ?? "";
      await isSound(page, "account", lang);
      await box(page, words.enter).fill(totp(secret));
      await page.getByRole("button", { name: words.confirm }).click();
      await expect(page.getByText(words.on, { exact: true })).toBeVisible();
      await signOutOf(page, lang);
      await signInAs(page, lang, OWNER.login, OWNER.password);
      await expect(box(page, words.second)).toBeFocused();
      await isSound(page, "sign-in-second", lang);
      // Who has only begun to type is not told of a mistake; who made one is.
      await box(page, words.second).fill("000000");
      await expect(page.getByRole("alert")).toHaveCount(0);
      await page.getByRole("button", { name: words.signIn, exact: true }).click();
      await expect(page.getByRole("alert")).toBeVisible();
      await expect(box(page, words.second)).toHaveValue("");
      // The digits that turned it on may be used up; those of the next half minute are not.
      await box(page, words.second).fill(totp(secret, Date.now() + 30_000));
      await page.getByRole("button", { name: words.signIn, exact: true }).click();
      await expect(page.locator("h1")).toHaveText(words.account);
      expect(unexpected(faults)).toEqual([]);

      await test.step("a representative sees own customers only", async () => {
        const api = context.request;
        const made = await api.post("/api/users", {
          data: { login: "rep", name: "2001", role: "representative", password: OWNER.password },
        });
        expect(made.ok(), await made.text()).toBe(true);
        const { id } = (await made.json()) as { id: number };
        const customer = await objectOf(api, "customer");
        await makeRecord(api, customer, { number: "71", name: "7001", user: id });
        await makeRecord(api, customer, { number: "72", name: "7002" });
        await signOutOf(page, lang);
        await signInAs(page, lang, "rep", OWNER.password);
        await expect(page.locator("h1")).toHaveText(words.account);
        await page.goto(`${server.url}/records/customer`);
        await expect(page.locator(".rows .row:not(.head)")).toHaveCount(1);
        await expect(page.locator(".rows")).toContainText("7001");
        await expect(page.locator(".rows")).not.toContainText("7002");
        // What the role may not open is not shown, and its address says so.
        await expect(page.getByRole("link", { name: words.settings })).toHaveCount(0);
        await page.goto(`${server.url}/settings/users`);
        await expect(page.locator(".empty")).toBeVisible();
        await isSound(page, "not-allowed", lang);
      });
      await context.close();
    });
  });
