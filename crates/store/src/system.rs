//! The tables that are no objects: change log, jobs, imports, the copy's list
//! of files, evaluations; and how a database is brought up to the catalog.

use keji_schema::definition::Origin;
use keji_schema::{Catalog, Type, Value};

use crate::db::{Conn, Db};
use crate::ddl::{self, Shape};
use crate::design;
use crate::error::{Error, Result};
use crate::log;
use crate::sql::{Dialect, quote};

/// Of the tables below: the last of [`MIGRATIONS`].
const VERSION: i64 = 15;

/// Keys of PostgreSQL's advisory locks.
pub(crate) mod lock {
    /// Held while tables are created or changed.
    pub(crate) const DDL: i64 = 0x6b65_6a69_0001;
    /// Held from appending to the change log until the commit, so that the
    /// log's order is the commits' order.
    pub(crate) const LOG: i64 = 0x6b65_6a69_0002;
    /// First half of the lock that a living import holds; the second is its
    /// batch.
    pub(crate) const IMPORT: i32 = 0x6b65_6a69;
}

/// Brings the database up to the catalog. Returns the stored shape.
pub(crate) async fn prepare(db: &Db, catalog: &Catalog, may_drop: bool) -> Result<Shape> {
    let wanted = ddl::shape(catalog);
    // The usual start: nothing to do, and no waiting for a writer.
    {
        let mut reader = db.reader().await?;
        let mut conn = reader.conn();
        if let Some((VERSION, stored)) = stored_shape(&mut conn).await?
            && let kept = design::kept(&mut conn).await?
            && let (steps, result) = ddl::diff(&stored, &wanted, &kept, may_drop)?
            && steps.is_empty()
            && result == stored
        {
            return Ok(stored);
        }
    }
    let mut tx = db.begin().await?;
    let mut conn = tx.conn();
    if conn.dialect() == Dialect::Postgres {
        conn.run("select pg_advisory_xact_lock($1)", &[Value::Int(lock::DDL)])
            .await?;
    }
    let dialect = conn.dialect();
    conn.script(&in_words_of(dialect, TABLES)).await?;
    let known = stored_shape(&mut conn).await?;
    if known.is_none() {
        set_meta(&mut conn, crate::erase::CLEAN, "1").await?;
    }
    let (version, stored) = known.unwrap_or_default();
    for migration in MIGRATIONS.iter().filter(|m| m.version > version) {
        conn.script(&in_words_of(dialect, migration.both)).await?;
        if dialect == Dialect::Postgres {
            conn.script(&in_words_of(dialect, migration.postgres))
                .await?;
        }
    }
    if dialect == Dialect::Postgres {
        conn.run(log::append_sql(), &[]).await?;
    }
    let kept = design::kept(&mut conn).await?;
    let result = reshape(&mut conn, &stored, &wanted, &kept, may_drop).await?;
    set_meta(&mut conn, "version", &VERSION.to_string()).await?;
    tx.commit().await?;
    Ok(result)
}

/// Makes the tables what they should be, and notes what they are then.
pub(crate) async fn reshape(
    conn: &mut Conn<'_>,
    stored: &Shape,
    wanted: &Shape,
    kept: &ddl::Kept,
    may_drop: bool,
) -> Result<Shape> {
    let dialect = conn.dialect();
    let (steps, result) = ddl::diff(stored, wanted, kept, may_drop)?;
    let script: Vec<String> = steps.iter().filter_map(|step| step.sql(dialect)).collect();
    conn.script(&script).await?;
    for step in &steps {
        if let ddl::Step::AddColumn(table, column) = step
            && Origin::of(&column.name).is_some()
        {
            conn.script(&origin_from_log(table, &column.name)).await?;
        }
    }
    let text = serde_json::to_string(&result).map_err(|e| Error::Corrupt(e.to_string()))?;
    set_meta(conn, "shape", &text).await?;
    Ok(result)
}

