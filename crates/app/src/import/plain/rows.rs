//! Rows become values of an object's fields, or rejects with a reason. Links
//! stay the texts of the file; what they mean is the affair of `links`.

use jiff::civil::Time;
use keji_schema::calendar::Calendar;
use keji_schema::definition::FieldDef;
use keji_schema::{Decimal, Type, Value};

use super::super::error::Result;
use super::super::parse::{self, DateFormat, Fault};
use super::super::records::Record;
use super::super::rejects::Reject;
use super::super::rows::cells::{Why, check_width, is_dash, shortened};
use super::super::rows::left_out;
use super::super::table::Table;
use super::columns::{Column, Layout};

/// A row with its values in the order of the layout's fields. The rest is for
/// a reject that is found only in the store.
#[derive(Debug)]
pub struct Row {
    pub record: Record,
    pub values: Vec<Value>,
    /// Where several sheets are read.
    pub sheet: Option<String>,
    /// Where the record's own cells would mean something else in a file of
    /// their own.
    pub cells: Option<Vec<String>>,
}

impl Row {
    pub fn into_reject(self, why: Why, header: &[String]) -> Reject {
        let own = || self.record.cells().map(str::to_owned).collect();
        Reject {
            row: self.record.row,
            column: why.index.and_then(|index| header.get(index).cloned()),
            code: why.code,
            args: why.args,
            cells: self.cells.unwrap_or_else(own),
            sheet: self.sheet,
        }
    }
}

pub enum Line {
    Row(Row),
    Reject(Reject),
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub rows: u64,
    pub rejected: u64,
    pub left_out: u64,
}

/// The rows of one file under one mapping.
pub struct Rows {
    pub table: Table,
    pub layout: Layout,
    pub counts: Counts,
    calendar: Calendar,
    number: Option<String>,
    title: Option<String>,
    above: Vec<String>,
    sheet: usize,
}

type Judged<T> = std::result::Result<T, Why>;

impl Rows {
    pub fn new(
        table: Table,
        layout: Layout,
        def: &keji_schema::definition::ObjectDef,
        calendar: &Calendar,
    ) -> Rows {
        Rows {
            above: vec![String::new(); layout.fill_down.len()],
            table,
            layout,
            counts: Counts::default(),
            calendar: calendar.clone(),
            number: def.number.clone(),
            title: def.title.clone(),
            sheet: 0,
        }
    }

    /// The next row; `None` at the end.
    pub fn next_line(&mut self) -> Result<Option<Line>> {
        loop {
            let record = match self.table.sample.pop_front() {
                Some(first) => first,
                None => {
                    let mut record = Record::default();
                    if !self.table.next_record(&mut record)? {
                        return Ok(None);
                    }
                    record
                }
            };
            if let Some(line) = self.judge(record) {
                return Ok(Some(line));
            }
        }
    }

    /// `None` for totals, notes and repeated headings.
    pub fn judge(&mut self, mut record: Record) -> Option<Line> {
        if record.sheet != self.sheet {
            self.sheet = record.sheet;
            self.above.iter_mut().for_each(String::clear);
        }
        let header = self.table.header();
        if left_out::repeats_header(&record, header) {
            self.counts.left_out += 1;
            return None;
        }
        let fits = check_width(&record, header.len(), self.table.is_workbook());
        if fits.is_ok() {
            self.layout.fill_down(&mut record, &mut self.above);
        }
        match fits.and_then(|()| self.values(&record)) {
            Ok(values) => {
                self.counts.rows += 1;
                Some(Line::Row(Row {
                    values,
                    sheet: self.table.sheet_name(record.sheet).map(str::to_owned),
                    cells: self.may_differ(&record).then(|| self.cells_alone(&record)),
                    record,
                }))
            }
            Err(_) if left_out::judged(&record, self.table.header(), false).is_some() => {
                self.counts.left_out += 1;
                None
            }
            Err(why) => {
                self.counts.rows += 1;
                self.counts.rejected += 1;
                Some(Line::Reject(self.reject(&record, why)))
            }
        }
    }

