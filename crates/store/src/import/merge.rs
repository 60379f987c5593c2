//! The merge: from staged rows to records, in one transaction.

use jiff::civil::Date;
use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use super::stage::{Place, ScratchFile, Staging};
use super::statements::{self, Party, TOTALS};
use super::{missing, state_text, stored_batch};
use crate::batch::{Batch, BatchId, BatchState, ImportSummary};
use crate::change::ChangeKind;
use crate::db::{Conn, Db, Fields, fault, sqlite};
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::sql::{Dialect, quote};
use crate::store::{Cancel, Store};
use crate::write::now;

/// Consumes the staging, whatever comes of it.
pub(super) async fn merge(
    store: &Store,
    id: BatchId,
    staging: Staging,
    cancel: &Cancel,
) -> Result<ImportSummary> {
    let parties = statements::parties(&staging.filled);
    let batch = store.batch(id).await?.ok_or_else(|| missing(id))?;
    let merged = match (staging.place, store.db()) {
        (Place::Sqlite { conn, file }, Db::Sqlite(pools)) => {
            prepare_sqlite(*conn, &parties, cancel).await?;
            // Holding the pool's one writer keeps our own writers waiting in
            // its queue; the work itself is done on a connection that ends
            // with it, and with it the attached file and the temporary tables.
            let place = pools.writer.acquire().await.map_err(fault)?;
            let mut conn = attached(&pools.folder, &file).await?;
            stop_when_asked(&mut conn, cancel).await?;
            let mut tx = conn.begin_with("begin immediate").await.map_err(fault)?;
            let merged =
                merge_in(store, &mut Conn::Sqlite(&mut tx), &batch, &parties, cancel).await;
            let merged = match merged {
                Ok(summary) => tx.commit().await.map_err(fault).map(|()| summary),
                Err(e) => tx.rollback().await.map_err(fault).and(Err(e)),
            };
            let closed = conn.close().await.map_err(fault);
            drop((place, file));
            merged.and_then(|summary| closed.map(|()| summary))
        }
        (Place::Postgres(mut conn), _) => {
            let merged = merge_postgres(store, &mut conn, &batch, &parties, cancel).await;
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

async fn merge_postgres(
    store: &Store,
    conn: &mut sqlx::PgConnection,
    batch: &Batch,
    parties: &[Party],
    cancel: &Cancel,
) -> Result<ImportSummary> {
    let mut tx = conn.begin().await.map_err(fault)?;
    Conn::Postgres(&mut tx).more_memory().await?;
    for sql in statements::prepare(Dialect::Postgres, parties) {
        cancel.check()?;
        Conn::Postgres(&mut tx).script(&[sql]).await?;
    }
    let summary = merge_in(store, &mut Conn::Postgres(&mut tx), batch, parties, cancel).await?;
    tx.commit().await.map_err(fault)?;
    Ok(summary)
}

async fn prepare_sqlite(
    mut conn: SqliteConnection,
    parties: &[Party],
    cancel: &Cancel,
) -> Result<()> {
    stop_when_asked(&mut conn, cancel).await?;
    for sql in statements::prepare(Dialect::Sqlite, parties) {
        cancel.check()?;
        Conn::Sqlite(&mut conn).script(&[sql]).await?;
    }
    Conn::Sqlite(&mut conn)
        .script(&["commit".to_owned()])
        .await?;
    conn.close().await.map_err(fault)
}

/// A connection to the database with the staged rows beside it.
async fn attached(folder: &std::path::Path, file: &ScratchFile) -> Result<SqliteConnection> {
    let mut conn = sqlite::main_file(folder).connect().await.map_err(fault)?;
    let path = file.path.to_string_lossy().into_owned();
    Conn::Sqlite(&mut conn)
        .run("attach database $1 as stage", &[Value::Text(path)])
        .await?;
    for pragma in [
        "pragma stage.synchronous = off",
        "pragma stage.cache_size = -16384",
    ] {
        conn.execute(AssertSqlSafe(pragma.to_owned()))
            .await
            .map_err(fault)?;
    }
    Ok(conn)
}

/// Lets SQLite look at the flag while it works, every few milliseconds.
async fn stop_when_asked(conn: &mut SqliteConnection, cancel: &Cancel) -> Result<()> {
    let cancel = cancel.clone();
    let mut handle = conn.lock_handle().await.map_err(fault)?;
    handle.set_progress_handler(100_000, move || !cancel.is_asked());
    Ok(())
}

fn is_interrupted(error: &Error) -> bool {
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
    if dialect == Dialect::Postgres {
        // As on SQLite: readers go on, writers wait. Without it an order that
        // somebody creates meanwhile would break the whole import.
        let sql = "lock table customer, product, \"order\", order_line in share row exclusive mode";
        conn.run(sql, &[]).await?;
    }
    let mut summary = rows_of_file(conn).await?;
    let mut n_new = [0i64; 2];
    let mut n_changed = [0i64; 2];
    let mut filled: Vec<(&Party, Vec<&'static str>)> = Vec::new();
    for (n, party) in parties.iter().enumerate() {
        cancel.check()?;
        let max = highest_id(conn, party.object).await?;
        n_new[n] = conn
            .run(statements::insert_party(party), std::slice::from_ref(&id))
            .await? as i64;
        if max > 0
            && let Some(sql) = statements::fills(party)
        {
            conn.script(&[sql.replace("$1", &max.to_string())]).await?;
            let table = format!("fill_{}", party.object);
            n_changed[n] = conn
                .int(format!("select count(*) from {table}"), &[])
                .await?;
            if n_changed[n] > 0 {
                filled.push((party, filled_fields(conn, party).await?));
            }
        }
    }
    cancel.check()?;
    let max_order = highest_id(conn, "order").await?;
    summary.orders_new = conn
        .run(
            statements::insert_orders(dialect),
            std::slice::from_ref(&id),
        )
        .await? as i64;
    cancel.check()?;
    summary.lines_new = conn
        .run(
            statements::insert_lines(dialect),
            &[id.clone(), Value::Int(max_order)],
        )
        .await? as i64;
    summary.lines_known = summary.rows - summary.lines_new;
    cancel.check()?;
    if summary.lines_new > 0 && max_order > 0 {
        let sql = statements::changed_orders().replace("$1", &max_order.to_string());
        conn.script(&[sql]).await?;
        summary.orders_changed = conn.int("select count(*) from fill_order", &[]).await?;
    }
    [summary.customers_new, summary.products_new] = n_new;
    [summary.customers_changed, summary.products_changed] = n_changed;
    amounts(conn, max_order, &mut summary).await?;

    let is_new = summary.lines_new > 0
        || summary.orders_new > 0
        || n_new.iter().chain(&n_changed).any(|n| *n > 0);
    if is_new {
        log::take(conn).await?;
        let mut updates = Vec::new();
        for (party, _) in &filled {
            let fields: Vec<_> = party.fields.iter().map(|(f, _)| (*f, Type::Text)).collect();
            let log_sql = statements::log_updates(dialect, party.object, &fields);
            updates.push((log_sql, statements::fill(party)));
        }
        if summary.orders_changed > 0 {
            let kind = |field: &str| {
                if field == "n_lines" {
                    Type::Int
                } else {
                    Type::Decimal
                }
            };
            let fields = TOTALS.map(|field| (field, kind(field)));
            let log_sql = statements::log_updates(dialect, "order", &fields);
            updates.push((log_sql, statements::set_totals()));
        }
        for (log_sql, set_sql) in updates {
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
        let mut touches = Touches::new();
        touched(store, conn, max_order, &summary, &filled, &mut touches).await?;
        let after = counts(&summary);
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
        log::touch(conn, seq, &touches).await?;
        summary.seq = Some(seq);
    }
    close_batch(conn, batch.id, BatchState::Merged, &summary).await?;
    store.renew_leases(conn).await?;
    // The last moment at which a stop still leaves nothing behind.
    cancel.check()?;
    Ok(summary)
}

async fn close_batch(
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

async fn highest_id(conn: &mut Conn<'_>, object: &str) -> Result<i64> {
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

/// Which fields of a party are filled anywhere.
async fn filled_fields(conn: &mut Conn<'_>, party: &Party) -> Result<Vec<&'static str>> {
    let counts: Vec<String> = party
        .fields
        .iter()
        .map(|(f, _)| format!("count({f})"))
        .collect();
    let sql = format!("select {} from fill_{}", counts.join(", "), party.object);
    let kinds = vec![Type::Int; counts.len()];
    let row = conn.row(sql, &[], &kinds).await?.unwrap_or_default();
    let fields = party.fields.iter().map(|(field, _)| *field);
    Ok(fields
        .zip(row)
        .filter(|(_, n)| *n != Value::Int(0))
        .map(|(field, _)| field)
        .collect())
}

/// What the new orders and the changes of known ones add up to.
async fn amounts(conn: &mut Conn<'_>, max_order: i64, summary: &mut ImportSummary) -> Result<()> {
    let kinds = [Type::Decimal, Type::Decimal];
    let sql = "select coalesce(sum(gross_amount), 0), coalesce(sum(net_amount), 0) \
               from \"order\" where \"id\" > $1";
    let new = conn
        .row(sql, &[Value::Int(max_order)], &kinds)
        .await?
        .unwrap_or_default();
    let mut totals = vec![new];
    if summary.orders_changed > 0 {
        let sql = "select coalesce(sum(f.gross_amount - m.gross_amount), 0), \
                   coalesce(sum(f.net_amount - m.net_amount), 0) \
                   from fill_order f join \"order\" m on m.id = f.id";
        totals.extend(conn.row(sql, &[], &kinds).await?);
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

/// The months of new and changed orders hold new lines; a filled field may
/// stand in the copies of other objects.
async fn touched(
    store: &Store,
    conn: &mut Conn<'_>,
    max_order: i64,
    summary: &ImportSummary,
    filled: &[(&Party, Vec<&'static str>)],
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
    if summary.orders_changed > 0 {
        queries.push(format!(
            "select distinct {month} from \"order\" where \"id\" in (select id from fill_order)"
        ));
    }
    for sql in queries {
        for month in months(conn, sql).await? {
            touches.insert(("order".to_owned(), month));
            touches.insert(("order_line".to_owned(), month));
        }
    }
    for (party, fields) in filled {
        for other in store.catalog().objects.values() {
            for link in log::links_that_copy(other, party.object, fields) {
                let Some(sql) = log::months_of(store.catalog(), conn.dialect(), other)? else {
                    touches.insert((other.id.clone(), None));
                    continue;
                };
                let sql = format!(
                    "{sql} where t.{} in (select id from fill_{})",
                    quote(link),
                    party.object
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

fn counts(summary: &ImportSummary) -> Map<String, Json> {
    let all = serde_json::to_value(summary).unwrap_or(Json::Null);
    match all {
        Json::Object(mut map) => {
            map.remove("seq");
            map
        }
        _ => Map::new(),
    }
}
