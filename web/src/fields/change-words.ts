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
] as const;
const CHANNELS = ["page", "api", "command_line", "job", "import", "token"] as const;

const isOne = <T extends string>(all: readonly T[], word: string): word is T =>
  (all as readonly string[]).includes(word);

export const nameOf = (actor: Actor): string =>
  actor === null ? "" : typeof actor === "string" ? actor : actor.name;

/** A word that the page does not know yet is shown as the log has it. */
export function useLogWords() {
  const { t } = useTranslation();
  return {
    actor: (actor: Actor) => nameOf(actor) || t("log.system"),
    kind: (kind: string) => (isOne(KINDS, kind) ? t(`log.kinds.${kind}`) : kind),
    channel: (channel: string) => (isOne(CHANNELS, channel) ? t(`log.channels.${channel}`) : channel),
  };
}
