//! Records become typed order lines, or rejects with a reason. A bad row never
//! stops a file; a row of totals is no row.

pub(super) mod cells;
pub(super) mod left_out;
mod sums;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use keji_schema::Decimal;
use keji_schema::calendar::Calendar;

use super::OrderLineRow;
use super::error::Result;
use super::field::{Field, Vocabulary, money_scale};
use super::mapping::{Layout, Mapping};
use super::oddities::{Oddity, Place, Watch};
use super::parse::{self, DateFormat};
use super::records::Record;
use super::rejects::Reject;
use super::table::Table;
use cells::{Why, check_width};
use left_out::LeftOut;
use sums::Sums;

#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "rows are the rule, and a box would cost each an allocation"
)]
pub enum Line {
    Row(OrderLineRow),
    Reject(Reject),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows below the headings that are orders; rejected ones too, blank ones
    /// and those left out not.
    pub rows: u64,
    pub rejected: u64,
    /// Rows of totals.
    pub totals_left_out: u64,
    /// Notes at the foot, and headings that are repeated.
    pub notes_left_out: u64,
    /// Accepted rows that name no customer.
    pub without_customer: u64,
    /// Accepted rows whose amount is not quantity × price; the amount counts.
    pub amount_differs: u64,
    /// Byte sequences that did not belong to the encoding and were replaced.
    pub invalid_sequences: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Of the file as it is, packed or not.
    pub bytes: u64,
    pub rows: u64,
    pub rejected: u64,
}

/// The rows of one file under one mapping.
pub struct Rows {
    table: Table,
    vocabulary: Vocabulary,
    calendar: Calendar,
    layout: Layout,
    /// What the amounts of each column count in, where its heading says.
    scales: Vec<Option<i64>>,
    counts: Counts,
    record: Record,
    last_date: LastDate,
    sums: Sums,
    watch: Watch,
    /// The sheet of the last row.
    sheet: usize,
    /// By column of `layout.fill_down`: the last value.
    above: Vec<String>,
}

/// What a record is.
#[expect(clippy::large_enum_variant, reason = "as for `Line`")]
pub(super) enum Judged {
    Line(Line),
    LeftOut,
}

/// Lines of one order repeat its time; it is read once.
#[derive(Default)]
struct LastDate {
    cell: String,
    sheet: usize,
    at: Timestamp,
    on: Date,
}

impl Rows {
    /// Fails where the mapping does not fit the file or lacks what a row needs.
    pub fn new(
        mut table: Table,
        mapping: &Mapping,
        vocabulary: &Vocabulary,
        calendar: &Calendar,
    ) -> Result<Rows> {
        let layout = Layout::new(mapping, &mut table)?;
        let scales = table.header().iter().map(|h| money_scale(h)).collect();
        let above = vec![String::new(); layout.fill_down.len()];
        Ok(Rows {
            table,
            vocabulary: vocabulary.clone(),
            calendar: calendar.clone(),
            layout,
            scales,
            counts: Counts::default(),
            record: Record::default(),
            last_date: LastDate::default(),
            sums: Sums::default(),
            watch: Watch::new(calendar),
            sheet: 0,
            above,
        })
    }

    pub fn table(&self) -> &Table {
        &self.table
    }

    pub fn counts(&self) -> Counts {
        Counts {
            invalid_sequences: self.table.records.n_invalid,
            ..self.counts
        }
    }

    /// Where the first replaced byte sequence stands: row and column.
    pub fn first_invalid(&self) -> Option<(u64, String)> {
        let (row, index) = self.table.records.first_invalid?;
        Some((row, self.table.records.column_name(index)))
    }

    pub fn progress(&self) -> Progress {
        Progress {
            bytes: self.table.consumed(),
            rows: self.counts.rows,
            rejected: self.counts.rejected,
        }
    }

