// A public form from its making to the record: an administrator chooses what is
// asked, a stranger answers on a phone without signing in, and the record says
// how it came. And a list's state under a name.
import { expect, test } from "@playwright/test";
import { DESK, isAccessible, isLoaded, isSound, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: {
    title: "公开表单",
    new: "新建表单",
    titleZh: "标题",
    add: "加一个字段",
    addFixed: "加一个固定值",
    name: "客户名称",
    phone: "电话",
    size: "规模",
    save: "保存",
    required: "必填",
    up: "上移",
    code: "二维码",
    close: "关闭",
    edit: "修改",
    active: "启用",
    send: "提交",
    missing: "这里必须填写",
    another: "再填一份",
    closed: "这个表单已经关闭",
    unknown: "没有这个表单",
    answers: "收到 1 份",
    channel: "表单",
    views: "视图",
    saveAs: "另存为视图 …",
    manage: "管理视图 …",
    viewName: "视图名称",
    usual: "打开列表时用它",
    rename: "改名",
    delete: "删除",
    plain: "全部",
  },
  en: {
    title: "Public forms",
    new: "New form",
    titleZh: "Title in Chinese",
    add: "Add a field",
    addFixed: "Add a fixed value",
    name: "Customer name",
    phone: "Phone",
    size: "Size",
    save: "Save",
    required: "Required",
    up: "Up",
    code: "QR code",
    close: "Close",
    edit: "Change",
    active: "Switched on",
    send: "Send",
    missing: "Fill this in",
    another: "Fill in another",
    closed: "This form is closed",
    unknown: "There is no such form",
    answers: "Answers: 1",
    channel: "form",
    views: "Views",
    saveAs: "Save as a view …",
    manage: "Manage views …",
    viewName: "Name of the view",
    usual: "Open the list with it",
    rename: "Rename",
    delete: "Delete",
    plain: "Everything",
  },
} as const;

type Objects = { objects: { id: string; fields: { id: string; name: Record<string, string> }[] }[] };

