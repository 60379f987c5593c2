// Words that only the overview says.
import i18next from "i18next";
import en from "./overview.en.json";
import zh from "./overview.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
