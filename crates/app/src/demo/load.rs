//! Loads the demo company the way a user would load his own: its order file
//! goes through the same import. Its costs follow, and evaluations as of the
//! last quarters, so that there is a history to look at.

use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use keji_schema::Value;

use super::{Company, FILENAME, generate, write_csv};
use crate::context::App;
use crate::error::{Error, Result};
use crate::import::{self, How, ImportOutcome, ImportRequest, Summary};
use crate::permission::Caller;

/// The demo's today: fixed, so that everybody sees the same figures.
pub const LAST_DAY: Date = date(2026, 10, 31);

pub async fn load(app: &App, caller: &Caller) -> Result<Summary> {
    if !crate::status::is_empty(app).await? {
        return Err(Error::State {
            code: "not_empty",
            zh: "这里已经有数据，示例公司只能装入空的地方".to_owned(),
            en: "this place holds data; the demo company is loaded into an empty one only"
                .to_owned(),
        });
    }
    let folder = app.folder().join("demo");
    std::fs::create_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
    let path = folder.join(FILENAME);
    let company = tokio::task::spawn_blocking({
        let path = path.clone();
        move || -> Result<Company> {
            let what = path.display().to_string();
            let company = generate(LAST_DAY);
            let file = std::fs::File::create(&path).map_err(Error::io(what.clone()))?;
            let mut out = BufWriter::new(file);
            write_csv(&company, &mut out).map_err(Error::io(what.clone()))?;
            out.flush().map_err(Error::io(what))?;
            Ok(company)
        }
    })
    .await
    .map_err(|e| Error::Internal(e.to_string()))??;

    let request = ImportRequest {
        path,
        how: How::default(),
        rejects: None,
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let summary = match import::run(app, caller, request, &|_| {}, cancel).await? {
        ImportOutcome::Done { summary, .. } => *summary,
        ImportOutcome::NeedsMapping(mapping) => return Err(Error::NeedsMapping(mapping)),
    };
    costs(app, caller, &company).await?;

    let end = LAST_DAY.tomorrow().unwrap_or(LAST_DAY);
    for months in [9, 6, 3, 0] {
        let day = end.checked_sub(months.months()).unwrap_or(end);
        crate::evaluation::run(app, caller, Some(day), &|_| {}).await?;
    }
    Ok(summary)
}

async fn costs(app: &App, caller: &Caller, company: &Company) -> Result<()> {
    let ids = crate::customers::ids_by_number(app, caller).await?;
    let rows = company.costs().into_iter().map(|cost| {
        vec![
            cost.customer_number
                .and_then(|n| ids.get(n))
                .map_or(Value::Null, |&id| Value::Int(id)),
            Value::from(cost.class.value()),
            Value::Decimal(cost.amount),
            Value::Date(cost.incurred_on),
            Value::from(cost.note),
        ]
    });
    let fields = ["customer", "class", "amount", "incurred_on", "note"];
    app.store
        .insert_many("cost", &fields, rows, &caller.actor, caller.channel.id())
        .await?;
    Ok(())
}
