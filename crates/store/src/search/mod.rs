//! The index of the search: which records of an object may hold a part of a
//! text, also as it is spelt in Latin letters. It is a file of its own beside
//! the copy, the same for both stores, and follows from the records: lost, it
//! is made anew. It answers with candidates only; whoever asks looks at each
//! of them under the caller's rights, and at what changed since.
//!
//! Beside it stand the keys by which duplicates are found, under the same rules.
//!
//! Reading order: here (asking), `nearest` (asking for the best of many
//! objects), `follow` (how it keeps up), `settle` (what it does at rest), `terms`,
//! `thin` (which terms are asked for), `keys`.

mod follow;
mod keys;
mod nearest;
mod settle;
mod terms;
mod thin;

pub use keys::KeyReader;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};

use crate::db::sqlite::{self, IndexPools};
use crate::db::{Conn, Fields, fault, int};
use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};
use crate::store::Store;
use nearest::{Frequent, Sizes};
use settle::Unsettled;
use terms::Kind;
use thin::Query;

pub use nearest::{Candidate, Fitting, Wanted};

/// Spellings of a name, in small letters; where characters have more than one
/// reading all of them, with spaces between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// First letters: `lml`.
    pub initials: String,
    /// The whole: `limingliang`.
    pub full: String,
}

/// The field whose text is also found by its spelling.
pub(crate) const SPELT: &str = "name";

/// More candidates than these are no help: so many matches are found sooner by
/// reading on in the wanted order.
const MANY: usize = 20_000;

/// Of the terms in the file. An index of another one is made anew.
const VERSION: i64 = 4;

/// Changes that the index has not seen yet and that are looked at one by one.
const MANY_BEHIND: usize = 5_000;

#[derive(Debug)]
pub(crate) struct Index {
    pools: IndexPools,
    terms: Followed,
    keys: Followed,
    frequent: Frequent,
    sizes: Sizes,
    unsettled: Unsettled,
}

/// How far all objects are, whose own positions move only when one of their
/// records changes.
#[derive(Debug, Default)]
struct Followed {
    /// One follower at a time; the change up to which all was done when it
    /// last looked, if nothing was left over.
    done: tokio::sync::Mutex<Option<i64>>,
    /// The newest change up to which all was done at any time.
    reached: AtomicI64,
}

impl Followed {
    fn reached(&self) -> i64 {
        self.reached.load(Ordering::Acquire)
    }
}

/// How far the index of one object is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Position {
    /// All changes up to this one are in it, but for `scan`.
    seq: i64,
    /// When that change was made: an index of another database is known by it.
    at: Option<i64>,
    /// What is being read in whole: 0 the object, else the batch; negative, an
    /// undone one.
    scan: Option<i64>,
    /// The last record of `scan` that is in it.
    cursor: i64,
}

/// The records that may match, by object; of an object without an entry all.
pub(crate) type Candidates = BTreeMap<String, String>;

impl Store {
    /// Opens the index, or a new one where the file is none. Without it, a
    /// search reads every record, and finds no spellings.
    pub async fn use_search(&self, path: &Path) -> Result<()> {
        let index = match Index::open(path).await {
            Ok(index) => index,
            Err(_) => {
                for end in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(end);
                    match std::fs::remove_file(&name) {
                        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                            let what = path.display().to_string();
                            return Err(Error::Io { what, source });
                        }
                        _ => {}
                    }
                }
                Index::open(path).await?
            }
        };
        // A second call changes nothing.
        let _ = self.0.search.set(index);
        Ok(())
    }

    /// What a search for `text` in these objects needs to look at.
    pub(crate) async fn candidates(
        &self,
        conn: &mut Conn<'_>,
        objects: &BTreeSet<String>,
        text: &str,
    ) -> Result<Candidates> {
        let mut found = Candidates::new();
        let Some(index) = self.0.search.get() else {
            return Ok(found);
        };
        for object in objects {
            let place = place(self.0.catalog.object(object)?);
            // First: what the index takes in meanwhile is looked at twice.
            let since = index.complete_to(&place, &index.terms).await?;
            if let Some(since) = since
                && let Some(mut ids) = index.matches(object, text).await?
                && let Some(behind) = changed_since(conn, object, since).await?
            {
                ids.extend(behind);
                let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
                found.insert(object.clone(), format!("[{}]", ids.join(",")));
            }
        }
        Ok(found)
    }
}

/// Records that changed behind a position of the log; `None` of too many.
async fn changed_since(conn: &mut Conn<'_>, object: &str, since: i64) -> Result<Option<Vec<i64>>> {
    let sql = format!(
        "select record, object from keji_change where seq > $1 \
         and (object = $2 or kind in ('import', 'undo', 'erasure')) limit {}",
        MANY_BEHIND + 1
    );
    let params = [Value::Int(since), object.into()];
    let rows = conn.rows(sql, &params, &[Type::Int, Type::Text]).await?;
    if rows.len() > MANY_BEHIND {
        return Ok(None);
    }
    // A change of many records names none, or none of these.
    let id = |row: &Vec<Value>| match &row[1] {
        Value::Text(of) if of == object => int(&row[0]),
        _ => None,
    };
    Ok(rows.iter().map(id).collect())
}

