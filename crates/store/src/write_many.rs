//! Several writes in one transaction, and requests that may come twice and
//! have one effect.

use jiff::{SignedDuration, Timestamp};
use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};
use serde_json::Value as Json;

use crate::access::Access;
use crate::change::{Change, NewChange, Op};
use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::form;
use crate::number::needs_number;
use crate::record::Record;
use crate::sql::{Dialect, quote};
use crate::store::Store;
use crate::version::version;
use crate::write::{Done, named, now};

/// How long an answer is kept for the request that comes again.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Two writers that wait for each other, or for one number: one of them begins
/// again.
const TRIES: u32 = 4;

/// Writes that may share a transaction with those of others; more would keep
/// the others waiting.
const FEW: usize = 10;

/// A request that its caller may send again, to have one effect in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub actor: String,
    /// The caller's own name of the request, good for 24 hours.
    pub key: String,
    /// Of all that the request asks for: the same key with another one is
    /// [`Error::KeyReused`].
    pub fingerprint: String,
}

/// What became of one write.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub id: i64,
    /// As of [`Store::get_with_version`]; of a deleted record its last one.
    pub version: i64,
    /// `None` where an update changed nothing.
    pub change: Option<Change>,
    /// As it is now, without the fields hidden from the caller, also where the
    /// caller may not see the record any more. `None` once it is deleted.
    pub record: Option<Record>,
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answered {
    pub body: Json,
    /// In the order of the changes; none of a replay.
    pub outcomes: Vec<Result<Written>>,
    /// Whether this is the answer of an earlier, equal request; then nothing
    /// was written now.
    pub is_replay: bool,
}

/// Why nothing was written, and because of which of the writes; `None` where
/// it was none of them.
#[derive(Debug)]
pub struct WriteFault {
    pub index: Option<usize>,
    pub error: Error,
}

impl From<Error> for WriteFault {
    fn from(error: Error) -> Self {
        WriteFault { index: None, error }
    }
}

/// What else there is to several writes.
#[derive(Clone, Copy)]
struct How<'a> {
    is_atomic: bool,
    once: Option<&'a Once>,
    /// The form that they answer.
    form: Option<i64>,
}

impl Store {
    /// Writes records of one object in one transaction, as [`Store::write`]
    /// does one. `answer` makes of the outcomes what the caller is told, which
    /// is kept with them where the request has a key; it may be asked again.
    ///
    /// `is_atomic`: the first write that fails undoes all, and is the error.
    /// Otherwise it is undone alone, and its error is among the outcomes.
    pub async fn write_many(
        &self,
        changes: &[NewChange],
        access: &Access,
        is_atomic: bool,
        once: Option<&Once>,
        answer: impl Fn(&[Result<Written>]) -> Json + Send + Sync,
    ) -> std::result::Result<Answered, WriteFault> {
        let how = How {
            is_atomic,
            once,
            form: None,
        };
        self.keep_trying(changes, access, how, answer).await
    }

    /// Writes what was answered in a form, and counts it, in one transaction.
    /// A request that comes again has no second effect and is not counted.
    ///
    /// # Errors
    /// [`Error::Missing`] where the form is no more, is switched off or has all
    /// the answers that it takes.
    pub async fn answer_form(
        &self,
        form: i64,
        change: NewChange,
        access: &Access,
        once: &Once,
    ) -> std::result::Result<Answered, WriteFault> {
        let how = How {
            is_atomic: true,
            once: Some(once),
            form: Some(form),
        };
        // What was answered is told to nobody, so it need not be kept either.
        let changes = [change];
        self.keep_trying(&changes, access, how, |_| Json::Null)
            .await
    }

    async fn keep_trying(
        &self,
        changes: &[NewChange],
        access: &Access,
        how: How<'_>,
        answer: impl Fn(&[Result<Written>]) -> Json + Send + Sync,
    ) -> std::result::Result<Answered, WriteFault> {
        let mut attempt = 1;
        loop {
            let fault = match self.try_many(changes, access, how, &answer).await {
                Ok(answered) => return Ok(answered),
                Err(fault) => fault,
            };
            let is_worth_it = match &fault.error {
                // On SQLite the time for waiting is over.
                Error::Busy => self.db().dialect() == Dialect::Postgres,
                Error::Duplicate { field, .. } => fault.index.is_some_and(|i| {
                    let def = self.0.catalog.object(&changes[i].object);
                    def.is_ok_and(|def| {
                        def.number.as_ref() == Some(field) && needs_number(def, &changes[i])
                    })
                }),
                _ => false,
            };
            if !is_worth_it || attempt == TRIES {
                return Err(fault);
            }
            attempt += 1;
        }
    }

