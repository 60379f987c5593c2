// Words of the box that finds anything; they come with it.
import i18next from "i18next";
import en from "./find.en.json";
import zh from "./find.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
