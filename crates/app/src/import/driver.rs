//! A file on its way into the store: read in a thread of its own, staged in
//! pieces, merged in one transaction, copied, evaluated. Memory does not grow
//! with the file: two pieces are under way at a time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use jiff::civil::Date;
use keji_schema::Decimal;
use keji_store::{BatchId, Cancel, ImportSummary, NewBatch, OrderLineRow, StageMark};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::jobs::Mode;
use super::report::{ReportLine, first_looks};
use super::{Mapping, plain, reading};
use crate::context::App;
use crate::error::{Error, Result};
use crate::messages::Language;
use crate::permission::Caller;

/// Rows on their way from the reader to the store at a time.
const PIECE: usize = 5_000;
/// After so many staged rows a kill loses no more than these.
const MARK_ROWS: u64 = 50_000;

/// How far an import is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// `receiving`, `reading`, `merging`, `copying` or `evaluating`.
    pub stage: String,
    /// Bytes of the file read so far, as it lies on the disk.
    pub bytes: u64,
    pub total_bytes: u64,
    pub rows: u64,
    pub rejected: u64,
    /// Rows a second.
    pub rate: f64,
    /// Seconds until the file is read, as the rate has been.
    pub remaining_s: Option<f64>,
}

impl Progress {
    /// One line for a terminal.
    pub fn line(&self, language: Language) -> String {
        let part = if self.total_bytes == 0 {
            0.0
        } else {
            100.0 * self.bytes as f64 / self.total_bytes as f64
        };
        let left = self
            .remaining_s
            .map_or(String::new(), |s| format!("  {s:.0} s"));
        let (rows, rejected, rate) = (self.rows, self.rejected, self.rate);
        match language {
            Language::Zh => {
                let stage = match self.stage.as_str() {
                    "receiving" => "接收",
                    "reading" => "读取",
                    "merging" => "入库",
                    "copying" => "更新副本",
                    "evaluating" => "评估",
                    other => other,
                };
                format!(
                    "{stage} {part:>5.1} %  {rows} 行  退回 {rejected} 行  每秒 {rate:.0} 行{left}"
                )
            }
            Language::En => format!(
                "{:<10} {part:>5.1} %  {rows} rows  {rejected} rejected  {rate:.0} rows/s{left}",
                self.stage
            ),
        }
    }
}

/// What an import did. A dry run only reads, so what the store would have
/// found new, changed or known stays 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    pub rows_read: u64,
    pub rows_rejected: u64,
    pub rows_without_customer: u64,
    /// Rows of totals and notes, which are no orders.
    #[serde(default)]
    pub rows_left_out: u64,
    pub customers_new: i64,
    pub products_new: i64,
    pub orders_new: i64,
    pub orders_changed: i64,
    #[serde(default)]
    pub orders_deleted: i64,
    pub lines_new: i64,
    pub lines_known: i64,
    #[serde(default)]
    pub lines_deleted: i64,
    /// Of a file of plain records: their object; the next three count them.
    #[serde(default)]
    pub object: Option<String>,
    #[serde(default)]
    pub records_new: i64,
    #[serde(default)]
    pub records_changed: i64,
    /// Those that the store had already.
    #[serde(default)]
    pub records_known: i64,
    #[schema(value_type = Option<String>, format = Date)]
    pub first_ordered_on: Option<Date>,
    #[schema(value_type = Option<String>, format = Date)]
    pub last_ordered_on: Option<Date>,
    #[schema(value_type = String)]
    pub gross_amount: Decimal,
    #[schema(value_type = String)]
    pub net_amount: Decimal,
    pub encoding: String,
    pub delimiter: String,
    /// The saved mapping by which the columns were known.
    #[serde(default)]
    pub source: Option<String>,
    /// What was odd in the file.
    #[serde(default)]
    pub oddities: Vec<ReportLine>,
    /// What to look at first.
    #[serde(default)]
    pub first_looks: Vec<ReportLine>,
    /// The evaluation that followed.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
}

