//! The file of an import back, with what was found out about each row's
//! customer in new columns beside its own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keji_schema::definition::Mask;
use keji_schema::{Catalog, Type, Value};
use keji_store::{Access, ChangeKind, SavedMapping, ScanQuery};

use super::bytes::Limits;
use super::field::Vocabulary;
use super::mapping::{Mapping, signature};
use super::reading;
use super::records::Record;
use super::rows::{Judged, Line, Rows};
use super::table::Table;
use crate::audit::{Event, note};
use crate::context::App;
use crate::customers::View;
use crate::error::{Error, Result};
use crate::export::{Format, Heading, Sink, Temporary};
use crate::messages::Language;
use crate::permission::{Action, Caller, access, require};

/// The new columns: Chinese, English, type.
const COLUMNS: [(&str, &str, Type); 5] = [
    ("等级", "Tier", Type::Text),
    ("阶段", "Stage", Type::Text),
    ("流失风险", "Churn risk", Type::Float),
    ("原因", "Reason", Type::Text),
    ("预期价值", "Expected value", Type::Decimal),
];

/// A file as its import read it.
pub struct Source {
    pub path: PathBuf,
    pub filename: String,
    pub mapping: Option<Mapping>,
}

type Scores = HashMap<String, [Value; COLUMNS.len()]>;

/// Writes every row of the file, those of totals too, with the scores of its
/// customer as of the newest evaluation; the number of rows.
pub async fn scored(
    app: &App,
    caller: &Caller,
    source: Source,
    format: Format,
    out: PathBuf,
    language: Language,
) -> Result<u64> {
    if std::fs::canonicalize(&out)
        .is_ok_and(|there| std::fs::canonicalize(&source.path).is_ok_and(|from| from == there))
    {
        return Err(Error::State {
            code: "output_is_input",
            zh: format!("{} 正是要读的文件，请换一个名字", out.display()),
            en: format!(
                "{} is the file that is read: choose another name",
                out.display()
            ),
        });
    }
    crate::context::check_place(&out)?;
    require(caller, "score", Action::Export)?;
    let scores = scores(app, &caller.exporting(), language).await?;
    let own = access(caller, "customer");
    let event = Event::new(ChangeKind::Export)
        .with("what", "scored_file")
        .with("file", source.filename.as_str())
        .with("format", format.id());
    let work = Work {
        catalog: app.catalog.clone(),
        parser: app.workbook_parser.clone(),
        saved: app.store.mappings().await?,
        source,
        scores,
        covered: own,
        format,
        language,
    };
    let place = out.clone();
    let (partial, n) = tokio::task::spawn_blocking(move || {
        let partial = crate::export::partial(&out);
        let partial = Temporary::at(partial);
        let n = work.write(partial.path())?;
        Ok::<_, Error>((partial, n))
    })
    .await
    .map_err(|e| Error::Internal(e.to_string()))??;
    // No file without its entry in the log.
    note(app, caller, event.with("rows", n)).await?;
    let io = Error::io(place.display().to_string());
    std::fs::rename(partial.path(), &place).map_err(io)?;
    Ok(n)
}

async fn scores(app: &App, caller: &Caller, language: Language) -> Result<Scores> {
    let view = View::open(app, caller, None).await?;
    if view.as_of.is_none() {
        return Err(Error::State {
            code: "no_evaluation",
            zh: "还没有评估：先导入订单".to_owned(),
            en: "there is no evaluation yet: import orders first".to_owned(),
        });
    }
    let reason = match language {
        Language::Zh => "stage_reason_zh",
        Language::En => "stage_reason_en",
    };
    let names = ["number", "tier", "stage", "p_alive", reason, "clv_12m"];
    let fields = names.iter().map(|name| view.path(name));
    let query = ScanQuery {
        object: view.object().to_owned(),
        fields: fields.collect::<Result<_>>()?,
        filter: view.filter(None)?,
        sort: Vec::new(),
    };
    let label = |field: &str, value: &Value| -> Value {
        let (Value::Text(id), Ok(object)) = (value, app.catalog.object("score")) else {
            return value.clone();
        };
        let options = object.field(field).map(|f| f.options.as_slice());
        let option = options.unwrap_or_default().iter().find(|o| o.value == *id);
        option.map_or_else(
            || value.clone(),
            |o| match language {
                Language::Zh => o.zh.as_str().into(),
                Language::En => o.en.as_str().into(),
            },
        )
    };
    let mut scores = Scores::new();
    app.store
        .scan(
            &query,
            &access(caller, view.object()),
            |row: &[Value]| -> Result<()> {
                if let [Value::Text(number), tier, stage, alive, reason, value] = row {
                    let risk = match alive {
                        Value::Float(p) => Value::Float(((1.0 - p) * 1e4).round() / 1e4),
                        _ => Value::Null,
                    };
                    let found = [
                        label("tier", tier),
                        label("stage", stage),
                        risk,
                        reason.clone(),
                        value.clone(),
                    ];
                    scores.insert(number.clone(), found);
                }
                Ok(())
            },
        )
        .await?;
    Ok(scores)
}

