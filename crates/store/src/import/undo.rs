//! Taking an import back: its lines, then its orders without lines, then the
//! customers and products that nothing refers to any more; and the fields
//! that it filled, where nobody changed them since.

use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};

use super::merge::months;
use super::statements::{CUSTOMER, PRODUCT, set_totals, totals};
use super::{missing, state_text, stored_batch, wrong_state};
use crate::batch::{BatchId, BatchState, UndoSummary};
use crate::change::ChangeKind;
use crate::db::Conn;
use crate::error::Result;
use crate::log::{self, Entry, Touches};
use crate::sql::{Dialect, quote};
use crate::store::Store;
use crate::write::now;

/// Records of these are computed from others, so they do not hold what they
/// link to: they go with it.
const DERIVED: [&str; 1] = ["score"];

impl Store {
    /// Takes a merged import back, in one transaction and one change.
    pub async fn import_undo(
        &self,
        batch: BatchId,
        actor: &str,
        channel: &str,
    ) -> Result<UndoSummary> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let known = stored_batch(&mut conn, batch)
            .await?
            .ok_or_else(|| missing(batch))?;
        if known.state != BatchState::Merged {
            return Err(wrong_state(batch, known.state));
        }
        let mut undo = Undo {
            store: self,
            batch: batch.0,
            touches: Touches::new(),
        };
        let mut summary = undo.run(&mut conn).await?;
        summary.evaluations_deleted = undo.evaluations(&mut conn, known.seq).await?;
        let all = serde_json::to_value(&summary).unwrap_or(Json::Null);
        let after: Map<String, Json> = match all {
            Json::Object(map) => map.into_iter().filter(|(key, _)| key != "seq").collect(),
            _ => Map::new(),
        };
        let entry = Entry {
            at: now(),
            actor,
            channel,
            kind: ChangeKind::Undo,
            object: None,
            record: None,
            batch: Some(batch.0),
            before: None,
            after: Some(&after),
        };
        summary.seq = log::append(&mut conn, &entry).await?;
        log::touch(&mut conn, summary.seq, &undo.touches).await?;
        let sql = "update keji_batch set state = $2, finished_at = $3 where id = $1";
        let state = state_text(BatchState::Undone).into();
        conn.run(sql, &[Value::Int(batch.0), state, Value::Instant(now())])
            .await?;
        self.renew_leases(&mut conn).await?;
        tx.commit().await?;
        Ok(summary)
    }
}

struct Undo<'a> {
    store: &'a Store,
    batch: i64,
    touches: Touches,
}

