//! What a user is to be told: that somebody named him or commented on his
//! record, and that a record became his. Whether he may still see it is asked
//! when he reads.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use keji_schema::definition::ObjectDef;
use keji_schema::{Type, Value};

use crate::comment::NewComment;
use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::sql::{Dialect, quote};
use crate::store::Store;
use crate::system::{meta, set_meta};
use crate::write::now;

/// Key in `keji_meta`: how far the log was looked through for records that
/// became somebody's.
const POSITION: &str = "notified";

/// Changes that are looked at in one transaction.
const PORTION: u32 = 1000;

/// From so many records of one object that one person gives another at a time
/// it is one notification.
const MANY: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationKind {
    /// Somebody named the user in a comment.
    Mention,
    /// Somebody commented on a record that is his, or that he commented on.
    Comment,
    /// Somebody gave him a task.
    Task,
    /// Another record became his.
    Owner,
}

impl NotificationKind {
    pub fn id(self) -> &'static str {
        match self {
            NotificationKind::Mention => "mention",
            NotificationKind::Comment => "comment",
            NotificationKind::Task => "task",
            NotificationKind::Owner => "owner",
        }
    }

    fn of(id: &str) -> Result<NotificationKind> {
        Ok(match id {
            "mention" => NotificationKind::Mention,
            "comment" => NotificationKind::Comment,
            "task" => NotificationKind::Task,
            "owner" => NotificationKind::Owner,
            _ => return Err(Error::Corrupt(format!("a notification of kind {id}"))),
        })
    }
}

/// Who is told of a comment, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    pub user: i64,
    pub kind: NotificationKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub id: i64,
    pub kind: NotificationKind,
    pub object: String,
    pub record: i64,
    /// The comment's text, where it is of one.
    pub text: Option<String>,
    /// Sign-in name of who did it.
    pub actor: String,
    /// How many records it stands for; `record` is the first of them.
    pub n: i64,
    pub at: Timestamp,
    pub read_at: Option<Timestamp>,
}

/// To whom, by whom, of which object.
type Place = (i64, String, String);
/// Change, record, and when.
type Given = (i64, i64, Timestamp);

impl Store {
    /// Of one user, newest first, before `before` where that is given; those
    /// that he has not read only, or all.
    pub async fn notifications(
        &self,
        user: i64,
        is_unread: bool,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Notification>> {
        let unread = match is_unread {
            true => "and n.read_at is null",
            false => "",
        };
        let sql = format!(
            "select n.id, n.kind, n.object, n.record, c.text, n.actor, n.n, n.at, n.read_at \
             from keji_notification n left join keji_comment c on c.id = n.comment \
             where n.user_id = $1 and n.id < $2 {unread} order by n.id desc limit {limit}"
        );
        let params = [Value::Int(user), Value::Int(before.unwrap_or(i64::MAX))];
        let kinds = [
            Type::Int,
            Type::Text,
            Type::Text,
            Type::Int,
            Type::Text,
            Type::Text,
            Type::Int,
            Type::Instant,
            Type::Instant,
        ];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &kinds).await?;
        let notification = |row| {
            let mut row = Fields::new(row);
            Ok(Notification {
                id: row.int()?,
                kind: NotificationKind::of(&row.text()?)?,
                object: row.text()?,
                record: row.int()?,
                text: row.optional_text(),
                actor: row.text()?,
                n: row.int()?,
                at: row.instant()?,
                read_at: row.optional_instant(),
            })
        };
        rows.into_iter().map(notification).collect()
    }

