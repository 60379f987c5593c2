// Tables of the clipboard as WPS, Excel and web pages write them, and where the
// cursor of a grid goes.
import { expect, it } from "vitest";
import {
  filled,
  isWithin,
  moved,
  parseHtml,
  parseTsv,
  rangeOf,
  readClipboard,
  tiled,
  toTsv,
} from "../src/features/records/sheet-model";

it("reads cells with line ends, tabs and quotes", () => {
  expect(parseTsv("甲\t1,234.50\r\n乙\t2\r\n")).toEqual([
    ["甲", "1,234.50"],
    ["乙", "2"],
  ]);
  expect(parseTsv('"第一行\r\n第二行"\t"他说""好"""\n"有\t制表符"\tb')).toEqual([
    ["第一行\n第二行", '他说"好"'],
    ["有\t制表符", "b"],
  ]);
  // A quote that is the cell's own.
  expect(parseTsv('"quoted" word\tb')).toEqual([['"quoted" word', "b"]]);
  expect(parseTsv('5" 屏\tb')).toEqual([['5" 屏', "b"]]);
  expect(parseTsv('"never closed\tb')).toEqual([['"never closed', "b"]]);
});

it("keeps blank cells and rows, and makes rows even", () => {
  expect(parseTsv("a\t\n\n\tb\n")).toEqual([
    ["a", ""],
    ["", ""],
    ["", "b"],
  ]);
  expect(parseTsv("a\t")).toEqual([["a", ""]]);
  expect(parseTsv("a\r\nb\tc")).toEqual([
    ["a", ""],
    ["b", "c"],
  ]);
  expect(parseTsv("\uFEFFa")).toEqual([["a"]]);
  expect(parseTsv("")).toEqual([]);
});

it("writes what it reads", () => {
  const rows = [
    ["a\tb", "c\nd", 'e"f'],
    ["", " g ", "中文"],
  ];
  expect(parseTsv(toTsv(rows))).toEqual(rows);
});

it("reads the first table of a clipboard's HTML", () => {
  const excel = `<html xmlns:x="urn:schemas-microsoft-com:office:excel"><body><!--StartFragment-->
    <table border=0><col width=72><tr height=18><td class=xl65>甲 &amp; 乙</td><td x:num="1234.5">1,234.50</td></tr>
    <tr><td>第一行<br>\r\n  第二行</td><td><b>2026/1/5</b>&nbsp;</td></tr></table><table><tr><td>no</td></tr></table></body></html>`;
  expect(parseHtml(excel)).toEqual([
    ["甲 & 乙", "1,234.50"],
    ["第一行\n第二行", "2026/1/5"],
  ]);
  const wide =
    "<table><tr><th colspan=2>a</th><td rowspan='2'>b</td></tr><tr><td>c<td>d</tr><tr><td>&#20013;</td><td>f</td><td>g</td></tr></table>";
  expect(parseHtml(wide)).toEqual([
    ["a", "", "b"],
    ["c", "d", ""],
    ["中", "f", "g"],
  ]);
  expect(parseHtml("<p>none</p>")).toBe(null);
  // Nothing of it is run or shown.
  expect(parseHtml("<table><tr><td><script>alert(1)</script>x</td></tr></table>")).toEqual([["alert(1)x"]]);
});

it("takes the text where that is a table itself", () => {
  const html = "<table><tr><td>a</td><td>b</td></tr></table>";
  expect(readClipboard("1\t2", html)).toEqual([["1", "2"]]);
  expect(readClipboard("a b", html)).toEqual([["a", "b"]]);
  expect(readClipboard("", html)).toEqual([["a", "b"]]);
  expect(readClipboard("one", "<b>one</b>")).toEqual([["one"]]);
});

const extent = { rows: 10, cols: 5 };
const go = (row: number, col: number, key: string, ctrl = false, full: string[] = []) =>
  moved({ row, col }, { key, ctrl, page: 4 }, extent, (at) => full.includes(`${at.row}.${at.col}`));

it("moves by keys and stays inside", () => {
  expect(go(0, 0, "ArrowUp")).toEqual({ row: 0, col: 0 });
  expect(go(3, 2, "ArrowDown")).toEqual({ row: 4, col: 2 });
  expect(go(9, 4, "ArrowRight")).toEqual({ row: 9, col: 4 });
  expect(go(3, 2, "Home")).toEqual({ row: 3, col: 0 });
  expect(go(3, 2, "End")).toEqual({ row: 3, col: 4 });
  expect(go(3, 2, "Home", true)).toEqual({ row: 0, col: 0 });
  expect(go(3, 2, "End", true)).toEqual({ row: 9, col: 4 });
  expect(go(8, 2, "PageDown")).toEqual({ row: 9, col: 2 });
  expect(go(3, 2, "x")).toBe(null);
});

it("jumps with Ctrl to the edge of what is filled", () => {
  const full = ["0.0", "1.0", "2.0", "5.0"];
  expect(go(0, 0, "ArrowDown", true, full)).toEqual({ row: 2, col: 0 });
  expect(go(2, 0, "ArrowDown", true, full)).toEqual({ row: 5, col: 0 });
  expect(go(5, 0, "ArrowDown", true, full)).toEqual({ row: 9, col: 0 });
  expect(go(9, 0, "ArrowUp", true, full)).toEqual({ row: 5, col: 0 });
  expect(go(0, 0, "ArrowRight", true, full)).toEqual({ row: 0, col: 4 });
});

it("knows ranges, fills down and tiles", () => {
  const range = rangeOf({ row: 3, col: 2 }, { row: 1, col: 4 });
  expect(range).toEqual({ top: 1, left: 2, bottom: 3, right: 4 });
  expect(isWithin(range, 3, 4)).toBe(true);
  expect(isWithin(range, 4, 4)).toBe(false);
  expect(filled([["a"], ["b"], ["c"]], 1)).toEqual([["a"], ["a"], ["a"]]);
  expect(filled([["a"], ["b"], ["c"], ["d"], ["e"]], 2)).toEqual([["a"], ["b"], ["a"], ["b"], ["a"]]);
  const two = rangeOf({ row: 0, col: 0 }, { row: 3, col: 1 });
  expect(tiled([["x"]], two)).toEqual([
    ["x", "x"],
    ["x", "x"],
    ["x", "x"],
    ["x", "x"],
  ]);
  expect(tiled([["a"], ["b"]], two).map((row) => row[1])).toEqual(["a", "b", "a", "b"]);
  // What does not fit in whole is put there once.
  expect(tiled([["a"], ["b"], ["c"]], two)).toHaveLength(3);
});