    async fn try_many(
        &self,
        changes: &[NewChange],
        access: &Access,
        how: How<'_>,
        answer: &(impl Fn(&[Result<Written>]) -> Json + Send + Sync),
    ) -> std::result::Result<Answered, WriteFault> {
        let How {
            is_atomic,
            once,
            form,
        } = how;
        let mut tx = match changes.len() {
            ..=FEW => self.db().begin_shared().await?,
            _ => self.db().begin().await?,
        };
        let mut conn = tx.conn();
        if let Some(once) = once
            && let Some(body) = reserve(&mut conn, once).await?
        {
            tx.commit().await?;
            return Ok(Answered {
                body,
                outcomes: Vec::new(),
                is_replay: true,
            });
        }
        if let Some(form) = form {
            form::count(&mut conn, form).await?;
        }
        self.hold(&mut conn, changes).await?;
        // All records first, then the log: see `apply`.
        let mut done = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            let checked = self.check_op(change, access);
            let applied = match checked {
                Ok(def) if is_atomic => self.apply(&mut conn, def, change, access).await,
                Ok(def) => self.apply_alone(&mut conn, def, change, access).await,
                Err(error) => Err(error),
            };
            let applied = applied.map_err(|e| named(e, change));
            if let Err(error) = applied {
                if is_atomic || !is_its_own(&error) {
                    let index = Some(index);
                    return Err(WriteFault { index, error });
                }
                done.push(Err(error));
            } else {
                done.push(applied);
            }
        }
        // Read as they are now before anybody has to wait for the log.
        let mut records = Vec::with_capacity(changes.len());
        for (change, done) in changes.iter().zip(&done) {
            records.push(match done {
                Ok(Done::Changed(applied)) => {
                    self.shown(&mut conn, &change.object, applied.id, access)
                        .await?
                }
                _ => None,
            });
        }
        let mut outcomes = Vec::with_capacity(changes.len());
        for ((change, done), record) in changes.iter().zip(done).zip(records) {
            outcomes.push(match done {
                Ok(done) => Ok(self.written(&mut conn, change, done, record).await?),
                Err(error) => Err(error),
            });
        }
        let body = answer(&outcomes);
        if let Some(once) = once {
            keep(&mut conn, once, &body).await?;
        }
        match tx.commit().await {
            Ok(()) => Ok(Answered {
                body,
                outcomes,
                is_replay: false,
            }),
            Err(error) => Err(match changes {
                [change] => named(error, change).into(),
                _ => error.into(),
            }),
        }
    }

    /// An error takes back this write only.
    pub(crate) async fn apply_alone(
        &self,
        conn: &mut Conn<'_>,
        def: &ObjectDef,
        change: &NewChange,
        access: &Access,
    ) -> Result<Done> {
        conn.run("savepoint one", &[]).await?;
        let done = self.apply(conn, def, change, access).await;
        match done {
            Ok(_) => conn.run("release savepoint one", &[]).await?,
            Err(_) => conn.run("rollback to savepoint one", &[]).await?,
        };
        done
    }

    /// Without the fields hidden from the caller, but whether or not he sees
    /// the record.
    async fn shown(
        &self,
        conn: &mut Conn<'_>,
        object: &str,
        id: i64,
        access: &Access,
    ) -> Result<Option<Record>> {
        let masked = Access {
            predicate: None,
            hidden: access.hidden.clone(),
            masked: access.masked.clone(),
            ..Access::default()
        };
        self.record(conn, object, id, &masked, false).await
    }

    async fn written(
        &self,
        conn: &mut Conn<'_>,
        change: &NewChange,
        done: Done,
        record: Option<Record>,
    ) -> Result<Written> {
        let def = self.0.catalog.object(&change.object)?;
        let applied = match done {
            Done::Changed(applied) => applied,
            Done::Unchanged(record) => {
                return Ok(Written {
                    id: record.id,
                    version: version(conn, &record).await?,
                    change: None,
                    record: Some(*record),
                });
            }
        };
        let id = applied.id;
        let change = self.enter(conn, def, change, *applied).await?;
        Ok(Written {
            id,
            version: change.seq,
            record,
            change: Some(change),
        })
    }

    /// Takes the records that will be changed in the order of their ids, so
    /// that two writers of many records do not wait for each other.
    async fn hold(&self, conn: &mut Conn<'_>, changes: &[NewChange]) -> Result<()> {
        let ids = changes.iter().filter_map(|change| match change.op {
            Op::Update { id, .. } | Op::Delete { id } => Some(id),
            Op::Create { .. } => None,
        });
        match changes {
            [] | [_] => Ok(()),
            [first, ..] => {
                let def = self.0.catalog.object(&first.object)?;
                hold(conn, def, ids.collect()).await
            }
        }
    }

    /// Forgets the answers whose time is over, and returns how many.
    pub async fn sweep_answers(&self) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let sql = "delete from keji_once where made_at < $1";
        let n = tx.conn().run(sql, &[Value::Instant(oldest())]).await?;
        tx.commit().await?;
        Ok(n)
    }
}