    /// What somebody should look at, of the rows read so far.
    pub fn oddities(&self) -> Vec<Oddity> {
        let name_of = |(sheet, row): Place| match self.table.sheet_name(sheet) {
            Some(name) => format!("{name}!{row}"),
            None => row.to_string(),
        };
        let mut found = self.watch.oddities(&name_of);
        for oddity in &mut found {
            let field = match oddity.code.as_str() {
                "duplicate_looking_customers" => Field::CustomerName,
                "phone_lost_digits" => Field::Phone,
                "product_lost_digits" => Field::ProductNumber,
                "future_dates" | "gaps_in_dates" => Field::OrderedAt,
                "currency_mix" => Field::Currency,
                "negative_prices" => Field::Price,
                "amount_differs" | "totals_differ" | "outlier_amounts" => Field::Amount,
                _ => continue,
            };
            oddity.column = self
                .layout
                .of(field)
                .map(|index| self.table.records.column_name(index));
        }
        let n_invalid = self.table.records.n_invalid;
        if n_invalid > 0 {
            let first = self.first_invalid();
            found.push(Oddity {
                row: first.as_ref().map(|(row, _)| *row),
                column: first.map(|(_, column)| column),
                ..Oddity::new("invalid_bytes", n_invalid)
            });
        }
        let header = self.table.header();
        let hidden: Vec<String> = (0..header.len())
            .filter(|i| self.table.is_hidden(*i) && !header[*i].is_empty())
            .map(|i| header[i].clone())
            .collect();
        let left_out = self.table.sheets_left_out();
        let sheets = left_out.iter().map(|sheet| sheet.name.clone()).collect();
        for (code, samples) in [("hidden_column", hidden), ("sheet_left_out", sheets)] {
            if !samples.is_empty() {
                found.push(Oddity {
                    samples,
                    ..Oddity::new(code, 0)
                });
            }
        }
        for oddity in &mut found {
            if oddity.count == 0 {
                oddity.count = oddity.samples.len() as u64;
            }
        }
        found
    }

    pub(super) fn judge(&mut self, record: &mut Record) -> Judged {
        if record.sheet != self.sheet {
            self.sheet = record.sheet;
            self.sums.begin_sheet();
            self.above.iter_mut().for_each(String::clear);
        }
        // The word is in few rows, and looking for labels costs.
        if record.text().contains('计')
            && let Some(label) = left_out::total_label(record, self.has_date(record))
        {
            return self.leave_out_total(record, &label);
        }
        let fits = check_width(record, self.table.header().len(), self.table.is_workbook());
        if fits.is_ok() {
            self.fill_down(record);
        }
        let place = (record.sheet, record.row);
        let differs_before = self.counts.amount_differs;
        match fits.and_then(|()| self.order_line(record)) {
            Ok(row) => {
                self.counts.rows += 1;
                self.counts.without_customer += u64::from(row.customer_number.is_none());
                if self.counts.amount_differs > differs_before {
                    let (quantity, price, amount) = (row.quantity, row.price, row.amount);
                    self.watch
                        .amount_differs
                        .add(place, || format!("{quantity} × {price} ≠ {amount}"));
                }
                self.sums.add(row.amount);
                let has_price = self.layout.of(Field::Price).is_some();
                self.watch.row(&row, place, has_price);
                Judged::Line(Line::Row(row))
            }
            Err(why) => self.turn_away(record, why, differs_before),
        }
    }

    /// A date of its own, not one that a merged cell or the row above lends.
    fn has_date(&self, record: &Record) -> bool {
        let year = self.table.surroundings(record.sheet).year;
        self.layout
            .of(Field::OrderedAt)
            .filter(|index| !record.is_repeated(*index))
            .is_some_and(|index| {
                parse::date_in(record.cell(index).trim(), self.layout.format, year).is_ok()
            })
    }

    /// A row that is no order line may be no row at all.
    fn turn_away(&mut self, record: &Record, why: Why, differs_before: u64) -> Judged {
        self.counts.amount_differs = differs_before;
        let has_date = self.has_date(record);
        match left_out::judged(record, self.table.header(), has_date) {
            Some(LeftOut::Total) => {
                let label = left_out::total_label(record, has_date).unwrap_or_default();
                return self.leave_out_total(record, &label);
            }
            Some(LeftOut::Note) => {
                self.counts.notes_left_out += 1;
                return Judged::LeftOut;
            }
            None if self.is_total_by_its_sum(record) => {
                self.counts.totals_left_out += 1;
                self.sums.pass_total("");
                return Judged::LeftOut;
            }
            None => {}
        }
        self.counts.rows += 1;
        self.counts.rejected += 1;
        Judged::Line(Line::Reject(self.reject(record, why)))
    }

    fn leave_out_total(&mut self, record: &Record, label: &str) -> Judged {
        self.counts.totals_left_out += 1;
        if let Some((total, tolerance)) = self.total_of(record)
            && let Err(sum) = self.sums.check(total, label, tolerance)
        {
            let sum = i64::try_from(sum).map_or_else(
                |_| sum.to_string(),
                |units| Decimal::from_units(units).to_string(),
            );
            self.watch
                .totals
                .add((record.sheet, record.row), || format!("{total} ≠ {sum}"));
        }
        self.sums.pass_total(label);
        Judged::LeftOut
    }

    /// The amount of a row of totals, and how far rounding may take it from
    /// the sum: a cent, or the hundredth of ten thousand under 万元.
    fn total_of(&self, record: &Record) -> Option<(Decimal, i128)> {
        let index = self.layout.of(Field::Amount)?;
        let total = self.number(record, Field::Amount).ok().flatten()?;
        let scale = self.scale(record, index).unwrap_or(1).max(1);
        Some((total, 100 * i128::from(scale)))
    }

