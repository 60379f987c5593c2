//! Numbers by which a record is known beside its name: phones as E.164, the
//! unified social credit code with its check character, mail addresses. What
//! is no such number gives none.
//!
//! Phones follow a rule of our own and no list of all countries' plans: a
//! mobile or area code of China, or what says its country itself. Decision
//! 0024 says why.

/// Signs of the credit code (GB 32100-2015): without I, O, S, V and Z.
const SIGNS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Area codes of two digits; all others of China have three. Without the 0.
const SHORT_AREAS: [&str; 11] = [
    "10", "20", "21", "22", "23", "24", "25", "27", "28", "29", "26",
];

/// Every phone in a text, as E.164: `+8613812345678`.
pub(super) fn phones(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in super::names::parts(text) {
        if let Some(phone) = phone(part)
            && !found.contains(&phone)
        {
            found.push(phone);
        }
    }
    found
}

/// One phone without its extension: `021-62345678-801` is the line
/// `+862162345678`.
fn phone(text: &str) -> Option<String> {
    line(text).or_else(|| {
        let (rest, extension) = text.rsplit_once(['-', '–', '—', '－'])?;
        let extension = super::names::half_width(extension.trim());
        let is_short =
            (1..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_digit());
        line(rest).filter(|_| is_short)
    })
}

/// One line. An extension that is named as such is left out; a local number
/// without its area is nobody's alone, so it is none.
fn line(text: &str) -> Option<String> {
    let text = super::names::half_width(text).to_lowercase();
    let end = ["ext", "转", "分机", "#", "x"]
        .iter()
        .filter_map(|word| text.find(word))
        .min();
    let text = &text[..end.unwrap_or(text.len())];
    let is_wrong = |c: char| !(c.is_ascii_digit() || " +-–—().·\u{a0}\t/".contains(c));
    if text.contains(is_wrong) {
        return None;
    }
    let is_abroad = text.trim_start_matches(['(', ' ']).starts_with('+');
    // `+44 (0)20 …`: the 0 is for those who call from there.
    let text = match is_abroad {
        true => text.replace("(0)", ""),
        false => text.to_owned(),
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let abroad = match is_abroad {
        true => Some(digits.as_str()),
        false => digits.strip_prefix("00"),
    };
    if let Some(whole) = abroad {
        if let Some(rest) = whole.strip_prefix("86") {
            // Whoever calls from abroad leaves the 0 of the area out.
            return chinese(rest).or_else(|| chinese(&format!("0{rest}")));
        }
        let fits = (8..=15).contains(&whole.len()) && !whole.starts_with('0');
        return fits.then(|| format!("+{whole}"));
    }
    let rest = digits.strip_prefix("86").filter(|rest| rest.len() == 11);
    chinese(rest.unwrap_or(&digits))
}

/// A number of China without its country: a mobile, a landline with its area,
/// or a service number.
fn chinese(digits: &str) -> Option<String> {
    let bytes = digits.as_bytes();
    let is_mobile = |d: &[u8]| d.len() == 11 && d[0] == b'1' && (b'3'..=b'9').contains(&d[1]);
    if is_mobile(bytes) {
        return Some(format!("+86{digits}"));
    }
    if let Some(rest) = digits.strip_prefix('0') {
        if is_mobile(rest.as_bytes()) {
            return Some(format!("+86{rest}"));
        }
        let area = match SHORT_AREAS.iter().any(|a| rest.starts_with(a)) {
            true => 2,
            false => 3,
        };
        let n = rest.len().checked_sub(area)?;
        let fits = (7..=8).contains(&n) && !rest.starts_with('0');
        return fits.then(|| format!("+86{rest}"));
    }
    let is_service = digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
    is_service.then(|| format!("+86{digits}"))
}

/// Every organisation code in a text. See [`code`].
pub(super) fn codes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in super::names::parts(text) {
        if let Some(code) = code(part)
            && !found.contains(&code)
        {
            found.push(code);
        }
    }
    found
}

/// The organisation's nine characters out of a credit code whose check
/// character holds, or out of an old tax number of 15: both end alike, so the
/// two writings of one company meet.
pub(super) fn code(text: &str) -> Option<String> {
    let text = super::names::half_width(text).to_uppercase();
    let signs: Vec<u8> = text
        .bytes()
        .filter(|b| !b" -._".contains(b))
        // Letters that the standard leaves out because they are taken for
        // these.
        .map(|b| match b {
            b'O' => b'0',
            b'I' => b'1',
            b'Z' => b'2',
            b'S' => b'5',
            other => other,
        })
        .collect();
    let organisation = match signs.len() {
        18 if check_sign(&signs[..17]) == Some(signs[17]) => &signs[8..17],
        15 if signs[..6].iter().all(u8::is_ascii_digit) => &signs[6..],
        _ => return None,
    };
    let is_known = organisation.iter().all(|b| SIGNS.contains(b));
    let is_one = organisation.iter().any(|b| *b != organisation[0]);
    if !(is_known && is_one) {
        return None;
    }
    String::from_utf8(organisation.to_vec()).ok()
}

