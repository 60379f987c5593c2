//! How the index keeps up: along the change log, in portions, so that nobody
//! waits long for the writer.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};

use super::keys::{self, KeyReader};
use super::terms::{self, Kind};
use super::{Followed, Index, Position, SPELT, Spelling, list_sql, position_of, table};
use crate::change::ChangeKind;
use crate::db::bulk::Rows;
use crate::db::{Conn, Fields, Tx, fault, int};
use crate::error::Result;
use crate::log;
use crate::sql::{Dialect, quote};
use crate::store::Store;

/// Records read and written at once.
const PORTION: usize = 2_000;

/// How many changes the position of an object that none of them was of may stay
/// behind.
const LAG: i64 = 1_000;

/// Spellings of one statement.
const PIECE: usize = 200;

/// What is read of an object's records, and where it stands.
enum Reading<'a> {
    /// Terms of the fields that are searched.
    Terms(fn(&str) -> Option<Spelling>),
    /// What tells duplicates: see [`super::keys`].
    Keys(&'a KeyReader),
}

impl Reading<'_> {
    /// Under which name the position stands.
    fn place(&self, def: &ObjectDef) -> String {
        match self {
            Reading::Terms(_) => super::place(def),
            Reading::Keys(reader) => keys::place(def, reader),
        }
    }
}

/// Texts of one record.
struct Doc {
    id: i64,
    texts: Vec<Value>,
    spelling: Option<Spelling>,
}

impl Store {
    /// Brings the index a portion nearer to the newest change; `spell` gives
    /// none for a name that needs none. Says whether there is more to do.
    pub async fn follow_search(&self, spell: fn(&str) -> Option<Spelling>) -> Result<bool> {
        let Some(index) = self.0.search.get() else {
            return Ok(false);
        };
        let defs = self.0.catalog.objects.values();
        let searched = defs.filter(|def| def.fields.iter().any(|field| field.search));
        let reading = Reading::Terms(spell);
        self.follow(index, &index.terms, searched, &reading).await
    }

    /// Brings the keys of duplicates a portion nearer to the newest change.
    /// Says whether there is more to do.
    pub async fn follow_keys(&self, reader: &KeyReader) -> Result<bool> {
        let Some(index) = self.0.search.get() else {
            return Ok(false);
        };
        let defs = self.0.catalog.objects.values();
        let compared = defs.filter(|def| def.duplicates.is_some());
        let reading = Reading::Keys(reader);
        self.follow(index, &index.keys, compared, &reading).await
    }

    async fn follow(
        &self,
        index: &Index,
        followed: &Followed,
        defs: impl Iterator<Item = &ObjectDef> + Send,
        reading: &Reading<'_>,
    ) -> Result<bool> {
        let mut done = followed.done.lock().await;
        let last = self.last_seq().await?;
        if *done == Some(last) {
            return Ok(false);
        }
        let only = match *done {
            Some(done) => self.changed_objects(done, last).await?,
            None => None,
        };
        let mut has_more = false;
        for def in defs {
            if only.as_ref().is_none_or(|only| only.contains(&def.id)) {
                has_more |= self.follow_one(index, def, last, reading).await?;
            }
        }
        *done = (!has_more).then_some(last);
        if !has_more {
            followed.reached.fetch_max(last, Ordering::AcqRel);
        }
        Ok(has_more)
    }

