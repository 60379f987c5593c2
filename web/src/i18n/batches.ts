// Words about grids, many changes at once and the recycle bin, which come with
// the pages that say them.
import i18next from "i18next";
import en from "./batches.en.json";
import zh from "./batches.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
