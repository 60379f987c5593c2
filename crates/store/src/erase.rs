//! Taking a person's data away: out of the records, out of what the log holds
//! of them, out of whatever else the store keeps. In one transaction, and so
//! that the chain of the log's hashes still holds and still shows when somebody
//! else changes it.
//!
//! What stays is a pseudonym where the person stood, with the amounts and days
//! of the business. The record itself stays too: what hangs on it would
//! otherwise hang nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use keji_schema::definition::{FieldDef, ObjectDef};
use keji_schema::{Catalog, Type, Value};
use serde_json::{Map, Value as Json};

use crate::access::Access;
use crate::audit;
use crate::change::ChangeKind;
use crate::comment;
use crate::db::{Conn, Db, Fields, int};
use crate::design;
use crate::error::{Error, Result};
use crate::log::{self, Entry, Touches};
use crate::merge;
use crate::person::{Found, hanging_on};
use crate::record::Record;
use crate::sql::quote;
use crate::store::Store;
use crate::system::{meta, set_meta};
use crate::version::{TOUCHING, touching};
use crate::write::now;

/// Key in `keji_meta` of a SQLite database in which nothing was ever freed
/// without being overwritten.
pub(crate) const CLEAN: &str = "clean";

/// As often it is tried to empty SQLite's log file.
const WIPE_TRIES: u32 = 100;

/// From this length a text is one person's alone, such as a phone number.
const ONES_OWN: usize = 7;

/// Whom to erase, by whose word.
#[derive(Debug, Clone)]
pub struct Erasure {
    pub object: String,
    pub record: i64,
    /// What stands where the person stood; says nothing of the person.
    pub pseudonym: String,
    pub reason: String,
    pub actor: String,
    pub channel: String,
    /// Whether what hangs on the record is all the person's: a customer's is,
    /// while the business documents that name a contact are the company's.
    pub is_deep: bool,
    /// The record that it all belongs to, where other records about that may
    /// name the person too.
    pub among: Option<(String, i64)>,
}

/// What was done, and by what the person can be known elsewhere.
#[derive(Debug)]
pub struct Erased {
    /// Of the entry in the log.
    pub seq: i64,
    pub n_records: u64,
    pub n_entries: u64,
    /// To look for in files; to be forgotten after that.
    pub words: Vec<String>,
    /// Imports that brought some of it.
    pub batches: BTreeSet<i64>,
}

/// A line of the register: enough to erase the same person in a backup of the
/// days before, and nothing of the person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErasureLine {
    pub pseudonym: String,
    pub object: String,
    pub record: i64,
    /// The first entry of the log about the record.
    pub origin: i64,
    pub at: Timestamp,
}