/// Whether a text is as long as a credit code and is none: a sign of it is
/// mistyped. Shorter ones are still being typed, or are another number.
pub(super) fn is_mistyped(text: &str) -> bool {
    super::names::parts(text).any(|part| {
        let signs = super::names::half_width(part);
        let mut signs = signs.chars().filter(|c| !" -._".contains(*c));
        let n = signs.clone().count();
        n == 18 && signs.all(|c| c.is_ascii_alphanumeric()) && code(part).is_none()
    })
}

/// GB 32100-2015: 31 less the sum of each sign's place times 3 to the power of
/// its position, modulo 31.
fn check_sign(signs: &[u8]) -> Option<u8> {
    let mut weight = 1;
    let mut sum = 0;
    for sign in signs {
        let value = SIGNS.iter().position(|s| s == sign)?;
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    SIGNS.get((31 - sum % 31) % 31).copied()
}

/// A credit code made of 17 signs, for tests and made-up companies.
pub fn with_check_sign(signs: &str) -> Option<String> {
    let check = check_sign(signs.as_bytes()).filter(|_| signs.len() == 17)?;
    Some(format!("{signs}{}", char::from(check)))
}

/// Every mail address in a text, in small letters.
pub(super) fn mails(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in super::names::parts(text) {
        let mail = super::names::half_width(part).trim().to_lowercase();
        let fits = mail.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && host.contains('.') && !host.contains('@') && host.len() > 3
        });
        if fits && !mail.contains(char::is_whitespace) && !found.contains(&mail) {
            found.push(mail);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_of_one_line_are_one() {
        for text in [
            "13812345678",
            "138 1234 5678",
            "138-1234-5678",
            "+86 138 1234 5678",
            "0086-13812345678",
            "8613812345678",
            "013812345678",
            "（+86）13812345678",
            "１３８１２３４５６７８",
        ] {
            assert_eq!(phones(text), ["+8613812345678"], "{text}");
        }
        for text in [
            "021-62345678",
            "(021) 6234 5678",
            "+86 21 62345678",
            "02162345678转801",
            "021-62345678 ext. 8",
            "021-62345678-801",
            "+86-21-62345678-8",
        ] {
            let found = phones(text);
            let [one] = found.as_slice() else {
                panic!("{text}: {found:?}");
            };
            assert!(one.starts_with("+862162345678"), "{text}: {one}");
        }
        assert_eq!(phones("0512-6234567"), ["+865126234567"]);
        assert_eq!(phones("400-820-8820"), ["+864008208820"]);
        assert_eq!(phones("+44 (0)20 7946 0958"), ["+442079460958"]);
        assert_eq!(phones("+1 (415) 555-2671"), ["+14155552671"]);
        assert_eq!(
            phones("13812345678 / 021-62345678"),
            ["+8613812345678", "+862162345678"]
        );
    }

    #[test]
    fn what_is_no_phone_is_none() {
        for text in [
            "",
            "110",
            "62345678",
            "无",
            "1381234567",
            "12345678901",
            "62345678-801",
            "a@b.cn",
        ] {
            assert_eq!(phones(text), Vec::<String>::new(), "{text}");
        }
    }

    /// Codes that stand on published licences.
    #[test]
    fn credit_codes_hold_by_their_check_sign() {
        // Tencent (Shenzhen), Huawei, Alibaba (China).
        for text in [
            "9144030071526726XG",
            "914403001922038216",
            "91330100799655058B",
        ] {
            assert!(code(text).is_some(), "{text}");
            assert_eq!(with_check_sign(&text[..17]).as_deref(), Some(text));
        }
        assert_eq!(code("91440300 7152 6726xg").as_deref(), Some("71526726X"));
        // O for 0, as people type it.
        assert_eq!(code("914403OO71526726XG"), code("9144030071526726XG"));
        // The tax number that the company had before 2015.
        assert_eq!(code("44030071526726X"), code("9144030071526726XG"));
        for wrong in [
            "9144030071526726XH",
            "9144030071526736XG",
            "914403007152672",
            "000000000000000",
            "",
            "税号",
        ] {
            let found = code(wrong);
            let is_old = wrong.len() == 15 && wrong.starts_with('9');
            assert!(found.is_none() || is_old, "{wrong}: {found:?}");
        }
    }

    #[test]
    fn a_mistyped_code_is_one_of_eighteen_signs_that_does_not_hold() {
        for wrong in [
            "9144030071526726XH",
            "91440300 7152 6736xg",
            "123456789012345679",
        ] {
            assert!(is_mistyped(wrong), "{wrong}");
        }
        for other in [
            "9144030071526726XG",
            "914403OO71526726XG",
            "9144030071526726X",
            "44030071526726X",
            "DE123456789",
            "统一社会信用代码还没有拿到手呢再等一等",
            "",
        ] {
            assert!(!is_mistyped(other), "{other}");
        }
    }

    #[test]
    fn mails_are_compared_in_small_letters() {
        assert_eq!(mails("Li@Example.com ; li@example.com"), ["li@example.com"]);
        assert_eq!(mails("not a mail"), Vec::<String>::new());
        assert_eq!(mails("a@b"), Vec::<String>::new());
    }
}
