//! What of a name is the name: without the legal form, the brackets, the
//! spaces and the place that stand around it, and how it sounds.

use super::places;
use crate::spelling::readings;

/// Legal forms and what else says nothing, longest first.
const FORMS: [&str; 26] = [
    "集团股份有限公司",
    "集团有限责任公司",
    "控股集团有限公司",
    "股份有限责任公司",
    "股份有限公司",
    "有限责任公司",
    "集团有限公司",
    "控股有限公司",
    "股份公司",
    "有限公司",
    "集团公司",
    "总公司",
    "责任公司",
    "个体工商户",
    "普通合伙",
    "有限合伙",
    "特殊普通合伙",
    "个人独资",
    "自然人独资",
    "法人独资",
    "已注销",
    "公司",
    "集团",
    "有限",
    "股份",
    "控股",
];

/// Forms that say nothing within a name, either; the short ones above only at
/// its end.
const WITHIN: usize = 10;

const WESTERN: [&str; 32] = [
    "co",
    "ltd",
    "limited",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "llc",
    "llp",
    "lp",
    "gmbh",
    "mbh",
    "ag",
    "kg",
    "ohg",
    "ug",
    "se",
    "sa",
    "sas",
    "sarl",
    "srl",
    "spa",
    "bv",
    "nv",
    "ab",
    "oy",
    "as",
    "plc",
    "pty",
    "pte",
    "company",
    "the",
];

/// Legal forms in Latin letters, as people without Chinese keys type them.
const SPELT_FORMS: [&str; 7] = [
    "gufenyouxiangongsi",
    "youxianzerengongsi",
    "jituanyouxiangongsi",
    "youxiangongsi",
    "jituan",
    "gongsi",
    "youxian",
];

/// Ways in which one name sounds; of more, the usual readings stay.
const MANY_SOUNDS: usize = 8;

/// One name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Name {
    /// The name itself; never empty.
    pub core: String,
    /// How it may sound, in Latin letters, the usual way first; of a Latin name
    /// its letters. Never empty.
    pub sounds: Vec<String>,
    /// A place that stood in the name.
    pub place: Option<String>,
    /// Whether it was a firm's by its legal form.
    pub is_firm: bool,
    /// Whether it was in Latin letters.
    pub is_latin: bool,
}

/// Several values of one field.
pub(super) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let all = text.split(['/', ';', '；', '、', '\n', '|', '，', ',']);
    all.map(str::trim).filter(|part| !part.is_empty())
}

/// Full-width letters, digits and signs as the usual ones.
pub(super) fn half_width(text: &str) -> String {
    let one = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        '【' | '〔' | '「' | '《' => '(',
        '】' | '〕' | '」' | '》' => ')',
        other => other,
    };
    text.chars().map(one).collect()
}

/// `None` of a text without a letter or digit.
pub(super) fn name(text: &str) -> Option<Name> {
    let text = half_width(text).to_lowercase();
    let is_latin = !text.chars().any(is_wide);
    match is_latin {
        true => western(&text),
        false => chinese(&text),
    }
}

fn is_wide(c: char) -> bool {
    c > '\u{2e7f}'
}

fn chinese(text: &str) -> Option<Name> {
    let mut name = Name::default();
    // What stands in brackets is a place, a form, or a part of the name.
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, more)) = rest.split_once(['(', '[']) {
        whole.push_str(before);
        let (inner, after) = more.split_once([')', ']']).unwrap_or((more, ""));
        let inner = plain(inner);
        match places::whole(&inner) {
            Some(place) => name.place = Some(place.to_owned()),
            None if FORMS.contains(&inner.as_str()) => name.is_firm = true,
            None => whole.push_str(&inner),
        }
        rest = after;
    }
    whole.push_str(rest);
    let mut core = plain(&whole);
    for form in &FORMS[..WITHIN] {
        if core.contains(form) {
            name.is_firm = true;
            core = core.replace(form, "");
        }
    }
    while let Some(form) = FORMS.iter().find(|form| {
        let rest = core.strip_suffix(**form);
        rest.is_some_and(|rest| rest.chars().count() >= 2)
    }) {
        name.is_firm |= form.contains("公司") || form.contains('集');
        core.truncate(core.len() - form.len());
    }
    let (place, rest) = places::prefix(&core);
    if let Some(place) = place {
        name.place.get_or_insert_with(|| place.to_owned());
        core = rest.to_owned();
    }
    if core.is_empty() {
        core = plain(text);
    }
    if core.is_empty() {
        return None;
    }
    name.sounds = sounds(&core);
    name.core = core;
    Some(name)
}

fn western(text: &str) -> Option<Name> {
    let mut name = Name {
        is_latin: true,
        ..Name::default()
    };
    let text = text.replace('&', " and ").replace(['.', '\''], "");
    let mut words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    // `Co., Ltd.`, `GmbH & Co. KG`: from the end, and the article.
    while let Some(last) = words.last()
        && words.len() > 1
        && (WESTERN.contains(last) || (*last == "and" && name.is_firm))
    {
        name.is_firm = true;
        words.pop();
    }
    if words.len() > 1 && words[0] == "the" {
        words.remove(0);
    }
    let mut core = words.concat();
    while let Some(form) = SPELT_FORMS.iter().find(|form| {
        let rest = core.strip_suffix(**form);
        rest.is_some_and(|rest| rest.len() >= 4)
    }) {
        name.is_firm = true;
        core.truncate(core.len() - form.len());
    }
    if let (Some(place), rest) = places::spelt_prefix(&core) {
        name.place = Some(place.to_owned());
        core = rest.to_owned();
    }
    if core.is_empty() {
        return None;
    }
    name.sounds = vec![core.clone()];
    name.core = core;
    Some(name)
}