    /// Nothing but numbers, and the amount is what the rows above add up to.
    fn is_total_by_its_sum(&self, record: &Record) -> bool {
        let has_name = Field::ALL
            .into_iter()
            .filter(|field| !field.is_number())
            .filter_map(|field| self.layout.of(field))
            .any(|index| !record.is_repeated(index) && parse::text(record.cell(index)).is_some());
        !has_name
            && self.sums.has_any()
            && self
                .total_of(record)
                .is_some_and(|(total, tolerance)| self.sums.check(total, "", tolerance).is_ok())
    }

    /// Empty cells of the columns that the mapping fills down take the value
    /// above, unless such a column left of them begins something new. A date
    /// there always is.
    fn fill_down(&mut self, record: &mut Record) {
        let date = self.layout.of(Field::OrderedAt);
        let mut is_new = false;
        for (index, above) in self.layout.fill_down.iter().zip(&mut self.above) {
            if parse::text(record.cell(*index)).is_some() {
                record.cell(*index).clone_into(above);
                is_new = true;
            } else if !is_new || date == Some(*index) {
                record.set(*index, above);
            } else {
                above.clear();
            }
        }
    }

    fn reject(&self, record: &Record, why: Why) -> Reject {
        Reject {
            row: record.row,
            sheet: self.table.sheet_name(record.sheet).map(str::to_owned),
            column: why.index.map(|index| self.table.records.column_name(index)),
            code: why.code,
            args: why.args,
            cells: self.cells_alone(record),
        }
    }

    /// The cells such that they mean the same in a file of their own: what a
    /// title, other rows or the rest of the column say of them is put in.
    fn cells_alone(&self, record: &Record) -> Vec<String> {
        let mut cells: Vec<String> = record.cells().map(str::to_owned).collect();
        for (field, index) in self.layout.fields() {
            let Some(cell) = cells.get_mut(index) else {
                continue;
            };
            let is_scaled_above = self.scales.get(index).is_none_or(Option::is_none)
                && self.scale(record, index).is_some_and(|scale| scale != 1);
            if matches!(field, Field::Amount | Field::Quantity) && record.is_repeated(index) {
                *cell = "0".to_owned();
            } else if field.is_number() && (self.layout.has_comma(field) || is_scaled_above) {
                // Under a heading with a unit the number stays in that unit.
                let read = match is_scaled_above {
                    true => self.number(record, field).ok().flatten(),
                    false => parse::number(&parse::with_point(cell)).ok(),
                };
                if let Some(number) = read {
                    *cell = number.to_string();
                }
            } else if field == Field::OrderedAt
                && parse::date(cell.trim(), DateFormat::Ymd).is_err()
            {
                let year = self.table.surroundings(record.sheet).year;
                if let Ok(written) = parse::date_in(cell.trim(), self.layout.format, year)
                    && written.offset_s.is_none()
                {
                    let (day, time) = (written.civil.date(), written.civil.time());
                    *cell = match time == Time::midnight() {
                        true => day.to_string(),
                        false => format!("{day} {time}"),
                    };
                }
            }
        }
        cells
    }
}

impl Rows {
    /// The next row as it stands in the file and what it means.
    pub(super) fn next_judged(&mut self, record: &mut Record) -> Option<Result<Judged>> {
        if let Some(first) = self.table.sample.pop_front() {
            *record = first;
            return Some(Ok(self.judge(record)));
        }
        match self.table.next_record(record) {
            Err(fault) => Some(Err(fault)),
            Ok(false) => None,
            Ok(true) => Some(Ok(self.judge(record))),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Line>;

    /// After an error of the file the iteration is over. A dry run is the same
    /// iteration, its rows dropped.
    fn next(&mut self) -> Option<Result<Line>> {
        let mut record = std::mem::take(&mut self.record);
        let line = loop {
            match self.next_judged(&mut record) {
                None => break None,
                Some(Err(fault)) => break Some(Err(fault)),
                Some(Ok(Judged::Line(line))) => break Some(Ok(line)),
                Some(Ok(Judged::LeftOut)) => {}
            }
        };
        self.record = record;
        line
    }
}

/// Prices are often rounded to the cent before they are written, so that the
/// product is off by half a cent per piece.
pub(super) fn is_equal_to_rounding(product: Decimal, amount: Decimal, quantity: Decimal) -> bool {
    let off = i128::from(product.units()) - i128::from(amount.units());
    let allowed = 100 + i128::from(quantity.units()).abs() / 200;
    off.abs() <= allowed
}

#[cfg(test)]
mod tests;