struct Work {
    catalog: Arc<Catalog>,
    parser: Arc<PathBuf>,
    saved: Vec<SavedMapping>,
    source: Source,
    scores: Scores,
    /// What the caller does not see of the file in clear.
    covered: Access,
    format: Format,
    language: Language,
}

impl Work {
    fn write(self, out: &std::path::Path) -> Result<u64> {
        let cancel = Arc::new(AtomicBool::new(false));
        let written = self.rows(out, &cancel);
        // Ends the child that reads a workbook where we stopped early.
        cancel.store(true, Ordering::Relaxed);
        written
    }

    /// How a column with this field is covered for the caller, if it is.
    fn cover(&self, field: &str) -> Option<Mask> {
        let (object, id) = field.split_once('.')?;
        let def = self.catalog.objects.get(object)?.field(id)?;
        let mask = match self.covered.masks(object, id) {
            true => def.mask,
            false => Mask::All,
        };
        self.covered.hides(object, id).then_some(mask)
    }

    fn rows(&self, out: &std::path::Path, cancel: &Arc<AtomicBool>) -> Result<u64> {
        let source = &self.source;
        let input = reading::open(&source.path, &source.filename, &self.parser, cancel)?;
        let vocabulary = Vocabulary::new(&self.catalog.objects);
        let limits = Limits::default();
        let mut table = Table::open(input, &vocabulary, &limits, source.mapping.as_ref())?;
        let mapping = match &source.mapping {
            Some(mapping) => mapping.clone(),
            None => {
                let known = signature(table.header());
                match self.saved.iter().find(|m| m.signature == known) {
                    Some(saved) => reading::read_saved(saved)?,
                    None => Mapping::propose(&mut table, &vocabulary)?,
                }
            }
        };
        let own = table.header().len();
        let mut headings: Vec<Heading> = table
            .header()
            .iter()
            .map(|label| Heading {
                label: label.clone(),
                kind: Type::Text,
            })
            .collect();
        headings.extend(COLUMNS.iter().map(|(zh, en, kind)| Heading {
            label: match self.language {
                Language::Zh => (*zh).to_owned(),
                Language::En => (*en).to_owned(),
            },
            kind: *kind,
        }));
        let covers: Vec<Option<Mask>> = (mapping.columns.iter())
            .map(|column| self.cover(column.field.as_deref()?))
            .collect();
        let mut rows = Rows::new(table, &mapping, &vocabulary, &self.catalog.calendar)?;
        let mut sink = Sink::create(self.format, out, &headings)?;
        let mut record = Record::default();
        let mut n_rows = 0;
        while let Some(judged) = rows.next_judged(&mut record) {
            let customer = match judged? {
                Judged::Line(Line::Row(line)) => line.customer_number,
                Judged::Line(Line::Reject(_)) | Judged::LeftOut => None,
            };
            let scores = customer.and_then(|number| self.scores.get(&number));
            let cells = (0..own).map(|i| match covers.get(i).copied().flatten() {
                Some(mask) if !record.cell(i).trim().is_empty() => {
                    mask.cover(&record.cell(i).trim().into())
                }
                _ => cell(record.cell(i), self.format),
            });
            let mut row: Vec<Value> = cells.collect();
            match scores {
                Some(scores) => row.extend(scores.iter().cloned()),
                None => row.extend(COLUMNS.map(|_| Value::Null)),
            }
            sink.row(&row)?;
            n_rows += 1;
        }
        sink.finish()?;
        Ok(n_rows)
    }
}

/// A cell as it goes back: a plain number stays one, so that a minus is not
/// taken for a formula; what begins with a zero or is too long for a number
/// of a spreadsheet stays text.
fn cell(text: &str, format: Format) -> Value {
    let text = text.trim();
    if text.is_empty() {
        return Value::Null;
    }
    let digits = text.trim_start_matches('-');
    let is_code = digits.starts_with('0') && digits.len() > 1 && !digits.starts_with("0.");
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if format == Format::Parquet || is_code || !is_plain || digits.len() > 15 {
        return text.into();
    }
    match text.parse::<keji_schema::Decimal>() {
        Ok(number) if number.to_string() == text => Value::Decimal(number),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_numbers_and_codes_stay_text() {
        let shown = |text: &str| match cell(text, Format::Xlsx) {
            Value::Decimal(d) => format!("number {d}"),
            other => crate::error::shown(&other),
        };
        assert_eq!(shown("-12.5"), "number -12.5");
        assert_eq!(shown("0.5"), "number 0.5");
        assert_eq!(shown("007"), "007");
        assert_eq!(shown("12.50"), "12.50");
        assert_eq!(shown("6222020200112233445"), "6222020200112233445");
        assert_eq!(shown("=1+1"), "=1+1");
        assert_eq!(shown(" "), "");
    }
}
