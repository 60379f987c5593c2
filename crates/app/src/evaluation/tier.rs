//! Value tier and lifecycle stage of every customer, by the versioned rule.
//! Pure: facts in, names and the figures behind them out. Words are made
//! elsewhere.

use keji_schema::rule::TierRule;

use super::facts::Facts;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    Vip,
    Potential,
    Regular,
    Dormant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    Prospect,
    Lost,
    WonBack,
    AtRisk,
    New,
    Growing,
    Declining,
    Mature,
}

impl Tier {
    pub const ALL: [Tier; 4] = [Tier::Vip, Tier::Potential, Tier::Regular, Tier::Dormant];

    pub fn id(self) -> &'static str {
        match self {
            Tier::Vip => "vip",
            Tier::Potential => "potential",
            Tier::Regular => "regular",
            Tier::Dormant => "dormant",
        }
    }
}

impl Stage {
    pub const ALL: [Stage; 8] = [
        Stage::Prospect,
        Stage::Lost,
        Stage::WonBack,
        Stage::AtRisk,
        Stage::New,
        Stage::Growing,
        Stage::Declining,
        Stage::Mature,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Stage::Prospect => "prospect",
            Stage::Lost => "lost",
            Stage::WonBack => "won_back",
            Stage::AtRisk => "at_risk",
            Stage::New => "new",
            Stage::Growing => "growing",
            Stage::Declining => "declining",
            Stage::Mature => "mature",
        }
    }
}

/// What the tier rule needs of one customer.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    pub facts: &'a Facts,
    pub cycle_days: f64,
    /// Expected revenue of the next 365 days in ten-thousandths; none where
    /// no model could be fitted.
    pub expected_revenue_365: Option<i64>,
}

/// The tier and the place among those who make the VIP share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TierResult {
    pub tier: Tier,
    /// 1 for the largest net revenue of 365 days among the active customers
    /// with enough purchase days; none for the others.
    pub rank: Option<u32>,
    /// Whether those who could be VIP make the share at all; otherwise all of
    /// them are.
    pub reaches_share: bool,
}

impl Judged<'_> {
    pub fn silence(&self, as_of: i32) -> f64 {
        f64::from(self.facts.days_since_last(as_of)) / self.cycle_days
    }

    fn is_active(&self, as_of: i32, rule: &TierRule) -> bool {
        self.silence(as_of) <= rule.dormant_cycles
    }
}

