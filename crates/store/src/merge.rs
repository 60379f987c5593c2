//! Two records become one: what linked to the one that goes links to the one
//! that stays, in one transaction and with an entry of the log for each record
//! that changed. What an undo needs is kept for 30 days; where the old id and
//! the old number led to stays for good.
//!
//! Which two records mean the same, and who may do this, is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use keji_schema::definition::{FieldDef, ObjectDef, Origin};
use keji_schema::{Type, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::access::Access;
use crate::change::{ChangeKind, NewChange, Op};
use crate::comment::{self, Said};
use crate::db::{Conn, Fields, int};
use crate::error::{Error, Result};
use crate::import::{DERIVED, value_of_log};
use crate::log::{self, Entry, Touches, links_that_copy, months_of};
use crate::record::Record;
use crate::search::list_sql;
use crate::sql::{Dialect, quote};
use crate::store::Store;
use crate::write::{self, Done, check_version, not_found, now};

/// How long a merge can be taken back.
pub const UNDO_DAYS: i64 = 30;

/// From which of the two a field's value comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeSide {
    Survivor,
    Loser,
}

/// What is to become one, and how.
#[derive(Debug, Clone)]
pub struct MergeOrder {
    pub object: String,
    /// Stays.
    pub survivor: i64,
    /// Goes.
    pub loser: i64,
    /// Fields for which somebody chose; of the others the survivor's value is
    /// taken, and the other one's where it has none.
    pub sides: BTreeMap<String, MergeSide>,
    /// The versions that were seen, of the survivor and of the other one.
    pub expected: [Option<i64>; 2],
    /// Written with it, and taken back with it, such as a consent that stays
    /// withdrawn; creates only.
    pub more: Vec<NewChange>,
    pub actor: String,
    pub channel: String,
}

/// How many records lead to one over one link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedLinks {
    pub object: String,
    pub field: String,
    pub n: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub id: i64,
    /// Of the survivor.
    pub version: i64,
    pub moved: Vec<MovedLinks>,
}

/// One merge that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    pub id: i64,
    pub object: String,
    pub survivor: i64,
    pub loser: i64,
    pub actor: String,
    pub at: Timestamp,
    pub undone_at: Option<Timestamp>,
    /// Whether it can still be taken back, as far as time goes.
    pub is_kept: bool,
}

/// What an undo did, and what it left because somebody changed it since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unmerged {
    pub object: String,
    pub survivor: i64,
    pub loser: i64,
    /// Records that lead to the old one again.
    pub moved: i64,
    /// Those that were led elsewhere or deleted since.
    pub left: i64,
    /// Fields of the survivor that keep what was written since.
    pub fields_left: Vec<String>,
}

/// Why two records do not become one, or not two again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeProblem {
    Itself,
    /// Both have a record over a link that only one may have.
    OnlyOne {
        object: String,
        field: String,
    },
    /// A person was erased, or somebody asked for it.
    Erased,
    AlreadyUndone,
    TooLate,
    /// The survivor is no more: it was deleted or is merged itself.
    SurvivorGone(i64),
    /// Another record has the value of a unique field meanwhile.
    Taken {
        field: String,
    },
    /// The old record led to one that is no more.
    LinkGone {
        field: String,
        id: i64,
    },
}

impl fmt::Display for MergeProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MergeProblem::Itself => f.write_str("a record cannot be merged with itself"),
            MergeProblem::OnlyOne { object, field } => write!(
                f,
                "both have a record of `{object}` over `{field}`, which only one may have"
            ),
            MergeProblem::Erased => {
                f.write_str("one of the two was erased, or somebody asked for it")
            }
            MergeProblem::AlreadyUndone => f.write_str("the merge was taken back already"),
            MergeProblem::TooLate => write!(f, "a merge can be taken back for {UNDO_DAYS} days"),
            MergeProblem::SurvivorGone(id) => write!(
                f,
                "record {id}, which the merge left, was deleted or merged since"
            ),
            MergeProblem::Taken { field } => {
                write!(f, "another record has the old one's `{field}` meanwhile")
            }
            MergeProblem::LinkGone { field, id } => write!(
                f,
                "the old record's `{field}` led to record {id}, which is no more"
            ),
        }
    }
}

impl From<MergeProblem> for Error {
    fn from(problem: MergeProblem) -> Error {
        Error::Merge(problem)
    }
}

/// What an undo needs.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    batch: Option<i64>,
    /// All values of the record that went.
    loser: Map<String, Json>,
    /// Of the survivor's fields that changed.
    before: Map<String, Json>,
    after: Map<String, Json>,
    moved: Vec<Moved>,
    /// Records that are computed from others and went with it.
    derived: Vec<Derived>,
    /// Created with it: object and id.
    made: Vec<(String, i64)>,
    /// Numbers that led to the old record.
    aliases: Vec<String>,
    /// What was said of the old record, and who marked it.
    #[serde(default)]
    said: Said,
}

#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    object: String,
    field: String,
    ids: Vec<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Derived {
    object: String,
    id: i64,
    batch: Option<i64>,
    values: Map<String, Json>,
}

