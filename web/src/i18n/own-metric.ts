// Words for defining metrics.
import i18next from "i18next";
import en from "./own-metric.en.json";
import zh from "./own-metric.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
