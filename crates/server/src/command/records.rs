//! `keji records`: the records of any object, as the API does it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use keji_app::records::{self, ListRecords, text_form};
use keji_app::{App, Error};
use serde_json::{Map, Value as Json};

use super::output::Output;
use super::{DONE, Place, caller, open};

#[derive(Args)]
pub struct RecordsArgs {
    /// The object: customer, contact, order …
    object: String,
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
    Create(Values),
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
    let is_input = file == Path::new("-");
    let name = file.display().to_string();
    let mut text = String::new();
    match is_input {
        true => std::io::stdin().read_to_string(&mut text).map(drop),
        false => std::fs::read_to_string(file).map(|read| text = read),
    }
    .map_err(Error::named(name.clone()))?;
    serde_json::from_str(&text).map_err(|problem| Error::Argument {
        name: "--values",
        zh: format!(
            "`{name}` 不是一个 JSON 对象（第 {} 行第 {} 列）",
            problem.line(),
            problem.column()
        ),
        en: format!("`{name}` is not a JSON object: {problem}"),
    })
}

pub async fn run(place: &Place, args: RecordsArgs, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let object = &args.object;
    match args.action {
        Action::List(args) => list(&app, object, args, output).await?,
        Action::Get { id } => {
            let record = records::get(&app, &caller(), object, id).await?;
            show(&serde_json::to_value(record)?, output)?;
        }
        Action::Create(values) => {
            let values = values.read()?;
            let saved = records::create(&app, &caller(), object, &values, None).await?;
            show(&saved.body, output)?;
        }
        Action::Update {
            id,
            values,
            if_match,
        } => {
            let values = values.read()?;
            let saved = records::update(&app, &caller(), object, id, &values, if_match).await?;
            show(&serde_json::to_value(saved)?, output)?;
        }
        Action::Delete { id, if_match } => {
            records::delete(&app, &caller(), object, id, if_match).await?;
            match output.is_json {
                true => output.json(&serde_json::json!({ "deleted": id }))?,
                false => println!("{} {object} {id}", output.say("已删除", "deleted")),
            }
        }
        Action::History { id, after, limit } => {
            history(&app, object, id, after, limit, output).await?;
        }
    }
    app.close().await;
    Ok(DONE)
}

async fn list(app: &App, object: &str, args: ListArgs, output: &Output) -> anyhow::Result<()> {
    let wanted = ListRecords {
        filter: args.filter,
        search: args.search,
        sort: args.sort,
        fields: args.fields,
        limit: Some(args.limit),
        after: args.after,
        count: args.count,
    };
    let page = records::list(app, &caller(), object, &wanted).await?;
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
    object: &str,
    id: i64,
    after: Option<i64>,
    limit: u32,
    output: &Output,
) -> anyhow::Result<()> {
    let page = records::history(app, &caller(), object, id, after, Some(limit)).await?;
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
