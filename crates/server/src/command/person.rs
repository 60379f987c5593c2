//! `keji person …` and `keji consent …`: all that there is of one person, and
//! what it consents to.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use keji_app::consent::{self, ConsentQuery, NewConsent, Party};
use keji_app::person::{self, NewErasure};
use serde_json::json;

use super::output::Output;
use super::{DONE, Place, caller, open};

#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    Contact,
    Customer,
}

impl Kind {
    fn party(self) -> Party {
        match self {
            Kind::Contact => Party::Contact,
            Kind::Customer => Party::Customer,
        }
    }
}

#[derive(Args)]
pub struct Whose {
    /// `contact` or `customer`.
    object: Kind,
    /// The record's id.
    id: i64,
}

#[derive(Subcommand)]
pub enum PersonCommand {
    /// Write everything of a person into one ZIP file.
    Export {
        #[command(flatten)]
        of: Whose,
        /// The ZIP file to write.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Erase a person's data, for good.
    Erase {
        #[command(flatten)]
        of: Whose,
        /// Why, in a few words and without the person's name.
        #[arg(long)]
        reason: String,
        /// The title of the record, to confirm.
        #[arg(long, value_name = "TITLE")]
        confirm: String,
    },
    /// List who was erased, by pseudonym.
    Erased,
}

#[derive(Subcommand)]
pub enum ConsentCommand {
    /// Show what a person consents to, now or at a moment.
    Show {
        #[command(flatten)]
        of: Whose,
        /// What was so, and was known, at this moment.
        #[arg(long, value_name = "INSTANT")]
        as_of: Option<Timestamp>,
    },
    /// Add an entry to a person's consents.
    Add(AddConsent),
    /// Add the entries of a CSV file: object,id,channel,purpose,state,at,source,evidence.
    Import {
        /// The file; all of it goes in, or nothing.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Args)]
pub struct AddConsent {
    #[command(flatten)]
    of: Whose,
    /// phone, sms, email, wechat, post, visit or any.
    #[arg(long)]
    channel: String,
    /// marketing, service, survey, profiling or sharing.
    #[arg(long)]
    purpose: String,
    /// given or withdrawn.
    #[arg(long)]
    state: String,
    /// When the person said so; absent: now.
    #[arg(long, value_name = "INSTANT")]
    at: Option<Timestamp>,
    /// How it came: form, call, contract.
    #[arg(long)]
    source: String,
    /// What shows it.
    #[arg(long)]
    evidence: Option<String>,
}

pub async fn person(place: &Place, command: PersonCommand, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    match command {
        PersonCommand::Export { of, output: path } => {
            let object = of.object.party().object();
            let n = person::export(&app, &caller(), object, of.id, &path).await?;
            match output.is_json {
                true => output.json(&json!({ "file": path, "records": n }))?,
                false => println!(
                    "{n} {} → {}",
                    output.say("条记录", "records"),
                    path.display()
                ),
            }
        }
        PersonCommand::Erase {
            of,
            reason,
            confirm,
        } => {
            let wanted = NewErasure {
                object: of.object.party().object().to_owned(),
                record: of.id,
                reason,
            };
            let done = person::erase_now(&app, &caller(), &wanted, &confirm).await?;
            match output.is_json {
                true => output.json(&done)?,
                false => {
                    println!(
                        "{}: {} {}, {} {}",
                        done.pseudonym,
                        done.n_records,
                        output.say("条记录", "records"),
                        done.n_entries,
                        output.say("条变更", "entries of the log"),
                    );
                    for name in &done.backups {
                        let said = output.say("备份里还有这个人：", "still in the backup");
                        println!("{said} {name}");
                    }
                }
            }
        }
        PersonCommand::Erased => {
            let all = person::list(&app, &caller()).await?;
            match output.is_json {
                true => output.json(&all)?,
                false => {
                    let head = ["at", "pseudonym", "object", "record"].map(str::to_owned);
                    let rows: Vec<Vec<String>> = (all.done.iter())
                        .map(|e| {
                            let (at, record) = (e.at.to_string(), e.record.to_string());
                            vec![at, e.pseudonym.clone(), e.object.clone(), record]
                        })
                        .collect();
                    output.table(&head, &rows);
                }
            }
        }
    }
    app.close().await;
    Ok(DONE)
}

pub async fn consent(
    place: &Place,
    command: ConsentCommand,
    output: &Output,
) -> anyhow::Result<u8> {
    let app = open(place).await?;
    match command {
        ConsentCommand::Show { of, as_of } => {
            let query = ConsentQuery { as_of };
            let found = consent::state(&app, &caller(), of.object.party(), of.id, &query).await?;
            match output.is_json {
                true => output.json(&found)?,
                false => {
                    let head = ["channel", "purpose", "state"].map(str::to_owned);
                    let rows: Vec<Vec<String>> = (found.states.into_iter())
                        .map(|s| vec![s.channel, s.purpose, s.state])
                        .collect();
                    output.table(&head, &rows);
                }
            }
        }
        ConsentCommand::Import { file } => {
            let n = consent::import(&app, &caller(), &file).await?;
            match output.is_json {
                true => output.json(&json!({ "entries": n }))?,
                false => println!("{n} {}", output.say("条已登记", "recorded")),
            }
        }
        ConsentCommand::Add(add) => {
            let new = NewConsent {
                channel: add.channel,
                purpose: add.purpose,
                state: add.state,
                at: add.at,
                source: add.source,
                evidence: add.evidence,
            };
            let party = add.of.object.party();
            let id = consent::record(&app, &caller(), party, add.of.id, &new).await?;
            match output.is_json {
                true => output.json(&json!({ "id": id }))?,
                false => println!("{} {id}", output.say("已登记", "recorded")),
            }
        }
    }
    app.close().await;
    Ok(DONE)
}
