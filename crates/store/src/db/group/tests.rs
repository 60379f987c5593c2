//! Writers that share a transaction do not share their failures, and nobody is
//! told that his write is kept before it is.

use futures_util::future::join_all;
use keji_schema::Value;

use super::*;
use crate::db::sqlite::{self, Pools};

async fn opened(folder: &tempfile::TempDir) -> Pools {
    let pools = sqlite::open(folder.path()).await.unwrap();
    let mut member = pools.group.join().await.unwrap();
    let sql = "create table t (n integer not null unique) strict";
    member.conn().run(sql, &[]).await.unwrap();
    member.commit().await.unwrap();
    pools
}

async fn insert(member: &mut Member, n: i64) -> Result<u64> {
    let sql = "insert into t (n) values ($1)";
    member.conn().run(sql, &[Value::Int(n)]).await
}

/// What another connection sees, hence what is committed.
async fn kept(pools: &Pools) -> Vec<i64> {
    let mut reader = pools.readers.acquire().await.unwrap();
    let sql = "select n from t order by n";
    let rows = Conn::Sqlite(&mut reader)
        .rows(sql, &[], &[keji_schema::Type::Int])
        .await
        .unwrap();
    rows.iter().filter_map(|r| crate::db::int(&r[0])).collect()
}

#[tokio::test]
async fn what_one_takes_back_the_others_keep() {
    let folder = tempfile::tempdir().unwrap();
    let pools = opened(&folder).await;
    let write = async |n: i64| {
        let mut member = pools.group.join().await.unwrap();
        insert(&mut member, n / 2).await?;
        // Gives up what it has written, without a word.
        if n % 10 == 6 {
            return Err(broken("given up"));
        }
        member.commit().await?;
        let kept = kept(&pools).await;
        assert!(kept.contains(&(n / 2)), "{n} was told too early");
        Ok(())
    };
    let outcomes = join_all((0..200).map(write)).await;
    // Of two with one number one may stay, where none was given up.
    let n_kept = outcomes.iter().filter(|o| o.is_ok()).count();
    let kept = kept(&pools).await;
    assert_eq!(kept.len(), n_kept);
    assert!(n_kept >= 80, "{n_kept}");
}

#[tokio::test]
async fn one_who_is_gone_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let pools = opened(&folder).await;
    for n in 0..30 {
        let mut first = pools.group.join().await.unwrap();
        insert(&mut first, n).await.unwrap();
        // Waits for its turn, so that the first leaves the commit to it.
        let group = pools.group.clone();
        let waiting = tokio::spawn(async move {
            let mut second = group.join().await.unwrap();
            insert(&mut second, 1000 + n).await.unwrap();
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        let committing = tokio::spawn(first.commit());
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        waiting.abort();
        let done = tokio::time::timeout(Duration::from_secs(20), committing).await;
        done.expect("nobody committed").unwrap().unwrap();
    }
    assert_eq!(kept(&pools).await, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_lost_transaction_is_everybodys_error() {
    let folder = tempfile::tempdir().unwrap();
    let pools = opened(&folder).await;
    let mut first = pools.group.join().await.unwrap();
    insert(&mut first, 1).await.unwrap();
    let group = pools.group.clone();
    let second = tokio::spawn(async move {
        let mut second = group.join().await.unwrap();
        // As SQLite does by itself on a full disk.
        second.conn().run("rollback", &[]).await.unwrap();
        second.commit().await
    });
    tokio::task::yield_now().await;
    let first = first.commit().await;
    assert!(second.await.unwrap().is_err());
    assert!(first.is_err(), "told that it is kept");
    assert!(kept(&pools).await.is_empty());
    // And it goes on.
    let mut third = pools.group.join().await.unwrap();
    insert(&mut third, 3).await.unwrap();
    third.commit().await.unwrap();
    assert_eq!(kept(&pools).await, [3]);
}