    /// Objects of which single records changed. `None` where there were changes
    /// of other kinds, and now and then, so that no position stays far behind.
    async fn changed_objects(&self, done: i64, last: i64) -> Result<Option<BTreeSet<String>>> {
        if done / LAG != last / LAG {
            return Ok(None);
        }
        let sql = "select distinct kind, object from keji_change where seq > $1 and seq <= $2";
        let params = [Value::Int(done), Value::Int(last)];
        let mut reader = self.db().reader().await?;
        let kinds = [Type::Text, Type::Text];
        let rows = reader.conn().rows(sql, &params, &kinds).await?;
        let mut objects = BTreeSet::new();
        for row in rows {
            let mut row = Fields::new(row);
            match (log::kind_of_text(&row.text()?)?, row.optional_text()) {
                (ChangeKind::Create | ChangeKind::Update | ChangeKind::Delete, Some(object)) => {
                    objects.insert(object);
                }
                // They leave every record as it was.
                (
                    ChangeKind::Reveal
                    | ChangeKind::Export
                    | ChangeKind::Comment
                    | ChangeKind::SignIn
                    | ChangeKind::SignInFailed
                    | ChangeKind::SignOut,
                    _,
                ) => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(objects))
    }

    /// Changes that the search has not seen yet, or 1 where it reads an object
    /// in whole.
    pub async fn search_behind(&self) -> Result<i64> {
        let Some(index) = self.0.search.get() else {
            return Ok(0);
        };
        let last = self.last_seq().await?;
        let reached = index.terms.reached();
        let mut behind = 0;
        for def in self.0.catalog.objects.values() {
            if def.fields.iter().any(|field| field.search) {
                let n = match index.position(&super::place(def)).await? {
                    Some(Position {
                        scan: None, seq, ..
                    }) => last - seq.max(reached),
                    _ => 1,
                };
                behind = behind.max(n);
            }
        }
        Ok(behind)
    }

    async fn follow_one(
        &self,
        index: &Index,
        def: &ObjectDef,
        last: i64,
        reading: &Reading<'_>,
    ) -> Result<bool> {
        let place = reading.place(def);
        let known = index.position(&place).await?;
        let mut position = match &known {
            Some(position) if self.is_of_this_log(position).await? => position.clone(),
            _ => {
                self.begin(index, def, last, reading).await?;
                return Ok(true);
            }
        };
        let before = position.clone();
        let mut changed = Vec::new();
        match position.scan {
            Some(batch) => {
                let ids = self.scanned(def, batch, position.cursor).await?;
                match ids.last() {
                    Some(last) => position.cursor = *last,
                    None => {
                        if let Reading::Terms(_) = reading {
                            self.forget_spellings(def).await?;
                        }
                        (position.scan, position.cursor) = (None, 0);
                    }
                }
                changed = ids;
            }
            None if position.seq < last => {
                let moved = self.changed(index, def, &mut position, last, reading);
                let Some(found) = moved.await? else {
                    return Ok(true);
                };
                changed = found;
            }
            None => {}
        }
        if position == before {
            return Ok(false);
        }
        let written = match reading {
            Reading::Terms(spell) => {
                let docs = self.docs(def, &changed, *spell).await?;
                if !self.keep_spellings(def, &changed, &docs, last).await? {
                    return Ok(true);
                }
                Written::Terms(docs)
            }
            Reading::Keys(reader) => Written::Keys(self.keyed(def, &changed, reader).await?),
        };
        position.at = self.when(position.seq).await?;
        let step = Step {
            place: &place,
            before: &before,
            position: &position,
        };
        index.write(def, &changed, written, &step).await?;
        Ok(position.scan.is_some() || position.seq < last)
    }

    /// The object's records are all still to be read.
    async fn begin(
        &self,
        index: &Index,
        def: &ObjectDef,
        last: i64,
        reading: &Reading<'_>,
    ) -> Result<()> {
        let place = reading.place(def);
        let position = Position {
            seq: last,
            at: self.when(last).await?,
            scan: Some(0),
            cursor: 0,
        };
        let mut tx = index.begin().await?;
        let mut conn = tx.conn();
        match reading {
            Reading::Terms(_) => {
                let others = format!("{}(", def.id);
                let sql = "delete from position where substr(object, 1, length($1)) = $1";
                conn.run(sql, &[Value::Text(others)]).await?;
                let table = quote(&table(&def.id));
                conn.run(format!("drop table if exists {table}"), &[])
                    .await?;
                let sql = format!(
                    "create virtual table {table} using fts5 (terms, content = '', \
                     contentless_delete = 1, detail = 'none', tokenize = 'ascii')"
                );
                conn.run(sql, &[]).await?;
                conn.run(super::vocabulary_sql(&def.id), &[]).await?;
            }
            Reading::Keys(_) => keys::make(&mut conn, def).await?,
        }
        set_position(&mut conn, &place, &position).await?;
        tx.commit().await?;
        index.sizes.written();
        Ok(())
    }

    async fn is_of_this_log(&self, position: &Position) -> Result<bool> {
        Ok(position.seq == 0 || self.when(position.seq).await? == position.at)
    }

    /// Microseconds of the change; `None` where there is none.
    async fn when(&self, seq: i64) -> Result<Option<i64>> {
        let mut reader = self.db().reader().await?;
        let sql = "select at from keji_change where seq = $1";
        let row = reader
            .conn()
            .row(sql, &[Value::Int(seq)], &[Type::Instant])
            .await?;
        let at = row.and_then(|row| Fields::new(row).optional_instant());
        Ok(at.map(|at| at.as_microsecond()))
    }

    /// The next records of what is read in whole.
    async fn scanned(&self, def: &ObjectDef, batch: i64, after: i64) -> Result<Vec<i64>> {
        let (sql, mut params) = match batch {
            0 => {
                let sql = format!("select \"id\" from {} where \"id\" > $1", quote(&def.id));
                (format!("{sql} order by \"id\""), vec![])
            }
            1.. => {
                let sql = format!("select \"id\" from {} where \"id\" > $1", quote(&def.id));
                let sql = format!("{sql} and \"batch\" = $2 order by \"id\"");
                (sql, vec![Value::Int(batch)])
            }
            _ => {
                let sql = "select distinct record from keji_change where record > $1 \
                           and batch = $2 and object = $3 order by record";
                let params = vec![Value::Int(-batch), def.id.as_str().into()];
                (sql.to_owned(), params)
            }
        };
        params.insert(0, Value::Int(after));
        let sql = format!("{sql} limit {PORTION}");
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &[Type::Int]).await?;
        Ok(rows.iter().filter_map(|row| int(&row[0])).collect())
    }