/// The value that a field has when two records have become one. What says when
/// and by whom a record was made stays the survivor's.
pub fn merged_value<'a>(
    field: &FieldDef,
    survivor: &'a Value,
    loser: &'a Value,
    side: Option<MergeSide>,
) -> &'a Value {
    let is_kept = Origin::of(&field.id).is_some();
    match side {
        _ if is_kept => survivor,
        Some(MergeSide::Loser) if !(field.required && loser.is_null()) => loser,
        None if survivor.is_null() => loser,
        _ => survivor,
    }
}

impl Store {
    /// How many records lead to a record, by object and link; those without
    /// any are left out.
    pub async fn links_to(&self, object: &str, id: i64) -> Result<Vec<MovedLinks>> {
        let mut reader = self.db().reader().await?;
        let mut conn = reader.conn();
        let mut all = Vec::new();
        for (other, field) in self.linking(object) {
            let sql = format!(
                "select count(*) from {} where {} = $1",
                quote(&other.id),
                quote(&field.id)
            );
            let n = conn.int(sql, &[Value::Int(id)]).await?;
            if n > 0 && !DERIVED.contains(&other.id.as_str()) {
                all.push(MovedLinks {
                    object: other.id.clone(),
                    field: field.id.clone(),
                    n,
                });
            }
        }
        Ok(all)
    }

    /// Makes two records one. Both must be among those of `access`.
    pub async fn merge(&self, order: &MergeOrder, access: &Access) -> Result<Merged> {
        let def = self.0.catalog.object(&order.object)?;
        if order.survivor == order.loser {
            return Err(MergeProblem::Itself.into());
        }
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        self.hold_links(&mut conn, def).await?;
        let [survivor, loser] = self.both(&mut conn, def, order, access).await?;
        let erased = "select count(*) from (select record from keji_erasure where object = $1 \
                      union all select record from keji_erasure_request where object = $1) as e \
                      where record in ($2, $3)";
        let ids = [
            def.id.as_str().into(),
            Value::Int(survivor.id),
            Value::Int(loser.id),
        ];
        if conn.int(erased, &ids).await? > 0 {
            return Err(MergeProblem::Erased.into());
        }
        let changed = self
            .taken_over(&mut conn, def, &survivor, &loser, order)
            .await?;
        let mut touches = Touches::new();
        let catalog = &self.0.catalog;
        let fields: Vec<&str> = changed.iter().map(|(f, _)| f.as_str()).collect();
        log::touched_by(&mut conn, catalog, def, survivor.id, &fields, &mut touches).await?;
        log::touched_by(&mut conn, catalog, def, loser.id, &[], &mut touches).await?;
        let derived = self
            .take_derived(&mut conn, def, loser.id, &mut touches)
            .await?;
        let moved = self.lead_on(&mut conn, def, order, &mut touches).await?;
        let said = comment::lead_on(&mut conn, &def.id, order.loser, order.survivor).await?;
        // Nothing leads to the one that goes any more, the survivor neither.
        for field in def
            .fields
            .iter()
            .filter(|f| f.to.as_deref() == Some(&def.id))
        {
            if int(survivor.value(&field.id)) == Some(loser.id) {
                let none = (field.id.clone(), Value::Null);
                write::update(&mut conn, def, survivor.id, &[&none]).await?;
            }
        }
        let sql = format!("delete from {} where \"id\" = $1", quote(&def.id));
        conn.run(sql, &[Value::Int(loser.id)]).await?;
        let changes: Vec<&(String, Value)> = changed.iter().collect();
        if !changes.is_empty() {
            write::update(&mut conn, def, survivor.id, &changes)
                .await
                .map_err(|e| write::constraint(e, &def.id, None))?;
        }
        self.check_reach(&mut conn, def, survivor.id, access)
            .await?;
        log::touched_by(&mut conn, catalog, def, survivor.id, &fields, &mut touches).await?;
        let mut made = Vec::new();
        for new in &order.more {
            let other = self.0.catalog.object(&new.object)?;
            self.check_op(new, &Access::all())?;
            if let (Op::Create { .. }, Done::Changed(applied)) = (
                &new.op,
                self.apply(&mut conn, other, new, &Access::all()).await?,
            ) {
                made.push((new, other, applied));
            }
        }
        // The log last: nobody who has it waits for a record.
        let by = By {
            at: now(),
            actor: &order.actor,
            channel: &order.channel,
        };
        let before: Map<String, Json> = (changed.iter())
            .map(|(f, _)| (f.clone(), write::json(survivor.value(f))))
            .collect();
        let after: Map<String, Json> =
            (changed.iter().map(|(f, v)| (f.clone(), write::json(v)))).collect();
        for part in &moved {
            by.moved(&mut conn, part, order.loser, order.survivor)
                .await?;
        }
        let mut made_ids = Vec::new();
        for (new, other, applied) in made {
            let id = applied.id;
            self.enter(&mut conn, other, new, *applied).await?;
            made_ids.push((other.id.clone(), id));
        }
        let all = all_values(&loser);
        let into = Map::from_iter([("merged_into".to_owned(), json!(survivor.id))]);
        let gone = by.entry(ChangeKind::Merge, def, loser.id, Some(&all), Some(&into));
        log::append(&mut conn, &gone).await?;
        let mut told = after;
        told.insert("merged_from".to_owned(), json!(loser.id));
        let stays = by.entry(
            ChangeKind::Merge,
            def,
            survivor.id,
            Some(&before),
            Some(&told),
        );
        let seq = log::append(&mut conn, &stays).await?;
        log::touch(&mut conn, seq, &touches, None).await?;
        let mut kept = Kept {
            batch: loser.batch,
            loser: kept_values(&loser.values),
            before: (changed.iter())
                .map(|(f, _)| (f.clone(), kept_json(survivor.value(f))))
                .collect(),
            after: (changed.iter())
                .map(|(f, v)| (f.clone(), kept_json(v)))
                .collect(),
            moved,
            derived,
            made: made_ids,
            aliases: Vec::new(),
            said,
        };
        let counts = counts(&kept.moved);
        let sql = "insert into keji_merge (object, survivor, loser, actor, at, seq) \
                   values ($1, $2, $3, $4, $5, $6) returning id";
        let params = [
            def.id.as_str().into(),
            Value::Int(survivor.id),
            Value::Int(loser.id),
            order.actor.as_str().into(),
            Value::Instant(by.at),
            Value::Int(seq),
        ];
        let id = conn.int(sql, &params).await?;
        kept.aliases = self
            .alias(&mut conn, def, id, [&survivor, &loser], &kept.after)
            .await?;
        let text = serde_json::to_string(&kept).map_err(|e| Error::Corrupt(e.to_string()))?;
        let sql = "update keji_merge set kept = $2 where id = $1";
        conn.run(sql, &[Value::Int(id), Value::Text(text)]).await?;
        forget_pairs(&mut conn, &def.id, loser.id).await?;
        tx.commit().await?;
        Ok(Merged {
            id,
            version: seq,
            moved: counts,
        })
    }

