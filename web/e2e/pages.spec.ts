// The generic pages, each on both screens, with nothing in it and with as much
// as somebody may put in: nothing sideways, nothing too small for a thumb, no
// word of the other language.
import { expect, type Page, test } from "@playwright/test";
import { DESK, isLoaded, isSound, type Lang, open, PHONE } from "./checks";
import { speaksOnly, tooSmall } from "./reading";
import { makeRecord, objectOf, type SignedIn, signedIn } from "./signed-in";

/** Each by the name of its picture; those without one are looked at in their own stories. */
const SETTINGS: Record<string, string> = {
  account: "/account",
  users: "/settings/users",
  departments: "/settings/departments",
  providers: "/settings/providers",
  roles: "/settings/roles",
  audit: "/settings/audit",
  privacy: "/settings/privacy",
  "backups-page": "/settings/backups",
  "webhooks-list": "/settings/webhooks",
};
const LISTS: Record<string, string> = {
  objects: "/records",
  "records-customer": "/records/customer",
  "records-contact": "/records/contact",
  "records-touchpoint": "/records/touchpoint",
  "board-task": "/records/task?view=board",
  "calendar-touchpoint": "/records/touchpoint?view=calendar&month=2026-01",
  "chart-contact": "/records/contact?view=chart",
};

let empty: SignedIn;
let full: SignedIn;
/** The page of a record with a long text in every field that takes one. */
let longest = "";

test.beforeAll(async () => {
  [empty, full] = await Promise.all([signedIn(), signedIn()]);
  const make = async (object: string, values: Record<string, unknown>) =>
    makeRecord(full.api, await objectOf(full.api, object), values);
  const customer = await make("customer", { name: "8001".repeat(60), address: "9".repeat(2000) });
  const contact = await objectOf(full.api, "contact");
  const texts = contact.fields.filter((f) => f.type === "text" && f.id !== "created_by").map((f) => f.id);
  const long = Object.fromEntries(texts.map((id) => [id, "7".repeat(id === "note" ? 5000 : 300)]));
  longest = `/records/contact/${await make("contact", { customer, ...long })}`;
  for (let day = 1; day <= 28; day++)
    await make("touchpoint", {
      customer,
      subject: "6".repeat(day * 4),
      held_on: `2026-01-${String(1 + (day % 9)).padStart(2, "0")}`,
    });
  for (let n = 1; n <= 12; n++) await make("task", { name: "5".repeat(n * 12), customer });
  for (let n = 1; n <= 30; n++) {
    const user = { login: `${"4".repeat(n)}`, name: "3".repeat(n * 3), role: "representative" };
    expect((await full.api.post("/api/users", { data: user })).ok()).toBe(true);
  }
  const department = await full.api.post("/api/departments", { data: { name: "2".repeat(120) } });
  expect(department.ok(), await department.text()).toBe(true);
});
test.afterAll(async () => {
  await empty?.stop();
  await full?.stop();
});

async function visit(page: Page, url: string, name: string, lang: Lang, isPhone: boolean): Promise<void> {
  await page.goto(url);
  await isLoaded(page);
  await isSound(page, name, lang);
  await speaksOnly(page, lang, name);
  if (isPhone) expect(await tooSmall(page), `${name}: too small`).toEqual([]);
}

for (const lang of ["zh", "en"] as const)
  for (const [screen, options] of [
    ["desk", DESK],
    ["phone", PHONE],
  ] as const) {
    const isPhone = screen === "phone";
    test(`generic pages, ${lang}, ${screen}`, async ({ browser }) => {
      for (const [server, kind] of [
        // What is missing reads alike on both screens: each language on one.
        ...((lang === "zh") === isPhone ? [[empty, "-empty"] as const] : []),
        [full, ""] as const,
      ]) {
        const context = await browser.newContext({ ...options, storageState: server.state });
        const { page, faults } = await open(context, lang);
        const all = Object.entries({ ...SETTINGS, ...LISTS });
        if (server === full) all.push(["record-longest", longest]);
        // One that is not sound does not hide the others.
        for (const [name, path] of all)
          await visit(page, server.url + path, name + kind, lang, isPhone).catch((e: Error) =>
            faults.push(`${name}${kind}: ${e.message}`),
          );
        expect(faults).toEqual([]);
        await context.close();
      }
    });
  }
