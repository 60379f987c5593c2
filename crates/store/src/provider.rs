//! Single sign-on: the providers that an administrator entered, and who of
//! theirs is which user.

use keji_schema::{Type, Value};

use crate::db::Fields;
use crate::error::Result;
use crate::identity::{By, note};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub id: i64,
    pub kept: NewProvider,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProvider {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// The claim that says which user it is.
    pub claim: String,
    /// The field of the user that the claim is compared with: `email`, `login`.
    pub matches: String,
    /// Whether its users may also come in by other ways.
    pub allows_other_ways: bool,
    pub is_active: bool,
}

const COLUMNS: &str = "id, name, issuer, client_id, client_secret, claim, matches, \
                       allows_other_ways, is_active";
const KINDS: [Type; 9] = [
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Bool,
    Type::Bool,
];

impl Store {
    pub async fn providers(&self) -> Result<Vec<Provider>> {
        let sql = format!("select {COLUMNS} from keji_provider order by id");
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &KINDS).await?;
        rows.into_iter().map(provider_of).collect()
    }

    pub async fn add_provider(&self, new: &NewProvider, by: By<'_>) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_provider (name, issuer, client_id, client_secret, claim, \
                   matches, allows_other_ways, is_active) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8) returning id";
        let id = conn.int(sql, &params(new)).await?;
        note(&mut conn, by, "provider", None, "added", &told(new)).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// False where there is none. Another issuer has other people: who was
    /// known by the one before is known no more.
    pub async fn change_provider(&self, id: i64, new: &NewProvider, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_bound where provider in \
                   (select id from keji_provider where id = $1 and issuer <> $2)";
        let issuer = [Value::Int(id), new.issuer.as_str().into()];
        conn.run(sql, &issuer).await?;
        let sql = "update keji_provider set name = $1, issuer = $2, client_id = $3, \
                   client_secret = $4, claim = $5, matches = $6, allows_other_ways = $7, \
                   is_active = $8 where id = $9";
        let mut params = params(new);
        params.push(Value::Int(id));
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        note(&mut conn, by, "provider", None, "changed", &told(new)).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// False where there is none.
    pub async fn delete_provider(&self, id: i64, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_bound where provider = $1";
        conn.run(sql, &[Value::Int(id)]).await?;
        let sql = "delete from keji_provider where id = $1 returning name";
        let row = conn.row(sql, &[Value::Int(id)], &[Type::Text]).await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let name = Fields::new(row).text()?;
        note(&mut conn, by, "provider", None, "deleted", &name).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The user that the provider's subject is.
    pub async fn bound(&self, provider: i64, subject: &str) -> Result<Option<i64>> {
        let sql = "select user_id from keji_bound where provider = $1 and subject = $2";
        let params = [Value::Int(provider), subject.into()];
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &params, &[Type::Int]).await?;
        Ok(row.and_then(|row| crate::db::int(&row[0])))
    }

    /// From now on the subject is this user. False where the user is another
    /// subject of the provider's, or the subject another user.
    pub async fn bind(&self, provider: i64, subject: &str, user: i64, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_bound (provider, subject, user_id, created_at) \
                   values ($1, $2, $3, $4) on conflict do nothing";
        let params = [
            Value::Int(provider),
            subject.into(),
            Value::Int(user),
            Value::Instant(now()),
        ];
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        note(&mut conn, by, "user", Some(user), "single_sign_on", "bound").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The user is nobody of any provider any more.
    pub async fn unbind(&self, user: i64, by: By<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_bound where user_id = $1";
        if conn.run(sql, &[Value::Int(user)]).await? > 0 {
            note(
                &mut conn,
                by,
                "user",
                Some(user),
                "single_sign_on",
                "unbound",
            )
            .await?;
        }
        tx.commit().await
    }

    /// Whether an active provider has the user to itself.
    pub async fn is_only_bound(&self, user: i64) -> Result<bool> {
        let sql = "select count(*) from keji_bound b join keji_provider p on p.id = b.provider \
                   where b.user_id = $1 and p.is_active = $2 and p.allows_other_ways = $3";
        let params = [Value::Int(user), Value::Bool(true), Value::Bool(false)];
        let mut reader = self.db().reader().await?;
        Ok(reader.conn().int(sql, &params).await? > 0)
    }
}

/// In the order of the statements above.
fn params(new: &NewProvider) -> Vec<Value> {
    vec![
        new.name.as_str().into(),
        new.issuer.as_str().into(),
        new.client_id.as_str().into(),
        new.client_secret.as_str().into(),
        new.claim.as_str().into(),
        new.matches.as_str().into(),
        Value::Bool(new.allows_other_ways),
        Value::Bool(new.is_active),
    ]
}

/// For the log, without what is secret.
fn told(new: &NewProvider) -> String {
    let ways = if new.allows_other_ways {
        "also other ways"
    } else {
        "no other way"
    };
    let state = if new.is_active { "on" } else { "off" };
    format!(
        "{}: {}, {}, {} = {}, {ways}, {state}",
        new.name, new.issuer, new.client_id, new.matches, new.claim
    )
}

fn provider_of(row: Vec<Value>) -> Result<Provider> {
    let mut row = Fields::new(row);
    Ok(Provider {
        id: row.int()?,
        kept: NewProvider {
            name: row.text()?,
            issuer: row.text()?,
            client_id: row.text()?,
            client_secret: row.text()?,
            claim: row.text()?,
            matches: row.text()?,
            allows_other_ways: row.value() == Value::Bool(true),
            is_active: row.value() == Value::Bool(true),
        },
    })
}
