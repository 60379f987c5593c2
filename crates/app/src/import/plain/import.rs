//! The way of one file of plain records: read in a thread of its own, its
//! links looked up and its rows staged in pieces, merged in one transaction,
//! copied. Memory does not grow with the file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use keji_schema::Value;
use keji_schema::definition::{CheckDef, ObjectDef, Origin};
use keji_schema::expr::{Expr, eval};
use keji_store::{BatchId, NewBatch, SavedMapping};
use tokio::sync::mpsc;

use super::super::bytes::Limits;
use super::super::driver::{
    ImportOutcome, OnProgress, Progress, Summary, Wanted, abort, merge, piece_rows,
};
use super::super::jobs::Mode;
use super::super::mapping::{Mapping, signature};
use super::super::oddities::Oddity;
use super::super::preview::{Preview, PreviewRow, is_of_mapping, of_error, of_reject, plain_row};
use super::super::reading::{self, read_saved};
use super::super::records::Record;
use super::super::rejects::{Reject, RejectWriter};
use super::super::report::{ReportLine, first_looks};
use super::super::rows::cells::Why;
use super::super::table::Table;
use super::columns::{self, Headings, Layout, propose};
use super::links::Links;
use super::rows::{Line, Row, Rows};
use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Action, Caller, Owned, access_for, may_write, owned};

/// Some rows and how far the reader is.
struct Piece {
    lines: Vec<Line>,
    bytes: u64,
    rows: u64,
    rejected: u64,
}

/// What the reader says before the rows, and after them.
enum Said {
    NeedsMapping(Box<Mapping>),
    Begin(Box<Begin>),
    Piece(Piece),
    Done(Box<Summary>),
}

struct Begin {
    fields: Vec<String>,
    /// Where in the file the first of them stand; the others follow from them.
    columns: Vec<usize>,
    links: Links,
    header: Vec<String>,
    source: Option<String>,
    /// Whether the last field is the importer's own.
    adds_user: bool,
}

/// Reads, stages, merges, copies. On an error or a cancel nothing of the file
/// stays.
pub async fn import(
    app: &App,
    caller: &Caller,
    object: &str,
    wanted: Wanted<'_>,
    progress: OnProgress<'_>,
    cancel: Arc<AtomicBool>,
) -> Result<ImportOutcome> {
    let def = super::object(&app.catalog, caller, object, wanted.mode)?;
    let def = writable(caller, def);
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
    let (says, mut incoming) = mpsc::channel::<Said>(2);
    let reader = Reader {
        app: app.clone(),
        def: def.clone(),
        path: wanted.path.to_owned(),
        filename: wanted.filename.to_owned(),
        mapping: wanted.mapping.clone(),
        review: wanted.review,
        saved,
    };
    let stop = cancel.clone();
    let reader = tokio::task::spawn_blocking(move || reader.run(&says, &stop));
    let mut way = Way {
        app,
        caller,
        def: &def,
        wanted: &wanted,
        begin: None,
        batch: None,
        rules: rules(app, &def)?,
        owned: owned(&app.catalog, caller, object, Action::Import),
        rejects: None,
        n_rejected: 0,
    };
    let started = Instant::now();
    let mut needs_mapping = None;
    let mut summary = None;
    let staged: Result<()> = async {
        while let Some(said) = incoming.recv().await {
            match said {
                Said::NeedsMapping(mapping) => needs_mapping = Some(mapping),
                Said::Begin(begin) => way.begin = Some(way.with_user(*begin)?),
                Said::Done(done) => summary = Some(done),
                Said::Piece(piece) => {
                    state.bytes = piece.bytes;
                    state.rows = piece.rows;
                    let seconds = started.elapsed().as_secs_f64().max(1e-3);
                    state.rate = state.rows as f64 / seconds;
                    let left = total_bytes.saturating_sub(state.bytes) as f64;
                    state.remaining_s =
                        (state.bytes > 0).then(|| seconds * left / state.bytes as f64);
                    let n_read = piece.rejected;
                    way.take(piece).await?;
                    state.rejected = n_read + way.n_rejected;
                    progress(state.clone());
                }
            }
        }
        Ok(())
    }
    .await;
    drop(incoming);
    let read = reader.await.map_err(|e| Error::Internal(e.to_string()))?;
    let ended = staged.and(read).and_then(|()| way.end_rejects());
    if let Err(problem) = ended {
        abort(app, way.batch).await;
        return Err(problem);
    }
    if let Some(mapping) = needs_mapping {
        return Ok(ImportOutcome::NeedsMapping(mapping));
    }
    if cancel.load(Ordering::Relaxed) {
        abort(app, way.batch).await;
        return Err(Error::Cancelled);
    }
    let mut summary: Box<Summary> =
        summary.ok_or_else(|| Error::Internal("the reader said no end".to_owned()))?;
    summary.rows_rejected += way.n_rejected;
    let Some(id) = way.batch else {
        summary.first_looks = first_looks(&summary, None, None);
        return Ok(ImportOutcome::Done {
            batch: None,
            summary,
        });
    };
    (app.give_back_memory)();
    state.stage = "merging".to_owned();
    state.remaining_s = None;
    progress(state.clone());
    let merged = merge(app, id, &cancel).await?;
    summary.records_new = merged.records_new;
    summary.records_changed = merged.records_changed;
    summary.records_known = merged.records_known;
    if merged.rows_repeated > 0 {
        let odd = Oddity::new("repeated_numbers", merged.rows_repeated.unsigned_abs());
        summary.oddities.push(ReportLine::from(odd));
    }
    state.stage = "copying".to_owned();
    progress(state.clone());
    app.copy.refresh().await?;
    // These are what an evaluation reads, beside orders.
    let is_judged = matches!(object, "customer" | "cost") && merged.seq.is_some();
    if is_judged && app.store.counts().await?.last_ordered_on.is_some() {
        (app.give_back_memory)();
        state.stage = "evaluating".to_owned();
        progress(state.clone());
        let made = crate::evaluation::run(app, &Caller::job(), None, &|_| {}).await?;
        let as_of = made.get("as_of").and_then(|d| d.as_str());
        summary.as_of = as_of.and_then(|d| d.parse().ok());
    }
    summary.first_looks = first_looks(&summary, None, None);
    Ok(ImportOutcome::Done {
        batch: Some(id.0),
        summary,
    })
}

