//! Records that mean the same: found while one of them is typed and by a scan
//! of all, and made one.
//!
//! By what two records of an object are known as one, its definition says
//! (`[duplicates]`). Nothing here knows an object by name but the customer's
//! last contact.
//!
//! Reading order: `traits` (what tells records apart, and how alike two are),
//! `names`, `places` and `codes` (how they are written one way), [`check`]
//! (while typing), [`scan`] (all of them), [`merge`] (two become one).

pub mod check;
pub mod merge;
pub mod scan;

mod codes;
mod names;
mod places;
mod traits;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::definition::{DuplicatesDef, ObjectDef};
use keji_schema::expr::{Expr, Node};
use keji_schema::{Type, Value};
use keji_store::{Access, KeyReader, ListQuery};

use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Action, Caller, require};

pub use codes::with_check_sign;
pub use traits::{LISTED, Likeness, Reason};

use traits::Traits;

/// Made anew where the keys are made of something else.
const READER: KeyReader = KeyReader {
    version: 2,
    read: |def, values| traits::traits(def, values, |_| true).keys(),
};

/// Records that are read at once.
const PORTION: usize = 500;

/// What is remembered between requests.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    asked: Mutex<HashMap<String, check::Asked>>,
    /// Who was told of which record's being there, and on which day.
    told: Mutex<HashMap<(String, String, i64), Date>>,
    /// When the clock was last looked at for the nightly scan.
    looked: Mutex<Option<Instant>>,
    /// When it was looked at first: about when the program started.
    since: OnceLock<Timestamp>,
}

/// Brings the keys up to what the store says.
pub(crate) async fn follow(app: &App) -> Result<()> {
    while app.store.follow_keys(&READER).await? {}
    Ok(())
}

/// One portion of the same, for a worker; says whether there is more.
pub async fn follow_on(app: &App) -> Result<bool> {
    Ok(app.store.follow_keys(&READER).await?)
}

/// An object that may have duplicates, and that the caller may do this with.
fn known<'a>(
    app: &'a App,
    caller: &Caller,
    object: &str,
    actions: &[Action],
) -> Result<(&'a ObjectDef, &'a DuplicatesDef)> {
    let def = app.catalog.objects.get(object);
    let def = def.ok_or_else(|| Error::not_found("object", object))?;
    for action in actions {
        require(caller, object, *action)?;
    }
    let duplicates = def.duplicates.as_ref().ok_or_else(|| Error::State {
        code: "no_duplicates",
        zh: format!("{}没有写明按什么认重复", def.name.zh),
        en: format!("`{object}` does not say by what duplicates are known"),
    })?;
    Ok((def, duplicates))
}

/// What tells each of these records from others; those that are no more are
/// left out.
async fn traits_of(
    app: &App,
    def: &ObjectDef,
    duplicates: &DuplicatesDef,
    ids: &[i64],
    is_used: impl Fn(&str) -> bool,
) -> Result<BTreeMap<i64, Traits>> {
    let mut fields = vec!["id".to_owned()];
    fields.extend(duplicates.fields().into_iter().map(str::to_owned));
    let mut found = BTreeMap::new();
    for row in rows_of(app, &def.id, fields, ids, &Access::all()).await? {
        if let Some(Value::Int(id)) = row.first() {
            found.insert(*id, traits::traits(def, &row[1..], &is_used));
        }
    }
    Ok(found)
}

/// Those of the records that are among those of `access`.
async fn rows_of(
    app: &App,
    object: &str,
    fields: Vec<String>,
    ids: &[i64],
    access: &Access,
) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    for ids in ids.chunks(PORTION) {
        let query = ListQuery {
            object: object.to_owned(),
            fields: fields.clone(),
            filter: Some(is_one_of(ids)),
            limit: PORTION as u32,
            ..ListQuery::default()
        };
        rows.extend(app.store.list(&query, access).await?.rows);
    }
    Ok(rows)
}

fn is_one_of(ids: &[i64]) -> Expr {
    let id = Expr {
        node: Node::Field(vec!["id".to_owned()]),
        kind: Some(Type::Link),
    };
    let ids = ids.iter().map(|id| Value::Int(*id)).collect();
    Expr {
        node: Node::In(Box::new(id), ids),
        kind: Some(Type::Bool),
    }
}