/// Tiers in the order of the input. VIP is the smallest set: the candidates by
/// falling revenue (ties by customer id) until their sum reaches the share of
/// the net revenue of 365 days: that of all customers given and `of_others`.
pub fn tiers(
    judged: &[Judged<'_>],
    of_others: i128,
    as_of: i32,
    rule: &TierRule,
) -> Vec<TierResult> {
    let given: i128 = judged.iter().map(|j| i128::from(j.facts.net_365)).sum();
    let wanted = share_of(given + of_others, rule.vip_revenue_share);
    let mut candidates: Vec<usize> = (0..judged.len())
        .filter(|&i| {
            judged[i].is_active(as_of, rule)
                && judged[i].facts.n_purchase_days >= rule.vip_min_purchase_days
                && judged[i].facts.net_365 > 0
        })
        .collect();
    candidates.sort_unstable_by_key(|&i| (-judged[i].facts.net_365, judged[i].facts.customer));

    let mut results: Vec<TierResult> = judged
        .iter()
        .map(|j| TierResult {
            tier: tier_below_vip(j, as_of, rule),
            rank: None,
            reaches_share: true,
        })
        .collect();
    let mut sum: i128 = 0;
    for (place, &i) in candidates.iter().enumerate() {
        results[i].rank = u32::try_from(place + 1).ok();
        if sum < wanted {
            results[i].tier = Tier::Vip;
            sum += i128::from(judged[i].facts.net_365);
        }
    }
    if sum < wanted {
        results.iter_mut().for_each(|r| r.reaches_share = false);
    }
    results
}

/// `share` of `total` in whole units, rounded up so that the set really
/// reaches it. The share is taken in millionths to keep the money exact.
fn share_of(total: i128, share: f64) -> i128 {
    let millionths = (share * 1e6).round() as i128;
    let product = total * millionths;
    product.div_euclid(1_000_000) + i128::from(product.rem_euclid(1_000_000) != 0)
}

fn tier_below_vip(j: &Judged<'_>, as_of: i32, rule: &TierRule) -> Tier {
    if !j.is_active(as_of, rule) {
        return Tier::Dormant;
    }
    let is_new = as_of - j.facts.first_day <= rule.potential_new_days as i32;
    let is_growing = j
        .expected_revenue_365
        .is_some_and(|next| next as f64 >= rule.potential_growth * j.facts.net_365 as f64);
    if is_new || is_growing {
        Tier::Potential
    } else {
        Tier::Regular
    }
}

/// The stage, first match in the order of [`Stage::ALL`].
pub fn stage(j: &Judged<'_>, as_of: i32, rule: &TierRule) -> Stage {
    let silence = j.silence(as_of);
    let f = j.facts;
    let ratio_at_least = |r: f64| f.net_180 as f64 >= r * f.net_180_before as f64;
    let ratio_at_most = |r: f64| f.net_180 as f64 <= r * f.net_180_before as f64;
    if silence > rule.dormant_cycles {
        Stage::Lost
    } else if f
        .won_back_day
        .is_some_and(|day| as_of - day <= rule.won_back_days as i32)
    {
        Stage::WonBack
    } else if silence > rule.at_risk_cycles {
        Stage::AtRisk
    } else if as_of - f.first_day <= rule.new_days as i32 {
        Stage::New
    } else if f.net_180 == 0 && f.net_180_before == 0 {
        // Nothing against nothing is no trend.
        Stage::Mature
    } else if ratio_at_least(rule.growing_ratio) {
        Stage::Growing
    } else if ratio_at_most(rule.declining_ratio) {
        Stage::Declining
    } else {
        Stage::Mature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keji_schema::Catalog;

    const AS_OF: i32 = 1000;

    fn facts(customer: i64, last_day: i32, net_365: i64) -> Facts {
        Facts {
            customer,
            first_day: 100,
            last_day,
            n_orders: 5,
            n_purchase_days: 5,
            gross: 0,
            gross_first_day: 0,
            net: 0,
            net_365,
            net_180: 100,
            net_180_before: 100,
            orders_365: 5,
            purchase_days_365: 5,
            gross_365: 0,
            median_gap: Some(30.0),
            won_back_day: None,
            cost: None,
        }
    }

    fn rule() -> TierRule {
        Catalog::standard().unwrap().tiers
    }

    fn tiers_of(all: &[Facts], expected: Option<i64>) -> Vec<Tier> {
        tiers_beside(all, 0, expected)
    }

    fn tiers_beside(all: &[Facts], of_others: i128, expected: Option<i64>) -> Vec<Tier> {
        let judged: Vec<Judged<'_>> = all
            .iter()
            .map(|facts| Judged {
                facts,
                cycle_days: 30.0,
                expected_revenue_365: expected,
            })
            .collect();
        tiers(&judged, of_others, AS_OF, &rule())
            .into_iter()
            .map(|t| t.tier)
            .collect()
    }

    #[test]
    fn vip_is_the_smallest_set_that_makes_half() {
        use Tier::*;
        let all = [
            facts(1, 990, 40),
            facts(2, 990, 30),
            facts(3, 990, 20),
            facts(4, 990, 10),
        ];
        // 40 < 50, 40 + 30 ≥ 50.
        assert_eq!(tiers_of(&all, None), [Vip, Vip, Regular, Regular]);
        // Exactly half suffices.
        let all = [facts(1, 990, 50), facts(2, 990, 30), facts(3, 990, 20)];
        assert_eq!(tiers_of(&all, None), [Vip, Regular, Regular]);
        // Returns of customers who bought nothing make the half smaller:
        // 45 of 110 − 20.
        let all = [facts(1, 990, 45), facts(2, 990, 40), facts(3, 990, 25)];
        assert_eq!(tiers_of(&all, None), [Vip, Vip, Regular]);
        assert_eq!(tiers_beside(&all, -20, None), [Vip, Regular, Regular]);
    }

    #[test]
    fn a_silent_or_one_time_giant_is_no_vip_but_counts_in_the_total() {
        use Tier::*;
        let mut once = facts(2, 990, 30);
        once.n_purchase_days = 1;
        // Half of 200 is 100: customer 1 is silent, 2 bought once.
        let all = [
            facts(1, 900, 100),
            once,
            facts(3, 990, 40),
            facts(4, 990, 30),
        ];
        assert_eq!(tiers_of(&all, None), [Dormant, Regular, Vip, Vip]);
    }

    #[test]
    fn a_share_that_nobody_reaches_is_not_claimed() {
        let all = [facts(1, 900, 400_000), facts(2, 990, 30), facts(3, 990, 10)];
        let of = |all: &[Facts]| {
            let judged = all.iter().map(|facts| Judged {
                facts,
                cycle_days: 30.0,
                expected_revenue_365: None,
            });
            let judged: Vec<_> = judged.collect();
            let results = tiers(&judged, 0, AS_OF, &rule());
            let why = |i: usize| {
                let why = super::super::reasons::tier_reason;
                why(&judged[i], results[i], AS_OF, &rule())
            };
            (results[1].tier, why(1))
        };
        let (tier, why) = of(&all);
        assert_eq!(tier, Tier::Vip);
        assert!(!why.en.contains("makes 50 %"), "{}", why.en);
        assert!(why.zh.contains("不到50%"), "{}", why.zh);
        let (_, why) = of(&[facts(1, 900, 20), all[1], all[2]]);
        assert!(why.en.contains("makes 50 %"), "{}", why.en);
    }

    #[test]
    fn potential_needs_to_be_active() {
        use Tier::*;
        // 900 is silent for 100 days > 2 × 30; expected 90 ≥ 1.5 × 60.
        let all = [
            facts(1, 900, 0),
            facts(2, 990, 60),
            facts(3, 990, 61),
            facts(4, 990, 900),
        ];
        assert_eq!(tiers_of(&all, Some(90)), [Dormant, Potential, Regular, Vip]);
        // Silent for exactly 2 cycles is still active.
        let all = [facts(1, 940, 0), facts(2, 939, 0)];
        assert_eq!(tiers_of(&all, None), [Regular, Dormant]);
    }

    #[test]
    fn the_first_stage_that_fits_wins() {
        let of = |f: &Facts| {
            stage(
                &Judged {
                    facts: f,
                    cycle_days: 30.0,
                    expected_revenue_365: None,
                },
                AS_OF,
                &rule(),
            )
        };
        let base = facts(1, 980, 0);
        assert_eq!(of(&base), Stage::Mature);
        assert_eq!(
            of(&Facts {
                last_day: 939,
                ..base
            }),
            Stage::Lost
        );
        assert_eq!(
            of(&Facts {
                last_day: 960,
                won_back_day: Some(910),
                ..base
            }),
            Stage::WonBack
        );
        assert_eq!(
            of(&Facts {
                last_day: 960,
                won_back_day: Some(909),
                ..base
            }),
            Stage::AtRisk
        );
        assert_eq!(
            of(&Facts {
                last_day: 970,
                ..base
            }),
            Stage::Mature
        );
        assert_eq!(
            of(&Facts {
                first_day: 910,
                ..base
            }),
            Stage::New
        );
        assert_eq!(
            of(&Facts {
                net_180: 120,
                ..base
            }),
            Stage::Growing
        );
        assert_eq!(
            of(&Facts {
                net_180: 80,
                ..base
            }),
            Stage::Declining
        );
        assert_eq!(
            of(&Facts {
                net_180: 0,
                net_180_before: 0,
                ..base
            }),
            Stage::Mature
        );
    }
}
