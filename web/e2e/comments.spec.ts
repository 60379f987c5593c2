// Colleagues talk about a record: `@` offers who sees it, the bell tells who is
// named, who cannot see it is told to the writer; comments are changed and
// taken back; the star and the box find the record again.
import { type APIRequestContext, expect, request, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { OWNER, type SignedIn, type StorageState, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    write: "写评论",
    send: "发表",
    edit: "修改",
    save: "保存",
    remove: "删除",
    bell: /^通知，/,
    told: "1001 提到了您",
    unreached: "2202 看不到这条记录，没有收到通知。",
    star: /^收藏“/,
    favourites: "收藏",
    allRead: "全部已读",
    search: "查找任何东西",
  },
  en: {
    write: "Write a comment",
    send: "Send",
    edit: "Edit",
    save: "Save",
    remove: "Delete",
    bell: /^Notifications, /,
    told: "1001 mentioned you",
    unreached: "2202 cannot see this record and was not told.",
    star: /to favourites$/,
    favourites: "Favourites",
    allRead: "Mark all read",
    search: "Find anything",
  },
} as const;

type Who = { state: StorageState; api: APIRequestContext; id: number };

/** A representative with an account of his own. */
async function seller(server: SignedIn, login: string): Promise<Who> {
  const data = { login, name: login, role: "representative", password: OWNER.password };
  const made = await server.api.post("/api/users", { data });
  expect(made.ok(), await made.text()).toBe(true);
  const api = await request.newContext({ baseURL: server.url });
  const entered = await api.post("/api/session", { data: { login, password: OWNER.password } });
  expect(entered.ok()).toBe(true);
  return { api, state: await api.storageState(), id: ((await made.json()) as { id: number }).id };
}

for (const lang of ["zh", "en"] as const satisfies readonly Lang[])
  for (const size of ["desk", "phone"] as const)
    test(`colleagues talk about a record, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server = await signedIn();
      try {
        const rep = await seller(server, "2101");
        await seller(server, "2202");
        const data = { number: "7001", name: "7001", kind: "company", user: rep.id };
        const made = await server.api.post("/api/records/customer", { data });
        const id = ((await made.json()) as { id: number }).id;
        const context = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const { page, faults } = await open(context, lang);
        await page.goto(`${server.url}/records/customer/${id}`);
        await isLoaded(page);
        const field = page.getByRole("textbox", { name: words.write });
        // Offered is who sees the record, and not who does not.
        await field.fill("@2");
        const people = page.getByRole("listbox").getByRole("option");
        await expect(people).toHaveText([/2101/]);
        await field.press("Enter");
        await expect(field).toHaveValue("@2101 ");
        await field.pressSequentially("+ @2202 7");
        await page.getByRole("button", { name: words.send }).click();
        const said = page.locator(".comment");
        await expect(said).toHaveCount(1);
        await expect(said.locator(".mention")).toHaveText(["@2101", "@2202"]);
        await expect(page.getByText(words.unreached)).toBeVisible();
        // Changed, and a second one taken back.
        await said.getByRole("button", { name: words.edit }).click();
        const change = said.getByRole("textbox");
        await expect(change).toBeFocused();
        await change.fill("@2101 8");
        await said.getByRole("button", { name: words.save }).click();
        await expect(said.locator(".comment-text")).toHaveText("@2101 8");
        await field.fill("9");
        await field.press("Control+Enter");
        await expect(said).toHaveCount(2);
        await said.nth(1).getByRole("button", { name: words.remove }).click();
        await page.getByRole("dialog").getByRole("button", { name: words.remove }).click();
        await expect(said).toHaveCount(1);
        // Marked, and found again in the empty box.
        await page.locator("h1").getByRole("button", { name: words.star }).click();
        await expect(page.locator("h1 .star")).toHaveAttribute("aria-pressed", "true");
        await said.first().scrollIntoViewIfNeeded();
        await isSound(page, size === "desk" ? "comments" : "comments-at", lang);
        await page.keyboard.press("Control+k");
        const box = page.getByRole("dialog");
        await expect(box.getByRole("group", { name: words.favourites }).getByRole("option")).toHaveText([
          /7001/,
        ]);
        await isSound(page, `find-favourites-${size}`, lang);
        await page.keyboard.press("Escape");
        expect(faults).toEqual([]);
        await context.close();

        // Who was named is told, and led there.
        const other = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: rep.state,
        });
        const his = await open(other, lang);
        await his.page.goto(`${server.url}/today`);
        await isLoaded(his.page);
        const bell = his.page.locator(".bell > summary");
        await expect(bell).toHaveAttribute("aria-label", words.bell);
        await bell.click();
        const notices = his.page.locator(".bell-box .notice.new");
        await expect(notices.filter({ hasText: words.told })).toHaveCount(1);
        await isSound(his.page, `notices-${size}`, lang);
        await notices.filter({ hasText: words.told }).getByRole("link").click();
        await expect(his.page).toHaveURL(new RegExp(`/customers/${id}$`));
        await expect(his.page.locator(".comment")).toHaveCount(1);
        await bell.click();
        await expect(his.page.locator(".bell-box .notice").filter({ hasText: words.told })).toHaveCount(1);
        await expect(notices.filter({ hasText: words.told })).toHaveCount(0);
        const all = his.page.getByRole("button", { name: words.allRead });
        if ((await all.count()) > 0) await all.click();
        await expect(his.page.locator(".bell-count")).toHaveCount(0);
        expect(his.faults).toEqual([]);
        await other.close();
      } finally {
        await server.stop();
      }
    });
