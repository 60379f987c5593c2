// A small, repeatable file of order lines: 60 customers over 14 months, with
// a return, a row without customer and a row that cannot be read.
import { asOwner } from "./server";

export const FIXTURE_NAME = "orders.csv";

/** What the records are called: by words, or by digits alone, so that every word on the page is the page's own. */
export type Names = "words" | "digits";

const DAY_MS = 86_400_000;
const FIRST = Date.parse("2024-01-03T02:00:00Z");
const CITIES = ["上海", "北京", "Leeds"];

export function fixtureCsv(names: Names = "words"): string {
  const isWords = names === "words";
  const customerOf = (n: number) => (isWords ? `C${1000 + n},客户${n}号` : `${1000 + n},${7000 + n}`);
  const productOf = (n: number) => (isWords ? `P${n},商品${n}` : `${n},${n}`);
  const countryOf = (n: number) => (isWords ? CITIES[n % 3] : "");
  const lines = ["订单号,下单时间,客户编号,客户名称,商品编号,商品名称,数量,单价,国家"];
  let number = 10_000;
  for (let customer = 1; customer <= 60; customer++) {
    // Regular buyers every 12 to 60 days; every fifth stops half way.
    const gap = 12 + ((customer * 7) % 49);
    const last = customer % 5 === 0 ? 200 : 420;
    for (let day = customer % 40; day < last; day += gap) {
      number += 1;
      const at = new Date(FIRST + day * DAY_MS).toISOString().slice(0, 10);
      for (let line = 0; line < 1 + (number % 3); line++) {
        const price = (5 + ((customer * 13 + line * 7) % 90)).toFixed(2);
        lines.push(
          `${number},${at} 10:00:00,${customerOf(customer)},${productOf(line + 1)},${1 + (number % 6)},${price},${countryOf(customer)}`,
        );
      }
    }
  }
  lines.push(
    `${isWords ? "C" : "9"}20001,2024-03-05 09:00:00,${customerOf(3)},${productOf(1)},-2,31.00,${countryOf(0)}`,
  );
  lines.push(`20002,2024-03-06 09:00:00,,,${productOf(1)},3,12.00,${countryOf(0)}`);
  lines.push(`20003,${isWords ? "不是日期" : "0"},${customerOf(4)},${productOf(1)},1,12.00,${countryOf(0)}`);
  return `${lines.join("\n")}\n`;
}

/** A file whose import asks what some columns are, and which of day and month comes first. */
export const UNCLEAR_CSV = {
  zh: "单号,日期,买家,钱\n10001,01/02/2024,1001,12.5\n10002,03/04/2024,1002,8\n",
  en: "order number,date,buyer,cash\n10001,01/02/2024,1001,12.5\n10002,03/04/2024,1002,8\n",
};

/** A file as people keep them: merged cells, day or month first, a total, a number in words. */
export const MESSY_CSV = `2024 年销售,,,,,
单号,日期,客户,数量,单价,备注
K001,01/02/2024,上海远航,2,"1,5",急
,,,3,"2,25",
K002,03/04/2024,北京晨光,1,"1,5",
K003,05/06/2024,杭州云帆,一个,"88,0",改过
K004,07/08/2024,广州蓝海,4,"1,5",
K001,01/02/2024,上海远航,2,"1,5",急
合计,,,15,,
`;

/** A file that cannot be imported: it has no headings. */
export const HEADLESS_CSV = "1,2,3,4\n10001,2024-01-05,1001,12.5\n";

const POLL_MS = 300;
const FINAL = ["done", "failed", "needs_mapping", "cancelled"];

/** Imports a file past the page; gives the import's id when it has come to rest. */
export async function importCsv(url: string, csv: string, name: string): Promise<number> {
  const sent = await fetch(`${url}/api/imports?filename=${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream", ...asOwner() },
    body: csv,
  });
  let run = (await sent.json()) as { id: number; state: string };
  while (!FINAL.includes(run.state)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    run = (await (await fetch(`${url}/api/imports/${run.id}`, { headers: asOwner() })).json()) as typeof run;
  }
  return run.id;
}
