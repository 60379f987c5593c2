//! The records that a user marked, and those that he had open last; each of
//! them only as long as he may see it.

use std::collections::{BTreeMap, BTreeSet};

use keji_store::Marked;

pub use keji_store::Mark;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::App;
use crate::error::Result;
use crate::permission::{Caller, own_user};
use crate::records::{self, titles};

const MOST: u32 = 200;
const SEEN: u32 = 20;

#[derive(Debug, Serialize, ToSchema)]
pub struct FavouriteList {
    /// The newest first.
    pub favourites: Vec<MarkedBody>,
    /// What the caller had open, the newest first.
    pub seen: Vec<MarkedBody>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MarkedBody {
    pub object: String,
    pub id: i64,
    /// Null where the object has no title, or the record none.
    pub title: Option<String>,
}

/// The caller's; of somebody who is no user there are none.
pub async fn list(app: &App, caller: &Caller) -> Result<FavouriteList> {
    let Some(user) = caller.user() else {
        return Ok(FavouriteList {
            favourites: Vec::new(),
            seen: Vec::new(),
        });
    };
    let favourites = app.store.marked(Mark::Favourite, user, MOST).await?;
    let seen = app.store.marked(Mark::Seen, user, SEEN).await?;
    Ok(FavouriteList {
        favourites: shown(app, caller, favourites).await?,
        seen: shown(app, caller, seen).await?,
    })
}

/// Marks a record that the caller sees, or notes that he has it open.
pub async fn mark(app: &App, caller: &Caller, mark: Mark, object: &str, id: i64) -> Result<()> {
    let user = own_user(caller)?;
    records::require_seen(app, caller, object, id).await?;
    Ok(app.store.mark(mark, user, &marked(object, id)).await?)
}

/// Takes the mark away; that there was one is not asked.
pub async fn unmark(app: &App, caller: &Caller, object: &str, id: i64) -> Result<()> {
    let user = own_user(caller)?;
    app.store
        .unmark(Mark::Favourite, user, &marked(object, id))
        .await?;
    Ok(())
}

fn marked(object: &str, id: i64) -> Marked {
    Marked {
        object: object.to_owned(),
        record: id,
    }
}

async fn shown(app: &App, caller: &Caller, all: Vec<Marked>) -> Result<Vec<MarkedBody>> {
    let mut ids: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for one in &all {
        ids.entry(&one.object).or_default().insert(one.record);
    }
    let mut known = BTreeMap::new();
    for (object, ids) in ids {
        for (id, link) in titles(app, caller, object, ids).await? {
            known.insert(marked(object, id), link.title);
        }
    }
    let shown = all.into_iter().filter_map(|one| {
        let title = known.get(&one)?.clone();
        Some(MarkedBody {
            object: one.object,
            id: one.record,
            title,
        })
    });
    Ok(shown.collect())
}
