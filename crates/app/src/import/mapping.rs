//! Which column is which field: proposed from headings and content, written
//! down so that a person can change it, and read back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{ImportError, Result};
use super::field::{Field, PART, Vocabulary, WHOLE};
use super::parse::{self, DateFormat, DayMonth};
use super::records::Record;
use super::table::Table;

/// JSON in the API, TOML as a file. Read back, everything but the columns may
/// be left out: it is then found in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    #[serde(default)]
    pub encoding: String,
    #[serde(default)]
    pub delimiter: String,
    /// Counted from 1; 0 where it is to be found.
    #[serde(default)]
    pub header_row: u64,
    /// Sure enough to be taken without a look.
    #[serde(default)]
    pub confident: bool,
    /// Why not.
    #[serde(default)]
    pub notes: Vec<Note>,
    pub columns: Vec<ColumnMapping>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnMapping {
    pub heading: String,
    /// The path of a field, `order.ordered_at`; `None` leaves the column out.
    #[serde(default)]
    pub field: Option<String>,
    /// Of a date: `ymd`, `dmy`, `mdy` or `serial`; found where it is absent.
    #[serde(default)]
    pub format: Option<String>,
    /// 0 to 1.
    #[serde(default)]
    pub confidence: f64,
    /// A code of [`messages::mapping_text`](super::messages::mapping_text).
    #[serde(default = "given")]
    pub reason: String,
    /// The first different values.
    #[serde(default)]
    pub samples: Vec<String>,
}

/// Why somebody has to look: a code of
/// [`messages::mapping_text`](super::messages::mapping_text), the field and
/// the headings it is about.
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

/// Below this a critical field is not taken unseen.
const SURE: f64 = 0.7;
const N_SAMPLES: usize = 3;

impl Mapping {
    /// The file that `--mapping` reads: a person can mend it.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    pub fn from_toml(file: &str, text: &str) -> Result<Mapping> {
        toml::from_str(text).map_err(|problem: toml::de::Error| {
            let row = problem
                .span()
                .map_or(0, |at| text[..at.start].matches('\n').count() as u64 + 1);
            ImportError::MappingUnreadable {
                file: file.to_owned(),
                row,
                reason: problem.message().to_owned(),
            }
        })
    }

    /// Proposes a field for every column. It is sure when there are a date,
    /// an amount or quantity and price, and a customer or an order number,
    /// each from one column that nothing else competes with.
    pub fn propose(table: &mut Table, vocabulary: &Vocabulary) -> Result<Mapping> {
        let columns: Vec<Column> = table
            .header()
            .iter()
            .enumerate()
            .map(|(index, heading)| Column::of(index, heading, table, vocabulary))
            .collect();
        let mut proposal = Proposal {
            columns,
            notes: Vec::new(),
        };
        proposal.resolve();
        proposal.by_content(table);
        proposal.check_required();
        proposal.check_amounts(table);
        let format = proposal.date_format(table)?;
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
    field: Option<Field>,
    /// Of the heading among the field's headings.
    rank: usize,
    confidence: f64,
    reason: &'static str,
    samples: Vec<String>,
    content: Content,
}

/// Shares of the values that are not empty.
#[derive(Default)]
struct Content {
    n: usize,
    numbers: f64,
    whole: f64,
    dates: f64,
    serials: f64,
    mails: f64,
    choices: f64,
}

