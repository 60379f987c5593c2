//! The merge: from staged rows to records, in one transaction.

use jiff::civil::Date;
use keji_schema::definition::Origin;
use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::edit::{self, Before};
use super::stage::{Place, ScratchFile, Staging, forget};
use super::statements::{self, Party};
use super::{entries, missing, state_text, stored_batch};
use crate::batch::{Batch, BatchId, BatchState, ImportMode, ImportSummary};
use crate::change::ChangeKind;
use crate::db::{Conn, Db, Fields, fault, sqlite};
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::sql::{Dialect, quote};
use crate::store::{Cancel, Store};
use crate::write::{check_rules_of, now, origin_value};

/// Consumes the staging, whatever comes of it.
pub(super) async fn merge(
    store: &Store,
    id: BatchId,
    staging: Staging,
    cancel: &Cancel,
) -> Result<ImportSummary> {
    let filled = staging.filled;
    let parties = statements::parties(&filled);
    let prepare = statements::prepare(store.db().dialect(), &filled, &parties);
    let batch = store.batch(id).await?.ok_or_else(|| missing(id))?;
    let merged = match (staging.place, store.db()) {
        (Place::Sqlite { conn, file }, Db::Sqlite(pools)) => {
            match prepare_sqlite(*conn, &prepare, cancel).await {
                Ok(()) => merge_sqlite(store, pools, file, &batch, &parties, cancel).await,
                Err(e) => Err(e),
            }
        }
        (Place::Postgres { mut conn, table }, _) => {
            let staged = staging.is_resumable.then_some(table.as_str());
            let merged =
                merge_postgres(store, &mut conn, &batch, staged, &prepare, &parties, cancel).await;
            // The temporary tables and the lock go with the connection.
            let _ = conn.close().await;
            merged
        }
        (Place::Sqlite { .. }, Db::Postgres(_)) => Err(Error::Query("staged elsewhere".to_owned())),
    };
    match merged {
        Err(e) if cancel.is_asked() && is_interrupted(&e) => Err(Error::Cancelled),
        other => other,
    }
}

async fn merge_sqlite(
    store: &Store,
    pools: &sqlite::Pools,
    mut file: ScratchFile,
    batch: &Batch,
    parties: &[Party],
    cancel: &Cancel,
) -> Result<ImportSummary> {
    // Holding the pool's one writer keeps our own writers waiting in its queue;
    // the work itself is done on a connection that ends with it, and with it
    // the attached file and the temporary tables.
    let _place = pools.writer.acquire().await.map_err(fault)?;
    let mut conn = attached(&pools.folder, &file).await?;
    stop_when_asked(&mut conn, cancel).await?;
    let mut tx = conn.begin_with("begin immediate").await.map_err(fault)?;
    let merged = merge_in(store, &mut Conn::Sqlite(&mut tx), batch, parties, cancel).await;
    let merged = match merged {
        Ok(summary) => tx.commit().await.map_err(fault).map(|()| summary),
        // Where SQLite rolled back by itself this fails, and says less.
        Err(e) => {
            let _ = tx.rollback().await;
            Err(e)
        }
    };
    file.is_kept = false;
    let _ = conn.close().await;
    merged
}

/// `staged` is the table of a resumable batch, whose rows are in a transaction
/// so far.
async fn merge_postgres(
    store: &Store,
    conn: &mut sqlx::PgConnection,
    batch: &Batch,
    staged: Option<&str>,
    prepare: &[String],
    parties: &[Party],
    cancel: &Cancel,
) -> Result<ImportSummary> {
    if staged.is_some() {
        let end = ["commit".to_owned()];
        Conn::Postgres(conn).script(&end).await?;
    }
    let mut tx = conn.begin().await.map_err(fault)?;
    Conn::Postgres(&mut tx).more_memory().await?;
    let mut begin = vec![format!("analyze {}", staged.unwrap_or("stage_line"))];
    if let Some(table) = staged {
        // Within the transaction, so it is gone when this one fails.
        begin.push(format!(
            "create temporary view stage_line as select * from {table}"
        ));
    }
    Conn::Postgres(&mut tx).script(&begin).await?;
    for sql in prepare {
        cancel.check()?;
        let sql = std::slice::from_ref(sql);
        Conn::Postgres(&mut tx).script(sql).await?;
    }
    let summary = merge_in(store, &mut Conn::Postgres(&mut tx), batch, parties, cancel).await?;
    if staged.is_some() {
        Conn::Postgres(&mut tx).script(&forget(batch.id)).await?;
    }
    tx.commit().await.map_err(fault)?;
    Ok(summary)
}

