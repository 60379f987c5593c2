// Words that only the page of forms says.
import i18next from "i18next";
import en from "./forms.en.json";
import zh from "./forms.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
