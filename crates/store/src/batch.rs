//! What an import brings in and what comes of it.

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(pub i64);

/// What an import does to what is known already. In every mode the same file
/// again changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// New rows are added, also to known orders, and empty fields of known
    /// customers and products are filled; nothing known is changed.
    #[default]
    Add,
    /// An order that the file names becomes what the file says: its lines,
    /// and the header fields that the file gives. Fields of known customers,
    /// and categories of products, become what the file gives. A product's
    /// name is only filled, because the lines without a text of their own are
    /// described by it. What the file does not name stays.
    Update,
    /// Like `Update`, and what earlier imports of the same source brought and
    /// this file does not have goes: of each such order the lines that the
    /// source brought, and the order with them. An order that something else
    /// still links to (a cost, a line of another source) is kept, with what
    /// is left of its lines. Customers and products stay.
    Replace,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewBatch {
    pub filename: String,
    pub actor: String,
    pub channel: String,
    pub mode: ImportMode,
    /// Name of the source that the file comes from; `Replace` needs one.
    pub source: Option<String>,
    /// The caller's hash of what the import reads and how: file, mapping,
    /// mode, source. With one the import can be resumed by
    /// [`Store::import_open`](crate::Store::import_open).
    pub fingerprint: Option<String>,
}

impl NewBatch {
    /// An import that adds, of no source, that ends with its process.
    pub fn new(filename: &str, actor: &str, channel: &str) -> Self {
        NewBatch {
            filename: filename.to_owned(),
            actor: actor.to_owned(),
            channel: channel.to_owned(),
            ..NewBatch::default()
        }
    }
}

/// How far a resumable import has staged its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StageMark {
    /// Of the last staged row; staging goes on behind it.
    pub row_no: u64,
    /// The caller's count.
    pub rows: u64,
    /// The caller's text, such as its counters as JSON.
    pub note: String,
    /// The whole file is staged.
    pub is_complete: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Rows are being staged; no data table has changed.
    Staging,
    Merged,
    Undone,
    /// Given up, or its process died; no data table has changed.
    Aborted,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Batch {
    pub id: BatchId,
    pub filename: String,
    pub actor: String,
    pub channel: String,
    pub mode: ImportMode,
    pub source: Option<String>,
    pub state: BatchState,
    pub created_at: Timestamp,
    /// When it was merged, undone or given up.
    pub finished_at: Option<Timestamp>,
    pub summary: Option<ImportSummary>,
    /// The change of the merge; `None` when nothing was new.
    pub seq: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// One row of a line-level file, already read into values. The fields are
/// those of the objects of the same names.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderLineRow {
    /// Position in the file; unique within the batch, and decides what "first"
    /// means.
    pub row_no: u64,
    /// `None`: the row is an order of its own.
    pub order_number: Option<String>,
    /// `sale`, `return` or `adjustment` where the file says so.
    pub kind: Option<String>,
    /// The name where the file has no numbers.
    pub customer_number: Option<String>,
    pub customer_name: Option<String>,
    pub customer_kind: Option<String>,
    /// Of the customer and of the order.
    pub country: Option<String>,
    pub region: Option<String>,
    pub city: Option<String>,
    pub industry: Option<String>,
    pub owner: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub product_number: Option<String>,
    pub product_name: Option<String>,
    pub category: Option<String>,
    pub ordered_at: Timestamp,
    pub ordered_on: Date,
    pub channel: Option<String>,
    pub currency: Option<String>,
    pub quantity: Decimal,
    pub price: Decimal,
    pub amount: Decimal,
    /// Of the whole order; files repeat it on every line, so the first row
    /// that has one decides.
    pub freight: Option<Decimal>,
    /// Of the whole order, like `freight`.
    pub discount: Option<Decimal>,
    /// Fingerprint of the row as the file has it, its order number included.
    pub row_hash: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportSummary {
    pub rows: i64,
    pub rows_without_customer: i64,
    pub customers_new: i64,
    /// Known customers with a field that was filled, or overwritten.
    pub customers_changed: i64,
    pub products_new: i64,
    pub products_changed: i64,
    pub orders_new: i64,
    /// Known orders that got new lines, or another header, or lost lines.
    pub orders_changed: i64,
    pub orders_deleted: i64,
    pub lines_new: i64,
    pub lines_deleted: i64,
    pub lines_known: i64,
    /// Of an import of plain records; the counts below are of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub records_new: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub records_changed: i64,
    #[serde(skip_serializing_if = "is_zero")]
    pub records_known: i64,
    /// Rows with the number of an earlier row of the file, which counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub rows_repeated: i64,
    /// Over the rows of the file.
    pub first_ordered_on: Option<Date>,
    pub last_ordered_on: Option<Date>,
    /// Over the new lines with quantity and price above zero, less the
    /// deleted ones.
    pub gross_amount: Decimal,
    /// Sum of the net amounts of the new orders, and of the differences of
    /// the changed ones, less the deleted ones.
    pub net_amount: Decimal,
    /// The change, `None` when nothing was new.
    pub seq: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UndoSummary {
    pub lines_deleted: i64,
    pub orders_deleted: i64,
    pub customers_deleted: i64,
    pub products_deleted: i64,
    /// Of an import of plain records.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records_deleted: i64,
    /// Records of other imports that are again as they were before: with
    /// their fields and totals, or back from deletion.
    pub records_restored: i64,
    /// Evaluations that had counted what the import brought.
    pub evaluations_deleted: i64,
    pub seq: i64,
}
