// Words about records that mean the same, which come with the pages that say
// them.
import i18next from "i18next";
import en from "./duplicates.en.json";
import zh from "./duplicates.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
