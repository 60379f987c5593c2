//! Records that a user marked as favourites, and those that he had open last.
//! They are his alone and say nothing of the records, so the log does not have
//! them. Whether he may still see them is asked when he reads.

use keji_schema::{Type, Value};

use crate::db::Fields;
use crate::error::Result;
use crate::store::Store;
use crate::write::now;

/// Of what he had open so many are kept.
const SEEN: u32 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Favourite,
    Seen,
}

impl Mark {
    fn table(self) -> &'static str {
        match self {
            Mark::Favourite => "keji_favourite",
            Mark::Seen => "keji_seen",
        }
    }
}

/// A record, by its object and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Marked {
    pub object: String,
    pub record: i64,
}

impl Store {
    /// The newest first.
    pub async fn marked(&self, mark: Mark, user: i64, limit: u32) -> Result<Vec<Marked>> {
        let sql = format!(
            "select object, record from {} where user_id = $1 \
             order by at desc, object, record limit {limit}",
            mark.table()
        );
        let mut reader = self.db().reader().await?;
        let kinds = [Type::Text, Type::Int];
        let rows = reader.conn().rows(sql, &[Value::Int(user)], &kinds).await?;
        let marked = |row| {
            let mut row = Fields::new(row);
            Ok(Marked {
                object: row.text()?,
                record: row.int()?,
            })
        };
        rows.into_iter().map(marked).collect()
    }

    pub async fn mark(&self, mark: Mark, user: i64, of: &Marked) -> Result<()> {
        let mut tx = self.db().begin_shared().await?;
        let mut conn = tx.conn();
        let table = mark.table();
        let again = match mark {
            Mark::Favourite => "nothing",
            Mark::Seen => "update set at = excluded.at",
        };
        let sql = format!(
            "insert into {table} (user_id, object, record, at) values ($1, $2, $3, $4) \
             on conflict (user_id, object, record) do {again}"
        );
        let params = [
            Value::Int(user),
            of.object.as_str().into(),
            Value::Int(of.record),
            Value::Instant(now()),
        ];
        conn.run(sql, &params).await?;
        if mark == Mark::Seen {
            let sql = format!(
                "delete from {table} where user_id = $1 and at < coalesce((select at from {table} \
                 where user_id = $1 order by at desc limit 1 offset {SEEN}), $2)"
            );
            let none = jiff::Timestamp::UNIX_EPOCH;
            conn.run(sql, &[Value::Int(user), Value::Instant(none)])
                .await?;
        }
        tx.commit().await
    }

    pub async fn unmark(&self, mark: Mark, user: i64, of: &Marked) -> Result<()> {
        let mut tx = self.db().begin_shared().await?;
        let sql = format!(
            "delete from {} where user_id = $1 and object = $2 and record = $3",
            mark.table()
        );
        let params = [
            Value::Int(user),
            of.object.as_str().into(),
            Value::Int(of.record),
        ];
        tx.conn().run(sql, &params).await?;
        tx.commit().await
    }
}
