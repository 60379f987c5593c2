// A file with its content: brought to a customer, seen there, taken out again,
// replaced; and not there for whom the customer is not.
import { readFileSync } from "node:fs";
import { expect, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { OWNER, type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    files: "附件",
    choose: "上传文件",
    download: "下载 ",
    content: "文件内容",
    replace: "替换内容",
    add: "新建",
    create: "新建附件",
    save: "保存",
    mustChoose: "请选择一个文件",
    gone: "这条记录不在了，或者您不能看",
  },
  en: {
    files: "Files",
    choose: "Upload files",
    download: "Download ",
    content: "Content",
    replace: "Replace content",
    add: "New",
    create: "New: File",
    save: "Save",
    mustChoose: "Choose a file",
    gone: "This record is gone, or you may not see it",
  },
} as const;

let server: SignedIn;
test.beforeAll(async () => {
  server = await signedIn();
  const user = { login: "rep", name: "2002", role: "representative", password: OWNER.password };
  expect((await server.api.post("/api/users", { data: user })).ok()).toBe(true);
});
test.afterAll(async () => {
  await server.stop();
});

async function customerOf(name: string): Promise<number> {
  const made = await server.api.post("/api/records/customer", { data: { name } });
  expect(made.ok()).toBe(true);
  return (await made.json()).id;
}

for (const lang of ["zh", "en"] as Lang[]) {
  for (const at of ["desk", "phone"] as const) {
    const size = at === "desk" ? DESK : PHONE;
    const words = WORDS[lang];

    test(`a file at a customer, ${lang}, ${at}`, async ({ browser }) => {
      const customer = await customerOf(`8${Date.now()}`);
      const context = await browser.newContext({ ...size, storageState: server.state });
      const { page, faults } = await open(context, lang);
      await page.goto(`${server.url}/customers/${customer}`);
      await isLoaded(page);
      const panel = page.locator(".files");
      await expect(panel.getByRole("heading", { name: words.files })).toBeVisible();
      const bytes = Buffer.from("1001 2002 3003");
      const input = panel.locator('input[type="file"]');
      await input.setInputFiles([
        { name: "1001.txt", mimeType: "text/plain", buffer: bytes },
        { name: "2002.txt", mimeType: "image/svg+xml", buffer: Buffer.from("<svg/>") },
      ]);
      await expect(panel.getByRole("link", { name: "1001.txt", exact: true })).toBeVisible();
      await expect(panel.getByRole("link", { name: "2002.txt", exact: true })).toBeVisible();
      await isLoaded(page);
      await panel.scrollIntoViewIfNeeded();
      await isSound(page, "files", lang);

      // Dropped is as good as chosen.
      const dropped = await page.evaluateHandle(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["4004"], "3003.txt"));
        return transfer;
      });
      await panel.dispatchEvent("drop", { dataTransfer: dropped });
      await expect(panel.getByRole("link", { name: "3003.txt", exact: true })).toBeVisible();

      const download = page.waitForEvent("download");
      await panel.getByRole("link", { name: `${words.download}1001.txt` }).click();
      const taken = await download;
      expect(taken.suggestedFilename()).toBe("1001.txt");
      expect(readFileSync(await taken.path())).toEqual(bytes);

      // Its own page: the content is replaced.
      await panel.getByRole("link", { name: "1001.txt", exact: true }).click();
      await expect(page.locator("h1")).toHaveText("1001.txt");
      await expect(page.getByRole("heading", { name: words.content })).toBeVisible();
      await isLoaded(page);
      await isSound(page, "file", lang);
      const id = new URL(page.url()).pathname.split("/").at(-1);
      await page
        .locator(`input[aria-label="${words.replace}"]`)
        .setInputFiles([{ name: "x", mimeType: "text/plain", buffer: Buffer.from("5005") }]);
      await expect.poll(async () => (await server.api.get(`/api/files/${id}/content`)).text()).toBe("5005");

      // The generic form asks for the file.
      await page.goto(`${server.url}/records/file`);
      await isLoaded(page);
      await page.getByRole("button", { name: words.add, exact: true }).click();
      const form = page.getByRole("dialog", { name: words.create });
      await form.getByRole("button", { name: words.save }).click();
      await expect(form.getByRole("alert").filter({ hasText: words.mustChoose })).toBeVisible();
      await isSound(page, "file-form", lang);
      await form
        .locator('input[type="file"]')
        .setInputFiles([{ name: "6006.txt", mimeType: "text/plain", buffer: Buffer.from("7007") }]);
      await form.getByRole("button", { name: words.save }).click();
      await expect(page.locator("h1")).toHaveText("6006.txt");
      expect(faults).toEqual([]);

      // Whoever does not see the customer sees no file of it.
      const api = await request.newContext({ baseURL: server.url });
      const entered = await api.post("/api/session", {
        data: { login: "rep", password: OWNER.password },
      });
      expect(entered.ok()).toBe(true);
      expect((await api.get(`/api/files/${id}/content`)).status()).toBe(404);
      const other = await browser.newContext({ ...size, storageState: await api.storageState() });
      const seen = await open(other, lang);
      await seen.page.goto(`${server.url}/records/file/${id}`);
      await expect(seen.page.getByText(words.gone)).toBeVisible();
      await seen.page.goto(`${server.url}/records/file`);
      await isLoaded(seen.page);
      await expect(seen.page.getByText("1001.txt")).toHaveCount(0);
      await other.close();
      await api.dispose();
      await context.close();
    });
  }
}
