//! What a file is, by its first bytes. Its name only tells apart what has the
//! same beginning, such as the packed formats of offices. Everything that a
//! browser could run (HTML, SVG, scripts) is plain text here.

/// As many bytes are looked at.
pub(crate) const HEAD: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) media_type: &'static str,
    /// Whether a browser may show it in its own window.
    pub(crate) is_inline: bool,
}

/// Beginning, where it stands, type, whether it may be shown.
const MAGIC: [(&[u8], usize, &str, bool); 20] = [
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", true),
    (b"\xff\xd8\xff", 0, "image/jpeg", true),
    (b"GIF87a", 0, "image/gif", true),
    (b"GIF89a", 0, "image/gif", true),
    (b"WEBP", 8, "image/webp", true),
    (b"%PDF-", 0, "application/pdf", true),
    (b"II*\0", 0, "image/tiff", false),
    (b"MM\0*", 0, "image/tiff", false),
    (b"PK\x03\x04", 0, ZIP, false),
    (b"PK\x05\x06", 0, ZIP, false),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, OLE, false),
    (b"\x1f\x8b", 0, "application/gzip", false),
    (
        b"7z\xbc\xaf\x27\x1c",
        0,
        "application/x-7z-compressed",
        false,
    ),
    (b"Rar!\x1a\x07", 0, "application/vnd.rar", false),
    (b"ftypheic", 4, "image/heic", false),
    (b"ftypqt  ", 4, "video/quicktime", false),
    (b"ftyp", 4, "video/mp4", false),
    (b"ID3", 0, "audio/mpeg", false),
    (b"OggS", 0, "audio/ogg", false),
    (b"WAVE", 8, "audio/wav", false),
];

const ZIP: &str = "application/zip";
const OLE: &str = "application/x-ole-storage";
const TEXT: &str = "text/plain";
const UNKNOWN: &str = "application/octet-stream";

/// What stands in a container, or in text, by the ending of the name.
const ENDINGS: [(&str, &str, &str); 12] = [
    (
        ZIP,
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        ZIP,
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        ZIP,
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    (ZIP, "ofd", "application/ofd"),
    (ZIP, "odt", "application/vnd.oasis.opendocument.text"),
    (ZIP, "ods", "application/vnd.oasis.opendocument.spreadsheet"),
    (OLE, "doc", "application/msword"),
    (OLE, "xls", "application/vnd.ms-excel"),
    (OLE, "ppt", "application/vnd.ms-powerpoint"),
    (OLE, "msg", "application/vnd.ms-outlook"),
    (TEXT, "csv", "text/csv"),
    (TEXT, "eml", "message/rfc822"),
];

pub(crate) fn of(head: &[u8], name: &str) -> Kind {
    let found = MAGIC.iter().find(|(magic, at, ..)| {
        let there = head.get(*at..at + magic.len());
        there == Some(*magic) && (*at != 8 || head.starts_with(b"RIFF"))
    });
    let (media_type, is_inline) = match found {
        Some((_, _, media_type, is_inline)) => (*media_type, *is_inline),
        None if is_text(head) => (TEXT, false),
        None => (UNKNOWN, false),
    };
    let end = name.rsplit_once('.').map(|(_, end)| end.to_lowercase());
    let named = ENDINGS
        .iter()
        .find(|(container, ending, _)| *container == media_type && end.as_deref() == Some(ending));
    Kind {
        media_type: named.map_or(media_type, |(_, _, media_type)| media_type),
        is_inline,
    }
}

/// In UTF-8, or in an encoding whose bytes are none of ASCII's controls.
fn is_text(head: &[u8]) -> bool {
    let is_control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
    !head.is_empty() && !head.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_decides() {
        let is = |head: &[u8], name: &str| of(head, name).media_type;
        assert_eq!(is(b"\x89PNG\r\n\x1a\nrest", "a.html"), "image/png");
        assert_eq!(is(b"<svg onload=alert(1)>", "a.png"), "text/plain");
        assert_eq!(is(b"<!doctype html>", "a.html"), "text/plain");
        assert_eq!(is(b"PK\x03\x04", "a.XLSX"), ENDINGS[0].2);
        assert_eq!(is(b"PK\x03\x04", "a.pdf"), "application/zip");
        assert_eq!(is(b"a,b\n", "a.csv"), "text/csv");
        assert_eq!(is(b"a\0b", "a.csv"), "application/octet-stream");
        assert_eq!(is(b"", "a.pdf"), "application/octet-stream");
        assert_eq!(is(b"RIFF\0\0\0\0WEBP", "a"), "image/webp");
        assert_eq!(is(b"abcd\0\0\0\0WEBP", "a"), "application/octet-stream");
        // What begins as an image is shown as one, whatever follows.
        assert!(of(b"GIF89a/*<script>", "a.js").is_inline);
        assert!(!of(b"<svg/>", "a.svg").is_inline);
    }
}
