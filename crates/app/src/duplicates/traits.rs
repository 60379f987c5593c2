//! What of a record tells it from others: its names, numbers and places,
//! written one way. From them come the keys by which candidates are found, and
//! how likely two records mean the same.
//!
//! The rule is a table and not a model: what a person who looks at two
//! customers goes by, in the order in which he does, so that each finding can
//! say why.

use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::names::{self, Name, distance};
use super::{codes, places};
use crate::context::stable_hash;

/// Why two records look like one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// One company by its registered code.
    SameCode,
    SamePhone,
    SameMail,
    /// The same name without its legal form, brackets and spaces.
    SameName,
    /// Names that sound alike.
    SameSound,
    /// One or two characters differ.
    SimilarName,
    /// One name is a part of the other.
    PartOfName,
}

/// How alike two records are, in hundredths, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    pub score: u8,
    pub reasons: Vec<Reason>,
}

/// From here on two records are taken for one until somebody says otherwise.
pub const LISTED: u8 = 80;
/// From here on they are told to whoever types one of them.
pub const TOLD: u8 = 40;

/// Of one record.
#[derive(Debug, Clone, Default)]
pub struct Traits {
    names: Vec<Name>,
    phones: Vec<String>,
    mails: Vec<String>,
    codes: Vec<String>,
    places: Vec<String>,
    within: Option<i64>,
}

/// The values of the fields of `[duplicates]`, in the order of
/// [`keji_schema::definition::DuplicatesDef::fields`]. A field for which
/// `is_used` does not hold counts as empty.
pub(super) fn traits(def: &ObjectDef, values: &[Value], is_used: impl Fn(&str) -> bool) -> Traits {
    let Some(duplicates) = &def.duplicates else {
        return Traits::default();
    };
    let fields = duplicates.fields();
    let value = |field: &str| {
        let at = fields.iter().position(|f| *f == field)?;
        values.get(at).filter(|_| is_used(field))
    };
    let texts = |list: &[String]| -> Vec<String> {
        let found = list.iter().filter_map(|field| match value(field) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        });
        found.collect()
    };
    let mut traits = Traits {
        within: duplicates
            .within
            .as_deref()
            .and_then(value)
            .and_then(|value| match value {
                Value::Int(id) => Some(*id),
                _ => None,
            }),
        ..Traits::default()
    };
    for text in texts(&duplicates.names) {
        // A comma is a part of `Acme Co., Ltd.`.
        for part in text.split([';', '；', '、', '/']) {
            let name = names::name(part);
            if let Some(name) = name.filter(|n| !traits.names.contains(n)) {
                traits.names.push(name);
            }
        }
    }
    let add = |list: &[String], read: fn(&str) -> Vec<String>| {
        let mut all: Vec<String> = texts(list).iter().flat_map(|text| read(text)).collect();
        all.dedup();
        all
    };
    traits.phones = add(&duplicates.phones, codes::phones);
    traits.mails = add(&duplicates.mails, codes::mails);
    traits.codes = add(&duplicates.codes, codes::codes);
    let of_names: Vec<String> = (traits.names.iter())
        .filter_map(|name| name.place.clone())
        .collect();
    let of_fields = texts(&duplicates.places);
    traits.places = of_fields.iter().filter_map(|t| places::place(t)).collect();
    traits.places.extend(of_names);
    traits
}

impl Traits {
    /// By which records are found that may be the same: numbers of 63 bits.
    pub(super) fn keys(&self) -> Vec<i64> {
        let mut keys = Vec::new();
        let mut add = |kind: char, text: &str| {
            let key = key(kind, text);
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        for code in &self.codes {
            add('c', code);
        }
        for phone in &self.phones {
            add('p', phone);
        }
        for mail in &self.mails {
            add('m', mail);
        }
        let place = self.places.iter().find(|p| !places::is_province(p));
        let place = place.map_or("", String::as_str);
        for name in &self.names {
            for sound in &name.sounds {
                add('s', sound);
            }
            add('n', &name.core);
            // With one character left out, two names that differ in one meet;
            // within one place, or too many would.
            let at = |text: &str| format!("{text}@{place}");
            add('d', &at(&name.core));
            let letters: Vec<char> = name.core.chars().collect();
            if name.is_latin || letters.len() < SPELLABLE {
                continue;
            }
            for out in 0..letters.len().min(MOST_LEFT_OUT) {
                let rest: String = letters[..out].iter().chain(&letters[out + 1..]).collect();
                add('d', &at(&rest));
            }
        }
        keys
    }

    /// Whether there is nothing to compare.
    pub(super) fn is_nothing(&self) -> bool {
        self.names.is_empty()
            && self.phones.is_empty()
            && self.mails.is_empty()
            && self.codes.is_empty()
    }
}

/// Characters of a name in which one mistake still leaves a name.
const SPELLABLE: usize = 4;
const MOST_LEFT_OUT: usize = 12;

fn key(kind: char, text: &str) -> i64 {
    let hash = stable_hash(format!("{kind}:{text}").as_bytes());
    // SQLite has numbers with a sign only.
    (hash >> 1) as i64
}

/// How two names stand to each other, the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Names {
    Same,
    /// One is the other in Latin letters.
    Spelt,
    Sound,
    Similar,
    Part,
    Other,
}

