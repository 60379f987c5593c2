//! What an import says at its end: what was odd in the file, and what to look
//! at first. Texts in both languages, because the reader may be another than
//! the one who imported.

use keji_schema::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::driver::Summary;
use super::oddities::Oddity;
use crate::messages::Language;

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportLine {
    pub code: String,
    pub zh: String,
    pub en: String,
    pub count: u64,
    /// The heading it is about.
    pub column: Option<String>,
    /// The first row, as a spreadsheet counts.
    pub row: Option<u64>,
    #[serde(default)]
    pub samples: Vec<String>,
    /// Where the page shows it.
    pub href: Option<String>,
}

impl From<Oddity> for ReportLine {
    fn from(odd: Oddity) -> Self {
        ReportLine {
            zh: odd.text(Language::Zh),
            en: odd.text(Language::En),
            code: odd.code,
            count: odd.count,
            column: odd.column,
            row: odd.row,
            samples: odd.samples,
            href: None,
        }
    }
}

fn line(code: &str, count: u64, zh: String, en: String, href: Option<String>) -> ReportLine {
    ReportLine {
        code: code.to_owned(),
        zh,
        en,
        count,
        column: None,
        row: None,
        samples: Vec::new(),
        href,
    }
}

/// What deserves the first look, most urgent first. `document` is the
/// evaluation that followed, `currency` that of the orders where they have one.
pub(super) fn first_looks(
    summary: &Summary,
    document: Option<&Json>,
    currency: Option<&str>,
) -> Vec<ReportLine> {
    let mut looks = Vec::new();
    if summary.rows_rejected > 0 {
        let n = summary.rows_rejected;
        looks.push(line(
            "rejects",
            n,
            format!("{n} 行没有导入：下载退回文件，改好后直接再导入"),
            format!(
                "{n} rows were not imported: download the rejects file, mend it, import it again"
            ),
            None,
        ));
    }
    if summary.orders_changed > 0 && summary.orders_deleted == 0 && summary.lines_new > 0 {
        let n = summary.orders_changed;
        looks.push(line(
            "orders_extended",
            n.unsigned_abs(),
            format!("{n} 张已有订单多了明细：如果是更正而不是补充，请撤销后用“更新”方式再导入"),
            format!("{n} known orders got further lines: if these were corrections, undo and import again with mode “update”"),
            None,
        ));
    }
    let at_risk = document.and_then(|d| d.get("n_at_risk")?.as_u64());
    let value = document.and_then(|d| d.get("value_at_risk")?.as_str());
    if let (Some(n @ 1..), Some(value)) = (at_risk, value) {
        let value = money(value, currency);
        looks.push(line(
            "value_at_risk",
            n,
            format!("{n} 个客户已沉默超过自己的购买周期，风险价值 {value}：从这些客户看起"),
            format!("{n} customers are silent for longer than their own cycle, value at risk {value}: begin with these"),
            Some("/customers?risk=true".to_owned()),
        ));
    }
    looks
}

/// An amount as a person reads it: with the currency's sign, a comma for every
/// three digits, and two places.
fn money(amount: &str, currency: Option<&str>) -> String {
    let Ok(exact) = amount.parse::<Decimal>() else {
        return amount.to_owned();
    };
    let hundredths = (exact.units().unsigned_abs() + 50) / 100;
    let (whole, places) = ((hundredths / 100).to_string(), hundredths % 100);
    let sign = match currency.map(str::to_ascii_uppercase).as_deref() {
        Some("CNY" | "RMB") => "¥".to_owned(),
        Some("USD") => "$".to_owned(),
        Some("EUR") => "€".to_owned(),
        Some("GBP") => "£".to_owned(),
        Some("JPY") => "JP¥".to_owned(),
        Some(other) => format!("{other} "),
        None => String::new(),
    };
    let minus = if exact.units() < 0 { "−" } else { "" };
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match places {
        0 => format!("{minus}{sign}{grouped}"),
        places => format!("{minus}{sign}{grouped}.{places:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_nothing_when_there_is_nothing_to_say() {
        assert_eq!(first_looks(&Summary::default(), None, None), []);
    }

    #[test]
    fn rejects_come_before_customers() {
        let summary = Summary {
            rows_rejected: 3,
            ..Summary::default()
        };
        let document = serde_json::json!({ "n_at_risk": 2, "value_at_risk": "10.5" });
        let codes: Vec<String> = first_looks(&summary, Some(&document), None)
            .into_iter()
            .map(|l| l.code)
            .collect();
        assert_eq!(codes, ["rejects", "value_at_risk"]);
    }

    #[test]
    fn an_amount_is_grouped_and_has_its_currency() {
        let document = serde_json::json!({ "n_at_risk": 2, "value_at_risk": "1234567.4567" });
        let looks = first_looks(&Summary::default(), Some(&document), Some("CNY"));
        assert!(
            looks[0].zh.contains("风险价值 ¥1,234,567.46："),
            "{}",
            looks[0].zh
        );
        assert!(
            looks[0].en.contains("value at risk ¥1,234,567.46:"),
            "{}",
            looks[0].en
        );
        assert_eq!(money("-1000", None), "−1,000");
        assert_eq!(money("999.0000", Some("chf")), "CHF 999");
        assert_eq!(money("1000", Some("USD")), "$1,000");
    }
}
