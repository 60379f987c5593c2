//! What the rules for customers must keep to.

use super::Catalog;
use super::load::{File, Files};
use crate::error::Result;
use crate::rule::{Named, RfmMethod, RfmRule};

impl Catalog {
    pub(super) fn check_rules(&self, files: &Files) -> Result<()> {
        for (id, rule) in &self.rfm {
            check_rfm(files[&("rfm", id.clone())], rule)?;
        }
        self.check_tiers(files[&("tiers", "value".to_owned())])
    }

    fn check_tiers(&self, file: File) -> Result<()> {
        let rule = &self.tiers;
        let share = rule.vip_revenue_share;
        if !(share > 0.0 && share <= 1.0) {
            return Err(file.error(
                &["vip_revenue_share"],
                format!("{share} is not a share above 0 and up to 1"),
            ));
        }
        for (key, value) in [
            ("potential_growth", rule.potential_growth),
            ("dormant_cycles", rule.dormant_cycles),
            ("at_risk_cycles", rule.at_risk_cycles),
            ("growing_ratio", rule.growing_ratio),
            ("declining_ratio", rule.declining_ratio),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(file.error(&[key], format!("{value} is not above 0")));
            }
        }
        for (key, low, high) in [
            ("dormant_cycles", rule.at_risk_cycles, rule.dormant_cycles),
            ("growing_ratio", rule.declining_ratio, rule.growing_ratio),
            (
                "cycle_max_days",
                f64::from(rule.cycle_min_days),
                f64::from(rule.cycle_max_days),
            ),
        ] {
            if low > high {
                return Err(file.error(&[key], format!("the border {high} is below {low}")));
            }
        }
        self.check_words(file, "names", "tier", &rule.names)?;
        self.check_words(file, "stages", "stage", &rule.stages)
    }

    /// The words must be the options of the score's field, in their order.
    fn check_words(&self, file: File, key: &str, field: &str, words: &[Named]) -> Result<()> {
        let Some(field) = self.objects.get("score").and_then(|o| o.field(field)) else {
            return Ok(());
        };
        let named: Vec<&str> = words.iter().map(|w| w.id.as_str()).collect();
        let options: Vec<&str> = field.options.iter().map(|o| o.value.as_str()).collect();
        if named != options {
            let message = format!(
                "these are {}, but field `score.{}` has {}",
                named.join(", "),
                field.id,
                options.join(", ")
            );
            return Err(file.error(&[key], message));
        }
        Ok(())
    }
}

fn check_rfm(file: File, rule: &RfmRule) -> Result<()> {
    match (&rule.thresholds, rule.method) {
        (None, RfmMethod::Thresholds) => {
            Err(file.error(&["method"], "`thresholds` needs a table [thresholds]"))
        }
        (Some(_), RfmMethod::Rank | RfmMethod::CutPoints) => Err(file.error(
            &["thresholds"],
            "only method = \"thresholds\" takes thresholds",
        )),
        (None, _) => Ok(()),
        (Some(borders), _) => {
            for (key, ascends) in [
                (
                    "recency_days",
                    borders.recency_days.is_sorted_by(|a, b| a < b),
                ),
                ("frequency", borders.frequency.is_sorted_by(|a, b| a < b)),
                ("monetary", borders.monetary.is_sorted_by(|a, b| a < b)),
            ] {
                if !ascends {
                    return Err(file.error(&["thresholds", key], "the borders do not ascend"));
                }
            }
            Ok(())
        }
    }
}
