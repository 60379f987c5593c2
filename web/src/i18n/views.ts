// Words that only saved views say.
import i18next from "i18next";
import en from "./views.en.json";
import zh from "./views.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
