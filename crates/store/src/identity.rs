//! Who may come in: passwords, second factors, sessions, tokens and the roles
//! that are not the product's own. Users, departments and members are records;
//! what proves who somebody is stands beside them, and only as a hash.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keji_schema::{Type, Value};
use serde_json::{Map, Value as Json};

use crate::access::Access;
use crate::change::{ChangeKind, NewChange};
use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::log::{self, Entry};
use crate::store::Store;
use crate::write::{Done, named, now};

/// What proves who a user is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The hash, in the PHC string format.
    pub password: String,
    /// The shared secret of the second factor, base32.
    pub totp: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: i64,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

/// A way in for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: i64,
    pub user: i64,
    pub name: String,
    /// Words, with a space between them; empty is all that the user may.
    pub scopes: String,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct NewToken {
    pub hash: String,
    pub user: i64,
    pub name: String,
    pub scopes: String,
    pub expires_at: Option<Timestamp>,
}

/// Who does it, for the log.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    pub actor: &'a str,
    pub channel: &'a str,
    /// Where the request came from.
    pub address: Option<&'a str>,
}

/// Somebody who comes in, tries to, or leaves, for the log.
#[derive(Debug, Clone, Copy)]
pub struct Sign<'a> {
    pub by: By<'a>,
    /// `password`, `passkey` …
    pub way: &'a str,
    /// Why it was refused.
    pub why: Option<&'a str>,
}

const TOKEN: [Type; 7] = [
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Instant,
    Type::Instant,
    Type::Instant,
];
const TOKEN_COLUMNS: &str = "id, user_id, name, scopes, created_at, used_at, expires_at";

impl Store {
    pub async fn n_users(&self) -> Result<i64> {
        let mut reader = self.db().reader().await?;
        let sql = "select count(*) from (select 1 from \"user\" limit 2) u";
        reader.conn().int(sql, &[]).await
    }

    /// Writes a user's record and, where one is given, the hash of the password
    /// in one transaction. `is_first`: only where there is no user yet, else
    /// nothing is written and the answer is `None`.
    pub async fn write_user(
        &self,
        change: NewChange,
        password: Option<&str>,
        is_first: bool,
    ) -> Result<Option<i64>> {
        let access = Access::all();
        let def = self.check_op(&change, &access)?;
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        log::take(&mut conn).await?;
        if is_first && conn.int("select count(*) from \"user\"", &[]).await? > 0 {
            return Ok(None);
        }
        let done = self.apply(&mut conn, def, &change, &access).await;
        let user = match done.map_err(|e| named(e, &change))? {
            Done::Unchanged(record) => record.id,
            Done::Changed(applied) => {
                let id = applied.id;
                self.enter(&mut conn, def, &change, *applied).await?;
                id
            }
        };
        if let Some(password) = password {
            set_password(&mut conn, user, password).await?;
        }
        tx.commit().await.map_err(|e| named(e, &change))?;
        Ok(Some(user))
    }

    pub async fn proof(&self, user: i64) -> Result<Option<Proof>> {
        let sql = "select password, totp from keji_proof where user_id = $1";
        let mut reader = self.db().reader().await?;
        let row = reader
            .conn()
            .row(sql, &[Value::Int(user)], &[Type::Text, Type::Text])
            .await?;
        row.map(|row| {
            let mut row = Fields::new(row);
            Ok(Proof {
                password: row.text()?,
                totp: row.optional_text(),
            })
        })
        .transpose()
    }

    /// Ends every session of the user but the one that is kept.
    pub async fn set_password(
        &self,
        user: i64,
        password: &str,
        kept: Option<&str>,
        by: By<'_>,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        set_password(&mut conn, user, password).await?;
        let sql = "delete from keji_session where user_id = $1 and hash <> $2";
        let params = [Value::Int(user), kept.unwrap_or_default().into()];
        conn.run(sql, &params).await?;
        note(&mut conn, by, "user", Some(user), "password", "changed").await?;
        tx.commit().await
    }

    /// `None` turns the second factor off.
    pub async fn set_totp(&self, user: i64, secret: Option<&str>, by: By<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let (sql, params) = match secret {
            Some(secret) => (
                "update keji_proof set totp = $2, totp_step = null where user_id = $1",
                vec![Value::Int(user), secret.into()],
            ),
            None => (
                "update keji_proof set totp = null, totp_step = null where user_id = $1",
                vec![Value::Int(user)],
            ),
        };
        conn.run(sql, &params).await?;
        let state = if secret.is_some() { "on" } else { "off" };
        note(&mut conn, by, "user", Some(user), "second_factor", state).await?;
        tx.commit().await
    }

