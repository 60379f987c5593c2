// A small, repeatable file of order lines: 60 customers over 14 months, with
// a return, a row without customer and a row that cannot be read.
export const FIXTURE_NAME = "orders.csv";

const DAY_MS = 86_400_000;
const FIRST = Date.parse("2024-01-03T02:00:00Z");
const CITIES = ["上海", "北京", "Leeds"];

export function fixtureCsv(): string {
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
          `${number},${at} 10:00:00,C${1000 + customer},客户${customer}号,P${line + 1},商品${line + 1},${1 + (number % 6)},${price},${CITIES[customer % 3]}`,
        );
      }
    }
  }
  lines.push("C20001,2024-03-05 09:00:00,C1003,客户3号,P1,商品1,-2,31.00,上海");
  lines.push("20002,2024-03-06 09:00:00,,,P1,商品1,3,12.00,上海");
  lines.push("20003,不是日期,C1004,客户4号,P1,商品1,1,12.00,上海");
  return `${lines.join("\n")}\n`;
}
