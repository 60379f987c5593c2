// Conditions for the stand-in server: the part of the expression language that
// lists use, over records in memory.
export function matcher(text) {
  if (!text) return () => true;
  const tokens = text.match(/'(?:[^']|'')*'|-?\d+(?:\.\d+)?|[a-z_]\w*|<>|<=|>=|[=<>(),]/gi) ?? [];
  let at = 0;
  const peek = () => tokens[at]?.toLowerCase();
  const take = (word) => {
    if (peek() !== word) return false;
    at += 1;
    return true;
  };
  const must = (word) => {
    if (!take(word)) throw new Error(`expected ${word}, found ${tokens[at] ?? "the end"}`);
  };
  const value = () => {
    const t = tokens[at++];
    if (t === undefined) throw new Error("expected a value, found the end");
    if (t.startsWith("'")) return () => t.slice(1, -1).replaceAll("''", "'");
    if (/^-?\d/.test(t)) return () => Number(t);
    if (t === "true" || t === "false") return () => t === "true";
    if (t === "null") return () => null;
    return (row) => row[t] ?? null;
  };
  const compare = (a, b, op) => {
    if (a === null || b === null) return false;
    const x = typeof b === "number" ? Number(a) : a;
    const y = typeof x === "string" && /T.*Z$/.test(x) && /T/.test(b) ? new Date(b).toISOString() : b;
    return { "=": x === y, "<>": x !== y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y }[op];
  };
  const term = () => {
    if (take("not")) {
      const x = term();
      return (row) => !x(row);
    }
    if (take("(")) {
      const x = or();
      must(")");
      return x;
    }
    const a = value();
    if (take("is")) {
      const isNot = take("not");
      must("null");
      return (row) => (a(row) === null) !== isNot;
    }
    if (take("in")) {
      must("(");
      const all = [value()];
      while (take(",")) all.push(value());
      must(")");
      return (row) => all.some((b) => compare(a(row), b(row), "="));
    }
    if (take("like")) {
      const pattern = value()({});
      const wanted = new RegExp(
        `^${pattern
          .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
          .replaceAll("%", ".*")
          .replaceAll("_", ".")}$`,
      );
      return (row) => a(row) !== null && wanted.test(a(row));
    }
    if (take("between")) {
      const low = value();
      must("and");
      const high = value();
      return (row) => compare(a(row), low(row), ">=") && compare(a(row), high(row), "<=");
    }
    const op = tokens[at++];
    if (!["=", "<>", "<", "<=", ">", ">="].includes(op))
      throw new Error(`expected a comparison, found ${op}`);
    const b = value();
    return (row) => compare(a(row), b(row), op);
  };
  const and = () => {
    let x = term();
    while (take("and")) {
      const [l, r] = [x, term()];
      x = (row) => l(row) && r(row);
    }
    return x;
  };
  const or = () => {
    let x = and();
    while (take("or")) {
      const [l, r] = [x, and()];
      x = (row) => l(row) || r(row);
    }
    return x;
  };
  const all = or();
  if (at < tokens.length) throw new Error(`expected the end, found ${tokens[at]}`);
  return all;
}
