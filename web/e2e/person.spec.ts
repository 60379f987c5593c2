// A person's data: a consent is recorded, a covered number is shown for a
// reason, everything is taken out as one file, and the person is erased.
import { expect, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { makeRecord, OWNER, objectOf, type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    consent: "登记授权",
    source: "来源",
    save: "保存",
    given: "同意",
    export: "导出全部数据",
    erase: "申请清除",
    ask: "申请",
    reason: "原因",
    waiting: "去看待确认的申请",
    confirm: "确认清除",
    close: "关闭",
    reveal: "查看“手机”的原值",
    show: "查看",
    why: "核对收货电话",
    letter: "本人来信要求",
    type: "来确认",
  },
  en: {
    consent: "Record a consent",
    source: "Source",
    save: "Save",
    given: "Given",
    export: "Take out all data",
    erase: "Ask for erasure",
    ask: "Ask",
    reason: "Reason",
    waiting: "See what waits",
    confirm: "Erase",
    close: "Close",
    reveal: "Show Mobile",
    show: "Show",
    why: "call back about order 7",
    letter: "asked by letter",
    type: "to confirm",
  },
} as const;

const MOBILE = "13912345678";
let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn();
  const role = {
    name: { zh: "外包", en: "Agency" },
    about: { zh: "外包", en: "Agency" },
    grants: [{ object: "*", actions: ["read"], rows: "all" }],
    fields: [{ field: "contact.mobile", as: "masked", reveal: true }],
  };
  expect((await server.api.put("/api/roles/agency", { data: role })).ok()).toBe(true);
  const user = { login: "agency", name: "2002", role: "agency", password: OWNER.password };
  expect((await server.api.post("/api/users", { data: user })).ok()).toBe(true);
});
test.afterAll(async () => {
  await server?.stop();
});

const personOf = async (name: string): Promise<number> => {
  const customer = await makeRecord(server.api, await objectOf(server.api, "customer"), { name: "8001" });
  return makeRecord(server.api, await objectOf(server.api, "contact"), {
    name,
    mobile: MOBILE,
    customer,
  });
};

for (const lang of ["zh", "en"] as const satisfies readonly Lang[]) {
  for (const at of ["desk", "phone"] as const) {
    const size = at === "desk" ? DESK : PHONE;
    const words = WORDS[lang];

    test(`a person taken out and erased, ${lang}, ${at}`, async ({ browser }) => {
      const name = `9${Date.now()}`;
      const id = await personOf(name);
      const context = await browser.newContext({ ...size, storageState: server.state });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/records/contact/${id}`);
      await expect(page.locator("h1")).toHaveText(name);
      await page.getByRole("button", { name: words.consent }).click();
      const form = page.getByRole("dialog", { name: words.consent });
      await form.getByLabel(words.source).fill("17");
      await form.getByRole("button", { name: words.save }).click();
      await expect(page.locator(".consents li")).toContainText(words.given);
      await isLoaded(page);
      await isSound(page, "person", lang);

      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: words.export }).click();
      expect((await download).suggestedFilename()).toBe(`keji-contact-${id}.zip`);

      await page.getByRole("button", { name: words.erase }).click();
      const asking = page.getByRole("dialog", { name: words.erase });
      await isSound(page, "erasure-asked", lang);
      await asking.getByLabel(words.reason).fill(words.letter);
      await asking.getByRole("button", { name: words.ask, exact: true }).click();
      await page.getByRole("link", { name: words.waiting }).click();
      await expect(page).toHaveURL(/\/settings\/privacy$/);
      await expect(page.getByRole("link", { name })).toBeVisible();
      await isLoaded(page);
      await isSound(page, "erasures", lang);
      await page.getByRole("button", { name: words.confirm }).click();
      const sure = page.getByRole("dialog");
      await sure.getByLabel(words.type).fill(name);
      await sure.getByRole("button", { name: words.confirm }).click();
      await expect(sure.getByRole("status")).toContainText("erased-");
      await isSound(page, "erasure-done", lang);
      await sure.getByRole("button", { name: words.close }).click();
      await page
        .getByRole("link", { name: /^erased-/ })
        .first()
        .click();
      await expect(page.locator("h1")).toHaveText(/^erased-/);
      await expect(page.getByText(MOBILE)).toHaveCount(0);
      expect(faults).toEqual([]);
      await context.close();
    });

    test(`a covered value shown for a reason, ${lang}, ${at}`, async ({ browser }) => {
      const id = await personOf(`9${Date.now()}`);
      const api = await request.newContext({ baseURL: server.url });
      const entered = await api.post("/api/session", {
        data: { login: "agency", password: OWNER.password },
      });
      expect(entered.ok()).toBe(true);
      const context = await browser.newContext({ ...size, storageState: await api.storageState() });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/records/contact/${id}`);
      await expect(page.getByText("139****5678").first()).toBeVisible();
      await page.getByRole("button", { name: words.reveal }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: words.show, exact: true }).click();
      await expect(dialog.getByRole("alert")).toBeVisible();
      await isSound(page, "reveal", lang);
      await dialog.getByLabel(words.reason).fill(words.why);
      await dialog.getByRole("button", { name: words.show, exact: true }).click();
      await expect(dialog.getByRole("status")).toHaveText(MOBILE);
      await dialog.getByRole("button", { name: words.close }).click();
      await expect(page.getByText(MOBILE)).toHaveCount(0);
      const log = await server.api.get("/api/audit?kind=reveal&limit=1");
      expect((await log.json()).entries[0].after).toEqual({ field: "mobile", reason: words.why });
      // The empty reason was refused.
      expect(faults.filter((fault) => !/422/.test(fault))).toEqual([]);
      await context.close();
      await api.dispose();
    });
  }
}
