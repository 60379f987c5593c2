//! `keji outbound`: whether a restored place may tell others, and letting it.

use clap::Subcommand;

use super::output::Output;
use super::{DONE, Place, caller, open};

#[derive(Subcommand)]
pub enum OutboundCommand {
    /// Say whether requests go out.
    Status,
    /// Let them: from now on this place tells the others.
    Release,
}

pub async fn run(place: &Place, command: OutboundCommand, output: &Output) -> anyhow::Result<u8> {
    let app = open(place).await?;
    if matches!(command, OutboundCommand::Release) {
        keji_app::webhooks::release(&app, &caller()).await?;
    }
    let is_frozen = keji_app::webhooks::is_frozen(&app, &caller()).await?;
    app.close().await;
    if output.is_json {
        output.json(&serde_json::json!({ "is_frozen": is_frozen }))?;
    } else if is_frozen {
        println!(
            "{}",
            output.say(
                "停着：这里是从备份恢复的；用 keji outbound release 放行",
                "frozen: this place was restored; keji outbound release lets requests go out",
            )
        );
    } else {
        println!("{}", output.say("对外发送正常", "requests go out"));
    }
    Ok(DONE)
}
