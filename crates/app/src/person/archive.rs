//! A person's data as one ZIP: a JSON document with everything and its
//! history, a table in CSV for each object, for whoever opens it with a
//! spreadsheet, and the person's files as they are.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use keji_schema::{Type, Value};
use keji_store::content::{CHECKSUM, OBJECT};
use keji_store::{Contents, Record};
use serde_json::{Map, Value as Json, json};
use zip::write::SimpleFileOptions;

use crate::context::App;
use crate::error::{Error, Result};
use crate::export::{Format, Heading, Sink, Temporary, temporary};
use crate::records::files::name;

/// Entries of the log of one record.
const MAX_HISTORY: u32 = 10_000;

pub(super) async fn write(
    app: &App,
    subject: &Record,
    records: Vec<Record>,
    path: &Path,
) -> Result<()> {
    let mut by_object: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in &records {
        by_object.entry(&record.object).or_default().push(record);
    }
    let mut objects = Map::new();
    let mut history = Vec::new();
    let mut tables: Vec<(String, Temporary)> = Vec::new();
    for (object, records) in &by_object {
        let def = app.catalog.object(object)?;
        let all: Vec<Json> = (records.iter())
            .map(|r| serde_json::to_value(r).map_err(|e| Error::Internal(e.to_string())))
            .collect::<Result<_>>()?;
        objects.insert((*object).to_owned(), all.into());
        for record in records {
            for change in app.store.history(record, None, MAX_HISTORY).await? {
                history.push(json!({
                    "object": object, "record": record.id, "at": change.at,
                    "actor": change.actor, "kind": change.kind,
                    "before": change.before, "after": change.after,
                }));
            }
        }
        let mut headings = vec![Heading {
            label: "id".to_owned(),
            kind: Type::Int,
        }];
        headings.extend(def.fields.iter().map(|f| Heading {
            label: f.id.clone(),
            kind: f.kind,
        }));
        let table = temporary(app)?;
        let mut sink = Sink::create(Format::Csv, table.path(), &headings)?;
        for record in records {
            let mut row = vec![record.id.into()];
            row.extend(def.fields.iter().map(|f| record.value(&f.id).clone()));
            sink.row(&row)?;
        }
        sink.finish()?;
        tables.push((format!("{object}.csv"), table));
    }
    let mut files: Vec<(String, String)> = Vec::new();
    for record in by_object.get(OBJECT).into_iter().flatten() {
        if let Value::Text(checksum) = record.value(CHECKSUM) {
            let given = match record.value("name") {
                Value::Text(name) => name.as_str(),
                _ => "",
            };
            let name = name::clean(given, record.id);
            files.push((format!("files/{}-{name}", record.id), checksum.clone()));
        }
    }
    let document = json!({
        "about": { "object": subject.object, "record": subject.id },
        "written_at": jiff::Timestamp::now(),
        "records": objects,
        "history": history,
    });
    let (path, contents) = (path.to_owned(), app.contents.clone());
    let written =
        tokio::task::spawn_blocking(move || pack(&path, &document, &tables, &files, &contents));
    written.await.map_err(|e| Error::Internal(e.to_string()))?
}

fn pack(
    path: &Path,
    document: &Json,
    tables: &[(String, Temporary)],
    files: &[(String, String)],
    contents: &Contents,
) -> Result<()> {
    let io = || Error::io(path.display().to_string());
    let zipped = |e: zip::result::ZipError| io()(e.into());
    let file = std::fs::File::create(path).map_err(io())?;
    let mut zip = zip::ZipWriter::new(file);
    let options = SimpleFileOptions::default();
    zip.start_file("person.json", options).map_err(zipped)?;
    serde_json::to_writer_pretty(&mut zip, document).map_err(|e| io()(e.into()))?;
    for (name, table) in tables {
        zip.start_file(name.as_str(), options).map_err(zipped)?;
        let bytes = std::fs::read(table.path()).map_err(io())?;
        zip.write_all(&bytes).map_err(io())?;
    }
    for (name, checksum) in files {
        // One that is missing is `keji check`'s to tell.
        let Some(mut content) = contents.open(checksum)? else {
            continue;
        };
        let large = content.metadata().map_err(io())?.len() >= u64::from(u32::MAX);
        zip.start_file(name.as_str(), options.large_file(large))
            .map_err(zipped)?;
        std::io::copy(&mut content, &mut zip).map_err(io())?;
    }
    let file = zip.finish().map_err(zipped)?;
    file.sync_all().map_err(io())
}
