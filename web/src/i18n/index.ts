// The message catalogue: Chinese first, English equal. The choice is kept in
// the browser and shown in `<html lang>`.
import i18next from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import { setApiLanguage } from "../api/client";
import type { Lang } from "../ui/format";
import type batches from "./batches.zh.json";
import type design from "./design.zh.json";
import type duplicates from "./duplicates.zh.json";
import en from "./en.json";
import type find from "./find.zh.json";
import type forms from "./forms.zh.json";
import type imports from "./import.zh.json";
import type settings from "./settings.zh.json";
import type talk from "./talk.zh.json";
import type views from "./views.zh.json";
import zh from "./zh.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: {
      translation: typeof zh &
        typeof settings &
        typeof find &
        typeof imports &
        typeof duplicates &
        typeof design &
        typeof talk &
        typeof batches &
        typeof forms &
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

export function startI18n(): void {
  const lng = chosen();
  apply(lng);
  void i18next.use(initReactI18next).init({
    lng,
    fallbackLng: "zh",
    resources: { zh: { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false },
    initAsync: false,
  });
}

export function setLanguage(lang: Lang): void {
  localStorage.setItem(KEY, lang);
  apply(lang);
  void i18next.changeLanguage(lang);
}

/** The language in use, for formatting and for two-language texts. */
export function useLang(): Lang {
  return useTranslation().i18n.language === "en" ? "en" : "zh";
}