    fn values(&self, record: &Record) -> Judged<Vec<Value>> {
        let n = self.layout.columns.len() + self.layout.derived.len();
        let mut values = Vec::with_capacity(n);
        for column in &self.layout.columns {
            let value = self.value(record, column)?;
            if value.is_null() && column.field.required {
                return Err(Why::at("empty_value", column.index));
            }
            values.push(value);
        }
        for (field, from) in &self.layout.derived {
            let value = match &values[*from] {
                // As written: the civil day of the calendar's zone.
                Value::Instant(at) => Value::Date(self.calendar.day_of(*at)),
                Value::Text(name) => Value::Text(name.clone()),
                _ if field.required => {
                    return Err(Why::at("empty_value", self.layout.columns[*from].index));
                }
                _ => Value::Null,
            };
            values.push(value);
        }
        Ok(values)
    }

    fn value(&self, record: &Record, column: &Column) -> Judged<Value> {
        let (field, index) = (&column.field, column.index);
        let cell = record.cell(index);
        if cell.is_empty() {
            return Ok(Value::Null);
        }
        let Some(text) = parse::text(cell) else {
            return Ok(Value::Null);
        };
        if field.kind != Type::Text && is_dash(&text) {
            return Ok(Value::Null);
        }
        let shown = || shortened(&text);
        match field.kind {
            Type::Text => self.text(record, field, index).map(Value::Text),
            Type::Link => {
                let text = parse::identity(cell).unwrap_or(text);
                if parse::has_lost_digits(&text) {
                    return Err(Why::at("identity_lost_digits", index).with("value", text.into()));
                }
                Ok(Value::Text(text.into_owned()))
            }
            Type::Int => {
                let number = self.number(record, column, cell)?;
                let unit = keji_schema::decimal::UNIT;
                match number.units() % unit {
                    0 => Ok(Value::Int(number.units() / unit)),
                    _ => Err(Why::at("not_whole", index).with("value", shown())),
                }
            }
            Type::Decimal => Ok(Value::Decimal(self.number(record, column, cell)?)),
            Type::Float => {
                let number = self.number(record, column, cell)?;
                let unit = keji_schema::decimal::UNIT as f64;
                Ok(Value::Float(number.units() as f64 / unit))
            }
            Type::Bool => match is_yes(&text) {
                Some(yes) => Ok(Value::Bool(yes)),
                None => Err(Why::at("not_yes_or_no", index).with("value", shown())),
            },
            Type::Choice => match choice(field, &text) {
                Some(value) => Ok(Value::Text(value)),
                None => {
                    let known = field
                        .options
                        .iter()
                        .map(|o| format!("{} {}", o.zh, o.value));
                    let known: Vec<String> = known.collect();
                    Err(Why::at("not_an_option", index)
                        .with("value", shown())
                        .with("options", known.join(" / ")))
                }
            },
            Type::Date | Type::Instant => self.date(record, column, cell),
        }
    }

    /// What is searched by is told apart by its digits; a title is not.
    fn text(&self, record: &Record, field: &FieldDef, index: usize) -> Judged<String> {
        let cell = record.cell(index);
        let is_number = self.number.as_ref() == Some(&field.id);
        let is_title = self.title.as_ref() == Some(&field.id);
        if record.has_invalid && (is_number || is_title) && cell.contains('\u{fffd}') {
            return Err(Why::at("invalid_bytes", index));
        }
        let text = match is_number || (field.search && !is_title) {
            true => parse::identity(cell),
            false => parse::text(cell),
        };
        let text = text.unwrap_or_default();
        if (is_number || field.search) && parse::has_lost_digits(&text) {
            return Err(Why::at("identity_lost_digits", index).with("value", text.into()));
        }
        Ok(text.into_owned())
    }

    /// A share may be written as a percentage; above 1 it must.
    fn number(&self, record: &Record, column: &Column, cell: &str) -> Judged<Decimal> {
        let index = column.index;
        let is_share = column.field.unit.as_deref() == Some("pct");
        let scale = match column.field.unit.as_deref() {
            Some("money") => self.scale(record, column),
            _ => 1,
        };
        let read = |text: &str| match column.has_comma {
            true => parse::amount(&parse::with_point(text), scale),
            false => parse::amount(text, scale),
        };
        if !is_share {
            return read(cell).map_err(|fault| Why::of(fault, index, cell));
        }
        let whole = cell.trim().trim_end_matches(['%', '％']);
        let number = read(whole).map_err(|fault| Why::of(fault, index, cell))?;
        if whole.len() < cell.trim().len() {
            return Ok(Decimal::from_units(number.units() / 100));
        }
        if number.units().abs() > keji_schema::decimal::UNIT {
            return Err(Why::at("not_a_share", index).with("value", shortened(cell)));
        }
        Ok(number)
    }