/// On PostgreSQL; on SQLite the transaction is the only writer anyway.
pub(crate) async fn hold(conn: &mut Conn<'_>, def: &ObjectDef, ids: Vec<i64>) -> Result<()> {
    if conn.dialect() == Dialect::Sqlite || ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    let sql = format!(
        "select \"id\" from {} where \"id\" in ({}) order by \"id\" for update",
        quote(&def.id),
        ids.join(", ")
    );
    conn.rows(sql, &[], &[Type::Int]).await?;
    Ok(())
}

/// Errors of one write among several; with any other, such as a full disk,
/// none of them can go on.
pub(crate) fn is_its_own(error: &Error) -> bool {
    matches!(
        error,
        Error::Schema(_)
            | Error::NotFound { .. }
            | Error::Duplicate { .. }
            | Error::InUse { .. }
            | Error::Required { .. }
            | Error::Invalid { .. }
            | Error::Rule { .. }
            | Error::Refused { .. }
            | Error::Version { .. }
            | Error::Moved { .. }
            | Error::OutOfReach { .. }
            | Error::Query(_)
    )
}

/// Takes the key until the transaction ends; the answer, where it was given
/// already. A second request with the key waits here for the first.
async fn reserve(conn: &mut Conn<'_>, once: &Once) -> Result<Option<Json>> {
    let key: [Value; 2] = [once.actor.as_str().into(), once.key.as_str().into()];
    let [actor, name] = key.clone();
    let sql = "delete from keji_once where actor = $1 and key = $2 and made_at < $3";
    let params = [actor.clone(), name.clone(), Value::Instant(oldest())];
    conn.run(sql, &params).await?;
    let sql = "insert into keji_once (actor, key, fingerprint, answer, made_at) \
               values ($1, $2, $3, 'null', $4) on conflict (actor, key) do nothing";
    let fingerprint = once.fingerprint.as_str().into();
    let params = [actor, name, fingerprint, Value::Instant(now())];
    if conn.run(sql, &params).await? == 1 {
        return Ok(None);
    }
    let sql = "select fingerprint, answer from keji_once where actor = $1 and key = $2";
    let Some(row) = conn.row(sql, &key, &[Type::Text, Type::Text]).await? else {
        // Swept meanwhile.
        return Err(Error::Busy);
    };
    let mut row = Fields::new(row);
    if row.text()? != once.fingerprint {
        return Err(Error::KeyReused(once.key.clone()));
    }
    row.json().map(Some)
}

async fn keep(conn: &mut Conn<'_>, once: &Once, body: &Json) -> Result<()> {
    let sql = "update keji_once set answer = $3 where actor = $1 and key = $2";
    let params = [
        once.actor.as_str().into(),
        once.key.as_str().into(),
        Value::Text(body.to_string()),
    ];
    conn.run(sql, &params).await?;
    Ok(())
}

fn oldest() -> Timestamp {
    now() - KEPT
}
