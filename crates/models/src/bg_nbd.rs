//! BG/NBD of Fader, Hardie & Lee (2005), "Counting your customers the easy way", Marketing Science 24:275-284.
//! The front door of the model; the mathematics is in [`crate::beta_geometric`] and [`crate::predict`].
//!
//! | assumption (section 2 of the paper) | consequence when it fails |
//! |---|---|
//! | purchases at a steady own rate, Poisson | regular or seasonal buyers are misjudged right after a purchase |
//! | rates gamma distributed (r, alpha) over customers | - |
//! | after each repeat purchase a customer drops out with an own probability | contracts end at renewals instead: use a contractual model |
//! | those probabilities beta distributed (a, b), independent of the rates | - |
//!
//! A customer without repeat purchase is alive with probability 1 by construction, however long ago the first
//! purchase was. Where most customers buy once (shops), prefer [`crate::mbg_nbd`].
//!
//! ```
//! use keji_models::{bg_nbd, predict};
//! // E[X(t)] at the parameters of the CDNOW sample (published to three digits: .243, 4.414, .793, 2.426).
//! let params = bg_nbd::params(0.24259452, 4.41360199, 0.79292201, 2.42590675)?;
//! assert_eq!(format!("{:.4}", predict::expected_of_new(&params, 32.0)?), "1.0437");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::beta_geometric::{self, Dropout, FittedPurchases, Params};
use crate::error::Result;
use crate::history::Collapsed;

/// Parameters with `alpha` in weeks. Fails unless all are above zero and finite.
pub fn params(r: f64, alpha: f64, a: f64, b: f64) -> Result<Params> {
    Params::new(Dropout::AfterRepeat, r, alpha, a, b)
}

/// Maximum likelihood (eq. 6 of the paper). Cost: about ten passes over the distinct histories.
pub fn fit(data: &Collapsed) -> Result<FittedPurchases> {
    beta_geometric::fit(Dropout::AfterRepeat, data)
}
