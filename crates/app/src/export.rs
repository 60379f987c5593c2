//! Lists and answers as files: the customers with their scores, the answer to
//! a question, and (in [`crate::import`]) a file of orders with the scores
//! beside its rows. Streams; memory does not grow with the rows.

mod records;
mod sink;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use keji_schema::question::{Question, Role};
use keji_schema::{Type, Value};
use keji_store::{ChangeKind, ListQuery, ScanQuery};

pub use records::{RecordsWanted, records, rows};
pub(crate) use sink::{Heading, Sink};

use crate::audit::{Event, note};
use crate::context::{App, check_place};
use crate::customers::{ListCustomers, MAX_PAGE, View};
use crate::error::{Error, Result};
use crate::messages::Language;
use crate::permission::{Action, Caller, access, require};

/// Rows of an answer in a file; a sheet of a workbook has hardly more.
const MAX_FILE_ROWS: usize = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Xlsx,
    Parquet,
}

impl Format {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::Parquet => "parquet",
        }
    }

    /// By the file's ending.
    pub fn of(path: &Path) -> Result<Format> {
        let end = path
            .extension()
            .and_then(|e| e.to_str())
            .map(str::to_ascii_lowercase);
        match end.as_deref() {
            Some("csv") => Ok(Format::Csv),
            Some("xlsx") => Ok(Format::Xlsx),
            Some("parquet") => Ok(Format::Parquet),
            _ => Err(Error::Argument {
                name: "output",
                zh: format!("{} 的结尾要是 .csv、.xlsx 或 .parquet", path.display()),
                en: format!("{} must end in .csv, .xlsx or .parquet", path.display()),
            }),
        }
    }
}

/// A file that goes when it is no longer held.
pub struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn at(path: PathBuf) -> Temporary {
        Temporary(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left behind is swept with the folder.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A file in the making. It takes its name, also that of a file that is there,
/// once it is whole; given up before, it leaves nothing behind.
struct NewFile {
    sink: Sink,
    partial: Temporary,
    path: PathBuf,
}

impl NewFile {
    fn create(format: Format, path: &Path, headings: &[Heading]) -> Result<NewFile> {
        check_place(path)?;
        let partial = Temporary(partial(path));
        Ok(NewFile {
            sink: Sink::create(format, partial.path(), headings)?,
            partial,
            path: path.to_owned(),
        })
    }

    fn row(&mut self, row: &[Value]) -> Result<()> {
        self.sink.row(row)
    }

    /// No file gets its name without its entry in the log.
    async fn finish(self, app: &App, caller: &Caller, event: Event, n_rows: u64) -> Result<()> {
        self.sink.finish()?;
        note(app, caller, event.with("rows", n_rows)).await?;
        let named = std::fs::rename(self.partial.path(), &self.path);
        named.map_err(Error::io(self.path.display().to_string()))
    }
}

/// Beside the file, under a name that is nobody's.
pub(crate) fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.keji-{}.part", std::process::id()))
}

/// A file under a name that nobody else uses.
pub fn temporary(app: &App) -> Result<Temporary> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let folder = app.folder().join("temporary");
    std::fs::create_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
    let name = format!(
        "export-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    Ok(Temporary(folder.join(name)))
}

/// The answer to a question as a file; the number of its rows.
pub async fn answer(
    app: &App,
    caller: &Caller,
    format: Format,
    question: &Question,
    path: &Path,
    language: Language,
) -> Result<u64> {
    crate::insight::require_export(app, caller, question)?;
    let caller = &caller.exporting();
    let whole = Question {
        limit: Some(question.limit.unwrap_or(MAX_FILE_ROWS)),
        ..question.clone()
    };
    let answer = crate::insight::ask(app, caller, &whole).await?;
    if answer.truncated && question.limit.is_none() {
        return Err(Error::State {
            code: "too_many_rows",
            zh: format!("答案超过 {MAX_FILE_ROWS} 行，一个文件放不下：请加上条件或少拆一个维度"),
            en: format!(
                "the answer has more than the {MAX_FILE_ROWS} rows of a file: filter it or leave out a dimension"
            ),
        });
    }
    let mut headings = Vec::new();
    for (i, column) in answer.columns.iter().enumerate() {
        let kind = answer.rows.iter().map(|row| &row[i]).find_map(kind_of);
        headings.push(Heading {
            label: match format {
                Format::Parquet => column.name.clone(),
                Format::Csv | Format::Xlsx => label(app, &column.name, column.role, language),
            },
            kind: kind.unwrap_or(Type::Text),
        });
    }
    let mut file = NewFile::create(format, path, &headings)?;
    answer.rows.iter().try_for_each(|row| file.row(row))?;
    let n = answer.rows.len() as u64;
    let event = asked("answer", question, format);
    file.finish(app, caller, event, n).await?;
    Ok(n)
}

fn kind_of(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Null => return None,
        Value::Text(_) => Type::Text,
        Value::Int(_) => Type::Int,
        Value::Decimal(_) => Type::Decimal,
        Value::Float(_) => Type::Float,
        Value::Bool(_) => Type::Bool,
        Value::Date(_) => Type::Date,
        Value::Instant(_) => Type::Instant,
    })
}

