//! Hostile files from honest ones, the same for the same seed. A table is
//! changed as bytes and cells, a workbook as bytes or as XML within its parts.

use super::random::Random;
use super::zip::{self, Part};

/// No mutated file is larger.
const MOST_BYTES: usize = 2 << 20;

/// Where numbers, dates and texts stop being harmless.
const HOSTILE: [&str; 28] = [
    "1e308",
    "-1e400",
    "NaN",
    "inf",
    "99999999999999999999999999",
    "-9223372036854775808",
    "9223372036854775807",
    "922337203685477.5807",
    "0.00000000000000001",
    "-0",
    "1,2,3",
    "١٢٣",
    "2025-02-30",
    "0000-00-00",
    "9999-12-31 23:59:60",
    "-45658",
    "2958466",
    "=1+1",
    "@SUM(A1)",
    "\"",
    "\"\"\"",
    "\n",
    "\r",
    "\t;|",
    "\u{feff}",
    "\u{202e}",
    "𠮷",
    "'; drop table \"order\"; --",
];

const XML: [&str; 16] = [
    "<c r=\"XFD1048576\"><v>1</v></c>",
    "<c r=\"AAAA0\"/>",
    "<row r=\"99999999999\"/>",
    "&#0;",
    "&nosuch;",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a [<!ENTITY b \"c\"><!ENTITY d \"&b;&b;\">]>",
    "</row>",
    "<v>",
    "</sheetData>",
    "t=\"s\"",
    "t=\"e\"",
    "r=\"A1\"",
    "<!--",
    "<f>A1:XFD1048576</f>",
];

pub fn table(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(4) {
        match random.below(8) {
            0 => cell(&mut bytes, random),
            1 => line(&mut bytes, random),
            _ => any(&mut bytes, other, &HOSTILE, random),
        }
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

/// Half of them as bytes, half as parts; what is no archive always as bytes.
pub fn workbook(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let parts = match random.below(2) {
        0 => None,
        _ => zip::read(seed).filter(|parts| !parts.is_empty()),
    };
    let Some(mut parts) = parts else {
        return table(seed, other, random);
    };
    for _ in 0..1 + random.below(3) {
        part(&mut parts, random);
    }
    zip::write(&parts)
}

fn part(parts: &mut Vec<Part>, random: &mut Random) {
    let (i, j) = (random.below(parts.len()), random.below(parts.len()));
    let other = parts[j].bytes.clone();
    match random.below(12) {
        0 if parts.len() > 1 => {
            parts.remove(i);
        }
        1 => parts[i].bytes = other,
        2 => {
            let twice = parts[i].clone();
            parts.push(twice);
        }
        3 => parts[i].name = random.any(&HOSTILE).as_bytes().to_vec(),
        4..=6 => digits(&mut parts[i].bytes, random),
        7..=9 => any(&mut parts[i].bytes, &other, &XML, random),
        _ => any(&mut parts[i].bytes, &other, &HOSTILE, random),
    }
    if let Some(part) = parts.get_mut(i) {
        part.bytes.truncate(MOST_BYTES);
    }
}

fn any(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(64)).min(bytes.len());
    match random.below(7) {
        0 => {
            for _ in 0..1 + random.below(8) {
                let at = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
        1 => bytes.truncate(at),
        2 => {
            bytes.drain(at..end);
        }
        3 => {
            let from = random.below(other.len() + 1);
            let to = (from + random.below(512)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        4 => {
            let chunk = bytes[at..end].repeat(1 + random.below(200));
            bytes.splice(at..at, chunk);
        }
        5 => {
            let byte = *random.any(&[0, 0xff, 0x80, b'"', b',', b'\n', b'<']);
            bytes.splice(at..at, vec![byte; 1 + random.below(3)]);
        }
        _ => {
            let word = random.any(words).bytes();
            bytes.splice(at..at, word);
        }
    }
}

/// Puts a hostile value in the place of a run of digits.
fn digits(bytes: &mut Vec<u8>, random: &mut Random) {
    let from = random.below(bytes.len());
    let Some(start) = bytes.iter().skip(from).position(u8::is_ascii_digit) else {
        return;
    };
    let start = from + start;
    let n = bytes[start..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    bytes.splice(start..start + n, random.any(&HOSTILE).bytes());
}

/// Puts a hostile value in the place of a cell.
fn cell(bytes: &mut Vec<u8>, random: &mut Random) {
    let is_end = |b: &u8| b",;\t|\n\r".contains(b);
    let from = random.below(bytes.len());
    let Some(start) = bytes.iter().skip(from).position(is_end) else {
        return;
    };
    let start = from + start + 1;
    let n = bytes[start..].iter().take_while(|b| !is_end(b)).count();
    bytes.splice(start..start + n, random.any(&HOSTILE).bytes());
}

/// Repeats, drops or moves a whole line.
fn line(bytes: &mut Vec<u8>, random: &mut Random) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let (i, j) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(3) {
        0 => {
            lines.remove(i);
        }
        1 => lines.swap(i, j),
        _ => {
            let twice = vec![lines[i].clone(); 1 + random.below(50)];
            lines.splice(j..j, twice);
        }
    }
    *bytes = lines.join(&b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_files() {
        let book = zip::write(&[Part {
            name: b"xl/workbook.xml".to_vec(),
            bytes: b"<c r=\"A1\"><v>12</v></c>".to_vec(),
        }]);
        let files = |seed| {
            let mut random = Random::new(seed, "test");
            (0..500)
                .map(|i| match i % 2 {
                    0 => table(b"a,b\n1,2\n", b"x;y\n", &mut random),
                    _ => workbook(&book, b"", &mut random),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(files(1), files(1));
        assert_ne!(files(1), files(2));
        // Nothing is too short to be changed.
        let mut random = Random::new(3, "test");
        for _ in 0..500 {
            table(b"", b"", &mut random);
        }
    }
}
