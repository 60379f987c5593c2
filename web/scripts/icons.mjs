// Draws public/icons/*.png from the shapes of public/favicon.svg with the
// Chromium that the tests use: `node scripts/icons.mjs`.
import { mkdirSync } from "node:fs";
import { chromium } from "@playwright/test";

const BARS = "M8 23V14m5.3 9V9m5.4 14v-6M24 23V11";
/** A maskable icon is cut to any shape: its ground reaches the edge, its sign stays in the middle 80 %. */
const svg = (isMaskable) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="100%" height="100%">` +
  `<rect width="32" height="32" rx="${isMaskable ? 0 : 7}" fill="#1f4fd1"/>` +
  `<path d="${BARS}" stroke="#fff" stroke-width="3" stroke-linecap="round"` +
  `${isMaskable ? ' transform="translate(4.8 4.8) scale(0.7)"' : ""}/></svg>`;

mkdirSync("public/icons", { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.KEJI_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
for (const [name, size, isMaskable] of [
  ["192", 192, false],
  ["512", 512, false],
  ["maskable-512", 512, true],
]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body{margin:0}</style>${svg(isMaskable)}`);
  await page.screenshot({ path: `public/icons/${name}.png`, omitBackground: true });
}
await browser.close();
