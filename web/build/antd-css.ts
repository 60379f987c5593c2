// Ant Design ships the styles of all its components in one file (108 KB gzip).
// This keeps the rules of the components that the page uses. A component that
// is missing here shows unstyled at once, so the list cannot rot silently.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Plugin } from "vite";

const USED = [
  "alert",
  "app",
  "btn",
  "drawer",
  "empty",
  "fade",
  "input",
  "message",
  "motion",
  "move",
  "progress",
  "qrcode",
  "scroll",
  "segmented",
  "select",
  "slide",
  "space",
  "spin",
  "switch",
  "tooltip",
  "wave",
  "zoom",
];

/** Top-level blocks of a style sheet: rules and at-rules with their bodies. */
export function blocks(css: string): { head: string; body: string }[] {
  const found: { head: string; body: string }[] = [];
  let at = 0;
  while (at < css.length) {
    const open = css.indexOf("{", at);
    if (open < 0) break;
    let depth = 1;
    let end = open + 1;
    for (; end < css.length && depth > 0; end++) {
      if (css[end] === "{") depth++;
      else if (css[end] === "}") depth--;
    }
    found.push({ head: css.slice(at, open).trim(), body: css.slice(open + 1, end - 1) });
    at = end;
  }
  return found;
}

const keep = new Set(USED);

function isWanted(selector: string): boolean {
  const classes = [...selector.matchAll(/\.ant-([a-z]+)/g)].map((m) => m[1] as string);
  if (selector.includes(".anticon")) return true;
  return classes.length === 0 || classes.every((name) => keep.has(name) || name === "css");
}

function splitSelectors(head: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < head.length; i++) {
    if (head[i] === "(") depth++;
    else if (head[i] === ")") depth--;
    else if (head[i] === "," && depth === 0) {
      parts.push(head.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(head.slice(from));
  return parts;
}

export function filterCss(css: string): string {
  let out = "";
  for (const { head, body } of blocks(css)) {
    if (head.startsWith("@keyframes")) {
      out += `${head}{${body}}`;
    } else if (head.startsWith("@")) {
      const inner = filterCss(body);
      if (inner) out += `${head}{${inner}}`;
    } else {
      const selectors = splitSelectors(head).filter(isWanted);
      if (selectors.length > 0 && body.trim()) out += `${selectors.join(",")}{${body}}`;
    }
  }
  return out;
}

export function antdCss(): Plugin {
  const id = "virtual:antd.css";
  return {
    name: "antd-css",
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load(resolved) {
      if (resolved !== `\0${id}`) return null;
      const file = createRequire(import.meta.url).resolve("antd/dist/antd.css");
      return filterCss(readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\//g, ""));
    },
  };
}
