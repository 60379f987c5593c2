// What holds on every page, whatever story is told there.
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, expect, type Page } from "@playwright/test";
import { session } from "./server";

export type Lang = "zh" | "en";
export type Mode = "light" | "dark";

export const DESK = { viewport: { width: 1440, height: 900 } };
export const PHONE = { viewport: { width: 375, height: 760 }, hasTouch: true };

/** Where pictures of the pages go: `1` for the manual's folder. */
const SHOTS = process.env.KEJI_SHOTS === "1" ? "../docs/images" : process.env.KEJI_SHOTS;
/** The keys of the catalogue, as `overview.title`: none may be seen. */
const KEYS = [
  "zh.json",
  "settings.zh.json",
  "duplicates.zh.json",
  "design.zh.json",
  "form.zh.json",
  "forms.zh.json",
  "outbox.zh.json",
  "views.zh.json",
  "talk.zh.json",
  "batches.zh.json",
  "people.zh.json",
  "explore.zh.json",
  "choose.zh.json",
  "definition.zh.json",
  "own-metric.zh.json",
  "overview.zh.json",
].flatMap((name) =>
  keysOf(JSON.parse(readFileSync(new URL(`../src/i18n/${name}`, import.meta.url), "utf8"))),
);
function keysOf(tree: object, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [prefix + key] : keysOf(value as object, `${prefix}${key}.`),
  );
}

/** A page of a language, with everything that goes wrong in it. */
export async function open(
  context: BrowserContext,
  lang: Lang,
  mode: Mode = "light",
): Promise<{ page: Page; faults: string[] }> {
  await context.addInitScript(
    (kept) => {
      localStorage.setItem("keji.language", kept.lang);
      localStorage.setItem("keji.mode", kept.mode);
    },
    { lang, mode },
  );
  // A cookie holds for every port of a host: who came with one of another
  // server is not signed out of it.
  if (session.value && (await context.cookies()).length === 0) await context.addCookies([session]);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || /content security policy/i.test(message.text()))
      faults.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  return { page, faults };
}

export async function isSound(page: Page, name: string, lang: Lang): Promise<void> {
  await expect(page.locator("html")).toHaveAttribute("lang", lang === "zh" ? "zh-CN" : "en");
  await expect(page.locator(".skeleton")).toHaveCount(0);
  await expect(page.locator("h1")).toHaveCount(1);
  // Formulas, plans and SQL name fields as `order.kind`; everything else is words.
  const text = await page.evaluate(() => {
    const copy = document.body.cloneNode(true) as HTMLElement;
    for (const code of copy.querySelectorAll("pre")) code.remove();
    return copy.textContent ?? "";
  });
  expect(
    KEYS.filter((key) => text.includes(key)),
    `${name}: untranslated`,
  ).toEqual([]);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(sideways, `${name}: scrolls sideways`).toBeLessThanOrEqual(0);
  await isAccessible(page, name);
  if (SHOTS) {
    const size = page.viewportSize();
    await page.screenshot({
      path: `${SHOTS}/${name}-${lang}${(size?.width ?? 0) < 600 ? "-phone" : ""}.png`,
      animations: "disabled",
    });
  }
}

/** Waits until what moves or changes its colour has come to its end. */
async function isAtRest(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    document
      .getAnimations()
      .every((a) => a.playState !== "running" || a.effect?.getComputedTiming().iterations === Infinity),
  );
}

export async function isAccessible(page: Page, name: string): Promise<void> {
  await isAtRest(page);
  const axe = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
  const found = axe.violations.map(
    (v) =>
      `${v.id}: ${v.nodes
        .slice(0, 3)
        .map((n) => `${n.target.join(" ")} (${n.any[0]?.message ?? ""})`)
        .join(" | ")}`,
  );
  expect(found, `${name}: accessibility`).toEqual([]);
}

/** Waits until nothing of a page is still to come. */
export async function isLoaded(page: Page): Promise<void> {
  await expect(page.locator("#main")).toBeVisible();
  await expect(page.locator(".skeleton")).toHaveCount(0);
}
