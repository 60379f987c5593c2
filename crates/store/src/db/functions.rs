//! Exact decimal arithmetic for SQLite, whose own has 64 bits and goes on
//! with a float beyond them: `keji_mul(x, y)` and `keji_div(x, y)` over
//! ten-thousandths, as `Decimal` computes them. Null in, null out; a zero
//! divisor gives null; too large a result is an error.

use std::ffi::c_int;
use std::ptr::{self, NonNull};
use std::slice;

use keji_schema::Decimal;
use libsqlite3_sys as ffi;

use super::fault::TOO_LARGE;

type Function =
    unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);

/// Makes the functions known to one connection.
pub(super) fn register(db: NonNull<ffi::sqlite3>) -> Result<(), sqlx::Error> {
    let functions: [(&std::ffi::CStr, Function); 2] = [(c"keji_mul", mul), (c"keji_div", div)];
    for (name, function) in functions {
        // SAFETY: the connection is locked for us; the functions are plain and
        // need no state, so there is nothing to free.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(
                db.as_ptr(),
                name.as_ptr(),
                2,
                ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS,
                ptr::null_mut(),
                Some(function),
                None,
                None,
                None,
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(sqlx::Error::Protocol(format!(
                "sqlite {code}: no function {name:?}"
            )));
        }
    }
    Ok(())
}

unsafe extern "C" fn mul(
    context: *mut ffi::sqlite3_context,
    n: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite's own pointers, passed on as they came.
    unsafe { answer(context, n, arguments, |x, y| x.checked_mul(y).map(Some)) }
}

unsafe extern "C" fn div(
    context: *mut ffi::sqlite3_context,
    n: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
) {
    let divide = |x: Decimal, y: Decimal| match y {
        Decimal::ZERO => Some(None),
        y => x.checked_div(y).map(Some),
    };
    // SAFETY: SQLite's own pointers, passed on as they came.
    unsafe { answer(context, n, arguments, divide) }
}

/// `compute` gives `None` where the result is too large, and `Some(None)` for
/// null.
///
/// # Safety
/// To be called from a function of SQLite with what it was given.
unsafe fn answer(
    context: *mut ffi::sqlite3_context,
    n: c_int,
    arguments: *mut *mut ffi::sqlite3_value,
    compute: impl Fn(Decimal, Decimal) -> Option<Option<Decimal>>,
) {
    // SAFETY: SQLite passes `n` values that live until we return, and `n` is
    // the 2 of the registration. Nothing below can panic.
    unsafe {
        let operand = |value: &*mut ffi::sqlite3_value| match ffi::sqlite3_value_type(*value) {
            ffi::SQLITE_INTEGER => Ok(Some(Decimal::from_units(ffi::sqlite3_value_int64(*value)))),
            ffi::SQLITE_NULL => Ok(None),
            // A sum that left 64 bits on the way here.
            _ => Err(()),
        };
        let result = match slice::from_raw_parts(arguments, n.max(0) as usize) {
            [x, y] => match (operand(x), operand(y)) {
                (Ok(Some(x)), Ok(Some(y))) => compute(x, y),
                (Ok(_), Ok(_)) => Some(None),
                _ => None,
            },
            _ => None,
        };
        match result {
            Some(Some(d)) => ffi::sqlite3_result_int64(context, d.units()),
            Some(None) => ffi::sqlite3_result_null(context),
            None => ffi::sqlite3_result_error(
                context,
                TOO_LARGE.as_ptr().cast(),
                TOO_LARGE.len() as c_int,
            ),
        }
    }
}
