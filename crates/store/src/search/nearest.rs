//! The best of many: which records of several objects fit a text best, for one
//! box over everything. The index gives candidates by how well they fit; the
//! records are read under the caller's rights.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use keji_schema::{Type, Value};

use super::terms::{self, Fit, Kind};
use super::thin::{Counts, Query};
use super::{Index, Spelling, is_moving, is_spelling, list_sql, table};
use crate::access::Access;
use crate::db::{Conn, Fields, fault, int};
use crate::error::Result;
use crate::sql::{Select, quote};
use crate::store::Store;

/// While the index gets its tables; each comes within milliseconds.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// For how long the sizes of the objects are taken as they were. Another
/// process may follow as well.
const FRESH: Duration = Duration::from_millis(100);

/// Records with a term from which their number is remembered, and how many
/// terms of an object are.
const FREQUENT: i64 = 1_000;
const MOST_KNOWN: usize = 20_000;

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
        query: &Query,
        limit: u32,
    ) -> Result<BTreeMap<String, Vec<i64>>> {
        let mut reader = self.pools.readers.acquire().await.map_err(fault)?;
        let mut conn = Conn::Sqlite(&mut reader);
        let sizes = self.sizes(&mut conn).await?;
        let objects: Vec<&str> = objects
            .iter()
            .copied()
            .filter(|object| sizes.contains_key(*object))
            .collect();
        let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let counts = self.counts(&mut conn, &objects, query, &sizes).await?;
        let mut asked: Vec<(&str, String)> = Vec::new();
        for (object, counts) in objects.iter().zip(&counts) {
            asked.extend(query.thin(counts).map(|text| (*object, text)));
        }
        self.ask(&mut conn, &asked, limit, &mut found).await?;
        // So many that it matters which.
        let mut cut: Vec<(&str, String)> = Vec::new();
        for (object, counts) in objects.iter().zip(&counts) {
            let n = found.get(*object).map_or(0, Vec::len);
            let thin = asked.iter().find(|(of, _)| of == object);
            let whole = query.whole(counts);
            if n >= limit as usize && thin.map(|(_, text)| text) != whole.as_ref() {
                found.remove(*object);
                cut.extend(whole.map(|text| (*object, text)));
            }
        }
        self.ask(&mut conn, &cut, limit, &mut found).await?;
        Ok(found)
    }

    /// Ids of what each object has of its query.
    async fn ask(
        &self,
        conn: &mut Conn<'_>,
        asked: &[(&str, String)],
        limit: u32,
        found: &mut BTreeMap<String, Vec<i64>>,
    ) -> Result<()> {
        if asked.is_empty() {
            return Ok(());
        }
        let parts: Vec<String> = (asked.iter().enumerate())
            .map(|(at, (object, _))| {
                let table = quote(&table(object));
                format!(
                    "select {at}, rowid from (select rowid from {table} \
                     where {table} match ${} order by rowid desc limit {limit})",
                    at + 1
                )
            })
            .collect();
        let texts: Vec<Value> = asked.iter().map(|(_, text)| text.as_str().into()).collect();
        let kinds = [Type::Int, Type::Int];
        for row in patiently(conn, &parts.join(" union all "), &texts, &kinds).await? {
            let (Some(at), Some(id)) = (int(&row[0]), int(&row[1])) else {
                continue;
            };
            if let Some((object, _)) = usize::try_from(at).ok().and_then(|at| asked.get(at)) {
                found.entry((*object).to_owned()).or_default().push(id);
            }
        }
        Ok(())
    }

    /// How many records the objects have that have any, about: as it was a
    /// moment ago where another process wrote since.
    async fn sizes(&self, conn: &mut Conn<'_>) -> Result<Arc<HashMap<String, i64>>> {
        if let Some(known) = self.sizes.fresh() {
            return Ok(known);
        }
        let writes = self.sizes.writes();
        let sql = "select object from position";
        let rows = conn.rows(sql, &[], &[Type::Text]).await?;
        let followed: BTreeSet<String> = rows
            .into_iter()
            .filter_map(|row| Fields::new(row).optional_text())
            .filter_map(|place| Some(place.split_once('(')?.0.to_owned()))
            .collect();
        let followed: Vec<&str> = followed.iter().map(String::as_str).collect();
        let sizes = Arc::new(sizes_of(conn, &followed).await?);
        self.sizes.put(writes, sizes.clone());
        Ok(sizes)
    }

    /// In how many records of each object the terms stand; of an object without
    /// a record in none.
    pub(super) async fn counts(
        &self,
        conn: &mut Conn<'_>,
        objects: &[&str],
        query: &Query,
        sizes: &HashMap<String, i64>,
    ) -> Result<Vec<Counts>> {
        let mut counts: Vec<Counts> = objects.iter().map(|_| Counts::default()).collect();
        let mut parts = Vec::new();
        let mut lists = Vec::new();
        let mut terms = BTreeSet::new();
        query.terms(&mut terms);
        for (at, object) in objects.iter().enumerate() {
            let Some(records) = sizes.get(*object).copied() else {
                continue;
            };
            counts[at].records = records;
            let known = self.frequent.of(object, &terms);
            let is_new = |term: &&&str| !known.contains_key(**term);
            let new: Vec<&str> = terms.iter().filter(is_new).copied().collect();
            counts[at].of = known;
            if !new.is_empty() {
                lists.push(Value::Text(format!("[\"{}\"]", new.join("\",\""))));
                parts.push(format!(
                    "select {at}, term, doc from {} where term in ({})",
                    quote(&super::vocabulary(object)),
                    list_sql(conn.dialect(), &format!("${}", lists.len())),
                ));
            }
        }
        if parts.is_empty() {
            return Ok(counts);
        }
        let kinds = [Type::Int, Type::Text, Type::Int];
        for row in patiently(conn, &parts.join(" union all "), &lists, &kinds).await? {
            let mut row = Fields::new(row);
            let (at, term, n) = (row.int()?, row.text()?, row.int()?);
            if let Ok(at) = usize::try_from(at) {
                self.frequent.keep(objects[at], &term, n);
                counts[at].of.insert(term, n);
            }
        }
        Ok(counts)
    }
}

