//! Where the headings are: below titles, in one row or in two. Looks at rows
//! of text and the vocabulary only.

use super::super::field::Vocabulary;
use super::super::parse;
use super::super::records::Record;
use super::{filled, is_value};

/// Titles above the headings are looked for in this many rows.
pub const HEADER_WITHIN: usize = 20;

/// The headings, and where they end.
#[derive(Debug)]
pub struct Header {
    /// Of the last row of headings among the records.
    pub index: usize,
    /// Of the first; they differ where groups stand above the headings.
    pub first: usize,
    /// Without surrounding spaces; none is empty at the end.
    pub headings: Vec<String>,
    /// Headings that the vocabulary knows whole.
    pub n_known: usize,
}

/// `given` is the number of the last row of headings, 0 where it is to be
/// found.
pub fn find(records: &[Record], given: u64, vocabulary: &Vocabulary) -> Option<Header> {
    let index = match given {
        0 => header_index(records, vocabulary)?,
        row => records.iter().position(|r| r.row == row)?,
    };
    Some(at(records, index, given != 0, vocabulary))
}

/// The headings that end in or just below the row at `index`.
pub fn at(records: &[Record], index: usize, is_last: bool, vocabulary: &Vocabulary) -> Header {
    let row = &records[index];
    let own = cells(row);
    let above = index
        .checked_sub(1)
        .map(|i| &records[i])
        .filter(|above| above.row + 1 == row.row);
    if let Some(above) = above.filter(|above| needs_groups(above, row))
        && let Some(headings) = joined(above, row, vocabulary)
    {
        return header(index, index - 1, headings, vocabulary);
    }
    let below = records.get(index + 1).filter(|b| b.row == row.row + 1);
    if !is_last
        && let Some(below) = below.filter(|below| has_subheadings(row, below, vocabulary))
        && records.len() > index + 2
        && let Some(headings) = joined(row, below, vocabulary)
    {
        return header(index + 1, index, headings, vocabulary);
    }
    header(index, index, own, vocabulary)
}

fn header(
    index: usize,
    first: usize,
    mut headings: Vec<String>,
    vocabulary: &Vocabulary,
) -> Header {
    while headings.last().is_some_and(String::is_empty) {
        headings.pop();
    }
    let n_known = headings.iter().filter(|h| is_known(h, vocabulary)).count();
    Header {
        index,
        first,
        headings,
        n_known,
    }
}

fn cells(record: &Record) -> Vec<String> {
    record.cells().map(heading_text).collect()
}

/// A heading of two lines is one with a space.
fn heading_text(cell: &str) -> String {
    match parse::text(cell) {
        Some(text) => text.into_owned(),
        None => cell.trim().to_owned(),
    }
}

fn is_known(heading: &str, vocabulary: &Vocabulary) -> bool {
    vocabulary.knows(heading)
}

/// Groups are words, at least two of them; a title is one cell, and a note
/// such as `单位：万元` has a colon.
fn may_be_groups(above: &Record) -> bool {
    filled(above).count() >= 2
        && !filled(above).any(|cell| is_value(cell) || cell.contains([':', '：']))
}

/// The row of headings says too little alone: it repeats a heading, or lacks
/// one that stands above.
fn needs_groups(above: &Record, row: &Record) -> bool {
    if !may_be_groups(above) {
        return false;
    }
    let own = cells(row);
    let repeats = own
        .iter()
        .enumerate()
        .any(|(i, h)| !h.is_empty() && own[..i].contains(h));
    let lacks = (0..above.len())
        .any(|i| !above.cell(i).trim().is_empty() && own.get(i).is_none_or(|cell| cell.is_empty()));
    repeats || lacks
}

/// Words below, all under a group or where nothing stands in the row itself.
fn has_subheadings(row: &Record, below: &Record, vocabulary: &Vocabulary) -> bool {
    if !may_be_groups(row) || filled(below).any(is_value) {
        return false;
    }
    let is_empty = |record: &Record, i: usize| record.cell(i).trim().is_empty();
    let width = row.len().max(below.len());
    let under = (0..width).filter(|i| !is_empty(below, *i));
    let is_under_group = |i: usize| is_empty(row, i) || (i + 1 < width && is_empty(row, i + 1));
    let mut n_known = 0;
    for i in under {
        if !is_under_group(i) {
            return false;
        }
        n_known += usize::from(is_known(below.cell(i), vocabulary));
    }
    let fills_a_gap = (0..width).any(|i| is_empty(row, i) && !is_empty(below, i));
    n_known > 0 && fills_a_gap
}

/// Both rows as one: the heading alone where it is the only one of its name
/// and known, otherwise `group/heading`. `None` where the rows are no headings.
fn joined(above: &Record, below: &Record, vocabulary: &Vocabulary) -> Option<Vec<String>> {
    if filled(below).any(is_value) {
        return None;
    }
    let (groups, subs) = (cells(above), cells(below));
    let mut group = String::new();
    let mut headings = Vec::new();
    for i in 0..groups.len().max(subs.len()) {
        let own = groups.get(i).map_or("", String::as_str);
        let sub = subs.get(i).map_or("", String::as_str);
        if sub.is_empty() {
            group.clear();
            headings.push(own.to_owned());
            continue;
        }
        if !own.is_empty() {
            own.clone_into(&mut group);
        }
        let is_only = subs.iter().filter(|s| *s == sub).count() == 1;
        headings.push(
            match group.is_empty() || group == sub || (is_only && is_known(sub, vocabulary)) {
                true => sub.to_owned(),
                false => format!("{group}/{sub}"),
            },
        );
        // A heading merged over both rows is no group of the next ones.
        if own == sub {
            group.clear();
        }
    }
    Some(headings)
}

/// The row with the most headings that are known; where none are, the first
/// row as wide as most rows, unless it holds values and so is data.
fn header_index(sample: &[Record], vocabulary: &Vocabulary) -> Option<usize> {
    let within = &sample[..sample.len().min(HEADER_WITHIN)];
    let mut best = (0, None);
    for (index, record) in within.iter().enumerate() {
        let (n, n_values) = (
            filled(record).count(),
            filled(record).filter(|cell| is_value(cell)).count(),
        );
        let n_known = filled(record)
            .filter(|cell| is_known(cell, vocabulary))
            .count();
        if n >= 2 && (n_known >= 2 || (n_known == 1 && n_values == 0)) && n_known > best.0 {
            best = (n_known, Some(index));
        }
    }
    // A single known word among many cells may be a value of a headless file.
    if let (n_known, Some(index)) = best
        && (n_known >= 2 || filled(&within[index]).count() <= 4)
    {
        return Some(index);
    }
    let usual = usual_width(sample);
    let index = within.iter().position(|record| {
        let n = filled(record).count();
        n >= 2 && n * 10 >= usual * 6
    })?;
    (!filled(&within[index]).any(is_value)).then_some(index)
}

fn usual_width(sample: &[Record]) -> usize {
    let mut widths: Vec<usize> = sample.iter().map(Record::len).collect();
    widths.sort_unstable();
    widths.get(widths.len() / 2).copied().unwrap_or(0)
}
