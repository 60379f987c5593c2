//! Webhooks: who wants to be told of changes, what is on its way, and every
//! try. Each webhook follows the change log from a position of its own; a
//! delivery is a job, and its position moves in the transaction that makes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keji_schema::{Type, Value};

use crate::db::{Conn, Fields};
use crate::error::{Error, Result};
use crate::identity::{By, note};
use crate::job::{self, NewJob};
use crate::store::Store;
use crate::write::now;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: i64,
    pub values: WebhookValues,
    /// The last change that was looked at for it.
    pub position: i64,
    pub created_at: Timestamp,
    /// Until then the secret before the present one holds too.
    pub old_until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookValues {
    pub name: String,
    pub url: String,
    /// Ids, or `*` alone.
    pub objects: Vec<String>,
    /// Kinds of changes.
    pub kinds: Vec<String>,
    pub is_active: bool,
    /// Whose rights decide what is told.
    pub user: i64,
}

/// Something to tell one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The same in every try.
    pub event: String,
    /// `customer.update`
    pub what: String,
    /// Of a test: none.
    pub seq: Option<i64>,
    pub object: Option<String>,
    pub record: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    pub webhook: i64,
    pub delivery: NewDelivery,
    pub created_at: Timestamp,
    pub job: Option<DeliveryJob>,
    /// The newest.
    pub attempt: Option<Attempt>,
}

/// How the job of a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryJob {
    pub state: String,
    pub attempts: i64,
    pub run_at: Timestamp,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: Timestamp,
    /// Of the answer; none where there was none.
    pub status: Option<i64>,
    /// Why there was none: a code.
    pub error: Option<String>,
    pub duration_ms: i64,
}

const WEBHOOK: [Type; 10] = [
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Text,
    Type::Bool,
    Type::Int,
    Type::Int,
    Type::Instant,
    Type::Instant,
];
const WEBHOOK_COLUMNS: &str =
    "id, name, url, objects, kinds, is_active, user_id, position, created_at, old_until";

const DELIVERY: [Type; 15] = [
    Type::Int,
    Type::Int,
    Type::Text,
    Type::Text,
    Type::Int,
    Type::Text,
    Type::Int,
    Type::Instant,
    Type::Text,
    Type::Int,
    Type::Instant,
    Type::Instant,
    Type::Int,
    Type::Text,
    Type::Int,
];
const DELIVERY_SELECT: &str = "select d.id, d.webhook, d.event, d.what, d.seq, d.object, \
     d.record, d.created_at, j.state, j.attempts, j.run_at, a.at, a.status, a.error, \
     a.duration_ms from keji_delivery d left join keji_job j on j.id = d.job \
     left join keji_attempt a on a.id = d.attempt";

