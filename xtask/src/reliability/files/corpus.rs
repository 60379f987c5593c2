//! Hostile files and names, made here so that no scanner objects to the
//! project: traversal, polyglots, bombs, entities, tables without measure.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use super::super::zip::{self, Part};

/// Ids of a file that are none.
pub const IDS: [&str; 10] = [
    "..%2f..%2fkeji.sqlite",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..",
    "%2fetc%2fpasswd",
    "1%00",
    "-1",
    "0",
    "99999999999999999999",
    "1;ls",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
];

/// Names, each with a small content, then contents, each with a name that says
/// something else.
pub fn attachments(large: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let text = b"just text".to_vec();
    let long = format!("{}.pdf", "n".repeat(4000));
    let wide = format!("{}.pdf", "宽".repeat(240));
    let names: [&[u8]; 24] = [
        b"../../../../etc/passwd",
        b"..%2f..%2fkeji.sqlite",
        b"..\\..\\boot.ini",
        b"/etc/passwd",
        b"C:\\windows\\win.ini",
        b"\\\\server\\share\\x",
        b"a\0.png",
        b"\0",
        long.as_bytes(),
        wide.as_bytes(),
        "photo\u{202e}gpj.exe".as_bytes(),
        "\u{202e}".as_bytes(),
        b"CON",
        b"nul.txt",
        b"LPT1.pdf.",
        b"..",
        b".",
        b".htaccess",
        b"a\r\nSet-Cookie: x=1",
        b"a\"; filename=\"b.html",
        b"a;b.html",
        b"\xff\xfe\xfd",
        b"",
        b"x.pHaR",
    ];
    let mut all: Vec<(Vec<u8>, Vec<u8>)> = names
        .iter()
        .map(|name| (name.to_vec(), text.clone()))
        .collect();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let html = b"<!doctype html><script>alert(1)</script>";
    let gif_js = b"GIF89a/*\x01\x01\x00\x00*/=1;alert(1)//";
    let pdf_html = b"%PDF-1.4\n<html><script>alert(1)</script></html>";
    let html_pdf = b"<html><!--%PDF-1.4--><script>alert(1)</script>";
    let bom_html = b"\xef\xbb\xbf<html><script>alert(1)</script>";
    let utf16_html: Vec<u8> = "\u{feff}<script>alert(1)</script>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let xml =
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>";
    let contents: [(&str, Vec<u8>); 18] = [
        ("picture.png", svg.to_vec()),
        ("picture.svg", svg.to_vec()),
        ("page.png", html.to_vec()),
        ("page.html", html.to_vec()),
        ("both.js", gif_js.to_vec()),
        ("both.gif", gif_js.to_vec()),
        ("both.html", pdf_html.to_vec()),
        ("both.pdf", html_pdf.to_vec()),
        ("bom.txt", bom_html.to_vec()),
        ("wide.txt", utf16_html),
        ("data.xml", xml.to_vec()),
        ("wrong.pdf", b"\x89PNG\r\n\x1a\nno more".to_vec()),
        ("program.pdf", b"MZ\x90\0\x03".to_vec()),
        ("empty.pdf", Vec::new()),
        ("bomb.zip", bomb()),
        ("nested.zip", nested()),
        ("many.zip", many(large)),
        ("zeros.gz", gzip(&vec![0; 50_000_000])),
    ];
    all.extend(
        contents
            .into_iter()
            .map(|(name, bytes)| (name.as_bytes().to_vec(), bytes)),
    );
    all
}

/// Names that are none: empty, too long, with a zero, or no text at all.
pub fn may_be_refused(name: &[u8]) -> bool {
    let is_text = std::str::from_utf8(name).is_ok_and(|text| text.chars().count() <= 255);
    name.is_empty() || name.contains(&0) || !is_text || name.ends_with(b"/")
}

/// By the name under which they come in.
pub fn imports(columns: usize, entries: usize) -> Vec<(&'static str, Vec<u8>)> {
    let wide: String = (0..columns).map(|i| format!("c{i},")).collect();
    let row = "1,".repeat(columns);
    let binary: Vec<u8> = (0..200_000u32).map(|i| ((i * 7919) >> 3) as u8).collect();
    vec![
        (
            "bomb.xlsx",
            bombed(b"<worksheet><sheetData>", 1_000_000_000),
        ),
        ("laughs.xlsx", workbook(LAUGHS.as_bytes())),
        ("entity.xlsx", workbook(ENTITY.as_bytes())),
        ("deep.xlsx", workbook(&"<a>".repeat(1_000_000).into_bytes())),
        ("far.xlsx", workbook(FAR.as_bytes())),
        ("nested.xlsx", nested()),
        ("many.xlsx", many(entries)),
        ("empty.xlsx", Vec::new()),
        ("cut.xlsx", bomb()[..100].to_vec()),
        ("text.xlsx", b"not a workbook".to_vec()),
        ("wide.csv", format!("{wide}\n{row}\n").into_bytes()),
        ("binary.csv", binary),
        ("nul.csv", "a\0,b\0\n1,2\n".repeat(1000).into_bytes()),
        ("latin.csv", b"d\xe9j\xe0,v\xfc\n1,\xff\xfe\n".repeat(1000)),
        ("utf16.csv", b"\xff\xfea\0,\0\xd8\xd8\n\0".repeat(1000)),
        ("line.csv", vec![b'a'; 30_000_000]),
        (
            "quote.csv",
            [b"a,b\n\"".as_slice(), &vec![b'x'; 5_000_000]].concat(),
        ),
        ("empty.csv", Vec::new()),
        ("bomb.csv.gz", gzip(&vec![b'0'; 200_000_000])),
        ("not.csv.gz", b"\x1f\x8bnot packed".to_vec()),
    ]
}

