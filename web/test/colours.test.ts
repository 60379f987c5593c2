// The two homes of the colours hold the same values, and text on its ground
// passes WCAG AA in both modes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COLOURS, type Mode } from "../src/ui/colours";

const css = readFileSync("src/app/theme.css", "utf8");
const PARTS: Record<Mode, string> = {
  light: css.slice(css.indexOf(":root {"), css.indexOf(':root[data-mode="dark"]')),
  dark: css.slice(css.indexOf(':root[data-mode="dark"]')),
};
const NAMES = {
  ink: "ink",
  ink2: "ink-2",
  ink3: "ink-3",
  line: "line",
  line2: "line-2",
  ground: "ground",
  paper: "paper",
  raised: "raised",
  accent: "accent",
  good: "good",
  bad: "bad",
  risk: "risk",
} as const;

const colourOf = (mode: Mode, name: string) =>
  new RegExp(`--${name}: ([^;]+);`).exec(PARTS[mode])?.[1] ?? `--${name} is missing in ${mode}`;

function luminance(hex: string): number {
  const channel = (at: number) => {
    const x = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

describe.each(["light", "dark"] as const)("%s", (mode) => {
  it("is the same in the style sheet and for charts", () => {
    for (const [key, name] of Object.entries(NAMES))
      expect(colourOf(mode, name), name).toBe(COLOURS[mode][key as keyof typeof NAMES]);
  });

  it("has text that can be read", () => {
    const text = ["ink", "ink-2", "ink-3", "accent", "good", "bad", "risk"];
    for (const ink of text)
      for (const ground of ["paper", "ground", "raised"])
        expect(
          contrast(colourOf(mode, ink), colourOf(mode, ground)),
          `${ink} on ${ground}`,
        ).toBeGreaterThanOrEqual(4.5);
    for (const [ink, ground] of [
      ["accent-ink", "accent-pale"],
      ["good-ink", "good-pale"],
      ["bad-ink", "bad-pale"],
      ["risk-ink", "risk-pale"],
      ["ink-2", "chip"],
      ["tier-1-ink", "tier-1"],
      ["tier-2-ink", "tier-2"],
      ["tier-3-ink", "tier-3"],
      ...[0, 1, 2, 3, 4, 5, 6].map((n) => ["shade-low-ink", `shade-${n}`]),
      ...[7, 8].map((n) => ["shade-high-ink", `shade-${n}`]),
    ] as [string, string][])
      expect(
        contrast(colourOf(mode, ink), colourOf(mode, ground)),
        `${ink} on ${ground}`,
      ).toBeGreaterThanOrEqual(4.5);
  });

  it("has lines that stand out from the paper", () => {
    for (const line of [...COLOURS[mode].series, COLOURS[mode].muted])
      expect(contrast(line, COLOURS[mode].paper), line).toBeGreaterThanOrEqual(3);
  });
});
