//! PostgreSQL: how values go in and come out, in the binary protocol and
//! without loss. Dates are DATE, instants TIMESTAMPTZ, decimals
//! NUMERIC(19,4), text COLLATE "C" so that it orders by code point.

use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keji_schema::calendar::{epoch_days, from_epoch_days};
use keji_schema::{Decimal, Type, Value};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::pool::PoolOptions;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgRow, PgTypeInfo, PgValueRef,
};
use sqlx::{
    Arguments, ConnectOptions, Connection, Decode, Encode, Postgres, Row, Transaction, ValueRef,
};

use super::bulk::Rows;
use super::fault::{fault, overflow};
use crate::error::{Error, Result};
use crate::sql::quote;

const N_CONNECTIONS: u32 = 10;
/// How long one waits for a connection.
const POOL_WAIT: Duration = Duration::from_secs(60);

/// How long after its last use a connection is taken to be alive unasked.
const TRUSTED: Duration = Duration::from_secs(1);

/// Sent at once by COPY.
const COPY_BYTES: usize = 256 * 1024;

/// 1970-01-01 to 2000-01-01, where PostgreSQL begins to count.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) pool: sqlx::Pool<Postgres>,
    pub(crate) options: Box<PgConnectOptions>,
    renewed: Arc<Renewed>,
}

/// Since when connections have to be. An older one holds statements that were
/// prepared when a column may have had another type, and would send values as
/// what they are no more.
struct Renewed {
    start: Instant,
    /// Milliseconds behind the start.
    at: AtomicU64,
}

impl Renewed {
    fn is_new_enough(&self, age: Duration) -> bool {
        let at = Duration::from_millis(self.at.load(Ordering::Acquire));
        age <= self.start.elapsed().saturating_sub(at)
    }
}

impl fmt::Debug for Server {
    /// Without the options: they hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server(…)")
    }
}

impl Server {
    /// Every connection of before is made anew when it is next asked for.
    pub(crate) fn renew(&self) {
        let now = u64::try_from(self.renewed.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        // The same millisecond is of before, too.
        self.renewed
            .at
            .store(now.saturating_add(1), Ordering::Release);
    }

    /// Begins a transaction. In a task of its own: given up before the server
    /// has answered, the driver would put the connection back with the
    /// transaction open, and the next one to have it would read an old state,
    /// or write what nobody commits.
    pub(crate) async fn begin(&self, how: &'static str) -> Result<Transaction<'static, Postgres>> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(how).await });
        let begun = begun
            .await
            .map_err(|e| Error::Query(format!("the transaction did not begin: {e}")))?;
        begun.map_err(fault)
    }
}

pub(crate) async fn open(url: &str) -> Result<Server> {
    let options = PgConnectOptions::from_str(url)
        .map_err(fault)?
        .application_name("keji")
        // Civil dates never shift, whatever zone the server is set to.
        .options([("TimeZone", "UTC")]);
    // The pool takes a refused connection for a server that is starting, and
    // says after a minute of trying only that the time is up.
    let first = options.connect().await.map_err(fault)?;
    first.close().await.map_err(fault)?;
    let renewed = Arc::new(Renewed {
        start: Instant::now(),
        at: AtomicU64::new(0),
    });
    let of_pool = renewed.clone();
    let pool = PoolOptions::new()
        .max_connections(N_CONNECTIONS)
        .acquire_timeout(POOL_WAIT)
        .test_before_acquire(false)
        .before_acquire(move |conn: &mut PgConnection, meta| {
            let is_new_enough = of_pool.is_new_enough(meta.age);
            Box::pin(async move {
                // Asking each time would double what a short question costs.
                if is_new_enough && meta.idle_for > TRUSTED {
                    conn.ping().await?;
                }
                Ok(is_new_enough)
            })
        })
        .connect_with(options.clone())
        .await
        .map_err(fault)?;
    Ok(Server {
        pool,
        options: Box::new(options),
        renewed,
    })
}

