//! `keji records`: the records of any object, as the API does it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use keji_app::records::{
    self, BulkBody, GroupRecords, ListRecords, RequestKey, RevealBody, text_form,
};
use keji_app::{App, Caller, Error};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::output::Output;
use super::{DONE, InName, NEEDS_YOU, Place, open};

#[derive(Args)]
pub struct RecordsArgs {
    /// The object: customer, contact, order …
    object: String,
    #[command(flatten)]
    name: InName,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List records.
    List(ListArgs),
    /// Show one record.
    Get {
        /// The record's id.
        id: i64,
    },
    /// Create a record.
    Create {
        #[command(flatten)]
        values: Values,
        /// A name of this request: sent again with it, the record is not made twice.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Change fields of a record.
    Update {
        /// The record's id.
        id: i64,
        #[command(flatten)]
        values: Values,
        /// Only if the record still is at this version.
        #[arg(long, value_name = "VERSION")]
        if_match: Option<i64>,
    },
    /// Delete a record that no other links to.
    Delete {
        /// The record's id.
        id: i64,
        /// Only if the record still is at this version.
        #[arg(long, value_name = "VERSION")]
        if_match: Option<i64>,
    },
    /// Create, change and delete many at once, all or none unless the file says
    /// otherwise.
    Bulk {
        /// A JSON file whose `operations` are what is to be done, as the API's
        /// description says; `-` for standard input.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// A name of this request: sent again with it, nothing is done twice.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Count records by a field, and add up a number.
    Groups {
        /// A field, also over links: stage.kind. Of a date its month.
        #[arg(long, value_name = "FIELD")]
        by: String,
        /// The number to add up.
        #[arg(long, value_name = "FIELD")]
        sum: Option<String>,
        /// A condition over the fields.
        #[arg(long = "where", value_name = "EXPR")]
        filter: Option<String>,
        /// Part of a text in the fields that are searched.
        #[arg(long)]
        search: Option<String>,
    },
    /// Show the value of a masked field; the reason stays in the log.
    Reveal {
        /// The record's id.
        id: i64,
        /// The field.
        field: String,
        /// What the value is needed for, in at least a few words.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List what happened to a record, newest first.
    History {
        /// The record's id.
        id: i64,
        /// The `next` of the page before.
        #[arg(long, value_name = "NEXT")]
        after: Option<i64>,
        /// At most so many changes.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

#[derive(Args)]
struct ListArgs {
    /// A condition over the fields, for example "city = '上海'".
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Part of a text in the fields that are searched.
    #[arg(long)]
    search: Option<String>,
    /// Fields to sort by, separated by commas, `-` for descending.
    #[arg(long, allow_hyphen_values = true, value_name = "FIELD,…")]
    sort: Option<String>,
    /// Fields to show, separated by commas, also over links: customer.name.
    #[arg(long, value_name = "FIELD,…")]
    fields: Option<String>,
    /// At most so many records.
    #[arg(long, default_value_t = 20)]
    limit: u32,
    /// The `next` of the page before.
    #[arg(long, allow_hyphen_values = true, value_name = "NEXT")]
    after: Option<String>,
    /// Also count all records that match.
    #[arg(long)]
    count: bool,
}

#[derive(Args)]
struct Values {
    /// Fields and their values; nothing behind `=` clears one. A link takes an
    /// id, or customer.number=K1.
    #[arg(value_name = "FIELD=VALUE")]
    pairs: Vec<String>,
    /// The values as a JSON object in this file, `-` for standard input; pairs
    /// come on top.
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
}

impl Values {
    fn read(&self) -> Result<Map<String, Json>, Error> {
        let mut values = match &self.values {
            Some(file) => object_of(file)?,
            None => Map::new(),
        };
        for pair in &self.pairs {
            let (field, value) = text_form(pair).ok_or_else(|| Error::Argument {
                name: "FIELD=VALUE",
                zh: format!("`{pair}` 里没有 `=`，要写成 字段=值"),
                en: format!("`{pair}` has no `=`: write field=value"),
            })?;
            values.insert(field, value);
        }
        Ok(values)
    }
}

fn object_of(file: &Path) -> Result<Map<String, Json>, Error> {
    json_of("--values", file)
}

fn json_of<T: DeserializeOwned>(option: &'static str, file: &Path) -> Result<T, Error> {
    let is_input = file == Path::new("-");
    let name = file.display().to_string();
    let mut text = String::new();
    match is_input {
        true => std::io::stdin().read_to_string(&mut text).map(drop),
        false => std::fs::read_to_string(file).map(|read| text = read),
    }
    .map_err(Error::named(name.clone()))?;
    serde_json::from_str(&text).map_err(|problem| Error::Argument {
        name: option,
        zh: format!(
            "`{name}` 里不是这条命令要的 JSON（第 {} 行第 {} 列）",
            problem.line(),
            problem.column()
        ),
        en: format!("`{name}` is not the JSON that this takes: {problem}"),
    })
}

pub async fn run(place: &Place, args: RecordsArgs, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let caller = &args.name.caller(&app).await?;
    let object = &args.object;
    let mut code = DONE;
    match args.action {
        Action::List(args) => list(&app, caller, object, args, output).await?,
        Action::Get { id } => {
            let record = records::get(&app, caller, object, id).await?;
            show(&serde_json::to_value(record)?, output)?;
        }
        Action::Create { values, key } => {
            let values = values.read()?;
            let what = format!("create {object}");
            let key = request_key(key.as_deref(), &what, &values)?;
            let saved = records::create(&app, caller, object, &values, key.as_ref()).await?;
            show(&saved.body, output)?;
        }
        Action::Update {
            id,
            values,
            if_match,
        } => {
            let values = values.read()?;
            let saved = records::update(&app, caller, object, id, &values, if_match).await?;
            show(&serde_json::to_value(saved)?, output)?;
        }
        Action::Delete { id, if_match } => {
            records::delete(&app, caller, object, id, if_match).await?;
            match output.is_json {
                true => output.json(&serde_json::json!({ "deleted": id }))?,
                false => println!("{} {object} {id}", output.say("已删除", "deleted")),
            }
        }
        Action::Bulk { file, key } => {
            let body: BulkBody = json_of("FILE", &file)?;
            let key = request_key(key.as_deref(), &format!("bulk {object}"), &body)?;
            let language = output.language;
            let (answer, _) =
                records::bulk(&app, caller, object, &body, key.as_ref(), language).await?;
            let n_failed = answer["n_failed"].as_u64().unwrap_or_default();
            bulk_done(&answer, output)?;
            code = if n_failed > 0 { NEEDS_YOU } else { DONE };
        }
        Action::Groups {
            by,
            sum,
            filter,
            search,
        } => {
            let wanted = GroupRecords {
                by,
                sum,
                filter,
                search,
                grain: None,
            };
            groups(&app, caller, object, &wanted, output).await?;
        }
        Action::Reveal { id, field, reason } => {
            let wanted = RevealBody { field, reason };
            let revealed = records::reveal(&app, caller, object, id, &wanted).await?;
            match output.is_json {
                true => output.json(&revealed)?,
                false => println!("{}", shown(&revealed.value)),
            }
        }
        Action::History { id, after, limit } => {
            history(&app, caller, object, id, after, limit, output).await?;
        }
    }
    app.close().await;
    Ok(code)
}

fn request_key(
    key: Option<&str>,
    what: &str,
    body: &impl Serialize,
) -> Result<Option<RequestKey>, Error> {
    let body = serde_json::to_string(body).unwrap_or_default();
    key.map(|key| RequestKey::new(key, what, &body)).transpose()
}

/// A [`records::BulkAnswer`].
fn bulk_done(answer: &Json, output: &Output) -> anyhow::Result<()> {
    if output.is_json {
        return output.json(answer);
    }
    let outcomes = answer["outcomes"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = outcomes
        .map(|outcome| {
            let cell = |name: &str| shown(&outcome[name]);
            let why = shown(&outcome["problem"]["detail"]);
            vec![cell("index"), cell("status"), cell("id"), why]
        })
        .collect();
    let head = output.say("序号 结果 编号 原因", "index status id reason");
    let head: Vec<String> = head.split(' ').map(str::to_owned).collect();
    output.table(&head, &rows);
    Ok(())
}

async fn groups(
    app: &App,
    caller: &Caller,
    object: &str,
    wanted: &GroupRecords,
    output: &Output,
) -> anyhow::Result<()> {
    let found = records::groups(app, caller, object, wanted, output.language).await?;
    if output.is_json {
        return output.json(&found);
    }
    let mut head = vec![wanted.by.clone(), output.say("条数", "records").to_owned()];
    head.extend(wanted.sum.clone());
    let row = |name: String, count: i64, sum: &Option<String>| {
        let mut row = vec![name, count.to_string()];
        if wanted.sum.is_some() {
            row.push(sum.clone().unwrap_or_default());
        }
        row
    };
    let mut rows: Vec<Vec<String>> = (found.groups.iter())
        .map(|group| {
            let name = group.label.clone().unwrap_or_else(|| shown(&group.value));
            row(name, group.count, &group.sum)
        })
        .collect();
    if let Some(other) = &found.other {
        let name = output.say("其他", "other").to_owned();
        rows.push(row(name, other.count, &other.sum));
    }
    output.table(&head, &rows);
    Ok(())
}

async fn list(
    app: &App,
    caller: &Caller,
    object: &str,
    args: ListArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let wanted = ListRecords {
        filter: args.filter,
        search: args.search,
        sort: args.sort,
        fields: args.fields,
        limit: Some(args.limit),
        after: args.after,
        count: args.count,
    };
    let page = records::list(app, caller, object, &wanted).await?;
    if output.is_json {
        return output.json(&page);
    }
    let mut head = vec!["id".to_owned()];
    head.extend(page.fields.iter().filter(|f| *f != "id").cloned());
    let rows: Vec<Vec<String>> = page
        .rows
        .iter()
        .map(|row| {
            let titled = |field: &String| match row.links.get(field) {
                Some(link) => link.title.clone().unwrap_or_else(|| link.id.to_string()),
                None => shown(row.values.get(field).unwrap_or(&Json::Null)),
            };
            let mut cells = vec![row.id.to_string()];
            cells.extend(head.iter().skip(1).map(titled));
            cells
        })
        .collect();
    output.table(&head, &rows);
    if let Some(total) = page.total {
        println!("{} / {total}", rows.len());
    }
    if let Some(next) = page.next {
        println!("--after '{next}'");
    }
    Ok(())
}

/// A [`records::RecordDoc`].
fn show(record: &Json, output: &Output) -> anyhow::Result<()> {
    if output.is_json {
        return output.json(record);
    }
    let line = |name: &str| vec![name.to_owned(), shown(&record[name])];
    let mut lines = vec![line("id"), line("version")];
    let values = record["values"].as_object().into_iter().flatten();
    for (field, value) in values.filter(|(_, value)| !value.is_null()) {
        let value = match record["links"][field]["title"].as_str() {
            Some(title) => format!("{} {title}", shown(value)),
            None => shown(value),
        };
        lines.push(vec![field.clone(), value]);
    }
    let head = output.say("字段 值", "field value").split(' ');
    output.table(&head.map(str::to_owned).collect::<Vec<_>>(), &lines);
    Ok(())
}

async fn history(
    app: &App,
    caller: &Caller,
    object: &str,
    id: i64,
    after: Option<i64>,
    limit: u32,
    output: &Output,
) -> anyhow::Result<()> {
    let page = records::history(app, caller, object, id, after, Some(limit)).await?;
    if output.is_json {
        return output.json(&page);
    }
    let mut rows = Vec::new();
    for change in &page.changes {
        let fields = change.after.as_ref().or(change.before.as_ref());
        let value = |side: &Option<Map<String, Json>>, field: &str| {
            let value = side.as_ref().and_then(|values| values.get(field));
            shown(value.unwrap_or(&Json::Null))
        };
        let what: Vec<String> = fields
            .into_iter()
            .flatten()
            .map(|(field, _)| {
                let (was, is) = (value(&change.before, field), value(&change.after, field));
                format!("{field}: {was} → {is}")
            })
            .collect();
        rows.push(vec![
            change.seq.to_string(),
            change.at.to_string(),
            change.actor.clone(),
            change.channel.clone(),
            change.kind.clone(),
            what.join("; "),
        ]);
    }
    let head = ["seq", "at", "actor", "channel", "kind", "changes"];
    output.table(&head.map(str::to_owned), &rows);
    if let Some(next) = page.next {
        println!("--after {next}");
    }
    Ok(())
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