impl Summary {
    /// Chinese label, English label, value.
    pub fn lines(&self) -> Vec<(&'static str, &'static str, String)> {
        let day = |d: Option<Date>| d.map_or("-".to_owned(), |d| d.to_string());
        if self.object.is_some() {
            return [
                ("读取行数", "rows read", self.rows_read.to_string()),
                ("退回行数", "rows rejected", self.rows_rejected.to_string()),
                (
                    "合计与备注行",
                    "rows left out",
                    self.rows_left_out.to_string(),
                ),
                ("新记录", "new records", self.records_new.to_string()),
                (
                    "有变化的记录",
                    "changed records",
                    self.records_changed.to_string(),
                ),
                ("已有记录", "known records", self.records_known.to_string()),
            ]
            .into();
        }
        vec![
            ("读取行数", "rows read", self.rows_read.to_string()),
            ("退回行数", "rows rejected", self.rows_rejected.to_string()),
            (
                "没有客户的行",
                "rows without customer",
                self.rows_without_customer.to_string(),
            ),
            (
                "合计与备注行",
                "rows left out",
                self.rows_left_out.to_string(),
            ),
            ("新客户", "new customers", self.customers_new.to_string()),
            ("新产品", "new products", self.products_new.to_string()),
            ("新订单", "new orders", self.orders_new.to_string()),
            (
                "有变化的订单",
                "changed orders",
                self.orders_changed.to_string(),
            ),
            (
                "删除的订单",
                "deleted orders",
                self.orders_deleted.to_string(),
            ),
            ("新明细", "new lines", self.lines_new.to_string()),
            ("已有明细", "known lines", self.lines_known.to_string()),
            (
                "删除的明细",
                "deleted lines",
                self.lines_deleted.to_string(),
            ),
            ("第一天", "first day", day(self.first_ordered_on)),
            ("最后一天", "last day", day(self.last_ordered_on)),
            (
                "正数行金额",
                "amounts above zero",
                self.gross_amount.to_string(),
            ),
            ("净额", "net amount", self.net_amount.to_string()),
            ("评估日", "evaluated as of", day(self.as_of)),
        ]
    }
}

pub struct Wanted<'a> {
    pub path: &'a Path,
    /// The name that people know it by.
    pub filename: &'a str,
    pub mapping: Option<Mapping>,
    pub dry_run: bool,
    /// Ends with the proposal, however sure it is.
    pub review: bool,
    pub mode: Mode,
    /// The object whose plain records the file has; absent: orders.
    pub object: Option<&'a str>,
    /// Where the file comes from; absent: the saved mapping that fits.
    pub source: Option<&'a str>,
    pub rejects: Option<&'a Path>,
    /// Of the rejects file.
    pub language: Language,
}

#[derive(Debug)]
pub enum ImportOutcome {
    NeedsMapping(Box<Mapping>),
    Done {
        batch: Option<i64>,
        summary: Box<Summary>,
    },
}