/// A field that the caller may not write is none, unless no record can be
/// without it, or it says where the record comes from.
fn writable(caller: &Caller, def: &ObjectDef) -> ObjectDef {
    let mut def = def.clone();
    let object = def.id.clone();
    def.fields.retain(|field| {
        field.required || Origin::of(&field.id).is_some() || may_write(caller, &object, &field.id)
    });
    def
}

/// What becomes of the rows that the reader sends.
struct Way<'a> {
    app: &'a App,
    caller: &'a Caller,
    def: &'a ObjectDef,
    wanted: &'a Wanted<'a>,
    begin: Option<Begin>,
    batch: Option<BatchId>,
    /// The object's rules as they read.
    rules: Vec<(Expr, &'a CheckDef)>,
    /// None where the caller may import for everybody.
    owned: Option<Owned>,
    rejects: Option<RejectWriter<BufWriter<File>>>,
    /// Rows that were turned away here, not by the reader.
    n_rejected: u64,
}

impl Way<'_> {
    async fn take(&mut self, piece: Piece) -> Result<()> {
        let mut begin = self
            .begin
            .take()
            .ok_or_else(|| Error::Internal("rows before the columns".to_owned()))?;
        // Rejects stay in the order of the file.
        let mut lines: Vec<Option<Reject>> = Vec::with_capacity(piece.lines.len());
        let mut rows: Vec<Row> = Vec::with_capacity(piece.lines.len());
        for line in piece.lines {
            match line {
                Line::Row(row) => {
                    rows.push(row);
                    lines.push(None);
                }
                Line::Reject(reject) => lines.push(Some(reject)),
            }
        }
        let store = &self.app.store;
        let owned = self.owned.as_ref();
        let links = &mut begin.links;
        let mut faults = links.resolve(store, self.caller, owned, &mut rows).await?;
        self.check_owners(&begin, &mut rows, &mut faults);
        self.check_numbers(&begin, &rows, &mut faults).await?;
        self.check_rules(&begin, &rows, &mut faults)?;
        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * (begin.fields.len() + 1));
        let mut judged = rows.into_iter().zip(faults);
        for reject in lines {
            let reject = match reject {
                Some(reject) => reject,
                None => match judged.next() {
                    Some((row, None)) => {
                        let at = i64::try_from(row.record.position).unwrap_or(i64::MAX);
                        values.push(Value::Int(at));
                        values.extend(row.values);
                        continue;
                    }
                    Some((row, Some(why))) => {
                        self.n_rejected += 1;
                        row.into_reject(why, &begin.header)
                    }
                    None => continue,
                },
            };
            self.write(&begin.header, &reject)?;
        }
        if !self.wanted.dry_run && !values.is_empty() {
            let id = match self.batch {
                Some(id) => id,
                None => {
                    let caller = self.caller;
                    let source = self.wanted.source.map(str::to_owned);
                    let new = NewBatch {
                        mode: self.wanted.mode.into(),
                        source: source.or(begin.source.take()),
                        ..NewBatch::new(self.wanted.filename, &caller.actor, caller.channel.id())
                    };
                    let id = store
                        .records_begin(&new, &self.def.id, &begin.fields)
                        .await?;
                    *self.batch.insert(id)
                }
            };
            store.records_stage(id, values).await?;
        }
        self.begin = Some(begin);
        Ok(())
    }

    /// A row that breaks a rule of the object by itself. Of a known record that
    /// is updated only what the row says of all fields of a rule is judged
    /// here; the store looks at the record that comes of it.
    fn check_rules(&self, begin: &Begin, rows: &[Row], faults: &mut [Option<Why>]) -> Result<()> {
        let is_part = self.wanted.mode == Mode::Update && self.def.number.is_some();
        for (rule, def) in &self.rules {
            let named = rule.fields();
            let place = |name: &str| begin.fields.iter().position(|field| field == name);
            let places: Vec<(&str, Option<usize>)> = named
                .iter()
                .filter_map(|path| path.first())
                .map(|name| (name.as_str(), place(name)))
                .collect();
            let column = place(&def.field).and_then(|at| begin.columns.get(at));
            for (row, fault) in rows.iter().zip(faults.iter_mut()) {
                let value = |name: &str| {
                    let found = places.iter().find(|(known, _)| *known == name);
                    let value = found.and_then(|(_, at)| row.values.get((*at)?));
                    value.cloned().unwrap_or(Value::Null)
                };
                let is_open = is_part && places.iter().any(|(name, _)| value(name).is_null());
                if fault.is_some() || is_open {
                    continue;
                }
                let value = |path: &[String]| path.first().map_or(Value::Null, |name| value(name));
                if eval(rule, &value)? == Value::Bool(false) {
                    let why = match column {
                        Some(index) => Why::at("rule", *index),
                        None => Why::row("rule"),
                    };
                    let (zh, en) = (def.message.zh.clone(), def.message.en.clone());
                    *fault = Some(why.with("zh", zh).with("en", en));
                }
            }
        }
        Ok(())
    }

    /// What somebody adds, without saying whose it is, is his own.
    fn with_user(&self, mut begin: Begin) -> Result<Begin> {
        let number = self.def.number.as_ref();
        if self.wanted.mode == Mode::Update && number.is_some_and(|n| !begin.fields.contains(n)) {
            return Err(Error::State {
                code: "update_needs_number",
                zh: "文件里没有编号列，认不出哪一条要更新：只能新增".to_owned(),
                en: "the file has no column of numbers by which to know what is to be updated: only add"
                    .to_owned(),
            });
        }
        let has_user = self.owned.as_ref().is_some_and(|o| o.users.is_some());
        let is_given = begin.fields.iter().any(|field| field == "user");
        begin.adds_user = has_user && !is_given && self.wanted.mode == Mode::Add;
        if begin.adds_user {
            begin.fields.push("user".to_owned());
        }
        Ok(begin)
    }

    /// A record that would be nobody's, or another's, is turned away.
    fn check_owners(&self, begin: &Begin, rows: &mut [Row], faults: &mut [Option<Why>]) {
        let own = self.caller.user().map_or(Value::Null, Value::Int);
        let place = |name: &str| begin.fields.iter().position(|field| field == name);
        for (row, fault) in rows.iter_mut().zip(faults) {
            if begin.adds_user {
                row.values.push(own.clone());
            }
            let (Some(owned), None) = (&self.owned, fault.as_ref()) else {
                continue;
            };
            // Where the link leads was looked up among those in reach.
            let link = owned.link.as_ref().and_then(|(link, _)| place(link));
            let is_linked = link.is_some_and(|at| !row.values[at].is_null());
            let user = owned.users.as_ref().zip(place("user"));
            let is_users = user.is_some_and(
                |(users, at)| matches!(&row.values[at], Value::Int(id) if users.contains(id)),
            );
            let is_known = self.wanted.mode == Mode::Update && self.def.number.is_some();
            if !is_linked && !is_users && !is_known {
                *fault = Some(Why::row("nobodys"));
            }
        }
    }

    /// A number that belongs to a record which the caller may not see can be
    /// neither added nor changed.
    async fn check_numbers(
        &self,
        begin: &Begin,
        rows: &[Row],
        faults: &mut [Option<Why>],
    ) -> Result<()> {
        let actions = [Action::Read, Action::Import];
        let access = access_for(self.caller, &self.def.id, &actions);
        let number = self
            .def
            .number
            .as_ref()
            .filter(|_| access.predicate.is_some());
        let at = number.and_then(|n| begin.fields.iter().position(|field| field == n));
        let (Some(number), Some(at)) = (number, at) else {
            return Ok(());
        };
        let texts: Vec<&str> = rows
            .iter()
            .filter_map(|row| match &row.values[at] {
                Value::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let store = &self.app.store;
        let (object, all) = (&self.def.id, keji_store::Access::all());
        let there = store
            .find_by_text(object, number, &texts, &[], &all)
            .await?;
        let seen = store
            .find_by_text(object, number, &texts, &[], &access)
            .await?;
        for (row, fault) in rows.iter().zip(faults) {
            if let Value::Text(text) = &row.values[at]
                && fault.is_none()
                && there.contains_key(text)
                && !seen.contains_key(text)
            {
                *fault = Some(Why::row("not_yours").with("value", text.clone()));
            }
        }
        Ok(())
    }

    fn write(&mut self, header: &[String], reject: &Reject) -> Result<()> {
        let Some(path) = self.wanted.rejects else {
            return Ok(());
        };
        let what = path.display().to_string();
        let writer = match &mut self.rejects {
            Some(writer) => writer,
            None => {
                // Under its name only once it is whole.
                let file = File::create(path.with_extension("part"))
                    .map_err(Error::named(what.clone()))?;
                let writer = RejectWriter::new(BufWriter::new(file), header, self.wanted.language);
                self.rejects
                    .insert(writer.map_err(Error::io(what.clone()))?)
            }
        };
        writer.write(reject).map_err(Error::io(what))
    }

    fn end_rejects(&mut self) -> Result<()> {
        if let (Some(writer), Some(path)) = (self.rejects.take(), self.wanted.rejects) {
            let what = path.display().to_string();
            let mut out = writer.finish().map_err(Error::io(what.clone()))?;
            out.flush().map_err(Error::io(what.clone()))?;
            std::fs::rename(path.with_extension("part"), path).map_err(Error::io(what))?;
        }
        Ok(())
    }
}

struct Reader {
    app: App,
    def: ObjectDef,
    path: PathBuf,
    filename: String,
    mapping: Option<Mapping>,
    review: bool,
    saved: Vec<SavedMapping>,
}

impl Reader {
    fn run(self, says: &mpsc::Sender<Said>, cancel: &Arc<AtomicBool>) -> Result<()> {
        // Nobody listens any more: the store failed, and its error is told
        // there.
        let say = |said: Said| says.blocking_send(said).map_err(|_| Error::Cancelled);
        let catalog = &self.app.catalog;
        let input = reading::open(
            &self.path,
            &self.filename,
            &self.app.workbook_parser,
            cancel,
        )?;
        let headings = Headings::new(catalog, &self.def);
        let vocabulary = headings.vocabulary();
        let given = self.mapping.as_ref();
        let mut table = Table::open(input, &vocabulary, &Limits::default(), given)?;
        let mut source = None;
        let mut left_out = Vec::new();
        let mapping = match self.mapping {
            Some(mapping) => mapping,
            None => {
                let (mapping, name) = known_or_proposed(&self.saved, &mut table, &headings)?;
                source = name;
                if source.is_none() {
                    left_out = columns::left_out(&mapping);
                }
                if self.review || (source.is_none() && !mapping.confident) {
                    return say(Said::NeedsMapping(Box::new(mapping)));
                }
                mapping
            }
        };
        let layout = Layout::new(&mapping, &mut table, &self.def)?;
        let mut summary = Summary {
            object: Some(self.def.id.clone()),
            encoding: table.encoding().to_owned(),
            delimiter: table.delimiter(),
            source: source.clone(),
            oddities: left_out.into_iter().map(ReportLine::from).collect(),
            ..Summary::default()
        };
        say(Said::Begin(Box::new(Begin {
            fields: layout.fields(),
            columns: layout.columns.iter().map(|c| c.index).collect(),
            links: Links::new(catalog, &layout)?,
            header: table.header().to_vec(),
            source,
            adds_user: false,
        })))?;
        let mut rows = Rows::new(table, layout, &self.def, &catalog.calendar);
        let mut lines = Vec::with_capacity(piece_rows());
        loop {
            let line = rows.next_line()?;
            let is_end = line.is_none();
            lines.extend(line);
            if lines.len() == piece_rows() || is_end {
                say(Said::Piece(Piece {
                    lines: std::mem::replace(&mut lines, Vec::with_capacity(piece_rows())),
                    bytes: rows.table.consumed(),
                    rows: rows.counts.rows,
                    rejected: rows.counts.rejected,
                }))?;
            }
            if cancel.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            if is_end {
                break;
            }
        }
        summary.rows_read = rows.counts.rows;
        summary.rows_rejected = rows.counts.rejected;
        summary.rows_left_out = rows.counts.left_out;
        let n_invalid = rows.table.records.n_invalid;
        if let Some((row, index)) = rows.table.records.first_invalid.filter(|_| n_invalid > 0) {
            summary.oddities.push(ReportLine::from(Oddity {
                row: Some(row),
                column: Some(rows.table.records.column_name(index)),
                ..Oddity::new("invalid_bytes", n_invalid)
            }));
        }
        say(Said::Done(Box::new(summary)))
    }
}

fn rules<'a>(app: &App, def: &'a ObjectDef) -> Result<Vec<(Expr, &'a CheckDef)>> {
    let scope = app.catalog.scope(&def.id);
    let each = def.rules.iter();
    let parsed = each.map(|rule| Ok((Expr::parse_filter(&rule.check, &scope)?, rule)));
    parsed.collect()
}

