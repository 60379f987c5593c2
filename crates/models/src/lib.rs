//! Customer-base models: who is still a customer, how often they will buy, what they are worth.
//!
//! Pure functions from columns of numbers to numbers. This crate must not read files, know the store, the clock or
//! the user's language beyond the names in [`catalog`], and depends on no other crate of the workspace.
//!
//! ```text
//!  (x, t, T) per customer      (x, m) per customer        recency, frequency, money
//!         |                            |                            |
//!      history                    gamma_gamma                      rfm
//!         |  collapse                  |  fit
//!   bg_nbd, mbg_nbd, pareto_nbd, nbd   |
//!         |  fit                       |
//!         +-- identification           |
//!         +-- predict -- holdout       |
//!         +-- outcome                  |
//!         +----------- clv ------------+
//!
//!  (x, t, n) opportunities     kept and lost per renewal
//!         |                            |
//!       bg_bb                      retention
//!                      shifted_beta_geometric, beta_discrete_weibull
//!
//!  features (any columns)      purchases of products       what customers are like
//!         |                            |                            |
//!       churn                     next_product            segmentation, look_alike
//!
//!  (entry, exit, event)        ratings                    values at equal steps
//!         |                       |                            |
//!      survival              satisfaction                   forecast
//!         +- kaplan_meier, log_rank                            +- smoothing, backtest
//!         +- cox, proportionality, weibull                     +- reconcile
//! ```
//!
//! Reading order: [`history`], [`beta_geometric`] with its front doors [`bg_nbd`] and [`mbg_nbd`], [`pareto_nbd`],
//! [`fit`], [`purchase_model`], [`predict`], then what the question asks for. Apart from these stand [`bg_bb`], for at
//! most one transaction per period, and [`retention`], for contracts, where leaving is seen.
//! [`survival`], [`satisfaction`], [`forecast`] and [`correlation`] stand by themselves, with [`interval`] for what their
//! intervals share.
//!
//! Times are in weeks throughout; any other unit works as long as ages and horizons share it, except that limits such
//! as 52 weeks in [`identification`] then mean that many units. Renewals and opportunities are counted.
//!
//! ```
//! use keji_models::{bg_nbd, history::Collapsed, identification, predict};
//!
//! // One customer per entry, in days: repeat purchases, age at the last one, age.
//! let repeats = [0, 0, 0, 0, 0, 1, 1, 2, 3, 8];
//! let at_last = [0, 0, 0, 0, 0, 20, 90, 60, 200, 230];
//! let age = [280, 270, 250, 240, 200, 280, 260, 270, 240, 235];
//! let data = Collapsed::from_days(&repeats, &at_last, &age)?;
//!
//! let fitted = bg_nbd::fit(&data)?;
//! let next_quarter = predict::predict_all(&fitted.params, &data, &[13.0], None)?;
//! assert!(predict::total(&data, &next_quarter.expected[0]) > 0.0);
//!
//! // Ten customers cannot carry four parameters, and the model says so.
//! assert!(!identification::judge(&fitted, &data)?.is_identified());
//! # Ok::<(), keji_models::Error>(())
//! ```

pub mod history;

pub mod beta_geometric;
pub mod bg_nbd;
pub mod mbg_nbd;
pub mod nbd;
pub mod pareto_nbd;

mod expectation;
pub mod outcome;
mod pareto_prediction;
pub mod predict;
pub mod purchase_model;

pub mod bg_bb;

pub mod beta_discrete_weibull;
pub mod retention;
pub mod shifted_beta_geometric;

pub mod gamma_gamma;

pub mod churn;
pub mod features;
pub mod look_alike;
pub mod next_product;
pub mod segmentation;

pub mod clv;
pub mod holdout;
pub mod identification;
pub mod rfm;

pub mod correlation;
pub mod forecast;
pub mod interval;
pub mod satisfaction;
pub mod survival;

mod cholesky;
mod dense;
mod distribution;
pub mod fit;
mod gauss;
mod least_squares;
mod newton;
mod proportion;
mod quadrature;
mod random;
mod special;
mod symmetric;

pub mod catalog;
pub mod error;

pub use catalog::MODELS;
pub use error::{Error, Result};
