//! What an import says at its end: what was odd in the file, and what to look
//! at first. Texts in both languages, because the reader may be another than
//! the one who imported.

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
/// evaluation that followed.
pub(super) fn first_looks(summary: &Summary, document: Option<&Json>) -> Vec<ReportLine> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_nothing_when_there_is_nothing_to_say() {
        assert_eq!(first_looks(&Summary::default(), None), []);
    }

    #[test]
    fn rejects_come_before_customers() {
        let summary = Summary {
            rows_rejected: 3,
            ..Summary::default()
        };
        let document = serde_json::json!({ "n_at_risk": 2, "value_at_risk": "10.5" });
        let codes: Vec<String> = first_looks(&summary, Some(&document))
            .into_iter()
            .map(|l| l.code)
            .collect();
        assert_eq!(codes, ["rejects", "value_at_risk"]);
    }
}
