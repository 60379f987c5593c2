//! One company under several spellings: names with the same normal form are
//! shown to people, who decide. Nothing is merged here.

use std::collections::{HashMap, HashSet};

use super::parse::half_width;

/// What a company may have behind its name, longest first.
const ENDINGS_ZH: [&str; 6] = [
    "股份有限责任公司",
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "股份公司",
    "公司",
];
const ENDINGS_EN: [&str; 12] = [
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "inc",
    "incorporated",
    "limited",
    "llc",
    "ltd",
    "plc",
    "pte",
];

/// Without case, width, spaces, punctuation, brackets and the legal form:
/// `上海某某（集团）有限公司` and `上海某某集团` are the same. What would leave
/// nothing is kept.
pub fn normal_name(name: &str) -> String {
    let folded: String = name
        .chars()
        .map(half_width)
        .filter(|c| !matches!(c, '.' | '\'' | '\u{2019}'))
        .flat_map(char::to_lowercase)
        .collect();
    let mut words: Vec<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    while words.len() > 1 && words.last().is_some_and(|w| ENDINGS_EN.contains(w)) {
        words.pop();
    }
    let whole = words.concat();
    let ending = ENDINGS_ZH.iter().find(|e| whole.ends_with(**e));
    match ending.and_then(|e| whole.strip_suffix(e)) {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => whole,
    }
}

/// Different spellings that are looked at; a file with more is judged by the
/// first of them.
const N_NAMES: usize = 200_000;

/// The spellings met so far by their normal form.
#[derive(Default)]
pub(super) struct Spellings {
    seen: HashSet<String>,
    groups: HashMap<String, Vec<String>>,
    last: String,
}

impl Spellings {
    pub fn add(&mut self, name: &str) {
        if name == self.last || self.seen.contains(name) {
            return;
        }
        name.clone_into(&mut self.last);
        if self.seen.len() >= N_NAMES {
            return;
        }
        self.seen.insert(name.to_owned());
        let normal = normal_name(name);
        if !normal.is_empty() {
            self.groups.entry(normal).or_default().push(name.to_owned());
        }
    }

    /// The groups of more than one spelling, in the order of their names.
    pub fn doubles(&self) -> Vec<&[String]> {
        let mut doubles: Vec<&[String]> = self
            .groups
            .values()
            .filter(|group| group.len() > 1)
            .map(Vec::as_slice)
            .collect();
        doubles.sort();
        doubles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_company_are_the_same() {
        for group in [
            &[
                "上海某某贸易有限公司",
                "上海某某贸易 有限责任公司",
                "上海某某贸易股份有限公司",
                "上海某某贸易公司",
                " 上海某某贸易",
            ][..],
            &[
                "北京商行（集团）有限公司",
                "北京商行(集团)",
                "北京商行集团有限公司",
            ],
            &[
                "ACME Co., Ltd.",
                "Acme Inc.",
                "acme LLC",
                "ＡＣＭＥ",
                "A.C.M.E. Limited",
            ],
            &["Green & Sons Ltd", "green sons"],
        ] {
            let first = normal_name(group[0]);
            assert!(!first.is_empty());
            for name in group {
                assert_eq!(normal_name(name), first, "{name}");
            }
        }
        assert_ne!(normal_name("上海某某贸易"), normal_name("上海某某商贸"));
        assert_ne!(normal_name("北京甲有限公司"), normal_name("上海甲有限公司"));
        // Nothing but a legal form is a name like any other.
        assert_eq!(normal_name("有限公司"), "有限公司");
        assert_eq!(normal_name("Company"), "company");
        assert_eq!(normal_name("（）"), "");
    }

    #[test]
    fn only_different_spellings_make_a_group() {
        let mut spellings = Spellings::default();
        for name in ["甲有限公司", "乙", "甲 有限公司", "乙", "甲有限公司"] {
            spellings.add(name);
        }
        assert_eq!(spellings.doubles(), [["甲有限公司", "甲 有限公司"]]);
    }
}
