//! The best of many: which records of several objects fit a text best, for one
//! box over everything. The index gives candidates by how well they fit; the
//! records are read under the caller's rights.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use keji_schema::{Type, Value};

use super::terms::{self, Fit, Kind};
use super::{Index, Spelling, is_moving, is_spelling, list_sql, table};
use crate::access::Access;
use crate::db::{Conn, Fields, fault, int};
use crate::error::Result;
use crate::sql::{Select, quote};
use crate::store::Store;

/// While the index gets its tables; each comes within milliseconds.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// What somebody typed into the box, in small letters.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The whole of it.
    pub text: String,
    /// Its words; each has to be found.
    pub words: Vec<String>,
    /// Of a number that is written with spaces or strokes its digits: they
    /// may stand so, too.
    pub digits: Option<String>,
    /// Of a text of Chinese characters and letters, such as 李ml: all in
    /// letters.
    pub spelt: Option<Spelling>,
    /// Of a text of Chinese characters alone: its sound, in letters.
    pub sound: Option<String>,
}

/// How well candidates have to fit, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitting {
    /// A text, or its spelling, is the wanted one.
    Whole,
    /// One begins so.
    Prefix,
    /// Each word stands somewhere.
    Part,
    /// With a mistyped character, or sounding alike.
    Near,
}

impl Fitting {
    pub const ALL: [Fitting; 4] = [
        Fitting::Whole,
        Fitting::Prefix,
        Fitting::Part,
        Fitting::Near,
    ];
}

/// A record that may fit, with the texts that are searched and seen.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub id: i64,
    /// Field and text.
    pub texts: Vec<(String, String)>,
}

impl Store {
    /// Ids of records that may fit, by object, the newest first and at most
    /// `limit` of each; nothing where there is no index.
    pub async fn nearest_ids(
        &self,
        objects: &[&str],
        wanted: &Wanted,
        fitting: Fitting,
        limit: u32,
    ) -> Result<BTreeMap<String, Vec<i64>>> {
        let (Some(index), Some(query)) = (self.0.search.get(), query(wanted, fitting)) else {
            return Ok(BTreeMap::new());
        };
        index.nearest(objects, &query, limit).await
    }

    /// Those of the records that the caller may see, the newest first, with
    /// the texts that he may search in; of a covered field none.
    pub async fn nearest(
        &self,
        object: &str,
        ids: &[i64],
        limit: u32,
        access: &Access,
    ) -> Result<Vec<Candidate>> {
        let def = self.0.catalog.object(object)?;
        let dialect = self.db().dialect();
        let mut select = Select::new(dialect, &self.0.catalog, access, object)?;
        let mut columns = vec!["t.\"id\"".to_owned()];
        let mut kinds = vec![Type::Int];
        let mut fields = Vec::new();
        for field in def.fields.iter().filter(|field| field.search) {
            let Ok((column, kind)) = select.path(&field.id) else {
                continue;
            };
            columns.push(column);
            kinds.push(kind);
            fields.push(field.id.clone());
        }
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let condition = select.condition(None)?;
        let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
        let ids = select.bind(Value::Text(format!("[{}]", ids.join(","))));
        let sql = format!(
            "select {} {} where t.\"id\" in ({}) and {condition} order by t.\"id\" desc limit {limit}",
            columns.join(", "),
            select.from(),
            list_sql(dialect, &ids),
        );
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &select.params, &kinds).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Fields::new(row);
                let id = row.int()?;
                let mut texts = Vec::new();
                for field in &fields {
                    if let Some(text) = row.optional_text() {
                        texts.push((field.clone(), text));
                    }
                }
                Ok(Candidate { id, texts })
            })
            .collect()
    }
}

