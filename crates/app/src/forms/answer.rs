//! For whoever has a form's address: what is asked, and the answer. Neither
//! says more of the place than the form does.

use jiff::Timestamp;
use keji_schema::definition::{FieldDef, OptionDef, Text2};
use keji_store::Form;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::ticket::{self, Refused};
use super::{FormDraft, FormState, both, draft_of, fit};
use crate::context::App;
use crate::error::{Error, FieldFault, RecordProblem, Result};
use crate::identity;
use crate::records::{self, RequestKey};

/// What somebody is asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedForm {
    pub title: Text2,
    pub about: Text2,
    pub state: AskedState,
    /// None where it is not open.
    pub fields: Vec<AskedField>,
    /// Sent back with the answer; for one answer.
    pub ticket: Option<String>,
    /// How long after that an answer is taken.
    pub wait_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskedState {
    Open,
    Ended,
    Full,
    Closed,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AskedField {
    pub id: String,
    /// As of an object's field; never `link`.
    #[serde(rename = "type")]
    pub kind: String,
    pub label: Text2,
    pub help: Option<Text2>,
    pub is_required: bool,
    /// Of a choice.
    pub options: Vec<OptionDef>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormAnswer {
    /// As it came with the questions.
    pub ticket: String,
    /// Field to value, as a record has them.
    #[schema(value_type = Object)]
    pub values: Map<String, Json>,
    /// People do not see it: whoever fills it in is a program.
    #[serde(default)]
    pub website: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Thanks {
    pub thanks: Text2,
}

/// What the form asks; an address that nobody gave out is unknown, whatever it
/// looks like.
pub async fn ask(app: &App, token: &str) -> Result<AskedForm> {
    let form = known(app, token).await?;
    let draft = draft_of(&form)?;
    let (state, _) = fit::state(app, &form, &draft, fit::Look::Plain).await?;
    let is_open = state == FormState::Open;
    Ok(AskedForm {
        title: both(&draft.title),
        about: both(&draft.about),
        state: match state {
            FormState::Open => AskedState::Open,
            FormState::Ended => AskedState::Ended,
            FormState::Full => AskedState::Full,
            FormState::Off | FormState::Broken => AskedState::Closed,
        },
        fields: match is_open {
            true => asked(app, &draft),
            false => Vec::new(),
        },
        ticket: match is_open {
            true => Some(ticket::issue(&form.secret, Timestamp::now())?),
            false => None,
        },
        wait_ms: ticket::WAIT_MS,
    })
}

fn asked(app: &App, draft: &FormDraft) -> Vec<AskedField> {
    let def = app.catalog.objects.get(&draft.object);
    let fields = draft.fields.iter().filter_map(|asked| {
        let field = def?.field(&asked.field)?;
        let help = asked.help.as_ref().or(field.help.as_ref());
        Some(AskedField {
            id: field.id.clone(),
            kind: kind_of(field),
            label: both(asked.label.as_ref().unwrap_or(&field.name)),
            help: help.map(both),
            is_required: asked.is_required || field.required,
            options: field.options.clone(),
        })
    });
    fields.collect()
}

/// As objects say it.
fn kind_of(field: &FieldDef) -> String {
    let kind = serde_json::to_value(field.kind).unwrap_or_default();
    kind.as_str().unwrap_or_default().to_owned()
}

/// Writes an answer: a record whose history says that it came by a form. The
/// same answer once more has no second effect.
pub async fn answer(app: &App, token: &str, wanted: &FormAnswer) -> Result<Thanks> {
    let form = known(app, token).await?;
    let draft = draft_of(&form)?;
    let (state, _) = fit::state(app, &form, &draft, fit::Look::Plain).await?;
    // One that is full now may have the very answer that comes again.
    if !matches!(state, FormState::Open | FormState::Full) {
        return Err(closed());
    }
    if !wanted.website.is_empty() {
        let zh = "这一栏要留空；自动填写的程序不能提交";
        let en = "it has to stay empty: programs that fill in everything are not taken";
        return Err(FieldFault::new("website", "robot", zh, en).into());
    }
    let name = match ticket::take(&form.secret, &wanted.ticket, Timestamp::now())? {
        Ok(name) => name,
        Err(Refused::Early(ms)) => {
            let seconds = u64::try_from((ms + 999) / 1000).unwrap_or(1);
            return Err(Error::TooMany { seconds });
        }
        Err(Refused::Old | Refused::NotOurs) => {
            let zh = "这一页打开得太久了：请刷新后再提交";
            let en = "the page was open for too long: reload it and send again";
            return Err(FieldFault::new("ticket", "ticket", zh, en).into());
        }
    };
    let mut faults = Vec::new();
    for name in wanted.values.keys() {
        if !draft.fields.iter().any(|asked| asked.field == *name) {
            let (zh, en) = ("表单没有问这一项", "the form does not ask for it");
            faults.push(FieldFault::new(name, "unknown_field", zh, en));
        }
    }
    for asked in draft.fields.iter().filter(|asked| asked.is_required) {
        let given = wanted.values.get(&asked.field).unwrap_or(&Json::Null);
        let is_blank = given.as_str().is_some_and(|text| text.trim().is_empty());
        if given.is_null() || is_blank {
            let (zh, en) = ("必须填写", "it is required");
            faults.push(FieldFault::new(&asked.field, "required", zh, en));
        }
    }
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let owner = identity::caller_of_user(app, form.values.user).await?;
    let owner = owner.ok_or_else(closed)?.by_form();
    let mut values = draft.fixed.clone();
    values.extend(wanted.values.clone());
    let body = Json::Object(wanted.values.clone()).to_string();
    let key = RequestKey::new(&name, "answer", &body)?;
    records::answer(app, &owner, &draft.object, &values, form.id, &key)
        .await
        .map_err(|problem| told(&draft, problem))?;
    Ok(Thanks {
        thanks: both(&draft.thanks),
    })
}

async fn known(app: &App, token: &str) -> Result<Form> {
    let found = match ticket::is_token(token) {
        true => app.store.form_of_token(token).await?,
        false => None,
    };
    found.ok_or_else(|| Error::not_found("form", token))
}

fn closed() -> Error {
    Error::State {
        code: "form_closed",
        zh: "这个表单已经关闭，您填的内容没有提交".to_owned(),
        en: "this form is closed; what you filled in was not sent".to_owned(),
    }
}

/// What kept an answer from being written, in words that are about what was
/// asked: all else is the place's own business, and the form is closed.
fn told(draft: &FormDraft, problem: Error) -> Error {
    use keji_store::Error as E;
    let is_asked = |field: &str| draft.fields.iter().any(|asked| asked.field == field);
    match problem {
        Error::Record(told) if told.code == "key_reused" => Error::State {
            code: "form_sent",
            zh: "这一份已经提交过了；要再填一份，请刷新页面".to_owned(),
            en: "this one was sent already: to send another, reload the page".to_owned(),
        },
        Error::Record(told) if told.code == "fields" => {
            let RecordProblem { fields, .. } = *told;
            // A rule says in its own words what has to hold.
            let is_theirs = |fault: &FieldFault| is_asked(&fault.field) || fault.code == "rule";
            if !fields.iter().all(is_theirs) {
                return closed();
            }
            let named = fields
                .into_iter()
                .map(|fault| match is_asked(&fault.field) {
                    true => fault,
                    // Beside none of the questions.
                    false => FieldFault {
                        field: "form".to_owned(),
                        ..fault
                    },
                });
            named.collect::<Vec<_>>().into()
        }
        Error::Record(_) | Error::Forbidden { .. } | Error::NotFound { .. } => closed(),
        Error::Store(E::Missing { .. } | E::OutOfReach { .. } | E::Refused { .. }) => closed(),
        other => other,
    }
}
