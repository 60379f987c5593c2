// The message catalogue: Chinese first, English equal. The choice is kept in
// the browser and shown in `<html lang>`.
import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import { setApiLanguage } from "../api/client";
import type { Lang } from "../ui/format";
import type batches from "./batches.zh.json";
import type choose from "./choose.zh.json";
import type definition from "./definition.zh.json";
import type design from "./design.zh.json";
import type duplicates from "./duplicates.zh.json";
import type explore from "./explore.zh.json";
import type find from "./find.zh.json";
import type forms from "./forms.zh.json";
import type imports from "./import.zh.json";
import type outbox from "./outbox.zh.json";
import type overview from "./overview.zh.json";
import type ownMetric from "./own-metric.zh.json";
import type people from "./people.zh.json";
import type settings from "./settings.zh.json";
import type talk from "./talk.zh.json";
import type views from "./views.zh.json";
import type zh from "./zh.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: {
      translation: typeof zh &
        typeof settings &
        typeof find &
        typeof imports &
        typeof duplicates &
        typeof design &
        typeof outbox &
        typeof talk &
        typeof batches &
        typeof people &
        typeof forms &
        typeof explore &
        typeof choose &
        typeof definition &
        typeof ownMetric &
        typeof overview &
        typeof views;
    };
  }
}

const KEY = "keji.language";
const TAGS: Record<Lang, string> = { zh: "zh-CN", en: "en" };

function chosen(): Lang {
  const kept = localStorage.getItem(KEY);
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("en") ? "en" : "zh";
}

function apply(lang: Lang): void {
  document.documentElement.lang = TAGS[lang];
  setApiLanguage(TAGS[lang]);
}

/** Nobody waits for the words of the language that he does not read. */
const WORDS = {
  zh: () => import("./zh.json"),
  en: () => import("./en.json"),
};

export async function startI18n(): Promise<void> {
  const lng = chosen();
  apply(lng);
  const words = await WORDS[lng]();
  await i18next.use(initReactI18next).init({
    lng,
    fallbackLng: false,
    resources: { [lng]: { translation: words.default } },
    interpolation: { escapeValue: false },
    initAsync: false,
  });
}

export async function setLanguage(lang: Lang): Promise<void> {
  const words = await WORDS[lang]();
  i18next.addResourceBundle(lang, "translation", words.default, true);
  localStorage.setItem(KEY, lang);
  apply(lang);
  await i18next.changeLanguage(lang);
}

/** The language in use, for formatting and for two-language texts. */
export function useLang(): Lang {
  return useTranslation().i18n.language === "en" ? "en" : "zh";
}
