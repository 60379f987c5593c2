//! What is written portion by portion lies in many pieces, and a question looks
//! for each of its terms in every one of them. When there is nothing else to
//! do, the pieces of an object are brought together, a little at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use keji_schema::Value;

use super::{Index, table};
use crate::db::Conn;
use crate::error::Result;
use crate::sql::quote;
use crate::store::Store;

/// So many pieces cost a question little.
const FEW: i64 = 4;

/// Pages that are written at once: some ten milliseconds for the writer.
const PAGES: i64 = 250;

/// Records written by one portion after which an object is looked at again.
const MANY: usize = 200;

/// Objects whose pieces are counted or brought together, and whether that has
/// begun.
#[derive(Debug, Default)]
pub(super) struct Unsettled(Mutex<BTreeMap<String, bool>>);

impl Unsettled {
    pub(super) fn of(objects: impl Iterator<Item = String>) -> Unsettled {
        Unsettled(Mutex::new(objects.map(|object| (object, false)).collect()))
    }

    /// So many records of an object were written.
    pub(super) fn written(&self, object: &str, n: usize) {
        if n >= MANY {
            self.put(object, false);
        }
    }

    fn put(&self, object: &str, has_begun: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(object.to_owned(), has_begun);
    }

    fn take(&self) -> Option<(String, bool)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.pop_first()
    }
}

impl Store {
    /// One step towards an index of few pieces; says whether there may be more
    /// to do. For whoever follows, while there is nothing to follow.
    pub async fn settle_search(&self) -> Result<bool> {
        match self.0.search.get() {
            Some(index) => index.settle().await,
            None => Ok(false),
        }
    }
}

impl Index {
    async fn settle(&self) -> Result<bool> {
        let Some((object, has_begun)) = self.unsettled.take() else {
            return Ok(false);
        };
        let mut tx = self.begin().await?;
        let mut conn = tx.conn();
        // It may have been made anew since, or be another process's work.
        if !is_there(&mut conn, &object).await? {
            return Ok(true);
        }
        if !has_begun && pieces(&mut conn, &object).await? <= FEW {
            return Ok(true);
        }
        // With a negative number all pieces become one level, which the next
        // calls go on with. Nothing was left to do where a call changes less
        // than two rows (FTS5's documentation of `merge`).
        let before = total_changes(&mut conn).await?;
        let name = quote(&table(&object));
        let sql = format!("insert into {name} ({name}, rank) values ('merge', $1)");
        let n = if has_begun { PAGES } else { -PAGES };
        conn.run(sql, &[Value::Int(n)]).await?;
        let is_done = total_changes(&mut conn).await? - before < 2;
        tx.commit().await?;
        if !is_done {
            self.unsettled.put(&object, true);
        }
        Ok(true)
    }
}

async fn is_there(conn: &mut Conn<'_>, object: &str) -> Result<bool> {
    let sql = "select count(*) from sqlite_schema where name = $1";
    Ok(conn.int(sql, &[Value::Text(table(object))]).await? > 0)
}

/// In how many pieces the terms of an object lie.
pub(super) async fn pieces(conn: &mut Conn<'_>, object: &str) -> Result<i64> {
    let idx = quote(&format!("{}_idx", table(object)));
    let sql = format!("select count(distinct segid) from {idx}");
    conn.int(sql, &[]).await
}

async fn total_changes(conn: &mut Conn<'_>) -> Result<i64> {
    conn.int("select total_changes()", &[]).await
}
