//! Which column is which field: proposed from headings and content, written
//! down so that a person can change it, and read back.

mod content;
mod layout;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ImportError, Result};
use super::field::{Field, PART, Vocabulary, WHOLE, normal};
use super::hash;
use super::messages;
use super::parse::{self, DateFormat};
use super::records::Record;
use super::rejects;
use super::rows::left_out;
use super::table::Table;
use crate::messages::Language;
use content::Content;
pub(super) use content::{find_date_format, has_decimal_comma};
pub(super) use layout::{
    DECIMAL_COMMA, Layout, date_format, decimal_comma, found_format, position,
};

/// JSON in the API, TOML as a file. Read back, everything but the columns may
/// be left out: it is then found in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default)]
    pub encoding: String,
    #[serde(default)]
    pub delimiter: String,
    /// The last row of the headings, counted from 1; 0 where it is to be found.
    #[serde(default)]
    pub header_row: u64,
    /// The sheets of a workbook that are read. Empty: the first one that has
    /// orders, and all visible ones with the same headings.
    #[serde(default)]
    pub sheets: Vec<String>,
    /// Sure enough to be taken without a look.
    #[serde(default)]
    pub confident: bool,
    /// Why not, and what is good to know.
    #[serde(default)]
    pub notes: Vec<Note>,
    pub columns: Vec<ColumnMapping>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    pub heading: String,
    /// The path of a field, `order.ordered_at`; `None`, `""` and `"none"` leave
    /// the column out.
    #[serde(default)]
    pub field: Option<String>,
    /// Of a date: `ymd`, `dmy`, `mdy`, the same with years of two digits `yymd`,
    /// `dmyy`, `mdyy`, `month`, `serial` or `serial1904`. Of a number:
    /// `decimal_point` or `decimal_comma`. Found where it is absent.
    #[serde(default)]
    pub format: Option<String>,
    /// An empty cell means the value above it, as in a list whose merged cells
    /// were exported.
    #[serde(default)]
    pub fill_down: bool,
    /// 0 to 1.
    #[serde(default)]
    pub confidence: f64,
    /// A code of `messages::mapping_text`.
    #[serde(default = "given")]
    pub reason: String,
    /// The first different values.
    #[serde(default)]
    pub samples: Vec<String>,
}

/// Why somebody has to look, or what is good to know: a code of
/// `messages::mapping_text`, the field and the headings or sheets it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub code: String,
    #[serde(default)]
    pub field: Option<String>,
    #[serde(default)]
    pub columns: Vec<String>,
}

fn given() -> String {
    "given".to_owned()
}

/// By which a saved mapping is known to fit a file: the headings without case,
/// width, spaces and brackets, in their order. The columns that a file of
/// rejects has behind its own do not count.
pub fn signature(headings: &[String]) -> String {
    let own = headings
        .iter()
        .filter(|h| !h.trim().is_empty() && !rejects::is_reason(h));
    let joined: Vec<String> = own.map(|h| normal(h)).collect();
    hash::fingerprint(&joined.join("\u{1f}"))
}

/// Doubts about the order of day, month and year, with the formats to choose
/// from. The proposal then has none: one that is taken unread must not swap
/// days and months.
const OPEN_DATES: [(&str, &str); 3] = [
    ("date_order", "dmy / mdy"),
    ("date_order_mixed", "dmy / mdy"),
    ("two_digit_year", "yymd / dmyy / mdyy"),
];

pub(super) fn is_open_date(code: &str) -> bool {
    OPEN_DATES.iter().any(|(open, _)| *open == code)
}

/// Below this a critical field is not taken unseen.
const SURE: f64 = 0.7;
/// Of a column that somebody has to decide about.
const UNSURE: f64 = 0.5;
const N_SAMPLES: usize = 3;

impl Mapping {
    /// The file that `--mapping` reads: a person can mend it.
    pub fn to_toml(&self) -> String {
        let mut shown = self.clone();
        let mut choices = "";
        for note in &self.notes {
            let open = OPEN_DATES.iter().find(|(code, _)| *code == note.code);
            let Some((_, formats)) = open else { continue };
            let named = shown.columns.iter_mut();
            for column in named.filter(|c| note.columns.contains(&c.heading)) {
                // Empty is as good as absent, and shows where to write.
                column.format.get_or_insert_default();
                choices = formats;
            }
        }
        let text = toml::to_string_pretty(&shown).unwrap_or_default();
        text.replace("format = \"\"\n", &format!("format = \"\" # {choices}\n"))
    }