/// Records from before there was such a field have it from the log, which has
/// an entry for each that was written by itself, and one for each import.
fn origin_from_log(table: &str, column: &str) -> [String; 2] {
    let said = match column {
        c if c == Origin::At.id() => "at",
        _ => "actor",
    };
    let name = quote(table);
    let of = |link: &str, which: &str| {
        format!(
            "update {name} set {column} = c.{said} from keji_change c \
             where {name}.{column} is null and c.{link} and {which}"
        )
    };
    [
        of(
            &format!("record = {name}.id"),
            &format!("c.object = '{table}' and c.kind = 'create'"),
        ),
        of(
            &format!("batch = {name}.batch"),
            "c.record is null and c.kind = 'import'",
        ),
    ]
}

pub(crate) async fn meta(conn: &mut Conn<'_>, key: &str) -> Result<Option<String>> {
    let sql = "select value from keji_meta where key = $1";
    let row = conn.row(sql, &[key.into()], &[Type::Text]).await?;
    Ok(row.and_then(|mut row| match row.swap_remove(0) {
        Value::Text(text) => Some(text),
        _ => None,
    }))
}

pub(crate) async fn set_meta(conn: &mut Conn<'_>, key: &str, value: &str) -> Result<()> {
    let sql = "insert into keji_meta (key, value) values ($1, $2) \
               on conflict (key) do update set value = excluded.value";
    conn.run(sql, &[key.into(), value.into()]).await?;
    Ok(())
}

/// With the version of the system tables; `None` where there are none.
pub(crate) async fn stored_shape(conn: &mut Conn<'_>) -> Result<Option<(i64, Shape)>> {
    let exists = match conn.dialect() {
        Dialect::Sqlite => "select count(*) from sqlite_master where name = 'keji_meta'",
        Dialect::Postgres => {
            "select count(*) from pg_tables \
             where schemaname = current_schema() and tablename = 'keji_meta'"
        }
    };
    if conn.int(exists, &[]).await? == 0 {
        return Ok(None);
    }
    let version = meta(conn, "version")
        .await?
        .and_then(|v| v.parse().ok())
        .unwrap_or(0);
    if version > VERSION {
        return Err(Error::Newer {
            stored: version,
            known: VERSION,
        });
    }
    match meta(conn, "shape").await? {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text)
            .map(|shape| Some((version, shape)))
            .map_err(|e| Error::Corrupt(e.to_string())),
    }
}

fn in_words_of(dialect: Dialect, statements: &[&str]) -> Vec<String> {
    // Words of the dialects for the same things.
    let words = match dialect {
        Dialect::Sqlite => [
            ("$id", "integer primary key"),
            ("$int", "integer"),
            ("$time", "integer"),
            ("$date", "integer"),
            ("$bool", "integer"),
            ("$text", "text"),
            ("$strict", " strict"),
        ],
        Dialect::Postgres => [
            ("$id", "bigint primary key generated by default as identity"),
            ("$int", "bigint"),
            ("$time", "timestamptz"),
            ("$date", "date"),
            ("$bool", "boolean"),
            ("$text", "text collate \"C\""),
            ("$strict", ""),
        ],
    };
    statements
        .iter()
        .map(|sql| {
            words
                .iter()
                .fold((*sql).to_owned(), |sql, (from, to)| sql.replace(from, to))
        })
        .collect()
}

/// Version 1. It stays as it is: what came later is in [`MIGRATIONS`], and a
/// new database runs through all of them.
const TABLES: &[&str] = &[
    "create table if not exists keji_spelling (
       object $text not null, record $int not null, initials $text not null, spelt $text not null,
       primary key (object, record)
     )$strict",
    "create table if not exists keji_meta (key $text primary key, value $text not null)$strict",
    // `seq` is given out under the log's lock, so it has no gaps.
    "create table if not exists keji_change (
       seq $int primary key, at $time not null, actor $text not null, channel $text not null,
       kind $text not null, object $text, record $int, batch $int, before $text, after $text
     )$strict",
    "create index if not exists keji_change_record on keji_change (object, record, seq)",
    "create index if not exists keji_change_batch on keji_change (batch) where batch is not null",
    "create table if not exists keji_touched (
       seq $int not null, object $text not null, month $date
     )$strict",
    "create index if not exists keji_touched_seq on keji_touched (seq, object, month)",
    "create table if not exists keji_batch (
       id $id, filename $text not null, actor $text not null, channel $text not null,
       state $text not null, created_at $time not null, finished_at $time, summary $text, seq $int
     )$strict",
    "create table if not exists keji_job (
       id $id, kind $text not null, args $text not null, key $text, state $text not null,
       progress $text not null, result $text not null, error $text,
       attempts $int not null, max_attempts $int not null, cancel_asked $bool not null,
       fence $int not null, created_at $time not null, run_at $time not null,
       lease_until $time, finished_at $time
     )$strict",
    "create index if not exists keji_job_due on keji_job (state, run_at)
       where state in ('queued', 'running')",
    "create unique index if not exists keji_job_key on keji_job (kind, key)
       where state = 'queued' and key is not null",
    "create table if not exists keji_copy_file (
       object $text not null, month $date, path $text primary key, n_rows $int not null,
       n_bytes $int not null, checksum $text not null
     )$strict",
    "create table if not exists keji_evaluation (
       as_of $date primary key, at $time not null, n_customers $int not null, seq $int not null,
       summary $text not null
     )$strict",
];

