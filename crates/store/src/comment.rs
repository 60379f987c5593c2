//! What people say of a record, to each other: any record of any object has
//! comments. A comment is an entry of the log about its record; it goes where
//! the record goes. Who is named in a text is not known here.

use jiff::Timestamp;
use keji_schema::{Type, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::access::Access;
use crate::change::ChangeKind;
use crate::db::{Conn, Fields, int};
use crate::error::{Error, Result};
use crate::log::{self, Entry};
use crate::merge::list;
use crate::notification::{self, NewNotification};
use crate::search::list_sql;
use crate::sql::quote;
use crate::store::Store;
use crate::write::{not_found, now};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: i64,
    /// Who wrote it; none of the command line's.
    pub user: Option<i64>,
    pub actor: String,
    pub text: String,
    pub at: Timestamp,
    pub edited_at: Option<Timestamp>,
}

/// Of which record, by whom, and who is told of it.
#[derive(Debug, Clone)]
pub struct NewComment {
    pub object: String,
    pub record: i64,
    pub user: Option<i64>,
    pub actor: String,
    pub channel: String,
    pub text: String,
    pub told: Vec<NewNotification>,
}

/// What went with a record that became another one: for the way back.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Said {
    comments: Vec<i64>,
    notifications: Vec<i64>,
    /// Users who had marked the old record.
    favourites: Vec<i64>,
    /// Those of them who had marked the other one as well.
    had_both: Vec<i64>,
}

const COLUMNS: &str = "id, user_id, actor, text, at, edited_at";
const KINDS: [Type; 6] = [
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Instant,
    Type::Instant,
];

impl Store {
    /// Of one record, oldest first, before the comment `before` where that is
    /// given: the newest `limit` of them.
    pub async fn comments(
        &self,
        object: &str,
        record: i64,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Comment>> {
        let sql = format!(
            "select {COLUMNS} from keji_comment where object = $1 and record = $2 and id < $3 \
             order by id desc limit {limit}"
        );
        let before = Value::Int(before.unwrap_or(i64::MAX));
        let params = [object.into(), Value::Int(record), before];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &KINDS).await?;
        let mut found: Vec<Comment> = rows.into_iter().map(comment_of).collect::<Result<_>>()?;
        found.reverse();
        Ok(found)
    }

