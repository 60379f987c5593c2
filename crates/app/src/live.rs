//! What somebody looks at, kept up: that records changed, told to whom may see
//! them, and who else looks at the same one. What is told is only which
//! records; what became of them is asked for as always.
//!
//! Changes come from the log, which every process of the place writes to, so
//! that it does not matter in which of them somebody is. Who looks at what is
//! known to this process alone, and to nobody once it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keji_schema::expr::{Expr, Node};
use keji_schema::{Type, Value};
use keji_store::{ListQuery, Told};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Action, Caller, access, may, require};

/// How soon a change is told, at the latest.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Connections in all, and of one user.
const MAX_ALL: usize = 500;
const MAX_OWN: usize = 12;
/// Entries of the log in one go.
const PORTION: u32 = 2_000;
/// Records that are named; of more only the object is.
const MAX_NAMED: usize = 200;
/// Events that a slow reader may be behind.
const BEHIND: usize = 64;

/// The connections of this process.
#[derive(Debug)]
pub struct Memory {
    known: Mutex<Known>,
    send: broadcast::Sender<Raw>,
}

#[derive(Debug, Default)]
struct Known {
    last: u64,
    is_over: bool,
    connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    user: i64,
    name: String,
    place: Option<Place>,
}

/// What somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub object: String,
    pub record: i64,
}

/// As it is before somebody's rights are looked at.
#[derive(Debug, Clone)]
pub enum Raw {
    Changes(Arc<Vec<Told>>),
    /// Others came to a record of the object, or went.
    People(String),
    /// What was told is no longer known.
    Lost,
    /// The server stops.
    Over,
}

/// What a page is told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LiveEvent {
    /// The first of all.
    Hello { connection: u64 },
    Changes {
        /// Objects with their records; null where they are too many to name.
        objects: BTreeMap<String, Option<Vec<i64>>>,
        /// Anything may have changed, such as by an import.
        all: bool,
    },
    /// Who else looks at which record of the object, by their names.
    People {
        object: String,
        records: BTreeMap<i64, Vec<String>>,
    },
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            known: Mutex::default(),
            send: broadcast::Sender::new(BEHIND),
        }
    }
}

impl Memory {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, raw: Raw) {
        // Nobody may be there.
        let _ = self.send.send(raw);
    }
}

/// A connection; it is forgotten with this value.
pub struct Live {
    pub connection: u64,
    memory: Arc<Memory>,
    receive: broadcast::Receiver<Raw>,
}

