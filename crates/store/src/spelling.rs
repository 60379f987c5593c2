//! How names are spelt in Latin letters, so that `lml` finds 李明朗. What a
//! spelling is, the caller says; it is kept beside the records and follows the
//! change log.

use std::collections::BTreeSet;

use keji_schema::{Type, Value};

use crate::access::Access;
use crate::db::{Conn, int};
use crate::error::Result;
use crate::record::ScanQuery;
use crate::record::Sort;
use crate::store::Store;
use crate::system::{meta, set_meta};

/// One spelling of a name, in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// First letters: `lml`.
    pub initials: String,
    /// The whole: `limingliang`.
    pub full: String,
}

/// Rows of one statement.
const PIECE: usize = 500;

impl Store {
    /// Brings the spellings of a text field of an object up to the newest
    /// change. `spell` gives none for a name that needs none. Returns how many
    /// names were looked at.
    pub async fn follow_spellings(
        &self,
        object: &str,
        field: &str,
        spell: fn(&str) -> Option<Spelling>,
    ) -> Result<u64> {
        let key = format!("spelling {object}");
        let last = self.last_seq().await?;
        let known = {
            let mut reader = self.db().reader().await?;
            meta(&mut reader.conn(), &key).await?
        };
        let (seq, highest) = known
            .as_deref()
            .and_then(|text| text.split_once(' '))
            .and_then(|(seq, id)| Some((seq.parse().ok()?, id.parse().ok()?)))
            .unwrap_or((0i64, 0i64));
        if seq == last {
            return Ok(0);
        }
        let wanted = self.unspelt(object, seq, highest).await?;
        let mut found: Vec<(i64, Option<Spelling>)> = Vec::new();
        let mut top = highest;
        let query = ScanQuery {
            object: object.to_owned(),
            fields: vec!["id".to_owned(), field.to_owned()],
            filter: None,
            sort: vec![Sort::asc("id")],
        };
        self.scan(&query, &Access::all(), |row: &[Value]| -> Result<()> {
            if let [Value::Int(id), name] = row
                && wanted.has(*id)
            {
                top = top.max(*id);
                let spelling = match name {
                    Value::Text(name) => spell(name),
                    _ => None,
                };
                found.push((*id, spelling));
            }
            Ok(())
        })
        .await?;
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        wanted.forget(&mut conn, object).await?;
        let spelt: Vec<(i64, &Spelling)> = found
            .iter()
            .filter_map(|(id, s)| s.as_ref().map(|s| (*id, s)))
            .collect();
        for piece in spelt.chunks(PIECE) {
            let mut values = Vec::new();
            let mut params = Vec::new();
            for (i, (id, spelling)) in piece.iter().enumerate() {
                let n = i * 4;
                values.push(format!("(${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4));
                params.extend([
                    object.into(),
                    Value::Int(*id),
                    spelling.initials.as_str().into(),
                    spelling.full.as_str().into(),
                ]);
            }
            let sql = format!(
                "insert into keji_spelling (object, record, initials, spelt) values {} \
                 on conflict (object, record) do update set initials = excluded.initials, \
                 spelt = excluded.spelt",
                values.join(", ")
            );
            conn.run(sql, &params).await?;
        }
        set_meta(&mut conn, &key, &format!("{last} {top}")).await?;
        tx.commit().await?;
        Ok(found.len() as u64)
    }

    /// The records whose name may have changed since.
    async fn unspelt(&self, object: &str, seq: i64, highest: i64) -> Result<Wanted> {
        let mut reader = self.db().reader().await?;
        let mut conn = reader.conn();
        // An undo may free ids, which are then given out again.
        let sql = "select count(*) from keji_change where seq > $1 and kind in ('undo', 'delete') \
                   and (object is null or object = $2)";
        let params = [Value::Int(seq), object.into()];
        if seq == 0 || conn.int(sql, &params).await? > 0 {
            return Ok(Wanted::All);
        }
        let sql = "select distinct record from keji_change where seq > $1 and object = $2 \
                   and record is not null";
        let rows = conn.rows(sql, &params, &[Type::Int]).await?;
        let changed = rows.iter().filter_map(|row| int(&row[0])).collect();
        Ok(Wanted::Some { highest, changed })
    }
}

enum Wanted {
    All,
    Some {
        highest: i64,
        changed: BTreeSet<i64>,
    },
}

impl Wanted {
    fn has(&self, id: i64) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Some { highest, changed } => id > *highest || changed.contains(&id),
        }
    }

    async fn forget(&self, conn: &mut Conn<'_>, object: &str) -> Result<()> {
        match self {
            Wanted::All => {
                let sql = "delete from keji_spelling where object = $1";
                conn.run(sql, &[object.into()]).await?;
            }
            Wanted::Some { changed, .. } => {
                for id in changed {
                    let sql = "delete from keji_spelling where object = $1 and record = $2";
                    conn.run(sql, &[object.into(), Value::Int(*id)]).await?;
                }
            }
        }
        Ok(())
    }
}