pub(crate) fn arguments(params: &[Value]) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    arguments.reserve(params.len(), params.len() * 8);
    for param in params {
        match param {
            Value::Null => arguments.add(Untyped),
            Value::Text(text) => arguments.add(text.as_str()),
            Value::Int(n) => arguments.add(*n),
            Value::Float(x) => arguments.add(*x),
            Value::Bool(b) => arguments.add(*b),
            Value::Decimal(d) => arguments.add(Numeric(*d)),
            Value::Date(d) => arguments.add(Day(epoch_days(*d))),
            Value::Instant(t) => arguments.add(Micros(t.as_microsecond())),
        }
        .map_err(|e| Error::Database(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

pub(crate) fn value(row: &PgRow, at: usize, kind: Type) -> Result<Value> {
    if row.try_get_raw(at).map_err(fault)?.is_null() {
        return Ok(Value::Null);
    }
    Ok(match kind {
        Type::Text | Type::Choice => Value::Text(row.try_get_unchecked(at).map_err(fault)?),
        Type::Int | Type::Link => Value::Int(row.try_get_unchecked(at).map_err(fault)?),
        Type::Float => Value::Float(row.try_get_unchecked(at).map_err(fault)?),
        Type::Bool => Value::Bool(row.try_get_unchecked(at).map_err(fault)?),
        Type::Decimal => {
            let Numeric(d) = row.try_get_unchecked(at).map_err(|_| overflow())?;
            Value::Decimal(d)
        }
        Type::Date => {
            let Day(days) = row.try_get_unchecked(at).map_err(fault)?;
            Value::Date(from_epoch_days(days).ok_or_else(overflow)?)
        }
        Type::Instant => {
            let Micros(n) = row.try_get_unchecked(at).map_err(fault)?;
            Value::Instant(Timestamp::from_microsecond(n).map_err(|_| overflow())?)
        }
    })
}

/// Many rows at once, by COPY.
pub(crate) async fn copy_in(
    conn: &mut PgConnection,
    table: &str,
    columns: &[impl AsRef<str>],
    rows: &Rows,
) -> Result<()> {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| quote(column.as_ref()))
        .collect();
    let sql = format!("copy {} ({}) from stdin", quote(table), columns.join(", "));
    let mut copy = conn.copy_in_raw(&sql).await.map_err(fault)?;
    let mut text = String::with_capacity(COPY_BYTES + 4096);
    for row in rows.iter() {
        for (at, value) in row.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "\t" });
            push_field(&mut text, value);
        }
        text.push('\n');
        if text.len() >= COPY_BYTES {
            copy.send(text.as_bytes()).await.map_err(fault)?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await.map_err(fault)?;
    copy.finish().await.map_err(fault)?;
    Ok(())
}

/// A field in the text form of COPY.
fn push_field(out: &mut String, value: &Value) {
    // Writing to a String does not fail.
    let _ = match value {
        Value::Null => write!(out, "\\N"),
        Value::Int(n) => write!(out, "{n}"),
        Value::Decimal(d) => write!(out, "{d}"),
        Value::Float(x) => write!(out, "{x:?}"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Date(d) => write!(out, "{d}"),
        Value::Instant(t) => write!(out, "{t}"),
        Value::Text(text) => {
            for c in text.chars() {
                match c {
                    '\\' => out.push_str("\\\\"),
                    '\t' => out.push_str("\\t"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    c => out.push(c),
                }
            }
            Ok(())
        }
    };
}

/// A null whose type the server finds from its place.
struct Untyped;
struct Day(i32);
struct Micros(i64);
struct Numeric(Decimal);

impl sqlx::Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

impl sqlx::Type<Postgres> for Day {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1082))
    }
}

impl Encode<'_, Postgres> for Day {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        out.extend(&(self.0 - EPOCH_DAYS).to_be_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Day {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let days = i32::from_be_bytes(value.as_bytes()?.try_into()?);
        Ok(Day(days
            .checked_add(EPOCH_DAYS)
            .ok_or("date out of range")?))
    }
}

impl sqlx::Type<Postgres> for Micros {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl Encode<'_, Postgres> for Micros {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        out.extend(&(self.0 - EPOCH_MICROS).to_be_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Micros {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        Ok(Micros(
            micros
                .checked_add(EPOCH_MICROS)
                .ok_or("instant out of range")?,
        ))
    }
}

impl sqlx::Type<Postgres> for Numeric {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1700))
    }
}

/// NUMERIC travels as digits of base 10,000, so four places are one digit.
impl Encode<'_, Postgres> for Numeric {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let mut rest = self.0.units().unsigned_abs();
        let mut digits = Vec::with_capacity(6);
        while rest > 0 {
            digits.push((rest % 10_000) as u16);
            rest /= 10_000;
        }
        let n_digits = digits.len() as i16;
        // The lowest digit stands for 10,000^-1.
        let weight = n_digits - 2;
        let sign: u16 = if self.0.is_negative() { 0x4000 } else { 0 };
        out.extend(&n_digits.to_be_bytes());
        out.extend(&weight.to_be_bytes());
        out.extend(&sign.to_be_bytes());
        out.extend(&4u16.to_be_bytes());
        for digit in digits.iter().rev() {
            out.extend(&digit.to_be_bytes());
        }
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Numeric {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let bytes = value.as_bytes()?;
        let word = |at: usize| -> Result<i16, BoxDynError> {
            let two = bytes.get(2 * at..2 * at + 2).ok_or("numeric is cut off")?;
            Ok(i16::from_be_bytes(two.try_into()?))
        };
        let (n_digits, weight) = (word(0)?, i32::from(word(1)?));
        let negative = match word(2)? as u16 {
            0 => false,
            0x4000 => true,
            _ => return Err("not a number".into()),
        };
        let mut units: i128 = 0;
        for i in 0..n_digits {
            let digit = i128::from(word(4 + usize::try_from(i)?)?);
            // Ten-thousandths count one power above.
            let power = weight - i32::from(i) + 1;
            if power < 0 {
                if digit != 0 {
                    return Err("more than four places".into());
                }
                continue;
            }
            let factor = 10_000i128
                .checked_pow(power.unsigned_abs())
                .ok_or("too large")?;
            units += digit.checked_mul(factor).ok_or("too large")?;
        }
        let units = i64::try_from(if negative { -units } else { units })?;
        Ok(Numeric(Decimal::from_units(units)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;

    /// Found under load: requests that were given up left a pooled connection
    /// in a read-only transaction, and a write on it failed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_leaves_a_transaction_open() {
        let Some(place) = crate::testing::postgres().await else {
            return;
        };
        let Location::Postgres(url) = &place.location else {
            unreachable!("it is PostgreSQL");
        };
        let server = open(url).await.unwrap();
        let started = std::time::Instant::now();
        for _ in 0..10 {
            drop(server.begin("begin").await.unwrap());
        }
        let usual = started.elapsed() / 10;
        for n in 0..400 {
            let patience = usual * (n % 40) / 25;
            let read_only = "begin isolation level repeatable read read only";
            let how = if n % 2 == 0 { "begin" } else { read_only };
            let _ = tokio::time::timeout(patience, server.begin(how)).await;
        }
        // Those that are still under way end.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let sql = "select count(*) from pg_stat_activity \
                   where datname = current_database() and state like 'idle in transaction%'";
        let left: i64 = sqlx::query_scalar(sql)
            .fetch_one(&server.pool)
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}
