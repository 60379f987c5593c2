//! Public forms: an administrator says what strangers are asked, and each
//! answer becomes a record of one object, written with the rights that the
//! form's owner has at that moment. Whoever answers learns what is asked and
//! nothing else; no record is read for him.
//!
//! Reading order: here (making, changing, looking), `fit` (whether a form can
//! be answered), [`answer`](mod@answer) (for strangers), `ticket`.

pub mod answer;
mod fit;
mod ticket;

use jiff::Timestamp;
use jiff::civil::Date;
use keji_schema::Value;
use keji_schema::definition::Text2;
use keji_schema::role::Admin;
use keji_store::{Access, By, Form, FormValues};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::identity;
use crate::messages::Language;
use crate::permission::{Action, Caller, require, require_admin, require_fields};

pub use answer::{AskedField, AskedForm, FormAnswer, Thanks};

const MAX_FORMS: usize = 500;
const MAX_FIELDS: usize = 60;
const MAX_TITLE: usize = 200;
const MAX_TEXT: usize = 2_000;
const MAX_ANSWERS: i64 = 1_000_000;

/// What is asked, and what becomes of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormDraft {
    /// Of what the answers become records.
    pub object: String,
    /// An empty English text stands for the Chinese one, here and below.
    pub title: Text2,
    /// What stands above the questions.
    #[serde(default)]
    pub about: Text2,
    /// What is said to whoever answered.
    #[serde(default)]
    pub thanks: Text2,
    /// In the order in which they are asked.
    pub fields: Vec<FormField>,
    /// Field to value, written with every answer and shown to nobody: the only
    /// way to a link.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub fixed: Map<String, Json>,
    #[serde(default = "yes")]
    pub is_active: bool,
    /// The last day on which it is answered.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub ends_on: Option<Date>,
    /// How many answers it takes.
    #[serde(default)]
    pub max_answers: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormField {
    pub field: String,
    /// In place of the field's own name.
    #[serde(default)]
    pub label: Option<Text2>,
    /// In place of the field's own help.
    #[serde(default)]
    pub help: Option<Text2>,
    /// Also where the object does not need it.
    #[serde(default)]
    pub is_required: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormState {
    Open,
    /// Switched off.
    Off,
    /// Its last day is over.
    Ended,
    /// It has all the answers that it takes.
    Full,
    /// It no longer fits its object, or its owner may no longer write that.
    Broken,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FormList {
    /// Newest first.
    pub forms: Vec<FormBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FormBody {
    pub id: i64,
    /// Behind `/f/` its address.
    pub token: String,
    pub draft: FormDraft,
    pub state: FormState,
    /// Why it cannot be answered, where it is broken.
    pub faults: Vec<String>,
    /// The user in whose name answers are written: who saved it last.
    pub owner: String,
    pub n_answers: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_answer_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FormMade {
    pub id: i64,
    pub token: String,
}

pub async fn list(app: &App, caller: &Caller, language: Language) -> Result<FormList> {
    require_admin(caller, Admin::Design)?;
    let mut forms = Vec::new();
    for form in app.store.forms().await? {
        forms.push(body(app, form, language).await?);
    }
    Ok(FormList { forms })
}

async fn body(app: &App, form: Form, language: Language) -> Result<FormBody> {
    let draft = draft_of(&form)?;
    let (state, faults) = fit::state(app, &form, &draft, fit::Look::Whole).await?;
    let owner = app
        .store
        .get("user", form.values.user, &Access::all())
        .await?;
    let owner = owner.and_then(|user| match user.value("name") {
        Value::Text(name) => Some(name.clone()),
        _ => None,
    });
    let faults = faults.into_iter().map(|fault| {
        let said = language.pick(&fault.zh, &fault.en);
        format!("{}: {said}", fault.field)
    });
    Ok(FormBody {
        id: form.id,
        token: form.token,
        state,
        faults: faults.collect(),
        owner: owner.unwrap_or_default(),
        n_answers: form.n_answers,
        last_answer_at: form.last_answer_at,
        created_at: form.created_at,
        draft,
    })
}

pub async fn create(app: &App, caller: &Caller, draft: FormDraft) -> Result<FormMade> {
    let values = checked(app, caller, draft).await?;
    if app.store.forms().await?.len() >= MAX_FORMS {
        return Err(Error::State {
            code: "too_many_forms",
            zh: format!("最多只能有 {MAX_FORMS} 个表单"),
            en: format!("there are {MAX_FORMS} forms, and no more are taken"),
        });
    }
    let (token, secret) = (ticket::new_token()?, ticket::new_secret()?);
    let by = by(caller);
    let id = app.store.add_form(&values, &token, &secret, by).await?;
    Ok(FormMade { id, token })
}

/// Whoever changes it becomes its owner; the address stays.
pub async fn change(app: &App, caller: &Caller, id: i64, draft: FormDraft) -> Result<()> {
    require_admin(caller, Admin::Design)?;
    if app.store.form(id).await?.is_none() {
        return Err(Error::not_found("form", id));
    }
    let values = checked(app, caller, draft).await?;
    match app.store.change_form(id, &values, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("form", id)),
    }
}

/// The records that were answered stay.
pub async fn delete(app: &App, caller: &Caller, id: i64) -> Result<()> {
    require_admin(caller, Admin::Design)?;
    match app.store.delete_form(id, by(caller)).await? {
        true => Ok(()),
        false => Err(Error::not_found("form", id)),
    }
}

async fn checked(app: &App, caller: &Caller, mut draft: FormDraft) -> Result<FormValues> {
    require_admin(caller, Admin::Design)?;
    let user = caller.user().ok_or_else(|| Error::Forbidden {
        zh: "表单以保存它的用户写入，命令行不是用户".to_owned(),
        en: "a form writes in the name of the user who saves it, and the command line is none"
            .to_owned(),
    })?;
    for field in &mut draft.fields {
        field.label = field.label.take().filter(|text| !is_empty(text));
        field.help = field.help.take().filter(|text| !is_empty(text));
    }
    let mut faults = texts(&draft);
    if let Some(n) = draft.max_answers
        && !(1..=MAX_ANSWERS).contains(&n)
    {
        let zh = format!("只能是 1 到 {MAX_ANSWERS}");
        let en = format!("it must be 1 to {MAX_ANSWERS}");
        faults.push(FieldFault::new("max_answers", "value", zh, en));
    }
    // A token may do less than its user, in whose name the form writes.
    if app.catalog.objects.contains_key(&draft.object) {
        require(caller, &draft.object, Action::Create)?;
        let asked = draft.fields.iter().map(|f| f.field.as_str());
        let names = asked.chain(draft.fixed.keys().map(String::as_str));
        require_fields(caller, &draft.object, Action::Create, names)?;
    }
    let owner = identity::caller_of_user(app, user).await?;
    faults.extend(fit::faults(app, owner.as_ref(), &draft, fit::Look::Whole).await?);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let document =
        serde_json::to_string(&draft).map_err(|problem| Error::Internal(problem.to_string()))?;
    Ok(FormValues {
        object: draft.object,
        title: draft.title.zh.trim().to_owned(),
        document,
        user,
        is_active: draft.is_active,
        max_answers: draft.max_answers,
    })
}

fn texts(draft: &FormDraft) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut fits = |name: &str, text: &Text2, most: usize| {
        if text.zh.chars().count().max(text.en.chars().count()) > most {
            let zh = format!("最多 {most} 个字符");
            let en = format!("it has more than {most} characters");
            faults.push(FieldFault::new(name, "too_long", zh, en));
        }
    };
    fits("title", &draft.title, MAX_TITLE);
    fits("about", &draft.about, MAX_TEXT);
    fits("thanks", &draft.thanks, MAX_TEXT);
    for field in &draft.fields {
        let said = field.label.iter().map(|text| (text, MAX_TITLE));
        for (text, most) in said.chain(field.help.iter().map(|text| (text, MAX_TEXT))) {
            fits(&field.field, text, most);
        }
    }
    if draft.title.zh.trim().is_empty() {
        let fault = FieldFault::new("title", "required", "必须填写", "it is required");
        faults.push(fault);
    }
    if !(1..=MAX_FIELDS).contains(&draft.fields.len()) {
        let zh = format!("要问 1 到 {MAX_FIELDS} 个字段");
        let en = format!("it must ask for 1 to {MAX_FIELDS} fields");
        faults.push(FieldFault::new("fields", "value", zh, en));
    }
    faults
}

fn is_empty(text: &Text2) -> bool {
    text.zh.trim().is_empty() && text.en.trim().is_empty()
}

/// Both languages: what is not said in one is said in the other.
fn both(text: &Text2) -> Text2 {
    let or = |a: &str, b: &str| match a.trim() {
        "" => b.trim().to_owned(),
        a => a.to_owned(),
    };
    Text2 {
        zh: or(&text.zh, &text.en),
        en: or(&text.en, &text.zh),
    }
}

fn draft_of(form: &Form) -> Result<FormDraft> {
    serde_json::from_str(&form.values.document)
        .map_err(|problem| Error::Internal(format!("form {}: {problem}", form.id)))
}

fn by(caller: &Caller) -> By<'_> {
    By {
        actor: &caller.actor,
        channel: caller.channel.id(),
        address: caller.address.as_deref(),
    }
}
