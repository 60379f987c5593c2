// Words that only the page for choosing indicators says, and whoever links to it.
import i18next from "i18next";
import en from "./choose.en.json";
import zh from "./choose.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
