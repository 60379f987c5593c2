//! What a keeper of data asks: what failed to come in, what is there twice,
//! how old the newest backup is. Who may not do the work is not told of it.

use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, Section, SectionKind};
use crate::backup::kept;
use crate::duplicates::scan;
use crate::error::{Error, Result};
use crate::import::jobs;
use crate::permission::{Action, may};

const FAILED: usize = 8;

/// Imports of so many days are told of.
const DAYS: i64 = 7;

/// Pairs that are counted; more are told as that many.
const COUNTED: u32 = 100;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FailedImport {
    /// Of the import's job.
    pub id: i64,
    pub filename: String,
    /// `failed`, or `needs_mapping`: somebody has to look at its columns.
    pub state: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DuplicateCount {
    pub object: String,
    /// Pairs that wait; 100 stands for more.
    pub n: i64,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackupAge {
    /// Null where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest_at: Option<Timestamp>,
    pub days: Option<i64>,
}

pub(super) async fn imports(asked: &Asked<'_>) -> Result<Option<Section>> {
    let list = match jobs::list(asked.app, asked.caller).await {
        Ok(list) => list,
        Err(Error::Forbidden { .. }) => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let since = Timestamp::now() - (24 * DAYS).hours();
    let waiting = list.resources.into_iter().filter(|import| {
        ["failed", "needs_mapping"].contains(&import.state.as_str()) && import.created_at >= since
    });
    let all: Vec<FailedImport> = waiting
        .map(|import| FailedImport {
            id: import.id,
            filename: import.filename,
            state: import.state,
            at: import.created_at,
        })
        .collect();
    Ok(Some(Section {
        total: all.len() as i64,
        imports: all.into_iter().take(FAILED).collect(),
        ..Section::new(SectionKind::Imports)
    }))
}

pub(super) async fn duplicates(asked: &Asked<'_>) -> Result<Option<Section>> {
    let mut counts = Vec::new();
    for (object, def) in &asked.app.catalog.objects {
        let may = |action| may(asked.caller, object, action);
        if def.duplicates.is_none() || !may(Action::Update) || !may(Action::Delete) {
            continue;
        }
        let query = scan::PairQuery {
            limit: Some(COUNTED),
            ..scan::PairQuery::default()
        };
        let pairs = scan::pairs(asked.app, asked.caller, object, &query).await?;
        let n = pairs.pairs.len() as i64;
        if n > 0 {
            counts.push(DuplicateCount {
                object: object.clone(),
                n,
            });
        }
    }
    Ok(Some(Section {
        total: counts.iter().map(|c| c.n).sum(),
        duplicates: counts,
        ..Section::new(SectionKind::Duplicates)
    }))
}

pub(super) async fn backup(asked: &Asked<'_>) -> Result<Option<Section>> {
    let list = match kept::list(asked.app, asked.caller, asked.language).await {
        Ok(list) => list,
        Err(Error::Forbidden { .. }) => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let good = list.backups.iter().filter(|b| b.is_readable);
    let newest_at = good.map(|b| b.made_at).max();
    let hours = newest_at.map(|at| Timestamp::now().duration_since(at).as_hours());
    Ok(Some(Section {
        total: list.backups.len() as i64,
        backup: Some(BackupAge {
            newest_at,
            days: hours.map(|h| h.max(0) / 24),
        }),
        ..Section::new(SectionKind::Backup)
    }))
}
