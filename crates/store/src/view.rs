//! Saved views: a name for what the address of a list says. What that is only
//! `app` reads; whose view is shown to whom is its business too.

use keji_schema::{Type, Value};

use crate::db::Fields;
use crate::error::Result;
use crate::identity::{By, note};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub id: i64,
    pub user: i64,
    pub object: String,
    pub values: ViewValues,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewValues {
    pub name: String,
    pub state: String,
    /// A role's id, or `*` for everybody.
    pub shared_with: Option<String>,
}

const COLUMNS: &str = "id, user_id, object, name, state, shared_with";
const KINDS: [Type; 6] = [
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
];

impl Store {
    /// The user's own, and those shared with everybody or with the role; by
    /// name. At most `limit`.
    pub async fn views(
        &self,
        object: &str,
        user: i64,
        role: &str,
        limit: u32,
    ) -> Result<Vec<View>> {
        let sql = format!(
            "select {COLUMNS} from keji_view where object = $1 \
             and (user_id = $2 or shared_with = '*' or shared_with = $3) \
             order by name, id limit $4"
        );
        let params = [
            object.into(),
            Value::Int(user),
            role.into(),
            Value::Int(limit.into()),
        ];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &KINDS).await?;
        rows.into_iter().map(view_of).collect()
    }

    pub async fn view(&self, id: i64) -> Result<Option<View>> {
        let sql = format!("select {COLUMNS} from keji_view where id = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[Value::Int(id)], &KINDS).await?;
        row.map(view_of).transpose()
    }

    /// How many a user has, of all objects.
    pub async fn n_views(&self, user: i64) -> Result<i64> {
        let sql = "select count(*) from keji_view where user_id = $1";
        let mut reader = self.db().reader().await?;
        reader.conn().int(sql, &[Value::Int(user)]).await
    }

    /// The log is told of what others see.
    pub async fn add_view(
        &self,
        user: i64,
        object: &str,
        values: &ViewValues,
        by: By<'_>,
    ) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_view (name, state, shared_with, user_id, object, created_at) \
                   values ($1, $2, $3, $4, $5, $6) returning id";
        let mut params = params(values);
        params.extend([Value::Int(user), object.into(), Value::Instant(now())]);
        let id = conn.int(sql, &params).await?;
        if values.shared_with.is_some() {
            note(&mut conn, by, "view", None, "added", &values.name).await?;
        }
        tx.commit().await?;
        Ok(id)
    }

    /// False where there is none.
    pub async fn change_view(&self, view: &View, values: &ViewValues, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_view set name = $1, state = $2, shared_with = $3 where id = $4";
        let mut params = params(values);
        params.push(Value::Int(view.id));
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        if view.values.shared_with.is_some() || values.shared_with.is_some() {
            note(&mut conn, by, "view", None, "changed", &values.name).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// False where there is none.
    pub async fn delete_view(&self, view: &View, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let id = [Value::Int(view.id)];
        conn.run("delete from keji_usual_view where view = $1", &id)
            .await?;
        let sql = "delete from keji_view where id = $1";
        if conn.run(sql, &id).await? == 0 {
            return Ok(false);
        }
        if view.values.shared_with.is_some() {
            note(&mut conn, by, "view", None, "deleted", &view.values.name).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// With which view a user's list of an object begins.
    pub async fn usual_view(&self, user: i64, object: &str) -> Result<Option<i64>> {
        let sql = "select view from keji_usual_view where user_id = $1 and object = $2";
        let params = [Value::Int(user), object.into()];
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &params, &[Type::Int]).await?;
        Ok(row.and_then(|row| crate::db::int(&row[0])))
    }

    /// `None`: with the plain list.
    pub async fn set_usual_view(&self, user: i64, object: &str, view: Option<i64>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        match view {
            Some(view) => {
                let sql = "insert into keji_usual_view (user_id, object, view) \
                           values ($1, $2, $3) on conflict (user_id, object) \
                           do update set view = excluded.view";
                let params = [Value::Int(user), object.into(), Value::Int(view)];
                conn.run(sql, &params).await?;
            }
            None => {
                let sql = "delete from keji_usual_view where user_id = $1 and object = $2";
                conn.run(sql, &[Value::Int(user), object.into()]).await?;
            }
        }
        tx.commit().await
    }
}

fn params(values: &ViewValues) -> Vec<Value> {
    vec![
        values.name.as_str().into(),
        values.state.as_str().into(),
        values
            .shared_with
            .as_deref()
            .map_or(Value::Null, Value::from),
    ]
}

fn view_of(row: Vec<Value>) -> Result<View> {
    let mut row = Fields::new(row);
    Ok(View {
        id: row.int()?,
        user: row.int()?,
        object: row.text()?,
        values: ViewValues {
            name: row.text()?,
            state: row.text()?,
            shared_with: row.optional_text(),
        },
    })
}