async fn prepare_sqlite(
    mut conn: SqliteConnection,
    prepare: &[String],
    cancel: &Cancel,
) -> Result<()> {
    stop_when_asked(&mut conn, cancel).await?;
    for sql in prepare {
        cancel.check()?;
        let sql = std::slice::from_ref(sql);
        Conn::Sqlite(&mut conn).script(sql).await?;
    }
    Conn::Sqlite(&mut conn)
        .script(&["commit".to_owned()])
        .await?;
    conn.close().await.map_err(fault)
}

/// A connection to the database with the staged rows beside it.
pub(super) async fn attached(
    folder: &std::path::Path,
    file: &ScratchFile,
) -> Result<SqliteConnection> {
    let mut conn = sqlite::main_file(folder).connect().await.map_err(fault)?;
    let path = file.path.to_string_lossy().into_owned();
    Conn::Sqlite(&mut conn)
        .run("attach database $1 as stage", &[Value::Text(path)])
        .await?;
    for pragma in [
        // A sorter takes as much again.
        "pragma main.cache_size = -8192",
        "pragma stage.synchronous = off",
        "pragma stage.cache_size = -8192",
    ] {
        conn.execute(AssertSqlSafe(pragma.to_owned()))
            .await
            .map_err(fault)?;
    }
    Ok(conn)
}

/// Lets SQLite look at the flag while it works, every few milliseconds.
pub(super) async fn stop_when_asked(conn: &mut SqliteConnection, cancel: &Cancel) -> Result<()> {
    let cancel = cancel.clone();
    let mut handle = conn.lock_handle().await.map_err(fault)?;
    handle.set_progress_handler(100_000, move || !cancel.is_asked());
    Ok(())
}

pub(super) fn is_interrupted(error: &Error) -> bool {
    const SQLITE_INTERRUPT: &str = "9";
    match error {
        Error::Cancelled => true,
        Error::Database(sqlx::Error::Database(e)) => e.code().as_deref() == Some(SQLITE_INTERRUPT),
        _ => false,
    }
}

