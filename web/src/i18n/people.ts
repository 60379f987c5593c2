// Words of coming in, of one person's data, and of who shares what: most pages
// say none of them.
import i18next from "i18next";
import en from "./people.en.json";
import zh from "./people.zh.json";

i18next.addResourceBundle("zh", "translation", zh, true);
i18next.addResourceBundle("en", "translation", en, true);
