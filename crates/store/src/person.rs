//! What hangs on one person: the records that lead to it over links, found by
//! the catalog alone, so that an object that is new is in it without a line
//! here. It reads; taking away is `erase`'s.

use std::collections::{BTreeMap, BTreeSet};

use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Type};

use crate::access::Access;
use crate::db::{Conn, int};
use crate::error::Result;
use crate::record::Record;
use crate::sql::quote;
use crate::store::Store;

/// Ids in one statement.
const PIECE: usize = 500;

/// Ids by object.
pub(crate) type Found = BTreeMap<String, BTreeSet<i64>>;

impl Store {
    /// The record and everything of the person that it stands for, each with
    /// all fields. `is_deep`: also what hangs on that, and so on; otherwise only
    /// what names the record itself. Empty where there is no such record.
    pub async fn person(&self, object: &str, id: i64, is_deep: bool) -> Result<Vec<Record>> {
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let found = hanging_on(&mut conn, &self.0.catalog, object, id, is_deep).await?;
        let mut records = Vec::new();
        for (object, ids) in &found {
            for id in ids {
                let all = Access::all();
                records.extend(self.record(&mut conn, object, *id, &all, false).await?);
            }
        }
        Ok(records)
    }
}

/// The record itself is among them.
pub(crate) async fn hanging_on(
    conn: &mut Conn<'_>,
    catalog: &Catalog,
    object: &str,
    id: i64,
    is_deep: bool,
) -> Result<Found> {
    let mut found = Found::from([(object.to_owned(), BTreeSet::from([id]))]);
    let mut news = found.clone();
    while !news.is_empty() {
        let mut next = Found::new();
        for (to, ids) in &news {
            for (other, link) in links_to(catalog, to) {
                for id in linked(conn, &other.id, link, ids).await? {
                    let known = found.entry(other.id.clone()).or_default();
                    if known.insert(id) {
                        next.entry(other.id.clone()).or_default().insert(id);
                    }
                }
            }
        }
        news = match is_deep {
            true => next,
            false => Found::new(),
        };
    }
    found.retain(|_, ids| !ids.is_empty());
    Ok(found)
}

/// A company below another is not a part of it, as a person goes.
fn links_to<'a>(
    catalog: &'a Catalog,
    to: &'a str,
) -> impl Iterator<Item = (&'a ObjectDef, &'a str)> {
    let others = catalog.objects.values().filter(move |o| o.id != to);
    others.flat_map(move |other| {
        let fields = other.fields.iter();
        let links = fields.filter(move |f| f.kind == Type::Link && f.to.as_deref() == Some(to));
        links.map(move |f| (other, f.id.as_str()))
    })
}

async fn linked(
    conn: &mut Conn<'_>,
    object: &str,
    link: &str,
    ids: &BTreeSet<i64>,
) -> Result<Vec<i64>> {
    let ids: Vec<i64> = ids.iter().copied().collect();
    let mut found = Vec::new();
    for piece in ids.chunks(PIECE) {
        let piece: Vec<String> = piece.iter().map(i64::to_string).collect();
        let sql = format!(
            "select \"id\" from {} where {} in ({})",
            quote(object),
            quote(link),
            piece.join(", ")
        );
        let rows = conn.rows(sql, &[] as &[Value], &[Type::Int]).await?;
        found.extend(rows.iter().filter_map(|row| int(&row[0])));
    }
    Ok(found)
}
