//! The values of one row by the mapping: what each field is, or why the row is
//! turned away.

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::Decimal;

use super::super::OrderLineRow;
use super::super::field::Field;
use super::super::hash::row_hash;
use super::super::parse::{self, DateFormat, Fault};
use super::super::records::Record;
use super::{Rows, is_equal_to_rounding};

impl Rows {
    pub(super) fn order_line(&mut self, record: &Record) -> std::result::Result<OrderLineRow, Why> {
        let (ordered_at, ordered_on) = self.ordered(record)?;
        let (quantity, price, amount) = self.money(record)?;
        let order_number = self.whole_identity(record, Field::OrderNumber)?;
        let customer_name = self.text(record, Field::CustomerName);
        let customer_number = match self.whole_identity(record, Field::CustomerNumber)? {
            None => self.name_as_number(record, Field::CustomerName, &customer_name)?,
            number => number,
        };
        if order_number.is_none() && customer_number.is_none() {
            return Err(Why::row("no_party"));
        }
        let product_name = self.text(record, Field::ProductName);
        let product_number = match self.product_number(record, product_name.is_some())? {
            None => self.name_as_number(record, Field::ProductName, &product_name)?,
            number => number,
        };
        let mut row = OrderLineRow {
            row_no: record.position,
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
            phone: self.phone(record)?,
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

    /// The instant and the civil day as written. A date without a zone is
    /// civil time of the calendar; the day is never shifted.
    fn ordered(&mut self, record: &Record) -> std::result::Result<(Timestamp, Date), Why> {
        let Some(index) = self.layout.of(Field::OrderedAt) else {
            return Err(Why::row("empty_value"));
        };
        let cell = record.cell(index);
        if cell == self.last_date.cell && !cell.is_empty() && record.sheet == self.last_date.sheet {
            return Ok((self.last_date.at, self.last_date.on));
        }
        let fault = |fault| Why::of(fault, index, cell);
        let cell_text = cell.trim();
        if parse::text(cell_text).is_none() {
            return Err(Why::at("empty_value", index));
        }
        let year = self.table.surroundings(record.sheet).year;
        // A sheet may lose the format of its dates; they are day numbers then.
        let format = match (self.layout.format, self.table.is_workbook()) {
            (DateFormat::Ymd, true) if self.table.counts_from_1904() => DateFormat::Serial1904,
            (DateFormat::Ymd, true) => DateFormat::Serial,
            (format, _) => format,
        };
        let written = parse::date_in(cell_text, format, year).map_err(fault)?;
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
        self.last_date.sheet = record.sheet;
        (self.last_date.at, self.last_date.on) = (at, on);
        Ok((at, on))
    }

    /// Quantity, price and amount. An amount that the file gives is kept as
    /// given, also where it is not quantity × price: it is what was billed.
    /// Without a column of quantities the quantity is 1; without a price it is
    /// amount ÷ quantity, and 0 for the quantity 0.
    ///
    /// An amount or a quantity in a cell that is merged over several rows counts
    /// once, in the first of them, and 0 below. Where every row has quantity and
    /// price, a merged amount is the total of the order and the rows' own
    /// products count instead.
    fn money(&mut self, record: &Record) -> std::result::Result<(Decimal, Decimal, Decimal), Why> {
        let given = self.given_amount(record)?;
        let quantity = match self.layout.of(Field::Quantity) {
            None => Decimal::from_units(keji_schema::decimal::UNIT),
            Some(index) if record.is_repeated(index) => Decimal::ZERO,
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

    fn given_amount(&self, record: &Record) -> std::result::Result<Option<Decimal>, Why> {
        let Some(index) = self
            .layout
            .of(Field::Amount)
            .filter(|i| record.is_merged(*i))
        else {
            return self.number(record, Field::Amount);
        };
        let has_own = |field: Field| match self.layout.of(field) {
            None => false,
            Some(own) => !record.is_merged(own) && parse::text(record.cell(own)).is_some(),
        };
        match has_own(Field::Quantity) && has_own(Field::Price) {
            true => Ok(None),
            false if record.is_repeated(index) => Ok(Some(Decimal::ZERO)),
            false => self.number(record, Field::Amount),
        }
    }

    pub(super) fn number(
        &self,
        record: &Record,
        field: Field,
    ) -> std::result::Result<Option<Decimal>, Why> {
        let Some(index) = self.layout.of(field) else {
            return Ok(None);
        };
        let cell = record.cell(index);
        if cell.is_empty() {
            return Ok(None);
        }
        let scale = self
            .scale(record, index)
            .filter(|_| field.is_money())
            .unwrap_or(1);
        let read = match self.layout.has_comma(field) {
            true => parse::amount(&parse::with_point(cell), scale),
            false => parse::amount(cell, scale),
        };
        match read {
            Ok(number) => Ok(Some(number)),
            // A dash is how accountants write nothing.
            Err(_) if parse::text(cell).is_none_or(|text| is_dash(&text)) => Ok(None),
            Err(fault) => Err(Why::of(fault, index, cell)),
        }
    }

    /// What amounts count in: the heading says, or a note above the table.
    pub(super) fn scale(&self, record: &Record, index: usize) -> Option<i64> {
        let own = self.scales.get(index).copied().flatten();
        own.or_else(|| self.table.surroundings(record.sheet).scale)
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

    /// The same where the last digits must not be lost: other things would
    /// share the number.
    fn whole_identity(
        &self,
        record: &Record,
        field: Field,
    ) -> std::result::Result<Option<String>, Why> {
        match (self.identity(record, field)?, self.layout.of(field)) {
            (Some(number), Some(index)) if parse::has_lost_digits(&number) => {
                Err(Why::at("identity_lost_digits", index).with("value", number))
            }
            (number, _) => Ok(number),
        }
    }

    /// Without its digits a product goes by its name, if it has one.
    fn product_number(
        &mut self,
        record: &Record,
        has_name: bool,
    ) -> std::result::Result<Option<String>, Why> {
        match self.identity(record, Field::ProductNumber)? {
            Some(number) if has_name && parse::has_lost_digits(&number) => {
                let place = (record.sheet, record.row);
                self.watch.products.add(place, || number);
                Ok(None)
            }
            _ => self.whole_identity(record, Field::ProductNumber),
        }
    }

    /// A number that lost its digits calls somebody else: better none.
    fn phone(&mut self, record: &Record) -> std::result::Result<Option<String>, Why> {
        match self.identity(record, Field::Phone)? {
            Some(number) if parse::has_lost_digits(&number) => {
                let place = (record.sheet, record.row);
                self.watch.phones.add(place, || number);
                Ok(None)
            }
            number => Ok(number),
        }
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
}

/// A row with other than the header's number of cells has lost or gained a
/// delimiter: its values may stand under the wrong headings.
pub fn check_width(
    record: &Record,
    wanted: usize,
    is_workbook: bool,
) -> std::result::Result<(), Why> {
    let found = record.len();
    // Nothing shifts in a sheet; what stands beside the table is a note.
    if found == wanted
        || is_workbook
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

/// Why a row is turned away.
#[derive(Debug)]
pub struct Why {
    pub code: &'static str,
    pub index: Option<usize>,
    pub args: Vec<(&'static str, String)>,
}

impl Why {
    pub fn row(code: &'static str) -> Why {
        Why {
            code,
            index: None,
            args: Vec::new(),
        }
    }

    pub fn at(code: &'static str, index: usize) -> Why {
        Why {
            code,
            index: Some(index),
            args: Vec::new(),
        }
    }

    pub fn of(fault: Fault, index: usize, cell: &str) -> Why {
        let code = match fault {
            Fault::NotANumber => "not_a_number",
            Fault::Percent => "percent",
            Fault::NumberTooLarge => "number_too_large",
            Fault::NotADate => "not_a_date",
        };
        Why::at(code, index).with("value", shortened(cell))
    }

    pub fn with(mut self, name: &'static str, value: String) -> Why {
        self.args.push((name, value));
        self
    }
}

pub fn shortened(cell: &str) -> String {
    cell.trim().chars().take(60).collect()
}

pub fn is_dash(text: &str) -> bool {
    matches!(text, "-" | "--" | "—" | "——" | "–" | "－" | "/" | "无")
}