impl Store {
    /// `None` where there is no such record.
    pub async fn erase(&self, order: &Erasure) -> Result<Option<Erased>> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        log::take(&mut conn).await?;
        // What is about to go is sealed first, so that its digest stands for it.
        audit::seal(&mut conn).await?;
        let proofs = audit::prepare_for_erasure(&mut conn).await?;
        let done = self.take_away(&mut conn, order, proofs).await?;
        if done.is_some() {
            audit::seal(&mut conn).await?;
            tx.commit().await?;
            self.wipe().await?;
        }
        Ok(done)
    }

    /// Everybody who was erased, oldest first.
    pub async fn erasures(&self) -> Result<Vec<ErasureLine>> {
        let sql = "select pseudonym, object, record, origin, at from keji_erasure order by seq";
        let kinds = [Type::Text, Type::Text, Type::Int, Type::Int, Type::Instant];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &kinds).await?;
        let line = |row| {
            let mut row = Fields::new(row);
            Ok(ErasureLine {
                pseudonym: row.text()?,
                object: row.text()?,
                record: row.int()?,
                origin: row.int()?,
                at: row.instant()?,
            })
        };
        rows.into_iter().map(line).collect()
    }

    /// The first entry of the log about a record; `None` where there is no
    /// such record, or no entry.
    pub async fn origin(&self, object: &str, id: i64) -> Result<Option<i64>> {
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let all = Access::all();
        let Some(record) = self.record(&mut conn, object, id, &all, false).await? else {
            return Ok(None);
        };
        origin(&mut conn, &record).await.map(Some)
    }

    async fn take_away(
        &self,
        conn: &mut Conn<'_>,
        order: &Erasure,
        proofs: Map<String, Json>,
    ) -> Result<Option<Erased>> {
        let catalog = &self.0.catalog;
        let all = Access::all();
        let (object, id) = (order.object.as_str(), order.record);
        let Some(subject) = self.record(conn, object, id, &all, true).await? else {
            return Ok(None);
        };
        let origin = origin(conn, &subject).await?;
        let own = hanging_on(conn, catalog, object, id, order.is_deep).await?;
        let around = match &order.among {
            Some((object, id)) => hanging_on(conn, catalog, object, *id, true).await?,
            None => own.clone(),
        };
        let words = self.words(conn, &subject).await?;
        let mut gone = Gone {
            order,
            words,
            batches: BTreeSet::new(),
            cleared: BTreeMap::new(),
            silenced: BTreeSet::new(),
            touches: Touches::new(),
        };
        for (found, is_own) in [(&own, true), (&around, false)] {
            for (name, ids) in found {
                for id in ids {
                    let is_done = !is_own && own.get(name).is_some_and(|ids| ids.contains(id));
                    let Some(record) = self.record(conn, name, *id, &all, true).await? else {
                        continue;
                    };
                    if !is_done {
                        let def = catalog.object(name)?;
                        gone.clear(self, conn, def, &record, is_own).await?;
                    }
                }
            }
        }
        let there = own;
        let mut own = there.clone();
        gone.comments(conn, catalog, &there, &around).await?;
        let deleted = gone.deleted(conn, catalog).await?;
        for (object, id) in deleted {
            comment::forget(conn, &object, id).await?;
            own.entry(object).or_default().insert(id);
        }
        // What was merged into any of it was of the person, too.
        for (object, ids) in &there {
            for id in ids {
                let merged = merge::merged_into(conn, object, *id).await?;
                own.entry(object.clone()).or_default().extend(merged);
                merge::forget_kept(conn, object, *id).await?;
            }
        }
        let entries = gone.entries(conn, &own, &there, &around).await?;
        for seq in &entries {
            audit::bury(conn, *seq, &order.pseudonym).await?;
        }
        gone.elsewhere(conn).await?;
        let mut what = Map::new();
        what.insert("pseudonym".into(), order.pseudonym.as_str().into());
        let reason = gone.without_words(&order.reason);
        let reason = reason.unwrap_or_else(|| order.reason.clone());
        what.insert("reason".into(), reason.into());
        what.insert("records".into(), gone.cleared.len().into());
        what.insert("entries".into(), Json::from(entries.clone()));
        if !proofs.is_empty() {
            what.insert("proofs".into(), proofs.into());
        }
        let at = now();
        let mut entry = Entry {
            at,
            actor: &order.actor,
            channel: &order.channel,
            kind: ChangeKind::Erasure,
            object: Some(object),
            record: Some(id),
            batch: None,
            before: None,
            after: Some(&what),
        };
        let seq = log::append(conn, &entry).await?;
        log::touch(conn, seq, &gone.touches, None).await?;
        let of = Map::from_iter([("pseudonym".to_owned(), order.pseudonym.as_str().into())]);
        for (name, id) in gone.cleared.keys() {
            if (name.as_str(), *id) != (object, order.record) {
                (entry.object, entry.record) = (Some(name.as_str()), Some(*id));
                entry.after = Some(&of);
                log::append(conn, &entry).await?;
            }
        }
        let sql = "insert into keji_erasure (pseudonym, object, record, origin, seq, at) \
                   values ($1, $2, $3, $4, $5, $6)";
        let params = [
            order.pseudonym.as_str().into(),
            object.into(),
            Value::Int(id),
            Value::Int(origin),
            Value::Int(seq),
            Value::Instant(at),
        ];
        conn.run(sql, &params).await?;
        let sql = "delete from keji_erasure_request where object = $1 and record = $2";
        conn.run(sql, &[object.into(), Value::Int(id)]).await?;
        Ok(Some(Erased {
            seq,
            n_records: gone.cleared.len() as u64,
            n_entries: entries.len() as u64,
            words: gone.words,
            batches: gone.batches,
        }))
    }

    /// By what people are searched: the texts of the fields that are marked so,
    /// as they are and as they ever were.
    async fn words(&self, conn: &mut Conn<'_>, subject: &Record) -> Result<Vec<String>> {
        let def = self.0.catalog.object(&subject.object)?;
        let fields: Vec<&FieldDef> = (def.fields.iter())
            .filter(|f| f.kind == Type::Text && (f.search || def.title.as_ref() == Some(&f.id)))
            .collect();
        let mut words = BTreeSet::new();
        let mut add = |text: &str| {
            let text = text.trim();
            let is_wide = text.chars().any(|c| c > '\u{2e7f}');
            if text.chars().count() >= if is_wide { 2 } else { 4 } {
                words.insert(text.to_owned());
            }
        };
        for field in &fields {
            if let Value::Text(text) = subject.value(&field.id) {
                add(text);
            }
        }
        let sql = "select before, after from keji_change where object = $1 and record = $2";
        let params = [subject.object.as_str().into(), Value::Int(subject.id)];
        for row in conn.rows(sql, &params, &[Type::Text, Type::Text]).await? {
            for side in row {
                let Some(side) = payload(&side) else { continue };
                for field in &fields {
                    if let Some(Json::String(text)) = side.get(&field.id) {
                        add(text);
                    }
                }
            }
        }
        // The longest first: a name within a mail address comes after it.
        let mut words: Vec<String> = words.into_iter().collect();
        words.sort_by_key(|w| std::cmp::Reverse(w.len()));
        Ok(words)
    }

    /// Nothing of it is left in what SQLite has freed or not yet moved. On
    /// PostgreSQL that is the server's business (`vacuum`).
    async fn wipe(&self) -> Result<()> {
        let Db::Sqlite(pools) = self.db() else {
            return Ok(());
        };
        let mut writer = pools.writer.acquire().await.map_err(crate::db::fault)?;
        let mut conn = Conn::Sqlite(&mut writer);
        if meta(&mut conn, CLEAN).await?.is_none() {
            // From the days before everything freed was overwritten.
            conn.run("vacuum", &[]).await?;
            set_meta(&mut conn, CLEAN, "1").await?;
        }
        // A reader in the middle of something holds it up for a moment.
        for _ in 0..WIPE_TRIES {
            let sql = "pragma wal_checkpoint(truncate)";
            let row = conn.row(sql, &[], &[Type::Int; 3]).await?;
            if row.is_none_or(|row| int(&row[0]) == Some(0)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Somebody reads for longer than that: the next erasure empties it.
        Ok(())
    }
}

/// An erasure on its way.
struct Gone<'a> {
    order: &'a Erasure,
    words: Vec<String>,
    batches: BTreeSet<i64>,
    /// What went, by record.
    cleared: BTreeMap<(String, i64), BTreeSet<String>>,
    /// Records of which nothing that was said stays.
    silenced: BTreeSet<(String, i64)>,
    touches: Touches,
}

