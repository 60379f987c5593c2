// Words of comments, notifications, favourites and the day; they come with
// whatever says them first.
import i18next from "i18next";
import en from "./talk.en.json";
import zh from "./talk.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