    /// Users who commented on a record.
    pub async fn commenters(&self, object: &str, record: i64) -> Result<Vec<i64>> {
        let sql = "select distinct user_id from keji_comment where object = $1 and record = $2 \
                   and user_id is not null order by user_id";
        let params = [object.into(), Value::Int(record)];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &[Type::Int]).await?;
        Ok(rows.iter().filter_map(|row| int(&row[0])).collect())
    }

    /// The record must be among those of `access`.
    pub async fn add_comment(&self, new: &NewComment, access: &Access) -> Result<Comment> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        self.require_record(&mut conn, new, access).await?;
        let at = now();
        let sql = "insert into keji_comment (object, record, user_id, actor, text, at) \
                   values ($1, $2, $3, $4, $5, $6) returning id";
        let params = [
            new.object.as_str().into(),
            Value::Int(new.record),
            new.user.map_or(Value::Null, Value::Int),
            new.actor.as_str().into(),
            new.text.as_str().into(),
            Value::Instant(at),
        ];
        let id = conn.int(sql, &params).await?;
        let after = said(id, &new.text);
        let seq = enter(&mut conn, new, at, None, Some(&after)).await?;
        notification::insert(&mut conn, &new.told, new, Some(id), seq, at).await?;
        tx.commit().await?;
        Ok(Comment {
            id,
            user: new.user,
            actor: new.actor.clone(),
            text: new.text.clone(),
            at,
            edited_at: None,
        })
    }

    /// Changes a comment of the same writer on the same record; whoever is
    /// newly told of it is.
    pub async fn change_comment(
        &self,
        id: i64,
        new: &NewComment,
        access: &Access,
    ) -> Result<Comment> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        self.require_record(&mut conn, new, access).await?;
        let old = own(&mut conn, id, new).await?;
        if old.text == new.text {
            return Ok(old);
        }
        let at = now();
        let sql = "update keji_comment set text = $1, edited_at = $2 where id = $3";
        let params = [new.text.as_str().into(), Value::Instant(at), Value::Int(id)];
        conn.run(sql, &params).await?;
        let (before, after) = (said(id, &old.text), said(id, &new.text));
        let seq = enter(&mut conn, new, at, Some(&before), Some(&after)).await?;
        let known = "select user_id from keji_notification where comment = $1";
        let known = conn.rows(known, &[Value::Int(id)], &[Type::Int]).await?;
        let known: Vec<i64> = known.iter().filter_map(|row| int(&row[0])).collect();
        let told = new.told.iter().filter(|t| !known.contains(&t.user));
        let told: Vec<NewNotification> = told.cloned().collect();
        notification::insert(&mut conn, &told, new, Some(id), seq, at).await?;
        tx.commit().await?;
        Ok(Comment {
            text: new.text.clone(),
            edited_at: Some(at),
            ..old
        })
    }

    /// Takes back a comment of `by` on the record that it names.
    pub async fn delete_comment(&self, id: i64, by: &NewComment, access: &Access) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        self.require_record(&mut conn, by, access).await?;
        let old = own(&mut conn, id, by).await?;
        for sql in [
            "delete from keji_comment where id = $1",
            "delete from keji_notification where comment = $1",
        ] {
            conn.run(sql, &[Value::Int(id)]).await?;
        }
        let before = said(id, &old.text);
        enter(&mut conn, by, now(), Some(&before), None).await?;
        tx.commit().await
    }

    async fn require_record(
        &self,
        conn: &mut Conn<'_>,
        new: &NewComment,
        access: &Access,
    ) -> Result<()> {
        let def = self.0.catalog.object(&new.object)?;
        let seen = self
            .record(conn, &new.object, new.record, access, true)
            .await?;
        seen.map(|_| ()).ok_or_else(|| not_found(def, new.record))
    }

    /// Comments, notifications and marks of records that are no more, once no
    /// deleted record can come back.
    pub async fn sweep_comments(&self, deleted_before: Timestamp) -> Result<u64> {
        let mut n = 0;
        for object in self.0.catalog.objects.keys() {
            let mut tx = self.db().begin().await?;
            for table in [
                "keji_comment",
                "keji_notification",
                "keji_favourite",
                "keji_seen",
            ] {
                let sql = format!(
                    "delete from {table} where object = $1 \
                     and not exists (select 1 from {} t where t.\"id\" = {table}.record) \
                     and not exists (select 1 from keji_change c where c.object = $1 \
                     and c.record = {table}.record and c.kind = 'delete' and c.at >= $2)",
                    quote(object)
                );
                let params = [object.as_str().into(), Value::Instant(deleted_before)];
                n += tx.conn().run(sql, &params).await?;
            }
            tx.commit().await?;
        }
        Ok(n)
    }
}

fn comment_of(row: Vec<Value>) -> Result<Comment> {
    let mut row = Fields::new(row);
    Ok(Comment {
        id: row.int()?,
        user: row.optional_int(),
        actor: row.text()?,
        text: row.text()?,
        at: row.instant()?,
        edited_at: row.optional_instant(),
    })
}

/// One that somebody else wrote is not there to be changed.
async fn own(conn: &mut Conn<'_>, id: i64, by: &NewComment) -> Result<Comment> {
    let sql =
        format!("select {COLUMNS} from keji_comment where id = $1 and object = $2 and record = $3");
    let params = [
        Value::Int(id),
        by.object.as_str().into(),
        Value::Int(by.record),
    ];
    let row = conn.row(sql, &params, &KINDS).await?;
    let found = row.map(comment_of).transpose()?;
    found
        .filter(|c| c.user == by.user && (c.user.is_some() || c.actor == by.actor))
        .ok_or_else(|| Error::Missing {
            kind: "comment",
            id: id.to_string(),
        })
}

fn said(id: i64, text: &str) -> Map<String, Json> {
    Map::from_iter([
        ("comment".to_owned(), json!(text)),
        ("comment_id".to_owned(), json!(id)),
    ])
}

