//! Records become typed order lines, or rejects with a reason. A bad row never
//! stops a file.

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::Decimal;
use keji_schema::calendar::Calendar;

use super::OrderLineRow;
use super::error::Result;
use super::field::{Field, Vocabulary, is_in_ten_thousands};
use super::hash::row_hash;
use super::mapping::{Layout, Mapping};
use super::parse::{self, Fault};
use super::records::Record;
use super::rejects::Reject;
use super::table::Table;

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
    /// Rows below the headings that are not blank; rejected ones too.
    pub rows: u64,
    pub rejected: u64,
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
    /// Columns that count in ten thousands.
    in_ten_thousands: Vec<bool>,
    counts: Counts,
    record: Record,
    last_date: LastDate,
}

/// Lines of one order repeat its time; it is read once.
#[derive(Default)]
struct LastDate {
    cell: String,
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
        let in_ten_thousands = table
            .header()
            .iter()
            .map(|h| is_in_ten_thousands(h))
            .collect();
        Ok(Rows {
            table,
            vocabulary: vocabulary.clone(),
            calendar: calendar.clone(),
            layout,
            in_ten_thousands,
            counts: Counts::default(),
            record: Record::default(),
            last_date: LastDate::default(),
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

    fn line(&mut self, record: &Record) -> Line {
        self.counts.rows += 1;
        match self.order_line(record) {
            Ok(row) => {
                self.counts.without_customer += u64::from(row.customer_number.is_none());
                Line::Row(row)
            }
            Err(why) => {
                self.counts.rejected += 1;
                Line::Reject(self.reject(record, why))
            }
        }
    }

    fn order_line(&mut self, record: &Record) -> std::result::Result<OrderLineRow, Why> {
        self.check_width(record)?;
        let (ordered_at, ordered_on) = self.ordered(record)?;
        let (quantity, price, amount) = self.money(record)?;
        let order_number = self.identity(record, Field::OrderNumber)?;
        let customer_name = self.text(record, Field::CustomerName);
        let customer_number = match self.identity(record, Field::CustomerNumber)? {
            None => self.name_as_number(record, Field::CustomerName, &customer_name)?,
            number => number,
        };
        if order_number.is_none() && customer_number.is_none() {
            return Err(Why::row("no_party"));
        }
        let product_name = self.text(record, Field::ProductName);
        let product_number = match self.identity(record, Field::ProductNumber)? {
            None => self.name_as_number(record, Field::ProductName, &product_name)?,
            number => number,
        };
        let mut row = OrderLineRow {
            row_no: record.row,
            order_number,
            kind: self.choice(record, Field::OrderKind)?,
            customer_number,
            customer_name,
            customer_kind: self.choice(record, Field::CustomerKind)?,
            country: self.text(record, Field::Country),
            region: self.text(record, Field::Region),
            city: self.text(record, Field::City),
            industry: self.text(record, Field::Industry),
            owner: self.text(record, Field::Owner),
            phone: self.identity(record, Field::Phone)?,
            email: self.text(record, Field::Email),
            product_number,
            product_name,
            category: self.text(record, Field::Category),
            ordered_at,
            ordered_on,
            channel: self.text(record, Field::Channel),
            currency: self.text(record, Field::Currency),
            quantity,
            price,
            amount,
            freight: self.number(record, Field::Freight)?,
            discount: self.number(record, Field::Discount)?,
            row_hash: 0,
        };
        row.row_hash = row_hash(&row);
        Ok(row)
    }

    /// A row with other than the header's number of cells has lost or gained a
    /// delimiter: its values may stand under the wrong headings.
    fn check_width(&self, record: &Record) -> std::result::Result<(), Why> {
        let (found, wanted) = (record.len(), self.table.header().len());
        if found == wanted
            || (found > wanted && (wanted..found).all(|i| record.cell(i).trim().is_empty()))
        {
            return Ok(());
        }
        let lines = record.n_line_breaks();
        if lines > 0
            && record
                .cells()
                .last()
                .is_some_and(|cell| cell.contains('\n'))
        {
            return Err(Why::row("open_quote").with("lines", lines.to_string()));
        }
        let code = if found < wanted {
            "too_few_cells"
        } else {
            "too_many_cells"
        };
        Err(Why::row(code)
            .with("found", found.to_string())
            .with("wanted", wanted.to_string()))
    }

    /// The instant and the civil day as written. A date without a zone is
    /// civil time of the calendar; the day is never shifted.
    fn ordered(&mut self, record: &Record) -> std::result::Result<(Timestamp, Date), Why> {
        let Some(index) = self.layout.of(Field::OrderedAt) else {
            return Err(Why::row("empty_value"));
        };
        let cell = record.cell(index);
        if cell == self.last_date.cell && !cell.is_empty() {
            return Ok((self.last_date.at, self.last_date.on));
        }
        let fault = |fault| Why::of(fault, index, cell);
        let cell_text = cell.trim();
        if parse::text(cell_text).is_none() {
            return Err(Why::at("empty_value", index));
        }
        let written = parse::date(cell_text, self.layout.format).map_err(fault)?;
        let at = match written.offset_s {
            None => self
                .calendar
                .instant_of(written.civil)
                .map_err(|_| fault(Fault::NotADate))?,
            Some(seconds) => jiff::tz::Offset::from_seconds(seconds)
                .and_then(|offset| offset.to_timestamp(written.civil))
                .map_err(|_| fault(Fault::NotADate))?,
        };
        let on = written.civil.date();
        self.last_date.cell.clear();
        self.last_date.cell.push_str(cell);
        (self.last_date.at, self.last_date.on) = (at, on);
        Ok((at, on))
    }

    /// Quantity, price and amount. An amount that the file gives is kept as
    /// given, also where it is not quantity × price: it is what was billed.
    /// Without a column of quantities the quantity is 1; without a price it is
    /// amount ÷ quantity, and 0 for the quantity 0.
    fn money(&mut self, record: &Record) -> std::result::Result<(Decimal, Decimal, Decimal), Why> {
        let given = self.number(record, Field::Amount)?;
        let quantity = match self.layout.of(Field::Quantity) {
            None => Decimal::from_units(keji_schema::decimal::UNIT),
            Some(index) => self
                .number(record, Field::Quantity)?
                .ok_or(Why::at("empty_value", index))?,
        };
        let too_large = || match self
            .layout
            .of(Field::Price)
            .or(self.layout.of(Field::Amount))
        {
            Some(index) => Why::of(Fault::NumberTooLarge, index, record.cell(index)),
            None => Why::row("number_too_large"),
        };
        let price = self.number(record, Field::Price)?;
        let empty = |field: Field| match self.layout.of(field) {
            Some(index) => Why::at("empty_value", index),
            None => Why::row("empty_value"),
        };
        let price = match (price, given) {
            (Some(price), _) => price,
            (None, Some(_)) if quantity == Decimal::ZERO => Decimal::ZERO,
            (None, Some(amount)) => amount.checked_div(quantity).ok_or_else(too_large)?,
            (None, None) if self.layout.of(Field::Price).is_some() => {
                return Err(empty(Field::Price));
            }
            (None, None) => return Err(empty(Field::Amount)),
        };
        let product = quantity.checked_mul(price).ok_or_else(too_large)?;
        let amount = given.unwrap_or(product);
        self.counts.amount_differs += u64::from(!is_equal_to_rounding(product, amount, quantity));
        Ok((quantity, price, amount))
    }

    fn number(&self, record: &Record, field: Field) -> std::result::Result<Option<Decimal>, Why> {
        let Some(index) = self.layout.of(field) else {
            return Ok(None);
        };
        let cell = record.cell(index);
        if cell.is_empty() {
            return Ok(None);
        }
        let number = match parse::number(cell) {
            Ok(number) => number,
            // A dash is how accountants write nothing.
            Err(_) if parse::text(cell).is_none_or(|text| text == "-") => return Ok(None),
            Err(fault) => return Err(Why::of(fault, index, cell)),
        };
        if field.is_money() && self.in_ten_thousands[index] {
            let scale = Decimal::from_units(10_000 * keji_schema::decimal::UNIT);
            return match number.checked_mul(scale) {
                Some(number) => Ok(Some(number)),
                None => Err(Why::of(Fault::NumberTooLarge, index, cell)),
            };
        }
        Ok(Some(number))
    }

    fn text(&self, record: &Record, field: Field) -> Option<String> {
        let index = self.layout.of(field)?;
        parse::text(record.cell(index)).map(|text| text.into_owned())
    }

    /// A number by which things are known must be whole: a replaced byte in it
    /// would make a customer or an order that does not exist.
    fn identity(&self, record: &Record, field: Field) -> std::result::Result<Option<String>, Why> {
        let Some(index) = self.layout.of(field) else {
            return Ok(None);
        };
        let cell = record.cell(index);
        if record.has_invalid && cell.contains('\u{fffd}') {
            return Err(Why::at("invalid_bytes", index));
        }
        Ok(parse::identity(cell).map(|text| text.into_owned()))
    }

    fn name_as_number(
        &self,
        record: &Record,
        field: Field,
        name: &Option<String>,
    ) -> std::result::Result<Option<String>, Why> {
        match (self.layout.of(field), name) {
            (Some(index), Some(name)) if record.has_invalid && name.contains('\u{fffd}') => {
                Err(Why::at("invalid_bytes", index))
            }
            _ => Ok(name.clone()),
        }
    }

    fn choice(&self, record: &Record, field: Field) -> std::result::Result<Option<String>, Why> {
        let Some(index) = self.layout.of(field) else {
            return Ok(None);
        };
        let cell = record.cell(index);
        match self.vocabulary.choice(field, cell) {
            Some(value) => Ok(Some(value.to_owned())),
            None if parse::text(cell).is_none() => Ok(None),
            None => Err(Why::at("not_a_choice", index).with("value", shortened(cell))),
        }
    }

    fn reject(&self, record: &Record, why: Why) -> Reject {
        let is_total = record
            .cells()
            .map(str::trim)
            .find(|cell| !cell.is_empty())
            .is_some_and(is_total_word);
        let why = if is_total { Why::row("total_row") } else { why };
        Reject {
            row: record.row,
            column: why.index.map(|index| self.table.records.column_name(index)),
            code: why.code,
            args: why.args,
            cells: record.cells().map(str::to_owned).collect(),
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Line>;

    /// After an error of the file the iteration is over. A dry run is the same
    /// iteration, its rows dropped.
    fn next(&mut self) -> Option<Result<Line>> {
        if let Some(record) = self.table.sample.pop_front() {
            return Some(Ok(self.line(&record)));
        }
        let mut record = std::mem::take(&mut self.record);
        let line = loop {
            match self.table.records.next(&mut record) {
                Err(fault) => break Some(Err(fault)),
                Ok(false) => break None,
                Ok(true) if record.is_blank() => {}
                Ok(true) => break Some(Ok(self.line(&record))),
            }
        };
        self.record = record;
        line
    }
}

/// Why a row is turned away.
struct Why {
    code: &'static str,
    index: Option<usize>,
    args: Vec<(&'static str, String)>,
}

impl Why {
    fn row(code: &'static str) -> Why {
        Why {
            code,
            index: None,
            args: Vec::new(),
        }
    }

    fn at(code: &'static str, index: usize) -> Why {
        Why {
            code,
            index: Some(index),
            args: Vec::new(),
        }
    }

    fn of(fault: Fault, index: usize, cell: &str) -> Why {
        let code = match fault {
            Fault::NotANumber => "not_a_number",
            Fault::Percent => "percent",
            Fault::NumberTooLarge => "number_too_large",
            Fault::NotADate => "not_a_date",
        };
        Why::at(code, index).with("value", shortened(cell))
    }

    fn with(mut self, name: &'static str, value: String) -> Why {
        self.args.push((name, value));
        self
    }
}

fn shortened(cell: &str) -> String {
    cell.trim().chars().take(60).collect()
}

fn is_total_word(cell: &str) -> bool {
    let word = super::field::normal(cell);
    matches!(
        word.as_str(),
        "合计"
            | "总计"
            | "小计"
            | "总和"
            | "本页合计"
            | "累计"
            | "total"
            | "grandtotal"
            | "subtotal"
            | "sum"
    )
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
