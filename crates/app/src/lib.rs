//! What the product does: import, evaluation, insight, customers, exports.
//!
//! No HTTP but the one way out ([`outbound`]), no SQL, no Arrow. Everything takes a [`Caller`] and passes its
//! rights ([`permission`]) to the store and the metrics.
//!
//! Reading order: [`context`] (what there is to work with), [`definitions`], [`permission`],
//! [`identity`], [`sharing`], [`import`], [`evaluation`], [`insight`], [`customers`], [`records`],
//! [`comments`], [`notifications`], [`favourites`], [`today`], [`consent`], [`person`], [`export`],
//! [`jobs`], [`webhooks`], [`forms`], [`views`], [`backup`], [`demo`].

pub mod audit;
pub mod backup;
pub mod check;
pub mod comments;
pub mod consent;
pub mod context;
pub mod customers;
pub mod definitions;
pub mod demo;
pub mod design;
pub mod duplicates;
pub mod error;
pub mod evaluation;
pub mod export;
pub mod favourites;
pub mod forms;
pub mod identity;
pub mod import;
pub mod insight;
pub mod jobs;
pub mod live;
pub mod messages;
pub mod notifications;
pub mod outbound;
pub mod packs;
pub mod permission;
pub mod person;
pub mod records;
pub mod search;
pub mod sharing;
pub mod spelling;
pub mod status;
pub mod today;
pub mod views;
pub mod webhooks;

pub use context::{App, OpenOptions};
pub use error::{Error, Result};
pub use permission::Caller;
