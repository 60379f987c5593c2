// The few texts of a public form, without the catalogue of the whole page.
import { setApiLanguage } from "../../api/client";
import en from "../../i18n/form.en.json";
import zh from "../../i18n/form.zh.json";

export type Lang = "zh" | "en";
type Word = `publicForm.${keyof typeof zh.publicForm}`;

const KEY = "keji.language";
const TAGS: Record<Lang, string> = { zh: "zh-CN", en: "en" };

export function firstLang(): Lang {
  const kept = localStorage.getItem(KEY);
  const lang: Lang =
    kept === "zh" || kept === "en" ? kept : navigator.language.toLowerCase().startsWith("en") ? "en" : "zh";
  apply(lang);
  return lang;
}

export function keepLang(lang: Lang): void {
  localStorage.setItem(KEY, lang);
  apply(lang);
}

function apply(lang: Lang): void {
  document.documentElement.lang = TAGS[lang];
  setApiLanguage(TAGS[lang]);
}

export function wordsOf(lang: Lang): (word: Word) => string {
  const said: Record<string, string> = (lang === "zh" ? zh : en).publicForm;
  return (word) => said[word.slice("publicForm.".length)] ?? "";
}
