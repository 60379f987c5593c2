// Words that only pages of the settings say. They come with those pages, so
// that nobody waits for them who never opens one.
import i18next from "i18next";
import en from "./settings.en.json";
import zh from "./settings.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
