//! Evaluations: the scores of all customers as of one day.

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::{Type, Value};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::change::ChangeKind;
use crate::db::Fields;
use crate::db::bulk::Rows;
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::store::Store;
use crate::write::{constraint, now};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    pub as_of: Date,
    pub at: Timestamp,
    pub n_customers: i64,
    /// The change that wrote it.
    pub seq: i64,
}

/// Rows that are handed to the database at once.
const PORTION: usize = 2000;

impl Store {
    /// Replaces the scores as of one day, in one transaction and one change,
    /// and returns its position. Each row has the values of `fields` of object
    /// `score`, in their order; `as_of` is set here and not among them. Rows
    /// are taken from the iterator some at a time.
    pub async fn write_scores(
        &self,
        as_of: Date,
        summary: Json,
        fields: &[&str],
        rows: impl Iterator<Item = Vec<Value>> + Send,
        actor: &str,
    ) -> Result<i64> {
        let columns = self.score_columns(fields)?;
        let mut tx = self.db().begin().await?;
        let sql = "delete from score where as_of = $1";
        let n_before = tx.conn().run(sql, &[Value::Date(as_of)]).await?;
        let mut n_customers = 0;
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let width = columns.len();
            let mut portion = Rows {
                width,
                values: Vec::with_capacity(PORTION * width),
            };
            for row in rows.by_ref().take(PORTION) {
                if row.len() + 1 != width {
                    let message = format!("a score has {} values, not {}", row.len(), width - 1);
                    return Err(Error::Query(message));
                }
                portion.values.push(Value::Date(as_of));
                portion.values.extend(row);
                n_customers += 1;
            }
            let inserted = tx.insert("score", &columns, portion).await;
            tx = inserted.map_err(|e| constraint(e, "score", None))?;
        }
        let at = now();
        let after = Map::from_iter([
            ("as_of".to_owned(), Json::from(as_of.to_string())),
            ("n_customers".to_owned(), Json::from(n_customers)),
        ]);
        let mut conn = tx.conn();
        let entry = Entry {
            at,
            actor,
            channel: "evaluation",
            kind: ChangeKind::Evaluation,
            object: Some("score"),
            record: None,
            batch: None,
            before: None,
            after: Some(&after),
        };
        let seq = log::append(&mut conn, &entry).await?;
        if n_before > 0 || n_customers > 0 {
            let part = ("score".to_owned(), Some(as_of.first_of_month()));
            log::touch(&mut conn, seq, &Touches::from([part]), None).await?;
        }
        let sql = "insert into keji_evaluation (as_of, at, n_customers, seq, summary) \
                   values ($1, $2, $3, $4, $5) on conflict (as_of) do update set \
                   at = excluded.at, n_customers = excluded.n_customers, seq = excluded.seq, \
                   summary = excluded.summary";
        let params = [
            Value::Date(as_of),
            Value::Instant(at),
            Value::Int(n_customers),
            Value::Int(seq),
            Value::Text(summary.to_string()),
        ];
        conn.run(sql, &params).await?;
        self.renew_leases(&mut conn).await?;
        tx.commit().await?;
        Ok(seq)
    }

    /// Newest day first.
    pub async fn evaluations(&self) -> Result<Vec<Evaluation>> {
        let sql = "select as_of, at, n_customers, seq from keji_evaluation order by as_of desc";
        let rows = self
            .db()
            .reader()
            .await?
            .conn()
            .rows(sql, &[], &KINDS[..4])
            .await?;
        rows.into_iter()
            .map(|row| evaluation(&mut Fields::new(row)))
            .collect()
    }

    /// With the summary that was given to [`Store::write_scores`].
    pub async fn evaluation(&self, as_of: Date) -> Result<Option<(Evaluation, Json)>> {
        let sql = "select as_of, at, n_customers, seq, summary from keji_evaluation \
                   where as_of = $1";
        let row = self
            .db()
            .reader()
            .await?
            .conn()
            .row(sql, &[Value::Date(as_of)], &KINDS)
            .await?;
        let read = |row| {
            let mut row = Fields::new(row);
            Ok((evaluation(&mut row)?, row.json()?))
        };
        row.map(read).transpose()
    }

    /// `as_of` and the given fields, all of them known.
    fn score_columns(&self, fields: &[&str]) -> Result<Vec<String>> {
        let score = self.0.catalog.object("score")?;
        for field in fields {
            if score.field(field).is_none() {
                let name = format!("score.{field}");
                return Err(Error::Schema(keji_schema::Error::Unknown {
                    kind: "field",
                    name,
                }));
            }
        }
        if fields.contains(&"as_of") {
            return Err(Error::Query(
                "`as_of` is not one of the values of a score".to_owned(),
            ));
        }
        Ok(["as_of"]
            .iter()
            .chain(fields)
            .map(|field| (*field).to_owned())
            .collect())
    }
}

const KINDS: [Type; 5] = [Type::Date, Type::Instant, Type::Int, Type::Int, Type::Text];

fn evaluation(row: &mut Fields) -> Result<Evaluation> {
    Ok(Evaluation {
        as_of: row.date()?,
        at: row.instant()?,
        n_customers: row.int()?,
        seq: row.int()?,
    })
}
