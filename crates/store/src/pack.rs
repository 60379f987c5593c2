//! Which packs were taken in, and what they brought beside definitions.

use jiff::Timestamp;
use keji_schema::{Type, Value};

use crate::db::Fields;
use crate::error::{Error, Result};
use crate::identity::{By, note};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPack {
    pub id: String,
    pub at: Timestamp,
    pub actor: String,
    /// Sample records as object and id, in the order in which they were made.
    pub samples: Vec<(String, i64)>,
    /// Views as object and id.
    pub views: Vec<(String, i64)>,
}

const KINDS: [Type; 5] = [
    Type::Text,
    Type::Instant,
    Type::Text,
    Type::Text,
    Type::Text,
];

impl Store {
    /// By id.
    pub async fn packs(&self) -> Result<Vec<InstalledPack>> {
        let sql = "select pack, at, actor, samples, views from keji_pack order by pack";
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &KINDS).await?;
        let read = |row| {
            let mut row = Fields::new(row);
            Ok(InstalledPack {
                id: row.text()?,
                at: row.instant()?,
                actor: row.text()?,
                samples: pairs(&row.text()?)?,
                views: pairs(&row.text()?)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Notes a pack, or what is left of it.
    pub async fn keep_pack(
        &self,
        id: &str,
        samples: &[(String, i64)],
        views: &[(String, i64)],
        by: By<'_>,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_pack (pack, at, actor, samples, views) \
                   values ($1, $2, $3, $4, $5) on conflict (pack) do update set \
                   samples = excluded.samples, views = excluded.views";
        let params = [
            id.into(),
            Value::Instant(now()),
            by.actor.into(),
            serde_json::json!(samples).to_string().as_str().into(),
            serde_json::json!(views).to_string().as_str().into(),
        ];
        conn.run(sql, &params).await?;
        note(&mut conn, by, "pack", None, "kept", id).await?;
        tx.commit().await
    }

    pub async fn forget_pack(&self, id: &str, by: By<'_>) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "delete from keji_pack where pack = $1";
        conn.run(sql, &[id.into()]).await?;
        note(&mut conn, by, "pack", None, "removed", id).await?;
        tx.commit().await
    }
}

fn pairs(text: &str) -> Result<Vec<(String, i64)>> {
    serde_json::from_str(text).map_err(|e| Error::Query(format!("keji_pack: {e}")))
}
