//! The parts of a workbook and back: reads a ZIP archive by its central
//! directory, writes one whose parts are stored unpacked. Only as much of the
//! format as spreadsheets use; sizes of 4 GiB and more are none.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// A part is read up to this size.
const MOST_BYTES: u64 = 8 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// None when it is no archive or a part cannot be read.
pub fn read(archive: &[u8]) -> Option<Vec<Part>> {
    let end = archive.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    let n_parts = number(archive, end + 10, 2)?;
    let mut at = number(archive, end + 16, 4)?;
    let mut parts = Vec::new();
    for _ in 0..n_parts {
        if archive.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let method = number(archive, at + 10, 2)?;
        let packed = number(archive, at + 20, 4)?;
        let n_name = number(archive, at + 28, 2)?;
        let header = number(archive, at + 42, 4)?;
        let name = archive.get(at + 46..at + 46 + n_name)?.to_vec();
        at += 46 + n_name + number(archive, at + 30, 2)? + number(archive, at + 32, 2)?;
        let start =
            header + 30 + number(archive, header + 26, 2)? + number(archive, header + 28, 2)?;
        let content = archive.get(start..start + packed)?;
        let mut bytes = Vec::new();
        match method {
            0 => bytes.extend_from_slice(content),
            8 => {
                let mut unpacked = DeflateDecoder::new(content).take(MOST_BYTES);
                unpacked.read_to_end(&mut bytes).ok()?;
            }
            _ => return None,
        }
        parts.push(Part { name, bytes });
    }
    Some(parts)
}

pub fn write(parts: &[Part]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let mut crc = Crc::new();
        crc.update(&part.bytes);
        let size = part.bytes.len() as u32;
        let header = archive.len() as u32;
        // Version 2.0, no flags, stored, 1980-01-01.
        let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 33, 0];
        shared.extend(crc.sum().to_le_bytes());
        shared.extend(size.to_le_bytes());
        shared.extend(size.to_le_bytes());
        shared.extend((part.name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);

        archive.extend(b"PK\x03\x04");
        archive.extend(&shared);
        archive.extend(&part.name);
        archive.extend(&part.bytes);

        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        // No comment, disk 0, no attributes.
        directory.extend([0; 10]);
        directory.extend(header.to_le_bytes());
        directory.extend(&part.name);
    }
    let start = archive.len() as u32;
    let n_parts = (parts.len() as u16).to_le_bytes();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\x00\x00\x00\x00");
    archive.extend(n_parts);
    archive.extend(n_parts);
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn number(archive: &[u8], at: usize, n_bytes: usize) -> Option<usize> {
    let bytes = archive.get(at..at.checked_add(n_bytes)?)?;
    Some(bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        let parts = [("a.xml", "<a/>"), ("b/c.xml", "")].map(|(name, text)| Part {
            name: name.into(),
            bytes: text.into(),
        });
        let archive = write(&parts);
        assert_eq!(read(&archive).unwrap(), parts);
        // Nobody reads the last two bytes, the length of a comment.
        for end in 0..archive.len() - 2 {
            assert!(read(&archive[..end]).is_none(), "{end}");
        }
    }
}
