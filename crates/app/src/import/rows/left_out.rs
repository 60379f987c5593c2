//! Rows below the headings that are no orders: totals, notes at the foot, and
//! headings that every printed page repeats. Judged by their words; what a row
//! adds up to is the affair of `sums`.

use super::super::field::normal;
use super::super::parse;
use super::super::records::Record;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    Total,
    /// A note at the foot, or headings again.
    Note,
}

/// How many texts of a row are looked at for a label.
const EARLY: usize = 4;

/// Before the columns are known: any date in the row counts as its date.
pub fn by_its_words(record: &Record, header: &[String]) -> Option<LeftOut> {
    judged(record, header, has_any_date(record))
}

pub fn judged(record: &Record, header: &[String], has_date: bool) -> Option<LeftOut> {
    if total_label(record, has_date).is_some() {
        return Some(LeftOut::Total);
    }
    (repeats_header(record, header) || is_foot_note(record)).then_some(LeftOut::Note)
}

/// `合计` of a row of totals. A label that is more than the bare word (`三月
/// 小计`, `合计：300`) counts only where the row has no date of its own, because a
/// product may be called so.
pub fn total_label(record: &Record, has_date: bool) -> Option<String> {
    let texts = (0..record.len())
        .filter(|i| !record.is_repeated(*i))
        .map(|i| record.cell(i).trim())
        .filter(|cell| !cell.is_empty() && parse::number(cell).is_err());
    for (at, cell) in texts.take(EARLY).enumerate() {
        if cell.len() > 60 {
            continue;
        }
        let word = normal(cell);
        // Total is also the name of a customer; in front it is the label.
        if word.is_ascii() && at > 0 {
            continue;
        }
        if is_total_word(&word) || (has_total_word(&word) && !has_date) {
            return Some(word);
        }
    }
    None
}

fn is_total_word(word: &str) -> bool {
    matches!(
        word,
        "合计"
            | "总计"
            | "小计"
            | "共计"
            | "总合计"
            | "总和"
            | "汇总"
            | "总额"
            | "本页合计"
            | "本页小计"
            | "本月合计"
            | "本月小计"
            | "累计"
            | "本月累计"
            | "本年累计"
            | "total"
            | "totals"
            | "grandtotal"
            | "subtotal"
            | "subtotals"
            | "totalamount"
            | "sum"
            | "sumtotal"
    )
}

/// In front only numbers and what they are of may follow: 小计算器 is a product.
fn has_total_word(word: &str) -> bool {
    [
        "合计",
        "总计",
        "小计",
        "共计",
        "累计",
        "subtotal",
        "grandtotal",
    ]
    .iter()
    .any(|total| {
        word.ends_with(total)
            || word.strip_prefix(total).is_some_and(|rest| {
                ["金额", "数量", "元", "人民币"].contains(&rest)
                    || rest.starts_with(|c: char| c.is_ascii_digit())
            })
    })
}

fn has_any_date(record: &Record) -> bool {
    (0..record.len())
        .filter(|i| !record.is_repeated(*i))
        .any(|i| parse::day_month(record.cell(i).trim()).is_some())
}

/// The words with which a sheet ends; what follows them is a colon.
const NOTES: [&str; 22] = [
    "制表",
    "制单",
    "填表",
    "填报",
    "审核",
    "复核",
    "批准",
    "备注",
    "说明",
    "注",
    "打印",
    "经办",
    "主管",
    "数据来源",
    "导出",
    "统计",
    "note",
    "notes",
    "prepared",
    "printed",
    "source",
    "remark",
];

/// A row without any number whose first text is a note: nothing of it could be
/// an order.
fn is_foot_note(record: &Record) -> bool {
    let mut filled = record.cells().map(str::trim).filter(|c| !c.is_empty());
    let Some(first) = filled.next() else {
        return false;
    };
    if first.contains('\n') || record.size() > 300 {
        return false;
    }
    let rest: Vec<&str> = filled.collect();
    if rest.len() > 3 || rest.iter().any(|cell| parse::number(cell).is_ok()) {
        return false;
    }
    let folded: String = first.chars().map(parse::half_width).collect();
    let folded = folded.trim().to_lowercase();
    let is_page = (folded.starts_with('第') || folded.starts_with('共')) && folded.contains('页')
        || folded.starts_with("page ");
    let is_note = folded.split_once(':').is_some_and(|(word, _)| {
        NOTES
            .iter()
            .any(|n| word.trim_start_matches('*').starts_with(n))
    });
    let is_sentence = rest.is_empty()
        && parse::number(first).is_err()
        && folded.chars().count() >= 6
        && folded.contains([',', '.', ';', '、', ' '])
        && !folded.contains(|c: char| c.is_ascii_digit());
    is_page || is_note || is_sentence
}

pub fn repeats_header(record: &Record, header: &[String]) -> bool {
    let mut n = 0;
    for index in 0..record.len() {
        let cell = record.cell(index).trim();
        if cell.is_empty() {
            continue;
        }
        let is_heading = header.get(index).is_some_and(|heading| {
            heading == cell || heading.rsplit('/').next().is_some_and(|last| last == cell)
        });
        if !is_heading {
            return false;
        }
        n += 1;
    }
    n >= 2
}