async fn enter(
    conn: &mut Conn<'_>,
    by: &NewComment,
    at: Timestamp,
    before: Option<&Map<String, Json>>,
    after: Option<&Map<String, Json>>,
) -> Result<i64> {
    let entry = Entry {
        at,
        actor: &by.actor,
        channel: &by.channel,
        kind: ChangeKind::Comment,
        object: Some(&by.object),
        record: Some(by.record),
        batch: None,
        before,
        after,
    };
    log::append(conn, &entry).await
}

/// Nothing that was said of a record stays, nor that anybody was told of it.
pub(crate) async fn forget(conn: &mut Conn<'_>, object: &str, record: i64) -> Result<()> {
    let params = [object.into(), Value::Int(record)];
    let told = "delete from keji_notification where comment in \
                (select id from keji_comment where object = $1 and record = $2)";
    conn.run(told, &params).await?;
    let sql = "delete from keji_comment where object = $1 and record = $2";
    conn.run(sql, &params).await?;
    Ok(())
}

/// What was said of a record, and who marked it, is of the other one now.
pub(crate) async fn lead_on(conn: &mut Conn<'_>, object: &str, from: i64, to: i64) -> Result<Said> {
    let params = [object.into(), Value::Int(from)];
    let mut ids = Vec::new();
    for sql in [
        "select id from keji_comment where object = $1 and record = $2 order by id",
        "select id from keji_notification where object = $1 and record = $2 order by id",
        "select user_id from keji_favourite where object = $1 and record = $2 order by user_id",
    ] {
        let rows = conn.rows(sql, &params, &[Type::Int]).await?;
        ids.push(rows.iter().filter_map(|row| int(&row[0])).collect());
    }
    let sql = "select user_id from keji_favourite where object = $1 and record = $2";
    let there = [object.into(), Value::Int(to)];
    let there = conn.rows(sql, &there, &[Type::Int]).await?;
    let there: Vec<i64> = there.iter().filter_map(|row| int(&row[0])).collect();
    let favourites: Vec<i64> = ids.pop().unwrap_or_default();
    let notifications: Vec<i64> = ids.pop().unwrap_or_default();
    let comments: Vec<i64> = ids.pop().unwrap_or_default();
    let had_both = favourites.iter().copied().filter(|u| there.contains(u));
    let said = Said {
        had_both: had_both.collect(),
        comments,
        notifications,
        favourites,
    };
    let ends = [object.into(), Value::Int(from), Value::Int(to)];
    for table in ["keji_comment", "keji_notification"] {
        let sql = format!("update {table} set record = $3 where object = $1 and record = $2");
        conn.run(sql, &ends).await?;
    }
    for table in ["keji_favourite", "keji_seen"] {
        let sql = format!(
            "update {table} set record = $3 where object = $1 and record = $2 and not exists \
             (select 1 from {table} o where o.user_id = {table}.user_id and o.object = $1 \
             and o.record = $3)"
        );
        conn.run(sql, &ends).await?;
        let sql = format!("delete from {table} where object = $1 and record = $2");
        conn.run(sql, &params).await?;
    }
    Ok(said)
}

/// `ends`: where it is, and where it belongs.
pub(crate) async fn lead_back(
    conn: &mut Conn<'_>,
    object: &str,
    said: &Said,
    [from, to]: [i64; 2],
) -> Result<()> {
    let among = list_sql(conn.dialect(), "$4");
    for (table, ids) in [
        ("keji_comment", &said.comments),
        ("keji_notification", &said.notifications),
    ] {
        let sql = format!(
            "update {table} set record = $3 where object = $1 and record = $2 and id in ({among})"
        );
        let params = [object.into(), Value::Int(from), Value::Int(to), list(ids)];
        conn.run(sql, &params).await?;
    }
    for user in &said.favourites {
        // Whoever took the mark away since has none on either.
        let sql = "insert into keji_favourite (user_id, object, record, at) \
                   select user_id, object, cast($4 as bigint), at from keji_favourite \
                   where user_id = $1 and object = $2 and record = $3";
        let params = [
            Value::Int(*user),
            object.into(),
            Value::Int(from),
            Value::Int(to),
        ];
        conn.run(sql, &params).await?;
        if !said.had_both.contains(user) {
            let sql =
                "delete from keji_favourite where user_id = $1 and object = $2 and record = $3";
            conn.run(sql, &params[..3]).await?;
        }
    }
    Ok(())
}
