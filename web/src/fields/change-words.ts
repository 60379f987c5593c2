// The log's own words in the reader's language: who, what, by which way.
import { useTranslation } from "react-i18next";
import type { Actor } from "../api/session";

export const KINDS = [
  "create",
  "update",
  "delete",
  "import",
  "undo",
  "evaluation",
  "sign_in",
  "sign_in_failed",
  "sign_out",
  "rights",
  "export",
  "reveal",
  "erasure",
  "merge",
  "unmerge",
  "define",
  "comment",
] as const;
/** Who gave a sign-in name that nobody has, and the program itself. */
const UNKNOWN = ":unknown";
const SYSTEM = "system";
const CHANNELS = ["page", "api", "command_line", "job", "import", "token", "form"] as const;

/** What is noted of somebody's ways in, which are no fields of a record. */
const DETAILS = [
  "way",
  "why",
  "address",
  "password",
  "second_factor",
  "passkey_added",
  "passkey_deleted",
  "token_made",
  "token_deleted",
  "single_sign_on",
  "added",
  "changed",
  "deleted",
  "name",
  "bytes",
] as const;
/** What is no record, by the word of the log. */
const THINGS = ["backup", "outbound"] as const;
const SAID = [
  "password",
  "password_and_second_factor",
  "passkey",
  "single_sign_on",
  "setup",
  "wrong_login",
  "wrong_second_factor",
  "wrong_passkey",
  "sso_refused",
  "sso_unknown",
  "sso_only",
  "sso_unreachable",
  "sso_unusable",
  "changed",
  "on",
  "off",
  "bound",
  "unbound",
] as const;
/** Whose values are words of the product, not of people. */
const OF_WORDS = ["way", "why", "password", "second_factor", "single_sign_on"];

const isOne = <T extends string>(all: readonly T[], word: string): word is T =>
  (all as readonly string[]).includes(word);

export const nameOf = (actor: Actor): string =>
  actor === null ? "" : typeof actor === "string" ? actor : actor.name;

/** A word that the page does not know yet is shown as the log has it. */
export function useLogWords() {
  const { t } = useTranslation();
  return {
    actor: (actor: Actor) => {
      const name = nameOf(actor);
      if (name === UNKNOWN) return t("log.unknown");
      return name === SYSTEM || name === "" ? t("log.system") : name;
    },
    kind: (kind: string) => (isOne(KINDS, kind) ? t(`log.kinds.${kind}`) : kind),
    thing: (id: string) => (isOne(THINGS, id) ? t(`log.things.${id}`) : id),
    detail: (id: string) => (isOne(DETAILS, id) ? t(`log.details.${id}`) : id),
    said: (id: string, value: string) =>
      OF_WORDS.includes(id) && isOne(SAID, value) ? t(`log.said.${value}`) : value,
    channel: (channel: string) => (isOne(CHANNELS, channel) ? t(`log.channels.${channel}`) : channel),
  };
}
