//! A checksum of rows and of bytes: against damage and mistakes, not against
//! a forger.

use std::fmt;
use std::str::FromStr;

use keji_schema::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::db::sqlite::stored_int;

/// 128 bits, as 32 hexadecimal digits in text and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Checksum(pub u128);

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Checksum {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Checksum)
    }
}

impl Serialize for Checksum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// FNV-1a with 128 bits over words of eight bytes instead of bytes, and the
/// upper half folded into the lower, since multiplying carries upward only.
/// Each step is one-to-one, so two inputs that differ in one word differ in
/// the result.
pub(super) struct Hasher(u128);

impl Hasher {
    pub(super) fn new() -> Self {
        Hasher(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    pub(super) fn word(&mut self, word: u64) {
        let mixed = self.0 ^ u128::from(word);
        let mixed = mixed.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        self.0 = mixed ^ (mixed >> 65);
    }

    /// The last word is filled up with zeros; the caller adds the length where
    /// it may differ.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.word(u64::from_le_bytes(word));
        }
    }

    pub(super) fn end(self) -> u128 {
        self.0
    }
}

/// Of one row, its values in the order of their columns' names. They count as
/// SQLite keeps them, so both databases give the same.
pub(super) fn of_row(row: &[Value]) -> u128 {
    let mut hasher = Hasher::new();
    for value in row {
        match value {
            Value::Null => hasher.word(0),
            Value::Text(text) => {
                hasher.word(1);
                hasher.word(text.len() as u64);
                hasher.bytes(text.as_bytes());
            }
            Value::Float(x) => {
                hasher.word(2);
                // SQLite has one zero.
                hasher.word(if *x == 0.0 { 0 } else { x.to_bits() });
            }
            other => {
                hasher.word(3);
                hasher.word(stored_int(other).unwrap_or_default() as u64);
            }
        }
    }
    hasher.end()
}
