//! `keji definitions`: whether the files that somebody wrote hold, before the
//! program starts with them.

use std::path::PathBuf;

use clap::Args;

use super::output::Output;
use super::{DIFFERS, DONE, Place};

#[derive(Args)]
pub struct DefinitionsArgs {
    /// The folder; without it, `definitions` in the data folder.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub async fn run(place: &Place, args: DefinitionsArgs, output: &Output) -> anyhow::Result<u8> {
    let folder = args
        .folder
        .unwrap_or_else(|| place.data.join("definitions"));
    let found = keji_app::definitions::check(&folder).await?;
    if output.is_json {
        output.json(&found)?;
    } else {
        for file in &found.files {
            println!("✓ {file}");
        }
        for failure in &found.failures {
            println!("✗ {failure}");
        }
        let (files, examples) = (found.files.len(), found.n_examples);
        let zh = format!("{files} 个文件和产品自带的定义一起成立，运行了 {examples} 个算例");
        let en = format!(
            "{files} files hold together with the product's own; {examples} worked examples were run"
        );
        println!("{}", output.say(&zh, &en));
    }
    Ok(match found.failures.is_empty() {
        true => DONE,
        false => DIFFERS,
    })
}