    /// Why somebody has to look, in words.
    pub fn doubts(&self, language: Language) -> Vec<String> {
        let said = |note: &Note| {
            let columns = note.columns.join(language.pick("、", ", "));
            let text = messages::mapping_text(&note.code, language);
            match columns.is_empty() {
                true => text.to_owned(),
                false => format!("{columns}{}{text}", language.pick("：", ": ")),
            }
        };
        self.notes.iter().map(said).collect()
    }

    pub fn from_toml(file: &str, text: &str) -> Result<Mapping> {
        let read = toml::from_str(text);
        let mut mapping: Mapping = read.map_err(|problem: toml::de::Error| {
            let row = problem
                .span()
                .map_or(0, |at| text[..at.start].matches('\n').count() as u64 + 1);
            ImportError::MappingUnreadable {
                file: file.to_owned(),
                row,
                reason: problem.message().to_owned(),
            }
        })?;
        for column in &mut mapping.columns {
            column.format.take_if(|format| format.is_empty());
        }
        Ok(mapping)
    }

    /// Proposes a field for every column. It is sure when there are a date,
    /// an amount or quantity and price, and a customer or an order number,
    /// each from one column that nothing else competes with.
    pub fn propose(table: &mut Table, vocabulary: &Vocabulary) -> Result<Mapping> {
        let rows: Vec<&Record> = data_rows(table).collect();
        let columns: Vec<Column> = table
            .header()
            .iter()
            .enumerate()
            .map(|(index, heading)| Column::of(index, heading, &rows, table, vocabulary))
            .collect();
        let mut proposal = Proposal {
            columns,
            notes: Vec::new(),
            has_doubts: false,
        };
        proposal.resolve();
        proposal.by_content(table);
        proposal.check_required();
        proposal.check_amounts(table);
        proposal.check_gaps(table);
        let format = proposal.date_format(table)?;
        proposal.remark_on_sheets(table);
        Ok(proposal.finish(table, format))
    }

    pub fn column_of(&self, field: Field) -> Option<&ColumnMapping> {
        self.columns
            .iter()
            .find(|c| c.field.as_deref() == Some(field.path()))
    }
}

/// What the sample says about one column.
struct Column {
    heading: String,
    index: usize,
    is_hidden: bool,
    field: Option<Field>,
    /// Of the heading among the field's headings.
    rank: usize,
    confidence: f64,
    reason: &'static str,
    samples: Vec<String>,
    content: Content,
    fill_down: bool,
}

impl Column {
    fn of(
        index: usize,
        heading: &str,
        rows: &[&Record],
        table: &Table,
        vocabulary: &Vocabulary,
    ) -> Column {
        let named = vocabulary
            .field_of(heading)
            .filter(|_| !heading.is_empty() && !rejects::is_reason(heading));
        let records = || rows.iter().copied();
        let mut samples: Vec<String> = Vec::new();
        for record in records() {
            if samples.len() < N_SAMPLES
                && let Some(text) = parse::text(record.cell(index))
                && !samples.iter().any(|s| *s == *text)
            {
                samples.push(text.chars().take(100).collect());
            }
        }
        let choice = named.map(|(field, _, _)| field).filter(|f| f.is_choice());
        let mut column = Column {
            heading: heading.to_owned(),
            index,
            is_hidden: table.is_hidden(index),
            field: None,
            rank: 0,
            confidence: 0.0,
            reason: "unknown",
            samples,
            content: Content::of(records(), index, table, |text| {
                choice.is_some_and(|field| vocabulary.choice(field, text).is_some())
            }),
            fill_down: false,
        };
        if rejects::is_reason(heading) {
            column.reason = "reject_column";
        }
        if let Some((field, rank, sure)) = named {
            let confidence = sure * column.content.fits(field);
            column.reason = if sure == WHOLE {
                "heading"
            } else {
                "heading_part"
            };
            if confidence >= 0.4 {
                (column.field, column.rank, column.confidence) = (Some(field), rank, confidence);
            } else {
                column.reason = "content_differs";
            }
        }
        column
    }

    fn leave_out(&mut self, reason: &'static str) {
        self.field = None;
        self.confidence = 0.0;
        self.reason = reason;
    }
}

/// The rows of the sample that are meant to be read: totals and page headings
/// say nothing of the columns.
fn data_rows(table: &Table) -> impl Iterator<Item = &Record> + Clone {
    table
        .sample
        .iter()
        .filter(|record| left_out::by_its_words(record, table.header()).is_none())
}

struct Proposal {
    columns: Vec<Column>,
    notes: Vec<Note>,
    has_doubts: bool,
}

impl Proposal {
    fn of(&self, field: Field) -> Option<&Column> {
        self.columns.iter().find(|c| c.field == Some(field))
    }