    /// Every link of the catalog that leads to an object.
    fn linking<'a>(
        &'a self,
        object: &'a str,
    ) -> impl Iterator<Item = (&'a ObjectDef, &'a FieldDef)> {
        let all = self.0.catalog.objects.values();
        all.flat_map(move |other| {
            let links = other.fields.iter();
            let links = links.filter(move |f| f.to.as_deref() == Some(object));
            links.map(move |field| (other, field))
        })
    }

    /// On PostgreSQL an import that writes such records waits, and the other
    /// way round: its new records would link to one that goes.
    async fn hold_links(&self, conn: &mut Conn<'_>, def: &ObjectDef) -> Result<()> {
        if conn.dialect() == Dialect::Sqlite {
            return Ok(());
        }
        let mut tables: BTreeSet<&str> =
            self.linking(&def.id).map(|(o, _)| o.id.as_str()).collect();
        tables.insert(&def.id);
        let tables: Vec<String> = tables.into_iter().map(quote).collect();
        let sql = format!("lock table {} in row exclusive mode", tables.join(", "));
        conn.run(sql, &[]).await?;
        Ok(())
    }

    /// The two with all their fields, seen by the caller and held.
    async fn both(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        order: &MergeOrder,
        access: &Access,
    ) -> Result<[Record; 2]> {
        let mut found = BTreeMap::new();
        let mut ids = [
            (order.survivor, order.expected[0]),
            (order.loser, order.expected[1]),
        ];
        // Two merges of the same pair do not wait for each other.
        ids.sort();
        for (id, expected) in ids {
            let seen = self.record(conn, &def.id, id, access, true).await?;
            let seen = seen.ok_or_else(|| not_found(def, id))?;
            check_version(conn, &seen, expected).await?;
            let whole = self.record(conn, &def.id, id, &Access::all(), true).await?;
            found.insert(id, whole.ok_or_else(|| not_found(def, id))?);
        }
        let mut take = |id: i64| found.remove(&id).ok_or_else(|| not_found(def, id));
        Ok([take(order.survivor)?, take(order.loser)?])
    }

    /// The survivor's fields that get another value.
    async fn taken_over(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        survivor: &Record,
        loser: &Record,
        order: &MergeOrder,
    ) -> Result<Vec<(String, Value)>> {
        let mut changed = Vec::new();
        for field in &def.fields {
            let present = survivor.value(&field.id);
            let side = order.sides.get(&field.id).copied();
            let mut value = merged_value(field, present, loser.value(&field.id), side).clone();
            if field.to.as_deref() == Some(&def.id)
                && let Some(target) = int(&value)
                && self
                    .leads_to(conn, def, field, target, [survivor.id, loser.id])
                    .await?
            {
                // Nothing is above itself, also not by a long way round.
                value = Value::Null;
            }
            if value != *present {
                changed.push((field.id.clone(), value));
            }
        }
        Ok(changed)
    }

    /// Whether a link of an object to itself leads to one of two records.
    async fn leads_to(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        field: &FieldDef,
        from: i64,
        ends: [i64; 2],
    ) -> Result<bool> {
        const MAX_STEPS: usize = 100;
        let mut at = from;
        let sql = format!(
            "select {} from {} where \"id\" = $1",
            quote(&field.id),
            quote(&def.id)
        );
        for _ in 0..MAX_STEPS {
            if ends.contains(&at) {
                return Ok(true);
            }
            let row = conn.row(&*sql, &[Value::Int(at)], &[Type::Int]).await?;
            match row.and_then(|row| int(&row[0])) {
                Some(next) => at = next,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Records that are computed from the one that goes: the next evaluation
    /// makes them of the survivor.
    async fn take_derived(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        id: i64,
        touches: &mut Touches,
    ) -> Result<Vec<Derived>> {
        let mut taken = Vec::new();
        let links: Vec<_> = self.linking(&def.id).collect();
        for (other, field) in links {
            if !DERIVED.contains(&other.id.as_str()) {
                continue;
            }
            for id in self.leading(conn, other, field, id).await? {
                let all = Access::all();
                let Some(record) = self.record(conn, &other.id, id, &all, true).await? else {
                    continue;
                };
                log::touched_by(conn, &self.0.catalog, other, id, &[], touches).await?;
                let sql = format!("delete from {} where \"id\" = $1", quote(&other.id));
                conn.run(sql, &[Value::Int(id)]).await?;
                taken.push(Derived {
                    object: other.id.clone(),
                    id,
                    batch: record.batch,
                    values: kept_values(&record.values),
                });
            }
        }
        Ok(taken)
    }

    /// Ids of the records that link to one.
    async fn leading(
        &self,
        conn: &mut Conn<'_>,
        other: &ObjectDef,
        field: &FieldDef,
        id: i64,
    ) -> Result<Vec<i64>> {
        let sql = format!(
            "select \"id\" from {} where {} = $1 order by \"id\"",
            quote(&other.id),
            quote(&field.id)
        );
        let rows = conn.rows(sql, &[Value::Int(id)], &[Type::Int]).await?;
        Ok(rows.iter().filter_map(|row| int(&row[0])).collect())
    }

    /// Whatever links to the one that goes links to the one that stays.
    async fn lead_on(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        order: &MergeOrder,
        touches: &mut Touches,
    ) -> Result<Vec<Moved>> {
        let mut moved = Vec::new();
        let links: Vec<_> = self.linking(&def.id).collect();
        for (other, field) in links {
            let mut ids = self.leading(conn, other, field, order.loser).await?;
            if other.id == def.id {
                // The two themselves: see `taken_over`.
                ids.retain(|id| ![order.survivor, order.loser].contains(id));
            }
            if ids.is_empty() {
                continue;
            }
            let there = self.leading(conn, other, field, order.survivor).await?;
            if field.unique && !there.is_empty() {
                let (object, field) = (other.id.clone(), field.id.clone());
                return Err(MergeProblem::OnlyOne { object, field }.into());
            }
            self.touch_links(conn, other, field, &ids, touches).await?;
            set_link(conn, other, field, &ids, [order.loser, order.survivor]).await?;
            moved.push(Moved {
                object: other.id.clone(),
                field: field.id.clone(),
                ids,
            });
        }
        Ok(moved)
    }

    /// The parts of the copy that hold these records, or their link over
    /// another one.
    async fn touch_links(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        field: &FieldDef,
        ids: &[i64],
        touches: &mut Touches,
    ) -> Result<()> {
        let catalog = &self.0.catalog;
        let mut places = vec![(def, "id")];
        for other in catalog.objects.values() {
            let links = links_that_copy(other, &def.id, &[&field.id]);
            places.extend(links.into_iter().map(|link| (other, link)));
        }
        for (object, column) in places {
            if object.copy.is_none() {
                continue;
            }
            let Some(sql) = months_of(catalog, conn.dialect(), object)? else {
                touches.insert((object.id.clone(), None));
                continue;
            };
            let among = list_sql(conn.dialect(), "$1");
            let sql = format!("{sql} where t.{} in ({among})", quote(column));
            for row in conn.rows(sql, &[list(ids)], &[Type::Date]).await? {
                touches.insert((object.id.clone(), Fields::new(row).optional_date()));
            }
        }
        Ok(())
    }

    /// The numbers that are no record's any more lead to the survivor, and so
    /// do those that led to the one that goes; the answer are these.
    async fn alias(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        merge: i64,
        [survivor, loser]: [&Record; 2],
        after: &Map<String, Json>,
    ) -> Result<Vec<String>> {
        let Some(number) = &def.number else {
            return Ok(Vec::new());
        };
        let sql = "select number from keji_alias where object = $1 and record = $2 order by number";
        let of_loser = [def.id.as_str().into(), Value::Int(loser.id)];
        let rows = conn.rows(sql, &of_loser, &[Type::Text]).await?;
        let known = rows.into_iter().map(|row| Fields::new(row).text());
        let known = known.collect::<Result<Vec<String>>>()?;
        let sql = "update keji_alias set record = $3 where object = $1 and record = $2";
        let [object, id] = of_loser;
        conn.run(sql, &[object, id, Value::Int(survivor.id)])
            .await?;
        let old = match after.contains_key(number) {
            true => survivor.value(number),
            false => loser.value(number),
        };
        if let Value::Text(old) = old {
            let sql = "insert into keji_alias (object, number, record, merge) \
                       values ($1, $2, $3, $4) on conflict (object, number) do update \
                       set record = excluded.record, merge = excluded.merge";
            let params = [
                def.id.as_str().into(),
                old.as_str().into(),
                Value::Int(survivor.id),
                Value::Int(merge),
            ];
            conn.run(sql, &params).await?;
        }
        Ok(known)
    }

    /// The record that an id stands for since a merge; `None` where the id was
    /// not merged, or its record is back.
    pub async fn moved_to(&self, object: &str, id: i64) -> Result<Option<i64>> {
        const MAX_STEPS: usize = 100;
        let mut reader = self.db().reader().await?;
        let mut conn = reader.conn();
        let mut at = id;
        let sql = "select survivor from keji_merge where object = $1 and loser = $2 \
                   and undone_at is null order by id desc limit 1";
        for _ in 0..MAX_STEPS {
            let params = [object.into(), Value::Int(at)];
            match conn.row(sql, &params, &[Type::Int]).await? {
                Some(row) => at = int(&row[0]).unwrap_or(at),
                None => break,
            }
        }
        Ok((at != id).then_some(at))
    }

    /// The records that took over what had these numbers; a number that a
    /// record has is not among them.
    pub async fn aliases(&self, object: &str, numbers: &[String]) -> Result<BTreeMap<String, i64>> {
        let mut reader = self.db().reader().await?;
        let mut conn = reader.conn();
        let mut found = BTreeMap::new();
        if numbers.is_empty() {
            return Ok(found);
        }
        let sql = "select record from keji_alias where object = $1 and number = $2";
        for number in numbers {
            let params = [object.into(), number.as_str().into()];
            if let Some(row) = conn.row(sql, &params, &[Type::Int]).await?
                && let Some(id) = int(&row[0])
            {
                found.insert(number.clone(), id);
            }
        }
        Ok(found)
    }

    /// Newest first.
    pub async fn merges(&self, object: &str, limit: u32) -> Result<Vec<Merge>> {
        let sql = format!(
            "select {COLUMNS} from keji_merge where object = $1 order by id desc limit {limit}"
        );
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[object.into()], &KINDS).await?;
        rows.into_iter().map(merge_of_row).collect()
    }

    pub async fn merge_by_id(&self, id: i64) -> Result<Option<Merge>> {
        let sql = format!("select {COLUMNS} from keji_merge where id = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[Value::Int(id)], &KINDS).await?;
        row.map(merge_of_row).transpose()
    }

    /// Takes a merge back. What was changed since stays as it was changed;
    /// where the old record cannot be what it was, nothing is done.
    pub async fn unmerge(
        &self,
        id: i64,
        access: &Access,
        actor: &str,
        channel: &str,
    ) -> Result<Unmerged> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        // Who comes second finds it undone.
        let sql = "update keji_merge set actor = actor where id = $1";
        conn.run(sql, &[Value::Int(id)]).await?;
        let sql = format!("select {COLUMNS}, kept from keji_merge where id = $1");
        let mut kinds = KINDS.to_vec();
        kinds.push(Type::Text);
        let row = conn.row(sql, &[Value::Int(id)], &kinds).await?;
        let mut row = row.ok_or_else(|| Error::Missing {
            kind: "merge",
            id: id.to_string(),
        })?;
        let kept = row.pop().unwrap_or(Value::Null);
        let merge = merge_of_row(row)?;
        let def = self.0.catalog.object(&merge.object)?;
        if merge.undone_at.is_some() {
            return Err(MergeProblem::AlreadyUndone.into());
        }
        let Value::Text(kept) = kept else {
            return Err(MergeProblem::TooLate.into());
        };
        if merge.at < oldest() {
            return Err(MergeProblem::TooLate.into());
        }
        let kept: Kept = serde_json::from_str(&kept).map_err(|e| Error::Corrupt(e.to_string()))?;
        self.hold_links(&mut conn, def).await?;
        let gone = || Error::from(MergeProblem::SurvivorGone(merge.survivor));
        let seen = self
            .record(&mut conn, &def.id, merge.survivor, access, true)
            .await?;
        seen.ok_or_else(gone)?;
        let all = Access::all();
        let survivor = self
            .record(&mut conn, &def.id, merge.survivor, &all, true)
            .await?;
        let survivor = survivor.ok_or_else(gone)?;
        let mut undo = Undo {
            store: self,
            def,
            merge: &merge,
            kept: &kept,
            touches: Touches::new(),
            done: Unmerged {
                object: def.id.clone(),
                survivor: merge.survivor,
                loser: merge.loser,
                ..Unmerged::default()
            },
        };
        let by = By {
            at: now(),
            actor,
            channel,
        };
        undo.run(&mut conn, &survivor, &by).await?;
        let done = undo.done;
        // Who could not have made them one does not make them two, either:
        // whose the second one is shows when it is there again.
        let seen = self
            .record(&mut conn, &def.id, merge.loser, access, false)
            .await?;
        seen.ok_or_else(|| Error::NotFound {
            object: def.id.clone(),
            id: merge.loser,
        })?;
        tx.commit().await?;
        Ok(done)
    }

    /// Forgets what an undo would need once its time is over.
    pub async fn sweep_merges(&self) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let sql = "update keji_merge set kept = null where kept is not null and at < $1";
        let n = tx.conn().run(sql, &[Value::Instant(oldest())]).await?;
        tx.commit().await?;
        Ok(n)
    }
}

