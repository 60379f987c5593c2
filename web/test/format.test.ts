import { describe, expect, it } from "vitest";
import { compactNumber, currencySign, exactNumber, showAge, showChange, showValue } from "../src/ui/format";
import { isDate, showPeriod, spanOf } from "../src/ui/period";
import { scaledFirst } from "../src/ui/virtual-rows";

describe("numbers", () => {
  it("are counted in 万 and 亿 in Chinese", () => {
    expect(compactNumber(9999, "zh")).toBe("9,999");
    expect(compactNumber(12_345, "zh")).toBe("1.23万");
    expect(compactNumber(8_832_003.274, "zh")).toBe("883.2万");
    expect(compactNumber(45_678_901, "zh")).toBe("4,568万");
    expect(compactNumber(123_456_789, "zh")).toBe("1.23亿");
  });

  it("are counted in K, M and B in English", () => {
    expect(compactNumber(9999, "en")).toBe("9,999");
    expect(compactNumber(12_345, "en")).toBe("12.35K");
    expect(compactNumber(8_832_003.274, "en")).toBe("8.83M");
    expect(compactNumber(2_500_000_000, "en")).toBe("2.5B");
  });

  it("move to the next scale where rounding reaches it", () => {
    expect(compactNumber(99_999_999, "zh")).toBe("1亿");
    expect(compactNumber(999_960, "en")).toBe("1M");
    expect(compactNumber(9_999.999, "zh")).toBe("1万");
  });

  it("stay short however large they are", () => {
    expect(compactNumber(3_224_308_630_072.7, "zh")).toBe("3.22万亿");
    expect(compactNumber(-3_224_308_630_072.7, "en")).toBe("−3.22T");
  });

  it("keep small amounts and signs", () => {
    expect(compactNumber(36.25, "zh")).toBe("36.25");
    expect(compactNumber(-0.5, "en")).toBe("−0.5");
    expect(compactNumber(-51_000, "zh")).toBe("−5.1万");
    expect(compactNumber(0, "en")).toBe("0");
  });

  it("show every digit on hover", () => {
    expect(exactNumber("8832003.2740")).toBe("8,832,003.274");
    expect(exactNumber("-90071992547409931.5")).toBe("−90,071,992,547,409,931.5");
  });

  it("carry a currency only where it is known", () => {
    expect(showValue("1234567.8", "money", "zh").text).toBe("123.5万");
    expect(showValue("-1234567.8", "money", "zh", "CNY")).toEqual({
      text: "−¥123.5万",
      exact: "−¥1,234,567.8",
    });
    expect(currencySign("CHF")).toBe("CHF ");
  });

  it("tell null from zero", () => {
    expect(showValue(null, "count", "zh").text).toBe("–");
    expect(showValue(0, "pct", "zh").text).toBe("0%");
  });

  it("change by percent, rates by points", () => {
    expect(showChange(0.125, "money", "zh")).toBe("+12.5%");
    expect(showChange(-0.023, "pct", "zh")).toBe("−2.3 个百分点");
    expect(showChange(-0.023, "pct", "en")).toBe("−2.3 pp");
    expect(showChange(0.04, "score", "en")).toBe("+0.04");
  });
});

describe("periods", () => {
  it("know the last full month", () => {
    expect(spanOf("last_month", "2010-12-10")).toEqual({ from: "2010-11-01", to: "2010-12-01" });
    expect(spanOf("last_month", "2010-12-01")).toEqual({ from: "2010-11-01", to: "2010-12-01" });
    expect(spanOf("this_month", "2010-12-01")).toEqual({ from: "2010-11-01", to: "2010-12-01" });
    expect(spanOf("last_12_months", "2010-12-10")).toEqual({ from: "2009-12-01", to: "2010-12-01" });
  });

  it("are named by their last day", () => {
    expect(showPeriod({ from: "2010-11-01", to: "2010-12-01" }, "zh")).toBe("2010年11月");
    expect(showPeriod({ from: "2010-12-01", to: "2010-12-10" }, "en")).toBe("2010-12-01 to 2010-12-09");
  });

  it("refuse days that do not exist", () => {
    expect(isDate("2011-02-29")).toBe(false);
    expect(isDate("2012-02-29")).toBe(true);
  });
});

describe("virtual rows past the height a browser can draw", () => {
  it("reach the first and the last row", () => {
    const [virtual, total, visible] = [680_000, 1_000_000, 20];
    expect(scaledFirst(0, virtual, total, visible)).toBe(0);
    expect(scaledFirst(virtual - visible, virtual, total, visible)).toBe(total - visible);
  });

  it("leave shorter lists alone", () => {
    expect(scaledFirst(37, 500, 500, 20)).toBe(37);
  });
});

describe("ages", () => {
  const now = Date.parse("2026-03-10T12:00:00Z");
  const of = (at: string, lang: "zh" | "en") => showAge(at, now, lang);

  it("are told in the largest unit that is full", () => {
    expect(of("2026-03-10T11:59:30Z", "en")).toBe("now");
    expect(of("2026-03-10T11:58:01Z", "en")).toBe("1 minute ago");
    expect(of("2026-03-10T09:00:00Z", "zh")).toBe("3小时前");
    expect(of("2026-03-09T12:00:01Z", "en")).toBe("23 hours ago");
    expect(of("2026-03-01T12:00:00Z", "en")).toBe("9 days ago");
    expect(of("2026-03-01T12:00:00Z", "zh")).toBe("9天前");
  });

  it("are none where the clocks differ", () => {
    expect(of("2026-03-10T12:05:00Z", "zh")).toBe("现在");
  });
});