    fn has(&self, field: Field) -> bool {
        self.of(field).is_some()
    }

    /// Somebody has to look.
    fn note(&mut self, code: &str, field: Option<Field>, columns: Vec<String>) {
        self.has_doubts = true;
        self.remark(code, field, columns);
    }

    /// Good to know.
    fn remark(&mut self, code: &str, field: Option<Field>, columns: Vec<String>) {
        self.notes.push(Note {
            code: code.to_owned(),
            field: field.map(|f| f.path().to_owned()),
            columns,
        });
    }

    /// One column per field: a visible one, the surest, then the one whose
    /// heading is most to the point, then the first. An equally sure other one
    /// is a doubt.
    fn resolve(&mut self) {
        for field in Field::ALL {
            let mut claims: Vec<usize> = (0..self.columns.len())
                .filter(|i| self.columns[*i].field == Some(field))
                .collect();
            claims.sort_by(|a, b| {
                let (a, b) = (&self.columns[*a], &self.columns[*b]);
                a.is_hidden
                    .cmp(&b.is_hidden)
                    .then(b.confidence.total_cmp(&a.confidence))
                    .then(a.rank.cmp(&b.rank))
            });
            let [best, others @ ..] = claims.as_slice() else {
                continue;
            };
            let (sure, best_is_hidden) = (
                self.columns[*best].confidence,
                self.columns[*best].is_hidden,
            );
            let hidden: Vec<String> = claims
                .iter()
                .filter(|i| self.columns[**i].is_hidden)
                .map(|i| self.columns[*i].heading.clone())
                .collect();
            // Without a number the name says who the customer is.
            let matters = field.is_critical()
                || (field == Field::CustomerName && !self.has(Field::CustomerNumber));
            let rivals: Vec<usize> = others
                .iter()
                .copied()
                .filter(|i| {
                    self.columns[*i].confidence >= sure
                        && (best_is_hidden || !self.columns[*i].is_hidden)
                })
                .collect();
            if matters && !rivals.is_empty() {
                let names = [*best]
                    .iter()
                    .chain(&rivals)
                    .map(|i| self.columns[*i].heading.clone())
                    .collect::<Vec<String>>();
                self.note("ambiguous", Some(field), names);
            }
            // A column that somebody hid may be an old version of the truth.
            if best_is_hidden && field.is_critical() {
                self.note("hidden_column", Some(field), hidden);
            } else if !hidden.is_empty() {
                self.remark("hidden_column", Some(field), hidden);
            }
            for i in others {
                self.columns[*i].leave_out("second_choice");
            }
        }
    }

    /// Fields that no heading names but the content gives away.
    fn by_content(&mut self, table: &Table) {
        if !self.has(Field::OrderedAt) {
            let dates: Vec<usize> = (0..self.columns.len())
                .filter(|i| {
                    let column = &self.columns[*i];
                    column.field.is_none()
                        && column.reason == "unknown"
                        && column.content.any_date() >= 0.95
                })
                .collect();
            if let [only] = dates.as_slice() {
                let column = &mut self.columns[*only];
                (column.field, column.confidence, column.reason) =
                    (Some(Field::OrderedAt), PART, "content");
            }
        }
        if !self.has(Field::Amount)
            && let (Some(quantity), Some(price)) = (self.of(Field::Quantity), self.of(Field::Price))
        {
            let (quantity, price) = (quantity.index, price.index);
            let product = (0..self.columns.len()).find(|i| {
                let column = &self.columns[*i];
                column.field.is_none()
                    && column.reason == "unknown"
                    && column.content.numbers >= 0.95
                    && content::share_of_products(
                        data_rows(table),
                        [quantity, price, column.index],
                        [quantity, price, column.index].map(|i| self.columns[i].content.has_comma),
                    )
                    .is_some_and(|s| s >= 0.95)
            });
            if let Some(i) = product {
                let column = &mut self.columns[i];
                (column.field, column.confidence, column.reason) =
                    (Some(Field::Amount), 0.8, "content_product");
            }
        }
    }

    fn check_required(&mut self) {
        if !self.has(Field::OrderedAt) {
            self.note("missing_date", Some(Field::OrderedAt), Vec::new());
        }
        let has_money =
            self.has(Field::Amount) || (self.has(Field::Quantity) && self.has(Field::Price));
        if !has_money {
            self.note("missing_amount", Some(Field::Amount), Vec::new());
        }
        if ![
            Field::CustomerNumber,
            Field::CustomerName,
            Field::OrderNumber,
        ]
        .iter()
        .any(|f| self.has(*f))
        {
            self.note("missing_party", Some(Field::CustomerNumber), Vec::new());
        }
        let unsure: Vec<(Field, String)> = self
            .columns
            .iter()
            .filter(|c| c.confidence < SURE)
            .filter_map(|c| {
                c.field
                    .filter(|f| f.is_critical())
                    .map(|f| (f, c.heading.clone()))
            })
            .collect();
        for (field, heading) in unsure {
            self.note("low_confidence", Some(field), vec![heading]);
        }
    }

