//! Rules that name customers: RFM scores and value tiers. Data with a
//! version, so that an old evaluation can say by which rule it was made.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::definition::Text2;

/// How R, F and M become scores from 1 to 5 (`definitions/rfm/<id>.toml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfmRule {
    #[serde(skip_deserializing, default)]
    pub id: String,
    pub version: u32,
    pub name: Text2,
    pub about: Text2,
    pub method: RfmMethod,
    /// Days before `as_of` that count; absent: the whole history.
    pub window_days: Option<u32>,
    pub event: RfmEvent,
    pub amount: RfmAmount,
    /// With `method = "thresholds"`: four ascending borders each; a value
    /// scores 1 + the borders at or below it (recency: 5 − the borders strictly
    /// below it).
    pub thresholds: Option<RfmThresholds>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RfmMethod {
    Rank,
    CutPoints,
    Thresholds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RfmEvent {
    Orders,
    PurchaseDays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RfmAmount {
    GrossSales,
    NetRevenue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RfmThresholds {
    pub recency_days: [u32; 4],
    pub frequency: [u32; 4],
    pub monetary: [Decimal; 4],
}

/// Value tiers, first match wins (`definitions/tiers/value.toml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    pub version: u32,
    pub name: Text2,
    pub about: Text2,
    /// VIP: the smallest set of active customers that together make this
    /// share of the last 365 days' net revenue …
    pub vip_revenue_share: f64,
    /// … each with at least so many purchase days.
    pub vip_min_purchase_days: u32,
    /// Potential: first order at most so many days ago …
    pub potential_new_days: u32,
    /// … or expected revenue of the next 365 days at least so many times that
    /// of the last 365.
    pub potential_growth: f64,
    /// Dormant: silent longer than so many own cycles.
    pub dormant_cycles: f64,
    /// Silence warning: longer than so many own cycles.
    pub at_risk_cycles: f64,
    /// New, growing, declining: the lifecycle stages' borders.
    pub new_days: u32,
    pub growing_ratio: f64,
    pub declining_ratio: f64,
    pub won_back_days: u32,
    /// Pull of the base's median on a short history (metrics.md T03), and the
    /// borders of a cycle.
    pub cycle_prior_weight: u32,
    pub cycle_min_days: u32,
    pub cycle_max_days: u32,
    pub names: Vec<Named>,
    pub stages: Vec<Named>,
}

/// A word of a closed list with its label in both languages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub id: String,
    pub zh: String,
    pub en: String,
    pub about: Text2,
}
