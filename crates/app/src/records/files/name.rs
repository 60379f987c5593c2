//! The name of a file as people gave it, made safe for other people's disks.

/// Bytes of a name; file systems take 255, and a browser may add " (1)".
const MAX_BYTES: usize = 200;

/// Names that are devices on Windows, whatever their ending.
const DEVICES: [&str; 24] = [
    "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7",
    "com8", "com9", "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// What is behind the last separator of either kind.
pub(crate) fn last_part(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.trim().to_owned()
}

/// A name under which the file may be kept anywhere; `file-ID` where nothing is
/// left of it.
pub(crate) fn clean(name: &str, id: i64) -> String {
    let last = last_part(name);
    let kept: String = last.chars().filter(|c| !is_trick(*c)).collect();
    // Windows drops dots and spaces at the end, and asks nobody.
    let kept = kept.trim().trim_matches(['.', ' ']);
    let (stem, end) = match kept.rsplit_once('.') {
        Some((stem, end)) if end.len() <= 16 => (stem, Some(end)),
        _ => (kept, None),
    };
    let rest = MAX_BYTES - end.map_or(0, |end| end.len() + 1);
    let mut cut = stem.len().min(rest);
    while !stem.is_char_boundary(cut) {
        cut -= 1;
    }
    let stem = stem[..cut].trim_end();
    let first = kept.split('.').next().unwrap_or_default().to_lowercase();
    let is_device = DEVICES.contains(&first.trim_end());
    let prefix = if is_device { "_" } else { "" };
    match (stem, end) {
        ("", None) => format!("file-{id}"),
        (stem, Some(end)) => format!("{prefix}{stem}.{end}"),
        (stem, None) => format!("{prefix}{stem}"),
    }
}

/// Controls, what turns the direction of writing, and what some system takes
/// for something else.
fn is_trick(c: char) -> bool {
    c.is_control()
        || matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*' | '/' | '\\')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The value of `Content-Disposition`, after RFC 6266 and RFC 5987: a plain
/// name for the old, and the whole one.
pub fn disposition(name: &str, is_inline: bool) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            ' '..='~' if !matches!(c, '"' | '\\' | '%') => c,
            _ => '_',
        })
        .collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => whole.push(byte.into()),
            _ => whole.push_str(&format!("%{byte:02X}")),
        }
    }
    let how = if is_inline { "inline" } else { "attachment" };
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_anywhere() {
        let is = |name: &str, wanted: &str| assert_eq!(clean(name, 7), wanted, "{name:?}");
        is("合同 2025.pdf", "合同 2025.pdf");
        is("../../etc/passwd", "passwd");
        is("..\\..\\boot.ini", "boot.ini");
        is("/absolute", "absolute");
        is("C:\\x\\y.txt", "y.txt");
        is("a\0b\r\nc.txt", "abc.txt");
        is("photo\u{202e}gpj.exe", "photogpj.exe");
        is("CON", "_CON");
        is("nul.tar.gz", "_nul.tar.gz");
        is("..", "file-7");
        is("  ", "file-7");
        is("x.txt. . ", "x.txt");
        is("a\"b.txt", "ab.txt");
        let long = clean(&format!("{}.pdf", "长".repeat(300)), 7);
        assert!(long.len() <= 200 && long.ends_with("长.pdf"), "{long}");
        is("..%2f..%2fkeji.sqlite", "%2f..%2fkeji.sqlite");
    }

    #[test]
    fn a_header_has_two_names() {
        assert_eq!(
            disposition("合 同\".pdf", false),
            "attachment; filename=\"_ __.pdf\"; filename*=UTF-8''%E5%90%88%20%E5%90%8C%22.pdf"
        );
        assert!(disposition("a.png", true).starts_with("inline; filename=\"a.png\";"));
    }
}