/// What leads from one version of the system tables to the next.
struct Migration {
    version: i64,
    both: &'static [&'static str],
    /// Only there, and after `both`.
    postgres: &'static [&'static str],
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 2,
        both: &[
            "alter table keji_batch add column mode $text not null default 'add'",
            "alter table keji_batch add column source $text",
            "alter table keji_batch add column fingerprint $text",
            "create index keji_batch_fingerprint on keji_batch (fingerprint)
           where state = 'staging' and fingerprint is not null",
            // The import that the record belonged to, of a record that an import
            // changed or deleted.
            "alter table keji_change add column prior_batch $int",
            // The one record that changed in this part, where it was only one.
            "alter table keji_touched add column record $int",
            "create table keji_mapping (
           name $text primary key, signature $text not null, mapping $text not null,
           created_at $time not null, used_at $time not null
         )$strict",
            "create index keji_mapping_signature on keji_mapping (signature, used_at)",
        ],
        // How far an import has staged. On SQLite this stands in the import's own
        // file. Unlogged like the staged rows themselves, so that a crash of the
        // server loses both.
        postgres: &["create unlogged table keji_stage_mark (
           batch bigint primary key, row_no bigint not null, n_rows bigint not null,
           note text not null, is_complete boolean not null, n_staged bigint not null,
           filled bigint not null
         )"],
    },
    Migration {
        version: 4,
        both: &[
            // What proves who a user is. `totp_step` is the last step that was
            // used, so that no code counts twice.
            "create table keji_proof (
           user_id $int primary key, password $text not null, totp $text, totp_step $int,
           changed_at $time not null
         )$strict",
            // Of sessions and tokens only hashes are kept.
            "create table keji_session (
           hash $text primary key, user_id $int not null, created_at $time not null,
           seen_at $time not null
         )$strict",
            "create index keji_session_user on keji_session (user_id)",
            "create table keji_token (
           id $id, hash $text not null unique, user_id $int not null, name $text not null,
           scopes $text not null, created_at $time not null, used_at $time, expires_at $time
         )$strict",
            "create index keji_token_user on keji_token (user_id)",
            "create table keji_role (name $text primary key, document $text not null)$strict",
            // The log's entries up to `seq`, by a hash over them and the seal before.
            "create table keji_seal (seq $int primary key, hash $text not null)$strict",
        ],
        postgres: &[],
    },
    Migration {
        version: 5,
        both: &[
            // What a request with a key was answered, for when it comes again.
            "create table keji_once (
           actor $text not null, key $text not null, fingerprint $text not null,
           answer $text not null, made_at $time not null, primary key (actor, key)
         )$strict",
            "create index keji_once_made on keji_once (made_at)",
        ],
        postgres: &[],
    },
    Migration {
        version: 6,
        both: &[
            // `handle` is what an authenticator knows the user by, the same for
            // all of a user; `rp` the name of the server that it is for. `key`
            // never changes, `state` holds the counter.
            "create table keji_passkey (
           id $id, user_id $int not null, name $text not null, credential $text not null unique,
           handle $text not null, rp $text not null, transports $int not null, key $text not null,
           state $text not null, created_at $time not null, used_at $time
         )$strict",
            "create index keji_passkey_user on keji_passkey (user_id)",
            "create table keji_provider (
           id $id, name $text not null, issuer $text not null, client_id $text not null,
           client_secret $text not null, claim $text not null, matches $text not null,
           allows_other_ways $bool not null, is_active $bool not null
         )$strict",
            // Who of a provider's people is which user.
            "create table keji_bound (
           provider $int not null, subject $text not null, user_id $int not null,
           created_at $time not null, primary key (provider, subject)
         )$strict",
            "create unique index keji_bound_user on keji_bound (user_id, provider)",
        ],
        postgres: &[],
    },
    Migration {
        version: 7,
        both: WEBHOOKS,
        postgres: &[],
    },
    Migration {
        version: 8,
        both: &[
            // Keeps what an entry held from being guessed by its digest. Both
            // values and salt go when a person's data are erased, and the digest
            // stands in their place.
            "alter table keji_change add column salt $text",
            "alter table keji_change add column digest $text",
            // `proof` is the hash over digests, of a seal that was made over
            // values: see `audit.rs`.
            "alter table keji_seal add column form $int not null default 1",
            "alter table keji_seal add column proof $text",
            // Who was erased, in words that say nothing of the person. `origin` is
            // the first entry of the log about the record, `seq` that of the
            // erasure.
            "create table keji_erasure (
           pseudonym $text primary key, object $text not null, record $int not null,
           origin $int not null, seq $int not null, at $time not null
         )$strict",
            // Asked for, and waiting for an administrator.
            "create table keji_erasure_request (
           id $id, object $text not null, record $int not null, reason $text not null,
           asked_by $text not null, asked_at $time not null
         )$strict",
        ],
        postgres: &[],
    },
    Migration {
        version: 10,
        both: DUPLICATES,
        postgres: &[],
    },
    Migration {
        version: 11,
        both: TALK,
        postgres: &[],
    },
    Migration {
        version: 12,
        both: BULKS,
        postgres: &[],
    },
    Migration {
        version: 13,
        both: DESIGN,
        postgres: &[],
    },
    Migration {
        version: 14,
        both: FORMS_AND_VIEWS,
        postgres: &[],
    },
    Migration {
        version: 15,
        both: PACKS,
        postgres: &[],
    },
];