impl Gone<'_> {
    async fn clear(
        &mut self,
        store: &Store,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        record: &Record,
        is_own: bool,
    ) -> Result<()> {
        let is_subject = (&record.object, record.id) == (&self.order.object, self.order.record);
        let mut values: Vec<(&str, Value)> = Vec::new();
        for field in &def.fields {
            let value = record.value(&field.id);
            let is_gone = match is_subject {
                true => matches!(field.kind, Type::Text | Type::Date | Type::Instant),
                false => is_own && is_free_text(def, field) && self.is_the_persons(def),
            };
            let stands_for = [&def.number, &def.title].contains(&&Some(field.id.clone()));
            // A company that has its name from the person keeps it.
            let is_name_of_all = (self.order.among.as_ref())
                .is_some_and(|(o, id)| (o, *id) == (&record.object, record.id))
                && stands_for;
            let new = match value {
                Value::Null => continue,
                _ if is_name_of_all => continue,
                Value::Text(_) if is_gone && (field.required || is_subject && stands_for) => {
                    Value::Text(self.order.pseudonym.clone())
                }
                _ if is_gone && field.required => continue,
                _ if is_gone => Value::Null,
                Value::Text(text) => match self.without_words(text) {
                    Some(text) => Value::Text(text),
                    None => continue,
                },
                _ => continue,
            };
            values.push((&field.id, new));
        }
        if is_own {
            self.batches.extend(record.batch);
        }
        if values.is_empty() && !is_subject {
            return Ok(());
        }
        let (object, id) = (&record.object, record.id);
        let fields: Vec<&str> = values.iter().map(|(f, _)| *f).collect();
        let catalog = &store.0.catalog;
        log::touched_by(conn, catalog, def, id, &fields, &mut self.touches).await?;
        for (field, value) in &values {
            let sql = format!(
                "update {} set {} = $1 where \"id\" = $2",
                quote(object),
                quote(field)
            );
            conn.run(sql, &[value.clone(), Value::Int(id)]).await?;
        }
        if is_subject || is_own {
            // Of fields that were removed and may come back.
            for (of, field) in design::kept(conn).await? {
                if let Some(field) = field.filter(|_| of == def.id) {
                    let (object, field) = (quote(object), quote(&field));
                    let sql = format!("update {object} set {field} = null where \"id\" = $1");
                    conn.run(sql, &[Value::Int(id)]).await?;
                }
            }
        }
        log::touched_by(conn, catalog, def, id, &fields, &mut self.touches).await?;
        let sql = "delete from keji_spelling where object = $1 and record = $2";
        conn.run(sql, &[object.as_str().into(), Value::Int(id)])
            .await?;
        merge::forget_kept(conn, object, id).await?;
        let fields = fields.into_iter().map(str::to_owned).collect();
        self.cleared.insert((object.clone(), id), fields);
        Ok(())
    }

    /// Whether a record that hangs on the subject is about the person, all of
    /// it. What has a number and names a contact is a document of the business.
    fn is_the_persons(&self, def: &ObjectDef) -> bool {
        self.order.is_deep || def.number.is_none()
    }

    /// The text with the pseudonym in place of the person's words; `None`
    /// where there are none.
    fn without_words(&self, text: &str) -> Option<String> {
        let found = self.words.iter().filter(|w| text.contains(w.as_str()));
        let new = found.fold(text.to_owned(), |text, word| {
            text.replace(word, &self.order.pseudonym)
        });
        (new != text).then_some(new)
    }

    /// Records that led to the person and are no more: the log still holds
    /// them, as they were at last.
    async fn deleted(
        &self,
        conn: &mut Conn<'_>,
        catalog: &Catalog,
    ) -> Result<BTreeSet<(String, i64)>> {
        let sql = "select object, record, before from keji_change \
                   where kind = 'delete' and before is not null";
        let rows = conn
            .rows(sql, &[], &[Type::Text, Type::Int, Type::Text])
            .await?;
        let mut found = BTreeSet::new();
        for row in rows {
            let (Value::Text(object), Some(id)) = (&row[0], int(&row[1])) else {
                continue;
            };
            let Some(def) = catalog.objects.get(object) else {
                continue;
            };
            let held = payload(&row[2]).unwrap_or_default();
            let leads_there = def.fields.iter().any(|field| {
                field.to.as_ref() == Some(&self.order.object)
                    && held.get(&field.id).and_then(Json::as_i64) == Some(self.order.record)
            });
            if leads_there && self.is_the_persons(def) {
                found.insert((object.clone(), id));
            }
        }
        Ok(found)
    }

    /// The entries of the log that hold something of the person.
    async fn entries(
        &mut self,
        conn: &mut Conn<'_>,
        own: &Found,
        there: &Found,
        around: &Found,
    ) -> Result<Vec<i64>> {
        let sql = "select seq, object, record, batch, prior_batch, before, after, kind \
                   from keji_change where (before is not null or after is not null) \
                   and digest is null and kind <> 'erasure' order by seq";
        let kinds = [
            Type::Int,
            Type::Text,
            Type::Int,
            Type::Int,
            Type::Int,
            Type::Text,
            Type::Text,
            Type::Text,
        ];
        let mut entries = Vec::new();
        let subject = (&self.order.object, self.order.record);
        let (words, cleared, batches) = (&self.words, &self.cleared, &mut self.batches);
        let silenced = &self.silenced;
        conn.each(sql, &[], &kinds, |row| {
            let [seq, object, record, batch, prior, before, after, kind] = row else {
                return Ok(());
            };
            let (Some(seq), sides) = (int(seq), [before, after]) else {
                return Ok(());
            };
            let of = match (object, int(record)) {
                (Value::Text(object), Some(record)) => Some((object.clone(), record)),
                _ => None,
            };
            let is_in = |found: &Found| {
                let (object, record) = of.as_ref()?;
                found.get(object)?.get(record).copied()
            };
            let is_near = of.is_none() || is_in(around).is_some();
            // There is nothing of it but in the log.
            let is_no_more = is_in(own).is_some() && is_in(there).is_none();
            let is_subject = of.as_ref().is_some_and(|(o, id)| (o, *id) == subject);
            let names = |text: &str| {
                let mut words = words.iter();
                words.any(|w| (is_near || w.chars().count() >= ONES_OWN) && has_word(text, w))
            };
            let held = of.as_ref().and_then(|of| cleared.get(of));
            let had = |side: &Value| {
                let side = payload(side).unwrap_or_default();
                let mut held = held.into_iter().flatten();
                held.any(|field| side.get(field).is_some_and(|v| !v.is_null()))
            };
            let is_said = kind == &Value::from("comment");
            let is_gone = is_subject
                || is_no_more
                || is_said && of.as_ref().is_some_and(|of| silenced.contains(of))
                || sides.iter().any(|side| match side {
                    Value::Text(text) => names(text) || had(side),
                    _ => false,
                });
            if is_in(own).is_some() {
                batches.extend(int(batch).into_iter().chain(int(prior)));
            }
            if is_gone {
                entries.push(seq);
            }
            Ok::<_, Error>(())
        })
        .await?;
        Ok(entries)
    }

    /// What was said of the person's records goes; what was said of others and
    /// names the person does so no more.
    async fn comments(
        &mut self,
        conn: &mut Conn<'_>,
        catalog: &Catalog,
        own: &Found,
        around: &Found,
    ) -> Result<()> {
        let subject = (self.order.object.clone(), self.order.record);
        for (object, ids) in own {
            let def = catalog.object(object)?;
            for id in ids {
                let of = (object.clone(), *id);
                if of == subject || self.is_the_persons(def) {
                    comment::forget(conn, object, *id).await?;
                    self.silenced.insert(of);
                }
            }
        }
        let sql = "select id, object, record, text from keji_comment";
        let kinds = [Type::Int, Type::Text, Type::Int, Type::Text];
        for row in conn.rows(sql, &[], &kinds).await? {
            let mut row = Fields::new(row);
            let (id, object, record, text) = (row.int()?, row.text()?, row.int()?, row.text()?);
            let is_in = |found: &Found| found.get(&object).is_some_and(|f| f.contains(&record));
            let is_near = is_in(own) || is_in(around);
            let mut named = self.words.iter();
            let is_named =
                named.any(|w| text.contains(w) && (is_near || w.chars().count() >= ONES_OWN));
            if let Some(text) = self.without_words(&text).filter(|_| is_named) {
                let sql = "update keji_comment set text = $1 where id = $2";
                conn.run(sql, &[Value::Text(text), Value::Int(id)]).await?;
            }
        }
        Ok(())
    }

    /// Whatever else the store keeps beside records and their log.
    async fn elsewhere(&self, conn: &mut Conn<'_>) -> Result<()> {
        // An answer that is kept for the request that comes again is worth
        // less than what it may hold.
        let places = [
            ("keji_once", "key", &["answer"][..]),
            ("keji_job", "id", &["args", "progress", "result", "error"]),
            ("keji_batch", "id", &["filename", "source", "summary"]),
            ("keji_mapping", "name", &["mapping", "signature"]),
            ("keji_form", "id", &["title", "document"]),
            ("keji_view", "id", &["name", "state"]),
        ];
        for (table, key, columns) in places {
            let key_kind = if key == "id" { Type::Int } else { Type::Text };
            let sql = format!("select {key}, {} from {table}", columns.join(", "));
            let mut kinds = vec![key_kind];
            kinds.extend(columns.iter().map(|_| Type::Text));
            for row in conn.rows(sql, &[], &kinds).await? {
                for (column, value) in columns.iter().zip(&row[1..]) {
                    let Value::Text(text) = value else { continue };
                    let Some(new) = self.scrubbed(text) else {
                        continue;
                    };
                    let sql = format!("update {table} set {column} = $1 where {key} = $2");
                    conn.run(sql, &[Value::Text(new), row[0].clone()]).await?;
                }
            }
        }
        Ok(())
    }

    /// A document, or a plain text, without the person's words.
    fn scrubbed(&self, text: &str) -> Option<String> {
        match serde_json::from_str::<Json>(text) {
            Ok(mut json) => self.scrub(&mut json).then(|| json.to_string()),
            Err(_) => self.without_words(text),
        }
    }

    fn scrub(&self, json: &mut Json) -> bool {
        match json {
            Json::String(text) => match self.without_words(text) {
                Some(new) => {
                    *text = new;
                    true
                }
                None => false,
            },
            Json::Array(all) => all.iter_mut().fold(false, |any, x| self.scrub(x) | any),
            Json::Object(all) => all.values_mut().fold(false, |any, x| self.scrub(x) | any),
            _ => false,
        }
    }
}

