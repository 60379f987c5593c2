//! The thread that reads a file: opens it, settles the mapping, turns rows into
//! pieces for the store and writes the rejects. It knows nothing of the store.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keji_schema::{Catalog, Decimal};
use keji_store::SavedMapping;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::bytes::{Input, Limits};
use super::driver::{Piece, Summary, Wanted, piece_rows};
use super::field::Vocabulary;
use super::mapping::{Mapping, signature};
use super::rejects::RejectWriter;
use super::report::ReportLine;
use super::rows::{Line, Rows};
use super::table::Table;
use super::xlsx;
use crate::context::App;
use crate::error::{Error, Result};
use crate::messages::Language;

/// What became of a file.
#[derive(Debug)]
pub enum Read {
    NeedsMapping(Box<Mapping>),
    /// The rows went out; the summary has what the reader knows.
    Done(Box<Summary>),
}

/// Starts the reader; it ends when the file does, when the receiver is
/// dropped, or soon after `cancel`.
pub fn spawn(
    app: &App,
    wanted: &Wanted<'_>,
    saved: Vec<SavedMapping>,
    pieces: mpsc::Sender<Piece>,
    cancel: Arc<AtomicBool>,
) -> Result<JoinHandle<Result<Read>>> {
    let job = Job {
        catalog: app.catalog.clone(),
        path: wanted.path.to_owned(),
        filename: wanted.filename.to_owned(),
        mapping: wanted.mapping.clone(),
        rejects: wanted.rejects.map(PathBuf::from),
        review: wanted.review,
        language: wanted.language,
        saved,
        parser: app.workbook_parser.clone(),
    };
    Ok(tokio::task::spawn_blocking(move || {
        job.run(&pieces, &cancel)
    }))
}

struct Job {
    catalog: Arc<Catalog>,
    path: PathBuf,
    filename: String,
    mapping: Option<Mapping>,
    rejects: Option<PathBuf>,
    review: bool,
    language: Language,
    saved: Vec<SavedMapping>,
    parser: Arc<PathBuf>,
}

impl Job {
    fn run(self, pieces: &mpsc::Sender<Piece>, cancel: &Arc<AtomicBool>) -> Result<Read> {
        let input = open(&self.path, &self.filename, &self.parser, cancel)?;
        let vocabulary = Vocabulary::new(&self.catalog.objects);
        let mut table = Table::open(
            input,
            &vocabulary,
            &Limits::default(),
            self.mapping.as_ref(),
        )?;
        let mut source = None;
        let mapping = match self.mapping {
            Some(mapping) => mapping,
            None => {
                let known = signature(table.header());
                let known = self.saved.iter().find(|m| m.signature == known);
                let proposed = match known {
                    Some(known) => {
                        source = Some(known.name.clone());
                        read_saved(known)?
                    }
                    None => Mapping::propose(&mut table, &vocabulary)?,
                };
                if self.review || (source.is_none() && !proposed.confident) {
                    return Ok(Read::NeedsMapping(Box::new(proposed)));
                }
                proposed
            }
        };
        let (encoding, delimiter) = (table.encoding().to_owned(), table.delimiter());
        let header = table.header().to_vec();
        let mut rows = Rows::new(table, &mapping, &vocabulary, &self.catalog.calendar)?;
        let mut rejects: Option<RejectWriter<BufWriter<File>>> = None;
        let mut summary = Summary {
            encoding,
            delimiter,
            source: source.clone(),
            ..Summary::default()
        };
        let mut waiting = Vec::with_capacity(piece_rows());
        let (mut gross, mut net) = (0i128, 0i128);
        while let Some(line) = rows.next() {
            match line? {
                Line::Row(row) => {
                    if row.quantity.is_positive() && row.price.is_positive() {
                        gross += i128::from(row.amount.units());
                    }
                    net += i128::from(row.amount.units());
                    let day = Some(row.ordered_on);
                    summary.first_ordered_on = summary.first_ordered_on.min(day).or(day);
                    summary.last_ordered_on = summary.last_ordered_on.max(day);
                    waiting.push(row);
                }
                Line::Reject(reject) => {
                    if let Some(path) = &self.rejects {
                        let what = path.display().to_string();
                        let writer = match &mut rejects {
                            Some(writer) => writer,
                            None => {
                                // Under its name only once it is whole.
                                let part = path.with_extension("part");
                                let file =
                                    File::create(part).map_err(Error::named(what.clone()))?;
                                let writer =
                                    RejectWriter::new(BufWriter::new(file), &header, self.language)
                                        .map_err(Error::io(what.clone()))?;
                                rejects.insert(writer)
                            }
                        };
                        writer.write(&reject).map_err(Error::io(what))?;
                    }
                }
            }
            if waiting.len() == piece_rows() {
                let full = std::mem::replace(&mut waiting, Vec::with_capacity(piece_rows()));
                send(pieces, &rows, &source, full)?;
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
        }
        send(pieces, &rows, &source, waiting)?;
        if let (Some(writer), Some(path)) = (rejects, &self.rejects) {
            let what = path.display().to_string();
            let mut out = writer.finish().map_err(Error::io(what.clone()))?;
            out.flush().map_err(Error::io(what.clone()))?;
            std::fs::rename(path.with_extension("part"), path).map_err(Error::io(what))?;
        }
        let counts = rows.counts();
        summary.rows_read = counts.rows;
        summary.rows_rejected = counts.rejected;
        summary.rows_without_customer = counts.without_customer;
        summary.rows_left_out = counts.totals_left_out + counts.notes_left_out;
        summary.oddities = rows.oddities().into_iter().map(ReportLine::from).collect();
        summary.gross_amount = total(gross)?;
        summary.net_amount = total(net)?;
        Ok(Read::Done(Box::new(summary)))
    }
}

/// The bytes of a file: a workbook's come from a child process.
pub(super) fn open(
    path: &Path,
    filename: &str,
    parser: &Path,
    cancel: &Arc<AtomicBool>,
) -> Result<Input> {
    let file = File::open(path).map_err(Error::named(filename))?;
    if xlsx::is_workbook(&file).map_err(Error::named(filename))? {
        Ok(xlsx::open(path, filename, parser, cancel.clone())?)
    } else {
        Ok(Input::new(filename.to_owned(), file))
    }
}

pub(super) fn read_saved(saved: &SavedMapping) -> Result<Mapping> {
    serde_json::from_str(&saved.mapping)
        .map_err(|e| Error::Internal(format!("saved mapping `{}`: {e}", saved.name)))
}

fn send(
    pieces: &mpsc::Sender<Piece>,
    rows: &Rows,
    source: &Option<String>,
    waiting: Vec<super::OrderLineRow>,
) -> Result<()> {
    let progress = rows.progress();
    let piece = Piece {
        rows: waiting,
        source: source.clone(),
        bytes: progress.bytes,
        rows_read: progress.rows,
        rows_rejected: progress.rejected,
    };
    // Nobody listens any more: the store failed, and its error is told there.
    pieces.blocking_send(piece).map_err(|_| Error::Cancelled)
}

fn total(units: i128) -> Result<Decimal> {
    i64::try_from(units)
        .map(Decimal::from_units)
        .map_err(|_| keji_schema::Error::Overflow(units.to_string()).into())
}