impl Store {
    pub async fn webhooks(&self) -> Result<Vec<Webhook>> {
        let sql = format!("select {WEBHOOK_COLUMNS} from keji_webhook order by id");
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &WEBHOOK).await?;
        rows.into_iter().map(webhook_of).collect()
    }

    pub async fn webhook(&self, id: i64) -> Result<Option<Webhook>> {
        let sql = format!("select {WEBHOOK_COLUMNS} from keji_webhook where id = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[Value::Int(id)], &WEBHOOK).await?;
        row.map(webhook_of).transpose()
    }

    /// It is told of what changes from now on.
    pub async fn add_webhook(
        &self,
        values: &WebhookValues,
        secret: &str,
        by: By<'_>,
    ) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "insert into keji_webhook (name, url, objects, kinds, is_active, user_id, \
                   secret, position, created_at) values ($1, $2, $3, $4, $5, $6, $7, 0, $8) \
                   returning id";
        let mut params = params(values);
        params.extend([secret.into(), Value::Instant(now())]);
        let id = conn.int(sql, &params).await?;
        note(&mut conn, by, "webhook", Some(id), "made", &values.name).await?;
        to_the_end(&mut conn, id).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// `begins_anew`: what changed until now is not told. False where there is
    /// none.
    pub async fn change_webhook(
        &self,
        id: i64,
        values: &WebhookValues,
        begins_anew: bool,
        by: By<'_>,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_webhook set name = $1, url = $2, objects = $3, kinds = $4, \
                   is_active = $5, user_id = $6 where id = $7";
        let mut params = params(values);
        params.push(Value::Int(id));
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        note(&mut conn, by, "webhook", Some(id), "changed", &values.name).await?;
        if begins_anew {
            to_the_end(&mut conn, id).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// With its deliveries. False where there is none.
    pub async fn delete_webhook(&self, id: i64, by: By<'_>) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        for sql in [
            "delete from keji_attempt where delivery in \
             (select id from keji_delivery where webhook = $1)",
            "delete from keji_job where kind = 'webhook' and id in \
             (select job from keji_delivery where webhook = $1)",
            "delete from keji_delivery where webhook = $1",
        ] {
            conn.run(sql, &[Value::Int(id)]).await?;
        }
        let sql = "delete from keji_webhook where id = $1";
        if conn.run(sql, &[Value::Int(id)]).await? == 0 {
            return Ok(false);
        }
        note(&mut conn, by, "webhook", Some(id), "deleted", "yes").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The one before it holds until `old_until`. False where there is none.
    pub async fn change_webhook_secret(
        &self,
        id: i64,
        secret: &str,
        old_until: Timestamp,
        by: By<'_>,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_webhook set old_secret = secret, secret = $2, old_until = $3 \
                   where id = $1";
        let params = [Value::Int(id), secret.into(), Value::Instant(old_until)];
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        note(&mut conn, by, "webhook", Some(id), "secret", "changed").await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Those that hold now, the newest first.
    pub async fn webhook_secrets(&self, id: i64) -> Result<Vec<String>> {
        let sql = "select secret, case when old_until > $2 then old_secret end \
                   from keji_webhook where id = $1";
        let params = [Value::Int(id), Value::Instant(now())];
        let kinds = [Type::Text, Type::Text];
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &params, &kinds).await?;
        let texts = row.into_iter().flatten().filter_map(|value| match value {
            Value::Text(text) => Some(text),
            _ => None,
        });
        Ok(texts.collect())
    }

    /// Puts deliveries on their way and moves the webhook's position in one
    /// transaction. False, and nothing is done, where the position is no
    /// longer `from`: another worker was faster.
    pub async fn follow_webhook(
        &self,
        id: i64,
        from: i64,
        to: i64,
        deliveries: &[NewDelivery],
        max_attempts: u32,
    ) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_webhook set position = $3 where id = $1 and position = $2";
        let params = [Value::Int(id), Value::Int(from), Value::Int(to)];
        if conn.run(sql, &params).await? == 0 {
            return Ok(false);
        }
        for delivery in deliveries {
            let made = insert_delivery(&mut conn, id, delivery).await?;
            send_by_job(&mut conn, made, max_attempts).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// A delivery that is tried once, at once, by whoever makes it.
    pub async fn add_delivery(&self, webhook: i64, delivery: &NewDelivery) -> Result<i64> {
        let mut tx = self.db().begin().await?;
        let id = insert_delivery(&mut tx.conn(), webhook, delivery).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Puts a delivery on its way once more, unless it is on its way; false
    /// then.
    pub async fn resend(&self, delivery: i64, max_attempts: u32) -> Result<bool> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let sql = "update keji_delivery set job = null where id = $1 and not exists \
                   (select 1 from keji_job j where j.id = keji_delivery.job \
                    and j.state in ('queued', 'running'))";
        if conn.run(sql, &[Value::Int(delivery)]).await? == 0 {
            return Ok(false);
        }
        send_by_job(&mut conn, delivery, max_attempts).await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn delivery(&self, id: i64) -> Result<Option<Delivery>> {
        let sql = format!("{DELIVERY_SELECT} where d.id = $1");
        let mut reader = self.db().reader().await?;
        let row = reader.conn().row(sql, &[Value::Int(id)], &DELIVERY).await?;
        row.map(delivery_of).transpose()
    }

    /// Of one webhook, newest first, before `before` where that is given; those
    /// that are given up only, or all.
    pub async fn deliveries(
        &self,
        webhook: i64,
        is_dead: bool,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let dead = match is_dead {
            true => "and j.state = 'failed'",
            false => "",
        };
        let sql = format!(
            "{DELIVERY_SELECT} where d.webhook = $1 and d.id < $2 {dead} \
             order by d.id desc limit {limit}"
        );
        let params = [Value::Int(webhook), Value::Int(before.unwrap_or(i64::MAX))];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &params, &DELIVERY).await?;
        rows.into_iter().map(delivery_of).collect()
    }

    /// By webhook: how many deliveries were given up, and how many wait.
    pub async fn delivery_counts(&self) -> Result<BTreeMap<i64, (i64, i64)>> {
        let sql = "select d.webhook, sum(case when j.state = 'failed' then 1 else 0 end), \
                   sum(case when j.state = 'failed' then 0 else 1 end) \
                   from keji_delivery d join keji_job j on j.id = d.job \
                   where j.state in ('failed', 'queued', 'running') group by d.webhook";
        let kinds = [Type::Int, Type::Int, Type::Int];
        let mut reader = self.db().reader().await?;
        let rows = reader.conn().rows(sql, &[], &kinds).await?;
        rows.into_iter()
            .map(|row| {
                let mut row = Fields::new(row);
                Ok((row.int()?, (row.int()?, row.int()?)))
            })
            .collect()
    }

    /// Every try, oldest first.
    pub async fn attempts(&self, delivery: i64) -> Result<Vec<Attempt>> {
        let sql = "select at, status, error, duration_ms from keji_attempt \
                   where delivery = $1 order by id";
        let kinds = [Type::Instant, Type::Int, Type::Text, Type::Int];
        let mut reader = self.db().reader().await?;
        let rows = reader
            .conn()
            .rows(sql, &[Value::Int(delivery)], &kinds)
            .await?;
        rows.into_iter()
            .map(|row| attempt_of(&mut Fields::new(row)))
            .collect()
    }

    /// Notes a try; nothing where the delivery has gone meanwhile.
    pub async fn add_attempt(&self, delivery: i64, attempt: &Attempt) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let mut columns = vec!["delivery", "at", "duration_ms"];
        let mut params = vec![
            Value::Int(delivery),
            Value::Instant(attempt.at),
            Value::Int(attempt.duration_ms),
        ];
        // A null has no type that PostgreSQL could take from it.
        if let Some(status) = attempt.status {
            columns.push("status");
            params.push(Value::Int(status));
        }
        if let Some(error) = &attempt.error {
            columns.push("error");
            params.push(error.as_str().into());
        }
        let exists = "select count(*) from keji_delivery where id = $1";
        if conn.int(exists, &[Value::Int(delivery)]).await? == 0 {
            return Ok(());
        }
        let marks: Vec<String> = (1..=params.len()).map(|n| format!("${n}")).collect();
        let sql = format!(
            "insert into keji_attempt ({}) values ({}) returning id",
            columns.join(", "),
            marks.join(", ")
        );
        let id = conn.int(sql, &params).await?;
        let sql = "update keji_delivery set attempt = $2 where id = $1";
        conn.run(sql, &[Value::Int(delivery), Value::Int(id)])
            .await?;
        tx.commit().await
    }

    /// Forgets deliveries that were made before `oldest` and have ended.
    pub async fn sweep_deliveries(&self, oldest: Timestamp) -> Result<()> {
        let old = "select d.id from keji_delivery d left join keji_job j on j.id = d.job \
                   where d.created_at < $1 and coalesce(j.state, 'done') \
                   not in ('queued', 'running')";
        let mut tx = self.db().begin().await?;
        let mut conn = tx.conn();
        let oldest = [Value::Instant(oldest)];
        for sql in [
            format!("delete from keji_attempt where delivery in ({old})"),
            "delete from keji_job where kind = 'webhook' and state in ('done', 'failed', \
             'cancelled') and id in (select job from keji_delivery where created_at < $1)"
                .to_owned(),
            // Without its job now.
            "delete from keji_delivery where created_at < $1 and not exists \
             (select 1 from keji_job j where j.id = keji_delivery.job)"
                .to_owned(),
        ] {
            conn.run(sql, &oldest).await?;
        }
        tx.commit().await
    }
}

fn params(values: &WebhookValues) -> Vec<Value> {
    vec![
        values.name.as_str().into(),
        values.url.as_str().into(),
        Value::Text(values.objects.join(" ")),
        Value::Text(values.kinds.join(" ")),
        Value::Bool(values.is_active),
        Value::Int(values.user),
    ]
}

async fn to_the_end(conn: &mut Conn<'_>, id: i64) -> Result<()> {
    let sql = "update keji_webhook set position = \
               (select coalesce(max(seq), 0) from keji_change) where id = $1";
    conn.run(sql, &[Value::Int(id)]).await.map(drop)
}

async fn insert_delivery(conn: &mut Conn<'_>, webhook: i64, delivery: &NewDelivery) -> Result<i64> {
    let mut columns = vec!["webhook", "event", "what", "created_at"];
    let mut params = vec![
        Value::Int(webhook),
        delivery.event.as_str().into(),
        delivery.what.as_str().into(),
        Value::Instant(now()),
    ];
    let optional = [
        ("seq", delivery.seq.map(Value::Int)),
        ("object", delivery.object.as_deref().map(Value::from)),
        ("record", delivery.record.map(Value::Int)),
    ];
    for (column, value) in optional {
        if let Some(value) = value {
            columns.push(column);
            params.push(value);
        }
    }
    let marks: Vec<String> = (1..=params.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "insert into keji_delivery ({}) values ({}) returning id",
        columns.join(", "),
        marks.join(", ")
    );
    conn.int(sql, &params).await
}

async fn send_by_job(conn: &mut Conn<'_>, delivery: i64, max_attempts: u32) -> Result<()> {
    let mut new = NewJob::new("webhook", serde_json::json!({ "delivery": delivery }));
    new.max_attempts = max_attempts;
    let job = job::insert(conn, &new).await?;
    let sql = "update keji_delivery set job = $2 where id = $1";
    conn.run(sql, &[Value::Int(delivery), Value::Int(job.0)])
        .await
        .map(drop)
}

fn webhook_of(row: Vec<Value>) -> Result<Webhook> {
    let mut row = Fields::new(row);
    let words = |text: String| text.split(' ').map(str::to_owned).collect();
    Ok::<_, Error>(Webhook {
        id: row.int()?,
        values: WebhookValues {
            name: row.text()?,
            url: row.text()?,
            objects: words(row.text()?),
            kinds: words(row.text()?),
            is_active: row.value() == Value::Bool(true),
            user: row.int()?,
        },
        position: row.int()?,
        created_at: row.instant()?,
        old_until: row.optional_instant(),
    })
}

fn delivery_of(row: Vec<Value>) -> Result<Delivery> {
    let mut row = Fields::new(row);
    let (id, webhook) = (row.int()?, row.int()?);
    let delivery = NewDelivery {
        event: row.text()?,
        what: row.text()?,
        seq: row.optional_int(),
        object: row.optional_text(),
        record: row.optional_int(),
    };
    let created_at = row.instant()?;
    let job = (
        row.optional_text(),
        row.optional_int(),
        row.optional_instant(),
    );
    let attempt = match row.optional_instant() {
        Some(at) => Some(Attempt {
            at,
            status: row.optional_int(),
            error: row.optional_text(),
            duration_ms: row.int()?,
        }),
        None => None,
    };
    Ok(Delivery {
        id,
        webhook,
        delivery,
        created_at,
        job: match job {
            (Some(state), Some(attempts), Some(run_at)) => Some(DeliveryJob {
                state,
                attempts,
                run_at,
            }),
            _ => None,
        },
        attempt,
    })
}

fn attempt_of(row: &mut Fields) -> Result<Attempt> {
    Ok(Attempt {
        at: row.instant()?,
        status: row.optional_int(),
        error: row.optional_text(),
        duration_ms: row.int()?,
    })
}
