//! The exact decimal of the product: a whole number of ten-thousandths.
//!
//! It never passes through a float. Sums that may leave 64 bits are made in
//! `i128` and come back through [`Decimal::from_units`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// Places behind the point that are kept.
pub const SCALE: u32 = 4;
/// Ten-thousandths in one.
pub const UNIT: i64 = 10_000;

/// An amount or quantity with four decimal places, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(i64);

impl Decimal {
    pub const ZERO: Decimal = Decimal(0);

    /// `units` are ten-thousandths: `from_units(12_3400)` is 12.34.
    pub const fn from_units(units: i64) -> Self {
        Decimal(units)
    }

    pub const fn units(self) -> i64 {
        self.0
    }

    /// A whole number; `None` when it leaves the range of ±922 × 10¹².
    pub fn from_int(n: i64) -> Option<Self> {
        n.checked_mul(UNIT).map(Decimal)
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Decimal)
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Decimal)
    }

    pub fn checked_neg(self) -> Option<Self> {
        self.0.checked_neg().map(Decimal)
    }

    /// The product, rounded half away from zero to four places: exact whenever
    /// the factors have at most four places together.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let product = i128::from(self.0) * i128::from(other.0);
        i64::try_from(round_div(product, i128::from(UNIT)))
            .ok()
            .map(Decimal)
    }

    /// The quotient, rounded half away from zero; `None` for a zero divisor.
    pub fn checked_div(self, other: Self) -> Option<Self> {
        if other.0 == 0 {
            return None;
        }
        let scaled = i128::from(self.0) * i128::from(UNIT);
        i64::try_from(round_div(scaled, i128::from(other.0)))
            .ok()
            .map(Decimal)
    }

    /// For statistics only, never for money that is shown or stored.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / UNIT as f64
    }

    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// Rounds half away from zero.
fn round_div(n: i128, d: i128) -> i128 {
    let (q, r) = (n / d, n % d);
    if 2 * r.abs() >= d.abs() {
        q + if (n < 0) == (d < 0) { 1 } else { -1 }
    } else {
        q
    }
}

impl fmt::Display for Decimal {
    /// The shortest exact form: no trailing zeros, `-0.05`, `8832003.274`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.unsigned_abs() / UNIT as u64;
        let part = self.0.unsigned_abs() % UNIT as u64;
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if part == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{part:04}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl FromStr for Decimal {
    type Err = Error;

    /// Plain decimal notation with an optional sign and exponent; more than
    /// four places are rounded half away from zero.
    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| Error::Value {
            text: text.to_owned(),
            wanted: "number",
        })
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], rest[at + 1..].parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    if !whole
        .bytes()
        .chain(part.bytes())
        .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    // 38 digits fill an i128; a longer number could not be kept anyway.
    if whole.len() + part.len() > 36 || exponent.abs() > 40 {
        return None;
    }
    let mut units: i128 = 0;
    for b in whole.bytes().chain(part.bytes()) {
        units = units * 10 + i128::from(b - b'0');
    }
    let shift = SCALE as i32 + exponent - part.len() as i32;
    let units = if shift >= 0 {
        units.checked_mul(10i128.checked_pow(shift as u32)?)?
    } else {
        match 10i128.checked_pow(shift.unsigned_abs()) {
            Some(divisor) => round_div(units, divisor),
            None => 0,
        }
    };
    let units = i64::try_from(units).ok()?;
    Some(Decimal(if negative { -units } else { units }))
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_exactly() {
        for (text, units, shown) in [
            ("8832003.274", 88_320_032_740, "8832003.274"),
            ("-0.05", -500, "-0.05"),
            ("1.38E+10", 138_000_000_000_000, "13800000000"),
            ("0.00005", 1, "0.0001"),
            ("-0.00005", -1, "-0.0001"),
            (".5", 5_000, "0.5"),
            ("5.", 50_000, "5"),
        ] {
            let read: Decimal = text.parse().unwrap();
            assert_eq!(read.units(), units, "{text}");
            assert_eq!(read.to_string(), shown);
        }
        for bad in [
            "",
            "-",
            ".",
            "1,2",
            "1e",
            "0x1",
            "12345678901234567890",
            "1 ",
        ] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn multiplies_and_divides_half_away_from_zero() {
        let d = |s: &str| s.parse::<Decimal>().unwrap();
        assert_eq!(d("12").checked_mul(d("6.95")), Some(d("83.4")));
        assert_eq!(d("-0.0001").checked_mul(d("0.5")), Some(d("-0.0001")));
        assert_eq!(d("2").checked_div(d("3")), Some(d("0.6667")));
        assert_eq!(d("-2").checked_div(d("3")), Some(d("-0.6667")));
        assert_eq!(d("1").checked_div(d("0")), None);
    }
}
