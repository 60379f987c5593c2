//! Choosing metrics: what a firm says of its goals, customers, industry and
//! position lets the rules of `definitions/choice/` speak for metrics. The
//! metrics come with their reasons, with where the firm stands by its own
//! records, and with what is not recorded yet. Nothing is guessed: the same
//! words give the same metrics.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use keji_schema::calendar::{Grain, Period};
use keji_schema::choice::{
    ChoiceDef, ChoiceRule, CustomerGroup, FEWEST, MOST, MOST_OF_A_GROUP, Statement, Swot, Word,
};
use keji_schema::definition::Text2;
use keji_schema::expr::Expr;
use keji_schema::metric::{Direction, Measure, MetricDef, Term};
use keji_schema::question::{Answer, Question, Status};
use keji_schema::{Catalog, Value};
use keji_store::ListQuery;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{answered, ask, number, past_of, rights};
use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::messages::Language;
use crate::permission::{Caller, access};

/// Goals that a firm follows at one time; more are none.
const MOST_GOALS: usize = 3;

/// Metrics of fewer groups would forget a side.
const FEWEST_GROUPS: usize = 4;

/// Periods that are looked back on.
const PERIODS: usize = 12;

/// With fewer values nothing is said of what can be reached.
const ENOUGH: usize = 6;

/// What a firm may say of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceWords {
    pub goals: Vec<Word>,
    pub groups: Vec<CustomerGroup>,
    pub industries: Vec<Word>,
    pub statements: Vec<Statement>,
    /// At most so many goals at a time.
    pub most_goals: usize,
}

/// What a firm says of itself, by ids of the words.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Situation {
    /// One to three.
    pub goals: Vec<String>,
    /// Absent: all customers.
    pub group: Option<String>,
    /// Narrows the numbers further: an expression over dimensions.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    pub industry: Option<String>,
    #[serde(default)]
    pub swot: Vec<String>,
    /// Facts before this day count. Absent: the day after the last order.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
}

/// The metrics that fit, the strongest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Choice {
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// What the numbers were to be narrowed by.
    pub narrowed: Option<String>,
    pub metrics: Vec<ChosenMetric>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ChosenMetric {
    pub metric: String,
    pub points: u32,
    /// Those that weigh most first.
    pub reasons: Vec<ChoiceReason>,
    /// Why the caller gets no figure of it.
    pub refused: Option<Text2>,
    /// The figure is of all customers: it cannot be told for the group.
    pub is_whole: bool,
    /// Absent where the caller may not see it, or nothing is recorded.
    pub baseline: Option<Baseline>,
    pub attainable: Option<Attainable>,
    /// What would have to be recorded.
    pub missing: Vec<Missing>,
}

/// A rule that spoke for a metric.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceReason {
    pub rule: String,
    /// What was said that it listened to; nothing, where it holds for everyone.
    pub said: Vec<Said>,
    pub why: Text2,
    pub points: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Said {
    pub kind: SaidKind,
    pub name: Text2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaidKind {
    Goal,
    Group,
    Industry,
    Strength,
    Weakness,
    Opportunity,
    Threat,
}

/// Where the firm stands: the last twelve whole months.
#[derive(Debug, Serialize, ToSchema)]
pub struct Baseline {
    /// Null where there is no value.
    #[schema(value_type = Value)]
    pub value: Value,
    pub period: Period,
    #[schema(value_type = String)]
    pub status: Status,
    /// Where it rests on too few cases: how many there are.
    pub few: Option<u64>,
    pub is_partial: bool,
    /// The same question, for whoever wants to know where it comes from.
    pub question: ChoiceQuestion,
}

/// The parts of a question that is asked for a baseline.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChoiceQuestion {
    pub metrics: Vec<String>,
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    #[serde(rename = "where")]
    pub filter: Option<String>,
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
}

