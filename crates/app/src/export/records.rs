//! Records as a file: those of one object (orders, lines, products, whatever
//! the catalog defines) and those behind a number. Each link stands as the
//! number of the record it leads to, or as its title where it has no number.

use std::path::Path;

use keji_schema::Type;
use keji_schema::definition::{DerivedDef, FieldDef, ObjectDef};
use keji_schema::expr::{Expr, Scope};
use keji_schema::question::Question;
use keji_store::{ChangeKind, ScanQuery, Sort};

use super::{Format, Heading, NewFile, asked};
use crate::audit::Event;
use crate::context::App;
use crate::error::{Error, Result};
use crate::messages::Language;
use crate::permission::{
    Action, Caller, access, is_covered, may_follow, require, require_read, sees_derived,
};

/// Which records, in which order.
#[derive(Debug, Default)]
pub struct RecordsWanted {
    /// An object of the catalog, such as `order`.
    pub object: String,
    /// A condition over its fields and those behind its links.
    pub filter: Option<String>,
    /// Fields separated by commas, `-` for descending; without any by `id`.
    pub sort: Option<String>,
}

/// Writes the file and returns the number of records. A file that exists is
/// replaced only once the new one is whole.
pub async fn records(
    app: &App,
    caller: &Caller,
    format: Format,
    wanted: &RecordsWanted,
    path: &Path,
    language: Language,
) -> Result<u64> {
    let object = app.catalog.object(&wanted.object)?;
    require(caller, &object.id, Action::Export)?;
    let caller = &caller.exporting();
    let scope = app.catalog.read_scope(&object.id);
    let filter = wanted.filter.as_deref().map(str::trim);
    let filter = filter.filter(|text| !text.is_empty());
    let filter = filter.map(|f| Expr::parse_filter(f, &scope)).transpose()?;
    for path in filter.iter().flat_map(Expr::fields) {
        require_read(&app.catalog, caller, &object.id, &path)?;
    }
    let (fields, headings) = columns(app, caller, object, format, language)?;
    let query = ScanQuery {
        object: object.id.clone(),
        fields,
        filter,
        sort: sort(app, caller, object, wanted.sort.as_deref())?,
    };
    let mut file = NewFile::create(format, path, &headings)?;
    let access = access(caller, &object.id);
    let n = app.store.scan(&query, &access, |row| file.row(row)).await?;
    let event = Event::new(ChangeKind::Export)
        .of(&object.id, None)
        .with("what", "records")
        .with("where", wanted.filter.as_deref())
        .with("format", format.id());
    file.finish(app, caller, event, n).await?;
    Ok(n)
}

/// The records behind a question about one metric, newest first; their number.
/// All of them, or as many as the question's limit says.
pub async fn rows(
    app: &App,
    caller: &Caller,
    format: Format,
    question: &Question,
    path: &Path,
    language: Language,
) -> Result<u64> {
    crate::insight::require_export(app, caller, question)?;
    let caller = &caller.exporting();
    // They are sorted in memory.
    const MOST: usize = 200_000;
    let found = crate::insight::behind(app, caller, question, MOST).await?;
    if found.truncated && found.rows.len() == MOST {
        let n = found.total;
        return Err(Error::State {
            code: "too_many_records",
            zh: format!("这个数背后有 {n} 条记录，一个文件最多 {MOST} 条：请缩短期间或加上条件"),
            en: format!(
                "{n} records are behind this number, a file takes {MOST}: choose a shorter period or add a condition"
            ),
        });
    }
    let (mut at, mut headings) = (Vec::new(), Vec::new());
    for (i, column) in found.columns.iter().enumerate() {
        let of = column.name.split('.').map(str::to_owned);
        let field = app.catalog.field(&found.object, &of.collect::<Vec<_>>());
        let Ok(field) = field else { continue };
        at.push(i);
        headings.push(Heading {
            label: match (format, language) {
                (Format::Parquet, _) => column.name.clone(),
                (_, Language::Zh) => column.label.zh.clone(),
                (_, Language::En) => column.label.en.clone(),
            },
            kind: match is_covered(&app.catalog, caller, &found.object, &column.name) {
                true => Type::Text,
                false => field.kind,
            },
        });
    }
    let mut file = NewFile::create(format, path, &headings)?;
    for row in &found.rows {
        let cells: Vec<_> = at.iter().map(|&i| row[i].clone()).collect();
        file.row(&cells)?;
    }
    let n = found.rows.len() as u64;
    let event = asked("records_behind", question, format).of(&found.object, None);
    file.finish(app, caller, event, n).await?;
    Ok(n)
}

/// The path and the heading of every column.
fn columns(
    app: &App,
    caller: &Caller,
    object: &ObjectDef,
    format: Format,
    language: Language,
) -> Result<(Vec<String>, Vec<Heading>)> {
    let (mut paths, mut headings) = (Vec::new(), Vec::new());
    let own = access(caller, &object.id);
    let is_seen = |field: &&FieldDef| own.shows(&object.id, &field.id);
    for field in object.fields.iter().filter(is_seen) {
        let mut kind = field.kind;
        let mut path = field.id.clone();
        if let Some(to) = &field.to {
            if !may_follow(&app.catalog, caller, &object.id, &field.id) {
                continue;
            }
            // As an import reads it again.
            let to = app.catalog.object(to)?;
            let mut known_by = to.number.iter().chain(&to.title);
            let Some(known_by) = known_by.find(|f| own.shows(&to.id, f)) else {
                continue;
            };
            path = format!("{path}.{known_by}");
            kind = Type::Text;
        }
        if own.masks(&object.id, &field.id) {
            kind = Type::Text;
        }
        let label = match (format, language) {
            (Format::Parquet, _) => path.clone(),
            (_, Language::Zh) => field.name.zh.clone(),
            (_, Language::En) => field.name.en.clone(),
        };
        paths.push(path);
        headings.push(Heading { label, kind });
    }
    let is_seen = |derived: &&DerivedDef| sees_derived(&app.catalog, caller, &object.id, derived);
    for derived in object.derived.iter().filter(is_seen) {
        let label = match (format, language) {
            (Format::Parquet, _) => derived.id.clone(),
            (_, Language::Zh) => derived.name.zh.clone(),
            (_, Language::En) => derived.name.en.clone(),
        };
        paths.push(derived.id.clone());
        headings.push(Heading {
            label,
            kind: derived.kind,
        });
    }
    Ok((paths, headings))
}

fn sort(app: &App, caller: &Caller, object: &ObjectDef, text: Option<&str>) -> Result<Vec<Sort>> {
    let keys = text.unwrap_or_default().split(',').map(str::trim);
    let keys = keys.filter(|key| !key.is_empty());
    let parsed = keys.map(|key| {
        let (name, descending) = match key.strip_prefix('-') {
            Some(name) => (name, true),
            None => (key, false),
        };
        if name != "id" {
            let path: Vec<String> = name.split('.').map(str::to_owned).collect();
            app.catalog.read_scope(&object.id).resolve(&path)?;
            require_read(&app.catalog, caller, &object.id, &path)?;
        }
        Ok(Sort {
            path: name.to_owned(),
            descending,
        })
    });
    let mut all = parsed.collect::<Result<Vec<_>>>()?;
    if all.is_empty() {
        all.push(Sort::asc("id"));
    }
    Ok(all)
}
