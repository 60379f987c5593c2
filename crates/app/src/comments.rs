//! What colleagues say of a record to each other. Whoever sees the record sees
//! its comments and may add one; whoever is named with `@`, who it belongs to
//! and who spoke before is told, as far as he sees the record himself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keji_schema::Value;
use keji_store::{Access, Comment, NewComment, NewNotification, NotificationKind, ScanQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::context::App;
use crate::error::{Error, FieldFault, Result};
use crate::identity;
use crate::permission::{Action, Caller, access, may, require};
use crate::records;

/// Characters of one comment.
const MAX_TEXT: usize = 5_000;
/// Comments in one page.
const PAGE: u32 = 50;
/// Of the people who are offered while one types.
const OFFERED: usize = 8;
/// People who are asked whether they see the record, to offer some of them.
const ASKED: usize = 80;

#[derive(Debug, Serialize, ToSchema)]
pub struct CommentList {
    /// Oldest first.
    pub comments: Vec<CommentBody>,
    /// Where the page of older ones begins; null at the first comment.
    pub before: Option<i64>,
    pub may_write: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CommentBody {
    pub id: i64,
    pub author: PersonBody,
    pub text: String,
    /// Who is named in the text, whether he could be told or not.
    pub mentions: Vec<PersonBody>,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub edited_at: Option<Timestamp>,
    /// Whether the caller wrote it, and may change it and take it back.
    pub is_own: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonBody {
    /// Null of the command line.
    pub id: Option<i64>,
    pub login: String,
    pub name: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentText {
    /// 1 to 5000 characters; `@` with a sign-in name tells that person.
    pub text: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CommentSaved {
    pub comment: CommentBody,
    /// Who is named and cannot see the record, so that he is told nothing.
    pub unreached: Vec<PersonBody>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CommentQuery {
    /// The `before` of the page with newer ones.
    pub before: Option<i64>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeopleQuery {
    /// Part of a name or sign-in name; all without it.
    #[serde(default)]
    pub q: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleList {
    pub people: Vec<PersonBody>,
}

/// The newest comments of a record that the caller sees.
pub async fn list(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    query: &CommentQuery,
) -> Result<CommentList> {
    records::require_seen(app, caller, object, id).await?;
    let mut found = (app.store)
        .comments(object, id, query.before, PAGE + 1)
        .await?;
    let has_more = found.len() > PAGE as usize;
    if has_more {
        found.remove(0);
    }
    let people = People::of(app).await?;
    Ok(CommentList {
        before: found.first().map(|c| c.id).filter(|_| has_more),
        comments: found.into_iter().map(|c| people.body(caller, c)).collect(),
        may_write: require_voice(caller, object).is_ok(),
    })
}

pub async fn add(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    new: &CommentText,
) -> Result<CommentSaved> {
    require_voice(caller, object)?;
    records::require_seen(app, caller, object, id).await?;
    let text = checked(&new.text)?;
    let people = People::of(app).await?;
    let (told, unreached) = audience(app, caller, &people, object, id, &text).await?;
    let new = of(caller, object, id, text, told);
    let made = app.store.add_comment(&new, &access(caller, object)).await?;
    Ok(CommentSaved {
        comment: people.body(caller, made),
        unreached,
    })
}

/// Changes one's own comment. Whoever was told of it is not told again.
pub async fn change(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    comment: i64,
    new: &CommentText,
) -> Result<CommentSaved> {
    require_voice(caller, object)?;
    records::require_seen(app, caller, object, id).await?;
    let text = checked(&new.text)?;
    let people = People::of(app).await?;
    let (mut told, unreached) = audience(app, caller, &people, object, id, &text).await?;
    told.retain(|t| t.kind == NotificationKind::Mention);
    let new = of(caller, object, id, text, told);
    let changed = (app.store)
        .change_comment(comment, &new, &access(caller, object))
        .await
        .map_err(gone)?;
    Ok(CommentSaved {
        comment: people.body(caller, changed),
        unreached,
    })
}

/// Takes back one's own comment.
pub async fn delete(app: &App, caller: &Caller, object: &str, id: i64, comment: i64) -> Result<()> {
    require_voice(caller, object)?;
    records::require_seen(app, caller, object, id).await?;
    let by = of(caller, object, id, String::new(), Vec::new());
    let access = access(caller, object);
    let deleted = app.store.delete_comment(comment, &by, &access).await;
    deleted.map_err(gone)
}

/// Of somebody else's comment nothing more is said than that it is not there.
fn gone(problem: keji_store::Error) -> Error {
    match problem {
        keji_store::Error::Missing { kind, id } => Error::not_found(kind, id),
        other => other.into(),
    }
}

/// Who may be named in a comment on a record: only who sees it.
pub async fn people(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    query: &PeopleQuery,
) -> Result<PeopleList> {
    records::require_seen(app, caller, object, id).await?;
    let all = People::of(app).await?;
    let part = query.q.trim().to_lowercase();
    let fitting = all.by_id.values().filter(|p| {
        p.is_active
            && Some(p.id) != caller.user()
            && (p.login.contains(&part) || p.name.to_lowercase().contains(&part))
    });
    let mut people = Vec::new();
    for person in fitting.take(ASKED) {
        if sees(app, person.id, object, id).await? {
            people.push(person.body());
        }
        if people.len() == OFFERED {
            break;
        }
    }
    Ok(PeopleList { people })
}

/// Forgets what was said of records that are no more and cannot come back.
pub async fn sweep(app: &App) -> Result<()> {
    let kept = jiff::SignedDuration::from_hours(24 * keji_store::UNDO_DAYS);
    app.store.sweep_comments(Timestamp::now() - kept).await?;
    Ok(())
}

/// Of a token with narrower rights it takes that it may change such records.
/// Others need only see the record: who may not change it has a word, too.
fn require_voice(caller: &Caller, object: &str) -> Result<()> {
    match caller.is_limited {
        true => require(caller, object, Action::Update),
        false => Ok(()),
    }
}

/// Whether a user sees a record.
async fn sees(app: &App, user: i64, object: &str, id: i64) -> Result<bool> {
    let Some(caller) = identity::caller_of_user(app, user).await? else {
        return Ok(false);
    };
    if !may(&caller, object, Action::Read) {
        return Ok(false);
    }
    let found = app.store.get(object, id, &access(&caller, object)).await?;
    Ok(found.is_some())
}

fn checked(text: &str) -> Result<String> {
    let text = text.trim();
    let fault = |code, zh: String, en: String| Err(FieldFault::new("text", code, zh, en).into());
    if text.is_empty() {
        let (zh, en) = ("请写点内容", "write something");
        return fault("required", zh.to_owned(), en.to_owned());
    }
    if text.chars().count() > MAX_TEXT {
        return fault(
            "too_long",
            format!("最多 {MAX_TEXT} 个字"),
            format!("at most {MAX_TEXT} characters"),
        );
    }
    if text.contains('\0') {
        let (zh, en) = ("不能含有零字符", "it holds a zero character");
        return fault("value", zh.to_owned(), en.to_owned());
    }
    Ok(text.to_owned())
}

fn of(
    caller: &Caller,
    object: &str,
    record: i64,
    text: String,
    told: Vec<NewNotification>,
) -> NewComment {
    NewComment {
        object: object.to_owned(),
        record,
        user: caller.user(),
        actor: caller.actor.clone(),
        channel: caller.channel.id().to_owned(),
        text,
        told,
    }
}

/// Who is told of a comment, and who is named in vain.
async fn audience(
    app: &App,
    caller: &Caller,
    people: &People,
    object: &str,
    id: i64,
    text: &str,
) -> Result<(Vec<NewNotification>, Vec<PersonBody>)> {
    let mut told: BTreeMap<i64, NotificationKind> = BTreeMap::new();
    let mut unreached = Vec::new();
    for user in people.named(text) {
        if Some(user) == caller.user() {
            continue;
        }
        match sees(app, user, object, id).await? {
            true => drop(told.insert(user, NotificationKind::Mention)),
            false => unreached.extend(people.by_id.get(&user).map(Person::body)),
        }
    }
    let mut others: BTreeSet<i64> = app
        .store
        .commenters(object, id)
        .await?
        .into_iter()
        .collect();
    // Whoever it belongs to is told, also by whom his name is not to be seen.
    let record = app.store.get(object, id, &Access::all()).await?;
    if let Some(Value::Int(owner)) = record.as_ref().map(|r| r.value("user"))
        && records::is_owned(app, object)
    {
        others.insert(*owner);
    }
    for user in others {
        let is_new = Some(user) != caller.user() && !told.contains_key(&user);
        if is_new && sees(app, user, object, id).await? {
            told.insert(user, NotificationKind::Comment);
        }
    }
    let told = told.into_iter();
    let told = told.map(|(user, kind)| NewNotification { user, kind });
    Ok((told.collect(), unreached))
}

struct Person {
    id: i64,
    login: String,
    name: String,
    is_active: bool,
}

impl Person {
    fn body(&self) -> PersonBody {
        PersonBody {
            id: Some(self.id),
            login: self.login.clone(),
            name: self.name.clone(),
        }
    }
}

/// Everybody who has or had an account.
pub(crate) struct People {
    by_id: BTreeMap<i64, Person>,
}

impl People {
    pub(crate) async fn of(app: &App) -> Result<People> {
        let query = ScanQuery {
            object: "user".to_owned(),
            fields: ["id", "login", "name", "is_active"]
                .map(str::to_owned)
                .into(),
            ..ScanQuery::default()
        };
        let mut by_id = BTreeMap::new();
        // Names of colleagues are everybody's to see.
        app.store
            .scan(&query, &Access::all(), |row| -> Result<()> {
                if let [
                    Value::Int(id),
                    Value::Text(login),
                    Value::Text(name),
                    is_active,
                ] = row
                {
                    let person = Person {
                        id: *id,
                        login: login.clone(),
                        name: name.clone(),
                        is_active: is_active == &Value::Bool(true),
                    };
                    by_id.insert(*id, person);
                }
                Ok(())
            })
            .await?;
        Ok(People { by_id })
    }

    /// The name of whoever signs in so; that itself where nobody does.
    pub(crate) fn name_of(&self, login: &str) -> String {
        let mut all = self.by_id.values();
        let found = all.find(|p| p.login == login);
        found.map_or_else(|| login.to_owned(), |p| p.name.clone())
    }

    fn body(&self, caller: &Caller, comment: Comment) -> CommentBody {
        let author = comment.user.and_then(|user| self.by_id.get(&user));
        let mentions = self.named(&comment.text).into_iter();
        let is_own = comment.user == caller.user()
            && (comment.user.is_some() || comment.actor == caller.actor);
        CommentBody {
            id: comment.id,
            author: author.map_or_else(
                || PersonBody {
                    id: None,
                    login: comment.actor.clone(),
                    name: comment.actor.clone(),
                },
                Person::body,
            ),
            mentions: mentions
                .filter_map(|user| self.by_id.get(&user).map(Person::body))
                .collect(),
            text: comment.text,
            at: comment.at,
            edited_at: comment.edited_at,
            is_own,
        }
    }

    /// Active users behind an `@`, by sign-in name or by a name that only one
    /// of them has; the longest that fits, because no space ends a Chinese one.
    fn named(&self, text: &str) -> Vec<i64> {
        let active: Vec<&Person> = self.by_id.values().filter(|p| p.is_active).collect();
        let mut words: Vec<(String, i64)> = Vec::new();
        for person in &active {
            words.push((person.login.to_lowercase(), person.id));
            let name = person.name.to_lowercase();
            let alike = active.iter().filter(|p| p.name.to_lowercase() == name);
            if alike.count() == 1 && active.iter().all(|p| p.login != name) {
                words.push((name, person.id));
            }
        }
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.chars().count()));
        named_in(text, &words)
    }
}

/// `words`: the longest first.
fn named_in(text: &str, words: &[(String, i64)]) -> Vec<i64> {
    let text = text.to_lowercase().replace('＠', "@");
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        // The sign within a mail address names nobody.
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
            continue;
        }
        let behind = &text[at + 1..];
        let fits = |word: &str| {
            let rest = behind.strip_prefix(word);
            rest.is_some_and(|rest| !goes_on(word, rest))
        };
        if let Some((_, user)) = words.iter().find(|(word, _)| fits(word))
            && !found.contains(user)
        {
            found.push(*user);
        }
    }
    found
}

/// Whether the word that was cut off here is a longer one: `@li` is not in
/// `@lina`, nor in `@li.na`, but before a full stop.
fn goes_on(word: &str, rest: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !word.chars().next_back().is_some_and(is_letter) {
        return false;
    }
    let mut rest = rest.chars();
    match rest.next() {
        Some('.' | '@') => rest.next().is_some_and(is_letter),
        Some(c) => is_letter(c),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_by_the_longest_name_that_fits() {
        let words = [
            ("lina.wang", 1),
            ("lina", 2),
            ("王小明", 3),
            ("王小", 4),
            ("li", 5),
        ];
        let words = words.map(|(word, id)| (word.to_owned(), id));
        for (text, wanted) in [
            ("@lina please look", vec![2]),
            ("@LINA.wang, and @li.", vec![1, 5]),
            ("ask lina@example.com", vec![]),
            ("请@王小明看一下，＠王小也看", vec![3, 4]),
            ("@linas @lin @li-x", vec![]),
            ("@lina @lina", vec![2]),
            ("(@li)", vec![5]),
        ] {
            assert_eq!(named_in(text, &words), wanted, "{text}");
        }
    }
}
