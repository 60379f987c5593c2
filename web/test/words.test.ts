// Every text that a reader sees comes from the catalogue: no words in JSX, in
// an attribute that is read or shown, or in a property that becomes one.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const READ = new Set([
  "alt",
  "aria-description",
  "aria-label",
  "aria-placeholder",
  "aria-roledescription",
  "aria-valuetext",
  "caption",
  "content",
  "corner",
  "data-exact",
  "data-head",
  "description",
  "help",
  "label",
  "message",
  "note",
  "placeholder",
  "summary",
  "text",
  "title",
  "tooltip",
]);
const WORD = /\p{L}/u;
const CHINESE = /\p{Script=Han}/u;
/** How numbers and days are written in Chinese is grammar, not wording. */
const FORMATS = new Set(["ui/format.ts", "ui/period.ts", "charts/line.ts"]);
/** A language is called by its own name in every language. */
const OWN_NAMES = new Set(
  ["app/shell.tsx", "features/form/public-form.tsx"].flatMap((file) => [`${file}: 中文`, `${file}: EN`]),
);

/** The words written in a file itself, each with why it counts. */
function wordsIn(name: string, text: string): string[] {
  const kind = name.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, kind);
  const found: string[] = [];
  const put = (node: ts.Node, words: string) => {
    const shown = words.trim();
    if (!OWN_NAMES.has(`${name}: ${shown}`))
      found.push(`${name}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${shown}`);
  };
  /** The literal pieces of an expression: what `a ? "x" : `y ${z}`` can show. */
  const pieces = (node: ts.Node): string[] => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return [node.text];
    if (ts.isTemplateExpression(node))
      return [node.head.text, ...node.templateSpans.map((span) => span.literal.text)];
    if (ts.isConditionalExpression(node)) return [...pieces(node.whenTrue), ...pieces(node.whenFalse)];
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return pieces(node.expression);
    if (ts.isBinaryExpression(node)) {
      const isShown = [
        ts.SyntaxKind.PlusToken,
        ts.SyntaxKind.BarBarToken,
        ts.SyntaxKind.QuestionQuestionToken,
      ].includes(node.operatorToken.kind);
      return isShown || node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken
        ? [...(isShown ? pieces(node.left) : []), ...pieces(node.right)]
        : [];
    }
    return [];
  };
  const inspect = (node: ts.Node, shown: ts.Node | undefined) => {
    if (!shown) return;
    for (const words of pieces(shown)) if (WORD.test(words)) put(node, words);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && WORD.test(node.text)) put(node, node.text);
    if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) inspect(node, node.expression);
    if (ts.isJsxAttribute(node) && READ.has(node.name.getText())) {
      const value = node.initializer;
      inspect(node, value && ts.isJsxExpression(value) ? value.expression : value);
    }
    if (ts.isPropertyAssignment(node) && READ.has(node.name.getText().replaceAll('"', "")))
      inspect(node, node.initializer);
    if (
      (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) &&
      CHINESE.test(node.text) &&
      !FORMATS.has(name)
    )
      put(node, node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...new Set(found)];
}

describe("the page", () => {
  it("writes no words outside the catalogue", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
      (name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"),
    );
    expect(files.length).toBeGreaterThan(40);
    expect(files.flatMap((name) => wordsIn(name, readFileSync(join("src", name), "utf8")))).toEqual([]);
    // It parses every file of the page, which takes its time on a busy machine.
  }, 60_000);
});

describe("the search for words", () => {
  const found = (text: string) => wordsIn("x.tsx", text).map((line) => line.replace(/^x\.tsx:\d+: /, ""));
  it("finds them where they hide", () => {
    expect(found("const a = <p>Hello</p>;")).toEqual(["Hello"]);
    expect(found('const a = <p title="Hello" />;')).toEqual(["Hello"]);
    expect(found('const a = <p aria-label={b ? "Yes" : t("x.y")} />;')).toEqual(["Yes"]);
    expect(found("const a = <p>{`items`}</p>;")).toEqual(["items"]);
    expect(found('const a = { label: "Name" };')).toEqual(["Name"]);
    expect(found('const a = f("客户");')).toEqual(["客户"]);
  });
  it("leaves names, signs and messages alone", () => {
    expect(found('const a = <p className="big" title={t("a.b")}> · 12 </p>;')).toEqual([]);
    expect(found('const a = { kind: "sum", label: t("a.b") };')).toEqual([]);
  });
});