    /// Records that changed behind the position, which moves on; up to the next
    /// change of many records, if that comes first. `None` where the object is
    /// to be read anew.
    async fn changed(
        &self,
        index: &Index,
        def: &ObjectDef,
        position: &mut Position,
        last: i64,
        reading: &Reading<'_>,
    ) -> Result<Option<Vec<i64>>> {
        let sql = format!(
            "select seq, kind, record, batch from keji_change where seq > $1 and seq <= $2 \
             and (object = $3 or kind in ('import', 'undo', 'erasure')) \
             order by seq limit {PORTION}"
        );
        let params = [
            Value::Int(position.seq),
            Value::Int(last),
            def.id.as_str().into(),
        ];
        let kinds = [Type::Int, Type::Text, Type::Int, Type::Int];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &kinds).await?;
        let is_all = rows.len() < PORTION;
        let mut ids = BTreeSet::new();
        for row in rows {
            let mut row = Fields::new(row);
            let (seq, kind) = (row.int()?, row.text()?);
            let (record, batch) = (row.optional_int(), row.optional_int());
            match (record, batch) {
                // What went is to be in no page of the file, and of which
                // records it went the log no longer says.
                _ if kind == "erasure" => {
                    self.begin(index, def, last, reading).await?;
                    return Ok(None);
                }
                (Some(id), _) => {
                    ids.insert(id);
                }
                (None, Some(batch)) if ids.is_empty() => {
                    position.scan = Some(if kind == "undo" { -batch } else { batch });
                    (position.cursor, position.seq) = (0, seq);
                    return Ok(Some(Vec::new()));
                }
                (None, Some(_)) => return Ok(Some(ids.into_iter().collect())),
                (None, None) => {}
            }
            position.seq = seq;
        }
        if is_all {
            position.seq = last;
        }
        Ok(Some(ids.into_iter().collect()))
    }

    /// Those of the records that are there.
    async fn docs(
        &self,
        def: &ObjectDef,
        ids: &[i64],
        spell: fn(&str) -> Option<Spelling>,
    ) -> Result<Vec<Doc>> {
        let fields: Vec<&str> = (def.fields.iter())
            .filter(|field| field.search)
            .map(|field| field.id.as_str())
            .collect();
        let mut columns = vec![quote("id")];
        columns.extend(fields.iter().map(|field| quote(field)));
        let mut kinds = vec![Type::Int];
        kinds.extend(fields.iter().map(|_| Type::Text));
        let sql = format!(
            "select {} from {} where \"id\" in ({})",
            columns.join(", "),
            quote(&def.id),
            list_sql(self.db().dialect(), "$1")
        );
        let ids = list(ids);
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[ids], &kinds).await?;
        let name = fields.iter().position(|field| *field == SPELT);
        let doc = |row: Vec<Value>| {
            let mut row = row.into_iter();
            let id = row.next().as_ref().and_then(int).unwrap_or_default();
            let texts: Vec<Value> = row.collect();
            let spelling = match name.and_then(|at| texts.get(at)) {
                Some(Value::Text(name)) => spell(name),
                _ => None,
            };
            Doc {
                id,
                texts,
                spelling,
            }
        };
        Ok(rows.into_iter().map(doc).collect())
    }

    /// Those of records that are no more, such as an import that was undone.
    async fn forget_spellings(&self, def: &ObjectDef) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let sql = format!(
            "delete from keji_spelling where object = $1 and not exists \
             (select 1 from {} t where t.\"id\" = keji_spelling.record)",
            quote(&def.id)
        );
        tx.conn().run(sql, &[def.id.as_str().into()]).await?;
        tx.commit().await
    }

    /// Spellings stand beside the records, where a list can look at them. `last`
    /// is the newest change from before the documents were read. Writes
    /// nothing, and says so, where a person was erased since: the overwritten
    /// page would keep the name until the next erasure.
    async fn keep_spellings(
        &self,
        def: &ObjectDef,
        changed: &[i64],
        docs: &[Doc],
        last: i64,
    ) -> Result<bool> {
        let spelt: Vec<(i64, &Spelling)> = (docs.iter())
            .filter_map(|doc| Some((doc.id, doc.spelling.as_ref()?)))
            .collect();
        let has_name = def.fields.iter().any(|f| f.search && f.id == SPELT);
        if !has_name || (spelt.is_empty() && changed.is_empty()) {
            return Ok(true);
        }
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        // An erasure holds the log too, so none comes between looking for one
        // and the commit.
        log::take(&mut conn).await?;
        let sql = "select 1 from keji_change where seq > $1 and kind = 'erasure' limit 1";
        let erased = conn.row(sql, &[Value::Int(last)], &[Type::Int]).await?;
        if erased.is_some() {
            return Ok(false);
        }
        // Also of those that have one: what they were called before goes, were
        // it written by somebody who had read it before a person was erased.
        let sql = format!(
            "delete from keji_spelling where object = $1 and record in ({})",
            list_sql(conn.dialect(), "$2")
        );
        conn.run(sql, &[def.id.as_str().into(), list(changed)])
            .await?;
        for piece in spelt.chunks(PIECE) {
            let mut values = Vec::new();
            let mut params = vec![def.id.as_str().into()];
            for (i, (id, spelling)) in piece.iter().enumerate() {
                let n = i * 3 + 1;
                values.push(format!("($1, ${}, ${}, ${})", n + 1, n + 2, n + 3));
                params.extend([
                    Value::Int(*id),
                    spelling.initials.as_str().into(),
                    spelling.full.as_str().into(),
                ]);
            }
            let sql = format!(
                "insert into keji_spelling (object, record, initials, spelt) values {} \
                 on conflict (object, record) do update set initials = excluded.initials, \
                 spelt = excluded.spelt",
                values.join(", ")
            );
            conn.run(sql, &params).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}

impl Index {
    /// The documents and how far they go, in one transaction.
    async fn write(
        &self,
        def: &ObjectDef,
        changed: &[i64],
        written: Written,
        step: &Step<'_>,
    ) -> Result<()> {
        let name = table(&def.id);
        let mut tx = self.begin().await?;
        if position_of(&mut tx.conn(), step.place).await?.as_ref() != Some(step.before) {
            // Another process follows as well, and was faster.
            return Ok(());
        }
        let docs = match written {
            Written::Terms(docs) => docs,
            Written::Keys(all) => {
                keys::write(&mut tx.conn(), def, changed, &all).await?;
                set_position(&mut tx.conn(), step.place, step.position).await?;
                return tx.commit().await;
            }
        };
        if !changed.is_empty() {
            let sql = format!(
                "delete from {} where rowid in ({})",
                quote(&name),
                list_sql(Dialect::Sqlite, "$1")
            );
            let ids = list(changed);
            tx.conn().run(sql, &[ids]).await?;
        }
        let mut rows = Rows {
            width: 2,
            values: Vec::with_capacity(docs.len() * 2),
        };
        for doc in &docs {
            rows.values.push(Value::Int(doc.id));
            rows.values.push(Value::Text(terms_of(doc)));
        }
        let columns = ["rowid".to_owned(), "terms".to_owned()];
        let mut tx = tx.insert(&name, &columns, rows).await?;
        set_position(&mut tx.conn(), step.place, step.position).await?;
        tx.commit().await?;
        self.sizes.written();
        self.unsettled.written(&def.id, docs.len());
        Ok(())
    }

    pub(super) async fn begin(&self) -> Result<Tx> {
        let tx = self.pools.writer.begin_with("begin immediate").await;
        Ok(Tx::Sqlite(tx.map_err(fault)?))
    }
}

/// One move of a position.
struct Step<'a> {
    place: &'a str,
    before: &'a Position,
    position: &'a Position,
}

