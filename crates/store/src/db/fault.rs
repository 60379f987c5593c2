//! Database errors by what the caller can do about them.

use std::io::ErrorKind as ErrorKindOfIo;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

use crate::error::Error;

/// The message of our own functions in SQLite.
pub(super) const TOO_LARGE: &str = "the number is too large";

/// Constraint names and columns are read in `ddl::constraint`; here are the
/// faults that do not depend on a table.
pub(crate) fn fault(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::PoolTimedOut => Error::Busy,
        sqlx::Error::Io(e) if is_unreachable(e.kind()) => Error::Unreachable(e.to_string()),
        sqlx::Error::Database(e) => match classify(e.as_ref()) {
            Some(known) => known,
            None => Error::Database(error),
        },
        _ => Error::Database(error),
    }
}

/// Before a connection stands. One that breaks is another matter.
fn is_unreachable(kind: ErrorKindOfIo) -> bool {
    use ErrorKindOfIo as K;
    matches!(
        kind,
        K::ConnectionRefused
            | K::HostUnreachable
            | K::NetworkUnreachable
            | K::AddrNotAvailable
            | K::TimedOut
    )
}

fn classify(error: &dyn DatabaseError) -> Option<Error> {
    let code = error.code()?;
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        return match code.as_ref() {
            "53100" => Some(Error::Full),
            "40001" | "40P01" | "55P03" => Some(Error::Busy),
            "XX001" | "XX002" => Some(Error::Corrupt(error.message().to_owned())),
            "22003" => Some(overflow()),
            _ => None,
        };
    }
    // An extended result code of SQLite; its low byte is the class.
    match code.parse::<i32>().ok()? & 0xff {
        1 if matches!(error.message(), TOO_LARGE | "integer overflow") => Some(overflow()),
        5 | 6 => Some(Error::Busy),
        11 | 26 => Some(Error::Corrupt(error.message().to_owned())),
        13 => Some(Error::Full),
        _ => None,
    }
}

pub(crate) fn overflow() -> Error {
    Error::Schema(keji_schema::Error::Overflow("a computed value".to_owned()))
}

/// What a violated constraint says: its kind, and either the constraint's name
/// (PostgreSQL) or `table.column` (SQLite).
pub(crate) fn violation(error: &Error) -> Option<(ErrorKind, String)> {
    let Error::Database(sqlx::Error::Database(e)) = error else {
        return None;
    };
    let kind = e.kind();
    if matches!(kind, ErrorKind::Other) {
        return None;
    }
    let name = match e.try_downcast_ref::<PgDatabaseError>() {
        Some(pg) => pg
            .constraint()
            .or(pg.column())
            .unwrap_or_default()
            .to_owned(),
        // `UNIQUE constraint failed: customer.number`
        None => e
            .message()
            .rsplit(": ")
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    Some((kind, name))
}
