//! What was already computed over a stretch of days and the files that hold
//! them. Files never change, so what was true of them stays true: after a new
//! order only the stretches that it touches are computed again.
//!
//! It must not know how anything is computed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use jiff::civil::Date;

use crate::run::roll_up::{Bits, Seen};

/// Bytes of everything that is kept; beyond, all is forgotten.
const LIMIT_BYTES: usize = 96 << 20;
/// Groups of one stretch that are worth keeping.
const MAX_ROWS: usize = 5_000;
/// What an entry costs beside its content.
const ENTRY_BYTES: usize = 512;

/// The days looked at and the files, of every object, that were read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stretch {
    /// Included; `None` for all before `to`.
    pub from: Option<Date>,
    /// Not included.
    pub to: Date,
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kept {
    Groups(Vec<RecordBatch>),
    /// Which keys have a row there.
    Keys(Arc<Bits>),
    /// And how often.
    Seen(Arc<Seen>),
}

/// Shared by all questions.
#[derive(Debug, Default)]
pub(crate) struct Memo(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By what is computed, in words that leave nothing out.
    what: HashMap<String, HashMap<Stretch, Kept>>,
    bytes: usize,
}

impl Memo {
    pub fn get(&self, what: &str, stretch: &Stretch) -> Option<Kept> {
        self.inner().what.get(what)?.get(stretch).cloned()
    }

    pub fn keep(&self, what: &str, stretch: Stretch, kept: Kept) {
        let size = match &kept {
            Kept::Groups(batches) => {
                if batches.iter().map(RecordBatch::num_rows).sum::<usize>() > MAX_ROWS {
                    return;
                }
                let sizes = batches.iter().map(RecordBatch::get_array_memory_size);
                sizes.sum::<usize>()
            }
            Kept::Keys(bits) => bits.size(),
            Kept::Seen(seen) => seen.size(),
        };
        let paths = stretch.files.iter().map(|p| p.as_os_str().len());
        let size = size + paths.sum::<usize>() + ENTRY_BYTES;
        let mut inner = self.inner();
        if inner.bytes + size > LIMIT_BYTES {
            *inner = Inner::default();
        }
        inner.bytes += size;
        let of = inner.what.entry(what.to_owned()).or_default();
        of.insert(stretch, kept);
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn stretch(file: &str) -> Stretch {
        Stretch {
            from: None,
            to: date(2025, 1, 1),
            files: vec![file.into()],
        }
    }

    #[test]
    fn another_file_or_another_computation_is_unknown() {
        let memo = Memo::default();
        memo.keep("sum", stretch("a"), Kept::Groups(Vec::new()));
        assert!(memo.get("sum", &stretch("a")).is_some());
        assert!(memo.get("sum", &stretch("b")).is_none());
        assert!(memo.get("count", &stretch("a")).is_none());
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let memo = Memo::default();
        let bits = Arc::new(Bits::with_room(LIMIT_BYTES * 8 / 3));
        for i in 0..10 {
            memo.keep("keys", stretch(&i.to_string()), Kept::Keys(bits.clone()));
            let inner = memo.inner();
            assert!(inner.bytes <= LIMIT_BYTES, "{}", inner.bytes);
        }
        assert!(memo.get("keys", &stretch("9")).is_some());
    }
}
