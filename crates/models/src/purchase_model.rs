//! What every model of repeat purchases with dropout can say of a customer: the border between the models and
//! [`crate::predict`], [`crate::outcome`], [`crate::clv`], [`crate::holdout`] and [`crate::identification`].
//! Must not know any one model.
//!
//! All of them have four parameters, two for the purchase rates (r, alpha) and two for the dropout, and see a
//! customer as (x, t, T) of [`crate::history`]. The methods trust their arguments; the modules above check them.

use crate::fit::Positive;
use crate::history::{Collapsed, PurchaseHistory};

/// A model of purchases at an own steady rate until an unseen dropout.
pub trait PurchaseModel: Positive<4> {
    const DROPOUT: DropoutWords;

    /// Probability that the customer has not dropped out.
    fn alive(&self, customer: &PurchaseHistory) -> f64;

    /// [`PurchaseModel::alive`] of every group.
    fn alive_per_group(&self, data: &Collapsed) -> Vec<f64>;

    /// For customers with `repeats` (x): a function of age T and horizons H in weeks that writes the purchases
    /// expected in (T, T+H] of a customer who is alive at T.
    fn expected_if_alive(&self, repeats: u32) -> impl FnMut(f64, &[f64], &mut [f64]);

    /// A function whose calls return P(X > 0), P(X > 1), .. of the purchases X in the next `horizon` weeks.
    fn outcomes(&self, customer: &PurchaseHistory, horizon: f64) -> impl FnMut() -> f64;
}

/// How the third and fourth parameter are spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropoutWords {
    pub one: &'static str,
    pub other: &'static str,
    /// What the ratio of both determines.
    pub mean_zh: &'static str,
    pub mean_en: &'static str,
}
