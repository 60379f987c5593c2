//! The evaluation `as_of` a day: one streaming pass over the orders, then
//! RFM, tiers, stages, models and value at risk for every customer. Written as
//! one wide row per customer and one change; any past one can be read.
//!
//! Facts before `as_of` count; a model's observation ends the day before.
//!
//! Reading order: [`facts`], [`tier`], [`predict`], `score` (the wide row),
//! `doc` (the document that sums it up).

mod doc;
pub mod facts;
mod part;
pub mod predict;
mod reasons;
mod score;
pub mod tier;

use jiff::civil::Date;
use keji_schema::Value;
use keji_schema::calendar::{epoch_days, from_epoch_days};
use keji_store::{ScanQuery, Sort};
use serde::Serialize;
use utoipa::ToSchema;

pub use doc::EvaluationDoc;

use crate::context::App;
use crate::error::{Error, Result};
use crate::permission::{Action, Caller, access, hidden, require, sees_part};

use facts::{Facts, cycle_days};
use predict::Models;

/// What an evaluation is doing, for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Summaries,
    Models,
    Scores,
}

/// Evaluates every customer as of a day and returns the document that sums it
/// up. `as_of` is by default the day after the last order.
pub async fn run(
    app: &App,
    caller: &Caller,
    as_of: Option<Date>,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<serde_json::Value> {
    let counts = app.store.counts().await?;
    let Some(last) = counts.last_ordered_on else {
        return Err(Error::State {
            code: "no_orders",
            zh: "还没有订单，先导入一份订单文件".to_owned(),
            en: "there are no orders yet: import a file of orders first".to_owned(),
        });
    };
    let tomorrow = tomorrow(app)?;
    let as_of = match as_of {
        Some(day) if day > tomorrow => {
            return Err(Error::State {
                code: "as_of_in_the_future",
                zh: format!("评估日 {day} 在明天（{tomorrow}）之后：那时的事还没有发生"),
                en: format!(
                    "{day} is later than tomorrow, {tomorrow}: what would count has not happened yet"
                ),
            });
        }
        Some(day) => day,
        // A mistyped date in the future must not make everybody dormant.
        None => last.tomorrow().unwrap_or(last).min(tomorrow),
    };
    let base = Base::read(app, caller).await?;
    progress(Step::Summaries);
    app.copy.refresh().await?;
    let snapshot = app.copy.snapshot().await?;
    let today = epoch_days(as_of);
    let first = counts.first_ordered_on.map_or(today, epoch_days);
    let rule = app.catalog.tiers.clone();
    let rfm_rules = app.catalog.rfm.clone();

    let judged = {
        let snapshot = snapshot.clone();
        let n_customers = base
            .ids
            .last()
            .map_or(0, |&id| usize::try_from(id).unwrap_or(0));
        let rule = rule.clone();
        tokio::task::spawn_blocking(move || -> Result<_> {
            let now = facts::Base::read(&snapshot, as_of, n_customers, &rule)?;
            // A quarter of what is known, between four weeks and a year.
            let back = ((today - first) / 4).clamp(28, 364);
            let earlier_day = today - back;
            let earlier = match from_epoch_days(earlier_day) {
                Some(day) if earlier_day > first => {
                    facts::Base::read(&snapshot, day, n_customers, &rule)?
                }
                _ => facts::Base {
                    facts: Vec::new(),
                    returns_only: Vec::new(),
                    base_cycle: now.base_cycle,
                },
            };
            Ok((now, earlier, earlier_day))
        })
        .await
        .map_err(|e| Error::Internal(e.to_string()))??
    };
    progress(Step::Models);
    let (now, earlier, earlier_day) = judged;
    let result = tokio::task::spawn_blocking(move || -> Result<_> {
        // There may be orders, but no purchase yet: returns or adjustments only.
        let (models, predictions) = if now.facts.is_empty() {
            (Models::none(), Vec::new())
        } else {
            let histories = predict::histories(&now.facts, today)?;
            let models = Models::fit(&now.facts, &histories);
            let predictions = models.predict(&now.facts, &histories, today)?;
            (models, predictions)
        };
        let holdout = predict::hold_out(&earlier.facts, earlier_day, &now.facts, today)
            .map(|h| (f64::from(today - earlier_day) / 7.0, h));
        let cycles: Vec<f64> = now
            .facts
            .iter()
            .map(|f| cycle_days(f.median_gap, f.n_purchase_days, now.base_cycle, &rule))
            .collect();
        let rfm = score::rfm(&now.facts, today, &base.numbers_of(&now.facts), &rfm_rules)?;
        let scored = score::score(now, cycles, predictions, rfm, today, &rule)?;
        Ok((models, holdout, scored, base))
    })
    .await
    .map_err(|e| Error::Internal(e.to_string()))??;
    progress(Step::Scores);
    let (models, holdout, scored, base) = result;
    let document = doc::document(as_of, base.ids.len(), &scored, &models, holdout);
    let json = serde_json::to_value(&document).map_err(|e| Error::Internal(e.to_string()))?;
    let rows = score::rows(&scored, &base.ids);
    app.store
        .write_scores(as_of, json.clone(), score::FIELDS, rows, &caller.actor)
        .await?;
    app.copy.refresh().await?;
    // As it is kept: with the time at which it was made.
    get(app, caller, as_of).await
}

/// Evaluates again what was evaluated before and counted orders from `first`
/// on, which have changed since: every such day but `done`.
pub async fn renew(app: &App, caller: &Caller, first: Date, done: Option<Date>) -> Result<()> {
    for evaluation in app.store.evaluations().await? {
        let day = evaluation.as_of;
        if day > first && Some(day) != done {
            run(app, caller, Some(day), &|_| {}).await?;
        }
    }
    Ok(())
}

/// Whether an import was merged behind every evaluation.
pub async fn is_behind(app: &App) -> Result<bool> {
    let evaluations = app.store.evaluations().await?;
    let newest = evaluations.iter().map(|e| e.seq).max().unwrap_or(0);
    let batches = app.store.batches(100).await?;
    let merged = batches
        .iter()
        .filter(|b| b.state == keji_store::BatchState::Merged);
    Ok(merged.filter_map(|b| b.seq).max().unwrap_or(0) > newest)
}

fn tomorrow(app: &App) -> Result<Date> {
    let today = app.catalog.calendar.day_of(jiff::Timestamp::now());
    today
        .tomorrow()
        .map_err(|e| Error::Internal(format!("the day after {today}: {e}")))
}

/// Every customer's id and number, by id.
struct Base {
    ids: Vec<i64>,
    numbers: Vec<String>,
}

impl Base {
    async fn read(app: &App, caller: &Caller) -> Result<Base> {
        let query = ScanQuery {
            object: "customer".to_owned(),
            fields: vec!["id".to_owned(), "number".to_owned()],
            filter: None,
            sort: vec![Sort::asc("id")],
        };
        let mut base = Base {
            ids: Vec::new(),
            numbers: Vec::new(),
        };
        app.store
            .scan(
                &query,
                &access(caller, "customer"),
                |row: &[Value]| -> Result<()> {
                    if let [Value::Int(id), Value::Text(number)] = row {
                        base.ids.push(*id);
                        base.numbers.push(number.clone());
                    }
                    Ok(())
                },
            )
            .await?;
        Ok(base)
    }

    /// The numbers of the customers in the facts, in their order.
    fn numbers_of(&self, facts: &[Facts]) -> Vec<&str> {
        let mut at = 0;
        facts
            .iter()
            .map(|f| {
                while self.ids.get(at).is_some_and(|&id| id < f.customer) {
                    at += 1;
                }
                self.numbers.get(at).map_or("", String::as_str)
            })
            .collect()
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationEntry {
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    /// Null for whoever sees a part of them.
    pub n_customers: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationList {
    pub resources: Vec<EvaluationEntry>,
}

/// Every evaluation, newest day first.
pub async fn list(app: &App, caller: &Caller) -> Result<EvaluationList> {
    let is_partial = sees_part(caller, "score");
    let resources = app
        .store
        .evaluations()
        .await?
        .into_iter()
        .map(|e| EvaluationEntry {
            as_of: e.as_of,
            at: e.at,
            n_customers: (!is_partial).then_some(e.n_customers),
        })
        .collect();
    Ok(EvaluationList { resources })
}

/// The document of one evaluation; of the customers that the caller sees,
/// where those are not all.
pub async fn get(app: &App, caller: &Caller, as_of: Date) -> Result<serde_json::Value> {
    require(caller, "score", Action::Read)?;
    if let Some((_, field)) = hidden(caller).find(|(object, _)| *object == "score") {
        return Err(Error::Forbidden {
            zh: format!("这里的汇总要用到您看不到的字段「{field}」"),
            en: format!("this sums up the field `{field}`, which you may not see"),
        });
    }
    let (entry, mut document) = app
        .store
        .evaluation(as_of)
        .await?
        .ok_or_else(|| Error::not_found("evaluation", as_of))?;
    let is_partial = sees_part(caller, "score");
    if is_partial {
        let base_cycle = document["base_cycle_days"].as_f64().unwrap_or_default();
        let part = part::document(app, caller, as_of, base_cycle).await?;
        document = serde_json::to_value(&part).map_err(|e| Error::Internal(e.to_string()))?;
    }
    if let Some(map) = document.as_object_mut() {
        map.insert("at".to_owned(), serde_json::json!(entry.at));
        map.insert("is_partial".to_owned(), serde_json::json!(is_partial));
    }
    Ok(document)
}

/// The day of the newest evaluation.
pub async fn newest(app: &App) -> Result<Option<Date>> {
    Ok(app.store.evaluations().await?.first().map(|e| e.as_of))
}

pub(crate) fn date(day: i32) -> Value {
    from_epoch_days(day).map_or(Value::Null, Value::Date)
}
