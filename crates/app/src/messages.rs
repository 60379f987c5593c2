//! Every text that the product says of itself in errors, in both languages.
//! One code, one line. `{name}` is replaced by the argument of that name.

pub mod phrases;

/// The language of a person or a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Zh,
    En,
}

impl Language {
    /// The text of this language.
    pub fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    /// From `Accept-Language`, or a locale such as `en_US.UTF-8`: English where
    /// it is preferred to Chinese, Chinese otherwise.
    pub fn preferred(text: &str) -> Language {
        for part in text.split([',', ';', ':']) {
            let part = part.trim().to_ascii_lowercase();
            if part.starts_with("zh") {
                return Language::Zh;
            }
            if part.starts_with("en") {
                return Language::En;
            }
        }
        Language::Zh
    }
}