    /// Marks a step of the second factor as used; false where it, or a later
    /// one, was used before.
    pub async fn use_totp(&self, user: i64, step: i64) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let sql = "update keji_proof set totp_step = $2 \
                   where user_id = $1 and (totp_step is null or totp_step < $2)";
        let n = tx
            .conn()
            .run(sql, &[Value::Int(user), Value::Int(step)])
            .await?;
        tx.commit().await?;
        Ok(n > 0)
    }

    /// Starts a session, and sweeps those that began before `oldest`.
    pub async fn add_session(
        &self,
        hash: &str,
        user: i64,
        oldest: Timestamp,
        sign: Sign<'_>,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_session where created_at < $1";
        conn.run(sql, &[Value::Instant(oldest)]).await?;
        let sql = "insert into keji_session (hash, user_id, created_at, seen_at) \
                   values ($1, $2, $3, $3)";
        let params = [hash.into(), Value::Int(user), Value::Instant(now())];
        conn.run(sql, &params).await?;
        signed(&mut conn, ChangeKind::SignIn, sign).await?;
        tx.commit().await
    }

    /// Somebody was not let in.
    pub async fn refused(&self, sign: Sign<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        signed(&mut tx.conn(), ChangeKind::SignInFailed, sign).await?;
        tx.commit().await
    }

    pub async fn session(&self, hash: &str) -> Result<Option<Session>> {
        let sql = "select user_id, created_at, seen_at from keji_session where hash = $1";
        let kinds = [Type::Int, Type::Instant, Type::Instant];
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[hash.into()], &kinds).await?;
        row.map(|row| {
            let mut row = Fields::new(row);
            Ok(Session {
                user: row.int()?,
                created_at: row.instant()?,
                seen_at: row.instant()?,
            })
        })
        .transpose()
    }

    /// By user, the last use of a session that is still kept.
    pub async fn last_seen(&self) -> Result<BTreeMap<i64, Timestamp>> {
        let sql = "select user_id, max(seen_at) from keji_session group by user_id";
        let mut reader = self.db().reader().await?;
        let rows = reader
            .conn()
            .rows(sql, &[], &[Type::Int, Type::Instant])
            .await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Fields::new(row);
                Ok((row.int()?, row.instant()?))
            })
            .collect()
    }

    pub async fn see_session(&self, hash: &str) -> Result<()> {
        let sql = "update keji_session set seen_at = $2 where hash = $1";
        self.run_alone(sql, &[hash.into(), Value::Instant(now())])
            .await
    }

    pub async fn end_session(&self, hash: &str, sign: Sign<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_session where hash = $1";
        if conn.run(sql, &[hash.into()]).await? > 0 {
            signed(&mut conn, ChangeKind::SignOut, sign).await?;
        }
        tx.commit().await
    }

    pub async fn end_sessions(&self, user: i64) -> Result<()> {
        let sql = "delete from keji_session where user_id = $1";
        self.run_alone(sql, &[Value::Int(user)]).await
    }

    pub async fn add_token(&self, token: &NewToken, by: By<'_>) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let (column, value) = match token.expires_at {
            Some(at) => (", expires_at", vec![Value::Instant(at)]),
            None => ("", Vec::new()),
        };
        let sql = format!(
            "insert into keji_token (hash, user_id, name, scopes, created_at{column}) \
             values ($1, $2, $3, $4, $5{}) returning id",
            if column.is_empty() { "" } else { ", $6" }
        );
        let mut params = vec![
            token.hash.as_str().into(),
            Value::Int(token.user),
            token.name.as_str().into(),
            token.scopes.as_str().into(),
            Value::Instant(now()),
        ];
        params.extend(value);
        let id = conn.int(sql, &params).await?;
        note(
            &mut conn,
            by,
            "user",
            Some(token.user),
            "token_made",
            &token.name,
        )
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    pub async fn token(&self, hash: &str) -> Result<Option<Token>> {
        let sql = format!("select {TOKEN_COLUMNS} from keji_token where hash = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[hash.into()], &TOKEN).await?;
        row.map(token_of).transpose()
    }

    /// Of one user, oldest first.
    pub async fn tokens(&self, user: i64) -> Result<Vec<Token>> {
        let sql = format!("select {TOKEN_COLUMNS} from keji_token where user_id = $1 order by id");
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[Value::Int(user)], &TOKEN).await?;
        rows.into_iter().map(token_of).collect()
    }

    pub async fn see_token(&self, id: i64) -> Result<()> {
        let sql = "update keji_token set used_at = $2 where id = $1";
        self.run_alone(sql, &[Value::Int(id), Value::Instant(now())])
            .await
    }

    /// False where the user has no such token.
    pub async fn delete_token(&self, user: i64, id: i64, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_token where user_id = $1 and id = $2";
        let n = conn.run(sql, &[Value::Int(user), Value::Int(id)]).await?;
        if n > 0 {
            let id = id.to_string();
            note(&mut conn, by, "user", Some(user), "token_deleted", &id).await?;
        }
        tx.commit().await?;
        Ok(n > 0)
    }

    /// Id and document of every role that is not the product's own.
    pub async fn roles(&self) -> Result<Vec<(String, String)>> {
        let mut reader = self.db().reader().await?;
        let sql = "select name, document from keji_role order by name";
        let kinds = [Type::Text, Type::Text];
        let rows = reader.conn().rows(sql, &[], &kinds).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Fields::new(row);
                Ok((row.text()?, row.text()?))
            })
            .collect()
    }

    pub async fn save_role(&self, id: &str, document: &str, by: By<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_role (name, document) values ($1, $2) \
                   on conflict (name) do update set document = excluded.document";
        conn.run(sql, &[id.into(), document.into()]).await?;
        note(&mut conn, by, "role", None, id, document).await?;
        tx.commit().await
    }

    /// False where there is none.
    pub async fn delete_role(&self, id: &str, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let n = conn
            .run("delete from keji_role where name = $1", &[id.into()])
            .await?;
        if n > 0 {
            note(&mut conn, by, "role", None, id, "deleted").await?;
        }
        tx.commit().await?;
        Ok(n > 0)
    }

    async fn run_alone(&self, sql: &str, params: &[Value]) -> Result<()> {
        let mut tx = self.db().begin().await?;
        tx.conn().run(sql, params).await?;
        tx.commit().await
    }
}