async fn merge_in(
    store: &Store,
    conn: &mut Conn<'_>,
    batch: &Batch,
    parties: &[Party],
    cancel: &Cancel,
) -> Result<ImportSummary> {
    let dialect = conn.dialect();
    let id = Value::Int(batch.id.0);
    let [at, by] = Origin::ALL.map(|origin| origin_value(origin, &batch.actor));
    let made = [id.clone(), at, by];
    if dialect == Dialect::Postgres {
        lock_tables(store, conn, batch.mode).await?;
    }
    lead_on(conn).await?;
    let mut summary = rows_of_file(conn).await?;
    let mut n_new = [0i64; 2];
    let mut n_changed = [0i64; 2];
    let mut filled: Vec<Filled> = Vec::new();
    let mut known: Vec<(&str, i64)> = Vec::new();
    for (n, party) in parties.iter().enumerate() {
        cancel.check()?;
        let max = highest_id(conn, party.object).await?;
        known.push((party.object, max));
        n_new[n] = conn.run(statements::insert_party(party), &made).await? as i64;
        if max > 0
            && let Some(sql) = statements::fills(party, batch.mode)
        {
            conn.script(&[sql.replace("$1", &max.to_string())]).await?;
            let fields = party.fields.iter().map(|(f, _)| (*f, Type::Text)).collect();
            let found = filled_fields(conn, party.object, fields).await?;
            n_changed[n] = found.n;
            filled.extend((found.n > 0).then_some(found));
        }
    }
    cancel.check()?;
    let before = Before {
        order: highest_id(conn, "order").await?,
        line: highest_id(conn, "order_line").await?,
    };
    summary.orders_new = conn.run(statements::insert_orders(dialect), &made).await? as i64;
    cancel.check()?;
    let is_adopted = before.order > 0 && conn.int(statements::has_by_hand(dialect), &[]).await? > 0;
    let mut n_adopted = 0;
    if is_adopted {
        conn.script(&statements::adopt(dialect)).await?;
        n_adopted = conn.int("select count(*) from known_line", &[]).await?;
    }
    cancel.check()?;
    summary.lines_new = conn
        .run(
            statements::insert_lines(dialect),
            &[id.clone(), Value::Int(before.order)],
        )
        .await? as i64;
    summary.lines_known = summary.rows - summary.lines_new;
    cancel.check()?;
    let may_edit = before.order > 0 && (batch.mode != ImportMode::Add || summary.lines_new > 0);
    if may_edit {
        edit::find(conn, store.catalog(), batch, before).await?;
        let fields = edit::order_fields(batch.mode);
        let found = filled_fields(conn, "order", fields).await?;
        filled.extend((found.n > 0).then_some(found));
        let count = |table: &str| format!("select count(*) from {table}");
        summary.lines_deleted = conn.int(count("drop_line"), &[]).await?;
        summary.orders_deleted = conn.int(count("drop_order"), &[]).await?;
        let sql = "select count(*) from (select id from fill_order union select id from \
                   touch_order t where not exists (select 1 from drop_order d where d.id = t.id)) \
                   as changed";
        summary.orders_changed = conn.int(sql, &[]).await?;
    }
    [summary.customers_new, summary.products_new] = n_new;
    [summary.customers_changed, summary.products_changed] = n_changed;
    amounts(conn, before.order, may_edit, &mut summary).await?;

    let counts = [
        summary.lines_new,
        summary.lines_deleted,
        summary.orders_new,
        summary.orders_changed,
        summary.orders_deleted,
        n_adopted,
    ];
    if counts
        .iter()
        .chain(&n_new)
        .chain(&n_changed)
        .any(|n| *n > 0)
    {
        log::take(conn).await?;
        let mut touches = Touches::new();
        touched(
            store,
            conn,
            before.order,
            may_edit,
            &summary,
            &filled,
            &mut touches,
        )
        .await?;
        if n_adopted > 0 {
            let month = log::month_sql(dialect, "ordered_on");
            let sql = format!(
                "select distinct {month} from \"order\" where \"id\" in \
                 (select \"order\" from known_line)"
            );
            for month in months(conn, sql).await? {
                touches.insert(("order_line".to_owned(), month));
            }
        }
        for (log_sql, set_sql) in writes(store, dialect, &summary, &filled)? {
            cancel.check()?;
            let position = conn.int("select max(seq) from keji_change", &[]).await?;
            let params = [
                Value::Int(position),
                Value::Instant(now()),
                batch.actor.as_str().into(),
                batch.channel.as_str().into(),
                id.clone(),
            ];
            conn.run(log_sql, &params).await?;
            conn.run(set_sql, &[]).await?;
        }
        known.push(("order", before.order));
        known.push(("order_line", before.line));
        for (object, max) in known {
            let def = store.catalog().object(object)?;
            let mut written = format!("t.id > {max}");
            if filled.iter().any(|one| one.object == object) {
                written.push_str(&format!(" or t.id in (select id from fill_{object})"));
            }
            check_rules_of(conn, store.catalog(), def, &written).await?;
        }
        let after = as_map(&summary);
        let entry = Entry {
            at: now(),
            actor: &batch.actor,
            channel: &batch.channel,
            kind: ChangeKind::Import,
            object: None,
            record: None,
            batch: Some(batch.id.0),
            before: None,
            after: Some(&after),
        };
        let seq = log::append(conn, &entry).await?;
        log::touch(conn, seq, &touches, None).await?;
        summary.seq = Some(seq);
    }
    close_batch(conn, batch.id, BatchState::Merged, &summary).await?;
    store.renew_leases(conn).await?;
    // The last moment at which a stop still leaves nothing behind.
    cancel.check()?;
    Ok(summary)
}

/// What a file says of a customer that was merged into another one is that
/// one's; its own values stay what they are.
async fn lead_on(conn: &mut Conn<'_>) -> Result<()> {
    let sql = "select count(*) from keji_alias where object = 'customer'";
    if conn.int(sql, &[]).await? == 0 {
        return Ok(());
    }
    let merged = super::plain::merged_away("customer", "number", "stage_customer.number");
    let of_order = super::plain::merged_away("customer", "number", "stage_order.customer_number");
    conn.script(&[
        format!(
            "update stage_order set customer_number = (select m.number from keji_alias a \
             join customer m on m.id = a.record where a.object = 'customer' \
             and a.number = stage_order.customer_number) where {of_order}"
        ),
        format!("delete from stage_customer where {merged}"),
    ])
    .await
}

