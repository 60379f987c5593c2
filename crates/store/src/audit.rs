//! The change log as a whole: newest first, and the chain of hashes that shows
//! when somebody changed it behind the product's back. Entries are sealed in
//! runs, some time after they were written, so that no write waits for the one
//! before it.
//!
//! A seal is made over a digest of what each entry holds, salted with what is
//! kept beside it only. So what an entry holds can be taken away, when a
//! person's data are erased, and the chain still holds; the digest that stays
//! tells nothing without its salt.

use std::collections::BTreeMap;
use std::fmt::Write;

use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::change::{Change, ChangeKind, change_of_row};
use crate::db::{Conn, Fields, int};
use crate::error::{Error, Result};
use crate::log::{self, Entry};
use crate::store::Store;
use crate::write::now;

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

/// What somebody did that changed no record.
#[derive(Debug, Clone)]
pub struct Note {
    pub actor: String,
    pub channel: String,
    pub kind: ChangeKind,
    pub object: Option<String>,
    pub record: Option<i64>,
    pub what: Map<String, Json>,
}

impl Store {
    /// Enters it into the log; its place there.
    pub async fn note(&self, note: &Note) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let entry = Entry {
            at: now(),
            actor: &note.actor,
            channel: &note.channel,
            kind: note.kind,
            object: note.object.as_deref(),
            record: note.record,
            batch: None,
            before: None,
            after: Some(&note.what),
        };
        let seq = log::append(&mut tx.conn(), &entry).await?;
        tx.commit().await?;
        Ok(seq)
    }

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
        let seal = seal(&mut conn).await?;
        tx.commit().await?;
        Ok(seal)
    }

    /// Computes every seal anew. What was erased has its digest in place of
    /// what it held, and counts only where a sealed erasure names it.
    pub async fn prove_log(&self) -> Result<LogProof> {
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let mut proof = LogProof {
            n_entries: 0,
            sealed: 0,
            broken: None,
        };
        let erased = erased(&mut conn).await?;
        let mut before = String::new();
        for Sealed {
            seal,
            form,
            proof: second,
        } in seals(&mut conn, false).await?
        {
            let own = (form > 1 || second.is_some()).then_some(&erased);
            let (hash, n) = hashed(&mut conn, &before, proof.sealed, seal.seq, own).await?;
            proof.n_entries += n;
            proof.sealed = seal.seq;
            let is_whole = match &second {
                None => hash.as_ref() == Some(&seal.hash),
                Some(second) => {
                    let known = erased.proofs.get(&seal.seq);
                    hash.as_ref() == Some(second) && known == Some(second)
                }
            };
            if !is_whole {
                proof.broken.get_or_insert(seal.seq);
            }
            before = seal.hash;
        }
        Ok(proof)
    }
}

impl Store {
    /// Whether the log still begins with what it was when its newest seal was
    /// `head` and its last entry `seq`. A seal keeps its hash when a person is
    /// erased (`prepare_for_erasure`); that it is the one of its entries, only
    /// [`Store::prove_log`] says.
    pub async fn holds_seal(&self, seq: i64, head: &str) -> Result<bool> {
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let sql = "select count(*) from keji_seal where hash = $1 and seq <= $2";
        let params = [head.into(), Value::Int(seq)];
        let is_there = conn.int(sql, &params).await? > 0;
        let last = conn.int("select max(seq) from keji_change", &[]).await?;
        Ok(is_there && last >= seq)
    }
}

/// Seals every entry so far, in the transaction that has taken the log.
pub(crate) async fn seal(conn: &mut Conn<'_>) -> Result<Option<Seal>> {
    let last = seals(conn, true).await?.pop().map(|sealed| sealed.seal);
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
    salt(conn, from, to).await?;
    let none = ErasedEntries::default();
    let (hash, _) = hashed(conn, &before, from, to, Some(&none)).await?;
    let hash = hash.ok_or_else(|| {
        Error::Corrupt("an entry of the log was erased before it was sealed".to_owned())
    })?;
    let sql = "insert into keji_seal (seq, hash, form) values ($1, $2, 2)";
    conn.run(sql, &[Value::Int(to), hash.as_str().into()])
        .await?;
    Ok(Some(Seal { seq: to, hash }))
}

/// Entries from before there were salts get theirs.
async fn salt(conn: &mut Conn<'_>, from: i64, to: i64) -> Result<()> {
    let sql = format!(
        "update keji_change set salt = {} where seq > $1 and seq <= $2 \
         and salt is null and digest is null",
        log::salt_sql(conn.dialect())
    );
    conn.run(sql, &[Value::Int(from), Value::Int(to)]).await?;
    Ok(())
}

/// Seals of the days when they were made over values could not be computed
/// anew without the values. Each that still holds gets a second hash, over
/// digests; the erasure's own entry keeps those, by the last entry of the run,
/// and is itself sealed.
pub(crate) async fn prepare_for_erasure(conn: &mut Conn<'_>) -> Result<Map<String, Json>> {
    let mut proofs = Map::new();
    let (mut before, mut from) = (String::new(), 0);
    let none = ErasedEntries::default();
    for Sealed { seal, form, proof } in seals(conn, false).await? {
        if form == 1 && proof.is_none() {
            let (hash, _) = hashed(conn, &before, from, seal.seq, None).await?;
            // One that does not hold is left so, and stays found.
            if hash.as_ref() == Some(&seal.hash) {
                salt(conn, from, seal.seq).await?;
                let (hash, _) = hashed(conn, &before, from, seal.seq, Some(&none)).await?;
                let hash = hash.unwrap_or_default();
                let sql = "update keji_seal set proof = $2 where seq = $1";
                conn.run(sql, &[Value::Int(seal.seq), hash.as_str().into()])
                    .await?;
                proofs.insert(seal.seq.to_string(), hash.into());
            }
        }
        (before, from) = (seal.hash, seal.seq);
    }
    Ok(proofs)
}

