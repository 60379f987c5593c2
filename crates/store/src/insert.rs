//! Many new records of one object at once, in one transaction and one change.

use keji_schema::definition::Origin;
use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};

use crate::change::ChangeKind;
use crate::db::bulk::Rows;
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::store::Store;
use crate::write::{constraint, now, origin_value};

/// Rows that are handed to the database at once.
const PORTION: usize = 2000;

impl Store {
    /// Inserts records of `object` and returns the change's position, or
    /// `None` where there were no rows. Each row has the values of `fields`,
    /// in their order. Values are taken as they are: the caller has checked
    /// them against the definition. All or none of them stay.
    pub async fn insert_many(
        &self,
        object: &str,
        fields: &[&str],
        rows: impl Iterator<Item = Vec<Value>> + Send,
        actor: &str,
        channel: &str,
    ) -> Result<Option<i64>> {
        let def = self.0.catalog.object(object)?;
        if let Some(by) = &def.written_by {
            return Err(Error::Refused {
                object: object.to_owned(),
                by: by.clone(),
            });
        }
        for field in fields {
            if def.field(field).is_none() {
                let name = format!("{object}.{field}");
                return Err(Error::Schema(keji_schema::Error::Unknown {
                    kind: "field",
                    name,
                }));
            }
        }
        let copy = def.copy.as_ref();
        let time = copy.and_then(|c| c.time.as_deref());
        let time_at = time.and_then(|time| fields.iter().position(|f| *f == time));
        if time.is_some() && time_at.is_none() {
            return Err(Error::Query(format!(
                "`{object}` cannot be inserted without its date"
            )));
        }
        let mut columns: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
        let origins = Origin::ALL.into_iter().filter(|_| def.has_origin);
        let origins: Vec<Origin> = origins.filter(|o| !fields.contains(&o.id())).collect();
        columns.extend(origins.iter().map(|origin| origin.id().to_owned()));
        let made = origins.iter().map(|origin| origin_value(*origin, actor));
        let made: Vec<Value> = made.collect();
        let mut touches = Touches::new();
        let mut n = 0i64;
        let mut tx = self.db().begin().await?;
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let width = columns.len();
            let mut portion = Rows {
                width,
                values: Vec::with_capacity(PORTION * width),
            };
            for row in rows.by_ref().take(PORTION) {
                if row.len() != fields.len() {
                    let n = fields.len();
                    let message = format!("a record has {} values, not {n}", row.len());
                    return Err(Error::Query(message));
                }
                match time_at.map(|at| &row[at]) {
                    Some(Value::Date(day)) => {
                        touches.insert((object.to_owned(), Some(day.first_of_month())));
                    }
                    Some(other) => {
                        return Err(Error::Invalid {
                            object: object.to_owned(),
                            field: time.unwrap_or_default().to_owned(),
                            value: format!("{other:?}"),
                            message: format!("it is not a {}", Type::Date.name()),
                        });
                    }
                    None => {}
                }
                portion.values.extend(row);
                portion.values.extend(made.iter().cloned());
                n += 1;
            }
            let inserted = tx.insert(object, &columns, portion).await;
            tx = inserted.map_err(|e| constraint(e, object, None))?;
        }
        if n == 0 {
            return Ok(None);
        }
        if copy.is_some() && time.is_none() {
            touches.insert((object.to_owned(), None));
        }
        let mut conn = tx.conn();
        let after = Map::from_iter([("inserted".to_owned(), Json::from(n))]);
        let entry = Entry {
            at: now(),
            actor,
            channel,
            kind: ChangeKind::Import,
            object: Some(object),
            record: None,
            batch: None,
            before: None,
            after: Some(&after),
        };
        let seq = log::append(&mut conn, &entry).await?;
        log::touch(&mut conn, seq, &touches, None).await?;
        self.renew_leases(&mut conn).await?;
        tx.commit().await?;
        Ok(Some(seq))
    }
}