/// `None` where nothing speaks for it, or something against it.
pub(super) fn compare(a: &Traits, b: &Traits) -> Option<Likeness> {
    let shares = |a: &[String], b: &[String]| a.iter().any(|one| b.contains(one));
    let code = shares(&a.codes, &b.codes);
    if !code && !a.codes.is_empty() && !b.codes.is_empty() {
        // Two licences are two companies, whatever they are called.
        return None;
    }
    let phone = shares(&a.phones, &b.phones);
    let mail = shares(&a.mails, &b.mails);
    let place = place(a, b);
    let (names, letters, is_named) = names(a, b);
    let within = a.within.is_some() && a.within == b.within;
    let mut reasons = Vec::new();
    let said = [
        (code, Reason::SameCode),
        (phone, Reason::SamePhone),
        (mail, Reason::SameMail),
        (names == Names::Same, Reason::SameName),
        (
            matches!(names, Names::Spelt | Names::Sound),
            Reason::SameSound,
        ),
        (names == Names::Similar, Reason::SimilarName),
        (names == Names::Part, Reason::PartOfName),
    ];
    reasons.extend(said.iter().filter(|(is, _)| *is).map(|(_, why)| *why));
    // A name of a few letters is many people's.
    let is_telling = is_named || letters >= 5;
    let is_reached = phone || mail;
    let score = match names {
        _ if code => 98,
        _ if phone && mail => 95,
        Names::Same if is_reached => 97,
        Names::Spelt | Names::Sound if is_reached => 95,
        Names::Similar if is_reached => 92,
        Names::Part if is_reached && place != Some(false) => 88,
        Names::Same if within => 90,
        Names::Sound | Names::Spelt if within => 75,
        Names::Same if place == Some(false) => 35,
        Names::Same if is_telling => 90,
        Names::Spelt if is_telling && place != Some(false) => 86,
        Names::Sound if place == Some(true) && letters >= 6 => 82,
        Names::Sound if is_telling && place != Some(false) => 70,
        Names::Similar if place == Some(true) && letters >= 8 => 82,
        Names::Similar if is_telling && place != Some(false) => 60,
        Names::Same => 45,
        _ if is_reached => 60,
        _ => 0,
    };
    (score > 0 && !reasons.is_empty()).then_some(Likeness { score, reasons })
}

/// Whether both say the same place, where both say one. A city says nothing
/// about a province.
fn place(a: &Traits, b: &Traits) -> Option<bool> {
    let of_kind = |traits: &Traits, is_province: bool| -> Vec<String> {
        let all = traits.places.iter();
        let own = all.filter(|p| places::is_province(p) == is_province);
        own.cloned().collect()
    };
    let mut found = None;
    for is_province in [false, true] {
        let (a, b) = (of_kind(a, is_province), of_kind(b, is_province));
        if a.is_empty() || b.is_empty() {
            continue;
        }
        match a.iter().any(|one| b.contains(one)) {
            true => found = Some(true),
            false => return Some(false),
        }
    }
    found
}

/// The closest pair of names, the letters of its shorter one, and whether one
/// of the two has a legal form.
fn names(a: &Traits, b: &Traits) -> (Names, usize, bool) {
    let mut best = (Names::Other, 0, false);
    for one in &a.names {
        for other in &b.names {
            let n = one.core.chars().count().min(other.core.chars().count());
            let letters = match one.is_latin || other.is_latin {
                // About two letters are as telling as one Chinese character.
                true => n.max(letters_of(one).min(letters_of(other)) / 3),
                false => n,
            };
            let how = name(one, other);
            if how < best.0 {
                best = (how, letters, one.is_firm || other.is_firm);
            }
        }
    }
    best
}

/// In Latin letters, spoken the usual way.
fn letters_of(name: &Name) -> usize {
    name.sounds.first().map_or(0, String::len)
}

fn name(a: &Name, b: &Name) -> Names {
    if a.core == b.core {
        return Names::Same;
    }
    if a.sounds.iter().any(|sound| b.sounds.contains(sound)) {
        return match a.is_latin == b.is_latin {
            true => Names::Sound,
            false => Names::Spelt,
        };
    }
    let n = a.core.chars().count().min(b.core.chars().count());
    let most = match (a.is_latin, n) {
        (false, ..SPELLABLE) | (true, ..=5) => 0,
        (false, ..8) | (true, ..=9) => 1,
        _ => 2,
    };
    if a.is_latin == b.is_latin && most > 0 && distance(&a.core, &b.core, most) <= most {
        return Names::Similar;
    }
    let least = if a.is_latin { 5 } else { 2 };
    let is_part = n >= least && (a.core.contains(&b.core) || b.core.contains(&a.core));
    match is_part {
        true => Names::Part,
        false => Names::Other,
    }
}

