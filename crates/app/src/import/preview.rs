//! A look at the first rows of a file under a mapping, for whoever edits the
//! mapping. Costs the sample, never the whole file, and knows no store.

use std::collections::BTreeMap;

use keji_schema::calendar::Calendar;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::OrderLineRow;
use super::bytes::{Input, Limits};
use super::error::{ImportError, Result};
use super::field::{Field, Vocabulary};
use super::mapping::{Mapping, signature};
use super::records::Record;
use super::rejects::Reject;
use super::rows::{Judged, Line, Rows};
use super::table::Table;
use crate::messages::Language;

/// The first rows of a file as they are and as they would be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The one that was given, or else the proposal.
    pub mapping: Mapping,
    /// By which a saved mapping is known to fit.
    pub signature: String,
    pub header: Vec<String>,
    /// The sheets of a workbook that are read.
    pub sheets: Vec<String>,
    /// Why the mapping cannot be used at all; the rows then have no values.
    pub problem: Option<PreviewProblem>,
    pub rows: Vec<PreviewRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewRow {
    /// As a spreadsheet counts.
    pub row: u64,
    /// Where several sheets are read.
    pub sheet: Option<String>,
    pub cells: Vec<String>,
    /// By the path of a field: the value as text.
    pub values: BTreeMap<String, String>,
    /// A row of totals or a note, which is not imported.
    pub is_left_out: bool,
    pub problem: Option<PreviewProblem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewProblem {
    pub code: String,
    pub zh: String,
    pub en: String,
    pub column: Option<String>,
}

/// Reads up to `rows` rows of the sample. `mapping` is as somebody has left it
/// so far; where it cannot be used, the preview says why. Only a file that
/// cannot be read is an error.
pub fn preview(
    input: Input,
    vocabulary: &Vocabulary,
    calendar: &Calendar,
    mapping: Option<&Mapping>,
    rows: usize,
) -> Result<Preview> {
    let mut table = Table::open(input, vocabulary, &Limits::default(), mapping)?;
    let mapping = match mapping {
        Some(given) => given.clone(),
        None => Mapping::propose(&mut table, vocabulary)?,
    };
    let records: Vec<Record> = table.sample.iter().take(rows).cloned().collect();
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
    match Rows::new(table, &preview.mapping, vocabulary, calendar) {
        Err(fault) if is_of_mapping(&fault) => preview.problem = Some(of_error(&fault)),
        Err(fault) => return Err(fault),
        Ok(mut typed) => {
            for (mut record, row) in records.into_iter().zip(&mut preview.rows) {
                match typed.judge(&mut record) {
                    Judged::LeftOut => row.is_left_out = true,
                    Judged::Line(Line::Row(line)) => row.values = values(&line),
                    Judged::Line(Line::Reject(reject)) => row.problem = Some(of_reject(&reject)),
                }
            }
        }
    }
    Ok(preview)
}

pub(super) fn plain_row(record: &Record, table: &Table) -> PreviewRow {
    PreviewRow {
        row: record.row,
        sheet: table.sheet_name(record.sheet).map(str::to_owned),
        cells: record.cells().map(str::to_owned).collect(),
        values: BTreeMap::new(),
        is_left_out: false,
        problem: None,
    }
}

/// What editing the mapping can mend.
pub(super) fn is_of_mapping(fault: &ImportError) -> bool {
    matches!(
        fault,
        ImportError::MappingHeading { .. }
            | ImportError::MappingField { .. }
            | ImportError::MappingTwice { .. }
            | ImportError::MappingIncomplete { .. }
            | ImportError::MappingRequired { .. }
            | ImportError::MappingFormat { .. }
            | ImportError::DateOrderUnknown { .. }
    )
}

pub(super) fn of_error(fault: &ImportError) -> PreviewProblem {
    PreviewProblem {
        code: fault.code().to_owned(),
        zh: fault.text(Language::Zh),
        en: fault.text(Language::En),
        column: fault.place().and_then(|place| place.column),
    }
}

pub(super) fn of_reject(reject: &Reject) -> PreviewProblem {
    PreviewProblem {
        code: reject.code.to_owned(),
        zh: reject.text(Language::Zh),
        en: reject.text(Language::En),
        column: reject.column.clone(),
    }
}

/// The values of a line by the paths of their fields; of the time the day.
pub fn values(row: &OrderLineRow) -> BTreeMap<String, String> {
    let text = |value: &Option<String>| value.clone();
    let number = |value: keji_schema::Decimal| Some(value.to_string());
    Field::ALL
        .into_iter()
        .filter_map(|field| {
            let value = match field {
                Field::OrderNumber => text(&row.order_number),
                Field::OrderKind => text(&row.kind),
                Field::OrderedAt => Some(row.ordered_on.to_string()),
                Field::Country => text(&row.country),
                Field::Channel => text(&row.channel),
                Field::Currency => text(&row.currency),
                Field::Freight => row.freight.map(|n| n.to_string()),
                Field::Discount => row.discount.map(|n| n.to_string()),
                Field::Quantity => number(row.quantity),
                Field::Price => number(row.price),
                Field::Amount => number(row.amount),
                Field::CustomerNumber => text(&row.customer_number),
                Field::CustomerName => text(&row.customer_name),
                Field::CustomerKind => text(&row.customer_kind),
                Field::Region => text(&row.region),
                Field::City => text(&row.city),
                Field::Industry => text(&row.industry),
                Field::Owner => text(&row.owner),
                Field::Phone => text(&row.phone),
                Field::Email => text(&row.email),
                Field::ProductNumber => text(&row.product_number),
                Field::ProductName => text(&row.product_name),
                Field::Category => text(&row.category),
            };
            Some((field.path().to_owned(), value?))
        })
        .collect()
}
