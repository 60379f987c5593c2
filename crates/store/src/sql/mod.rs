//! SQL text: the two dialects, quoted names, and statements that read objects
//! by field paths. It runs nothing.

mod expr;
mod select;

pub(crate) use select::Select;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// One of two texts, where the dialects differ.
    pub(crate) fn pick<T>(self, sqlite: T, postgres: T) -> T {
        match self {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        }
    }
}

/// The only way a name gets into a statement. Names come from the catalog,
/// which allows letters, digits and `_`; anything else is left out here, so
/// that no name can end the quotation.
pub(crate) fn quote(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    quoted.push('"');
    quoted.extend(
        name.chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_'),
    );
    quoted.push('"');
    quoted
}
