//! MBG/NBD: as BG/NBD, but a customer can also drop out right after the first purchase.
//! The front door of the model; the mathematics is in [`crate::beta_geometric`] and [`crate::predict`].
//!
//! References: Batislam, Denizel & Filiztekin (2007), Int. J. of Research in Marketing 24:201-209;
//! Hoppe & Wagner (2007), Marketing - Journal of Research and Management 3:75-90.
//!
//! Customers who never came back have P(alive) < 1, falling with time: the natural default for shops. The
//! assumptions are otherwise those of [`crate::bg_nbd`].
//!
//! ```
//! use keji_models::{history::PurchaseHistory, mbg_nbd, predict};
//! let params = mbg_nbd::params(0.525, 6.183, 0.891, 1.614)?;
//! let once = PurchaseHistory { repeats: 0, age_at_last: 0.0, age: 27.0 };
//! assert_eq!(format!("{:.2}", predict::p_alive(&params, &once)?), "0.43");
//! # Ok::<(), keji_models::Error>(())
//! ```

use crate::beta_geometric::{self, Dropout, FittedPurchases, Params};
use crate::error::Result;
use crate::history::Collapsed;

/// Parameters with `alpha` in weeks. Fails unless all are above zero and finite.
pub fn params(r: f64, alpha: f64, a: f64, b: f64) -> Result<Params> {
    Params::new(Dropout::AfterEvery, r, alpha, a, b)
}

/// Maximum likelihood. Cost: about ten passes over the distinct histories.
pub fn fit(data: &Collapsed) -> Result<FittedPurchases> {
    beta_geometric::fit(Dropout::AfterEvery, data)
}
