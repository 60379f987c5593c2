//! The list of files of the columnar copy. The files are the business of
//! `metrics`; here is only which ones count.

use jiff::civil::Date;
use keji_schema::{Type, Value};
use serde::Serialize;

use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::system::{meta, set_meta};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyFile {
    pub object: String,
    /// First day of the month; `None` for objects without a time.
    pub month: Option<Date>,
    /// Below the copy's folder.
    pub path: String,
    pub n_rows: i64,
    pub n_bytes: i64,
    pub checksum: String,
}

/// One consistent state of the copy: the files, and the change they include.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyManifest {
    pub seq: i64,
    pub files: Vec<CopyFile>,
}

impl Store {
    /// Files and position, read together.
    pub async fn copy_manifest(&self) -> Result<CopyManifest> {
        let mut tx = self.snapshot().await?;
        let seq = copy_seq(&mut tx.conn()).await?;
        let files = files(&mut tx.conn(), None).await?;
        Ok(CopyManifest { seq, files })
    }

    pub async fn copy_files(&self, object: Option<&str>) -> Result<Vec<CopyFile>> {
        files(&mut self.db().reader().await?.conn(), object).await
    }

    /// The change that the copy includes; 0 when there is none yet.
    pub async fn copy_seq(&self) -> Result<i64> {
        copy_seq(&mut self.db().reader().await?.conn()).await
    }

    /// Replaces every file of the parts in `removed` by those in `added` and
    /// moves the copy to `seq`, in one transaction. Returns the paths that are
    /// no longer used. A `seq` behind the copy's is [`Error::Outdated`].
    pub async fn copy_replace(
        &self,
        seq: i64,
        removed: &[(String, Option<Date>)],
        added: &[CopyFile],
    ) -> Result<Vec<String>> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        // Two refreshers meet here; the row is the lock.
        let lock = "insert into keji_meta (key, value) values ('copy_seq', '0') \
                    on conflict (key) do update set value = keji_meta.value";
        conn.run(lock, &[]).await?;
        let stored = copy_seq(&mut conn).await?;
        if seq < stored {
            return Err(Error::Outdated(format!(
                "the copy is at {stored} already, not {seq}"
            )));
        }
        let mut unused = Vec::new();
        for (object, month) in removed {
            let month = month.map_or(Value::Null, Value::Date);
            // `is` compares nulls on SQLite, `is not distinct from` on both.
            let sql = "delete from keji_copy_file where object = $1 \
                       and month is not distinct from $2 returning path";
            let params = [object.as_str().into(), month];
            for row in conn.rows(sql, &params, &[Type::Text]).await? {
                unused.push(Fields::new(row).text()?);
            }
        }
        for file in added {
            let sql = "insert into keji_copy_file (object, month, path, n_rows, n_bytes, checksum) \
                       values ($1, $2, $3, $4, $5, $6)";
            let params = [
                file.object.as_str().into(),
                file.month.map_or(Value::Null, Value::Date),
                file.path.as_str().into(),
                Value::Int(file.n_rows),
                Value::Int(file.n_bytes),
                file.checksum.as_str().into(),
            ];
            conn.run(sql, &params).await?;
        }
        set_meta(&mut conn, "copy_seq", &seq.to_string()).await?;
        tx.commit().await?;
        unused.retain(|path| !added.iter().any(|file| file.path == *path));
        Ok(unused)
    }
}

async fn copy_seq(conn: &mut Conn<'_>) -> Result<i64> {
    let text = meta(conn, "copy_seq")
        .await?
        .unwrap_or_else(|| "0".to_owned());
    text.parse()
        .map_err(|_| Error::Corrupt(format!("the copy's position is `{text}`")))
}

pub(crate) async fn files(conn: &mut Conn<'_>, object: Option<&str>) -> Result<Vec<CopyFile>> {
    let (condition, params) = match object {
        Some(object) => ("where object = $1", vec![Value::from(object)]),
        None => ("", Vec::new()),
    };
    let sql = format!(
        "select object, month, path, n_rows, n_bytes, checksum from keji_copy_file {condition} \
         order by object, month, path"
    );
    let kinds = [
        Type::Text,
        Type::Date,
        Type::Text,
        Type::Int,
        Type::Int,
        Type::Text,
    ];
    let file = |row| {
        let mut row = Fields::new(row);
        Ok(CopyFile {
            object: row.text()?,
            month: row.optional_date(),
            path: row.text()?,
            n_rows: row.int()?,
            n_bytes: row.int()?,
            checksum: row.text()?,
        })
    };
    conn.rows(sql, &params, &kinds)
        .await?
        .into_iter()
        .map(file)
        .collect()
}
