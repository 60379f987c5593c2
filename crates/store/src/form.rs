//! Public forms: what strangers are asked, and how often they answered. What a
//! form asks is a document that only `app` reads; an answer is a record, written
//! by [`Store::answer_form`].

use jiff::Timestamp;
use keji_schema::{Type, Value};

use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::identity::{By, note};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub id: i64,
    /// The end of its address.
    pub token: String,
    /// By which a beginning that was given out is known again.
    pub secret: String,
    pub values: FormValues,
    pub n_answers: i64,
    pub last_answer_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormValues {
    /// Of what its answers become records.
    pub object: String,
    /// By what the log calls it.
    pub title: String,
    pub document: String,
    /// With whose rights an answer is written.
    pub user: i64,
    pub is_active: bool,
    pub max_answers: Option<i64>,
}

const COLUMNS: &str = "id, token, secret, object, title, document, user_id, is_active, \
                       max_answers, n_answers, last_answer_at, created_at";
const KINDS: [Type; 12] = [
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Int,
    Type::Bool,
    Type::Int,
    Type::Int,
    Type::Instant,
    Type::Instant,
];

impl Store {
    /// Newest first.
    pub async fn forms(&self) -> Result<Vec<Form>> {
        let sql = format!("select {COLUMNS} from keji_form order by id desc");
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &KINDS).await?;
        rows.into_iter().map(form_of).collect()
    }

    pub async fn form(&self, id: i64) -> Result<Option<Form>> {
        self.form_where("id", Value::Int(id)).await
    }

    pub async fn form_of_token(&self, token: &str) -> Result<Option<Form>> {
        self.form_where("token", token.into()).await
    }

    async fn form_where(&self, column: &str, value: Value) -> Result<Option<Form>> {
        let sql = format!("select {COLUMNS} from keji_form where {column} = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[value], &KINDS).await?;
        row.map(form_of).transpose()
    }

    pub async fn add_form(
        &self,
        values: &FormValues,
        token: &str,
        secret: &str,
        by: By<'_>,
    ) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_form (object, title, document, user_id, is_active, \
                   max_answers, token, secret, n_answers, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9) returning id";
        let mut params = params(values);
        params.extend([token.into(), secret.into(), Value::Instant(now())]);
        let id = conn.int(sql, &params).await?;
        note(&mut conn, by, "form", None, "added", &values.title).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// False where there is none.
    pub async fn change_form(&self, id: i64, values: &FormValues, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_form set object = $1, title = $2, document = $3, user_id = $4, \
                   is_active = $5, max_answers = $6 where id = $7";
        let mut params = params(values);
        params.push(Value::Int(id));
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        note(&mut conn, by, "form", None, "changed", &values.title).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What was answered stays. False where there is none.
    pub async fn delete_form(&self, id: i64, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_form where id = $1 returning title";
        let row = conn.row(sql, &[Value::Int(id)], &[Type::Text]).await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let title = Fields::new(row).text()?;
        note(&mut conn, by, "form", None, "deleted", &title).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// One answer more, where the form takes one. Whoever comes at the same time
/// waits here, so that there are never more than it takes.
pub(crate) async fn count(conn: &mut Conn<'_>, id: i64) -> Result<()> {
    let sql = "update keji_form set n_answers = n_answers + 1, last_answer_at = $3 \
               where id = $1 and is_active = $2 \
               and (max_answers is null or n_answers < max_answers)";
    let params = [Value::Int(id), Value::Bool(true), Value::Instant(now())];
    match conn.run(sql, &params).await? {
        0 => Err(Error::Missing {
            kind: "form",
            id: id.to_string(),
        }),
        _ => Ok(()),
    }
}

fn params(values: &FormValues) -> Vec<Value> {
    vec![
        values.object.as_str().into(),
        values.title.as_str().into(),
        values.document.as_str().into(),
        Value::Int(values.user),
        Value::Bool(values.is_active),
        values.max_answers.map_or(Value::Null, Value::Int),
    ]
}

fn form_of(row: Vec<Value>) -> Result<Form> {
    let mut row = Fields::new(row);
    Ok(Form {
        id: row.int()?,
        token: row.text()?,
        secret: row.text()?,
        values: FormValues {
            object: row.text()?,
            title: row.text()?,
            document: row.text()?,
            user: row.int()?,
            is_active: row.value() == Value::Bool(true),
            max_answers: row.optional_int(),
        },
        n_answers: row.int()?,
        last_answer_at: row.optional_instant(),
        created_at: row.instant()?,
    })
}