/// Letters and digits only.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// What of a name sounds in more than one way gives each of them, as far as
/// there are not too many: 长安 is `changan` and `zhangan`.
fn sounds(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    for c in text.chars() {
        let readings = readings(c);
        let Some((usual, others)) = readings.split_first() else {
            all.iter_mut().for_each(|one| one.push(c));
            continue;
        };
        let n_before = all.len();
        for other in others {
            let room = MANY_SOUNDS - all.len();
            let more: Vec<String> = (all[..n_before].iter().take(room))
                .map(|one| format!("{one}{other}"))
                .collect();
            all.extend(more);
        }
        for one in &mut all[..n_before] {
            one.push_str(usual);
        }
    }
    all.dedup();
    all
}

/// Each character in its usual way.
pub(super) fn usual_sound(text: &str) -> String {
    let mut sound = String::new();
    for c in text.chars() {
        match readings(c).first() {
            Some(usual) => sound.push_str(usual),
            None => sound.push(c),
        }
    }
    sound
}

/// How much two texts differ in single characters that are left out, added,
/// exchanged or swapped with their neighbour; `max + 1` where it is more than
/// `max` (optimal string alignment).
pub(super) fn distance(a: &str, b: &str, max: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > max {
        return max + 1;
    }
    let mut rows = [
        vec![0; b.len() + 1],
        (0..=b.len()).collect(),
        vec![0; b.len() + 1],
    ];
    for i in 1..=a.len() {
        let [before, last, now] = &mut rows;
        now[0] = i;
        for j in 1..=b.len() {
            let is_other = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (last[j] + 1)
                .min(now[j - 1] + 1)
                .min(last[j - 1] + is_other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            now[j] = least;
        }
        if now.iter().min().is_some_and(|least| *least > max) {
            return max + 1;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()].min(max + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core(text: &str) -> (String, Option<String>) {
        let name = name(text).unwrap();
        (name.core, name.place)
    }

    #[test]
    fn one_company_in_many_writings_is_one_name() {
        for text in [
            "上海云海贸易有限公司",
            "上海市云海贸易有限公司",
            "云海贸易（上海）有限公司",
            "云海(上海)贸易有限公司",
            "云海贸易【上海】股份有限公司",
            " 上海 云海 贸易 有限责任公司 ",
            "上海云海贸易集团有限公司",
            "上海云海贸易",
            "上海云海贸易（集团）有限公司",
        ] {
            let expected = ("云海贸易".to_owned(), Some("上海".to_owned()));
            assert_eq!(core(text), expected, "{text}");
        }
        assert_eq!(core("江苏省苏州市绿洲食品有限公司").0, "绿洲食品");
        assert_eq!(
            core("江苏省苏州市绿洲食品有限公司").1.as_deref(),
            Some("苏州")
        );
        assert_eq!(core("上海安康食品有限公司").0, "安康食品");
        assert_eq!(core("上海海南贸易有限公司").0, "海南贸易");
        assert_eq!(core("ＡＢＣ科技有限公司").0, "abc科技");
        assert_eq!(core("云海贸易有限公司北京分公司").0, "云海贸易北京分");
        assert_eq!(core("王小明"), ("王小明".to_owned(), None));
        // A name that is nothing but a form or a place stays what it is.
        assert_eq!(core("有限公司").0, "有限公司");
        assert_eq!(core("上海").0, "上海");
    }

    #[test]
    fn western_forms_and_spelt_names() {
        for text in [
            "Acme Trading Co., Ltd.",
            "ACME  trading",
            "The Acme-Trading Company",
        ] {
            assert_eq!(core(text).0, "acmetrading", "{text}");
        }
        assert_eq!(core("Müller & Söhne GmbH & Co. KG").0, "müllerandsöhne");
        let spelt = name("Shanghai Yunhai Maoyi Youxian Gongsi").unwrap();
        let written = name("上海云海贸易有限公司").unwrap();
        assert_eq!(spelt.sounds, written.sounds[..1]);
        assert_eq!(spelt.place, written.place);
        assert!(spelt.is_latin && !written.is_latin);
        assert_eq!(name(" （） "), None);
    }

    #[test]
    fn a_name_sounds_in_few_ways_and_the_usual_one_is_first() {
        assert_eq!(sounds("云海a2"), ["yunhaia2"]);
        let two = sounds("长安");
        assert_eq!(two.len(), 2, "{two:?}");
        assert!(two.contains(&"changan".to_owned()), "{two:?}");
        let many = sounds("单曾仇解查区朴翟盖尉");
        assert_eq!(many.len(), MANY_SOUNDS);
        assert_eq!(many[0], usual_sound("单曾仇解查区朴翟盖尉"));
    }

    #[test]
    fn a_swap_is_one_mistake() {
        for (a, b, expected) in [
            ("云海贸易", "云海贸易", 0),
            ("云海贸易", "云河贸易", 1),
            ("云海贸易", "海云贸易", 1),
            ("云海贸易", "云海贸", 1),
            ("云海贸易", "云海大贸易", 1),
            ("云海贸易", "云河商易", 2),
            ("云海贸易", "明朗科技", 3),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(a, b, 2), expected, "{a} {b}");
            assert_eq!(distance(b, a, 2), expected, "{b} {a}");
        }
    }
}