/// Tells how far it is, at most a few times a second; returning is enough.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Reads, stages, merges, copies, evaluates. On an error or a cancel nothing
/// of the file stays.
pub async fn import(
    app: &App,
    caller: &Caller,
    wanted: Wanted<'_>,
    progress: OnProgress<'_>,
    cancel: Arc<AtomicBool>,
) -> Result<ImportOutcome> {
    if let Some(object) = wanted.object {
        return plain::import::import(app, caller, object, wanted, progress, cancel).await;
    }
    let total_bytes = std::fs::metadata(wanted.path)
        .map_err(Error::named(wanted.filename))?
        .len();
    let mut state = Progress {
        stage: "reading".to_owned(),
        total_bytes,
        ..Progress::default()
    };
    progress(state.clone());

    let saved = app.store.mappings().await?;
    let fingerprint = fingerprint(&wanted, &saved)?;
    let (pieces, mut incoming) = mpsc::channel::<Piece>(2);
    let reader = reading::spawn(app, &wanted, saved, pieces, cancel.clone())?;
    let mut batch: Option<BatchId> = None;
    // What an earlier run of the same import had staged when it was killed.
    let mut done = StageMark::default();
    let started = Instant::now();
    let staged: Result<()> = async {
        let mut marked = 0;
        while let Some(piece) = incoming.recv().await {
            state.bytes = piece.bytes;
            state.rows = piece.rows_read;
            state.rejected = piece.rows_rejected;
            let seconds = started.elapsed().as_secs_f64().max(1e-3);
            state.rate = state.rows as f64 / seconds;
            state.remaining_s = (state.bytes > 0).then(|| {
                seconds * (total_bytes.saturating_sub(state.bytes)) as f64 / state.bytes as f64
            });
            progress(state.clone());
            if wanted.dry_run || piece.rows.is_empty() {
                continue;
            }
            let id = match batch {
                Some(id) => id,
                None => {
                    let new = NewBatch {
                        mode: wanted.mode.into(),
                        source: wanted.source.map(str::to_owned).or(piece.source),
                        fingerprint: Some(fingerprint.clone()),
                        ..NewBatch::new(wanted.filename, &caller.actor, caller.channel.id())
                    };
                    let (opened, mark) = app.store.import_open(&new).await?;
                    batch = Some(opened.id);
                    done = mark.unwrap_or_default();
                    if done.is_complete {
                        return Ok(());
                    }
                    opened.id
                }
            };
            let mut rows = piece.rows;
            rows.retain(|row| row.row_no > done.row_no);
            let Some(last) = rows.last().map(|row| row.row_no) else {
                continue;
            };
            app.store.import_stage(id, &rows).await?;
            marked += rows.len() as u64;
            if marked >= MARK_ROWS {
                marked = 0;
                let mark = StageMark {
                    row_no: last,
                    rows: state.rows,
                    ..StageMark::default()
                };
                app.store.import_mark(id, &mark).await?;
            }
        }
        Ok(())
    }
    .await;
    // A failed stage closes the channel, which ends the reader.
    drop(incoming);
    let read = reader.await.map_err(|e| Error::Internal(e.to_string()))?;
    let read = match (staged, read) {
        (Err(problem), _) => {
            abort(app, batch).await;
            return Err(problem);
        }
        (Ok(()), _) if done.is_complete => serde_json::from_str(&done.note)
            .map_err(|e| Error::Internal(format!("the summary of a resumed import: {e}")))?,
        (Ok(()), Err(problem)) => {
            abort(app, batch).await;
            return Err(problem);
        }
        (Ok(()), Ok(reading::Read::NeedsMapping(mapping))) => {
            return Ok(ImportOutcome::NeedsMapping(mapping));
        }
        (Ok(()), Ok(reading::Read::Done(read))) => read,
    };
    if cancel.load(Ordering::Relaxed) {
        abort(app, batch).await;
        return Err(Error::Cancelled);
    }
    let mut summary: Box<Summary> = read;
    let Some(id) = batch else {
        summary.first_looks = first_looks(&summary, None, None);
        return Ok(ImportOutcome::Done {
            batch: None,
            summary,
        });
    };

    if summary.rows_read >= MARK_ROWS && !done.is_complete {
        // From here on a kill costs only the merge.
        let mark = StageMark {
            row_no: u64::MAX >> 1,
            rows: summary.rows_read,
            note: serde_json::to_string(&summary).map_err(|e| Error::Internal(e.to_string()))?,
            is_complete: true,
        };
        app.store.import_mark(id, &mark).await?;
    }
    (app.give_back_memory)();
    state.stage = "merging".to_owned();
    state.remaining_s = None;
    progress(state.clone());
    let merged = merge(app, id, &cancel).await?;
    summary.customers_new = merged.customers_new;
    summary.products_new = merged.products_new;
    summary.orders_new = merged.orders_new;
    summary.orders_changed = merged.orders_changed;
    summary.lines_new = merged.lines_new;
    summary.lines_known = merged.lines_known;
    summary.orders_deleted = merged.orders_deleted;
    summary.lines_deleted = merged.lines_deleted;

    (app.give_back_memory)();
    state.stage = "copying".to_owned();
    progress(state.clone());
    app.copy.refresh().await?;
    let mut document = None;
    // Behind also where an earlier run was killed after its merge.
    if merged.seq.is_some() || crate::evaluation::is_behind(app).await? {
        (app.give_back_memory)();
        state.stage = "evaluating".to_owned();
        progress(state.clone());
        let made = crate::evaluation::run(app, &Caller::job(), None, &|_| {})
            .await
            .map_err(|problem| not_evaluated(id, &problem))?;
        summary.as_of = made
            .get("as_of")
            .and_then(|d| d.as_str())
            .and_then(|d| d.parse().ok());
        if let Some(first) = summary.first_ordered_on {
            crate::evaluation::renew(app, caller, first, summary.as_of).await?;
        }
        document = Some(made);
    }
    let currency = app.currency(caller).await?;
    summary.first_looks = first_looks(&summary, document.as_ref(), currency.as_deref());
    Ok(ImportOutcome::Done {
        batch: Some(id.0),
        summary,
    })
}