/// What was reached before, period by period. Nothing is computed: each value
/// is one that was there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attainable {
    pub grain: Grain,
    /// Whether there are values enough to say anything; if not, all are null.
    pub is_known: bool,
    /// Reached or bettered in at least half of the periods, …
    #[schema(value_type = Value)]
    pub usual: Value,
    /// … in at least a quarter, …
    #[schema(value_type = Value)]
    pub good: Value,
    /// … and once. Of a metric with a band these two are its usual ends.
    #[schema(value_type = Value)]
    pub best: Value,
    /// Periods with a value.
    pub n: usize,
    pub history: Vec<Past>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Past {
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    #[schema(value_type = Value)]
    pub value: Value,
}

/// Records, or one field of them, that are not there.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Missing {
    pub object: String,
    pub name: Text2,
    pub about: Text2,
    /// Absent: there is no record at all.
    pub field: Option<Text2>,
    /// An evaluation writes it, nobody records it.
    pub is_evaluated: bool,
}

/// What a firm may say of itself.
pub fn words(app: &App) -> ChoiceWords {
    let ChoiceDef {
        goals,
        groups,
        industries,
        statements,
        ..
    } = app.catalog.choice.clone();
    ChoiceWords {
        goals,
        groups,
        industries,
        statements,
        most_goals: MOST_GOALS,
    }
}

/// Eight to twelve metrics, each with its reasons and where the firm stands
/// as far as the caller may see it.
pub async fn choose(app: &App, caller: &Caller, situation: &Situation) -> Result<Choice> {
    let catalog = &app.catalog;
    check(catalog, situation)?;
    let as_of = match situation.as_of {
        Some(day) => day,
        None => day_after_all(app).await?,
    };
    let narrowed = narrowed(&catalog.choice, situation);
    let mut metrics = Vec::new();
    for picked in pick(catalog, situation) {
        let reasons = picked.rules.iter().map(|rule| reason(catalog, rule));
        let mut chosen = ChosenMetric {
            metric: picked.metric.id.clone(),
            points: picked.points,
            reasons: reasons.collect(),
            refused: None,
            is_whole: false,
            baseline: None,
            attainable: None,
            missing: Vec::new(),
        };
        match stand(app, caller, picked.metric, narrowed.as_deref(), as_of).await {
            Ok(stand) => {
                chosen.is_whole = stand.is_whole;
                chosen.missing = stand.missing;
                (chosen.baseline, chosen.attainable) = stand.figures.unzip();
            }
            Err(error @ Error::Forbidden { .. }) => {
                chosen.refused = Some(Text2 {
                    zh: error.text(Language::Zh),
                    en: error.text(Language::En),
                });
            }
            Err(other) => return Err(other),
        }
        metrics.push(chosen);
    }
    Ok(Choice {
        as_of,
        narrowed,
        metrics,
    })
}

/// The day after the last order, or tomorrow where that is later.
async fn day_after_all(app: &App) -> Result<Date> {
    let today = app.catalog.calendar.day_of(jiff::Timestamp::now());
    let after = |day: Date| day.tomorrow().unwrap_or(day);
    let last = app.store.counts().await?.last_ordered_on;
    Ok(last.map_or(today, |last| after(last).min(after(today))))
}

/// Every wrong word at once.
fn check(catalog: &Catalog, situation: &Situation) -> Result<()> {
    let words = &catalog.choice;
    let mut faults = Vec::new();
    let mut unknown = |field: &str, id: &str| {
        let (zh, en) = (format!("没有选项 `{id}`"), format!("there is no `{id}`"));
        faults.push(FieldFault::new(field, "option", zh, en));
    };
    for id in &situation.goals {
        if words.goal(id).is_none() {
            unknown("goals", id);
        }
    }
    for id in &situation.swot {
        if words.statement(id).is_none() {
            unknown("swot", id);
        }
    }
    if let Some(id) = situation.group.as_deref()
        && words.group(id).is_none()
    {
        unknown("group", id);
    }
    if let Some(id) = situation.industry.as_deref()
        && words.industry(id).is_none()
    {
        unknown("industry", id);
    }
    if situation.goals.is_empty() {
        let (zh, en) = ("请至少选一个目标", "choose at least one goal");
        faults.push(FieldFault::new("goals", "required", zh, en));
    }
    if situation.goals.len() > MOST_GOALS {
        let zh = format!("一次最多 {MOST_GOALS} 个目标：什么都要等于没有目标");
        let en = format!("{MOST_GOALS} goals at most at a time: to want everything is no goal");
        faults.push(FieldFault::new("goals", "value", zh, en));
    }
    if let Some(filter) = said_filter(situation)
        && let Err(error) = fits_some_object(catalog, filter)
    {
        faults.push(FieldFault::of("where", &error));
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.into()),
    }
}

