import { renderToStaticMarkup } from "react-dom/server";
import { expect, it } from "vitest";
import { HeatTable, shade } from "../src/charts/heat-table";

it("shades by the share of the largest value", () => {
  expect([0, 1, 12.5, 50, 99, 100].map((v) => shade(v, 100))).toEqual([0, 1, 1, 4, 8, 8]);
  expect(shade(null, 100)).toBe(0);
  expect(shade(5, 0)).toBe(0);
});

it("writes numbers into the cells and leaves the future blank", () => {
  const html = renderToStaticMarkup(
    <HeatTable
      caption="cohorts"
      corner="month"
      heads={["+0", "+1"]}
      rows={[
        {
          key: "2010-12",
          label: "2010-12",
          cells: [
            { value: 0.4, content: "40%" },
            { value: null, content: null },
          ],
        },
      ]}
    />,
  );
  expect(html).toContain('<td data-head="+0" class="shade-8">40%</td>');
  expect(html).toContain('<td data-head="+1" class="blank"></td>');
  expect(html).toContain('<th scope="row">2010-12</th>');
});