/// The saved mapping of the same headings, with its name, or the proposal. One
/// that was saved for another object is another file's.
fn known_or_proposed(
    saved: &[SavedMapping],
    table: &mut Table,
    headings: &Headings,
) -> Result<(Mapping, Option<String>)> {
    let known = signature(table.header());
    for saved in saved.iter().filter(|saved| saved.signature == known) {
        let mapping = read_saved(saved)?;
        if headings.are_of(&mapping) {
            return Ok((mapping, Some(saved.name.clone())));
        }
    }
    Ok((propose(table, headings)?, None))
}

/// The first rows of a file as they are and as they would be read; links are
/// shown as the texts that they are.
pub fn preview(
    app: &App,
    caller: &Caller,
    def: &ObjectDef,
    path: &std::path::Path,
    filename: &str,
    given: Option<&Mapping>,
    n_rows: usize,
) -> Result<Preview> {
    let cancel = Arc::new(AtomicBool::new(false));
    let input = reading::open(path, filename, &app.workbook_parser, &cancel)?;
    let def = &writable(caller, def);
    let headings = Headings::new(&app.catalog, def);
    let mut table = Table::open(input, &headings.vocabulary(), &Limits::default(), given)?;
    let mapping = match given {
        Some(given) => given.clone(),
        None => propose(&mut table, &headings)?,
    };
    let records: Vec<Record> = table.sample.iter().take(n_rows).cloned().collect();
    let shown: Vec<PreviewRow> = records
        .iter()
        .map(|record| plain_row(record, &table))
        .collect();
    let mut preview = Preview {
        signature: signature(table.header()),
        header: table.header().to_vec(),
        sheets: table.sheet_names(),
        problem: None,
        rows: shown,
        mapping,
    };
    match Layout::new(&preview.mapping, &mut table, def) {
        Err(fault) if is_of_mapping(&fault) => preview.problem = Some(of_error(&fault)),
        Err(fault) => return Err(fault.into()),
        Ok(layout) => {
            let paths: Vec<String> = layout
                .fields()
                .iter()
                .map(|field| format!("{}.{field}", def.id))
                .collect();
            let mut rows = Rows::new(table, layout, def, &app.catalog.calendar);
            for (record, row) in records.into_iter().zip(&mut preview.rows) {
                match rows.judge(record) {
                    None => row.is_left_out = true,
                    Some(Line::Reject(reject)) => row.problem = Some(of_reject(&reject)),
                    Some(Line::Row(read)) => {
                        let values = paths.iter().zip(&read.values);
                        row.values = values
                            .filter_map(|(path, value)| Some((path.clone(), shown_value(value)?)))
                            .collect();
                    }
                }
            }
        }
    }
    cancel.store(true, Ordering::Relaxed);
    Ok(preview)
}

fn shown_value(value: &Value) -> Option<String> {
    match serde_json::to_value(value).ok()? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