impl Index {
    async fn nearest(
        &self,
        objects: &[&str],
        query: &str,
        limit: u32,
    ) -> Result<BTreeMap<String, Vec<i64>>> {
        let mut reader = self.pools.readers.acquire().await.map_err(fault)?;
        let mut conn = Conn::Sqlite(&mut reader);
        let sql = "select object from position";
        let rows = conn.rows(sql, &[], &[Type::Text]).await?;
        let followed: BTreeSet<String> = rows
            .into_iter()
            .filter_map(|row| Fields::new(row).optional_text())
            .filter_map(|place| Some(place.split_once('(')?.0.to_owned()))
            .collect();
        let objects: Vec<&str> = objects
            .iter()
            .copied()
            .filter(|object| followed.contains(*object))
            .collect();
        let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        if objects.is_empty() {
            return Ok(found);
        }
        let parts: Vec<String> = objects
            .iter()
            .enumerate()
            .map(|(at, object)| {
                let table = quote(&table(object));
                format!(
                    "select {at}, rowid from (select rowid from {table} \
                     where {table} match $1 order by rowid desc limit {limit})"
                )
            })
            .collect();
        let sql = parts.join(" union all ");
        let kinds = [Type::Int, Type::Int];
        let mut tries = 0;
        let rows = loop {
            match conn.rows(sql.as_str(), &[query.into()], &kinds).await {
                Err(e) if is_moving(&e) && tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                rows => break rows?,
            }
        };
        for row in rows {
            let (Some(at), Some(id)) = (int(&row[0]), int(&row[1])) else {
                continue;
            };
            if let Some(object) = usize::try_from(at).ok().and_then(|at| objects.get(at)) {
                found.entry((*object).to_owned()).or_default().push(id);
            }
        }
        Ok(found)
    }
}

/// All that fits so, as a query of FTS5.
fn query(wanted: &Wanted, fitting: Fitting) -> Option<String> {
    let any = |fit: Fit, text: &str, spelt: Option<&Spelling>| {
        let mut any: Vec<String> = terms::fitting(Kind::Text, fit, text).into_iter().collect();
        let (initials, full) = match spelt {
            Some(spelt) => (spelt.initials.as_str(), spelt.full.as_str()),
            None if is_spelling(text) => (text, text),
            None => ("", ""),
        };
        // First letters are too few to be mistyped.
        if fit != Fit::Near {
            any.extend(terms::fitting(Kind::Initials, fit, initials));
        }
        any.extend(terms::fitting(Kind::Spelt, fit, full));
        let any: Vec<String> = any.into_iter().map(|one| format!("({one})")).collect();
        (!any.is_empty()).then(|| any.join(" OR "))
    };
    let spelt = wanted.spelt.as_ref();
    let digits = |fit: Fit| terms::fitting(Kind::Text, fit, wanted.digits.as_deref()?);
    let either = |one: Option<String>, other: Option<String>| {
        let all: Vec<String> = one.into_iter().chain(other).collect();
        let all: Vec<String> = all.into_iter().map(|one| format!("({one})")).collect();
        (!all.is_empty()).then(|| all.join(" OR "))
    };
    match fitting {
        Fitting::Whole => either(any(Fit::Whole, &wanted.text, spelt), digits(Fit::Whole)),
        Fitting::Prefix => either(any(Fit::Prefix, &wanted.text, spelt), digits(Fit::Prefix)),
        Fitting::Part if wanted.words.len() < 2 => {
            either(any(Fit::Part, &wanted.text, spelt), digits(Fit::Part))
        }
        Fitting::Part => {
            let words = wanted.words.iter();
            let all: Option<Vec<String>> = words
                .map(|word| Some(format!("({})", any(Fit::Part, word, None)?)))
                .collect();
            either(all.map(|all| all.join(" AND ")), digits(Fit::Part))
        }
        Fitting::Near => {
            let sound = wanted.sound.as_deref();
            let alike = sound.and_then(|sound| terms::fitting(Kind::Spelt, Fit::Part, sound));
            let near = any(Fit::Near, &wanted.text, spelt);
            either(either(alike, near), digits(Fit::Near))
        }
    }
}
