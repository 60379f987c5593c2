// Words about what a metric means.
import i18next from "i18next";
import en from "./definition.en.json";
import zh from "./definition.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
