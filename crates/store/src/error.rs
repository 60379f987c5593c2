//! The one error type of this crate, its variants named for what the caller
//! can do about it. It knows no status codes and no languages.

use thiserror::Error;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, Error)]
pub enum Error {
    /// A name, value or expression that the catalog does not have. A hidden
    /// field is reported like one that does not exist.
    #[error(transparent)]
    Schema(#[from] keji_schema::Error),
    /// No such record, or none that the caller may see.
    #[error("there is no {object} {id}")]
    NotFound { object: String, id: i64 },
    /// Another record already has this value of a unique field.
    #[error("another {object} has this `{field}`")]
    Duplicate { object: String, field: String },
    /// Other records still link to it.
    #[error("{object} {id} is still used by a record of `{by}`")]
    InUse { object: String, id: i64, by: String },
    /// A required field without a value.
    #[error("`{object}.{field}` is required")]
    Required { object: String, field: String },
    /// A value of the wrong type, outside its choices, or linking to nothing.
    #[error("`{object}.{field}` cannot be {value}: {message}")]
    Invalid {
        object: String,
        field: String,
        value: String,
        message: String,
    },
    /// The record would break a rule of its object; both texts are the rule's.
    #[error("`{object}.{field}`: {en}")]
    Rule {
        object: String,
        field: String,
        zh: String,
        en: String,
    },
    /// The object is written by one module only.
    #[error("`{object}` is written by `{by}` only")]
    Refused { object: String, by: String },
    /// The record was changed since the caller read it.
    #[error("{object} {id} is at version {present}, not at {expected}")]
    Version {
        object: String,
        id: i64,
        expected: i64,
        present: i64,
    },
    /// A field has another value than the caller saw.
    #[error("`{field}` of {object} {id} was changed meanwhile")]
    Moved {
        object: String,
        id: i64,
        field: String,
    },
    /// The key of a request stands for another request already.
    #[error("the key `{0}` was used for another request")]
    KeyReused(String),
    /// A query that cannot be asked as it stands.
    #[error("{0}")]
    Query(String),
    /// The batch is not in a state that allows this.
    #[error("import {id} is {state}")]
    Batch { id: i64, state: String },
    /// The record would belong to what the caller may not write to.
    #[error("a record of {object} would be out of the caller's reach")]
    OutOfReach { object: String },
    /// There is no such batch, job or evaluation.
    #[error("there is no {kind} {id}")]
    Missing { kind: &'static str, id: String },
    /// Two records cannot be made one, or not be taken apart again.
    #[error("{0}")]
    Merge(crate::merge::MergeProblem),
    /// The caller asked to stop; nothing was changed.
    #[error("stopped as asked")]
    Cancelled,
    /// The job was taken over by another worker, or ended meanwhile.
    #[error("job {0} is no longer leased by this worker")]
    LeaseLost(i64),
    /// Somebody else already moved on; read again and repeat.
    #[error("outdated: {0}")]
    Outdated(String),
    /// The catalog drops stored fields and nobody said that this is wanted.
    #[error(
        "the definitions no longer have {0}, which hold data; say explicitly that they may be dropped"
    )]
    Drop(String),
    /// A stored field has another type than its definition.
    #[error(
        "`{object}.{field}` is stored as {stored} and cannot become {wanted}; give the new field another id"
    )]
    TypeChange {
        object: String,
        field: String,
        stored: String,
        wanted: String,
    },
    /// Written by a newer version of the product.
    #[error("the data was written by a newer version ({stored}, this is {known})")]
    Newer { stored: i64, known: i64 },
    /// Another process writes for longer than we wait; try again.
    #[error("the database is busy")]
    Busy,
    /// Nothing answers at the database's address.
    #[error(
        "the database cannot be reached ({0}); check its address and port, and that it is running"
    )]
    Unreachable(String),
    /// The disk is full; nothing was changed.
    #[error("the disk is full")]
    Full,
    /// The database file is damaged.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The database cannot be reached or answered with an unknown error.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    #[error("{what}: {source}")]
    Io {
        what: String,
        source: std::io::Error,
    },
}