/// What came with a pack beside its definitions: pairs of object and id, as
/// JSON.
const PACKS: &[&str] = &["create table keji_pack (
       pack $text primary key not null, at $time not null, actor $text not null,
       samples $text not null, views $text not null
     )$strict"];

/// Forms that strangers answer: `token` is the address, `document` what is
/// asked. What a list is called: `state` is what its address says; shared with
/// a role's id, with everybody (`*`), or with nobody.
const FORMS_AND_VIEWS: &[&str] = &[
    "create table keji_form (
       id $id, token $text not null unique, secret $text not null, object $text not null,
       title $text not null, document $text not null, user_id $int not null,
       is_active $bool not null, max_answers $int, n_answers $int not null,
       last_answer_at $time, created_at $time not null
     )$strict",
    "create table keji_view (
       id $id, user_id $int not null, object $text not null, name $text not null,
       state $text not null, shared_with $text, created_at $time not null
     )$strict",
    "create index keji_view_object on keji_view (object, user_id)",
    "create table keji_usual_view (
       user_id $int not null, object $text not null, view $int not null,
       primary key (user_id, object)
     )$strict",
];

/// What people say to each other of records, what each is to be told, and
/// which records somebody marked or had open. `record` has no foreign key: any
/// object has comments, and a record that comes back finds its own again.
/// `n` is how many records a notification stands for. What was written before
/// there were notifications is nobody's news.
const TALK: &[&str] = &[
    "create table keji_comment (
       id $id, object $text not null, record $int not null, user_id $int, actor $text not null,
       text $text not null, at $time not null, edited_at $time
     )$strict",
    "create index keji_comment_record on keji_comment (object, record, id)",
    "create table keji_notification (
       id $id, user_id $int not null, kind $text not null, object $text not null,
       record $int not null, comment $int, seq $int not null, actor $text not null,
       n $int not null, at $time not null, read_at $time
     )$strict",
    "create unique index keji_notification_seq on keji_notification (user_id, seq)",
    "create index keji_notification_user on keji_notification (user_id, id)",
    "create index keji_notification_comment on keji_notification (comment)",
    "create table keji_favourite (
       user_id $int not null, object $text not null, record $int not null, at $time not null,
       primary key (user_id, object, record)
     )$strict",
    "create table keji_seen (
       user_id $int not null, object $text not null, record $int not null, at $time not null,
       primary key (user_id, object, record)
     )$strict",
    "insert into keji_meta (key, value) select 'notified', '' || coalesce(max(seq), 0)
       from keji_change where true on conflict (key) do nothing",
];

