//! Names in Latin letters: 李明朗 is `lml` and `liminglang`; and what keeps the
//! search's index up to the store.

use std::sync::atomic::Ordering;

use keji_store::Spelling;
use pinyin::ToPinyin;

use crate::context::App;
use crate::error::Result;

/// Characters of names of people, firms and places that are read in more than
/// one way, each with the readings beside the usual one. Rare and literary
/// readings are left out: each makes a spelling more of everything it is in.
#[rustfmt::skip]
const OTHER_READINGS: &[(char, &[&str])] = &[
    ('万', &["mo"]), ('乐', &["yue", "le"]), ('乘', &["sheng"]), ('什', &["shi"]),
    ('仇', &["qiu"]), ('会', &["kuai"]), ('传', &["zhuan", "chuan"]),
    ('六', &["lu"]),
    ('单', &["shan", "dan"]), ('卡', &["qia"]), ('厦', &["xia", "sha"]),
    ('参', &["shen"]), ('句', &["gou"]), ('召', &["shao", "zhao"]), 
    ('员', &["yun"]), ('和', &["huo"]), ('堡', &["pu"]),
    ('埔', &["bu", "pu"]), ('大', &["dai"]), ('奇', &["ji"]), 
    ('宿', &["xiu"]), ('尉', &["yu", "wei"]), ('屏', &["bing"]),
    ('差', &["chai"]), ('弹', &["tan", "dan"]), ('强', &["jiang"]), ('折', &["she", "zhe"]),
    ('曾', &["zeng", "ceng"]), ('朝', &["zhao", "chao"]),
    ('朴', &["piao", "pu"]), ('柏', &["bo", "bai"]), ('查', &["zha", "cha"]), ('校', &["jiao"]),
    ('殷', &["yan"]), ('沈', &["chen", "shen"]), ('泊', &["po", "bo"]),
    ('洗', &["xian"]), ('涡', &["guo", "wo"]), ('率', &["lv", "shuai"]), ('番', &["pan", "fan"]),
    ('盖', &["ge", "gai"]), ('盛', &["cheng", "sheng"]), ('省', &["xing"]), ('石', &["dan"]),
    ('种', &["chong", "zhong"]), ('秘', &["bi", "mi"]), ('系', &["ji"]), 
    ('缪', &["miao", "mou"]), ('翟', &["zhai", "di"]), ('般', &["bo"]),
    ('荥', &["ying", "xing"]), ('莞', &["guan", "wan"]), ('蔚', &["yu", "wei"]),
    ('薄', &["bo", "bao"]), ('藏', &["zang", "cang"]), ('蚌', &["beng", "bang"]), ('行', &["hang", "xing"]),
    ('褚', &["chu", "zhu"]), ('覃', &["qin", "tan"]), ('角', &["jue", "jiao"]), ('解', &["xie", "jie"]),
    ('调', &["diao", "tiao"]), ('贾', &["jia", "gu"]), ('车', &["che", "ju"]), 
    ('都', &["du", "dou"]), ('重', &["chong", "zhong"]), ('铅', &["yan", "qian"]), ('长', &["chang", "zhang"]),
    ('降', &["xiang", "jiang"]), ('隗', &["kui", "wei"]), ('隽', &["jun", "juan"]), ('区', &["ou", "qu"]),
    ('黑', &["he"]), ('乜', &["nie", "mie"]), ('郇', &["huan", "xun"]),
    ('祭', &["zhai", "ji"]), ('称', &["chen"]), ('觉', &["jiao"]),
];

/// Spellings of one name; of more, the usual readings stay.
const MANY_SPELLINGS: usize = 8;

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

/// What is to be done to the index while there is nothing to follow: a little
/// of it; says whether there may be more.
pub async fn settle_on(app: &App) -> Result<bool> {
    Ok(app.store.settle_search().await?)
}

/// From now on somebody calls [`follow_on`] again and again.
pub fn is_followed(app: &App) {
    app.follows.store(true, Ordering::Relaxed);
}

