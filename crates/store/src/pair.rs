//! Pairs of records that look like one, as a scan found them, and those that
//! somebody said are two.

use std::collections::BTreeSet;

use jiff::Timestamp;
use keji_schema::{Type, Value};

use crate::db::{Conn, Fields, int};
use crate::error::Result;
use crate::store::Store;
use crate::write::now;

/// Rows of one statement.
const PIECE: usize = 100;

/// Records that share a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub key: i64,
    pub records: Vec<i64>,
}

/// Two records of an object; `a` has the lower id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub a: i64,
    pub b: i64,
    /// In hundredths.
    pub score: i64,
    /// Words that the store does not know, separated by commas.
    pub reasons: String,
    pub found_at: Timestamp,
}

impl Store {
    /// Keeps pairs that a scan found which began at `found_at`; those that
    /// somebody said are two are left out.
    pub async fn keep_pairs(&self, object: &str, pairs: &[Pair]) -> Result<()> {
        let mut tx = self.db().begin().await?;
        for piece in pairs.chunks(PIECE) {
            let mut params: Vec<Value> = vec![object.into()];
            let mut rows = Vec::new();
            for pair in piece {
                let n = params.len();
                rows.push(format!(
                    "($1, ${}, ${}, ${}, ${}, ${})",
                    n + 1,
                    n + 2,
                    n + 3,
                    n + 4,
                    n + 5
                ));
                params.extend([
                    Value::Int(pair.a),
                    Value::Int(pair.b),
                    Value::Int(pair.score),
                    pair.reasons.as_str().into(),
                    Value::Instant(pair.found_at),
                ]);
            }
            let sql = format!(
                "insert into keji_duplicate (object, a, b, score, reasons, found_at) values {} \
                 on conflict (object, a, b) do update set score = excluded.score, \
                 reasons = excluded.reasons, found_at = excluded.found_at",
                rows.join(", ")
            );
            tx.conn().run(sql, &params).await?;
        }
        tx.commit().await
    }

    /// After a scan that began at `begun`: what it did not find again goes, and
    /// so does what somebody said are two. How many pairs there are.
    pub async fn close_pairs(&self, object: &str, begun: Timestamp) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_duplicate where object = $1 and (found_at < $2 or exists \
                   (select 1 from keji_distinct d where d.object = keji_duplicate.object \
                   and d.a = keji_duplicate.a and d.b = keji_duplicate.b))";
        conn.run(sql, &[object.into(), Value::Instant(begun)])
            .await?;
        let sql = "select count(*) from keji_duplicate where object = $1";
        let n = conn.int(sql, &[object.into()]).await?;
        tx.commit().await?;
        Ok(n)
    }

    /// The most alike first, behind the pair `after`.
    pub async fn pairs(
        &self,
        object: &str,
        after: Option<(i64, i64, i64)>,
        limit: u32,
    ) -> Result<Vec<Pair>> {
        let (score, a, b) = after.unwrap_or((i64::MAX, 0, 0));
        let sql = format!(
            "select a, b, score, reasons, found_at from keji_duplicate where object = $1 \
             and (score < $2 or (score = $2 and (a > $3 or (a = $3 and b > $4)))) \
             order by score desc, a, b limit {limit}"
        );
        let params = [
            object.into(),
            Value::Int(score),
            Value::Int(a),
            Value::Int(b),
        ];
        let kinds = [Type::Int, Type::Int, Type::Int, Type::Text, Type::Instant];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &kinds).await?;
        let pair = |row| {
            let mut row = Fields::new(row);
            Ok(Pair {
                a: row.int()?,
                b: row.int()?,
                score: row.int()?,
                reasons: row.text()?,
                found_at: row.instant()?,
            })
        };
        rows.into_iter().map(pair).collect()
    }

    /// Somebody says that two records are two. No scan proposes them again.
    pub async fn tell_apart(&self, object: &str, a: i64, b: i64, actor: &str) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let (a, b) = (Value::Int(a.min(b)), Value::Int(a.max(b)));
        let sql = "insert into keji_distinct (object, a, b, actor, at) values ($1, $2, $3, $4, $5) \
                   on conflict (object, a, b) do nothing";
        let params = [
            object.into(),
            a.clone(),
            b.clone(),
            actor.into(),
            Value::Instant(now()),
        ];
        conn.run(sql, &params).await?;
        let sql = "delete from keji_duplicate where object = $1 and a = $2 and b = $3";
        conn.run(sql, &[object.into(), a, b]).await?;
        tx.commit().await
    }

    /// That was a mistake: the next scan may propose them again.
    pub async fn tell_alike(&self, object: &str, a: i64, b: i64) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let sql = "delete from keji_distinct where object = $1 and a = $2 and b = $3";
        let params = [object.into(), Value::Int(a.min(b)), Value::Int(a.max(b))];
        tx.conn().run(sql, &params).await?;
        tx.commit().await
    }

    /// Those that somebody said are two, of one record: the other ones.
    pub async fn told_apart(&self, object: &str, id: i64) -> Result<BTreeSet<i64>> {
        let mut reader = self.db().reader().await?;
        let sql = "select case when a = $2 then b else a end from keji_distinct \
                   where object = $1 and (a = $2 or b = $2)";
        let params = [object.into(), Value::Int(id)];
        let rows = reader.conn().rows(sql, &params, &[Type::Int]).await?;
        Ok(rows.iter().filter_map(|row| int(&row[0])).collect())
    }

    /// A word that is kept about the scans, and one that was.
    pub async fn note_scan(&self, object: &str, note: &serde_json::Value) -> Result<()> {
        let mut tx = self.db().begin().await?;
        crate::system::set_meta(&mut tx.conn(), &scan_key(object), &note.to_string()).await?;
        tx.commit().await
    }

    pub async fn scan_noted(&self, object: &str) -> Result<Option<serde_json::Value>> {
        let mut reader = self.db().reader().await?;
        let mut conn: Conn<'_> = reader.conn();
        let text = crate::system::meta(&mut conn, &scan_key(object)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }
}

fn scan_key(object: &str) -> String {
    format!("duplicates.{object}")
}