fn said_filter(situation: &Situation) -> Option<&str> {
    let filter = situation.filter.as_deref().map(str::trim);
    filter.filter(|text| !text.is_empty())
}

/// Whether the numbers of some object can be narrowed so. What is wrong is told
/// as of orders, which most numbers are made of.
fn fits_some_object(catalog: &Catalog, filter: &str) -> Result<()> {
    let as_of = |object: &str| Expr::parse_filter(filter, &catalog.dimension_scope(object));
    let copied = catalog.objects.values().filter(|o| o.copy.is_some());
    let mut others = copied.map(|object| as_of(&object.id));
    if others.any(|found| found.is_ok()) {
        return Ok(());
    }
    as_of("order")?;
    Ok(())
}

fn narrowed(words: &ChoiceDef, situation: &Situation) -> Option<String> {
    let group = situation.group.as_deref().and_then(|id| words.group(id));
    let group = group.map(|group| group.filter.as_str());
    match (group, said_filter(situation)) {
        (Some(group), Some(own)) => Some(format!("({group}) and ({own})")),
        (group, own) => group.or(own).map(str::to_owned),
    }
}

/// A metric with the rules that speak for it.
struct Picked<'a> {
    metric: &'a MetricDef,
    points: u32,
    rules: Vec<&'a ChoiceRule>,
}

/// The metrics with most points, of each group [`MOST_OF_A_GROUP`] at most and
/// of each code one: two ways to count the same are one. Beyond
/// [`FEWEST`] only what has at least half of the points of the first, or what
/// makes up the groups to [`FEWEST_GROUPS`]. Ties go by id.
fn pick<'a>(catalog: &'a Catalog, situation: &Situation) -> Vec<Picked<'a>> {
    let mut all: BTreeMap<&str, Picked<'a>> = BTreeMap::new();
    for rule in &catalog.choice.rules {
        if !holds(rule, situation) {
            continue;
        }
        for id in &rule.metrics {
            let Some(metric) = catalog.metrics.get(id) else {
                continue;
            };
            let picked = all.entry(id).or_insert(Picked {
                metric,
                points: 0,
                rules: Vec::new(),
            });
            picked.points += rule.points;
            picked.rules.push(rule);
        }
    }
    let mut all: Vec<Picked<'a>> = all.into_values().collect();
    // Stable: what has as many points stays in the order of the ids.
    all.sort_by_key(|picked| Reverse(picked.points));
    let first = all.first().map_or(0, |picked| picked.points);
    let mut of_group: BTreeMap<&str, usize> = BTreeMap::new();
    let mut codes = BTreeSet::new();
    let mut chosen: Vec<Picked<'a>> = Vec::new();
    for mut picked in all {
        let is_weak = 2 * picked.points < first;
        let group = picked.metric.group.as_str();
        let is_side = of_group.len() < FEWEST_GROUPS && !of_group.contains_key(group);
        if chosen.len() >= MOST || chosen.len() >= FEWEST && is_weak && !is_side {
            continue;
        }
        let n = of_group.get(group).copied().unwrap_or(0);
        if n >= MOST_OF_A_GROUP || !codes.insert(picked.metric.code.as_str()) {
            continue;
        }
        of_group.insert(group, n + 1);
        picked.rules.sort_by_key(|rule| Reverse(rule.points));
        chosen.push(picked);
    }
    chosen
}

