//! Many creates, updates and deletes of one object in one request.

use keji_store::{NewChange, Op, Written};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::coerce::{self, Draft};
use super::{MAX_RECORDS, RequestKey, change, files, json, links, problem, writable};
use crate::context::App;
use crate::error::{Error, FieldFault, ProblemText, Result};
use crate::messages::Language;
use crate::permission::{Action, Caller, access_for, require_fields};

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    /// 1 to 1000, done in this order.
    pub operations: Vec<BulkOperation>,
    /// All or none of them, the default; otherwise each by itself.
    #[serde(default = "yes")]
    pub atomic: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BulkOperation {
    /// Field to value.
    #[schema(value_type = Object)]
    Create(Map<String, Json>),
    Update {
        id: i64,
        #[schema(value_type = Object)]
        values: Map<String, Json>,
        /// The version that the caller has seen.
        #[serde(default)]
        version: Option<i64>,
    },
    Delete {
        id: i64,
        #[serde(default)]
        version: Option<i64>,
    },
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// One for each operation, in their order.
    pub outcomes: Vec<BulkOutcome>,
    pub n_failed: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BulkOutcome {
    pub index: usize,
    /// `created`, `updated`, `unchanged`, `deleted` or `failed`.
    pub status: &'static str,
    pub id: Option<i64>,
    pub version: Option<i64>,
    /// Of one that failed: `code`, `title`, `detail` and `fields`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub problem: Option<ProblemText>,
}

/// The answer is a [`BulkAnswer`] as JSON; whether an earlier request with this
/// key got it, stands beside it.
pub async fn bulk(
    app: &App,
    caller: &Caller,
    object: &str,
    body: &BulkBody,
    key: Option<&RequestKey>,
    language: Language,
) -> Result<(Json, bool)> {
    let def = writable(app, caller, object, Action::Read)?;
    let n = body.operations.len();
    if !(1..=MAX_RECORDS as usize).contains(&n) {
        let zh = format!("要有 1 到 {MAX_RECORDS} 个操作，这里有 {n} 个");
        let en = format!("there must be 1 to {MAX_RECORDS} of them, here are {n}");
        return Err(FieldFault::new("operations", "value", zh, en).into());
    }
    for operation in &body.operations {
        writable(app, caller, object, operation.action())?;
        if let BulkOperation::Create(values) | BulkOperation::Update { values, .. } = operation {
            let fields = values.keys().map(String::as_str);
            require_fields(caller, object, operation.action(), fields)?;
        }
    }
    let mut drafts: Vec<Draft> = body
        .operations
        .iter()
        .map(|operation| match operation {
            BulkOperation::Create(values) => coerce::create(app, caller, def, values),
            BulkOperation::Update { values, .. } => coerce::update(app, caller, def, values),
            BulkOperation::Delete { .. } => coerce::update(app, caller, def, &Map::new()),
        })
        .collect();
    links::resolve(app, caller, &mut drafts).await?;
    for (index, draft) in drafts.iter_mut().enumerate() {
        let faults = std::mem::take(&mut draft.faults).into_iter();
        draft.faults = faults.map(|fault| fault.at(Some(index))).collect();
    }
    if body.atomic {
        let faults = drafts.iter().flat_map(|draft| draft.faults.clone());
        let faults: Vec<FieldFault> = faults.collect();
        if !faults.is_empty() {
            return Err(faults.into());
        }
    }
    let (mut changes, mut places): (Vec<NewChange>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut failed: Vec<Option<Error>> = Vec::new();
    for (index, (operation, draft)) in body.operations.iter().zip(drafts).enumerate() {
        let op = match operation {
            BulkOperation::Create(_) => draft.create(),
            BulkOperation::Update { id, .. } => draft.update(*id),
            BulkOperation::Delete { id, .. } => Ok(Op::Delete { id: *id }),
        };
        match op {
            Ok(op) => {
                let mut change = change(caller, def, op);
                change.expected = operation.version();
                changes.push(change);
                places.push(index);
                failed.push(None);
            }
            Err(problem) => failed.push(Some(problem)),
        }
    }
    let answer = |written: &[keji_store::Result<Written>]| -> Json {
        let outcome = |index: usize| -> BulkOutcome {
            if let Some(problem) = &failed[index] {
                return BulkOutcome::failed(index, problem.problem(language));
            }
            // `places` is sorted.
            let at = places
                .binary_search(&index)
                .ok()
                .and_then(|at| written.get(at));
            match at {
                Some(Ok(written)) => BulkOutcome {
                    index,
                    status: status(&body.operations[index], written),
                    id: Some(written.id),
                    version: Some(written.version),
                    problem: None,
                },
                Some(Err(error)) => {
                    let told = problem::told_of(def, error, Some(index))
                        .unwrap_or_else(|| Error::Internal(error.to_string()));
                    BulkOutcome::failed(index, told.problem(language))
                }
                None => unreachable!("every change has an outcome"),
            }
        };
        let outcomes: Vec<BulkOutcome> = (0..n).map(outcome).collect();
        let n_failed = outcomes.iter().filter(|o| o.problem.is_some()).count();
        json(&BulkAnswer { outcomes, n_failed })
    };
    let actions: Vec<Action> = body.operations.iter().map(BulkOperation::action).collect();
    let access = access_for(caller, object, &actions);
    let once = key.map(|key| key.once(caller));
    let made = app
        .store
        .write_many(&changes, &access, body.atomic, once.as_ref(), answer);
    let answered = made
        .await
        .map_err(|fault| problem::told(def, fault, true))?;
    files::give_up(app, def, answered.outcomes.iter().flatten()).await;
    Ok((answered.body, answered.is_replay))
}

impl BulkOperation {
    fn action(&self) -> Action {
        match self {
            BulkOperation::Create(_) => Action::Create,
            BulkOperation::Update { .. } => Action::Update,
            BulkOperation::Delete { .. } => Action::Delete,
        }
    }

    fn version(&self) -> Option<i64> {
        match self {
            BulkOperation::Create(_) => None,
            BulkOperation::Update { version, .. } | BulkOperation::Delete { version, .. } => {
                *version
            }
        }
    }
}

impl BulkOutcome {
    fn failed(index: usize, problem: ProblemText) -> BulkOutcome {
        BulkOutcome {
            index,
            status: "failed",
            id: None,
            version: None,
            problem: Some(problem),
        }
    }
}

fn status(operation: &BulkOperation, written: &Written) -> &'static str {
    match operation {
        _ if written.change.is_none() => "unchanged",
        BulkOperation::Create(_) => "created",
        BulkOperation::Update { .. } => "updated",
        BulkOperation::Delete { .. } => "deleted",
    }
}
