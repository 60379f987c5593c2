// The two catalogues say the same things, and the page uses all of them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import enBatches from "../src/i18n/batches.en.json";
import zhBatches from "../src/i18n/batches.zh.json";
import enChoose from "../src/i18n/choose.en.json";
import zhChoose from "../src/i18n/choose.zh.json";
import enDefinition from "../src/i18n/definition.en.json";
import zhDefinition from "../src/i18n/definition.zh.json";
import enDesign from "../src/i18n/design.en.json";
import zhDesign from "../src/i18n/design.zh.json";
import enDuplicates from "../src/i18n/duplicates.en.json";
import zhDuplicates from "../src/i18n/duplicates.zh.json";
import en from "../src/i18n/en.json";
import enExplore from "../src/i18n/explore.en.json";
import zhExplore from "../src/i18n/explore.zh.json";
import enFind from "../src/i18n/find.en.json";
import zhFind from "../src/i18n/find.zh.json";
import enPublic from "../src/i18n/form.en.json";
import zhPublic from "../src/i18n/form.zh.json";
import enForms from "../src/i18n/forms.en.json";
import zhForms from "../src/i18n/forms.zh.json";
import enImport from "../src/i18n/import.en.json";
import zhImport from "../src/i18n/import.zh.json";
import enOutbox from "../src/i18n/outbox.en.json";
import zhOutbox from "../src/i18n/outbox.zh.json";
import enOverview from "../src/i18n/overview.en.json";
import zhOverview from "../src/i18n/overview.zh.json";
import enOwnMetric from "../src/i18n/own-metric.en.json";
import zhOwnMetric from "../src/i18n/own-metric.zh.json";
import enPeople from "../src/i18n/people.en.json";
import zhPeople from "../src/i18n/people.zh.json";
import enSettings from "../src/i18n/settings.en.json";
import zhSettings from "../src/i18n/settings.zh.json";
import enTalk from "../src/i18n/talk.en.json";
import zhTalk from "../src/i18n/talk.zh.json";
import enViews from "../src/i18n/views.en.json";
import zhViews from "../src/i18n/views.zh.json";
import zh from "../src/i18n/zh.json";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, prefix = ""): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") all.set(prefix + key, value);
    else for (const [k, v] of flat(value, `${prefix}${key}.`)) all.set(k, v);
  }
  return all;
}

const source = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"))
  .map((name) => readFileSync(join("src", name), "utf8"))
  .join("\n");
const messages = {
  zh: flat({
    ...zh,
    ...zhSettings,
    ...zhDuplicates,
    ...zhDesign,
    ...zhDefinition,
    ...zhOwnMetric,
    ...zhFind,
    ...zhImport,
    ...zhPublic,
    ...zhForms,
    ...zhViews,
    ...zhOutbox,
    ...zhExplore,
    ...zhChoose,
    ...zhOverview,
    ...zhTalk,
    ...zhBatches,
    ...zhPeople,
  }),
  en: flat({
    ...en,
    ...enSettings,
    ...enDuplicates,
    ...enDesign,
    ...enDefinition,
    ...enOwnMetric,
    ...enFind,
    ...enImport,
    ...enPublic,
    ...enForms,
    ...enViews,
    ...enOutbox,
    ...enExplore,
    ...enChoose,
    ...enOverview,
    ...enTalk,
    ...enBatches,
    ...enPeople,
  }),
};

it("has the same keys in both languages", () => {
  expect([...messages.en.keys()].sort()).toEqual([...messages.zh.keys()].sort());
});

it("has the same arguments in both languages", () => {
  const args = (text: string | undefined) =>
    [...(text ?? "").matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort();
  for (const [key, text] of messages.zh) expect(args(messages.en.get(key)), key).toEqual(args(text));
});

it("has no message that nothing uses, and lacks none", () => {
  const written = new Set([...source.matchAll(/"([a-z]\w*(?:\.\w+)+)"/g)].map((m) => m[1] as string));
  const patterns = [...source.matchAll(/\bt\(`([^`]+)`/g)].map(
    (m) => new RegExp(`^${(m[1] as string).replaceAll(".", "\\.").replace(/\$\{[^}]+\}/g, "\\w+")}$`),
  );
  const isUsed = (key: string) => written.has(key) || patterns.some((p) => p.test(key));
  expect([...messages.zh.keys()].filter((key) => !isUsed(key))).toEqual([]);
  const asked = [...source.matchAll(/\bt\("([^"]+)"/g)].map((m) => m[1] as string);
  expect(asked.filter((key) => !messages.zh.has(key))).toEqual([]);
});

it("says every message, and in its own language", () => {
  for (const lang of ["zh", "en"] as const)
    expect([...messages[lang]].filter(([, text]) => text.trim() === "")).toEqual([]);
  expect([...messages.en].filter(([, text]) => /\p{Script=Han}/u.test(text))).toEqual([]);
  // Where both say the same, it is a sign, a code or a name that both languages share.
  const SHARED =
    /^(customers\.expressionExample|download\.formats\.\w+|rfm\.(r|f|corner)|date\.example(Time)?|explain\.sql)$/;
  const same = [...messages.zh].filter(([key, text]) => messages.en.get(key) === text);
  expect(same.map(([key]) => key).filter((key) => !SHARED.test(key))).toEqual([]);
});
