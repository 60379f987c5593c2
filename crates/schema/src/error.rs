//! The one error type of this crate: what a definition, an expression or a
//! question got wrong, and where. It knows no status codes and no languages.

use thiserror::Error;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// A definition file does not hold; `file` is its path below `definitions/`.
    #[error("{file}:{line}: {message}")]
    Definition {
        file: String,
        line: usize,
        message: String,
    },
    /// Text is not an expression of the language, or its types do not fit.
    #[error("in `{text}`: {message}")]
    Expression { text: String, message: String },
    /// A name that the catalog does not have.
    #[error("there is no {kind} `{name}`")]
    Unknown { kind: &'static str, name: String },
    /// A value that cannot be read as the wanted type.
    #[error("`{text}` is not a {wanted}")]
    Value { text: String, wanted: &'static str },
    /// Arithmetic left the range of the exact decimal.
    #[error("the number is too large: {0}")]
    Overflow(String),
    /// A question that cannot be asked as it stands.
    #[error("{0}")]
    Question(String),
}
