//! The ledger of consents: who may be reached through which channel for which
//! purpose, since when and by what proof. Entries are added and never changed,
//! so what was true, and known, on any day can be told later.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use keji_schema::Value;
use keji_schema::expr::Expr;
use keji_store::{ListQuery, NewChange, Op, Sort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::permission::{Action, Caller, access, access_for, require};

const OBJECT: &str = "consent";
/// Stands for every channel.
const ANY: &str = "any";
const MAX_ENTRIES: u32 = 1000;
const LONGEST: usize = 1000;
/// Of a file.
const MAX_ROWS: usize = 10_000;

/// Whose: a contact's, or that of a customer who is a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    Contact,
    Customer,
}

impl Party {
    pub fn object(self) -> &'static str {
        match self {
            Party::Contact => "contact",
            Party::Customer => "customer",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// `phone`, `sms`, `email`, `wechat`, `post`, `visit`, or `any` for all.
    pub channel: String,
    /// `marketing`, `service`, `survey`, `profiling` or `sharing`.
    pub purpose: String,
    /// `given` or `withdrawn`.
    pub state: String,
    /// When the person said so; now, where it is not given. Not in the future.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// How it came: form, call, contract.
    pub source: String,
    /// What shows it.
    pub evidence: Option<String>,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConsentEntry {
    pub id: i64,
    pub channel: String,
    pub purpose: String,
    pub state: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    pub recorded_by: String,
    pub source: String,
    pub evidence: Option<String>,
}

/// What holds for one channel and purpose.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConsentState {
    pub channel: String,
    pub purpose: String,
    pub state: String,
    /// The entry that decides.
    pub by: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ConsentDoc {
    /// The moment that is told of.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    pub states: Vec<ConsentState>,
    /// What was recorded by then, newest first.
    pub entries: Vec<ConsentEntry>,
}

#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsentQuery {
    /// What was so, and was known, at this moment; now without it.
    #[param(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
}

/// Adds an entry; its id. Who may change the person's record may do it.
pub async fn record(
    app: &App,
    caller: &Caller,
    party: Party,
    id: i64,
    new: &NewConsent,
) -> Result<i64> {
    let object = party.object();
    require(caller, object, Action::Update)?;
    let values = values(app, caller, party, id, Action::Update, new).await?;
    let change = change(caller, values);
    // The person's record was within reach.
    let written = app.store.write(change, &keji_store::Access::all()).await?;
    let id = written.and_then(|change| change.record);
    id.ok_or_else(|| Error::Internal("a consent was not written".to_owned()))
}

/// One line of a file of consents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// `contact` or `customer`
    object: Party,
    id: i64,
    channel: String,
    purpose: String,
    state: String,
    at: Option<Timestamp>,
    source: String,
    #[serde(default)]
    evidence: Option<String>,
}