/// What was read of a portion of records.
enum Written {
    Terms(Vec<Doc>),
    /// Record and key.
    Keys(Vec<(i64, i64)>),
}

async fn set_position(conn: &mut Conn<'_>, place: &str, position: &Position) -> Result<()> {
    let sql = "insert into position (object, seq, at, scan, cursor) \
               values ($1, $2, $3, $4, $5) on conflict (object) do update set \
               seq = $2, at = $3, scan = $4, cursor = $5";
    let optional = |n: Option<i64>| n.map_or(Value::Null, Value::Int);
    let params = [
        place.into(),
        Value::Int(position.seq),
        optional(position.at),
        optional(position.scan),
        Value::Int(position.cursor),
    ];
    conn.run(sql, &params).await?;
    Ok(())
}

/// Ids as one value, for [`list_sql`].
pub(super) fn list(ids: &[i64]) -> Value {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    Value::Text(format!("[{}]", ids.join(",")))
}

fn terms_of(doc: &Doc) -> String {
    let mut all = BTreeSet::new();
    for text in &doc.texts {
        if let Value::Text(text) = text {
            terms::of_text(Kind::Text, text, &mut all);
            if let Some(digits) = terms::digits(text) {
                terms::of_text(Kind::Text, &digits, &mut all);
            }
        }
    }
    if let Some(spelling) = &doc.spelling {
        for initials in spelling.initials.split(' ') {
            terms::of_text(Kind::Initials, initials, &mut all);
        }
        for full in spelling.full.split(' ') {
            terms::of_text(Kind::Spelt, full, &mut all);
        }
    }
    let all: Vec<String> = all.into_iter().collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keji_schema::Catalog;

    use super::*;
    use crate::access::Access;
    use crate::change::{NewChange, Op};
    use crate::erase::Erasure;
    use crate::testing;

    fn spell(name: &str) -> Option<Spelling> {
        (name == "云海").then(|| Spelling {
            initials: "yh".to_owned(),
            full: "yunhai".to_owned(),
        })
    }

    async fn create(store: &Store, name: &str) -> i64 {
        let values = vec![
            ("number".to_owned(), Value::from(name)),
            ("name".to_owned(), Value::from(name)),
        ];
        let change = NewChange {
            object: "customer".to_owned(),
            op: Op::Create { values },
            actor: "anna".to_owned(),
            channel: "api".to_owned(),
            module: None,
            expected: None,
            gives_number: false,
            jobs: Vec::new(),
        };
        let change = store.write(change, &Access::all()).await.unwrap();
        change.and_then(|change| change.record).unwrap()
    }

    /// Found under load: with each write every object was looked at, 200
    /// statements a round. Now one that nothing changed in stays where it is,
    /// and yet nothing is behind.
    #[tokio::test]
    async fn only_what_changed_is_read_again() {
        for place in testing::places().await {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Arc::new(Catalog::standard().unwrap());
            let store = Store::open(&place.location, catalog.clone()).await.unwrap();
            let path = folder.path().join("search.sqlite");
            store.use_search(&path).await.unwrap();
            create(&store, "云海").await;
            while store.follow_search(spell).await.unwrap() {}
            let index = store.0.search.get().unwrap();
            let of = |object| super::super::place(catalog.object(object).unwrap());
            let before = index.position(&of("contact")).await.unwrap().unwrap();
            create(&store, "远山").await;
            assert_eq!(store.search_behind().await.unwrap(), 1);
            while store.follow_search(spell).await.unwrap() {}
            let last = store.last_seq().await.unwrap();
            let customer = index.position(&of("customer")).await.unwrap().unwrap();
            let contact = index.position(&of("contact")).await.unwrap().unwrap();
            assert_eq!((customer.seq, contact.seq), (last, before.seq));
            assert!(before.seq < last);
            assert_eq!(store.search_behind().await.unwrap(), 0);
            store.close().await;
        }
    }

    /// What came in many portions lies in few pieces when there was time, and
    /// is found as before.
    #[tokio::test]
    async fn pieces_are_brought_together() {
        for place in testing::places().await {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Arc::new(Catalog::standard().unwrap());
            let store = Store::open(&place.location, catalog).await.unwrap();
            let path = folder.path().join("search.sqlite");
            store.use_search(&path).await.unwrap();
            while store.follow_search(spell).await.unwrap() {}
            let index = store.0.search.get().unwrap();
            // SQLite's own merging comes later, and not always.
            let mut tx = index.begin().await.unwrap();
            let sql = "insert into of_customer (of_customer, rank) values ('automerge', 0)";
            tx.conn().run(sql, &[]).await.unwrap();
            tx.commit().await.unwrap();
            for n in 0..9 {
                create(&store, &format!("远山{n}")).await;
                while store.follow_search(spell).await.unwrap() {}
            }
            let found = async || {
                let wanted = crate::search::Wanted {
                    text: "远山".to_owned(),
                    words: vec!["远山".to_owned()],
                    ..Default::default()
                };
                let fitting = crate::search::Fitting::Part;
                let all = store.nearest_ids(&["customer"], &wanted, fitting, 100);
                all.await.unwrap()["customer"].len()
            };
            let pieces = async || {
                let mut tx = index.begin().await.unwrap();
                let mut conn = tx.conn();
                let n = crate::search::settle::pieces(&mut conn, "customer");
                n.await.unwrap()
            };
            assert_eq!((pieces().await, found().await), (9, 9));
            // Single records are left to SQLite.
            while store.settle_search().await.unwrap() {}
            assert_eq!(pieces().await, 9);
            index.unsettled.written("customer", 1_000);
            let mut n_steps = 0;
            while store.settle_search().await.unwrap() {
                n_steps += 1;
                assert!(n_steps < 100, "it does not end");
            }
            assert_eq!((pieces().await, found().await), (1, 9));
            store.close().await;
        }
    }

    /// A name that was read before its person was erased is written no more,
    /// not even for the moment until the index is made anew.
    #[tokio::test]
    async fn a_name_read_before_an_erasure_is_not_written() {
        for place in testing::places().await {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Arc::new(Catalog::standard().unwrap());
            let store = Store::open(&place.location, catalog.clone()).await.unwrap();
            let path = folder.path().join("search.sqlite");
            store.use_search(&path).await.unwrap();
            let id = create(&store, "云海").await;
            let customer = catalog.object("customer").unwrap();
            let last = store.last_seq().await.unwrap();
            let docs = store.docs(customer, &[id], spell).await.unwrap();
            let order = Erasure {
                object: "customer".to_owned(),
                record: id,
                pseudonym: "erased-1".to_owned(),
                reason: "asked by letter".to_owned(),
                actor: "li".to_owned(),
                channel: "api".to_owned(),
                is_deep: false,
                among: None,
            };
            store.erase(&order).await.unwrap().unwrap();
            let kept = store
                .keep_spellings(customer, &[id], &docs, last)
                .await
                .unwrap();
            assert!(!kept);
            let mut reader = store.db().reader().await.unwrap();
            let sql = "select spelt from keji_spelling";
            let rows = reader.conn().rows(sql, &[], &[Type::Text]).await.unwrap();
            assert!(rows.is_empty(), "{rows:?}");
            drop(reader);
            while store.follow_search(spell).await.unwrap() {}
            store.close().await;
        }
    }

    /// Of an erased person, and of records that are no more, no spelling stays.
    #[tokio::test]
    async fn an_index_made_anew_leaves_no_old_spelling() {
        for place in testing::places().await {
            let folder = tempfile::tempdir().unwrap();
            let catalog = Arc::new(Catalog::standard().unwrap());
            let store = Store::open(&place.location, catalog).await.unwrap();
            let path = folder.path().join("search.sqlite");
            store.use_search(&path).await.unwrap();
            for name in ["云海", "7f3a"] {
                create(&store, name).await;
            }
            while store.follow_search(spell).await.unwrap() {}
            let mut tx = store.db().begin().await.unwrap();
            let sql = "insert into keji_spelling (object, record, initials, spelt) \
                       values ('customer', 2, 'lml', 'limingliang'), \
                       ('customer', 999, 'lml', 'limingliang')";
            tx.conn().run(sql, &[]).await.unwrap();
            tx.commit().await.unwrap();
            let index = store.0.search.get().unwrap();
            let mut tx = index.begin().await.unwrap();
            tx.conn()
                .run("update position set at = 0", &[])
                .await
                .unwrap();
            tx.commit().await.unwrap();
            *index.terms.done.lock().await = None;
            while store.follow_search(spell).await.unwrap() {}
            let mut reader = store.db().reader().await.unwrap();
            let sql = "select spelt from keji_spelling";
            let rows = reader.conn().rows(sql, &[], &[Type::Text]).await.unwrap();
            assert_eq!(rows, [[Value::from("yunhai")]]);
            drop(reader);
            store.close().await;
        }
    }
}