const COLUMNS: &str = "id, object, survivor, loser, actor, at, undone_at, \
                       case when kept is null then 0 else 1 end";
const KINDS: [Type; 8] = [
    Type::Int,
    Type::Text,
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Instant,
    Type::Instant,
    Type::Int,
];

fn merge_of_row(row: Vec<Value>) -> Result<Merge> {
    let mut row = Fields::new(row);
    let (id, object, survivor, loser) = (row.int()?, row.text()?, row.int()?, row.int()?);
    let (actor, at, undone_at) = (row.text()?, row.instant()?, row.optional_instant());
    let has_kept = row.int()? != 0;
    Ok(Merge {
        id,
        object,
        survivor,
        loser,
        actor,
        at,
        undone_at,
        is_kept: has_kept && undone_at.is_none() && at >= oldest(),
    })
}

fn oldest() -> Timestamp {
    now() - SignedDuration::from_hours(24 * UNDO_DAYS)
}

/// A merge on its way back.
struct Undo<'a> {
    store: &'a Store,
    def: &'a ObjectDef,
    merge: &'a Merge,
    kept: &'a Kept,
    touches: Touches,
    done: Unmerged,
}

impl Undo<'_> {
    async fn run(&mut self, conn: &mut Conn<'_>, survivor: &Record, by: &By<'_>) -> Result<()> {
        let (store, def, merge, kept) = (self.store, self.def, self.merge, self.kept);
        let catalog = &store.0.catalog;
        let mut back = Vec::new();
        for (name, before) in &kept.before {
            let Some(field) = def.field(name) else {
                continue;
            };
            let after = value_kept(kept.after.get(name), field.kind)?;
            if *survivor.value(name) != after {
                self.done.fields_left.push(name.clone());
                continue;
            }
            back.push((field, value_kept(Some(before), field.kind)?));
        }
        let fields: Vec<&str> = back.iter().map(|(f, _)| f.id.as_str()).collect();
        log::touched_by(conn, catalog, def, survivor.id, &fields, &mut self.touches).await?;
        // The record that comes back needs unique values that the survivor took;
        // what led to it is led there once it is back.
        let is_to_old = |field: &FieldDef, value: &Value| {
            field.to.as_deref() == Some(&def.id) && int(value) == Some(merge.loser)
        };
        let first: Vec<(&FieldDef, Value)> = (back.iter())
            .filter(|(f, v)| !(f.required && is_to_old(f, v)))
            .map(|(f, v)| match is_to_old(f, v) {
                true => (*f, Value::Null),
                false => (*f, v.clone()),
            })
            .collect();
        let last: Vec<(&FieldDef, Value)> = (back.iter())
            .filter(|(f, v)| is_to_old(f, v))
            .cloned()
            .collect();
        self.set(conn, survivor.id, &first).await?;
        let old = record_of(def, merge.loser, kept.batch, &kept.loser)?;
        self.check_links(conn, &old).await?;
        put_back(conn, def, &old).await?;
        self.set(conn, survivor.id, &last).await?;
        log::touched_by(conn, catalog, def, survivor.id, &fields, &mut self.touches).await?;
        log::touched_by(conn, catalog, def, old.id, &[], &mut self.touches).await?;
        let mut moved = Vec::new();
        for part in &kept.moved {
            let (Some(other), n) = (catalog.objects.get(&part.object), part.ids.len() as i64)
            else {
                continue;
            };
            let Some(field) = other.field(&part.field) else {
                continue;
            };
            let there: BTreeSet<i64> = (store.leading(conn, other, field, merge.survivor).await?)
                .into_iter()
                .collect();
            let ids: Vec<i64> = (part.ids.iter().copied())
                .filter(|id| there.contains(id))
                .collect();
            self.done.moved += ids.len() as i64;
            self.done.left += n - ids.len() as i64;
            if ids.is_empty() {
                continue;
            }
            store
                .touch_links(conn, other, field, &ids, &mut self.touches)
                .await?;
            set_link(conn, other, field, &ids, [merge.survivor, merge.loser]).await?;
            moved.push(Moved {
                object: part.object.clone(),
                field: part.field.clone(),
                ids,
            });
        }
        let ends = [merge.survivor, merge.loser];
        comment::lead_back(conn, &def.id, &kept.said, ends).await?;
        self.derived(conn).await?;
        let mut unmade = Vec::new();
        for (object, id) in &kept.made {
            let Some(other) = catalog.objects.get(object) else {
                continue;
            };
            let all = Access::all();
            if let Some(record) = store.record(conn, object, *id, &all, true).await? {
                log::touched_by(conn, catalog, other, *id, &[], &mut self.touches).await?;
                let sql = format!("delete from {} where \"id\" = $1", quote(object));
                conn.run(sql, &[Value::Int(*id)]).await?;
                unmade.push((other, record));
            }
        }
        let sql = "delete from keji_alias where merge = $1";
        conn.run(sql, &[Value::Int(merge.id)]).await?;
        for number in &kept.aliases {
            let sql = "update keji_alias set record = $3 where object = $1 and number = $2";
            let params = [
                def.id.as_str().into(),
                number.as_str().into(),
                Value::Int(merge.loser),
            ];
            conn.run(sql, &params).await?;
        }
        let sql = "update keji_merge set undone_at = $2, undone_by = $3, kept = null where id = $1";
        let params = [Value::Int(merge.id), Value::Instant(by.at), by.actor.into()];
        conn.run(sql, &params).await?;
        for part in &moved {
            by.moved(conn, part, merge.survivor, merge.loser).await?;
        }
        for (other, record) in &unmade {
            let before = all_values(record);
            let entry = by.entry(ChangeKind::Delete, other, record.id, Some(&before), None);
            log::append(conn, &entry).await?;
        }
        let whole = all_values(&old);
        let entry = by.entry(ChangeKind::Unmerge, def, old.id, None, Some(&whole));
        log::append(conn, &entry).await?;
        let (mut before, mut after) = (Map::new(), Map::new());
        for (field, value) in &back {
            before.insert(field.id.clone(), write::json(survivor.value(&field.id)));
            after.insert(field.id.clone(), write::json(value));
        }
        let entry = by.entry(
            ChangeKind::Unmerge,
            def,
            survivor.id,
            Some(&before),
            Some(&after),
        );
        let seq = log::append(conn, &entry).await?;
        log::touch(conn, seq, &self.touches, None).await
    }

    async fn set(&self, conn: &mut Conn<'_>, id: i64, values: &[(&FieldDef, Value)]) -> Result<()> {
        let values: Vec<(String, Value)> = (values.iter())
            .map(|(field, value)| (field.id.clone(), value.clone()))
            .collect();
        if values.is_empty() {
            return Ok(());
        }
        let all: Vec<&(String, Value)> = values.iter().collect();
        let set = write::update(conn, self.def, id, &all).await;
        set.map_err(|e| self.told(e))
    }

    /// What the old record led to has to be there still.
    async fn check_links(&self, conn: &mut Conn<'_>, old: &Record) -> Result<()> {
        for field in &self.def.fields {
            let (Some(to), Some(id)) = (&field.to, int(old.value(&field.id))) else {
                continue;
            };
            let sql = format!("select count(*) from {} where \"id\" = $1", quote(to));
            if conn.int(sql, &[Value::Int(id)]).await? == 0 && id != old.id {
                let field = field.id.clone();
                return Err(MergeProblem::LinkGone { field, id }.into());
            }
        }
        for field in self.def.fields.iter().filter(|f| f.unique) {
            let value = old.value(&field.id);
            if value.is_null() {
                continue;
            }
            let sql = format!(
                "select count(*) from {} where {} = $1",
                quote(&self.def.id),
                quote(&field.id)
            );
            if conn.int(sql, std::slice::from_ref(value)).await? > 0 {
                let field = field.id.clone();
                return Err(MergeProblem::Taken { field }.into());
            }
        }
        Ok(())
    }

    fn told(&self, error: Error) -> Error {
        match write::constraint(error, &self.def.id, None) {
            Error::Duplicate { field, .. } => MergeProblem::Taken { field }.into(),
            other => other,
        }
    }

    /// Scores of evaluations that were not made anew since.
    async fn derived(&mut self, conn: &mut Conn<'_>) -> Result<()> {
        let catalog = &self.store.0.catalog;
        for part in &self.kept.derived {
            let Some(def) = catalog.objects.get(&part.object) else {
                continue;
            };
            let record = record_of(def, part.id, part.batch, &part.values)?;
            if let Value::Date(day) = record.value("as_of") {
                let sql = "select count(*) from keji_evaluation where as_of = $1 and seq <= \
                           (select seq from keji_merge where id = $2)";
                let params = [Value::Date(*day), Value::Int(self.merge.id)];
                if conn.int(sql, &params).await? == 0 {
                    continue;
                }
            }
            put_back(conn, def, &record).await?;
            log::touched_by(conn, catalog, def, part.id, &[], &mut self.touches).await?;
        }
        Ok(())
    }
}

