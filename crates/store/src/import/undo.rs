//! Taking an import back: its lines go, what it deleted comes back, the fields
//! that it wrote get their values before where nobody changed them since; then
//! its orders without lines go, and the customers and products that nothing
//! refers to any more.
//!
//! What later imports did stays. An undo right after the import, or of several
//! from the last to the first, leads to exactly the state before.

use keji_schema::definition::ObjectDef;
use keji_schema::{Catalog, Type, Value};

use super::merge::{as_map, months};
use super::restore::{self, Reach, Span};
use super::statements::{TOTALS, fill, totals};
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
pub(crate) const DERIVED: [&str; 1] = ["score"];

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
        // Who comes second finds it undone.
        let sql = "update keji_batch set state = state where id = $1";
        conn.run(sql, &[Value::Int(batch.0)]).await?;
        let known = stored_batch(&mut conn, batch)
            .await?
            .ok_or_else(|| missing(batch))?;
        if known.state != BatchState::Merged {
            return Err(wrong_state(batch, known.state));
        }
        let last = known.seq.unwrap_or(0);
        let span = Span {
            batch: batch.0,
            last,
        };
        let object = known.summary.as_ref().and_then(|s| s.object.as_deref());
        let object = object.map(|id| self.catalog().object(id)).transpose()?;
        let reach = object.map_or_else(Reach::of_orders, Reach::of_records);
        let mut tx = restore::load(tx, self.catalog(), &reach, span).await?;
        let mut conn = tx.conn();
        let mut undo = Undo {
            store: self,
            batch: batch.0,
            touches: Touches::new(),
        };
        let mut summary = match object {
            None => undo.run(&mut conn, &reach).await?,
            Some(object) => undo.records(&mut conn, object, &reach).await?,
        };
        if object.is_none() {
            summary.evaluations_deleted = undo.evaluations(&mut conn, known.seq).await?;
        }
        let after = as_map(&summary);
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
        log::touch(&mut conn, summary.seq, &undo.touches, None).await?;
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

    async fn run(&mut self, conn: &mut Conn<'_>, reach: &Reach) -> Result<UndoSummary> {
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
        // A pooled connection may hold these from an undo before; SQLite
        // drops temporary tables only with the connection.
        let mut script: Vec<String> = ["undo_order", "undo_record", "fill_order"]
            .iter()
            .map(|table| format!("drop table if exists {table}"))
            .collect();
        script.push(format!(
            "create temporary table undo_order as select distinct \"order\" as id \
             from order_line where batch = {batch} \
             union select id from \"order\" where batch = {batch} \
             union select id from back_order union select id from gone_order \
             union select \"order\" from gone_order_line"
        ));
        conn.script(&script).await?;
        self.touch_orders(conn).await?;
        let lines = format!("delete from order_line where batch = {batch}");
        summary.lines_deleted = conn.run(lines, &[]).await? as i64;
        summary.records_restored += restore::deleted(conn, self.store.catalog()).await?;
        let [customers, products, orders] = reach.changeable.as_slice() else {
            return Err(crate::Error::Corrupt(
                "an import of orders changes others".to_owned(),
            ));
        };
        // A customer that is no longer there cannot be the order's again.
        let sql = "update back_order set customer_old = null where customer_old is not null \
                   and not exists (select 1 from customer m where m.id = back_order.customer_old)";
        conn.run(sql, &[]).await?;
        self.restore_fields(conn, orders).await?;
        self.touch_orders(conn).await?;
        restore::hold(conn, batch, "order_line", "order").await?;
        summary.orders_deleted = self.delete_unused(conn, "order").await?;
        summary.records_restored += self.restore_totals(conn).await?;
        self.pass_on(conn, "order", "order_line", "order").await?;
        restore::hold(conn, batch, "order", "customer").await?;
        summary.customers_deleted = self.delete_unused(conn, "customer").await?;
        self.pass_on(conn, "customer", "order", "customer").await?;
        restore::hold(conn, batch, "order_line", "product").await?;
        summary.products_deleted = self.delete_unused(conn, "product").await?;
        self.pass_on(conn, "product", "order_line", "product")
            .await?;
        for party in [customers, products] {
            summary.records_restored += self.restore_fields(conn, party).await?;
        }
        Ok(summary)
    }

    /// Takes an import of plain records back: the fields that it changed, then
    /// the records that it brought and nothing else uses.
    async fn records(
        &mut self,
        conn: &mut Conn<'_>,
        object: &ObjectDef,
        reach: &Reach,
    ) -> Result<UndoSummary> {
        let mut summary = UndoSummary::default();
        if conn.dialect() == Dialect::Postgres {
            let sql = format!(
                "lock table {} in share row exclusive mode",
                quote(&object.id)
            );
            conn.run(sql, &[]).await?;
        }
        conn.more_memory().await?;
        let own = format!(
            "t.batch = {} or t.id in (select id from back_{})",
            self.batch, object.id
        );
        self.touch(conn, object, &own).await?;
        for party in &reach.changeable {
            summary.records_restored += self.restore_fields(conn, party).await?;
        }
        self.touch(conn, object, &own).await?;
        let users = users_of(self.store.catalog(), &object.id);
        match users.first() {
            // What the undo of a later order file may link to again.
            Some(_) if matches!(object.id.as_str(), "customer" | "product") => {
                let user = match object.id.as_str() {
                    "customer" => "order",
                    _ => "order_line",
                };
                restore::hold(conn, self.batch, user, &object.id).await?;
            }
            _ => restore::hold_nothing(conn).await?,
        }
        summary.records_deleted = self.delete_unused(conn, &object.id).await?;
        for (user, link) in users {
            self.pass_on(conn, &object.id, &user, &link).await?;
        }
        Ok(summary)
    }

    /// The months of an object's records for which a condition holds.
    async fn touch(&mut self, conn: &mut Conn<'_>, object: &ObjectDef, own: &str) -> Result<()> {
        let catalog = self.store.catalog().clone();
        if let Some(sql) = log::months_of(&catalog, conn.dialect(), object)? {
            for month in months(conn, format!("{sql} where {own}")).await? {
                self.touches.insert((object.id.clone(), month));
            }
        }
        Ok(())
    }

    async fn touch_orders(&mut self, conn: &mut Conn<'_>) -> Result<()> {
        let month = log::month_sql(conn.dialect(), "ordered_on");
        let sql = format!(
            "select distinct {month} from \"order\" where id in (select id from undo_order)"
        );
        for month in months(conn, sql).await? {
            self.touches.insert(("order".to_owned(), month));
            self.touches.insert(("order_line".to_owned(), month));
        }
        Ok(())
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
            "create temporary table undo_record as select t.id from {} t where t.batch = {} \
             and {}",
            quote(object),
            self.batch,
            // One reading for all, as below.
            conn.dialect().pick(
                "t.id not in (select id from undo_held)",
                "not exists (select 1 from undo_held h where h.id = t.id)"
            )
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

    /// New totals for orders whose lines are others now. Returns how many
    /// orders of other imports got back totals, a header or both.
    async fn restore_totals(&self, conn: &mut Conn<'_>) -> Result<i64> {
        let sql = format!(
            "create temporary table fill_order as {} from \"order\" o \
             left join order_line x on x.\"order\" = o.id \
             where o.id in (select id from undo_order) group by o.id",
            totals()
        );
        let differs: Vec<String> = TOTALS
            .iter()
            .map(|field| format!("o.{field} <> fill_order.{field}"))
            .collect();
        let same = format!(
            "delete from fill_order where not exists (select 1 from \"order\" o \
             where o.id = fill_order.id and ({}))",
            differs.join(" or ")
        );
        let set = fill("order", TOTALS.into_iter());
        conn.script(&[sql, same, set]).await?;
        let sql = "select count(*) from (select id from fill_order union \
                   select id from back_order) as restored \
                   where id not in (select id from gone_order)";
        let n_restored = conn.int(sql, &[]).await?;
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
            "update {object} set batch = u.batch from (select id, min(batch) as batch from \
             (select {link} as id, batch from {user} where {link} in \
             (select id from {object} where batch = {}) \
             union all select id, batch from undo_held) as used group by id) as u \
             where u.id = {object}.id and {object}.batch = {}",
            self.batch,
            self.batch,
            object = quote(object),
            user = quote(user),
            link = quote(link),
        );
        conn.run(sql, &[]).await?;
        Ok(())
    }

    /// Gives the fields that the batch wrote their values before, where they
    /// still hold what it wrote. Returns how many records got any.
    async fn restore_fields(
        &mut self,
        conn: &mut Conn<'_>,
        (object, fields): &(String, Vec<restore::Field>),
    ) -> Result<i64> {
        let restored = restore::fields(conn, object, fields).await?;
        if restored.is_empty() {
            return Ok(0);
        }
        let catalog = self.store.catalog().clone();
        let copy = catalog.object(object)?.copy.as_ref();
        if copy.is_some_and(|copy| copy.time.is_none()) {
            self.touches.insert((object.clone(), None));
        }
        let restored: Vec<&str> = restored.iter().map(String::as_str).collect();
        for other in catalog.objects.values() {
            for link in log::links_that_copy(other, object, &restored) {
                let Some(sql) = log::months_of(&catalog, conn.dialect(), other)? else {
                    self.touches.insert((other.id.clone(), None));
                    continue;
                };
                let sql = format!(
                    "{sql} where t.{} in (select id from back_{object})",
                    quote(link)
                );
                for month in months(conn, sql).await? {
                    self.touches.insert((other.id.clone(), month));
                }
            }
        }
        conn.int(format!("select count(*) from back_{object}"), &[])
            .await
    }
}

/// The objects that link to this one, with the link.
fn users_of(catalog: &Catalog, object: &str) -> Vec<(String, String)> {
    let others = catalog
        .objects
        .values()
        .filter(|other| !DERIVED.contains(&other.id.as_str()));
    others
        .flat_map(|other| other.fields.iter().map(move |field| (other, field)))
        .filter(|(_, field)| field.to.as_deref() == Some(object))
        .map(|(other, field)| (other.id.clone(), field.id.clone()))
        .collect()
}
