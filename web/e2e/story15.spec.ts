// The first half of story 15: somebody who writes no code gives the service a
// table of its own, a form behind a QR code, reminders and a board, and works
// with them a minute later. No restart: one program from beginning to end.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, type Locator, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { type SignedIn, signedIn } from "./signed-in";

const WORDS = {
  zh: { name: "名称", due: "到期日", state: "未开始", doing: "进行中", newTask: "新建任务", title: "标题" },
  en: {
    name: "Name",
    due: "Due on",
    state: "To do",
    doing: "In progress",
    newTask: "New: Task",
    title: "Title",
  },
} as const;

const texts = (name: string, lang: Lang) =>
  JSON.parse(readFileSync(new URL(`../src/i18n/${name}${lang}.json`, import.meta.url), "utf8"));

/** Counts what a hand would do, for the walk's record. */
class Hand {
  steps = 0;
  async click(on: Locator) {
    this.steps += 1;
    await on.click();
  }
  async type(into: Locator, text: string) {
    this.steps += 1;
    await into.fill(text);
  }
  async choose(from: Locator, what: string | { label: string }) {
    this.steps += 1;
    await from.selectOption(what);
  }
}

for (const lang of ["zh", "en"] as const)
  for (const size of ["desk", "phone"] as const)
    test(`a table, a form, reminders and a board, ${lang}, ${size}`, async ({ browser }) => {
      const words = WORDS[lang];
      const design = texts("design.", lang).design;
      const forms = texts("forms.", lang).forms;
      // Fields are named in the page's language.
      const called = lang === "zh" ? design.nameZh : design.nameEn;
      const server: SignedIn = await signedIn();
      const began = Date.now();
      const hand = new Hand();
      try {
        const shape = size === "phone" ? PHONE : DESK;
        const context = await browser.newContext({ ...shape, storageState: server.state });
        const { page, faults } = await open(context, lang);
        const dialog = page.getByRole("dialog");
        const apply = async () => {
          await hand.click(page.getByRole("button", { name: design.preview }));
          await hand.click(dialog.getByRole("button", { name: design.apply }));
          await expect(dialog).toHaveCount(0);
        };

        await test.step("the table", async () => {
          await page.goto(`${server.url}/settings/design`);
          await hand.click(page.getByRole("link", { name: design.new }));
          const name = page.getByRole("textbox", { name: design.nameZh, exact: true });
          await hand.type(name, "项目交付");
          await hand.type(
            page.getByRole("textbox", { name: design.nameEn, exact: true }),
            "Project delivery",
          );
          await hand.click(page.getByRole("button", { name: design.addField }));
          await hand.type(page.getByRole("textbox", { name: `${called} 6` }), "联系电话");
          await isSound(page, "story15-table", lang);
          await apply();
          await expect(page).toHaveURL(/\/records\/project_delivery$/);
          await isLoaded(page);
        });

        await test.step("reminders: a task may be of a delivery", async () => {
          await page.goto(`${server.url}/settings/design/task`);
          await hand.click(page.getByRole("button", { name: design.addField }));
          await hand.type(page.getByRole("textbox", { name: new RegExp(`^${called} \\d`) }), "项目交付");
          const type = page.getByRole("combobox", { name: new RegExp(`${design.type}$`) });
          await hand.choose(type.last(), "link");
          const to = page.getByRole("combobox", { name: new RegExp(`${design.to}$`) });
          await hand.choose(to.last(), "project_delivery");
          await apply();
        });

        const address = await test.step("the form and its QR code", async () => {
          await page.goto(`${server.url}/settings/forms`);
          await hand.click(page.getByRole("button", { name: forms.new }));
          const object = dialog.getByLabel(forms.object, { exact: true });
          await hand.choose(object, "project_delivery");
          await hand.type(dialog.getByLabel(forms.titleZh, { exact: true }), "申请安装");
          const add = dialog.getByLabel(forms.addField, { exact: true });
          const asked = await add
            .locator("option")
            .evaluateAll((all) =>
              all.map((one) => [(one as HTMLOptionElement).value, one.textContent ?? ""] as const),
            );
          for (const [id, label] of asked)
            if ([words.name, "联系电话"].includes(label)) await hand.choose(add, id);
          await hand.click(
            dialog.getByRole("button", { name: texts("", lang).action?.save ?? /^(保存|Save)$/ }),
          );
          await expect(dialog).toHaveCount(0);
          const link = page.locator(".form-address a");
          const url = (await link.textContent()) ?? "";
          await hand.click(page.getByRole("button", { name: forms.code }));
          await expect(page.locator("dialog.ask svg path").first()).toBeVisible();
          await isSound(page, "story15-code", lang);
          return url;
        });

        await test.step("a customer scans it", async () => {
          const outside = await browser.newContext(PHONE);
          const stranger = await open(outside, lang);
          await stranger.page.goto(address);
          await stranger.page.getByLabel(words.name).fill("上海门店上线");
          await stranger.page.getByLabel("联系电话").fill("13800138000");
          await stranger.page
            .getByRole("button", { name: texts("form.", lang).form?.send ?? /^(提交|Send)$/ })
            .click();
          await expect(stranger.page.locator("h1")).toBeVisible();
          await expect(async () => {
            const list = await (await server.api.get("/api/records/project_delivery")).json();
            expect(list.rows).toHaveLength(1);
          }).toPass();
          expect(stranger.faults).toEqual([]);
          await outside.close();
        });

        const record = await test.step("the board", async () => {
          await page.goto(`${server.url}/records/project_delivery?view=board&by=state`);
          await isLoaded(page);
          const card = page.locator("#main").getByText("上海门店上线").first();
          await expect(card).toBeVisible();
          await isSound(page, "story15-board", lang);
          const { rows } = await (await server.api.get("/api/records/project_delivery")).json();
          return rows[0].id as number;
        });

        await test.step("a reminder on it", async () => {
          const { day } = await (await server.api.get("/api/today")).json();
          await page.goto(`${server.url}/records/project_delivery/${record}`);
          await isLoaded(page);
          await hand.click(page.getByRole("button", { name: words.newTask }));
          await hand.type(dialog.getByRole("textbox", { name: words.title, exact: true }), "回电确认日期");
          const due = dialog.getByRole("textbox", { name: words.due, exact: true });
          await hand.type(due, day);
          await due.press("Tab");
          await hand.click(dialog.getByRole("button", { name: /^(保存|Save)$/ }));
          await expect(dialog).toHaveCount(0);
          await expect(page.locator(".related").getByText("回电确认日期")).toBeVisible();
          await isSound(page, "story15-record", lang);
          await page.goto(`${server.url}/today`);
          await isLoaded(page);
          await expect(page.locator("#main").getByText("回电确认日期")).toBeVisible();
          await isSound(page, "story15-today", lang);
        });

        expect(faults).toEqual([]);
        // As many steps as one who does it for the first time has half an hour for.
        expect(hand.steps).toBeLessThan(60);
        record_walk(lang, size, hand.steps, Date.now() - began);
        await context.close();
      } finally {
        await server.stop();
      }
    });

/** Where KEJI_WALK names a file, a line of it: who, how many steps, seconds. */
function record_walk(lang: Lang, size: string, steps: number, ms: number) {
  const file = process.env.KEJI_WALK;
  if (file)
    writeFileSync(file, `${lang} ${size}: ${steps} steps, ${(ms / 1000).toFixed(1)} s\n`, { flag: "a" });
}