/// Who does it, and when: for the log.
struct By<'a> {
    at: Timestamp,
    actor: &'a str,
    channel: &'a str,
}

impl By<'_> {
    fn entry<'a>(
        &'a self,
        kind: ChangeKind,
        def: &'a ObjectDef,
        id: i64,
        before: Option<&'a Map<String, Json>>,
        after: Option<&'a Map<String, Json>>,
    ) -> Entry<'a> {
        Entry {
            at: self.at,
            actor: self.actor,
            channel: self.channel,
            kind,
            object: Some(&def.id),
            record: Some(id),
            batch: None,
            before,
            after,
        }
    }

    /// One entry for each record whose link changed, in one statement.
    async fn moved(&self, conn: &mut Conn<'_>, part: &Moved, from: i64, to: i64) -> Result<()> {
        log::take(conn).await?;
        let last = conn.int("select max(seq) from keji_change", &[]).await?;
        let dialect = conn.dialect();
        let typed = |n: usize, kind: &str| match dialect {
            Dialect::Sqlite => format!("${n}"),
            Dialect::Postgres => format!("${n}::{kind}"),
        };
        let sql = format!(
            "insert into keji_change \
             (seq, at, actor, channel, kind, object, record, before, after, salt) \
             select {} + row_number() over (order by t.\"id\"), {}, {}, {}, 'update', {}, \
             t.\"id\", {}, {}, {} from {} t where t.\"id\" in ({})",
            typed(1, "bigint"),
            typed(2, "timestamptz"),
            typed(3, "text"),
            typed(4, "text"),
            typed(5, "text"),
            typed(6, "text"),
            typed(7, "text"),
            log::salt_sql(dialect),
            quote(&part.object),
            list_sql(dialect, "$8")
        );
        let side = |id: i64| Value::Text(json!({ part.field.as_str(): id }).to_string());
        let params = [
            Value::Int(last),
            Value::Instant(self.at),
            self.actor.into(),
            self.channel.into(),
            part.object.as_str().into(),
            side(from),
            side(to),
            list(&part.ids),
        ];
        conn.run(sql, &params).await?;
        Ok(())
    }
}