fn holds(rule: &ChoiceRule, situation: &Situation) -> bool {
    let among = |wanted: &Option<String>, said: &[String]| {
        wanted.as_ref().is_none_or(|wanted| said.contains(wanted))
    };
    let is = |wanted: &Option<String>, said: &Option<String>| wanted.is_none() || wanted == said;
    let when = &rule.when;
    among(&when.goal, &situation.goals)
        && among(&when.statement, &situation.swot)
        && is(&when.group, &situation.group)
        && is(&when.industry, &situation.industry)
}

fn reason(catalog: &Catalog, rule: &ChoiceRule) -> ChoiceReason {
    let (words, when) = (&catalog.choice, &rule.when);
    let mut said = Vec::new();
    let mut add = |kind: SaidKind, name: Option<&Text2>| {
        said.extend(name.cloned().map(|name| Said { kind, name }));
    };
    let goal = when.goal.as_deref().and_then(|id| words.goal(id));
    add(SaidKind::Goal, goal.map(|word| &word.name));
    let group = when.group.as_deref().and_then(|id| words.group(id));
    add(SaidKind::Group, group.map(|group| &group.name));
    let industry = when.industry.as_deref().and_then(|id| words.industry(id));
    add(SaidKind::Industry, industry.map(|word| &word.name));
    let statement = when.statement.as_deref().and_then(|id| words.statement(id));
    if let Some(statement) = statement {
        let kind = match statement.kind {
            Swot::Strength => SaidKind::Strength,
            Swot::Weakness => SaidKind::Weakness,
            Swot::Opportunity => SaidKind::Opportunity,
            Swot::Threat => SaidKind::Threat,
        };
        add(kind, Some(&statement.name));
    }
    ChoiceReason {
        rule: rule.id.clone(),
        said,
        why: rule.why.clone(),
        points: rule.points,
    }
}

/// Where the firm stands with one metric.
struct Stand {
    is_whole: bool,
    figures: Option<(Baseline, Attainable)>,
    missing: Vec<Missing>,
}

async fn stand(
    app: &App,
    caller: &Caller,
    metric: &MetricDef,
    narrowed: Option<&str>,
    as_of: Date,
) -> Result<Stand> {
    let calendar = &app.catalog.calendar;
    let grain = metric.grain_min.max(Grain::Month);
    let to = calendar.start_of(grain, as_of);
    let mut since = to;
    for _ in 0..PERIODS {
        since = calendar.previous(grain, since);
    }
    let year = Question {
        metrics: vec![metric.id.clone()],
        from: Some(calendar.previous(Grain::Year, to)),
        to: Some(to),
        filter: narrowed.map(str::to_owned),
        as_of: Some(as_of),
        ..Question::default()
    };
    // First, so that what is not there is no news of what may not be seen.
    rights(app, caller, &year)?;
    let missing = missing(app, caller, metric).await?;
    if missing.iter().any(|what| what.field.is_none()) {
        // A count of what nobody records is no zero.
        return Ok(Stand {
            is_whole: false,
            figures: None,
            missing,
        });
    }
    let (year, total, is_whole) = match ask(app, caller, &year).await {
        Err(Error::Schema(_) | Error::Metrics(_)) if year.filter.is_some() => {
            let whole = Question {
                filter: None,
                ..year
            };
            let answer = ask(app, caller, &whole).await?;
            (whole, answer, true)
        }
        found => (year, found?, false),
    };
    let past = Question {
        from: Some(since),
        grain: Some(grain),
        ..year.clone()
    };
    let (series, first) = answered(app, caller, &past).await?;
    // Of days before the first fact nothing is known, not that nothing was.
    let known = first.map(|day| calendar.start_of(grain, day));
    let history = past_of(&series, &metric.id, known);
    let history = history
        .into_iter()
        .map(|(from, value)| Past { from, value });
    Ok(Stand {
        is_whole,
        figures: Some((
            baseline(metric, &year, &total),
            attainable(metric.direction, grain, history.collect()),
        )),
        missing,
    })
}