    /// An amount that is seldom quantity × price may be the total of the order
    /// repeated on every line, which would count it many times.
    fn check_amounts(&mut self, table: &Table) {
        let (Some(quantity), Some(price), Some(amount)) = (
            self.of(Field::Quantity),
            self.of(Field::Price),
            self.of(Field::Amount),
        ) else {
            return;
        };
        let columns = [quantity, price, amount];
        let share = content::share_of_products(
            data_rows(table),
            columns.map(|c| c.index),
            columns.map(|c| c.content.has_comma),
        );
        if share.is_some_and(|s| s < 0.5) {
            let heading = amount.heading.clone();
            self.note("amount_differs", Some(Field::Amount), vec![heading]);
        }
    }

    /// Where the first row of each order alone says what order it is, the rows
    /// below belong to it: an export of merged cells looks so. But so does a
    /// list with values missing, and that somebody has to tell.
    fn check_gaps(&mut self, table: &Table) {
        let column_of = |field| self.of(field).map(|c: &Column| c.index);
        let keys: Vec<usize> = [Field::OrderedAt, Field::OrderNumber]
            .into_iter()
            .filter_map(column_of)
            .collect();
        let line: Vec<usize> = [Field::Amount, Field::Quantity, Field::Price]
            .into_iter()
            .filter_map(column_of)
            .collect();
        let of_order: Vec<usize> = (0..self.columns.len())
            .filter(|i| self.columns[*i].field.is_some_and(Field::is_of_order))
            .collect();
        let gaps = content::gaps(data_rows(table), &keys, &line, &of_order);
        if gaps.is_empty() {
            return;
        }
        for index in &gaps {
            self.columns[*index].fill_down = true;
        }
        let names = gaps
            .iter()
            .map(|i| self.columns[*i].heading.clone())
            .collect();
        self.note("fill_down", None, names);
    }

    /// Decided over the sample; where that leaves both orders open, over as
    /// much more of the file as may be held.
    fn date_format(&mut self, table: &mut Table) -> Result<Option<DateFormat>> {
        let Some(column) = self.of(Field::OrderedAt) else {
            return Ok(None);
        };
        let (index, heading) = (column.index, column.heading.clone());
        if column.content.yearless > 0.0 {
            self.remark(
                "year_from_title",
                Some(Field::OrderedAt),
                vec![heading.clone()],
            );
        }
        let (format, code) = content::find_date_format(table, index)?;
        let Some(code) = code else {
            return Ok(Some(format));
        };
        self.note(code, Some(Field::OrderedAt), vec![heading]);
        if !is_open_date(code) {
            return Ok(Some(format));
        }
        let column = &mut self.columns[index];
        column.confidence = column.confidence.min(UNSURE);
        Ok(None)
    }

    fn remark_on_sheets(&mut self, table: &Table) {
        for sheet in table.sheets_left_out() {
            let names = vec![sheet.name.clone()];
            match sheet.has_orders {
                true => self.note("sheet_differs", None, names),
                false => self.remark("sheet_left_out", None, names),
            }
        }
    }

    fn finish(self, table: &Table, format: Option<DateFormat>) -> Mapping {
        let columns = self
            .columns
            .into_iter()
            .filter(|c| !c.heading.is_empty())
            .map(|c| ColumnMapping {
                format: match c.field {
                    Some(Field::OrderedAt) => format.map(|format| format.name().to_owned()),
                    Some(field) if field.is_number() && c.content.has_comma => {
                        Some(layout::DECIMAL_COMMA.to_owned())
                    }
                    _ => None,
                },
                heading: c.heading,
                field: c.field.map(|f| f.path().to_owned()),
                confidence: (c.confidence * 100.0).round() / 100.0,
                reason: c.reason.to_owned(),
                samples: c.samples,
                fill_down: c.fill_down,
            })
            .collect();
        Mapping {
            encoding: table.encoding().to_owned(),
            delimiter: table.delimiter(),
            header_row: table.header_row(),
            sheets: Vec::new(),
            confident: !self.has_doubts,
            notes: self.notes,
            columns,
        }
    }
}

#[cfg(test)]
mod tests;
