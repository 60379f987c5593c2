// The codes by which the server says why a column got its field, and what is
// good to know of a file. A test compares them with the server's own list.
import zh from "../../i18n/import.zh.json";

export type Reason = keyof typeof zh.mapping.reasons;
export const isReason = (code: string | undefined): code is Reason =>
  code !== undefined && Object.hasOwn(zh.mapping.reasons, code);
