//! What there is, and whether it holds together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;
use keji_schema::definition::{ObjectDef, Origin};
use keji_schema::{Type, Value};
use serde::Serialize;

use crate::access::Access;
use crate::db::Fields;
use crate::error::{Error, Result};
use crate::record::{ScanQuery, Sort};
use crate::sql::{Dialect, quote};
use crate::store::Store;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records per object.
    pub objects: BTreeMap<String, i64>,
    pub first_ordered_on: Option<Date>,
    pub last_ordered_on: Option<Date>,
    /// The change-log position of these counts.
    pub seq: i64,
}

/// Counting reads every table; between two changes once is enough.
#[derive(Debug, Default)]
pub(crate) struct CountsCache(Mutex<Option<Counts>>);

impl Store {
    pub async fn counts(&self) -> Result<Counts> {
        let seq = self.last_seq().await?;
        let cached = self
            .0
            .counts
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(counts) = cached.filter(|counts| counts.seq == seq) {
            return Ok(counts);
        }
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        let seq = conn.int("select max(seq) from keji_change", &[]).await?;
        let mut objects = BTreeMap::new();
        for id in self.0.catalog.objects.keys() {
            let n = conn
                .int(format!("select count(*) from {}", quote(id)), &[])
                .await?;
            objects.insert(id.clone(), n);
        }
        let mut days = [None, None];
        if self.0.catalog.objects.contains_key("order") {
            // Two statements, so that each is one look into the index.
            for (day, end) in days.iter_mut().zip(["min", "max"]) {
                let sql = format!("select {end}(ordered_on) from \"order\"");
                let row = conn.row(sql, &[], &[Type::Date]).await?.unwrap_or_default();
                *day = Fields::new(row).optional_date();
            }
        }
        let [first_ordered_on, last_ordered_on] = days;
        let counts = Counts {
            objects,
            first_ordered_on,
            last_ordered_on,
            seq,
        };
        *self
            .0
            .counts
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(counts.clone());
        Ok(counts)
    }

    /// What is wrong with the database; empty when nothing is. Reads
    /// everything.
    pub async fn integrity_check(&self) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        let mut tx = self.snapshot().await?;
        let mut conn = tx.conn();
        if conn.dialect() == Dialect::Sqlite {
            for row in conn
                .rows("pragma integrity_check", &[], &[Type::Text])
                .await?
            {
                let text = Fields::new(row).text()?;
                if text != "ok" {
                    problems.push(text);
                }
            }
        }
        for (id, object) in &self.0.catalog.objects {
            for field in &object.fields {
                let Some(to) = &field.to else { continue };
                let sql = format!(
                    "select count(*) from {} t where t.{link} is not null \
                     and not exists (select 1 from {} o where o.\"id\" = t.{link})",
                    quote(id),
                    quote(to),
                    link = quote(&field.id)
                );
                let n = conn.int(sql, &[]).await?;
                if n > 0 {
                    problems.push(format!("{n} of `{id}.{}` link to nothing", field.id));
                }
            }
        }
        let sql = "select count(*) from (select o.id from \"order\" o \
                   left join order_line x on x.\"order\" = o.id group by o.id \
                   having count(x.id) <> o.n_lines or coalesce(sum(x.amount), 0) <> o.goods_amount \
                   or o.net_amount <> o.goods_amount + o.freight - o.discount) as wrong";
        let n = conn.int(sql, &[]).await?;
        if n > 0 {
            problems.push(format!("{n} orders are not the sum of their lines"));
        }
        Ok(problems)
    }

    /// A hash of all records, independent of ids, of physical order and of
    /// which import brought them: links count by the number of their target,
    /// and when and by whom a record was made does not.
    pub async fn state_hash(&self) -> Result<u128> {
        let access = Access::all();
        let mut total: u128 = 0;
        for object in self.0.catalog.objects.values() {
            let query = ScanQuery {
                object: object.id.clone(),
                fields: object
                    .fields
                    .iter()
                    .filter(|f| Origin::of(&f.id).is_none())
                    .map(|f| self.natural_path(object, &f.id))
                    .collect(),
                filter: None,
                sort: vec![Sort::asc("id")],
            };
            self.scan(&query, &access, |row| {
                let mut hash = Fnv::new();
                hash.add(object.id.as_bytes());
                for value in row {
                    add_value(&mut hash, value);
                }
                // A sum does not depend on the order, and a record that is
                // there twice counts twice.
                total = total.wrapping_add(hash.0);
                Ok::<_, Error>(())
            })
            .await?;
        }
        Ok(total)
    }

    fn natural_path(&self, object: &ObjectDef, field: &str) -> String {
        let to = object.field(field).and_then(|f| f.to.as_deref());
        let number = to.and_then(|to| self.0.catalog.objects.get(to)?.number.as_deref());
        match number {
            Some(number) => format!("{field}.{number}"),
            None => field.to_owned(),
        }
    }
}

fn add_value(hash: &mut Fnv, value: &Value) {
    match value {
        Value::Null => hash.add(b"n"),
        Value::Text(text) => {
            hash.add(b"t");
            hash.add(&(text.len() as u64).to_le_bytes());
            hash.add(text.as_bytes());
        }
        Value::Float(x) => {
            hash.add(b"f");
            hash.add(&x.to_bits().to_le_bytes());
        }
        other => {
            hash.add(b"i");
            let n = crate::db::sqlite::stored_int(other).unwrap_or_default();
            hash.add(&n.to_le_bytes());
        }
    }
}

/// FNV-1a with 128 bits: the same on every machine and in every version.
struct Fnv(u128);

impl Fnv {
    fn new() -> Self {
        Fnv(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u128::from(*byte);
            self.0 = self
                .0
                .wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}