/// What people write; neither a word of a closed set nor what numbers are
/// split by, nor the number of a document.
fn is_free_text(def: &ObjectDef, field: &FieldDef) -> bool {
    let is_split_by = |copy: &keji_schema::definition::CopyDef| copy.dimensions.contains(&field.id);
    field.kind == Type::Text
        && match def.written_by.as_deref() {
            None => true,
            // What shows a consent; how it came and who noted it stays.
            Some(by) => by == "consent" && !field.required,
        }
        && def.number.as_ref() != Some(&field.id)
        && field.id != "currency"
        && !def.copy.as_ref().is_some_and(is_split_by)
}

/// In a document a text may stand with escapes.
fn has_word(text: &str, word: &str) -> bool {
    if text.contains(word) {
        return true;
    }
    let escaped = Json::from(word).to_string();
    text.contains(escaped.trim_matches('"'))
}

fn payload(side: &Value) -> Option<Map<String, Json>> {
    match side {
        Value::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

async fn origin(conn: &mut Conn<'_>, record: &Record) -> Result<i64> {
    let sql = format!("select min(seq) from ({TOUCHING}) as touching");
    conn.int(sql, &touching(record)).await
}

/// An erasure that somebody asked for and nobody has confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureRequest {
    pub id: i64,
    pub object: String,
    pub record: i64,
    pub reason: String,
    pub asked_by: String,
    pub asked_at: Timestamp,
}

impl Store {
    /// The request's id; of one that waits already for the same record, that.
    pub async fn ask_erasure(
        &self,
        object: &str,
        record: i64,
        reason: &str,
        asked_by: &str,
    ) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        log::take(&mut conn).await?;
        let sql = "select id from keji_erasure_request where object = $1 and record = $2";
        let known = conn.int(sql, &[object.into(), Value::Int(record)]).await?;
        if known != 0 {
            return Ok(known);
        }
        let sql = "insert into keji_erasure_request (object, record, reason, asked_by, asked_at) \
                   values ($1, $2, $3, $4, $5) returning id";
        let params = [
            object.into(),
            Value::Int(record),
            reason.into(),
            asked_by.into(),
            Value::Instant(now()),
        ];
        let id = conn.int(sql, &params).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Oldest first.
    pub async fn erasure_requests(&self) -> Result<Vec<ErasureRequest>> {
        let sql = "select id, object, record, reason, asked_by, asked_at \
                   from keji_erasure_request order by id";
        let kinds = [
            Type::Int,
            Type::Text,
            Type::Int,
            Type::Text,
            Type::Text,
            Type::Instant,
        ];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &kinds).await?;
        let request = |row| {
            let mut row = Fields::new(row);
            Ok(ErasureRequest {
                id: row.int()?,
                object: row.text()?,
                record: row.int()?,
                reason: row.text()?,
                asked_by: row.text()?,
                asked_at: row.instant()?,
            })
        };
        rows.into_iter().map(request).collect()
    }

    /// Whether there was one.
    pub async fn drop_erasure_request(&self, id: i64) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let sql = "delete from keji_erasure_request where id = $1";
        let n = tx.conn().run(sql, &[Value::Int(id)]).await?;
        tx.commit().await?;
        Ok(n > 0)
    }
}
