//! `keji file …`: the bytes of files. Their records are `keji records file`'s.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use keji_app::records::files::{self, Target, Upload};
use keji_app::{App, Error};
use serde_json::{Map, Value as Json, json};

use super::output::Output;
use super::{DONE, Place, caller, open};

/// Read at once.
const PORTION: usize = 256 << 10;

#[derive(Subcommand)]
pub enum FileCommand {
    /// Keep a file with a new record.
    Add(Add),
    /// Write the content of a file to the disk.
    Get {
        /// The record's id.
        id: i64,
        /// Where to; without it under its own name in the present folder.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Put another content in the place of a file's.
    Replace {
        /// The record's id.
        id: i64,
        /// The file to keep.
        #[arg(value_name = "FILE")]
        path: PathBuf,
    },
}

#[derive(Args)]
pub struct Add {
    /// The file to keep.
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Its name; without it as the file is called.
    #[arg(long)]
    name: Option<String>,
    /// Id of the customer; without it that of the contract, ticket or contact.
    #[arg(long, value_name = "ID")]
    customer: Option<i64>,
    /// Id of the contract.
    #[arg(long, value_name = "ID")]
    contract: Option<i64>,
    /// Id of the ticket.
    #[arg(long, value_name = "ID")]
    ticket: Option<i64>,
    /// Id of the contact.
    #[arg(long, value_name = "ID")]
    contact: Option<i64>,
    /// A remark.
    #[arg(long)]
    note: Option<String>,
}

impl Add {
    fn values(&self) -> Map<String, Json> {
        let own = self.path.file_name().unwrap_or_default().to_string_lossy();
        let name = self.name.clone().unwrap_or_else(|| own.into_owned());
        let all = [
            ("name", json!(name)),
            ("customer", json!(self.customer)),
            ("contract", json!(self.contract)),
            ("ticket", json!(self.ticket)),
            ("contact", json!(self.contact)),
            ("note", json!(self.note)),
        ];
        let given = all.into_iter().filter(|(_, value)| !value.is_null());
        given.map(|(id, value)| (id.to_owned(), value)).collect()
    }
}

pub async fn file(place: &Place, command: FileCommand, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    let saved = match command {
        FileCommand::Add(add) => {
            let target = Target::New(add.values());
            Some(kept(&app, target, &add.path).await?)
        }
        FileCommand::Replace { id, path } => {
            let target = Target::Record { id, expected: None };
            Some(kept(&app, target, &path).await?)
        }
        FileCommand::Get { id, output: to } => {
            let content = files::open(&app, &caller(), id).await?;
            let to = to.unwrap_or_else(|| PathBuf::from(&content.name));
            written(content.file, &to)?;
            match output.is_json {
                true => output.json(&json!({ "file": to, "bytes": content.bytes }))?,
                false => println!("{}", to.display()),
            }
            None
        }
    };
    if let Some(record) = saved {
        match output.is_json {
            true => output.json(&record)?,
            false => println!(
                "{} {}: {} {}",
                output.say("附件", "file"),
                record["id"],
                record["values"]["size_bytes"],
                output.say("字节", "bytes")
            ),
        }
    }
    app.close().await;
    Ok(DONE)
}

/// The record, with the bytes of the file on this disk.
async fn kept(app: &App, target: Target, path: &Path) -> anyhow::Result<Json> {
    let named = || Error::named(path.display().to_string());
    let mut file = std::fs::File::open(path).map_err(named())?;
    let mut upload = Upload::begin(app, &caller(), target, None, None).await?;
    let mut portion = vec![0; PORTION];
    loop {
        let n = file.read(&mut portion).map_err(named())?;
        if n == 0 {
            break;
        }
        upload.write(&portion[..n]).await?;
    }
    Ok(upload.finish(app, &caller(), None).await?.body)
}

/// Never over a file that is there.
fn written(mut content: std::fs::File, to: &Path) -> Result<(), Error> {
    let named = || Error::named(to.display().to_string());
    let mut file = std::fs::File::create_new(to).map_err(named())?;
    let copied = std::io::copy(&mut content, &mut file).and_then(|_| file.flush());
    copied.map_err(|e| {
        let _ = std::fs::remove_file(to);
        named()(e)
    })
}