/// As on SQLite: readers go on, writers wait. Without it an order that
/// somebody creates meanwhile would break the whole import, and so would a
/// record that begins to link to an order that goes.
async fn lock_tables(store: &Store, conn: &mut Conn<'_>, mode: ImportMode) -> Result<()> {
    let mut tables = vec!["customer", "product", "order", "order_line"];
    if mode == ImportMode::Replace {
        tables.extend(edit::linking(store.catalog()).map(|(other, _)| other.id.as_str()));
    }
    let tables: Vec<String> = tables.into_iter().map(quote).collect();
    let sql = format!(
        "lock table {} in share row exclusive mode",
        tables.join(", ")
    );
    conn.run(sql, &[]).await?;
    Ok(())
}

/// Known records of `fill_<object>` that change.
struct Filled {
    object: &'static str,
    /// All that could change, with the type as the log writes it.
    fields: Vec<(&'static str, Type)>,
    /// Those that do, in any record.
    changed: Vec<&'static str>,
    n: i64,
}

async fn filled_fields(
    conn: &mut Conn<'_>,
    object: &'static str,
    fields: Vec<(&'static str, Type)>,
) -> Result<Filled> {
    let counts: String = fields
        .iter()
        .map(|(f, _)| format!(", count({f})"))
        .collect();
    let sql = format!("select count(*){counts} from fill_{object}");
    let kinds = vec![Type::Int; fields.len() + 1];
    let row = conn.row(sql, &[], &kinds).await?.unwrap_or_default();
    let mut row = Fields::new(row);
    let n = row.int()?;
    let mut changed = Vec::new();
    for (field, _) in &fields {
        if row.int()? > 0 {
            changed.push(*field);
        }
    }
    Ok(Filled {
        object,
        fields,
        changed,
        n,
    })
}

/// What is done to known records: first its entries in the log, then itself.
fn writes(
    store: &Store,
    dialect: Dialect,
    summary: &ImportSummary,
    filled: &[Filled],
) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for found in filled {
        all.push((
            entries::log_updates(dialect, found.object, &found.fields),
            statements::fill(found.object, found.fields.iter().map(|(f, _)| *f)),
        ));
    }
    let dropped = [
        ("order_line", "drop_line", summary.lines_deleted),
        ("order", "drop_order", summary.orders_deleted),
    ];
    for (object, table, n) in dropped {
        if n > 0 {
            let def = store.catalog().object(object)?;
            let fields: Vec<_> = def.fields.iter().map(|f| (f.id.as_str(), f.kind)).collect();
            all.push((
                entries::log_deletes(dialect, object, table, &fields),
                format!(
                    "delete from {} where id in (select id from {table})",
                    quote(object)
                ),
            ));
        }
    }
    Ok(all)
}

pub(super) async fn close_batch(
    conn: &mut Conn<'_>,
    batch: BatchId,
    state: BatchState,
    summary: &ImportSummary,
) -> Result<()> {
    if stored_batch(conn, batch)
        .await?
        .is_none_or(|b| b.state != BatchState::Staging)
    {
        return Err(Error::Batch {
            id: batch.0,
            state: "no longer open".to_owned(),
        });
    }
    let text = serde_json::to_string(summary).map_err(|e| Error::Corrupt(e.to_string()))?;
    let sql = "update keji_batch set state = $2, finished_at = $3, summary = $4, seq = $5 \
               where id = $1";
    let params = [
        Value::Int(batch.0),
        state_text(state).into(),
        Value::Instant(now()),
        Value::Text(text),
        summary.seq.map_or(Value::Null, Value::Int),
    ];
    conn.run(sql, &params).await?;
    Ok(())
}

pub(super) async fn highest_id(conn: &mut Conn<'_>, object: &str) -> Result<i64> {
    conn.int(format!("select max(\"id\") from {}", quote(object)), &[])
        .await
}

async fn rows_of_file(conn: &mut Conn<'_>) -> Result<ImportSummary> {
    let sql = "select count(*), count(case when customer_number is null then 1 end), \
               min(ordered_on), max(ordered_on) from stage_line";
    let kinds = [Type::Int, Type::Int, Type::Date, Type::Date];
    let row = conn.row(sql, &[], &kinds).await?.unwrap_or_default();
    let mut row = Fields::new(row);
    Ok(ImportSummary {
        rows: row.int()?,
        rows_without_customer: row.int()?,
        first_ordered_on: row.optional_date(),
        last_ordered_on: row.optional_date(),
        ..ImportSummary::default()
    })
}

/// What the new orders, the changes of known ones and the deleted ones add up
/// to.
async fn amounts(
    conn: &mut Conn<'_>,
    max_order: i64,
    may_edit: bool,
    summary: &mut ImportSummary,
) -> Result<()> {
    let kinds = [Type::Decimal, Type::Decimal];
    let sql = "select coalesce(sum(gross_amount), 0), coalesce(sum(net_amount), 0) \
               from \"order\" where \"id\" > $1";
    let new = conn
        .row(sql, &[Value::Int(max_order)], &kinds)
        .await?
        .unwrap_or_default();
    let mut totals = vec![new];
    if may_edit {
        for sql in [
            "select coalesce(sum(f.gross_amount - m.gross_amount), 0), \
             coalesce(sum(f.net_amount - m.net_amount), 0) \
             from fill_order f join \"order\" m on m.id = f.id",
            "select coalesce(-sum(m.gross_amount), 0), coalesce(-sum(m.net_amount), 0) \
             from drop_order d join \"order\" m on m.id = d.id",
        ] {
            totals.extend(conn.row(sql, &[], &kinds).await?);
        }
    }
    let large = || {
        Error::Schema(keji_schema::Error::Overflow(
            "the import's amounts".to_owned(),
        ))
    };
    for row in totals {
        let mut row = Fields::new(row);
        let (gross, net) = (row.decimal(), row.decimal());
        summary.gross_amount = summary.gross_amount.checked_add(gross).ok_or_else(large)?;
        summary.net_amount = summary.net_amount.checked_add(net).ok_or_else(large)?;
    }
    Ok(())
}

/// The months of new, changed and deleted orders, before and after; a changed
/// field may stand in the copies of other objects. It runs before known
/// records are changed.
async fn touched(
    store: &Store,
    conn: &mut Conn<'_>,
    max_order: i64,
    may_edit: bool,
    summary: &ImportSummary,
    filled: &[Filled],
    touches: &mut Touches,
) -> Result<()> {
    for (object, n) in [
        (
            "customer",
            summary.customers_new + summary.customers_changed,
        ),
        ("product", summary.products_new + summary.products_changed),
    ] {
        if n > 0 {
            touches.insert((object.to_owned(), None));
        }
    }
    let month = log::month_sql(conn.dialect(), "ordered_on");
    let mut queries = vec![format!(
        "select distinct {month} from \"order\" where \"id\" > {max_order}"
    )];
    if may_edit {
        queries.push(format!(
            "select distinct {month} from \"order\" where \"id\" in (select id from fill_order \
             union select id from touch_order union select id from drop_order)"
        ));
    }
    if filled.iter().any(|f| f.changed.contains(&"ordered_on")) {
        queries.push(format!(
            "select distinct {month} from fill_order where ordered_on is not null"
        ));
    }
    for sql in queries {
        for month in months(conn, sql).await? {
            touches.insert(("order".to_owned(), month));
            touches.insert(("order_line".to_owned(), month));
        }
    }
    for found in filled {
        for other in store.catalog().objects.values() {
            for link in log::links_that_copy(other, found.object, &found.changed) {
                let Some(sql) = log::months_of(store.catalog(), conn.dialect(), other)? else {
                    touches.insert((other.id.clone(), None));
                    continue;
                };
                let sql = format!(
                    "{sql} where t.{} in (select id from fill_{})",
                    quote(link),
                    found.object
                );
                for month in months(conn, sql).await? {
                    touches.insert((other.id.clone(), month));
                }
            }
        }
    }
    Ok(())
}

pub(super) async fn months(conn: &mut Conn<'_>, sql: String) -> Result<Vec<Option<Date>>> {
    let rows = conn.rows(sql, &[], &[Type::Date]).await?;
    Ok(rows
        .into_iter()
        .map(|row| Fields::new(row).optional_date())
        .collect())
}

/// A summary as the log keeps it.
pub(super) fn as_map(summary: &impl serde::Serialize) -> Map<String, Json> {
    let all = serde_json::to_value(summary).unwrap_or(Json::Null);
    match all {
        Json::Object(mut map) => {
            map.remove("seq");
            map
        }
        _ => Map::new(),
    }
}