#[cfg(test)]
mod tests {
    use keji_schema::Catalog;

    use super::*;

    /// Name, former name, phone, mail, code, province, city.
    fn of(values: [&str; 7]) -> Traits {
        let catalog = Catalog::standard().unwrap();
        let values: Vec<Value> = values
            .iter()
            .map(|text| match *text {
                "" => Value::Null,
                text => text.into(),
            })
            .collect();
        traits(catalog.object("customer").unwrap(), &values, |_| true)
    }

    fn score(a: [&str; 7], b: [&str; 7]) -> u8 {
        let (a, b) = (of(a), of(b));
        let forth = compare(&a, &b);
        assert_eq!(forth, compare(&b, &a), "it matters which comes first");
        let score = forth.map_or(0, |likeness| likeness.score);
        if score >= TOLD {
            let shared = a.keys().into_iter().filter(|k| b.keys().contains(k));
            assert!(shared.count() > 0, "no key leads from one to the other");
        }
        score
    }

    #[test]
    fn what_is_one_company() {
        let yunhai = ["上海云海贸易有限公司", "", "", "", "", "", ""];
        for same in [
            ["云海贸易（上海）有限公司", "", "", "", "", "", ""],
            ["上海市云海贸易有限责任公司", "", "", "", "", "上海", "上海"],
            [
                "Shanghai Yunhai Maoyi Youxian Gongsi",
                "",
                "",
                "",
                "",
                "",
                "",
            ],
            [
                "上海晨光贸易有限公司",
                "上海云海贸易有限公司",
                "",
                "",
                "",
                "",
                "",
            ],
        ] {
            assert!(score(yunhai, same) >= LISTED, "{same:?}");
        }
        for other in [
            ["北京云海贸易有限公司", "", "", "", "", "", ""],
            ["上海云海科技有限公司", "", "", "", "", "", ""],
            ["上海云河贸易有限公司", "", "", "", "", "", ""],
            ["云海贸易有限公司", "", "", "", "", "江苏", "苏州"],
            ["云海贸易有限公司", "", "", "", "", "", "苏州"],
        ] {
            assert!(score(yunhai, other) < LISTED, "{other:?}");
        }
    }

    #[test]
    fn a_name_is_known_by_each_of_its_readings() {
        let named = |name| [name, "", "", "", "", "", ""];
        for (written, spelt) in [
            (
                "上海长安汽车有限公司",
                "Shanghai Changan Qiche Youxian Gongsi",
            ),
            (
                "上海长安汽车有限公司",
                "Shanghai Zhangan Qiche Youxian Gongsi",
            ),
            (
                "重庆乐行科技有限公司",
                "Chongqing Lexing Keji Youxian Gongsi",
            ),
            ("重庆乐行科技有限公司", "Chongqing Yuehang Keji"),
            ("单氏曾记食品有限公司", "Shanshi Zengji Shipin"),
            ("长沙云海贸易有限公司", "Changsha Yunhai Maoyi"),
        ] {
            let score = score(named(written), named(spelt));
            assert!(score >= LISTED, "{written}, {spelt}: {score}");
        }
        let other = score(
            named("上海长安汽车有限公司"),
            named("Shanghai Chanan Qiche Youxian Gongsi"),
        );
        assert!(other < LISTED, "{other}");
    }

    #[test]
    fn numbers_decide_where_names_do_not() {
        let phone = ["上海云海贸易有限公司", "", "021-62345678", "", "", "", ""];
        let typo = [
            "上海云河贸易有限公司",
            "",
            "+86 21 6234 5678",
            "",
            "",
            "",
            "",
        ];
        let short = ["云海", "", "02162345678", "", "", "", ""];
        let agency = [
            "上海明朗财务咨询有限公司",
            "",
            "021 62345678",
            "",
            "",
            "",
            "",
        ];
        assert!(score(phone, typo) >= LISTED);
        assert!(score(phone, short) >= 60);
        assert!((TOLD..LISTED).contains(&score(phone, agency)));
        let code = ["某公司", "", "", "", "9144030071526726XG", "", ""];
        let lower = ["另一个名字", "", "", "", "91440300 71526726xg", "", ""];
        let old = ["又一个名字", "", "", "", "44030071526726X", "", ""];
        let other = ["某公司", "", "", "", "914403001922038216", "", ""];
        assert!(score(code, lower) >= LISTED && score(code, old) >= LISTED);
        assert_eq!(score(code, other), 0);
    }

    #[test]
    fn a_persons_name_alone_is_many_peoples() {
        let one = ["张伟", "", "13812345678", "", "", "", ""];
        let namesake = ["张伟", "", "13987654321", "", "", "", ""];
        let again = ["张 伟", "", "+86 138-1234-5678", "", "", "", ""];
        assert!((TOLD..LISTED).contains(&score(one, namesake)));
        assert!(score(one, again) >= LISTED);
    }
}
