// What a visitor downloads, in gzip bytes of the built page. Sizes are exact,
// so they are a gate. Needs `npm run build`.
import { existsSync, readFileSync, statSync } from "node:fs";
import { expect, it } from "vitest";

type Chunk = {
  file: string;
  isEntry?: boolean;
  imports?: string[];
  dynamicImports?: string[];
  css?: string[];
};

const KB = 1000;
const path = "dist/.vite/manifest.json";
if (!existsSync(path)) throw new Error("the page is not built: run `npm run build` first");
const manifest: Record<string, Chunk> = JSON.parse(readFileSync(path, "utf8"));
const gzip = (file: string) => statSync(`dist/${file}.gz`).size;

/** A chunk with everything that it cannot start without. */
function closure(key: string, seen = new Set<string>()): Set<string> {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return seen;
  seen.add(key);
  for (const next of chunk.imports ?? []) closure(next, seen);
  return seen;
}

const entry = "index.html";
const form = "form.html";
/** The words of one language come beside the entry. */
const words = Math.max(
  ...Object.keys(manifest)
    .filter((key) => /i18n\/(zh|en)\.json$/.test(key))
    .map((key) => gzip(manifest[key]?.file ?? "")),
);
const routes = Object.keys(manifest).filter((key) => key.includes("features/") && key.endsWith("-page.tsx"));
const echarts = Object.keys(manifest).find((key) => key.endsWith("charts/echarts.ts")) ?? "";

it("keeps every route without charts under 360 KB", () => {
  expect(routes.length).toBe(31);
  for (const route of routes) {
    const keys = closure(route, closure(entry));
    expect(keys.has(echarts), `${route} waits for the chart library`).toBe(false);
    const size = [...keys].reduce((sum, key) => sum + gzip(manifest[key]?.file ?? ""), words);
    expect(size, route).toBeLessThanOrEqual(360 * KB);
  }
});

it("keeps the page of public forms under 90 KB", () => {
  const keys = closure(form);
  const scripts = [...keys].map((key) => manifest[key]?.file ?? "");
  const sheets = [...keys].flatMap((key) => manifest[key]?.css ?? []);
  const size = [...scripts, ...sheets].reduce((sum, file) => sum + gzip(file), 0);
  expect(size).toBeGreaterThan(0);
  expect(size).toBeLessThanOrEqual(90 * KB);
});

it("keeps the chart library under 200 KB", () => {
  expect(gzip(manifest[echarts]?.file ?? "")).toBeLessThanOrEqual(200 * KB);
});

it("keeps all styles under 110 KB", () => {
  const sheets = new Set(Object.values(manifest).flatMap((chunk) => chunk.css ?? []));
  const size = [...sheets].reduce((sum, file) => sum + gzip(file), 0);
  expect(size).toBeLessThanOrEqual(110 * KB);
});