/// About how many records these objects have; those with none are left out.
pub(super) async fn sizes_of(
    conn: &mut Conn<'_>,
    objects: &[&str],
) -> Result<HashMap<String, i64>> {
    if objects.is_empty() {
        return Ok(HashMap::new());
    }
    let parts: Vec<String> = (objects.iter())
        .map(|object| {
            let sizes = quote(&format!("{}_docsize", table(object)));
            format!("select (select max(id) from {sizes})")
        })
        .collect();
    let rows = patiently(conn, &parts.join(" union all "), &[], &[Type::Int]).await?;
    let sizes = objects.iter().zip(rows);
    Ok(sizes
        .filter_map(|(object, row)| Some(((*object).to_owned(), int(&row[0])?)))
        .collect())
}

/// What [`Index::sizes`] found. Some thirty tables are asked for it, and only
/// few of them have anything.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// Of this process.
    writes: AtomicU64,
    known: Mutex<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    since: Instant,
    writes: u64,
    sizes: Arc<HashMap<String, i64>>,
}

impl Sizes {
    /// What is known may be wrong from now on.
    pub(super) fn written(&self) {
        self.writes.fetch_add(1, Ordering::AcqRel);
    }

    fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    fn fresh(&self) -> Option<Arc<HashMap<String, i64>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh =
            |known: &&Known| known.writes == self.writes() && known.since.elapsed() < FRESH;
        known.as_ref().filter(is_fresh).map(|k| k.sizes.clone())
    }

    /// What was found after so many writes.
    fn put(&self, writes: u64, sizes: Arc<HashMap<String, i64>>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Known {
            since: Instant::now(),
            writes,
            sizes,
        });
    }
}

async fn patiently(
    conn: &mut Conn<'_>,
    sql: &str,
    params: &[Value],
    kinds: &[Type],
) -> Result<Vec<Vec<Value>>> {
    let mut tries = 0;
    loop {
        match conn.rows(sql, params, kinds).await {
            Err(e) if is_moving(&e) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            rows => return rows,
        }
    }
}

/// How many records have the terms that stand in many, which takes long to
/// count. They may be out of date: they only say what is rarer.
#[derive(Debug, Default)]
pub(super) struct Frequent(Mutex<HashMap<String, HashMap<String, i64>>>);

impl Frequent {
    fn of(&self, object: &str, terms: &BTreeSet<&str>) -> HashMap<String, i64> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = all.get(object) else {
            return HashMap::new();
        };
        let known = terms.iter().filter_map(|term| known.get_key_value(*term));
        known.map(|(term, n)| (term.clone(), *n)).collect()
    }

    fn keep(&self, object: &str, term: &str, n: i64) {
        if n < FREQUENT {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(object.to_owned()).or_default();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(term.to_owned(), n);
    }
}

/// All that fits so.
fn query(wanted: &Wanted, fitting: Fitting) -> Option<Query> {
    let any = |fit: Fit, text: &str, spelt: Option<&Spelling>| {
        let mut any = vec![Query::Clauses(terms::fitting(Kind::Text, fit, text))];
        let (initials, full) = match spelt {
            Some(spelt) => (spelt.initials.as_str(), spelt.full.as_str()),
            None if is_spelling(text) => (text, text),
            None => ("", ""),
        };
        // First letters are too few to be mistyped.
        if fit != Fit::Near {
            any.push(Query::Clauses(terms::fitting(
                Kind::Initials,
                fit,
                initials,
            )));
        }
        any.push(Query::Clauses(terms::fitting(Kind::Spelt, fit, full)));
        Query::Any(any)
    };
    let spelt = wanted.spelt.as_ref();
    let digits = |fit: Fit| {
        let digits = wanted.digits.as_deref().unwrap_or_default();
        Query::Clauses(terms::fitting(Kind::Text, fit, digits))
    };
    let whole = |fit: Fit| vec![any(fit, &wanted.text, spelt), digits(fit)];
    let query = Query::Any(match fitting {
        Fitting::Whole => whole(Fit::Whole),
        Fitting::Prefix => whole(Fit::Prefix),
        Fitting::Part if wanted.words.len() < 2 => whole(Fit::Part),
        Fitting::Part => {
            let words = wanted.words.iter();
            let all = words.map(|word| any(Fit::Part, word, None)).collect();
            vec![Query::All(all), digits(Fit::Part)]
        }
        Fitting::Near => {
            let sound = wanted.sound.as_deref().unwrap_or_default();
            let alike = Query::Clauses(terms::fitting(Kind::Spelt, Fit::Part, sound));
            let mut near = whole(Fit::Near);
            near.push(alike);
            near
        }
    });
    (!query.is_empty()).then_some(query)
}
