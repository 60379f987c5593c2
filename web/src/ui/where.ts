// Pieces of a `where` expression. Text is quoted the way SQL quotes it.
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export const AT_RISK = "value_at_risk > 0";

export const allOf = (parts: (string | undefined | false)[]): string | undefined => {
  const kept = parts.filter((p): p is string => typeof p === "string" && p.trim() !== "");
  return kept.length === 0
    ? undefined
    : kept.length === 1
      ? kept[0]
      : kept.map((p) => `(${p})`).join(" and ");
};
