// Who is named in a text: while it is typed, and when it is shown. The server
// decides who is meant; here it is only found where.
import type { Person } from "../api/talk";

const SIGN = /[@＠]/;
const LONGEST = 40;

/** What stands behind the `@` before the caret; null where nobody is being named. */
export function mentionAt(text: string, caret: number): { from: number; part: string } | null {
  for (let from = caret - 1; from >= 0 && caret - from <= LONGEST; from--) {
    const sign = text[from] ?? "";
    if (/\s/.test(sign)) return null;
    if (!SIGN.test(sign)) continue;
    // The sign within a mail address names nobody.
    if (from > 0 && /[A-Za-z0-9]/.test(text[from - 1] ?? "")) return null;
    return { from, part: text.slice(from + 1, caret) };
  }
  return null;
}

export type Piece = { text: string; person?: Person };

/** The text cut where one of these people is named. */
export function named(text: string, people: Person[]): Piece[] {
  const words = people
    .flatMap((person) => [person.login, person.name].map((word) => ({ word: word.toLowerCase(), person })))
    .filter(({ word }) => word !== "")
    .sort((a, b) => b.word.length - a.word.length);
  const small = text.toLowerCase();
  // A letter whose small form is longer would shift the rest.
  if (words.length === 0 || small.length !== text.length) return [{ text }];
  const pieces: Piece[] = [];
  let done = 0;
  for (let at = 0; at < text.length; at++) {
    if (!SIGN.test(text[at] ?? "")) continue;
    if (at > 0 && /[a-z0-9]/i.test(text[at - 1] ?? "")) continue;
    const found = words.find(({ word }) => small.startsWith(word, at + 1) && !goesOn(word, small, at + 1));
    if (!found) continue;
    if (at > done) pieces.push({ text: text.slice(done, at) });
    done = at + 1 + found.word.length;
    pieces.push({ text: text.slice(at, done), person: found.person });
    at = done - 1;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

const LETTER = /[a-z0-9_-]/;

function goesOn(word: string, text: string, from: number): boolean {
  if (!LETTER.test(word.at(-1) ?? "")) return false;
  const [next = "", behind = ""] = [text[from + word.length], text[from + word.length + 1]];
  return next === "." || next === "@" ? LETTER.test(behind) : LETTER.test(next);
}
