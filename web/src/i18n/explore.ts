// Words that only the page for exploring says.
import i18next from "i18next";
import en from "./explore.en.json";
import zh from "./explore.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