/// Adds the entries of a CSV file with the columns `object,id,channel,purpose,
/// state,at,source,evidence`: all of them or, where one does not hold, none;
/// every line that does not is told. How many.
pub async fn import(app: &App, caller: &Caller, file: &Path) -> Result<usize> {
    let name = file.display().to_string();
    let text = std::fs::read(file).map_err(Error::named(name.clone()))?;
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    let mut reader = csv::Reader::from_reader(text);
    let mut rows: Vec<Row> = Vec::new();
    for row in reader.deserialize() {
        let line = rows.len() + 2;
        rows.push(row.map_err(|problem| Error::Argument {
            name: "FILE",
            zh: format!("{name} 第 {line} 行读不懂：{problem}"),
            en: format!("{name}, line {line}: {problem}"),
        })?);
        if rows.len() > MAX_ROWS {
            return Err(Error::Argument {
                name: "FILE",
                zh: format!("{name} 超过 {MAX_ROWS} 行，请分成几份"),
                en: format!("{name} has more than {MAX_ROWS} lines: divide it"),
            });
        }
    }
    let (mut changes, mut wrong) = (Vec::new(), Vec::new());
    for (i, row) in rows.into_iter().enumerate() {
        require(caller, row.object.object(), Action::Update)?;
        let new = NewConsent {
            channel: row.channel,
            purpose: row.purpose,
            state: row.state,
            at: row.at,
            source: row.source,
            evidence: row.evidence,
        };
        match values(app, caller, row.object, row.id, Action::Update, &new).await {
            Ok(values) => changes.push(change(caller, values)),
            Err(problem) => wrong.push(FieldFault::of("line", &problem).at(Some(i + 2))),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let n = changes.len();
    let all = keji_store::Access::all();
    let written = app
        .store
        .write_many(&changes, &all, true, None, |_| serde_json::Value::Null);
    written.await.map_err(|fault| Error::from(fault.error))?;
    Ok(n)
}

/// What holds at a moment, and the entries that say so.
pub async fn state(
    app: &App,
    caller: &Caller,
    party: Party,
    id: i64,
    query: &ConsentQuery,
) -> Result<ConsentDoc> {
    require(caller, party.object(), Action::Read)?;
    require(caller, OBJECT, Action::Read)?;
    let own = customer_of(app, caller, party, id, Action::Read).await?;
    let as_of = query.as_of.unwrap_or_else(Timestamp::now);
    let mut entries = entries(app, caller, party, id, own).await?;
    entries.retain(|e| e.at <= as_of && e.recorded_at <= as_of);
    Ok(ConsentDoc {
        as_of,
        states: decide(&entries),
        entries,
    })
}

/// What has to be added where two people turn out to be one: whatever one of
/// them withdrew stays withdrawn, also where the other one gave it later.
pub(crate) async fn stricter(
    app: &App,
    caller: &Caller,
    party: Party,
    survivor: i64,
    loser: i64,
) -> Result<Vec<NewChange>> {
    let everything = Caller::job();
    let query = ConsentQuery::default();
    let mut states = Vec::new();
    for id in [survivor, loser] {
        match state(app, &everything, party, id, &query).await {
            Ok(doc) => states.extend(doc.states),
            // A company has none.
            Err(Error::State { .. }) => {}
            Err(problem) => return Err(problem),
        }
    }
    let mut added = Vec::new();
    let mut done: Vec<(String, String)> = Vec::new();
    for state in states.iter().filter(|s| s.state == "withdrawn") {
        let what = (state.channel.clone(), state.purpose.clone());
        let is_given = |s: &ConsentState| {
            s.state == "given"
                && s.purpose == state.purpose
                && (s.channel == state.channel || ANY == state.channel || s.channel == ANY)
        };
        if done.contains(&what) || !states.iter().any(is_given) {
            continue;
        }
        let new = NewConsent {
            channel: state.channel.clone(),
            purpose: state.purpose.clone(),
            state: "withdrawn".to_owned(),
            at: None,
            source: "merge".to_owned(),
            evidence: None,
        };
        let mut values = values(app, &everything, party, survivor, Action::Update, &new).await?;
        for (field, value) in &mut values {
            if field == "recorded_by" {
                *value = caller.actor.as_str().into();
            }
        }
        added.push(change(caller, values));
        done.push(what);
    }
    Ok(added)
}

/// The newest word decides. `any` speaks for each channel as its own word
/// does. Of two of one moment the withdrawal wins.
fn decide(entries: &[ConsentEntry]) -> Vec<ConsentState> {
    let mut channels: Vec<&str> = Vec::new();
    let mut newest: BTreeMap<(&str, &str), &ConsentEntry> = BTreeMap::new();
    for entry in entries {
        if !channels.contains(&entry.channel.as_str()) {
            channels.push(&entry.channel);
        }
    }
    let rank = |e: &ConsentEntry| (e.at, e.state == "withdrawn", e.id);
    for entry in entries {
        for channel in &channels {
            if entry.channel == *channel || entry.channel == ANY {
                let slot = newest.entry((channel, &entry.purpose)).or_insert(entry);
                if rank(entry) > rank(slot) {
                    *slot = entry;
                }
            }
        }
    }
    let state = |((channel, purpose), entry): ((&str, &str), &ConsentEntry)| ConsentState {
        channel: channel.to_owned(),
        purpose: purpose.to_owned(),
        state: entry.state.clone(),
        by: entry.id,
    };
    newest.into_iter().map(state).collect()
}

fn change(caller: &Caller, values: Vec<(String, Value)>) -> NewChange {
    NewChange {
        object: OBJECT.to_owned(),
        op: Op::Create { values },
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        module: Some(OBJECT.to_owned()),
        expected: None,
        gives_number: false,
        jobs: Vec::new(),
    }
}

async fn values(
    app: &App,
    caller: &Caller,
    party: Party,
    id: i64,
    action: Action,
    new: &NewConsent,
) -> Result<Vec<(String, Value)>> {
    let def = app.catalog.object(OBJECT)?;
    let mut faults = Vec::new();
    for (field, given) in [
        ("channel", &new.channel),
        ("purpose", &new.purpose),
        ("state", &new.state),
    ] {
        let options = def.field(field).map_or(&[][..], |f| &f.options);
        if !options.iter().any(|o| o.value == *given) {
            let all: Vec<&str> = options.iter().map(|o| o.value.as_str()).collect();
            let all = all.join(", ");
            let zh = format!("没有「{given}」；可用的有 {all}");
            let en = format!("there is no `{given}`; there are {all}");
            faults.push(FieldFault::new(field, "option", zh, en));
        }
    }
    let now = Timestamp::now();
    let at = new.at.unwrap_or(now);
    if at > now {
        let (zh, en) = ("不能在将来", "it must not be in the future");
        faults.push(FieldFault::new("at", "value", zh, en));
    }
    let source = new.source.trim();
    let evidence = new.evidence.as_deref().map(str::trim);
    if source.is_empty() {
        let (zh, en) = ("要写明来源", "say how it came");
        faults.push(FieldFault::new("source", "required", zh, en));
    }
    for (field, text) in [("source", Some(source)), ("evidence", evidence)] {
        if text.is_some_and(|t| t.chars().count() > LONGEST) {
            let zh = format!("最多 {LONGEST} 个字符");
            let en = format!("it has more than {LONGEST} characters");
            faults.push(FieldFault::new(field, "value", zh, en));
        }
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let customer = customer_of(app, caller, party, id, action).await?;
    let micros = |at: Timestamp| {
        // The store keeps no more.
        Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
    };
    let mut values = vec![
        ("customer", Value::Int(customer)),
        ("channel", new.channel.as_str().into()),
        ("purpose", new.purpose.as_str().into()),
        ("state", new.state.as_str().into()),
        ("at", Value::Instant(micros(at))),
        ("recorded_at", Value::Instant(micros(now))),
        ("recorded_by", caller.actor.as_str().into()),
        ("source", source.into()),
    ];
    if party == Party::Contact {
        values.push(("contact", Value::Int(id)));
    }
    if let Some(evidence) = evidence.filter(|e| !e.is_empty()) {
        values.push(("evidence", evidence.into()));
    }
    let owned = values.into_iter().map(|(f, v)| (f.to_owned(), v));
    Ok(owned.collect())
}

/// The customer that the person is, or belongs to, where the caller may do
/// this with the person's record.
async fn customer_of(
    app: &App,
    caller: &Caller,
    party: Party,
    id: i64,
    action: Action,
) -> Result<i64> {
    let object = party.object();
    let own = access_for(caller, object, &[Action::Read, action]);
    let record = app.store.get(object, id, &own).await?;
    let record = record.ok_or_else(|| Error::not_found(object, id))?;
    match (party, record.value("customer")) {
        (Party::Contact, Value::Int(customer)) => Ok(*customer),
        (Party::Contact, _) => Err(Error::Internal(format!("contact {id} has no customer"))),
        (Party::Customer, _) if *record.value("kind") == "person".into() => Ok(id),
        (Party::Customer, _) => Err(Error::State {
            code: "no_person",
            zh: "公司没有授权同意，它的联系人才有".to_owned(),
            en: "a company gives no consent, its contacts do".to_owned(),
        }),
    }
}

/// Newest first.
async fn entries(
    app: &App,
    caller: &Caller,
    party: Party,
    id: i64,
    customer: i64,
) -> Result<Vec<ConsentEntry>> {
    let filter = match party {
        // Also those from before a contact came to this customer.
        Party::Contact => format!("contact = {id}"),
        Party::Customer => format!("customer = {customer} and contact is null"),
    };
    let query = ListQuery {
        object: OBJECT.to_owned(),
        fields: [
            "id",
            "channel",
            "purpose",
            "state",
            "at",
            "recorded_at",
            "recorded_by",
            "source",
            "evidence",
        ]
        .map(str::to_owned)
        .to_vec(),
        filter: Some(Expr::parse_filter(&filter, &app.catalog.scope(OBJECT))?),
        sort: vec![Sort::desc("at"), Sort::desc("id")],
        limit: MAX_ENTRIES,
        ..ListQuery::default()
    };
    let page = app.store.list(&query, &access(caller, OBJECT)).await?;
    if page.next.is_some() {
        // Deciding by a part of them could be wrong.
        return Err(Error::Internal(format!(
            "more than {MAX_ENTRIES} consents of {} {id}",
            party.object()
        )));
    }
    page.rows.into_iter().map(entry).collect()
}

fn entry(row: Vec<Value>) -> Result<ConsentEntry> {
    let wrong = || Error::Internal("a consent is not whole".to_owned());
    let text = |at: usize| match &row[at] {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(wrong()),
    };
    let instant = |at: usize| match &row[at] {
        Value::Instant(at) => Ok(*at),
        _ => Err(wrong()),
    };
    let Value::Int(id) = row[0] else {
        return Err(wrong());
    };
    Ok(ConsentEntry {
        id,
        channel: text(1)?,
        purpose: text(2)?,
        state: text(3)?,
        at: instant(4)?,
        recorded_at: instant(5)?,
        recorded_by: text(6)?,
        source: text(7)?,
        evidence: text(8).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(id: i64, channel: &str, state: &str, day: &str) -> ConsentEntry {
        let at: Timestamp = format!("{day}T08:00:00Z").parse().unwrap();
        ConsentEntry {
            id,
            channel: channel.to_owned(),
            purpose: "marketing".to_owned(),
            state: state.to_owned(),
            at,
            recorded_at: at,
            recorded_by: "li".to_owned(),
            source: "form".to_owned(),
            evidence: None,
        }
    }

    #[test]
    fn the_newest_word_decides_and_a_withdrawal_wins() {
        let entries = [
            said(1, "sms", "given", "2026-01-01"),
            said(2, "any", "withdrawn", "2026-02-01"),
            said(3, "phone", "given", "2026-03-01"),
            // Of one moment, in whichever order they were recorded.
            said(5, "wechat", "withdrawn", "2026-04-01"),
            said(6, "wechat", "given", "2026-04-01"),
        ];
        let found: Vec<_> = decide(&entries)
            .into_iter()
            .map(|s| (s.channel, s.state, s.by))
            .collect();
        let is = |c: &str, s: &str, by| (c.to_owned(), s.to_owned(), by);
        assert_eq!(
            found,
            [
                is("any", "withdrawn", 2),
                is("phone", "given", 3),
                is("sms", "withdrawn", 2),
                is("wechat", "withdrawn", 5),
            ]
        );
        assert_eq!(decide(&[]), []);
    }
}