impl Column {
    fn of(index: usize, heading: &str, table: &Table, vocabulary: &Vocabulary) -> Column {
        let named = vocabulary.field_of(heading);
        let mut samples: Vec<String> = Vec::new();
        let mut content = Content::default();
        let add = |share: &mut f64, is: bool| *share += f64::from(u8::from(is));
        for record in &table.sample {
            let Some(text) = parse::text(record.cell(index)) else {
                continue;
            };
            content.n += 1;
            let number = parse::number(&text).ok();
            add(&mut content.numbers, number.is_some());
            add(
                &mut content.whole,
                number.is_some_and(|n| n.units() % keji_schema::decimal::UNIT == 0),
            );
            add(&mut content.dates, parse::day_month(&text).is_some());
            add(&mut content.serials, parse::is_serial(&text));
            add(&mut content.mails, text.contains('@'));
            if let Some((field, _, _)) = named.filter(|(field, _, _)| field.is_choice()) {
                add(
                    &mut content.choices,
                    vocabulary.choice(field, &text).is_some(),
                );
            }
            if samples.len() < N_SAMPLES && !samples.iter().any(|s| *s == *text) {
                samples.push(text.chars().take(100).collect());
            }
        }
        let n = content.n.max(1) as f64;
        for share in [
            &mut content.numbers,
            &mut content.whole,
            &mut content.dates,
            &mut content.serials,
            &mut content.mails,
            &mut content.choices,
        ] {
            *share /= n;
        }
        let mut column = Column {
            heading: heading.to_owned(),
            index,
            field: None,
            rank: 0,
            confidence: 0.0,
            reason: "unknown",
            samples,
            content,
        };
        if let Some((field, rank, sure)) = named.filter(|_| !heading.is_empty()) {
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

impl Content {
    /// 1 where the values are what the field needs, 0 where they cannot be.
    fn fits(&self, field: Field) -> f64 {
        if self.n == 0 {
            return 0.5;
        }
        let by_share = |share: f64| match share {
            s if s >= 0.9 => 1.0,
            s if s >= 0.5 => 0.65,
            _ => 0.0,
        };
        match field {
            Field::OrderedAt => by_share(self.dates.max(self.serials)),
            field if field.is_number() && self.dates >= 0.9 && self.whole < 0.9 => 0.0,
            field if field.is_number() => by_share(self.numbers),
            field if field.is_choice() => by_share(self.choices),
            Field::Email => by_share(self.mails),
            // An amount or a written date is no number of anything.
            Field::OrderNumber | Field::CustomerNumber | Field::ProductNumber => {
                let fractions = self.numbers - self.whole;
                let dates = self.dates - self.dates.min(self.whole);
                if fractions > 0.5 || dates > 0.5 {
                    0.0
                } else {
                    1.0
                }
            }
            _ => 1.0,
        }
    }
}

struct Proposal {
    columns: Vec<Column>,
    notes: Vec<Note>,
}

impl Proposal {
    fn of(&self, field: Field) -> Option<&Column> {
        self.columns.iter().find(|c| c.field == Some(field))
    }

    fn has(&self, field: Field) -> bool {
        self.of(field).is_some()
    }

    fn note(&mut self, code: &str, field: Option<Field>, columns: Vec<String>) {
        self.notes.push(Note {
            code: code.to_owned(),
            field: field.map(|f| f.path().to_owned()),
            columns,
        });
    }

    /// One column per field: the surest, then the one whose heading is most to
    /// the point, then the first. An equally sure other one is a doubt.
    fn resolve(&mut self) {
        for field in Field::ALL {
            let mut claims: Vec<usize> = (0..self.columns.len())
                .filter(|i| self.columns[*i].field == Some(field))
                .collect();
            claims.sort_by(|a, b| {
                let (a, b) = (&self.columns[*a], &self.columns[*b]);
                b.confidence
                    .total_cmp(&a.confidence)
                    .then(a.rank.cmp(&b.rank))
            });
            let [best, others @ ..] = claims.as_slice() else {
                continue;
            };
            let sure = self.columns[*best].confidence;
            // Without a number the name says who the customer is.
            let matters = field.is_critical()
                || (field == Field::CustomerName && !self.has(Field::CustomerNumber));
            let rivals: Vec<usize> = others
                .iter()
                .copied()
                .filter(|i| self.columns[*i].confidence >= sure)
                .collect();
            if matters && !rivals.is_empty() {
                let names = [*best]
                    .iter()
                    .chain(&rivals)
                    .map(|i| self.columns[*i].heading.clone())
                    .collect::<Vec<String>>();
                self.note("ambiguous", Some(field), names);
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
                        && column.content.dates >= 0.95
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
                    && share_of_products(&table.sample, quantity, price, column.index)
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
        let share = share_of_products(&table.sample, quantity.index, price.index, amount.index);
        if share.is_some_and(|s| s < 0.5) {
            let heading = amount.heading.clone();
            self.note("amount_differs", Some(Field::Amount), vec![heading]);
        }
    }

    /// Decided over the sample; where that leaves both orders open, over as
    /// much more of the file as may be held.
    fn date_format(&mut self, table: &mut Table) -> Result<Option<DateFormat>> {
        let Some(column) = self.of(Field::OrderedAt) else {
            return Ok(None);
        };
        let (index, heading) = (column.index, column.heading.clone());
        if column.content.serials > column.content.dates {
            return Ok(Some(DateFormat::Serial));
        }
        let (format, code) = find_date_order(table, index)?;
        if let Some(code) = code {
            self.note(code, Some(Field::OrderedAt), vec![heading]);
        }
        Ok(Some(format))
    }

    fn finish(self, table: &Table, format: Option<DateFormat>) -> Mapping {
        let columns = self
            .columns
            .into_iter()
            .filter(|c| !c.heading.is_empty())
            .map(|c| ColumnMapping {
                format: format
                    .filter(|_| c.field == Some(Field::OrderedAt))
                    .map(|format| format.name().to_owned()),
                heading: c.heading,
                field: c.field.map(|f| f.path().to_owned()),
                confidence: (c.confidence * 100.0).round() / 100.0,
                reason: c.reason.to_owned(),
                samples: c.samples,
            })
            .collect();
        Mapping {
            encoding: table.encoding().to_owned(),
            delimiter: table.delimiter(),
            header_row: table.header_row(),
            confident: self.notes.is_empty(),
            notes: self.notes,
            columns,
        }
    }
}

/// The order of day and month in a column, and a code where it is in doubt.
pub(super) fn find_date_order(
    table: &mut Table,
    index: usize,
) -> Result<(DateFormat, Option<&'static str>)> {
    let mut looked = 0;
    let (mut day_first, mut month_first, mut either) = (0u64, 0u64, 0u64);
    loop {
        for record in table.sample.iter().skip(looked) {
            match parse::day_month(record.cell(index)) {
                Some(DayMonth::DayFirst) => day_first += 1,
                Some(DayMonth::MonthFirst) => month_first += 1,
                Some(DayMonth::Either) => either += 1,
                _ => {}
            }
        }
        looked = table.sample.len();
        let open = day_first == 0 && month_first == 0 && either > 0;
        if !open || !table.read_sample(looked + 10_000)? && table.sample.len() == looked {
            break;
        }
    }
    Ok(match (day_first, month_first, either) {
        (0, 0, 0) => (DateFormat::Ymd, None),
        (0, 0, _) => (DateFormat::Dmy, Some("date_order")),
        (_, 0, _) => (DateFormat::Dmy, None),
        (0, _, _) => (DateFormat::Mdy, None),
        (d, m, _) => (
            if d >= m {
                DateFormat::Dmy
            } else {
                DateFormat::Mdy
            },
            Some("date_order_mixed"),
        ),
    })
}

/// How often the amount is quantity × price to within rounding; `None` with
/// fewer than three rows that say something.
fn share_of_products<'a>(
    sample: impl IntoIterator<Item = &'a Record>,
    quantity: usize,
    price: usize,
    amount: usize,
) -> Option<f64> {
    let (mut n, mut n_equal) = (0u32, 0u32);
    for record in sample {
        let values = [quantity, price, amount].map(|i| parse::number(record.cell(i)).ok());
        let [Some(quantity), Some(price), Some(amount)] = values else {
            continue;
        };
        let Some(product) = quantity.checked_mul(price) else {
            continue;
        };
        if product.units() == 0 && amount.units() == 0 {
            continue;
        }
        n += 1;
        n_equal += u32::from(super::rows::is_equal_to_rounding(product, amount, quantity));
    }
    (n >= 3).then(|| f64::from(n_equal) / f64::from(n))
}

/// A mapping against the columns of one file: where each field stands.
pub(super) struct Layout {
    pub at: [Option<usize>; Field::ALL.len()],
    pub format: DateFormat,
}

impl Layout {
    pub fn of(&self, field: Field) -> Option<usize> {
        self.at[field as usize]
    }

    /// Columns go by their headings, not by their places, so that a mapping
    /// serves every export of the same kind.
    pub fn new(mapping: &Mapping, table: &mut Table) -> Result<Layout> {
        let file = table.file().to_owned();
        let mut at = [None; Field::ALL.len()];
        let mut format = None;
        for column in &mapping.columns {
            let Some(path) = column.field.as_deref().filter(|path| !path.is_empty()) else {
                continue;
            };
            let heading = column.heading.trim();
            let unknown = || ImportError::MappingField {
                file: file.clone(),
                column: heading.to_owned(),
                field: path.to_owned(),
            };
            let field = Field::from_path(path).ok_or_else(unknown)?;
            let index = table
                .header()
                .iter()
                .position(|h| h == heading)
                .ok_or_else(|| ImportError::MappingHeading {
                    file: file.clone(),
                    column: heading.to_owned(),
                })?;
            if let Some(first) = at[field as usize].replace(index) {
                return Err(ImportError::MappingTwice {
                    file,
                    field: path.to_owned(),
                    first: table.header()[first].clone(),
                    second: heading.to_owned(),
                });
            }
            if field == Field::OrderedAt
                && let Some(name) = column.format.as_deref()
            {
                format = Some(DateFormat::from_name(name).ok_or_else(|| {
                    ImportError::MappingFormat {
                        file: file.clone(),
                        column: heading.to_owned(),
                        format: name.to_owned(),
                    }
                })?);
            }
        }
        let has = |field: Field| at[field as usize].is_some();
        let has_money = has(Field::Amount) || (has(Field::Quantity) && has(Field::Price));
        let missing = if !has(Field::OrderedAt) {
            Some("ordered_at")
        } else if !has_money {
            Some("amount")
        } else if !has(Field::CustomerNumber)
            && !has(Field::CustomerName)
            && !has(Field::OrderNumber)
        {
            Some("party")
        } else {
            None
        };
        if let Some(missing) = missing {
            return Err(ImportError::MappingIncomplete {
                file,
                missing: missing.to_owned(),
            });
        }
        let format = match (format, at[Field::OrderedAt as usize]) {
            (Some(format), _) => format,
            (None, None) => DateFormat::Ymd,
            (None, Some(index)) => found_format(table, index)?,
        };
        Ok(Layout { at, format })
    }
}

/// The format of a date column where the mapping does not say. A guess that
/// swaps days and months is never made.
fn found_format(table: &mut Table, index: usize) -> Result<DateFormat> {
    let cells = || {
        table
            .sample
            .iter()
            .map(|r| r.cell(index))
            .filter(|cell| !cell.trim().is_empty())
    };
    let n_serial = cells().filter(|cell| parse::is_serial(cell)).count();
    if n_serial * 2 > cells().count() {
        return Ok(DateFormat::Serial);
    }
    match find_date_order(table, index)? {
        (format, None) => Ok(format),
        (_, Some(_)) => Err(ImportError::DateOrderUnknown {
            file: table.file().to_owned(),
            column: table.header()[index].clone(),
        }),
    }
}