/// Puts the digest of what an entry holds in its place, for good.
pub(crate) async fn bury(conn: &mut Conn<'_>, seq: i64, pseudonym: &str) -> Result<()> {
    let sql = "select salt, before, after from keji_change where seq = $1 and digest is null";
    let row = conn.row(sql, &[Value::Int(seq)], &[Type::Text; 3]).await?;
    let Some(row) = row else { return Ok(()) };
    let digest = digest(&row[0], &row[1], &row[2]);
    let sql = "update keji_change set before = null, after = $2, salt = null, digest = $3 \
               where seq = $1";
    let params = [
        Value::Int(seq),
        Value::Text(tombstone(pseudonym)),
        Value::Text(digest),
    ];
    conn.run(sql, &params).await?;
    Ok(())
}

fn tombstone(pseudonym: &str) -> String {
    Json::Object(Map::from_iter([(
        "erased".to_owned(),
        Json::from(pseudonym),
    )]))
    .to_string()
}

/// What the log itself says of erased entries.
#[derive(Debug, Default)]
struct ErasedEntries {
    /// The tombstone of each.
    by_seq: BTreeMap<i64, String>,
    /// Second hashes of seals.
    proofs: BTreeMap<i64, String>,
}

async fn erased(conn: &mut Conn<'_>) -> Result<ErasedEntries> {
    let sql = "select after from keji_change where kind = 'erasure' and after is not null \
               order by seq";
    let mut all = ErasedEntries::default();
    for row in conn.rows(sql, &[], &[Type::Text]).await? {
        let what: Json = Fields::new(row).json()?;
        let tombstone = tombstone(what["pseudonym"].as_str().unwrap_or_default());
        let seqs = what["entries"].as_array().into_iter().flatten();
        for seq in seqs.filter_map(Json::as_i64) {
            all.by_seq.insert(seq, tombstone.clone());
        }
        for (seq, proof) in what["proofs"].as_object().into_iter().flatten() {
            if let (Ok(seq), Some(proof)) = (seq.parse(), proof.as_str()) {
                all.proofs.insert(seq, proof.to_owned());
            }
        }
    }
    Ok(all)
}

struct Sealed {
    seal: Seal,
    /// 1: over values. 2: over digests.
    form: i64,
    proof: Option<String>,
}

/// In their order; the newest alone, or all.
async fn seals(conn: &mut Conn<'_>, is_newest: bool) -> Result<Vec<Sealed>> {
    let sql = match is_newest {
        true => "select seq, hash, form, proof from keji_seal order by seq desc limit 1",
        false => "select seq, hash, form, proof from keji_seal order by seq",
    };
    let kinds = [Type::Int, Type::Text, Type::Int, Type::Text];
    let rows = conn.rows(sql, &[], &kinds).await?;
    let sealed = |row| {
        let mut row = Fields::new(row);
        let seal = Seal {
            seq: row.int()?,
            hash: row.text()?,
        };
        Ok(Sealed {
            seal,
            form: row.int()?,
            proof: row.optional_text(),
        })
    };
    rows.into_iter().map(sealed).collect()
}

/// The hash of the seal before and of the entries behind it, up to `to`; how
/// many they are. With `erased` over digests of what they hold, without over
/// that itself. `None` where an entry is erased of which no erasure says so.
async fn hashed(
    conn: &mut Conn<'_>,
    before: &str,
    from: i64,
    to: i64,
    erased: Option<&ErasedEntries>,
) -> Result<(Option<String>, u64)> {
    let sql = "select seq, at, actor, channel, kind, object, record, batch, prior_batch, before, \
               after, salt, digest from keji_change where seq > $1 and seq <= $2 order by seq";
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
        Type::Text,
        Type::Text,
    ];
    /// Columns before the values.
    const HEAD: usize = 9;
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    let params = [Value::Int(from), Value::Int(to)];
    let mut is_known = true;
    let n = conn
        .each(sql, &params, &kinds, |row| {
            row[..HEAD].iter().for_each(|value| add(&mut hash, value));
            let [was, is, salt, buried] = [&row[9], &row[10], &row[11], &row[12]];
            match (erased, buried) {
                (None, Value::Null) => {
                    add(&mut hash, was);
                    add(&mut hash, is);
                }
                (Some(_), Value::Null) => add(&mut hash, &Value::Text(digest(salt, was, is))),
                (erased, buried) => {
                    let seq = int(&row[0]).unwrap_or_default();
                    let told = erased.and_then(|all| all.by_seq.get(&seq));
                    let stands = told.is_some_and(|t| *is == Value::from(t.as_str()));
                    is_known &= stands && was.is_null() && salt.is_null();
                    add(&mut hash, buried);
                }
            }
            Ok::<_, crate::Error>(())
        })
        .await?;
    Ok((is_known.then(|| hex(hash)), n))
}

/// Of what an entry holds.
fn digest(salt: &Value, before: &Value, after: &Value) -> String {
    let mut hash = Sha256::new();
    for value in [salt, before, after] {
        add(&mut hash, value);
    }
    hex(hash)
}

fn add(hash: &mut Sha256, value: &Value) {
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

fn hex(hash: Sha256) -> String {
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
