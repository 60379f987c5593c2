// Words that only the design of objects says.
import i18next from "i18next";
import en from "./design.en.json";
import zh from "./design.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