fn baseline(metric: &MetricDef, question: &Question, answer: &Answer) -> Baseline {
    let at = (answer.columns.iter()).position(|column| column.name == metric.id);
    let value = at.and_then(|at| answer.rows.first()?.get(at).cloned());
    let few = (answer.small.iter()).find(|small| small.row == 0 && Some(small.column) == at);
    let period = answer.period;
    Baseline {
        value: value.unwrap_or(Value::Null),
        period,
        status: answer.status,
        few: few.map(|small| small.n),
        is_partial: answer.is_partial,
        question: ChoiceQuestion {
            metrics: question.metrics.clone(),
            from: period.from,
            to: period.to,
            filter: question.filter.clone(),
            as_of: answer.as_of,
        },
    }
}

fn attainable(direction: Direction, grain: Grain, history: Vec<Past>) -> Attainable {
    let mut values: Vec<(f64, &Value)> = (history.iter())
        .filter_map(|past| Some((number(&past.value)?, &past.value)))
        .collect();
    values.sort_by(|(a, _), (b, _)| match direction {
        Direction::Down => a.total_cmp(b),
        Direction::Up | Direction::Band => b.total_cmp(a),
    });
    let n = values.len();
    let is_known = n >= ENOUGH;
    // The value that at least one in `part` of the periods reaches.
    let reached = |part: usize| n.div_ceil(part).saturating_sub(1);
    let [usual, good, best] = match direction {
        Direction::Band => [reached(2), reached(4), n.saturating_sub(1 + reached(4))],
        _ => [reached(2), reached(4), 0],
    }
    .map(|at| match values.get(at).filter(|_| is_known) {
        Some((_, value)) => (*value).clone(),
        None => Value::Null,
    });
    Attainable {
        grain,
        is_known,
        usual,
        good,
        best,
        n,
        history,
    }
}

/// The objects that a metric is made of and that have no record which the
/// caller sees; of the others the fields that it reads and nobody fills.
pub(super) async fn missing(
    app: &App,
    caller: &Caller,
    metric: &MetricDef,
) -> Result<Vec<Missing>> {
    let mut drawn = BTreeMap::new();
    draw(&app.catalog, metric, &mut drawn)?;
    let mut all = Vec::new();
    for (object, fields) in drawn {
        let def = app.catalog.object(object)?;
        let tell = |field: Option<Text2>| Missing {
            object: def.id.clone(),
            name: def.name.clone(),
            about: def.about.clone(),
            field,
            is_evaluated: def.written_by.as_deref() == Some("evaluation"),
        };
        if !is_any(app, caller, object, None).await? {
            all.push(tell(None));
            continue;
        }
        for field in def.fields.iter().filter(|f| fields.contains(f.id.as_str())) {
            // What an evaluation leaves empty, nobody can fill.
            if field.required || def.written_by.is_some() {
                continue;
            }
            if !is_any(app, caller, object, Some(&field.id)).await? {
                all.push(tell(Some(field.name.clone())));
            }
        }
    }
    Ok(all)
}

/// Whether the caller sees a record, with `field` one that has a value there.
async fn is_any(app: &App, caller: &Caller, object: &str, field: Option<&str>) -> Result<bool> {
    let filter = field.map(|field| {
        let text = format!("{field} is not null");
        Expr::parse_filter(&text, &app.catalog.scope(object))
    });
    let query = ListQuery {
        object: object.to_owned(),
        fields: vec!["id".to_owned()],
        filter: filter.transpose()?,
        limit: 1,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, object)).await?;
    Ok(!page.rows.is_empty())
}