fn counts(moved: &[Moved]) -> Vec<MovedLinks> {
    let count = |part: &Moved| MovedLinks {
        object: part.object.clone(),
        field: part.field.clone(),
        n: part.ids.len() as i64,
    };
    moved.iter().map(count).collect()
}

async fn set_link(
    conn: &mut Conn<'_>,
    def: &ObjectDef,
    field: &FieldDef,
    ids: &[i64],
    [from, to]: [i64; 2],
) -> Result<()> {
    let (table, column) = (quote(&def.id), quote(&field.id));
    let among = list_sql(conn.dialect(), "$3");
    let sql =
        format!("update {table} set {column} = $2 where {column} = $1 and \"id\" in ({among})");
    let params = [Value::Int(from), Value::Int(to), list(ids)];
    conn.run(sql, &params).await?;
    Ok(())
}

/// As an undo needs it: a float by its bits, because its text may be read as
/// its neighbour.
fn kept_json(value: &Value) -> Json {
    match value {
        Value::Float(x) => Json::String(format!("{:016x}", x.to_bits())),
        other => write::json(other),
    }
}

fn value_kept(json: Option<&Json>, kind: Type) -> Result<Value> {
    match (kind, json) {
        (Type::Float, Some(Json::String(bits))) => u64::from_str_radix(bits, 16)
            .map(|bits| Value::Float(f64::from_bits(bits)))
            .map_err(|e| Error::Corrupt(format!("a merge kept {bits}: {e}"))),
        _ => value_of_log(json, kind),
    }
}

