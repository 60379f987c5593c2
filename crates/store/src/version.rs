//! Which version of a record there is: the position of the newest change that
//! touched it. Reading a record and changing only what was read go by it.

use keji_schema::Value;

use crate::access::Access;
use crate::db::Conn;
use crate::error::Result;
use crate::record::Record;
use crate::store::Store;

impl Store {
    /// A record and its version, of one moment. `None` as of [`Store::get`].
    /// The version is 0 of records that were loaded as a set without an
    /// import, such as scores, and were never changed since.
    pub async fn get_with_version(
        &self,
        object: &str,
        id: i64,
        access: &Access,
    ) -> Result<Option<(Record, i64)>> {
        let mut reader = self.db().reader().await?;
        self.record_with_version(&mut reader.conn(), object, id, access)
            .await
    }
}

/// The positions of the changes that touched a record: `$1` its object, `$2` its
/// id, `$3` its batch. An import's change and its undo name no records: they
/// count by the batch of the record, and by the batches that changed it.
pub(crate) const TOUCHING: &str = "\
    select seq from keji_change where object = $1 and record = $2 \
    and kind not in ('reveal', 'export', 'comment') \
    union all select seq from keji_batch where id = $3 and seq is not null \
    union all select c.seq from keji_batch b \
    join keji_change c on c.batch = b.id and c.kind = 'undo' \
    where b.state = 'undone' and b.id in (select batch from keji_change \
    where object = $1 and record = $2 and batch is not null)";

/// The values of [`TOUCHING`].
pub(crate) fn touching(record: &Record) -> [Value; 3] {
    [
        record.object.as_str().into(),
        Value::Int(record.id),
        record.batch.map_or(Value::Null, Value::Int),
    ]
}

pub(crate) async fn version(conn: &mut Conn<'_>, record: &Record) -> Result<i64> {
    let sql = format!("select max(seq) from ({TOUCHING}) as touching");
    conn.int(sql, &touching(record)).await
}