async fn set_password(conn: &mut Conn<'_>, user: i64, password: &str) -> Result<()> {
    let sql = "insert into keji_proof (user_id, password, changed_at) values ($1, $2, $3) \
               on conflict (user_id) do update set \
               password = excluded.password, changed_at = excluded.changed_at";
    let params = [Value::Int(user), password.into(), Value::Instant(now())];
    conn.run(sql, &params).await.map(drop)
}

async fn signed(conn: &mut Conn<'_>, kind: ChangeKind, sign: Sign<'_>) -> Result<()> {
    let mut after = Map::new();
    let told = [
        ("way", Some(sign.way).filter(|w| !w.is_empty())),
        ("why", sign.why),
        ("address", sign.by.address),
    ];
    for (name, value) in told {
        if let Some(value) = value {
            after.insert(name.to_owned(), Json::from(value));
        }
    }
    let entry = Entry {
        at: now(),
        actor: sign.by.actor,
        channel: sign.by.channel,
        kind,
        // Nothing of a record's history: who may see a colleague's record need
        // not see when and from where he comes in.
        object: None,
        record: None,
        batch: None,
        before: None,
        after: Some(&after),
    };
    log::append(conn, &entry).await.map(drop)
}

/// An entry of the log for what is no field of a record; secrets never stand
/// in it.
pub(crate) async fn note(
    conn: &mut Conn<'_>,
    by: By<'_>,
    object: &str,
    record: Option<i64>,
    what: &str,
    value: &str,
) -> Result<()> {
    let mut after = Map::new();
    after.insert(what.to_owned(), Json::from(value));
    if let Some(address) = by.address {
        after.insert("address".to_owned(), Json::from(address));
    }
    let entry = Entry {
        at: now(),
        actor: by.actor,
        channel: by.channel,
        kind: ChangeKind::Update,
        object: Some(object),
        record,
        batch: None,
        before: None,
        after: Some(&after),
    };
    log::append(conn, &entry).await.map(drop)
}

fn token_of(row: Vec<Value>) -> Result<Token> {
    let mut row = Fields::new(row);
    Ok::<_, Error>(Token {
        id: row.int()?,
        user: row.int()?,
        name: row.text()?,
        scopes: row.text()?,
        created_at: row.instant()?,
        used_at: row.optional_instant(),
        expires_at: row.optional_instant(),
    })
}
