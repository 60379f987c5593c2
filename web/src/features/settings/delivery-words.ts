// How a try to deliver went, in words.
import { useTranslation } from "react-i18next";
import type { Attempt } from "../../api/webhooks";

const ERRORS = [
  "refused_address",
  "no_address",
  "no_connection",
  "no_secure_connection",
  "timeout",
  "broken_connection",
  "answer_too_long",
  "url",
  "switched_off",
  "no_owner",
] as const;
export const STATES = ["waiting", "delivered", "dead", "withheld"] as const;

const isOne = <T extends string>(all: readonly T[], word: string): word is T =>
  (all as readonly string[]).includes(word);

export function useAttemptWords() {
  const { t } = useTranslation();
  return (attempt: Attempt): string => {
    if (attempt.status !== null && attempt.status !== undefined)
      return t("webhooks.answered", { status: attempt.status, ms: attempt.duration_ms });
    const error = attempt.error ?? "";
    return isOne(ERRORS, error) ? t(`webhooks.errors.${error}`) : error;
  };
}

export function useStateWords() {
  const { t } = useTranslation();
  return (state: string): string => (isOne(STATES, state) ? t(`webhooks.states.${state}`) : state);
}
