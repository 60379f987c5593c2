//! What the product does: import, evaluation, insight, customers, exports.
//!
//! No HTTP, no SQL, no Arrow. Everything takes a [`Caller`] and passes its
//! rights ([`permission`]) to the store and the metrics.
//!
//! Reading order: [`context`] (what there is to work with), [`permission`],
//! [`identity`], [`import`], [`evaluation`], [`insight`], [`customers`], [`records`],
//! [`consent`], [`person`],
//! [`export`], [`jobs`], [`backup`], [`demo`].

pub mod audit;
pub mod backup;
pub mod check;
pub mod consent;
pub mod context;
pub mod customers;
pub mod demo;
pub mod error;
pub mod evaluation;
pub mod export;
pub mod identity;
pub mod import;
pub mod insight;
pub mod jobs;
pub mod messages;
pub mod permission;
pub mod person;
pub mod records;
mod spelling;
pub mod status;

pub use context::{App, OpenOptions};
pub use error::{Error, Result};
pub use permission::Caller;
