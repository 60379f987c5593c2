// Words of what waits for a network; they come with
// whatever says them first.
import i18next from "i18next";
import en from "./outbox.en.json";
import zh from "./outbox.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
