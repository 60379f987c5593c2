//! Passkeys: public keys of authenticators, and what each was last seen at.
//! What they mean is the caller's; here they are text.

use jiff::Timestamp;
use keji_schema::{Type, Value};

use crate::db::Fields;
use crate::error::Result;
use crate::identity::{By, note};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    pub id: i64,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub kept: NewPasskey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    pub user: i64,
    pub name: String,
    /// The authenticator's id of it; no two are the same.
    pub credential: String,
    /// What the authenticator knows the user by.
    pub handle: String,
    /// The name of the server that it is for.
    pub rp: String,
    pub transports: i64,
    pub key: String,
    /// Changes with every use.
    pub state: String,
}

const COLUMNS: &str = "id, user_id, name, credential, handle, rp, transports, key, state, \
                       created_at, used_at";
const KINDS: [Type; 11] = [
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Instant,
    Type::Instant,
];

impl Store {
    /// None where the credential is known already.
    pub async fn add_passkey(&self, new: &NewPasskey, by: By<'_>) -> Result<Option<i64>> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_passkey (user_id, name, credential, handle, rp, transports, \
                   key, state, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                   on conflict (credential) do nothing returning id";
        let params = [
            Value::Int(new.user),
            new.name.as_str().into(),
            new.credential.as_str().into(),
            new.handle.as_str().into(),
            new.rp.as_str().into(),
            Value::Int(new.transports),
            new.key.as_str().into(),
            new.state.as_str().into(),
            Value::Instant(now()),
        ];
        let row = conn.row(sql, &params, &[Type::Int]).await?;
        let Some(id) = row.and_then(|row| crate::db::int(&row[0])) else {
            return Ok(None);
        };
        let user = Some(new.user);
        note(&mut conn, by, "user", user, "passkey_added", &new.name).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Of one user, oldest first.
    pub async fn passkeys(&self, user: i64) -> Result<Vec<Passkey>> {
        let sql = format!("select {COLUMNS} from keji_passkey where user_id = $1 order by id");
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[Value::Int(user)], &KINDS).await?;
        rows.into_iter().map(passkey_of).collect()
    }

    pub async fn passkey(&self, credential: &str) -> Result<Option<Passkey>> {
        let sql = format!("select {COLUMNS} from keji_passkey where credential = $1");
        let mut reader = self.db().reader().await?;
        let params = [credential.into()];
        let row = reader.conn().row(sql, &params, &KINDS).await?;
        row.map(passkey_of).transpose()
    }

    /// False where it is gone, or was used since `before` was read.
    pub async fn use_passkey(&self, id: i64, before: &str, after: &str) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let sql = "update keji_passkey set state = $3, used_at = $4 where id = $1 and state = $2";
        let params = [
            Value::Int(id),
            before.into(),
            after.into(),
            Value::Instant(now()),
        ];
        let n = tx.conn().run(sql, &params).await?;
        tx.commit().await?;
        Ok(n > 0)
    }

    /// False where the user has no such passkey.
    pub async fn delete_passkey(&self, user: i64, id: i64, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_passkey where user_id = $1 and id = $2 returning name";
        let params = [Value::Int(user), Value::Int(id)];
        let row = conn.row(sql, &params, &[Type::Text]).await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let name = Fields::new(row).text()?;
        note(&mut conn, by, "user", Some(user), "passkey_deleted", &name).await?;
        tx.commit().await?;
        Ok(true)
    }
}

fn passkey_of(row: Vec<Value>) -> Result<Passkey> {
    let mut row = Fields::new(row);
    let id = row.int()?;
    let kept = NewPasskey {
        user: row.int()?,
        name: row.text()?,
        credential: row.text()?,
        handle: row.text()?,
        rp: row.text()?,
        transports: row.int()?,
        key: row.text()?,
        state: row.text()?,
    };
    Ok(Passkey {
        id,
        created_at: row.instant()?,
        used_at: row.optional_instant(),
        kept,
    })
}