fn kept_values(values: &[(String, Value)]) -> Map<String, Json> {
    let given = values.iter().filter(|(_, v)| !v.is_null());
    given.map(|(f, v)| (f.clone(), kept_json(v))).collect()
}

/// Those of a record that are not null, as the log has them.
pub(crate) fn all_values(record: &Record) -> Map<String, Json> {
    let given = record.values.iter().filter(|(_, v)| !v.is_null());
    given.map(|(f, v)| (f.clone(), write::json(v))).collect()
}

pub(crate) fn record_of(
    def: &ObjectDef,
    id: i64,
    batch: Option<i64>,
    values: &Map<String, Json>,
) -> Result<Record> {
    let read = |field: &FieldDef| {
        let value = value_kept(values.get(&field.id), field.kind)?;
        Ok((field.id.clone(), value))
    };
    Ok(Record {
        object: def.id.clone(),
        id,
        batch,
        values: def.fields.iter().map(read).collect::<Result<_>>()?,
    })
}

/// With the id that it had.
pub(crate) async fn put_back(conn: &mut Conn<'_>, def: &ObjectDef, record: &Record) -> Result<()> {
    let mut columns = vec![quote("id")];
    let mut params = vec![Value::Int(record.id)];
    if let Some(batch) = record.batch {
        columns.push(quote("batch"));
        params.push(Value::Int(batch));
    }
    for (field, value) in &record.values {
        if !value.is_null() {
            columns.push(quote(field));
            params.push(value.clone());
        }
    }
    let places: Vec<String> = (1..=params.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "insert into {} ({}) values ({})",
        quote(&def.id),
        columns.join(", "),
        places.join(", ")
    );
    conn.run(sql, &params).await?;
    Ok(())
}