/// Merges what is staged; a stop or an error leaves nothing of it.
pub(super) async fn merge(
    app: &App,
    id: BatchId,
    cancel: &Arc<AtomicBool>,
) -> Result<ImportSummary> {
    let stop = Cancel::new();
    let watch = {
        let (stop, cancel) = (stop.clone(), cancel.clone());
        tokio::spawn(async move {
            while !cancel.load(Ordering::Relaxed) {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            stop.ask();
        })
    };
    let merged = app.store.import_merge(id, &stop).await;
    watch.abort();
    match merged {
        Ok(merged) => Ok(merged),
        Err(problem) => {
            abort(app, Some(id)).await;
            Err(match problem {
                keji_store::Error::Cancelled => Error::Cancelled,
                other => other.into(),
            })
        }
    }
}

/// The rows are in, whatever became of the evaluation.
fn not_evaluated(batch: BatchId, problem: &Error) -> Error {
    let batch = batch.0;
    Error::State {
        code: "not_evaluated",
        zh: format!(
            "文件已导入为批次 {batch}，但评估没有做成：{}",
            problem.text(Language::Zh)
        ),
        en: format!(
            "the file is imported as batch {batch}, but the evaluation failed: {}",
            problem.text(Language::En)
        ),
    }
}

/// The same for the same file, read in the same way; a file that changed since
/// is another one.
fn fingerprint(wanted: &Wanted<'_>, saved: &[keji_store::SavedMapping]) -> Result<String> {
    let io = || Error::named(wanted.filename);
    let file = std::fs::metadata(wanted.path).map_err(io())?;
    let changed = file.modified().map_err(io())?;
    let names: Vec<(&str, &str)> = saved
        .iter()
        .map(|m| (m.name.as_str(), m.mapping.as_str()))
        .collect();
    let text = format!(
        "{:?} {} {changed:?} {:?} {:?} {:?} {names:?}",
        wanted.path,
        file.len(),
        wanted.mapping,
        wanted.mode,
        wanted.source
    );
    Ok(format!(
        "{:016x}",
        crate::context::stable_hash(text.as_bytes())
    ))
}

/// What was staged is swept at the next start too, so a failure here loses
/// nothing.
pub(super) async fn abort(app: &App, batch: Option<BatchId>) {
    if let Some(id) = batch
        && let Err(problem) = app.store.import_abort(id).await
    {
        tracing::warn!(error = ?problem, batch = id.0, "an aborted import is left to the next start");
    }
}

/// Some rows and how far the reader is.
pub struct Piece {
    pub rows: Vec<OrderLineRow>,
    /// The saved mapping by which the columns are known.
    pub source: Option<String>,
    pub bytes: u64,
    pub rows_read: u64,
    pub rows_rejected: u64,
}

pub const fn piece_rows() -> usize {
    PIECE
}
