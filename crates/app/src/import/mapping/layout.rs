//! A mapping against the columns of one file: where each field stands and how
//! its cells are to be read.

use super::super::error::{ImportError, Result};
use super::super::field::{Field, normal};
use super::super::parse::DateFormat;
use super::super::table::Table;
use super::{ColumnMapping, Mapping, content};

pub const DECIMAL_COMMA: &str = "decimal_comma";
const DECIMAL_POINT: &str = "decimal_point";

pub struct Layout {
    at: [Option<usize>; Field::ALL.len()],
    pub format: DateFormat,
    has_comma: [bool; Field::ALL.len()],
    /// Columns whose empty cells mean the value above, from left to right.
    pub fill_down: Vec<usize>,
}

impl Layout {
    pub fn of(&self, field: Field) -> Option<usize> {
        self.at[field as usize]
    }

    pub fn has_comma(&self, field: Field) -> bool {
        self.has_comma[field as usize]
    }

    /// The fields with their columns.
    pub fn fields(&self) -> impl Iterator<Item = (Field, usize)> {
        Field::ALL
            .into_iter()
            .filter_map(|field| Some((field, self.of(field)?)))
    }

    /// Columns go by their headings, not by their places, so that a mapping
    /// serves every export of the same kind.
    pub fn new(mapping: &Mapping, table: &mut Table) -> Result<Layout> {
        let file = table.file().to_owned();
        let mut layout = Layout {
            at: [None; Field::ALL.len()],
            format: DateFormat::Ymd,
            has_comma: [false; Field::ALL.len()],
            fill_down: Vec::new(),
        };
        let mut format = None;
        for column in &mapping.columns {
            let Some(path) = column.path() else {
                continue;
            };
            let heading = column.heading.trim();
            let field = Field::from_path(path).ok_or_else(|| ImportError::MappingField {
                file: file.clone(),
                column: heading.to_owned(),
                field: path.to_owned(),
            })?;
            let index =
                position(table.header(), heading).ok_or_else(|| ImportError::MappingHeading {
                    file: file.clone(),
                    column: heading.to_owned(),
                })?;
            if let Some(first) = layout.at[field as usize].replace(index) {
                return Err(ImportError::MappingTwice {
                    file,
                    field: path.to_owned(),
                    first: table.header()[first].clone(),
                    second: heading.to_owned(),
                });
            }
            if column.fill_down {
                layout.fill_down.push(index);
            }
            if field == Field::OrderedAt {
                format = date_format(column, &file)?;
            } else if field.is_number() {
                layout.has_comma[field as usize] = match decimal_comma(column, &file)? {
                    Some(given) => given,
                    None => content::has_decimal_comma(table.sample.iter(), index),
                };
            }
        }
        layout.fill_down.sort_unstable();
        layout.check_complete(&file)?;
        if let Some(given) = format {
            layout.format = given;
        } else if let Some(index) = layout.of(Field::OrderedAt) {
            layout.format = found_format(table, index)?;
        }
        Ok(layout)
    }

    fn check_complete(&self, file: &str) -> Result<()> {
        let has = |field: Field| self.of(field).is_some();
        let has_money = has(Field::Amount) || (has(Field::Quantity) && has(Field::Price));
        let has_party =
            has(Field::CustomerNumber) || has(Field::CustomerName) || has(Field::OrderNumber);
        let missing = match (has(Field::OrderedAt), has_money, has_party) {
            (false, _, _) => "ordered_at",
            (_, false, _) => "amount",
            (_, _, false) => "party",
            _ => return Ok(()),
        };
        Err(ImportError::MappingIncomplete {
            file: file.to_owned(),
            missing: missing.to_owned(),
        })
    }
}

impl ColumnMapping {
    /// The path of the field, if the column is not left out.
    pub fn path(&self) -> Option<&str> {
        self.field
            .as_deref()
            .map(str::trim)
            .filter(|path| !matches!(*path, "" | "none"))
    }
}

/// The heading as it stands, or else the only one that is the same without
/// case, width, spaces and brackets.
pub fn position(header: &[String], heading: &str) -> Option<usize> {
    if let Some(index) = header.iter().position(|h| h == heading) {
        return Some(index);
    }
    let wanted = normal(heading);
    let mut same =
        (0..header.len()).filter(|i| !wanted.is_empty() && normal(&header[*i]) == wanted);
    let first = same.next()?;
    same.next().is_none().then_some(first)
}

fn unknown_format(column: &ColumnMapping, name: &str, file: &str) -> ImportError {
    ImportError::MappingFormat {
        file: file.to_owned(),
        column: column.heading.trim().to_owned(),
        format: name.to_owned(),
    }
}

pub fn date_format(column: &ColumnMapping, file: &str) -> Result<Option<DateFormat>> {
    match column.format.as_deref().filter(|name| !name.is_empty()) {
        None => Ok(None),
        Some(name) => DateFormat::from_name(name)
            .map(Some)
            .ok_or_else(|| unknown_format(column, name, file)),
    }
}

pub fn decimal_comma(column: &ColumnMapping, file: &str) -> Result<Option<bool>> {
    match column.format.as_deref().filter(|name| !name.is_empty()) {
        None => Ok(None),
        Some(DECIMAL_COMMA) => Ok(Some(true)),
        Some(DECIMAL_POINT) => Ok(Some(false)),
        Some(name) => Err(unknown_format(column, name, file)),
    }
}

/// The format of a date column where the mapping does not say. A guess that
/// swaps days, months and years is never made.
pub fn found_format(table: &mut Table, index: usize) -> Result<DateFormat> {
    match content::find_date_format(table, index)? {
        (format, None) => Ok(format),
        (_, Some(_)) => Err(ImportError::DateOrderUnknown {
            file: table.file().to_owned(),
            column: table.header()[index].clone(),
        }),
    }
}
