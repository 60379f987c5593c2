//! What the customers cost: one small pass over the cost files.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Decimal64Type, Int64Type};
use jiff::civil::Date;
use keji_schema::calendar::epoch_days;

use super::read::for_each_batch;
use crate::copy::DataFile;
use crate::error::{Error, Result};

const COLUMNS: [&str; 3] = ["customer", "incurred_on", "amount"];

/// Recorded costs before a day, in ten-thousandths.
#[derive(Debug, Default)]
pub struct Costs {
    by_customer: Vec<i64>,
    total: i64,
    n_rows: u64,
}

/// The costs incurred before `as_of`, from the cost files of a snapshot.
/// A cost without a customer counts in the total only.
pub fn costs(files: &[DataFile], as_of: Date) -> Result<Costs> {
    let before: Vec<DataFile> = files
        .iter()
        .filter(|f| f.month.is_none_or(|m| m < as_of))
        .cloned()
        .collect();
    let mut costs = Costs::default();
    for_each_batch(&before, &COLUMNS, |index, batch| {
        let path = &before[index].path;
        costs
            .add(batch, epoch_days(as_of))
            .map_err(|message| Error::content(path, message))
    })?;
    Ok(costs)
}

impl Costs {
    /// 0 for a customer without a recorded cost.
    pub fn of_customer_units(&self, customer: i64) -> i64 {
        let index = usize::try_from(customer).ok();
        index
            .and_then(|i| self.by_customer.get(i))
            .copied()
            .unwrap_or(0)
    }

    pub fn total_units(&self) -> i64 {
        self.total
    }

    /// Whether no cost at all is recorded: then a margin is not known.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    /// (net − costs) ÷ net over the whole base; `None` without a recorded cost
    /// or without positive net revenue. Below 0 when costs exceed it.
    pub fn margin_share(&self, net_units: i64) -> Option<f64> {
        let is_known = !self.is_empty() && net_units > 0;
        is_known.then(|| 1.0 - self.total as f64 / net_units as f64)
    }

    fn add(&mut self, batch: &RecordBatch, as_of: i32) -> std::result::Result<(), String> {
        let customers = batch
            .column(0)
            .as_primitive_opt::<Int64Type>()
            .ok_or("customer is no link")?;
        let days = batch
            .column(1)
            .as_primitive_opt::<Date32Type>()
            .ok_or("incurred_on is no date")?;
        let amounts = batch
            .column(2)
            .as_primitive_opt::<Decimal64Type>()
            .ok_or("amount is no decimal")?;
        let too_large = "the costs together are too large";
        for row in (0..batch.num_rows()).filter(|&r| days.value(r) < as_of) {
            let amount = amounts.value(row);
            self.n_rows += 1;
            self.total = self.total.checked_add(amount).ok_or(too_large)?;
            if customers.is_valid(row) {
                let customer = customers.value(row);
                let index = u32::try_from(customer)
                    .map_err(|_| format!("{customer} is no customer's id"))?;
                let index = index as usize;
                if index >= self.by_customer.len() {
                    self.by_customer.resize(index + 1, 0);
                }
                let sum = &mut self.by_customer[index];
                *sum = sum.checked_add(amount).ok_or(too_large)?;
            }
        }
        Ok(())
    }
}