    /// Of one user: this one, or all up to it.
    pub async fn read_notifications(&self, user: i64, id: i64, is_up_to: bool) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let which = if is_up_to { "id <= $2" } else { "id = $2" };
        let sql = format!(
            "update keji_notification set read_at = $3 \
             where user_id = $1 and {which} and read_at is null"
        );
        let params = [Value::Int(user), Value::Int(id), Value::Instant(now())];
        let n = tx.conn().run(sql, &params).await?;
        tx.commit().await?;
        Ok(n)
    }

    /// Looks through the log for records that became somebody's; whether there
    /// may be more. An import tells nobody: it is no news that what he brought
    /// is there.
    pub async fn follow_owners(&self) -> Result<bool> {
        {
            let mut reader = self.db().reader().await?;
            let mut conn = reader.conn();
            let last = conn.int("select max(seq) from keji_change", &[]).await?;
            if position(&mut conn).await? >= last {
                return Ok(false);
            }
        }
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        if conn.dialect() == Dialect::Postgres {
            // Two that follow at one time do it one after the other.
            let sql = "select value from keji_meta where key = $1 for update";
            conn.row(sql, &[POSITION.into()], &[Type::Text]).await?;
        }
        let from = position(&mut conn).await?;
        let last = conn.int("select max(seq) from keji_change", &[]).await?;
        let sql = format!(
            "select seq, at, actor, channel, object, record, before, after from keji_change \
             where seq > $1 and seq <= $2 and kind in ('create', 'update') \
             and object is not null and record is not null and batch is null \
             and after is not null order by seq limit {PORTION}"
        );
        let kinds = [
            Type::Int,
            Type::Instant,
            Type::Text,
            Type::Text,
            Type::Text,
            Type::Int,
            Type::Text,
            Type::Text,
        ];
        let params = [Value::Int(from), Value::Int(last)];
        let rows = conn.rows(sql, &params, &kinds).await?;
        let is_all = rows.len() < PORTION as usize;
        let mut to = last;
        let mut given: BTreeMap<Place, Vec<Given>> = BTreeMap::new();
        let mut users: BTreeMap<i64, Option<String>> = BTreeMap::new();
        for row in rows {
            let mut row = Fields::new(row);
            let (seq, at, actor) = (row.int()?, row.instant()?, row.text()?);
            let (channel, object, record) = (row.text()?, row.text()?, row.int()?);
            let (before, after) = (row.optional_text(), row.optional_text());
            if !is_all {
                to = seq;
            }
            let def = self.0.catalog.objects.get(&object);
            let is_owned = def.is_some_and(|def| links_to_user(def) && def.written_by.is_none());
            let Some(user) = after.as_deref().and_then(user_of).filter(|_| is_owned) else {
                continue;
            };
            if before.as_deref().and_then(user_of) == Some(user) {
                continue;
            }
            if let Entry::Vacant(place) = users.entry(user) {
                let sql = format!("select login from {} where \"id\" = $1", quote("user"));
                let row = conn.row(sql, &[Value::Int(user)], &[Type::Text]).await?;
                let login = row.and_then(|row| Fields::new(row).optional_text());
                place.insert(login);
            }
            let login = users.get(&user).and_then(Option::as_deref);
            // Nobody is told what he did himself; the command line is nobody.
            let is_own = ["page", "api"].contains(&channel.as_str()) && login == Some(&actor);
            if login.is_some() && !is_own {
                let all = given.entry((user, actor, object)).or_default();
                all.push((seq, record, at));
            }
        }
        for ((user, actor, object), records) in given {
            let kind = match object.as_str() {
                "task" => NotificationKind::Task,
                _ => NotificationKind::Owner,
            };
            let (told, n) = match records.len() > MANY {
                true => (&records[..1], records.len() as i64),
                false => (&records[..], 1),
            };
            for (seq, record, at) in told {
                let sql = "insert into keji_notification \
                           (user_id, kind, object, record, seq, actor, n, at) \
                           values ($1, $2, $3, $4, $5, $6, $7, $8) \
                           on conflict (user_id, seq) do nothing";
                let params = [
                    Value::Int(user),
                    kind.id().into(),
                    object.as_str().into(),
                    Value::Int(*record),
                    Value::Int(*seq),
                    actor.as_str().into(),
                    Value::Int(n),
                    Value::Instant(*at),
                ];
                conn.run(sql, &params).await?;
            }
        }
        set_meta(&mut conn, POSITION, &to.to_string()).await?;
        tx.commit().await?;
        Ok(to < last)
    }

    /// Those that were read, or came, before.
    pub async fn sweep_notifications(&self, before: Timestamp) -> Result<u64> {
        let mut tx = self.db().begin().await?;
        let sql = "delete from keji_notification where at < $1";
        let n = tx.conn().run(sql, &[Value::Instant(before)]).await?;
        tx.commit().await?;
        Ok(n)
    }
}

async fn position(conn: &mut Conn<'_>) -> Result<i64> {
    let kept = meta(conn, POSITION).await?;
    Ok(kept.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Whether an object's records have a user that they belong to.
fn links_to_user(def: &ObjectDef) -> bool {
    let user = def.field("user");
    user.is_some_and(|f| f.to.as_deref() == Some("user"))
}

fn user_of(side: &str) -> Option<i64> {
    let side: serde_json::Value = serde_json::from_str(side).ok()?;
    side.get("user")?.as_i64()
}

/// Of a comment.
pub(crate) async fn insert(
    conn: &mut Conn<'_>,
    told: &[NewNotification],
    of: &NewComment,
    comment: Option<i64>,
    seq: i64,
    at: Timestamp,
) -> Result<()> {
    for new in told {
        let sql = "insert into keji_notification \
                   (user_id, kind, object, record, comment, seq, actor, n, at) \
                   values ($1, $2, $3, $4, $5, $6, $7, 1, $8) \
                   on conflict (user_id, seq) do nothing";
        let params = [
            Value::Int(new.user),
            new.kind.id().into(),
            of.object.as_str().into(),
            Value::Int(of.record),
            comment.map_or(Value::Null, Value::Int),
            Value::Int(seq),
            of.actor.as_str().into(),
            Value::Instant(at),
        ];
        conn.run(sql, &params).await?;
    }
    Ok(())
}