impl Index {
    async fn open(path: &Path) -> Result<Index> {
        let pools = sqlite::open_index(path).await?;
        let mut index = Index {
            pools,
            terms: Followed::default(),
            keys: Followed::default(),
            frequent: Frequent::default(),
            sizes: Sizes::default(),
            unsettled: Unsettled::default(),
        };
        let mut writer = index.pools.writer.acquire().await.map_err(fault)?;
        let mut conn = Conn::Sqlite(&mut writer);
        let version = conn.int("pragma user_version", &[]).await?;
        let n_tables = conn.int("select count(*) from sqlite_schema", &[]).await?;
        if n_tables > 0 && version != VERSION {
            drop(writer);
            index.close().await;
            let found = format!("an index of version {version}");
            return Err(Error::Corrupt(found));
        }
        conn.run(format!("pragma user_version = {VERSION}"), &[])
            .await?;
        conn.run(
            "create table if not exists position (object text primary key, \
             seq integer not null, at integer, scan integer, cursor integer not null) strict",
            &[],
        )
        .await?;
        // Indexes of before they were there.
        let sql = "select substr(name, 4) from sqlite_schema \
                   where name like 'of\\_%' escape '\\' and sql like 'create virtual table%'";
        let mut objects = Vec::new();
        for row in conn.rows(sql, &[], &[Type::Text]).await? {
            let object = Fields::new(row).text()?;
            conn.run(vocabulary_sql(&object), &[]).await?;
            objects.push(object);
        }
        drop(writer);
        index.unsettled = Unsettled::of(objects.into_iter());
        Ok(index)
    }

    pub(crate) async fn close(&self) {
        self.pools.readers.close().await;
        self.pools.writer.close().await;
    }

    async fn position(&self, object: &str) -> Result<Option<Position>> {
        let mut reader = self.pools.readers.acquire().await.map_err(fault)?;
        position_of(&mut Conn::Sqlite(&mut reader), object).await
    }

    /// The change up to which an object is in the index; `None` while it is read
    /// in whole.
    async fn complete_to(&self, place: &str, followed: &Followed) -> Result<Option<i64>> {
        let reached = followed.reached();
        let position = self.position(place).await?;
        let position = position.filter(|position| position.scan.is_none());
        Ok(position.map(|position| position.seq.max(reached)))
    }

    /// Ids whose texts have all terms of `text`, and a few more; `None` of too
    /// many.
    async fn matches(&self, object: &str, text: &str) -> Result<Option<Vec<i64>>> {
        let kinds: &[Kind] = match is_spelling(text) {
            true => &[Kind::Text, Kind::Initials, Kind::Spelt],
            false => &[Kind::Text],
        };
        let clauses = kinds.iter().filter_map(|kind| terms::query(*kind, text));
        let query = Query::Any(clauses.map(|one| Query::Clauses(vec![one])).collect());
        if query.is_empty() {
            return Ok(None);
        }
        let mut reader = self.pools.readers.acquire().await.map_err(fault)?;
        let table = quote(&table(object));
        let sql = format!(
            "select rowid from {table} where {table} match $1 limit {}",
            MANY + 1
        );
        let mut conn = Conn::Sqlite(&mut reader);
        let rows = async {
            // What was known a moment ago will not do: whoever has no terms is
            // in no list.
            let sizes = nearest::sizes_of(&mut conn, &[object]).await?;
            let counts = self.counts(&mut conn, &[object], &query, &sizes).await?;
            let text = counts.first().and_then(|counts| query.thin(counts));
            let Some(text) = text else {
                return Ok(Vec::new());
            };
            conn.rows(sql, &[Value::Text(text)], &[Type::Int]).await
        };
        let rows = match rows.await {
            Ok(rows) => rows,
            // Not followed yet.
            Err(e) if keys::is_no_table(&e) || is_moving(&e) => return Ok(None),
            Err(e) => return Err(e),
        };
        let ids = rows.iter().filter_map(|row| int(&row[0])).collect();
        Ok((rows.len() <= MANY).then_some(ids))
    }
}

/// Tables of other objects came while this one was opened. SQLite tries again
/// once; where many come one after the other, that is not enough.
fn is_moving(error: &Error) -> bool {
    matches!(error, Error::Database(sqlx::Error::Database(e))
        if e.message().starts_with("vtable constructor failed"))
}

/// Whether a text may be a spelling.
pub(crate) fn is_spelling(text: &str) -> bool {
    text.len() >= 2 && text.bytes().all(|b| b.is_ascii_alphabetic())
}

/// The ids of a JSON list that is a parameter, as rows.
pub(crate) fn list_sql(dialect: Dialect, param: &str) -> String {
    dialect.pick(
        format!("select value from json_each({param})"),
        format!("select value::bigint from json_array_elements_text({param}::json)"),
    )
}

fn table(object: &str) -> String {
    format!("of_{object}")
}

/// The table that says in how many records of an object a term stands.
fn vocabulary(object: &str) -> String {
    format!("terms_of_{object}")
}

fn vocabulary_sql(object: &str) -> String {
    let (name, of) = (quote(&vocabulary(object)), quote(&table(object)));
    format!("create virtual table if not exists {name} using fts5vocab({of}, 'row')")
}

/// Under which name the position of an object's terms stands. After the fields
/// that are searched: where others are, all are read anew.
fn place(def: &ObjectDef) -> String {
    let searched = def.fields.iter().filter(|field| field.search);
    let searched: Vec<&str> = searched.map(|field| field.id.as_str()).collect();
    format!("{}({})", def.id, searched.join(","))
}

async fn position_of(conn: &mut Conn<'_>, object: &str) -> Result<Option<Position>> {
    let sql = "select seq, at, scan, cursor from position where object = $1";
    let row = conn.row(sql, &[object.into()], &[Type::Int; 4]).await?;
    row.map(|row| {
        let mut row = Fields::new(row);
        Ok(Position {
            seq: row.int()?,
            at: row.optional_int(),
            scan: row.optional_int(),
            cursor: row.int()?,
        })
    })
    .transpose()
}
