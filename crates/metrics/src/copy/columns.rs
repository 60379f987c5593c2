//! Which columns an object has in the copy. It must not know files.

use keji_schema::{Catalog, Type};

use crate::error::{Error, Result};
use crate::rows::{Column, hash_bytes};

/// The columns of one object and where each comes from.
#[derive(Debug, Clone)]
pub struct CopyColumns {
    pub columns: Vec<Column>,
    /// Beside each column: the path of its value, from the object.
    pub paths: Vec<Vec<String>>,
    /// Index of the date that decides the month; `None` for a small object.
    pub time: Option<usize>,
    /// Index of the link to the customer by which rows are sorted.
    pub customer: Option<usize>,
    /// Changes whenever the columns do; part of every file's name, so that a
    /// changed definition rewrites its files.
    pub fingerprint: u32,
}

/// `id`, every own field, the included paths, and the path of the business
/// date where it is neither. `None` for an object that is not copied.
pub fn copy_columns(catalog: &Catalog, object: &str) -> Result<Option<CopyColumns>> {
    let def = catalog.object(object)?;
    let Some(copy) = &def.copy else {
        return Ok(None);
    };
    let own = def.fields.iter().map(|f| vec![f.id.clone()]);
    let split = |path: &String| path.split('.').map(str::to_owned).collect::<Vec<_>>();
    let mut paths: Vec<_> = own.chain(copy.include.iter().map(split)).collect();
    if let Some(time) = copy.time.as_ref().map(split)
        && !paths.contains(&time)
    {
        paths.push(time);
    }
    let mut columns = vec![Column {
        name: "id".into(),
        kind: Type::Link,
        required: true,
    }];
    for path in &paths {
        columns.push(Column {
            name: path.join("_"),
            kind: catalog.field(object, path)?.kind,
            required: is_required(catalog, object, path)?,
        });
    }
    paths.insert(0, vec!["id".into()]);
    let time = copy
        .time
        .as_ref()
        .and_then(|t| paths.iter().position(|p| p.join(".") == *t));
    if let Some(i) = time
        && (columns[i].kind != Type::Date || !columns[i].required)
    {
        let message = format!("copy.time of `{object}` is not a required date");
        return Err(Error::Schema(keji_schema::Error::Question(message)));
    }
    let is_customer = |p: &Vec<String>| p.last().is_some_and(|f| f == "customer");
    let customer = paths.iter().position(is_customer);
    let fingerprint = hash_bytes(format!("{columns:?}{time:?}{customer:?}").as_bytes()) as u32;
    Ok(Some(CopyColumns {
        columns,
        paths,
        time,
        customer,
        fingerprint,
    }))
}

/// A path holds a value in every row when each of its steps does.
fn is_required(catalog: &Catalog, object: &str, path: &[String]) -> Result<bool> {
    for n in 1..=path.len() {
        if !catalog.field(object, &path[..n])?.required {
            return Ok(false);
        }
    }
    Ok(true)
}