/// Pairs of a record that is no more.
pub(crate) async fn forget_pairs(conn: &mut Conn<'_>, object: &str, id: i64) -> Result<()> {
    let sql = "delete from keji_duplicate where object = $1 and (a = $2 or b = $2)";
    conn.run(sql, &[object.into(), Value::Int(id)]).await?;
    Ok(())
}

/// Everything that was ever merged into a record, also by way of others.
pub(crate) async fn merged_into(
    conn: &mut Conn<'_>,
    object: &str,
    id: i64,
) -> Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    let mut news = vec![id];
    while let Some(at) = news.pop() {
        let sql = "select loser from keji_merge where object = $1 and survivor = $2 \
                   and undone_at is null";
        let params = [object.into(), Value::Int(at)];
        for row in conn.rows(sql, &params, &[Type::Int]).await? {
            if let Some(loser) = int(&row[0])
                && found.insert(loser)
            {
                news.push(loser);
            }
        }
    }
    Ok(found)
}

/// Nothing of a record stays in what an undo would need.
pub(crate) async fn forget_kept(conn: &mut Conn<'_>, object: &str, id: i64) -> Result<()> {
    let sql =
        "update keji_merge set kept = null where object = $1 and (survivor = $2 or loser = $2)";
    conn.run(sql, &[object.into(), Value::Int(id)]).await?;
    let sql = "delete from keji_alias where object = $1 and record = $2";
    conn.run(sql, &[object.into(), Value::Int(id)]).await?;
    forget_pairs(conn, object, id).await
}

pub(crate) fn list(ids: &[i64]) -> Value {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    Value::Text(format!("[{}]", ids.join(",")))
}
