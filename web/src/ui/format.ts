// Numbers, money and dates as people read them. Rounding happens only here.
import type { Text2, Unit, Value } from "../api/types";

export type Lang = "zh" | "en";

const SCALES: Record<Lang, { size: number; suffix: string }[]> = {
  zh: [
    { size: 1, suffix: "" },
    { size: 1e4, suffix: "万" },
    { size: 1e8, suffix: "亿" },
    { size: 1e12, suffix: "万亿" },
  ],
  en: [
    { size: 1, suffix: "" },
    { size: 1e3, suffix: "K" },
    { size: 1e6, suffix: "M" },
    { size: 1e9, suffix: "B" },
    { size: 1e12, suffix: "T" },
  ],
};

const FULL_UP_TO = 10_000;

function grouped(x: number, decimals: number): string {
  return x.toLocaleString("en-US", { minimumFractionDigits: 0, maximumFractionDigits: decimals });
}

/** Up to 9,999 whole; above in 万/亿 or K/M/B with about four figures. */
export function compactNumber(x: number, lang: Lang, decimals = 2): string {
  const sign = x < 0 ? "−" : "";
  const size = Math.abs(x);
  if (size < FULL_UP_TO && Number(size.toFixed(decimals)) < FULL_UP_TO) {
    return sign + grouped(size, size >= 1000 ? Math.min(decimals, 0) : decimals);
  }
  const scales = SCALES[lang];
  let pick = scales.findLastIndex((s) => size >= s.size);
  const digits = (at: number) => {
    const scaled = size / (scales[at]?.size ?? 1);
    return { scaled, decimals: scaled < 100 ? 2 : scaled < 1000 ? 1 : 0 };
  };
  let shown = digits(pick);
  const next = scales[pick + 1];
  if (next && Number(shown.scaled.toFixed(shown.decimals)) * (scales[pick]?.size ?? 1) >= next.size) {
    pick += 1;
    shown = digits(pick);
  }
  return sign + grouped(shown.scaled, shown.decimals) + (scales[pick]?.suffix ?? "");
}

/** The value as it was sent, with thousands marks; decimals are never rounded. */
export function exactNumber(value: string | number): string {
  const text = String(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return text;
  const whole = (match[2] ?? "").replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = (match[3] ?? "").replace(/0+$/, "");
  return `${match[1] ? "−" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}

const SIGNS: Record<string, string> = { CNY: "¥", RMB: "¥", USD: "$", EUR: "€", GBP: "£", JPY: "JP¥" };

/** The sign of a currency; nothing where the currency is not known. */
export const currencySign = (code: string | null | undefined): string =>
  code ? (SIGNS[code.toUpperCase()] ?? `${code} `) : "";

export const NO_VALUE = "–";

export function toNumber(value: Value | undefined): number | null {
  if (value === null || value === undefined || value === "" || typeof value === "boolean") return null;
  const x = Number(value);
  return Number.isFinite(x) ? x : null;
}

export type Shown = { text: string; exact: string };

/** A value by its unit: short text, and the exact one for hover. */
export function showValue(
  value: Value | undefined,
  unit: Unit | string,
  lang: Lang,
  currency?: string,
): Shown {
  const x = toNumber(value);
  if (x === null || value === null || value === undefined || typeof value === "boolean")
    return { text: NO_VALUE, exact: "" };
  const days = lang === "zh" ? " 天" : Math.abs(x) === 1 ? " day" : " days";
  switch (unit) {
    case "money": {
      const sign = currencySign(currency);
      const put = (text: string) => (text.startsWith("−") ? `−${sign}${text.slice(1)}` : sign + text);
      return { text: put(compactNumber(x, lang)), exact: put(exactNumber(value)) };
    }
    case "pct":
      return { text: `${grouped(x * 100, 1)}%`.replace("-", "−"), exact: `${grouped(x * 100, 4)}%` };
    case "days":
      return { text: compactNumber(x, lang, 1) + days, exact: exactNumber(value) + days };
    case "score":
      return { text: grouped(x, 2), exact: String(value) };
    default:
      return { text: compactNumber(x, lang), exact: exactNumber(value) };
  }
}

/** A change: relative for money, counts and days, points for shares, the difference for scores. */
export function showChange(change: number, unit: Unit | string, lang: Lang): string {
  const sign = change > 0 ? "+" : change < 0 ? "−" : "±";
  if (unit === "score") return sign + grouped(Math.abs(change), 2);
  const percent = Math.abs(change) * 100;
  // A change that shows an arrow also shows a figure.
  const size = grouped(percent, percent >= 1000 ? 0 : percent < 0.05 ? 2 : 1);
  if (unit !== "pct") return `${sign}${size}%`;
  return lang === "zh" ? `${sign}${size} 个百分点` : `${sign}${size} pp`;
}

export function showBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let x = bytes;
  let at = 0;
  while (x >= 1024 && at < units.length - 1) {
    x /= 1024;
    at += 1;
  }
  return `${grouped(x, at === 0 ? 0 : 1)} ${units[at]}`;
}

export function showSeconds(seconds: number, lang: Lang): string {
  const s = Math.max(1, Math.round(seconds));
  if (s < 60) return lang === "zh" ? `${s} 秒` : `${s} s`;
  const m = Math.ceil(s / 60);
  return lang === "zh" ? `${m} 分钟` : `${m} min`;
}

/** An instant as civil time of the calendar's zone, to the minute. */
export function showInstant(instant: string): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return instant;
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone: "Asia/Shanghai",
    dateStyle: "short",
    timeStyle: "short",
  });
  return parts.format(at);
}

const AGES: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** How long ago it was: `3 小时前`, `3 hours ago`; up to a minute is now. */
export function showAge(instant: string, now: number, lang: Lang): string {
  const words = new Intl.RelativeTimeFormat(lang === "zh" ? "zh-CN" : "en", { numeric: "auto" });
  const age = Math.max(0, now - Date.parse(instant));
  const [unit, size] = AGES.find(([, ms]) => age >= ms) ?? ["second", Number.POSITIVE_INFINITY];
  return words.format(-Math.floor(age / size), unit);
}

export const pickText = (
  text: Text2 | { zh?: string; en?: string } | null | undefined,
  lang: Lang,
): string => (text ? text[lang] || text.zh || "" : "");