impl Undo<'_> {
    /// Evaluations that were made after the import and looked at its days
    /// counted what is gone now: they go too.
    async fn evaluations(&mut self, conn: &mut Conn<'_>, since: Option<i64>) -> Result<i64> {
        let first = self
            .touches
            .iter()
            .filter(|(object, _)| object == "order")
            .find_map(|(_, month)| *month);
        let (Some(first), Some(since)) = (first, since) else {
            return Ok(0);
        };
        let sql = "delete from keji_evaluation where seq > $1 and as_of > $2 returning as_of";
        let gone = conn
            .rows(sql, &[Value::Int(since), Value::Date(first)], &[Type::Date])
            .await?;
        for row in &gone {
            if let [Value::Date(day)] = row.as_slice() {
                conn.run("delete from score where as_of = $1", &[Value::Date(*day)])
                    .await?;
                self.touches
                    .insert(("score".to_owned(), Some(day.first_of_month())));
            }
        }
        Ok(i64::try_from(gone.len()).unwrap_or(i64::MAX))
    }

    async fn run(&mut self, conn: &mut Conn<'_>) -> Result<UndoSummary> {
        let mut summary = UndoSummary::default();
        if conn.dialect() == Dialect::Postgres {
            let derived = DERIVED
                .iter()
                .filter(|id| self.store.catalog().objects.contains_key(**id));
            let tables: Vec<String> = ["customer", "product", "order", "order_line"]
                .iter()
                .chain(derived)
                .map(|id| quote(id))
                .collect();
            let sql = format!(
                "lock table {} in share row exclusive mode",
                tables.join(", ")
            );
            conn.run(sql, &[]).await?;
        }
        conn.more_memory().await?;
        let batch = self.batch;
        let month = log::month_sql(conn.dialect(), "ordered_on");
        // A pooled connection may hold these from an undo before; SQLite
        // drops temporary tables only with the connection.
        conn.script(&[
            "drop table if exists undo_order".to_owned(),
            "drop table if exists undo_record".to_owned(),
            "drop table if exists fill_order".to_owned(),
            format!(
                "create temporary table undo_order as select distinct \"order\" as id \
                 from order_line where batch = {batch} \
                 union select id from \"order\" where batch = {batch}"
            ),
        ])
        .await?;
        let sql = format!(
            "select distinct {month} from \"order\" where id in (select id from undo_order)"
        );
        for month in months(conn, sql).await? {
            self.touches.insert(("order".to_owned(), month));
            self.touches.insert(("order_line".to_owned(), month));
        }
        let lines = format!("delete from order_line where batch = {batch}");
        summary.lines_deleted = conn.run(lines, &[]).await? as i64;
        summary.orders_deleted = self.delete_unused(conn, "order").await?;
        summary.records_restored += self.restore_orders(conn).await?;
        self.pass_on(conn, "order", "order_line", "order").await?;
        summary.customers_deleted = self.delete_unused(conn, "customer").await?;
        self.pass_on(conn, "customer", "order", "customer").await?;
        summary.products_deleted = self.delete_unused(conn, "product").await?;
        self.pass_on(conn, "product", "order_line", "product")
            .await?;
        for (object, fields) in [("customer", &CUSTOMER[..]), ("product", &PRODUCT[..])] {
            summary.records_restored += self.empty_filled(conn, object, fields).await?;
        }
        Ok(summary)
    }

    /// Deletes the batch's records of an object that nothing links to.
    async fn delete_unused(&mut self, conn: &mut Conn<'_>, object: &str) -> Result<i64> {
        let catalog = self.store.catalog().clone();
        let links = |other: &ObjectDef| -> Vec<String> {
            let to = |f: &&keji_schema::definition::FieldDef| f.to.as_deref() == Some(object);
            other
                .fields
                .iter()
                .filter(to)
                .map(|f| f.id.clone())
                .collect()
        };
        let mut sql = format!(
            "create temporary table undo_record as select t.id from {} t where t.batch = {}",
            quote(object),
            self.batch
        );
        for other in catalog
            .objects
            .values()
            .filter(|o| !DERIVED.contains(&o.id.as_str()))
        {
            for link in links(other) {
                // Where the link has no index, one reading of the table must
                // answer for all: SQLite does so for `in`, PostgreSQL for
                // `exists`.
                let (other, link) = (quote(&other.id), quote(&link));
                sql.push_str(&match conn.dialect() {
                    Dialect::Sqlite => format!(
                        " and id not in (select {link} from {other} where {link} is not null)"
                    ),
                    Dialect::Postgres => {
                        format!(" and not exists (select 1 from {other} o where o.{link} = t.id)")
                    }
                });
            }
        }
        conn.script(&[sql]).await?;
        for other in catalog
            .objects
            .values()
            .filter(|o| DERIVED.contains(&o.id.as_str()))
        {
            for link in links(other) {
                let held = format!("{} in (select id from undo_record)", quote(&link));
                if let Some(sql) = log::months_of(&catalog, conn.dialect(), other)? {
                    for month in months(conn, format!("{sql} where t.{held}")).await? {
                        self.touches.insert((other.id.clone(), month));
                    }
                }
                conn.run(
                    format!("delete from {} where {held}", quote(&other.id)),
                    &[],
                )
                .await?;
            }
        }
        let sql = format!(
            "delete from {} where id in (select id from undo_record)",
            quote(object)
        );
        let n_deleted = conn.run(sql, &[]).await? as i64;
        conn.script(&["drop table undo_record".to_owned()]).await?;
        let has_time = catalog
            .object(object)?
            .copy
            .as_ref()
            .is_some_and(|c| c.time.is_some());
        if n_deleted > 0 && !has_time {
            self.touches.insert((object.to_owned(), None));
        }
        Ok(n_deleted)
    }

    /// New totals for orders that lost lines and stay.
    async fn restore_orders(&self, conn: &mut Conn<'_>) -> Result<i64> {
        let sql = format!(
            "create temporary table fill_order as {} from \"order\" o \
             left join order_line x on x.\"order\" = o.id \
             where o.id in (select id from undo_order) group by o.id \
             having count(x.id) <> o.n_lines",
            totals()
        );
        conn.script(&[sql]).await?;
        let n_restored = conn.run(set_totals(), &[]).await? as i64;
        let drops = ["drop table fill_order", "drop table undo_order"].map(str::to_owned);
        conn.script(&drops).await?;
        Ok(n_restored)
    }

    /// What stays of the batch because a later one uses it belongs to that one
    /// from now on, so that its undo takes it away.
    async fn pass_on(
        &self,
        conn: &mut Conn<'_>,
        object: &str,
        user: &str,
        link: &str,
    ) -> Result<()> {
        let sql = format!(
            "update {object} set batch = u.batch from \
             (select {link} as id, min(batch) as batch from {user} where {link} in \
             (select id from {object} where batch = {}) group by {link}) as u \
             where u.id = {object}.id",
            self.batch,
            object = quote(object),
            user = quote(user),
            link = quote(link),
        );
        conn.run(sql, &[]).await?;
        Ok(())
    }

    /// Empties the fields that the batch filled, where they still hold what it
    /// filled in.
    async fn empty_filled(
        &mut self,
        conn: &mut Conn<'_>,
        object: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<i64> {
        let batch = self.batch;
        let changes = format!(
            "from keji_change c where c.batch = {batch} and c.kind = 'update' \
             and c.object = '{object}'"
        );
        let n_changes = conn.int(format!("select count(*) {changes}"), &[]).await?;
        if n_changes == 0 {
            return Ok(0);
        }
        let mut emptied = Vec::new();
        for (field, _) in fields {
            let after = match conn.dialect() {
                Dialect::Sqlite => format!("json_extract(c.after, '$.{field}')"),
                Dialect::Postgres => format!("(c.after::json ->> '{field}')"),
            };
            let sql = format!(
                "update {object} set {field} = null {changes} and c.record = {object}.id \
                 and {after} = {object}.{field}",
                object = quote(object),
                field = quote(field),
            );
            if conn.run(sql, &[]).await? > 0 {
                emptied.push(*field);
            }
        }
        if emptied.is_empty() {
            return Ok(0);
        }
        self.touches.insert((object.to_owned(), None));
        let catalog = self.store.catalog().clone();
        for other in catalog.objects.values() {
            for link in log::links_that_copy(other, object, &emptied) {
                if let Some(sql) = log::months_of(&catalog, conn.dialect(), other)? {
                    let sql = format!(
                        "{sql} where t.{} in (select c.record {changes})",
                        quote(link)
                    );
                    for month in months(conn, sql).await? {
                        self.touches.insert((other.id.clone(), month));
                    }
                }
            }
        }
        conn.int(format!("select count(distinct c.record) {changes}"), &[])
            .await
    }
}
