//! The fingerprint by which a line that comes again is known.
//!
//! FNV-1a, 64 bits (Fowler, Noll, Vo; offset basis and prime as published),
//! over the typed values: stable across versions, machines and the order of
//! the columns. It guards against repetition, not against malice.

use super::OrderLineRow;

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(PRIME);
        }
    }

    fn number(&mut self, n: i64) {
        self.bytes(&n.to_le_bytes());
    }

    /// Length first, so that no two rows share one byte string; −1 is null.
    fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.number(-1),
            Some(t) => {
                self.number(t.len() as i64);
                self.bytes(t.as_bytes());
            }
        }
    }
}

/// The facts of the line only: order, product, time, currency, quantity, price
/// and amount, and the customer where there is no order number. What a later
/// export may correct without a new sale having happened (the customer of a
/// numbered order, names, owner, region, freight …) must not make a known line
/// look new, or its revenue would count twice.
pub fn row_hash(row: &OrderLineRow) -> i64 {
    let mut hash = Fnv(BASIS);
    match row.order_number.as_deref() {
        Some(number) => hash.text(Some(number)),
        None => {
            hash.text(None);
            hash.text(row.customer_number.as_deref());
        }
    }
    hash.text(row.product_number.as_deref());
    hash.number(row.ordered_at.as_microsecond());
    hash.text(row.currency.as_deref());
    hash.number(row.quantity.units());
    hash.number(row.price.units());
    hash.number(row.amount.units());
    hash.0 as i64
}

/// A text as 16 hexadecimal digits.
pub(super) fn fingerprint(text: &str) -> String {
    let mut hash = Fnv(BASIS);
    hash.bytes(text.as_bytes());
    format!("{:016x}", hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_published_function() {
        // Test vectors of draft-eastlake-fnv.
        for (text, expected) in [
            ("", BASIS),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            let mut hash = Fnv(BASIS);
            hash.bytes(text.as_bytes());
            assert_eq!(hash.0, expected);
        }
    }
}
