// Who may import whom: `api`, `i18n` and `ui` know no feature, `fields` and
// `charts` stand on them, features never import each other, `app` holds all.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";

const BELOW: Record<string, string[]> = {
  api: ["api"],
  i18n: ["i18n", "api", "ui"],
  ui: ["ui", "api", "i18n"],
  fields: ["fields", "ui", "api", "i18n"],
  charts: ["charts", "fields", "ui", "api", "i18n"],
  features: ["charts", "fields", "ui", "api", "i18n"],
};

it("keeps the directions of imports", () => {
  const wrong: string[] = [];
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((n) => /\.tsx?$/.test(n));
  for (const file of files) {
    const [area = "", feature] = file.split("/");
    const allowed = BELOW[area];
    if (!allowed) continue;
    for (const match of readFileSync(join("src", file), "utf8").matchAll(/from "(\.[^"]+)"/g)) {
      const [toArea = "", toFeature] = normalize(join(dirname(file), match[1] as string)).split("/");
      const own = area === "features" && toArea === "features" && toFeature === feature;
      if (!own && !allowed.includes(toArea)) wrong.push(`${file} imports ${match[1]}`);
    }
  }
  expect(wrong).toEqual([]);
});