/// What a person calls a column of an answer.
fn label(app: &App, name: &str, role: Role, language: Language) -> String {
    let pick = |zh: &str, en: &str| match language {
        Language::Zh => zh.to_owned(),
        Language::En => en.to_owned(),
    };
    let (metric, more) = match (name.strip_suffix("_previous"), name.strip_suffix("_change")) {
        (Some(metric), _) => (metric, pick("（对比期）", " (compared)")),
        (_, Some(metric)) => (metric, pick("（变化）", " (change)")),
        _ => (name, String::new()),
    };
    if role == Role::Metric
        && let Some(known) = app.catalog.metrics.get(metric)
    {
        return pick(&known.name.zh, &known.name.en) + &more;
    }
    match name {
        "period" => pick("期间", "Period"),
        "cohort" => pick("首购月", "Cohort"),
        "age" => pick("月龄", "Age in months"),
        _ => {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            let objects = ["order", "order_line", "score", "customer"];
            let field = objects
                .iter()
                .find_map(|object| app.catalog.field(object, &path).ok());
            field.map_or_else(|| name.to_owned(), |f| pick(&f.name.zh, &f.name.en))
        }
    }
}

/// Writes the file and returns the number of customers. A file that exists is
/// replaced only once the new one is whole.
pub async fn customers(
    app: &App,
    caller: &Caller,
    format: Format,
    wanted: &ListCustomers,
    path: &Path,
    language: Language,
) -> Result<u64> {
    require(caller, "customer", Action::Export)?;
    let caller = &caller.exporting();
    let view = View::open(app, caller, wanted.as_of).await?;
    require(caller, view.object(), Action::Export)?;
    let mut columns = Vec::new();
    let mut paths = Vec::new();
    for (name, field_path) in view.columns() {
        // The reasons are kept in both languages; a file has its reader's.
        let other = match language {
            Language::Zh => "_reason_en",
            Language::En => "_reason_zh",
        };
        if name == "id" || name.ends_with(other) {
            continue;
        }
        let parts: Vec<String> = field_path.split('.').map(str::to_owned).collect();
        let field = app.catalog.field(view.object(), &parts)?;
        let label = match (format, language) {
            (Format::Parquet, _) => name.clone(),
            (_, Language::Zh) => field.name.zh.clone(),
            (_, Language::En) => field.name.en.clone(),
        };
        columns.push(Heading {
            label,
            kind: match view.is_covered(&field_path) {
                true => Type::Text,
                false => field.kind,
            },
        });
        paths.push(field_path);
    }
    let mut file = NewFile::create(format, path, &columns)?;
    let n = if wanted.search.is_some() {
        found(app, caller, &view, wanted, paths, &mut file).await?
    } else {
        let query = ScanQuery {
            object: view.object().to_owned(),
            fields: paths,
            filter: view.filter(wanted.filter.as_deref())?,
            sort: view.sort(wanted.sort.as_deref())?,
        };
        let access = access(caller, view.object());
        let row = |row: &[Value]| file.row(row);
        app.store.scan(&query, &access, row).await?
    };
    let event = Event::new(ChangeKind::Export)
        .of("customer", None)
        .with("what", "customers")
        .with("where", wanted.filter.as_deref())
        .with("search", wanted.search.as_deref())
        .with("as_of", view.as_of.map(|day| day.to_string()))
        .with("format", format.id());
    file.finish(app, caller, event, n).await?;
    Ok(n)
}

/// Of a question that went out as a file.
fn asked(what: &str, question: &Question, format: Format) -> Event {
    Event::new(ChangeKind::Export)
        .with("what", what)
        .with("metrics", question.metrics.clone())
        .with("by", question.by.clone())
        .with("from", question.from.map(|day| day.to_string()))
        .with("to", question.to.map(|day| day.to_string()))
        .with("where", question.filter.as_deref())
        .with("format", format.id())
}

/// Page by page what a search finds.
async fn found(
    app: &App,
    caller: &Caller,
    view: &View<'_>,
    wanted: &ListCustomers,
    fields: Vec<String>,
    file: &mut NewFile,
) -> Result<u64> {
    crate::spelling::follow(app).await?;
    let mut query = ListQuery {
        fields,
        limit: MAX_PAGE,
        ..view.query(wanted)?
    };
    let mut n_rows = 0;
    loop {
        let page = app
            .store
            .list(&query, &access(caller, view.object()))
            .await?;
        for row in &page.rows {
            file.row(row)?;
            n_rows += 1;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(n_rows),
        }
    }
}
