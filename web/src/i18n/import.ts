// Words of the columns of a file that is imported; they come with its page.
import i18next from "i18next";
import en from "./import.en.json";
import zh from "./import.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