    fn scale(&self, record: &Record, column: &Column) -> i64 {
        let above = || self.table.surroundings(record.sheet).scale;
        column.scale.or_else(above).unwrap_or(1)
    }

    fn date(&self, record: &Record, column: &Column, cell: &str) -> Judged<Value> {
        let fault = |fault| Why::of(fault, column.index, cell);
        let year = self.table.surroundings(record.sheet).year;
        let written = parse::date_in(cell.trim(), self.format(column), year).map_err(fault)?;
        if column.field.kind == Type::Date {
            return Ok(Value::Date(written.civil.date()));
        }
        let at = match written.offset_s {
            None => self.calendar.instant_of(written.civil).ok(),
            Some(seconds) => jiff::tz::Offset::from_seconds(seconds)
                .and_then(|offset| offset.to_timestamp(written.civil))
                .ok(),
        };
        at.map(Value::Instant).ok_or_else(|| fault(Fault::NotADate))
    }

    /// A sheet may lose the format of its dates; they are day numbers then.
    fn format(&self, column: &Column) -> DateFormat {
        match (column.format, self.table.is_workbook()) {
            (DateFormat::Ymd, true) if self.table.counts_from_1904() => DateFormat::Serial1904,
            (DateFormat::Ymd, true) => DateFormat::Serial,
            (format, _) => format,
        }
    }

    pub fn reject(&self, record: &Record, why: Why) -> Reject {
        Reject {
            row: record.row,
            sheet: self.table.sheet_name(record.sheet).map(str::to_owned),
            column: why.index.map(|index| self.table.records.column_name(index)),
            code: why.code,
            args: why.args,
            cells: self.cells_alone(record),
        }
    }

    /// Whether the file says more of this row's cells than they do.
    fn may_differ(&self, record: &Record) -> bool {
        let around = self.table.surroundings(record.sheet);
        let columns = &self.layout.columns;
        self.table.is_workbook()
            || around.year.is_some()
            || around.scale.is_some()
            || columns
                .iter()
                .any(|c| c.has_comma || c.format != DateFormat::Ymd)
    }

    /// The cells such that they mean the same in a file of their own.
    fn cells_alone(&self, record: &Record) -> Vec<String> {
        let mut cells: Vec<String> = record.cells().map(str::to_owned).collect();
        for column in &self.layout.columns {
            let Some(cell) = cells.get_mut(column.index) else {
                continue;
            };
            let is_scaled_above = column.scale.is_none() && self.scale(record, column) != 1;
            match column.field.kind {
                Type::Decimal if column.has_comma || is_scaled_above => {
                    if let Ok(number) = self.number(record, column, &cell.clone()) {
                        *cell = number.to_string();
                    }
                }
                Type::Date | Type::Instant
                    if parse::date(cell.trim(), DateFormat::Ymd).is_err() =>
                {
                    let year = self.table.surroundings(record.sheet).year;
                    let written = parse::date_in(cell.trim(), self.format(column), year);
                    if let Some(written) = written.ok().filter(|w| w.offset_s.is_none()) {
                        let (day, time) = (written.civil.date(), written.civil.time());
                        *cell = match time == Time::midnight() {
                            true => day.to_string(),
                            false => format!("{day} {time}"),
                        };
                    }
                }
                _ => {}
            }
        }
        cells
    }
}

pub(crate) fn is_yes(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "是" | "有" | "对" | "真" | "yes" | "y" | "true" | "t" | "1" | "√" | "✓" | "✔" => {
            Some(true)
        }
        "否" | "没有" | "不是" | "假" | "no" | "n" | "false" | "f" | "0" | "×" | "✗" => {
            Some(false)
        }
        _ => None,
    }
}

/// By value or label, or by the longest label that the cell contains
/// (增值税专用发票（纸质） for 增值税专用发票).
fn choice(field: &FieldDef, text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let whole = field.options.iter().find(|option| {
        [&option.value, &option.zh, &option.en]
            .iter()
            .any(|word| word.to_lowercase() == text)
    });
    let part = || {
        let is_denied = text.starts_with(['不', '未', '非', '无', '没']);
        let within = field
            .options
            .iter()
            .filter(|o| !is_denied && text.contains(&o.zh.to_lowercase()));
        within.max_by_key(|option| option.zh.len())
    };
    whole.or_else(part).map(|option| option.value.clone())
}