for (const lang of ["zh", "en"] as const)
  for (const size of ["desk", "phone"] as const)
    test(`a form from its making to the record, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server: SignedIn = await signedIn();
      try {
        const context = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const { page, faults } = await open(context, lang);
        const { objects } = (await (await server.api.get("/api/objects")).json()) as Objects;
        const customer = objects.find((o) => o.id === "customer");
        const named = (id: string) => customer?.fields.find((f) => f.id === id)?.name[lang] ?? id;
        await page.goto(`${server.url}/settings/forms`);
        await expect(page.locator("h1")).toHaveText(words.title);
        await isSound(page, "forms-empty", lang);
        await page.getByRole("button", { name: words.new }).click();
        const drawer = page.getByRole("dialog");
        await drawer.getByLabel(words.titleZh, { exact: true }).fill("留下联系方式");
        // A link is not asked for, what has to be one's own neither.
        const add = drawer.getByLabel(words.add, { exact: true });
        const offered = await add.locator("option").allTextContents();
        expect(offered).toContain(named("phone"));
        expect(offered).not.toContain(named("parent"));
        expect(offered).not.toContain(named("number"));
        await add.selectOption("phone");
        await add.selectOption("name");
        await add.selectOption("size");
        await add.selectOption("note");
        await drawer.getByRole("button", { name: `${named("name")} ${words.up}` }).click();
        await drawer.getByRole("checkbox", { name: `${named("name")} ${words.required}` }).check();
        await drawer.getByLabel(words.addFixed, { exact: true }).selectOption("source");
        await drawer.getByLabel(named("source"), { exact: true }).first().fill("展会");
        await isSound(page, "form-editor", lang);
        await drawer.getByRole("button", { name: words.save, exact: true }).click();
        await expect(drawer).toHaveCount(0);
        const link = page.locator(".form-address a");
        const address = (await link.textContent()) ?? "";
        expect(address).toMatch(/\/f\/[0-9a-f]{32}$/);
        // Where the button was, there is a link now, and it answers the pointer.
        await page.mouse.move(0, 0);
        await isSound(page, "forms", lang);
        await page.getByRole("button", { name: words.code }).click();
        const dialog = page.locator("dialog.ask");
        await expect(dialog.locator("svg path").first()).toBeVisible();
        await expect(dialog.getByText(address)).toBeVisible();
        await isSound(page, "form-code", lang);
        await dialog.getByRole("button", { name: words.close }).click();

        // A stranger, who has signed in nowhere.
        const outside = await browser.newContext(size === "phone" ? PHONE : DESK);
        const stranger = await open(outside, lang);
        const form = stranger.page;
        await form.goto(address);
        await expect(form.locator("h1")).toHaveText("留下联系方式");
        await isSound(form, "form-asked", lang);
        const labels = await form.locator(".question label, .question legend").allTextContents();
        expect(labels[0]).toContain(named("name"));
        expect(labels[1]).toContain(named("phone"));
        await form.getByRole("button", { name: words.send }).click();
        await expect(form.getByText(words.missing)).toBeVisible();
        await expect(form.getByLabel(named("name"))).toBeFocused();
        await isSound(form, "form-wrong", lang);
        await form.getByLabel(named("name")).fill("远航贸易");
        await form.getByLabel(named("phone")).fill("13800138000");
        await isSound(form, "form", lang);
        // Twice in one go is once.
        await form.getByRole("button", { name: words.send }).dblclick();
        await expect(form.getByRole("button", { name: words.another })).toBeVisible();
        await isSound(form, "form-thanks", lang);
        await form.getByRole("button", { name: words.another }).click();
        await expect(form.getByLabel(named("name"))).toHaveValue("");
        // The other language, and back, without loading again.
        const other = lang === "zh" ? "en" : "zh";
        await form.getByRole("button", { name: other === "zh" ? "中文" : "EN" }).click();
        await expect(form.getByRole("button", { name: WORDS[other].send })).toBeVisible();
        await isAccessible(form, "form in the other language");
        await form.getByRole("button", { name: lang === "zh" ? "中文" : "EN" }).click();
        expect(stranger.faults).toEqual([]);

        const list = (await (await server.api.get("/api/records/customer")).json()) as {
          rows: { id: number; values: Record<string, unknown> }[];
        };
        expect(list.rows.map((row) => row.values.name)).toEqual(["远航贸易"]);
        expect(list.rows[0]?.values.source).toBe("展会");
        const { changes } = (await (
          await server.api.get(`/api/records/customer/${list.rows[0]?.id}/history`)
        ).json()) as { changes: { channel: string }[] };
        expect(changes.map((c) => c.channel)).toEqual(["form"]);
        await page.goto(`${server.url}/records/customer/${list.rows[0]?.id}`);
        await isLoaded(page);
        await expect(page.locator(".history .muted").first()).toHaveText(words.channel);

        // Counted; switched off it says so, and an unknown one is unknown.
        await page.goto(`${server.url}/settings/forms`);
        await expect(page.getByText(words.answers)).toBeVisible();
        await page.getByRole("button", { name: words.edit }).click();
        await drawer.getByRole("switch", { name: words.active }).click();
        await drawer.getByRole("button", { name: words.save, exact: true }).click();
        await expect(drawer).toHaveCount(0);
        await form.getByLabel(named("name")).fill("来晚了");
        await form.getByRole("button", { name: words.send }).click();
        await expect(form.getByText(words.closed)).toBeVisible();
        await isSound(form, "form-closed", lang);
        await form.goto(`${server.url}/f/${"0".repeat(32)}`);
        await expect(form.locator("h1")).toHaveText(words.unknown);
        await isSound(form, "form-unknown", lang);
        expect(stranger.faults.splice(0).every((fault) => /409|404/.test(fault))).toBe(true);
        expect(faults).toEqual([]);
        await outside.close();
        await context.close();
      } finally {
        await server.stop();
      }
    });

for (const lang of ["zh", "en"] as const)
  for (const size of ["desk", "phone"] as const)
    test(`a list's state under a name, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const server: SignedIn = await signedIn();
      try {
        for (const [name, kind] of [
          ["8001", "company"],
          ["8002", "person"],
        ])
          await server.api.post("/api/records/customer", { data: { name, kind } });
        const context = await browser.newContext({
          ...(size === "phone" ? PHONE : DESK),
          storageState: server.state,
        });
        const { page, faults } = await open(context, lang);
        const where = encodeURIComponent("kind = 'company'");
        await page.goto(`${server.url}/records/customer?where=${where}&sort=-name`);
        await isLoaded(page);
        const menu = page.locator("details.saved-views");
        await menu.locator("summary").click();
        await menu.getByRole("button", { name: words.saveAs }).click();
        const dialog = page.locator("dialog.ask");
        await dialog.getByLabel(words.viewName).fill("9001");
        await dialog.getByLabel(words.usual).check();
        await isSound(page, "view-save", lang);
        await dialog.getByRole("button", { name: WORDS[lang].save, exact: true }).click();
        await expect(dialog).toHaveCount(0);
        await expect(menu.locator("summary")).toContainText("9001");

        // The list begins with it, and all of it is one choice away.
        await page.goto(`${server.url}/records/customer`);
        await expect(page).toHaveURL(/where=/);
        await expect(page.locator("#main").getByText("8001").first()).toBeVisible();
        await expect(page.locator("#main").getByText("8002")).toHaveCount(0);
        await menu.locator("summary").click();
        await isSound(page, "views", lang);
        await menu.getByRole("button", { name: words.plain, exact: true }).click();
        await expect(page.locator("#main").getByText("8002").first()).toBeVisible();
        await expect(page).not.toHaveURL(/where=/);

        await menu.locator("summary").click();
        await menu.getByRole("button", { name: words.manage }).click();
        await dialog.getByLabel(`9001 ${words.viewName}`).fill("9002");
        await dialog.getByRole("button", { name: words.rename }).click();
        await expect(dialog.getByRole("listitem", { name: "9002" })).toBeVisible();
        await isSound(page, "views-edit", lang);
        await dialog.getByRole("button", { name: `9002 ${words.delete}` }).click();
        await dialog.getByRole("alert").getByRole("button", { name: words.delete }).click();
        await expect(dialog.getByRole("listitem")).toHaveCount(0);
        expect(faults).toEqual([]);
        await context.close();
      } finally {
        await server.stop();
      }
    });