impl Live {
    /// What comes next.
    pub async fn next(&mut self) -> Raw {
        match self.receive.recv().await {
            Ok(raw) => raw,
            Err(broadcast::error::RecvError::Lagged(_)) => Raw::Lost,
            Err(broadcast::error::RecvError::Closed) => Raw::Over,
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let gone = self.memory.known().connections.remove(&self.connection);
        if let Some(place) = gone.and_then(|gone| gone.place) {
            self.memory.tell(Raw::People(place.object));
        }
    }
}

/// Begins to listen.
pub fn open(app: &App, caller: &Caller) -> Result<Live> {
    let user = caller.user().unwrap_or_default();
    let mut known = app.live.known();
    let own = known.connections.values().filter(|c| c.user == user);
    if known.is_over || own.count() >= MAX_OWN || known.connections.len() >= MAX_ALL {
        return Err(Error::TooMany { seconds: 30 });
    }
    known.last += 1;
    let connection = known.last;
    known.connections.insert(
        connection,
        Connection {
            user,
            name: caller.actor.clone(),
            place: None,
        },
    );
    Ok(Live {
        connection,
        memory: app.live.clone(),
        receive: app.live.send.subscribe(),
    })
}

/// Says at which record somebody looks over his connection, or at none.
pub async fn look(app: &App, caller: &Caller, connection: u64, place: Option<Place>) -> Result<()> {
    let missing = || Error::not_found("connection", connection);
    let user = caller.user().unwrap_or_default();
    let is_own = |known: &Known| {
        let found = known.connections.get(&connection);
        found.is_some_and(|c| c.user == user)
    };
    if !is_own(&app.live.known()) {
        return Err(missing());
    }
    if let Some(place) = &place {
        require(caller, &place.object, Action::Read)?;
        let seen = access(caller, &place.object);
        let found = app.store.get(&place.object, place.record, &seen).await?;
        if found.is_none() {
            return Err(Error::not_found("record", place.record));
        }
    }
    let mut told = BTreeSet::new();
    {
        let mut known = app.live.known();
        let found = known.connections.get_mut(&connection).ok_or_else(missing)?;
        if found.place == place {
            return Ok(());
        }
        told.extend(place.iter().map(|p| p.object.clone()));
        told.extend(std::mem::replace(&mut found.place, place).map(|p| p.object));
    }
    for object in told {
        app.live.tell(Raw::People(object));
    }
    Ok(())
}

/// What of it the caller may be told; nothing where it is nothing to him.
pub async fn seen_by(
    app: &App,
    caller: &Caller,
    connection: u64,
    raw: &Raw,
) -> Result<Option<LiveEvent>> {
    match raw {
        Raw::Changes(told) => changes(app, caller, told).await,
        Raw::People(object) => people(app, caller, connection, object).await,
        Raw::Lost => Ok(Some(LiveEvent::Changes {
            objects: BTreeMap::new(),
            all: true,
        })),
        Raw::Over => Ok(None),
    }
}

async fn changes(app: &App, caller: &Caller, told: &[Told]) -> Result<Option<LiveEvent>> {
    let mut records: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    let mut all = false;
    for told in told {
        match (&told.object, told.record) {
            (Some(object), Some(record)) => drop(records.entry(object).or_default().insert(record)),
            _ => all = true,
        }
    }
    let mut objects = BTreeMap::new();
    for (object, ids) in records {
        if !app.catalog.objects.contains_key(object) || !may(caller, object, Action::Read) {
            continue;
        }
        // Of those that are no more one cannot say whose they were: only who
        // sees all is told of them.
        let ids = match access(caller, object).predicate.is_some() {
            true => visible(app, caller, object, ids).await?,
            false => ids,
        };
        if !ids.is_empty() {
            let named = (ids.len() <= MAX_NAMED).then(|| ids.into_iter().collect());
            objects.insert(object.to_owned(), named);
        }
    }
    Ok((all || !objects.is_empty()).then_some(LiveEvent::Changes { objects, all }))
}

async fn people(
    app: &App,
    caller: &Caller,
    connection: u64,
    object: &str,
) -> Result<Option<LiveEvent>> {
    let mut there: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    {
        let known = app.live.known();
        let Some(own) = known.connections.get(&connection) else {
            return Ok(None);
        };
        if own.place.as_ref().is_none_or(|p| p.object != object) {
            return Ok(None);
        }
        for other in known.connections.values().filter(|c| c.user != own.user) {
            if let Some(place) = other.place.as_ref().filter(|p| p.object == object) {
                let names = there.entry(place.record).or_default();
                names.insert(other.name.clone());
            }
        }
    }
    let ids: BTreeSet<i64> = there.keys().copied().collect();
    let ids = visible(app, caller, object, ids).await?;
    let records = there.into_iter().filter(|(id, _)| ids.contains(id));
    Ok(Some(LiveEvent::People {
        object: object.to_owned(),
        records: records
            .map(|(id, names)| (id, names.into_iter().collect()))
            .collect(),
    }))
}

/// Those of the records that the caller may see.
async fn visible(
    app: &App,
    caller: &Caller,
    object: &str,
    ids: BTreeSet<i64>,
) -> Result<BTreeSet<i64>> {
    if ids.is_empty() || !may(caller, object, Action::Read) {
        return Ok(BTreeSet::new());
    }
    let id = Expr {
        node: Node::Field(vec!["id".to_owned()]),
        kind: Some(Type::Link),
    };
    let ids: Vec<Value> = ids
        .into_iter()
        .take(PORTION as usize)
        .map(Value::Int)
        .collect();
    let query = ListQuery {
        object: object.to_owned(),
        fields: vec!["id".to_owned()],
        filter: Some(Expr {
            node: Node::In(Box::new(id), ids),
            kind: Some(Type::Bool),
        }),
        limit: PORTION,
        ..ListQuery::default()
    };
    let rows = app.store.list(&query, &access(caller, object)).await?.rows;
    let id = |row: &Vec<Value>| match row.first() {
        Some(Value::Int(id)) => Some(*id),
        _ => None,
    };
    Ok(rows.iter().filter_map(id).collect())
}

/// Looks at the log for as long as the place is open; only where somebody
/// listens.
pub async fn follow(app: &App) {
    let mut position = None;
    loop {
        match step(app, &mut position).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(LOOK_AGAIN).await,
            Err(problem) => {
                tracing::warn!(error = ?problem, "changes are told later");
                tokio::time::sleep(LOOK_AGAIN * 4).await;
            }
        }
    }
}

/// Whether there may be more at once.
async fn step(app: &App, position: &mut Option<i64>) -> Result<bool> {
    if app.live.send.receiver_count() == 0 {
        *position = None;
        return Ok(false);
    }
    let Some(from) = *position else {
        *position = Some(app.store.last_seq().await?);
        // Who came before this moment may have missed something.
        app.live.tell(Raw::Lost);
        return Ok(false);
    };
    let told = app.store.told_since(from, PORTION).await?;
    let Some(last) = told.last() else {
        return Ok(false);
    };
    *position = Some(last.seq);
    let is_full = told.len() == PORTION as usize;
    app.live.tell(Raw::Changes(Arc::new(told)));
    Ok(is_full)
}

/// Every connection ends, and none begins any more.
pub fn close(app: &App) {
    app.live.known().is_over = true;
    app.live.tell(Raw::Over);
}
