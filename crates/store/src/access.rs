//! What a caller may see. Compiled by `app::permission`, applied by every read
//! and write of this crate before the statement is built.

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::expr::Expr;

/// Row filter and field mask of one caller for one object.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Only records for which this holds exist for the caller. It may name
    /// hidden fields.
    pub predicate: Option<Expr>,
    /// Fields as `object.field` (`customer.phone`) that may not be selected,
    /// filtered, sorted or searched, whatever path leads to them.
    pub hidden: BTreeSet<String>,
    /// Of the hidden ones those that are shown covered: they may be selected,
    /// and nothing else, and come as [`keji_schema::definition::Mask`] has it.
    pub masked: BTreeSet<String>,
    /// What holds for the records of other objects that exist for the caller,
    /// where a roll-up gathers them.
    pub gathered: BTreeMap<String, Expr>,
}

impl Access {
    /// Everything: for the system itself, and until there are logins.
    pub fn all() -> Self {
        Access::default()
    }

    pub fn hides(&self, object: &str, field: &str) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&format!("{object}.{field}"))
    }

    /// Whether the field is seen covered only.
    pub fn masks(&self, object: &str, field: &str) -> bool {
        !self.masked.is_empty() && self.masked.contains(&format!("{object}.{field}"))
    }

    /// Whether the field is there for the caller, in clear or covered.
    pub fn shows(&self, object: &str, field: &str) -> bool {
        !self.hides(object, field) || self.masks(object, field)
    }
}
