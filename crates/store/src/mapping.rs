//! Saved mappings: how the columns of a kind of file are read, kept under a
//! name. What a mapping says is the caller's text.

use jiff::Timestamp;
use keji_schema::{Type, Value};
use serde::Serialize;

use crate::db::Fields;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedMapping {
    pub name: String,
    /// By which a file of the same kind is known, such as its headings.
    pub signature: String,
    pub mapping: String,
    pub created_at: Timestamp,
    /// When it was last saved or used.
    pub used_at: Timestamp,
}

impl Store {
    /// Replaces the one of the same name.
    pub async fn save_mapping(&self, name: &str, signature: &str, mapping: &str) -> Result<()> {
        let sql = "insert into keji_mapping (name, signature, mapping, created_at, used_at) \
                   values ($1, $2, $3, $4, $4) on conflict (name) do update set \
                   signature = excluded.signature, mapping = excluded.mapping, \
                   used_at = excluded.used_at";
        let params = [
            name.into(),
            signature.into(),
            mapping.into(),
            Value::Instant(now()),
        ];
        let mut tx = self.db().begin().await?;
        tx.conn().run(sql, &params).await?;
        tx.commit().await
    }

    /// The one used last for such files.
    pub async fn mapping_by_signature(&self, signature: &str) -> Result<Option<SavedMapping>> {
        let condition = "where signature = $1 order by used_at desc, name limit 1";
        let found = self.read_mappings(condition, &[signature.into()]).await?;
        Ok(found.into_iter().next())
    }

    pub async fn mapping(&self, name: &str) -> Result<Option<SavedMapping>> {
        let found = self
            .read_mappings("where name = $1", &[name.into()])
            .await?;
        Ok(found.into_iter().next())
    }

    /// By name.
    pub async fn mappings(&self) -> Result<Vec<SavedMapping>> {
        self.read_mappings("order by name", &[]).await
    }

    /// Notes that it was used now.
    pub async fn touch_mapping(&self, name: &str) -> Result<()> {
        let sql = "update keji_mapping set used_at = $2 where name = $1";
        self.write_mapping(name, sql, &[name.into(), Value::Instant(now())])
            .await
    }

    pub async fn delete_mapping(&self, name: &str) -> Result<()> {
        let sql = "delete from keji_mapping where name = $1";
        self.write_mapping(name, sql, &[name.into()]).await
    }

    async fn write_mapping(&self, name: &str, sql: &str, params: &[Value]) -> Result<()> {
        let mut tx = self.db().begin().await?;
        if tx.conn().run(sql, params).await? == 0 {
            return Err(Error::Missing {
                kind: "mapping",
                id: name.to_owned(),
            });
        }
        tx.commit().await
    }

    async fn read_mappings(&self, condition: &str, params: &[Value]) -> Result<Vec<SavedMapping>> {
        let sql = format!(
            "select name, signature, mapping, created_at, used_at from keji_mapping {condition}"
        );
        let kinds = [
            Type::Text,
            Type::Text,
            Type::Text,
            Type::Instant,
            Type::Instant,
        ];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, params, &kinds).await?;
        let read = |row| {
            let mut row = Fields::new(row);
            Ok(SavedMapping {
                name: row.text()?,
                signature: row.text()?,
                mapping: row.text()?,
                created_at: row.instant()?,
                used_at: row.instant()?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
