//! The search's index, and names in Latin letters: 李明朗 is `lml` and
//! `liminglang`.

use std::sync::atomic::Ordering;

use keji_store::Spelling;
use pinyin::ToPinyin;

use crate::context::App;
use crate::error::Result;

/// Brings the index up to what the store says. Where the server runs, its
/// worker does that all the time.
pub async fn follow(app: &App) -> Result<()> {
    if !app.follows.load(Ordering::Relaxed) {
        while app.store.follow_search(spell).await? {}
    }
    Ok(())
}

/// One portion of the same, for a worker; says whether there is more.
pub async fn follow_on(app: &App) -> Result<bool> {
    Ok(app.store.follow_search(spell).await?)
}

/// From now on somebody calls [`follow_on`] again and again.
pub fn is_followed(app: &App) {
    app.follows.store(true, Ordering::Relaxed);
}

/// Letters and digits stay, in small letters; a name without a Chinese
/// character needs no spelling.
fn spell(name: &str) -> Option<Spelling> {
    let mut spelling = Spelling {
        initials: String::new(),
        full: String::new(),
    };
    let mut is_chinese = false;
    for c in name.chars() {
        if let Some(sound) = c.to_pinyin() {
            is_chinese = true;
            let plain = sound.plain().replace('ü', "v");
            spelling.initials.extend(plain.chars().next());
            spelling.full.push_str(&plain);
        } else if c.is_ascii_alphanumeric() {
            spelling.initials.push(c.to_ascii_lowercase());
            spelling.full.push(c.to_ascii_lowercase());
        }
    }
    is_chinese.then_some(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt() {
        let spelt = |name: &str| spell(name).map(|s| (s.initials, s.full));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(spelt("李明朗"), pair("lml", "liminglang"));
        assert_eq!(spelt("绿洲 A2"), pair("lza2", "lvzhoua2"));
        assert_eq!(spelt("Acme Ltd"), None);
        assert_eq!(spelt(""), None);
    }
}