const LAUGHS: &str = "<?xml version='1.0'?><!DOCTYPE w [<!ENTITY a 'ha'>\
    <!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>\
    <!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'><!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;'>\
    <!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;'><!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;'>]>\
    <worksheet><sheetData><row r='1'><c r='A1' t='str'><v>&g;</v></c></row></sheetData></worksheet>";

const ENTITY: &str = "<?xml version='1.0'?><!DOCTYPE w [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\
    <worksheet><sheetData><row r='1'><c r='A1' t='str'><v>&x;</v></c></row></sheetData></worksheet>";

/// One cell at the far end of a sheet of 16 thousand million.
const FAR: &str = "<worksheet><dimension ref='A1:XFD1048576'/><sheetData>\
    <row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData></worksheet>";

/// The fewest parts that make a workbook, the sheet packed.
fn workbook(sheet: &[u8]) -> Vec<u8> {
    bombed(sheet, 0)
}

/// With so many spaces behind the sheet.
fn bombed(sheet: &[u8], n_spaces: u64) -> Vec<u8> {
    let types = "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>\
        <Override PartName='/xl/workbook.xml' ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml'/>\
        <Override PartName='/xl/worksheets/sheet1.xml' ContentType='application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml'/></Types>";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>\
             <Relationship Id='rId1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}' Target='{target}'/></Relationships>"
        )
    };
    let book = "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' \
        xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'>\
        <sheets><sheet name='S' sheetId='1' r:id='rId1'/></sheets></workbook>";
    let parts = [
        ("[Content_Types].xml", types.as_bytes()),
        (
            "_rels/.rels",
            relation("officeDocument", "xl/workbook.xml").as_bytes(),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relation("worksheet", "worksheets/sheet1.xml").as_bytes(),
        ),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()));
    packed(&parts, n_spaces)
}

fn bomb() -> Vec<u8> {
    packed(&[("spaces".to_owned(), Vec::new())], 200_000_000)
}

/// Archives in archives, the innermost one large.
fn nested() -> Vec<u8> {
    let mut inner = packed(&[("spaces".to_owned(), Vec::new())], 20_000_000);
    for depth in 0..50 {
        inner = zip::write(&[Part {
            name: format!("{depth}.zip").into_bytes(),
            bytes: inner,
        }]);
    }
    inner
}

/// So many empty parts; from 65,536 on the counts in the old places are full.
fn many(n: usize) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let shared = [20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
    for i in 0..n {
        let name = format!("{i:07}");
        let at = archive.len() as u32;
        archive.extend(b"PK\x03\x04");
        archive.extend(shared);
        archive.extend([0; 12]);
        archive.extend(7u16.to_le_bytes());
        archive.extend([0, 0]);
        archive.extend(name.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(shared);
        directory.extend([0; 12]);
        directory.extend(7u16.to_le_bytes());
        directory.extend([0; 12]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, length) = (archive.len() as u64, directory.len() as u64);
    archive.extend(&directory);
    let end = archive.len() as u64;
    // The end in its wide form, and where that is.
    archive.extend(b"PK\x06\x06");
    archive.extend(44u64.to_le_bytes());
    archive.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [n as u64, n as u64, length, start] {
        archive.extend(number.to_le_bytes());
    }
    archive.extend(b"PK\x06\x07\0\0\0\0");
    archive.extend(end.to_le_bytes());
    archive.extend(1u32.to_le_bytes());
    archive.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
    archive.extend((length as u32).to_le_bytes());
    archive.extend((start as u32).to_le_bytes());
    archive.extend([0, 0]);
    archive
}

/// The last part has so many spaces behind its bytes.
fn packed(parts: &[(String, Vec<u8>)], n_spaces: u64) -> Vec<u8> {
    static SPACES: [u8; 1 << 16] = [b' '; 1 << 16];
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (i, (name, bytes)) in parts.iter().enumerate() {
        let mut rest = if i + 1 == parts.len() { n_spaces } else { 0 };
        let length = bytes.len() as u64 + rest;
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory does not fail.
        let _ = deflate.write_all(bytes);
        while rest > 0 {
            let n = rest.min(SPACES.len() as u64);
            crc.update(&SPACES[..n as usize]);
            let _ = deflate.write_all(&SPACES[..n as usize]);
            rest -= n;
        }
        let small = deflate.finish().unwrap_or_default();
        let mut shared = vec![20, 0, 0, 0, 8, 0, 0, 0, 33, 0];
        shared.extend(crc.sum().to_le_bytes());
        shared.extend((small.len() as u32).to_le_bytes());
        shared.extend((length as u32).to_le_bytes());
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&shared);
        archive.extend(name.as_bytes());
        archive.extend(small);
    }
    let (start, n) = (archive.len() as u32, (parts.len() as u16).to_le_bytes());
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([n, n].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let _ = gzip.write_all(bytes);
    gzip.finish().unwrap_or_default()
}
