//! Files of imports that may hold data of a person who was erased.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::context::App;
use crate::error::{Error, Result};

/// Removes received files and rejected rows of imports: those of `folders`,
/// and those in which one of the words stands. A file that cannot be read as
/// plain text, such as a workbook or one that is packed, cannot be shown to be
/// clean, so it goes too. Returns how many folders went.
pub(super) fn forget_words(app: &App, words: &[String], folders: &BTreeSet<String>) -> Result<u64> {
    let uploads = app.folder().join("uploads");
    let Ok(entries) = std::fs::read_dir(&uploads) else {
        return Ok(0);
    };
    let mut n = 0;
    for entry in entries.flatten() {
        let folder = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if folders.contains(&name) || holds(&folder, words) {
            std::fs::remove_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
            n += 1;
        }
    }
    Ok(n)
}

fn holds(folder: &Path, words: &[String]) -> bool {
    let Ok(files) = std::fs::read_dir(folder) else {
        return true;
    };
    files
        .flatten()
        .any(|file| file_holds(&file.path(), words).unwrap_or(true))
}

fn file_holds(path: &Path, words: &[String]) -> std::io::Result<bool> {
    const PIECE_BYTES: usize = 1 << 20;
    let mut wanted: Vec<Vec<u8>> = Vec::new();
    for word in words {
        wanted.push(word.as_bytes().to_vec());
        // As programs of the country write it.
        let (gbk, _, is_lossy) = encoding_rs::GB18030.encode(word);
        if !is_lossy {
            wanted.push(gbk.into_owned());
        }
    }
    let longest = wanted.iter().map(Vec::len).max().unwrap_or(0);
    let mut file = BufReader::new(File::open(path)?);
    let mut kept: Vec<u8> = Vec::new();
    loop {
        let n = file
            .by_ref()
            .take(PIECE_BYTES as u64)
            .read_to_end(&mut kept)?;
        // Zeros: UTF-16, a workbook, something packed.
        if kept.contains(&0) || kept.starts_with(b"PK") || kept.starts_with(&[0x1f, 0x8b]) {
            return Ok(true);
        }
        let is_found = |word: &Vec<u8>| memchr::memmem::find(&kept, word).is_some();
        if wanted.iter().any(is_found) {
            return Ok(true);
        }
        if n == 0 {
            return Ok(false);
        }
        // A word may begin in this piece and end in the next.
        let cut = kept.len().saturating_sub(longest.saturating_sub(1));
        kept.drain(..cut);
    }
}

#[cfg(test)]
mod tests {
    use super::file_holds;

    #[test]
    fn a_word_is_found_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let words = ["王小明".to_owned(), "13812345678".to_owned()];
        let holds = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            file_holds(&path, &words).unwrap()
        };
        assert!(!holds(b""));
        assert!(!holds("客户,电话\n李明,13912345678\n".as_bytes()));
        assert!(holds("客户\n王小明\n".as_bytes()));
        let (gbk, _, _) = encoding_rs::GB18030.encode("客户\n王小明\n");
        assert!(holds(&gbk));
        assert!(holds(b"PK\x03\x04"));
        assert!(holds(&[0x1f, 0x8b, 8]));
        // Across the border of two pieces.
        for before in (1 << 20) - 8..(1 << 20) + 2 {
            let mut long = vec![b'x'; before];
            long.extend_from_slice(b"13812345678");
            assert!(holds(&long), "{before}");
        }
    }
}