/// How a character is read, the usual way first; nothing where it is none of
/// the Chinese ones.
pub(crate) fn readings(c: char) -> Vec<&'static str> {
    let Some(usual) = c.to_pinyin() else {
        return Vec::new();
    };
    let mut all = vec![typed(usual.plain())];
    for (_, others) in OTHER_READINGS.iter().filter(|(known, _)| *known == c) {
        for other in *others {
            if !all.contains(other) {
                all.push(other);
            }
        }
    }
    all
}

/// As it is typed on a keyboard without `ü`.
fn typed(plain: &'static str) -> &'static str {
    match plain {
        "lü" => "lv",
        "nü" => "nv",
        "lüe" => "lve",
        "nüe" => "nve",
        other => other,
    }
}

/// Letters and digits stay, in small letters; a name without a Chinese
/// character needs no spelling.
pub(crate) fn spell(name: &str) -> Option<Spelling> {
    let mut is_chinese = false;
    let mut spellings = vec![(String::new(), String::new())];
    for c in name.chars() {
        let readings = readings(c);
        if let [usual, others @ ..] = readings.as_slice() {
            is_chinese = true;
            let n_before = spellings.len();
            for other in others {
                for at in 0..n_before {
                    if spellings.len() == MANY_SPELLINGS {
                        break;
                    }
                    let (mut initials, mut full) = spellings[at].clone();
                    initials.extend(other.chars().next());
                    full.push_str(other);
                    spellings.push((initials, full));
                }
            }
            for (initials, full) in &mut spellings[..n_before] {
                initials.extend(usual.chars().next());
                full.push_str(usual);
            }
        } else if c.is_ascii_alphanumeric() {
            for (initials, full) in &mut spellings {
                initials.push(c.to_ascii_lowercase());
                full.push(c.to_ascii_lowercase());
            }
        }
    }
    let joined = |each: fn(&(String, String)) -> &String| {
        let mut all: Vec<&str> = Vec::new();
        for one in spellings.iter().map(each) {
            if !all.contains(&one.as_str()) {
                all.push(one);
            }
        }
        all.join(" ")
    };
    is_chinese.then(|| Spelling {
        initials: joined(|(initials, _)| initials),
        full: joined(|(_, full)| full),
    })
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

    #[test]
    fn every_reading_of_a_surname_is_a_spelling() {
        for (name, reading) in [
            ("单雄", "shanxiong"),
            ("曾文", "zengwen"),
            ("仇英", "qiuying"),
            ("解缙", "xiejin"),
            ("查良", "zhaliang"),
            ("区大", "ouda"),
            ("朴正", "piaozheng"),
            ("翟天", "zhaitian"),
            ("盖文", "gewen"),
            ("尉迟", "yuchi"),
            ("重庆银行", "chongqingyinhang"),
            ("长沙", "changsha"),
            ("厦门", "xiamen"),
            ("缪斯", "miaosi"),
            ("覃海", "qinhai"),
        ] {
            let full = spell(name).unwrap().full;
            assert!(full.split(' ').any(|one| one == reading), "{name}: {full}");
        }
    }

    #[test]
    fn many_readings_make_few_spellings() {
        let spelling = spell("单曾仇解查区朴翟盖尉").unwrap();
        assert_eq!(spelling.full.split(' ').count(), MANY_SPELLINGS);
        let usual: String = "单曾仇解查区朴翟盖尉"
            .chars()
            .map(|c| readings(c)[0])
            .collect();
        assert!(spelling.full.starts_with(&usual), "{}", spelling.full);
    }

    #[test]
    fn no_character_is_in_the_table_twice() {
        let mut known = std::collections::BTreeSet::new();
        for (c, _) in OTHER_READINGS {
            assert!(known.insert(c), "{c}");
        }
        let has_one = |(c, _): &&(char, &[&str])| readings(*c).len() < 2;
        let needless: Vec<char> = (OTHER_READINGS.iter().filter(has_one))
            .map(|(c, _)| *c)
            .collect();
        assert!(needless.is_empty(), "{needless:?} have one reading");
    }
}
