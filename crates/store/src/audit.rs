//! The change log as a whole: newest first, and the chain of hashes that shows
//! when somebody changed it behind the product's back. Entries are sealed in
//! runs, some time after they were written, so that no write waits for the one
//! before it.

use std::fmt::Write;

use keji_schema::{Type, Value};
use sha2::{Digest, Sha256};

use crate::change::{Change, ChangeKind, change_of_row};
use crate::db::{Conn, Fields, int};
use crate::error::Result;
use crate::log;
use crate::store::Store;

/// Which entries; all that are given must hold.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Only entries before this one.
    pub before_seq: Option<i64>,
    pub actor: Option<String>,
    pub object: Option<String>,
    pub record: Option<i64>,
    pub kind: Option<ChangeKind>,
    /// Nothing is read without one.
    pub limit: u32,
}

impl Store {
    /// Newest first.
    pub async fn log(&self, query: &LogQuery) -> Result<Vec<Change>> {
        let mut params: Vec<Value> = Vec::new();
        let mut all = Vec::new();
        let given = [
            ("seq <", query.before_seq.map(Value::Int)),
            ("actor =", query.actor.as_deref().map(Value::from)),
            ("object =", query.object.as_deref().map(Value::from)),
            ("record =", query.record.map(Value::Int)),
            ("kind =", query.kind.map(|kind| log::kind_text(kind).into())),
        ];
        for (condition, value) in given {
            if let Some(value) = value {
                params.push(value);
                all.push(format!("{condition} ${}", params.len()));
            }
        }
        let condition = match all.is_empty() {
            true => String::new(),
            false => format!("where {}", all.join(" and ")),
        };
        let sql = format!(
            "select seq, at, actor, channel, kind, object, record, batch, before, after \
             from keji_change {condition} order by seq desc limit {}",
            query.limit
        );
        let kinds = [
            Type::Int,
            Type::Instant,
            Type::Text,
            Type::Text,
            Type::Text,
            Type::Text,
            Type::Int,
            Type::Int,
            Type::Text,
            Type::Text,
        ];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &kinds).await?;
        rows.into_iter().map(change_of_row).collect()
    }
}

/// The newest seal: all entries up to `seq` hang together by `hash`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub seq: i64,
    pub hash: String,
}

/// What looking at every sealed entry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    pub n_entries: u64,
    /// The newest entry that is sealed; 0 where none is.
    pub sealed: i64,
    /// The first run, by its last entry, that is not as it was sealed.
    pub broken: Option<i64>,
}

impl Store {
    /// Seals every entry so far; the newest seal, where there is an entry.
    pub async fn seal_log(&self) -> Result<Option<Seal>> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        // Nobody appends, or seals, meanwhile.
        log::take(&mut conn).await?;
        let last = seals(&mut conn, true).await?.pop();
        let (from, before) = match &last {
            Some(seal) => (seal.seq, seal.hash.clone()),
            None => (0, String::new()),
        };
        let to = conn
            .int(
                "select max(seq) from keji_change where seq > $1",
                &[Value::Int(from)],
            )
            .await?;
        if to == 0 {
            return Ok(last);
        }
        let (hash, _) = hashed(&mut conn, &before, from, to).await?;
        let sql = "insert into keji_seal (seq, hash) values ($1, $2)";
        conn.run(sql, &[Value::Int(to), hash.as_str().into()])
            .await?;
        tx.commit().await?;
        Ok(Some(Seal { seq: to, hash }))
    }

    /// Computes every seal anew.
    pub async fn prove_log(&self) -> Result<LogProof> {
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let mut proof = LogProof {
            n_entries: 0,
            sealed: 0,
            broken: None,
        };
        let mut before = String::new();
        for seal in seals(&mut conn, false).await? {
            let (hash, n) = hashed(&mut conn, &before, proof.sealed, seal.seq).await?;
            proof.n_entries += n;
            proof.sealed = seal.seq;
            if hash != seal.hash {
                proof.broken.get_or_insert(seal.seq);
            }
            before = seal.hash;
        }
        Ok(proof)
    }
}

/// In their order; the newest alone, or all.
async fn seals(conn: &mut Conn<'_>, is_newest: bool) -> Result<Vec<Seal>> {
    let sql = match is_newest {
        true => "select seq, hash from keji_seal order by seq desc limit 1",
        false => "select seq, hash from keji_seal order by seq",
    };
    let rows = conn.rows(sql, &[], &[Type::Int, Type::Text]).await?;
    let seal = |row| {
        let mut row = Fields::new(row);
        Ok(Seal {
            seq: row.int()?,
            hash: row.text()?,
        })
    };
    rows.into_iter().map(seal).collect()
}

/// The hash of the seal before and of the entries behind it, up to `to`; how
/// many they are.
async fn hashed(conn: &mut Conn<'_>, before: &str, from: i64, to: i64) -> Result<(String, u64)> {
    let sql = "select seq, at, actor, channel, kind, object, record, batch, prior_batch, before, \
               after from keji_change where seq > $1 and seq <= $2 order by seq";
    let kinds = [
        Type::Int,
        Type::Instant,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Int,
        Type::Text,
        Type::Text,
    ];
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    let params = [Value::Int(from), Value::Int(to)];
    let n = conn
        .each(sql, &params, &kinds, |row| {
            for value in row {
                // A length before each text keeps neighbours apart.
                match value {
                    Value::Null => hash.update(b"-"),
                    Value::Text(text) => {
                        hash.update(text.len().to_be_bytes());
                        hash.update(text.as_bytes());
                    }
                    Value::Instant(at) => hash.update(at.as_microsecond().to_be_bytes()),
                    other => hash.update(int(other).unwrap_or_default().to_be_bytes()),
                }
            }
            Ok::<_, crate::Error>(())
        })
        .await?;
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok((text, n))
}
