//! Writers of records that come at one time share a transaction of SQLite:
//! each stands behind a savepoint of its own, and one sync to the disk
//! acknowledges them all. Whoever is last commits; nobody waits for company.
//!
//! A member that fails, or whose request is given up, takes back only what is
//! behind its savepoint. Where the whole transaction is lost, as on a full
//! disk, every member is told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libsqlite3_sys as ffi;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Sqlite, Transaction};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::Conn;
use super::fault::fault;
use crate::error::{Error, Result};

/// Members of one transaction, and how long it stays open for more: what the
/// first of them waits at most, beside the work of the others.
const MAX_MEMBERS: usize = 64;
const MAX_TIME: Duration = Duration::from_millis(20);

/// The place where writers meet.
#[derive(Debug, Clone)]
pub(crate) struct Group(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: sqlx::Pool<Sqlite>,
    /// Whoever holds it is the one who writes.
    open: Arc<Mutex<Option<Open>>>,
    n_waiting: AtomicUsize,
}

/// The transaction under way.
#[derive(Debug)]
struct Open {
    tx: Transaction<'static, Sqlite>,
    since: Instant,
    /// Members that are done and want to hear of the commit.
    done: Vec<oneshot::Sender<Result<()>>>,
}

type Turn = OwnedMutexGuard<Option<Open>>;

/// One writer in the transaction; dropped, it takes back what it wrote.
pub(crate) struct Member {
    group: Group,
    /// `None` once the turn was passed on.
    turn: Option<Turn>,
}

impl Group {
    pub(crate) fn new(writer: sqlx::Pool<Sqlite>) -> Self {
        Group(Arc::new(Inner {
            writer,
            open: Arc::default(),
            n_waiting: AtomicUsize::new(0),
        }))
    }

    /// Waits for a turn to write.
    pub(crate) async fn join(&self) -> Result<Member> {
        let mut place = Place::take(self);
        let mut turn = self.0.open.clone().lock_owned().await;
        place.has_come = true;
        drop(place);
        if turn.is_none() {
            let tx = self.0.writer.begin_with("begin immediate").await;
            *turn = Some(Open {
                tx: tx.map_err(fault)?,
                since: Instant::now(),
                done: Vec::new(),
            });
        }
        let mut member = Member {
            group: self.clone(),
            turn: Some(turn),
        };
        member.conn().run("savepoint member", &[]).await?;
        Ok(member)
    }

    /// Commits unless somebody else comes who will.
    fn pass(&self, mut turn: Turn) {
        let Some(open) = turn.as_ref() else { return };
        let is_last = self.0.n_waiting.load(Ordering::SeqCst) == 0
            || open.done.len() >= MAX_MEMBERS
            || open.since.elapsed() >= MAX_TIME;
        if !is_last {
            return;
        }
        let ending = async move {
            let Some(Open { tx, done, .. }) = turn.take() else {
                return;
            };
            let outcome = match done.is_empty() {
                true => tx.rollback().await,
                false => tx.commit().await,
            };
            // The next transaction may begin; those who wait are told.
            drop(turn);
            let outcome = outcome.map_err(fault);
            for member in done {
                // One who is gone does not want to know.
                let _ = member.send(copy(&outcome));
            }
        };
        // A task of its own: nobody who gives up his request breaks it off.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(ending);
        }
    }

    /// Takes back what one member wrote and goes on with the others.
    async fn take_back(self, mut turn: Turn) {
        let Some(open) = turn.as_mut() else { return };
        let mut conn = Conn::Sqlite(&mut open.tx);
        for sql in ["rollback to savepoint member", "release savepoint member"] {
            // Without a savepoint there is nothing to take back: the member
            // was given up before it wrote, or after it was through.
            let _ = conn.run(sql, &[]).await;
        }
        if is_in_transaction(&mut open.tx).await {
            return self.pass(turn);
        }
        // SQLite gave up the whole transaction.
        if let Some(Open { done, .. }) = turn.take() {
            for member in done {
                let _ = member.send(Err(broken("another write broke the transaction")));
            }
        }
    }
}

impl Member {
    pub(crate) fn conn(&mut self) -> Conn<'_> {
        match self.turn.as_mut().and_then(|turn| turn.as_mut()) {
            Some(open) => Conn::Sqlite(&mut open.tx),
            None => unreachable!("a member keeps its turn until it ends"),
        }
    }

    /// Returns when what was written is on disk.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.conn().run("release savepoint member", &[]).await?;
        let (tell, told) = oneshot::channel();
        if let Some(mut turn) = self.turn.take() {
            if let Some(open) = turn.as_mut() {
                open.done.push(tell);
            }
            self.group.pass(turn);
        }
        told.await
            .unwrap_or_else(|_| Err(broken("the commit broke off")))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(self.group.clone().take_back(turn));
        }
    }
}

/// A place in the queue for a turn.
struct Place {
    group: Group,
    has_come: bool,
}

impl Place {
    fn take(group: &Group) -> Self {
        group.0.n_waiting.fetch_add(1, Ordering::SeqCst);
        Place {
            group: group.clone(),
            has_come: false,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.group.0.n_waiting.fetch_sub(1, Ordering::SeqCst);
        if self.has_come {
            return;
        }
        // Given up: those who relied on this one to commit must not wait.
        if let Ok(runtime) = Handle::try_current() {
            let group = self.group.clone();
            runtime.spawn(async move {
                let turn = group.0.open.clone().lock_owned().await;
                group.pass(turn);
            });
        }
    }
}

async fn is_in_transaction(conn: &mut SqliteConnection) -> bool {
    let Ok(mut handle) = conn.lock_handle().await else {
        return false;
    };
    // SAFETY: the connection is locked for us; the call only reads a flag.
    unsafe { ffi::sqlite3_get_autocommit(handle.as_raw_handle().as_ptr()) == 0 }
}

fn broken(why: &str) -> Error {
    Error::Database(sqlx::Error::Protocol(why.to_owned()))
}

/// What all members of one commit are told.
fn copy(outcome: &Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => Ok(()),
        Err(Error::Busy) => Err(Error::Busy),
        Err(Error::Full) => Err(Error::Full),
        Err(Error::Corrupt(what)) => Err(Error::Corrupt(what.clone())),
        Err(other) => Err(broken(&other.to_string())),
    }
}

#[cfg(test)]
mod tests;
