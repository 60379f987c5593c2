//! What a file is, from its first bytes: text or not, which encoding, which
//! delimiter. Pure functions over a head of the file.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

#[derive(Debug, PartialEq)]
pub struct Found {
    /// `None`: ASCII so far, what follows decides.
    pub encoding: Option<&'static Encoding>,
    /// Bytes of the byte order mark.
    pub bom: usize,
}

/// `None` when it is not text in any encoding.
pub fn encoding(head: &[u8]) -> Option<Found> {
    if let Some((encoding, bom)) = Encoding::for_bom(head) {
        return Some(Found {
            encoding: Some(encoding),
            bom,
        });
    }
    if let Some(encoding) = utf16_without_bom(head) {
        return Some(Found {
            encoding: Some(encoding),
            bom: 0,
        });
    }
    let n_control = head
        .iter()
        .filter(|b| **b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r'))
        .count();
    // One NUL in a table is damage that has a place; a tenth of all bytes is
    // no table. Random bytes have 11 %.
    if n_control * 12 > head.len() {
        return None;
    }
    let encoding = match head.is_ascii() {
        true => None,
        false => Some(utf8_or_gb18030(head)),
    };
    Some(Found { encoding, bom: 0 })
}

/// `head` may end in the middle of a character. A UTF-8 file with a few broken
/// bytes stays UTF-8; in GB18030 hardly any character is valid UTF-8.
pub fn utf8_or_gb18030(head: &[u8]) -> &'static Encoding {
    let (mut n_good, mut n_bad) = (0usize, 0usize);
    for chunk in head.utf8_chunks() {
        n_good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        n_bad += usize::from(!chunk.invalid().is_empty());
    }
    // The cut at the end of the head looks broken and need not be.
    let cut = std::str::from_utf8(head)
        .err()
        .is_some_and(|e| e.error_len().is_none());
    n_bad -= usize::from(cut);
    if n_bad * 10 <= n_good { UTF_8 } else { GB18030 }
}

/// Western characters and digits have a zero byte on one side only.
fn utf16_without_bom(head: &[u8]) -> Option<&'static Encoding> {
    let head = &head[..head.len().min(4096) & !1];
    if head.len() < 8 {
        return None;
    }
    let n_zero = |first: usize| {
        head.iter()
            .skip(first)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (n_zero(0), n_zero(1));
    let enough = head.len() / 2 / 10;
    let encoding = match (even, odd) {
        (even, odd) if odd > enough && even * 20 < odd => UTF_16LE,
        (even, odd) if even > enough && odd * 20 < even => UTF_16BE,
        _ => return None,
    };
    let (text, broken) = encoding.decode_without_bom_handling(head);
    let is_table = text.contains([',', ';', '\t', '|', '\n']) && !text.contains('\0');
    (is_table && !broken).then_some(encoding)
}

/// The short name of a well-known kind of file that is not text.
pub fn magic(head: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"%PDF-", "pdf"),
        (b"\x89PNG", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF8", "gif"),
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!", "rar"),
        // Workbooks of Excel 97 and other old Office files.
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (b"\x7fELF", "program"),
        (b"MZ\x90\x00", "program"),
        (b"SQLite format 3\x00", "sqlite"),
        (b"PAR1", "parquet"),
    ];
    KINDS
        .iter()
        .find(|(bytes, _)| head.starts_with(bytes))
        .map(|(_, kind)| *kind)
}

/// A workbook of Excel or WPS; the bytes are the beginning of the file.
pub fn is_workbook(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

pub const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// How many rows of the head are compared.
const COMPARED: usize = 60;

/// The delimiter under which most rows have the same number of columns, at
/// least two; a comma when there is none. `complete` says that the head is the
/// whole text. A first line `sep=;`, which Excel understands, decides.
pub fn delimiter(head: &[u8], complete: bool) -> u8 {
    if let Some([d, b'\r' | b'\n', ..]) = head.strip_prefix(b"sep=")
        && DELIMITERS.contains(d)
    {
        return *d;
    }
    let mut best = (0.0, b',');
    for candidate in DELIMITERS {
        let counts = column_counts(head, candidate, complete);
        let mut modal = (0, 0);
        for &n in counts.iter().filter(|n| **n >= 2) {
            let rows = counts.iter().filter(|other| **other == n).count();
            modal = modal.max((rows, n));
        }
        let (rows, n) = modal;
        if rows == 0 {
            continue;
        }
        let score = rows as f64 / counts.len() as f64 * (1.0 - 1.0 / n as f64);
        if score > best.0 {
            best = (score, candidate);
        }
    }
    best.1
}

fn column_counts(head: &[u8], delimiter: u8, complete: bool) -> Vec<usize> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(head);
    let mut record = csv::ByteRecord::new();
    let mut counts = Vec::with_capacity(COMPARED);
    let mut at_end = false;
    while counts.len() < COMPARED {
        match reader.read_byte_record(&mut record) {
            Ok(true) => counts.push(record.len()),
            _ => {
                at_end = true;
                break;
            }
        }
    }
    if at_end && !complete && counts.len() > 1 {
        counts.pop();
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_encoding() {
        let utf16 = |text: &str, be: bool| -> Vec<u8> {
            text.encode_utf16()
                .flat_map(|u| if be { u.to_be_bytes() } else { u.to_le_bytes() })
                .collect()
        };
        let text = "订单号,下单时间,金额\r\n1001,2025-03-05,12.5\r\n";
        let gb = GB18030.encode(text).0.into_owned();
        let found = |bytes: &[u8]| encoding(bytes).map(|f| (f.encoding.map(|e| e.name()), f.bom));
        assert_eq!(found(text.as_bytes()), Some((Some("UTF-8"), 0)));
        assert_eq!(
            found(&[b"\xef\xbb\xbf", text.as_bytes()].concat()),
            Some((Some("UTF-8"), 3))
        );
        assert_eq!(found(b"a,b\n1,2\n"), Some((None, 0)));
        assert_eq!(found(&gb), Some((Some("gb18030"), 0)));
        assert_eq!(found(&utf16(text, false)), Some((Some("UTF-16LE"), 0)));
        assert_eq!(found(&utf16(text, true)), Some((Some("UTF-16BE"), 0)));
        assert_eq!(
            found(&[b"\xff\xfe".as_slice(), &utf16(text, false)].concat()),
            Some((Some("UTF-16LE"), 2))
        );
        assert_eq!(found(&[0, 1, 2, 3, 200, 0, 9, 8, 7, 6, 5, 4]), None);
        // Cut within a character, and one broken byte among good ones.
        assert_eq!(utf8_or_gb18030(&text.as_bytes()[..5]), UTF_8);
        assert_eq!(
            utf8_or_gb18030(&[text.repeat(2).as_bytes(), b"\xff,1\n"].concat()),
            UTF_8
        );
    }

    #[test]
    fn finds_the_delimiter_by_consistency() {
        for (text, expected) in [
            ("a,b,c\n1,2,3\n", b','),
            ("a;b\n\"1;5\";2\n3,4;5\n", b';'),
            ("a\tb\tc\n1,000\t2,000\t3\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("sep=;\na;b\n", b';'),
            ("name,note\nx,\"a;b\"\ny,\"c;d\"\n", b','),
            ("2025 report\n\na;b;c\n1;2;3\n4;5;6\n", b';'),
            ("one\ntwo\n", b','),
        ] {
            assert_eq!(
                delimiter(text.as_bytes(), true) as char,
                expected as char,
                "{text}"
            );
        }
    }
}
