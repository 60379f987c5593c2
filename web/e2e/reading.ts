// What a page reads like: how large, and in which language.
import { expect, type Page } from "@playwright/test";
import type { Lang } from "./checks";

const TARGET = 40;
const SMALLEST = 12;

/** What is too small, in words. */
export const tooSmall = (page: Page) =>
  page.evaluate(
    ({ target, smallest }) => {
      const found: string[] = [];
      const isSeen = (element: Element) => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility !== "hidden";
      };
      const name = (element: Element) =>
        `${element.tagName.toLowerCase()}.${element.className} “${element.textContent?.trim().slice(0, 20)}”`;
      // A control counts with what belongs to it: its label, its frame.
      const WHOLE = ".ant-select, .ant-input-affix-wrapper, label, .mode, .rfm-cell, .row";
      const controls =
        'a[href], button, summary, input, select, [role="combobox"], [role="switch"], [role="row"]';
      for (const element of document.querySelectorAll(controls)) {
        const whole = element.closest(WHOLE) ?? element;
        // A link within a sentence is as high as its line.
        if (!isSeen(whole) || element.closest(".skip, .note") || element.closest(".visually-hidden"))
          continue;
        const box = whole.getBoundingClientRect();
        if (box.height < target - 0.5 || box.width < target - 0.5)
          found.push(`${name(element)} is ${Math.round(box.width)} × ${Math.round(box.height)}`);
      }
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let text = texts.nextNode(); text; text = texts.nextNode()) {
        const parent = text.parentElement;
        if (!parent || !text.textContent?.trim() || !isSeen(parent)) continue;
        const size = Number.parseFloat(getComputedStyle(parent).fontSize);
        if (size < smallest) found.push(`${name(parent)} is written in ${size} px`);
      }
      return [...new Set(found)];
    },
    { target: TARGET, smallest: SMALLEST },
  );

/** What is no word of either language: names of files and formats, codes, units, keys. */
const NEUTRAL =
  /keji serve --demo-if-empty|https?:\/\/\S+|\bowner\b|OpenID Connect|PostgreSQL|\bbackups\b|\bAPI\b|\bERP\b|\b(Shift|Ctrl)\b|客绩|Keji|中文|\bEN\b|\.?\b(csv|gz|xlsx)\b|\b(CSV|XLSX|Parquet|Excel|SQL|UTF-8|GBK|GB18030|RFM|VIP|ID|CLV|BG\/NBD|MBG\/NBD)\b|\b[A-Z]\d{1,2}\b|\bR \\ F\b|\b(Enter|Esc|g|o|c|i|m)\b|\bP\(alive\)|\bSE\b|\blml\b|\bWPS\b|[a-z_0-9]*_[a-z_0-9]+( [><=]+ \d+)?( and )?/gi;

/** Every text of the page that is read, seen or heard, but code, what people
 * chose, the records of an example, and who published a benchmark. */
const texts = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode())
      if (!text.parentElement?.closest("pre, script, style, noscript, .example td, .example data, td[lang]"))
        found.push(text.textContent ?? "");
    for (const element of document.querySelectorAll("body *:not([aria-hidden=true], [aria-hidden=true] *)"))
      for (const name of ["title", "aria-label", "placeholder", "alt", "data-head", "data-exact"])
        found.push(element.getAttribute(name) ?? "");
    return [document.title, ...found].map((text) => text.trim()).filter(Boolean);
  });

export async function speaksOnly(page: Page, lang: Lang, name: string): Promise<void> {
  const foreign = lang === "en" ? /\p{Script=Han}/u : /[A-Za-z]{2,}/;
  const found = (await texts(page)).filter((text) => foreign.test(text.replace(NEUTRAL, " ")));
  expect.soft([...new Set(found)], `${name}: not ${lang}`).toEqual([]);
}