/// Every object that a metric is made of, with the words of the texts that are
/// written over it; its fields are among them.
fn draw<'a>(
    catalog: &'a Catalog,
    metric: &'a MetricDef,
    drawn: &mut BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> Result<()> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut add = |object: &'a str, texts: &[&'a Option<String>]| {
        let words = texts.iter().filter_map(|text| text.as_deref());
        let words = words.flat_map(|text| text.split(move |c| !is_word(c)));
        drawn.entry(object).or_default().extend(words);
    };
    let mut add_measure = |measure: &'a Measure| {
        let own = [&measure.filter, &measure.time, &measure.enter, &measure.per];
        add(&measure.from, &own);
        match measure.per {
            // Above the reductions stand their names.
            Some(_) => measure
                .lets
                .values()
                .for_each(|l| add(&measure.from, &[&l.expr])),
            None => add(&measure.from, &[&measure.expr]),
        }
    };
    if let Some(measure) = &metric.measure {
        add_measure(measure);
    }
    let mut others = Vec::new();
    for term in metric.terms() {
        match term {
            Term::Measure(measure) => add_measure(measure),
            Term::Metric(other) => others.push(catalog.metric(&other.metric)?),
        }
    }
    if let Some(cohort) = &metric.cohort {
        add(&cohort.from, &[&cohort.filter]);
    }
    if let Some(conversion) = &metric.conversion {
        add(&conversion.from, &[&conversion.filter, &conversion.then]);
    }
    for other in others {
        draw(catalog, other, drawn)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(goals: &[&str]) -> Situation {
        Situation {
            goals: goals.iter().map(|&goal| goal.to_owned()).collect(),
            ..Situation::default()
        }
    }

    fn ids(catalog: &Catalog, situation: &Situation) -> Vec<String> {
        let all = pick(catalog, situation);
        all.into_iter().map(|p| p.metric.id.clone()).collect()
    }

    /// Every goal with every industry, group and statement: the right number,
    /// none twice, no group of metrics too often, and the same each time.
    #[test]
    fn whatever_is_said_gives_eight_to_twelve_of_several_groups() {
        let catalog = Catalog::standard().unwrap();
        let words = catalog.choice.clone();
        let optional = |ids: Vec<String>| {
            let some = ids.into_iter().map(Some);
            std::iter::once(None).chain(some).collect::<Vec<_>>()
        };
        let groups = optional(words.groups.iter().map(|g| g.id.clone()).collect());
        let industries = optional(words.industries.iter().map(|w| w.id.clone()).collect());
        let statements = optional(words.statements.iter().map(|s| s.id.clone()).collect());
        let mut n = 0;
        for goal in &words.goals {
            for group in &groups {
                for industry in &industries {
                    for statement in &statements {
                        let situation = Situation {
                            group: group.clone(),
                            industry: industry.clone(),
                            swot: statement.iter().cloned().collect(),
                            ..said(&[&goal.id])
                        };
                        let chosen = pick(&catalog, &situation);
                        assert!((FEWEST..=MOST).contains(&chosen.len()), "{situation:?}");
                        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
                        for picked in &chosen {
                            *groups.entry(&picked.metric.group).or_default() += 1;
                        }
                        assert!(groups.values().all(|&n| n <= MOST_OF_A_GROUP));
                        assert!(groups.len() >= 4, "{situation:?}: {groups:?}");
                        let codes: BTreeSet<&str> =
                            chosen.iter().map(|p| p.metric.code.as_str()).collect();
                        assert_eq!(codes.len(), chosen.len());
                        assert!(chosen.is_sorted_by_key(|p| Reverse(p.points)));
                        n += 1;
                    }
                }
            }
        }
        assert!(n > 4_000, "{n}");
    }

    #[test]
    fn what_was_said_decides_and_is_named() {
        let catalog = Catalog::standard().unwrap();
        let profit = Situation {
            group: Some("companies".to_owned()),
            industry: Some("manufacturing".to_owned()),
            swot: vec!["late_delivery".to_owned()],
            ..said(&["profit"])
        };
        let chosen = pick(&catalog, &profit);
        let of = |id: &str| chosen.iter().find(|p| p.metric.id == id);
        let delivery = of("on_time_delivery").unwrap();
        let rules: Vec<&str> = delivery.rules.iter().map(|r| r.id.as_str()).collect();
        assert_eq!(
            rules,
            [
                "manufacturing_usual",
                "companies_terms",
                "swot_late_delivery",
                "always"
            ]
        );
        assert_eq!(delivery.points, 3 + 2 + 2 + 1);
        assert!(of("customer_profit").is_some() && of("gross_margin").is_some());
        let told = reason(&catalog, delivery.rules[2]);
        assert_eq!(told.said[0].kind, SaidKind::Weakness);
        assert_eq!(told.said[0].name.en, "Late deliveries");
        // A rule over two words needs both.
        let profit_rule = |situation: &Situation| {
            let rules = catalog.choice.rules.iter();
            let mut found = rules.filter(|r| r.id == "manufacturing_profit");
            holds(found.next().unwrap(), situation)
        };
        assert!(profit_rule(&profit));
        assert!(!profit_rule(&said(&["profit"])));
        // Other goals, other metrics; the order of words says nothing.
        assert_ne!(
            ids(&catalog, &said(&["profit"])),
            ids(&catalog, &said(&["win_new"]))
        );
        assert_eq!(
            ids(&catalog, &said(&["profit", "win_new"])),
            ids(&catalog, &said(&["win_new", "profit"]))
        );
    }

    #[test]
    fn every_wrong_word_is_named_with_its_field() {
        let catalog = Catalog::standard().unwrap();
        let wrong = Situation {
            group: Some("giants".to_owned()),
            filter: Some("no_such_thing = 1".to_owned()),
            industry: Some("magic".to_owned()),
            swot: vec!["luck".to_owned()],
            ..said(&["fame", "profit", "satisfy", "win_new"])
        };
        let Err(Error::Record(problem)) = check(&catalog, &wrong) else {
            panic!("it holds");
        };
        let fields: Vec<&str> = problem.fields.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(
            fields,
            ["goals", "swot", "group", "industry", "goals", "where"]
        );
        assert!(check(&catalog, &said(&[])).is_err());
        // A dimension that only scores have is one.
        let tier = Situation {
            filter: Some("tier = 'vip'".to_owned()),
            ..said(&["profit"])
        };
        assert!(check(&catalog, &tier).is_ok());
        assert_eq!(narrowed(&catalog.choice, &tier).unwrap(), "tier = 'vip'");
        let both = Situation {
            group: Some("companies".to_owned()),
            ..tier
        };
        assert_eq!(
            narrowed(&catalog.choice, &both).unwrap(),
            "(customer.kind = 'company') and (tier = 'vip')"
        );
    }

    fn months(values: &[Option<i64>]) -> Vec<Past> {
        let from = Date::constant(2024, 1, 1);
        let past = values.iter().map(|value| Past {
            from,
            value: value.map_or(Value::Null, Value::Int),
        });
        past.collect()
    }

    #[test]
    fn what_was_reached_is_a_value_that_was_there() {
        let year: Vec<Option<i64>> = (1..=12).map(Some).collect();
        let up = attainable(Direction::Up, Grain::Month, months(&year));
        assert!(up.is_known);
        assert_eq!(
            [up.usual, up.good, up.best],
            [Value::Int(7), Value::Int(10), Value::Int(12)]
        );
        let down = attainable(Direction::Down, Grain::Month, months(&year));
        assert_eq!(
            [down.usual, down.good, down.best],
            [Value::Int(6), Value::Int(3), Value::Int(1)]
        );
        // Both ends of what is usual, three of twelve beyond each.
        let band = attainable(Direction::Band, Grain::Month, months(&year));
        assert_eq!([band.good, band.best], [Value::Int(10), Value::Int(3)]);
        // Months without a value are no zeros.
        let few = attainable(
            Direction::Up,
            Grain::Month,
            months(&[Some(1), None, Some(2), Some(3), Some(4), Some(5)]),
        );
        assert!(!few.is_known);
        assert_eq!((few.n, few.best), (5, Value::Null));
        assert!(!attainable(Direction::Band, Grain::Month, Vec::new()).is_known);
    }

    #[test]
    fn a_metric_draws_on_the_objects_of_all_its_terms() {
        let catalog = Catalog::standard().unwrap();
        let mut drawn = BTreeMap::new();
        let metric = catalog.metric("value_to_cost").unwrap();
        draw(&catalog, metric, &mut drawn).unwrap();
        let objects: Vec<&str> = drawn.keys().copied().collect();
        assert_eq!(objects, ["cost", "order", "score"]);
        assert!(drawn["cost"].contains("class"));
    }
}
