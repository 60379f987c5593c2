//! Why a customer has its tier and its stage, in words, both languages. The
//! figures are those the rule looked at; nothing is computed here but rounding
//! for display.

use keji_schema::calendar::from_epoch_days;
use keji_schema::rule::TierRule;

use super::tier::{Judged, Stage, Tier, TierResult};

/// A sentence in Chinese and in English.
pub struct Reason {
    pub zh: String,
    pub en: String,
}

fn reason(zh: String, en: String) -> Reason {
    Reason { zh, en }
}

/// Ten-thousandths with thousands separators and two places.
pub fn amount(units: i64) -> String {
    let cents = (i128::from(units) + if units < 0 { -50 } else { 50 }) / 100;
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, part) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    format!("{sign}{grouped}.{part:02}")
}

fn day(epoch_days: i32) -> String {
    from_epoch_days(epoch_days).map_or_else(String::new, |d| d.to_string())
}

pub fn tier_reason(j: &Judged<'_>, result: TierResult, as_of: i32, rule: &TierRule) -> Reason {
    let revenue = amount(j.facts.net_365);
    let silent = j.facts.days_since_last(as_of);
    let cycle = j.cycle_days;
    let share = rule.vip_revenue_share * 100.0;
    match result.tier {
        Tier::Vip if !result.reaches_share => {
            let rank = result.rank.unwrap_or_default();
            reason(
                format!(
                    "近365天净销售额{revenue}，排第{rank}；活跃的回头客加起来不到{share:.0}%的收入，所以全部列入"
                ),
                format!(
                    "net revenue of 365 days {revenue}, rank {rank}: all active customers who came back make less than {share:.0} % of revenue together, so each of them counts"
                ),
            )
        }
        Tier::Vip => {
            let rank = result.rank.unwrap_or_default();
            let days = j.facts.n_purchase_days;
            reason(
                format!(
                    "近365天净销售额{revenue}，排第{rank}；在贡献{share:.0}%收入的最小客户群内，共购买{days}天"
                ),
                format!(
                    "net revenue of 365 days {revenue}, rank {rank}: in the smallest group that makes {share:.0} % of revenue; {days} purchase days"
                ),
            )
        }
        Tier::Potential if as_of - j.facts.first_day <= rule.potential_new_days as i32 => {
            let age = as_of - j.facts.first_day;
            reason(
                format!(
                    "首单在{age}天前（{}），不超过{}天",
                    day(j.facts.first_day),
                    rule.potential_new_days
                ),
                format!(
                    "first order {age} days ago ({}), at most {} days",
                    day(j.facts.first_day),
                    rule.potential_new_days
                ),
            )
        }
        Tier::Potential => {
            let next = amount(j.expected_revenue_365.unwrap_or_default());
            let times = rule.potential_growth;
            reason(
                format!("未来365天预期收入{next}，达到近365天净销售额{revenue}的{times}倍以上"),
                format!(
                    "expected revenue of the next 365 days {next}, at least {times} × the last 365 days' {revenue}"
                ),
            )
        }
        Tier::Regular => reason(
            format!("活跃：{silent}天未购买，购买周期{cycle:.0}天；近365天净销售额{revenue}"),
            format!(
                "active: silent for {silent} days, cycle {cycle:.0} days; net revenue of 365 days {revenue}"
            ),
        ),
        Tier::Dormant => {
            let times = j.silence(as_of);
            reason(
                format!("已{silent}天未购买，是购买周期{cycle:.0}天的{times:.1}倍"),
                format!("silent for {silent} days, {times:.1} × the cycle of {cycle:.0} days"),
            )
        }
    }
}

pub fn stage_reason(j: &Judged<'_>, stage: Stage, as_of: i32) -> Reason {
    let f = j.facts;
    let silent = f.days_since_last(as_of);
    let (cycle, times) = (j.cycle_days, j.silence(as_of));
    let (now, before) = (amount(f.net_180), amount(f.net_180_before));
    match stage {
        Stage::Prospect => prospect(),
        Stage::Lost | Stage::AtRisk => reason(
            format!("已{silent}天未购买，是自身周期{cycle:.0}天的{times:.1}倍"),
            format!("silent for {silent} days, {times:.1} × the own cycle of {cycle:.0} days"),
        ),
        Stage::WonBack => {
            let back = day(f.won_back_day.unwrap_or(f.last_day));
            reason(
                format!("流失后于{back}重新下单"),
                format!("ordered again on {back} after having been lost"),
            )
        }
        Stage::New => reason(
            format!("首单在{}天前（{}）", as_of - f.first_day, day(f.first_day)),
            format!(
                "first order {} days ago ({})",
                as_of - f.first_day,
                day(f.first_day)
            ),
        ),
        Stage::Growing | Stage::Declining | Stage::Mature => reason(
            format!("近180天净销售额{now}，前180天{before}"),
            format!("net revenue of 180 days {now}, of the 180 days before {before}"),
        ),
    }
}

pub fn prospect() -> Reason {
    reason("还没有销售订单".to_owned(), "no sale order yet".to_owned())
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_are_grouped_and_rounded_for_display() {
        assert_eq!(amount(88_320_032_740), "8,832,003.27");
        assert_eq!(amount(-500), "-0.05");
        assert_eq!(amount(9_999_950), "1,000.00");
        assert_eq!(amount(0), "0.00");
    }
}