/// What was defined in the page, each state whole, and what the tables keep of
/// what was removed: a field, or with an empty field an object.
const DESIGN: &[&str] = &[
    "create table keji_definition (
       version $int primary key, at $time not null, actor $text not null, note $text not null,
       files $text not null
     )$strict",
    "create table keji_trash (
       object $text not null, field $text not null, removed_at $time not null,
       version $int not null, primary key (object, field)
     )$strict",
];

/// Writes that are undone as one: the stretch of the log from `first_seq` to
/// `last_seq`, which nobody else's entries interrupt. `is_back` is of those
/// that took one back, and not of those that did it again.
const BULKS: &[&str] = &[
    "create table keji_bulk (
       id $id, object $text not null, kind $text not null, actor $text not null,
       at $time not null, first_seq $int not null, last_seq $int not null,
       n_created $int not null, n_updated $int not null, n_deleted $int not null,
       undo_of $int, undone_by $int, is_back $bool not null
     )$strict",
    "create index keji_bulk_seq on keji_bulk (object, last_seq)",
    "create index keji_bulk_actor on keji_bulk (actor, id)",
    // What was deleted, for the recycle bin.
    "create index keji_change_deleted on keji_change (seq) where kind = 'delete'",
];

/// Pairs of records that look like one, those that somebody said are two, and
/// those that were made one: `kept` is what an undo needs, for as long as
/// there may be one. `keji_alias` leads from the number of a record that is no
/// more to the one that it became. In a pair `a` is the older one.
const DUPLICATES: &[&str] = &[
    "create table keji_duplicate (
       object $text not null, a $int not null, b $int not null, score $int not null,
       reasons $text not null, found_at $time not null, primary key (object, a, b)
     )$strict",
    "create index keji_duplicate_score on keji_duplicate (object, score, a, b)",
    "create table keji_distinct (
       object $text not null, a $int not null, b $int not null, actor $text not null,
       at $time not null, primary key (object, a, b)
     )$strict",
    "create table keji_merge (
       id $id, object $text not null, survivor $int not null, loser $int not null,
       actor $text not null, at $time not null, seq $int not null, kept $text,
       undone_by $text, undone_at $time
     )$strict",
    "create index keji_merge_loser on keji_merge (object, loser)",
    "create index keji_merge_survivor on keji_merge (object, survivor)",
    "create table keji_alias (
       object $text not null, number $text not null, record $int not null, merge $int not null,
       primary key (object, number)
     )$strict",
    "create index keji_alias_record on keji_alias (object, record)",
];

/// Of both secrets of a webhook the signatures are made, so they are kept as
/// they are. `position` is the last change that was looked at for it.
const WEBHOOKS: &[&str] = &[
    "create table keji_webhook (
       id $id, name $text not null, url $text not null, objects $text not null,
       kinds $text not null, is_active $bool not null, user_id $int not null,
       secret $text not null, old_secret $text, old_until $time, position $int not null,
       created_at $time not null
     )$strict",
    "create table keji_delivery (
       id $id, webhook $int not null, event $text not null, what $text not null, seq $int,
       object $text, record $int, job $int, attempt $int, created_at $time not null
     )$strict",
    "create unique index keji_delivery_seq on keji_delivery (webhook, seq) where seq is not null",
    "create index keji_delivery_webhook on keji_delivery (webhook, id)",
    "create index keji_delivery_job on keji_delivery (job)",
    "create table keji_attempt (
       id $id, delivery $int not null, at $time not null, status $int, error $text,
       duration_ms $int not null
     )$strict",
    "create index keji_attempt_delivery on keji_attempt (delivery)",
];
