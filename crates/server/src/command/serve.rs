//! `keji serve`: the server on loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use tokio::sync::Notify;

use super::{DONE, Place, caller, open};
use crate::routes::Shared;
use crate::{http, worker};

#[derive(Args)]
pub struct ServeArgs {
    /// Where to listen; loopback only until there are logins. Port 0 takes a
    /// free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Load the demo company first when the place holds nothing.
    #[arg(long)]
    demo_if_empty: bool,
}

pub async fn run(place: Place, args: ServeArgs) -> anyhow::Result<u8> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "warn,sqlx=error".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    if !args.listen.ip().is_loopback() {
        bail!(
            "there are no logins yet, so the server listens on loopback only, not on {}",
            args.listen.ip()
        );
    }
    let app = open(&place).await?;
    if args.demo_if_empty && keji_app::status::is_empty(&app).await? {
        eprintln!("loading the demo company / 正在装入示例公司 …");
        keji_app::demo::load(&app, &caller()).await?;
    }
    if let Err(problem) = keji_app::import::sweep(&app) {
        tracing::warn!(error = ?problem, "old files are left to the next start");
    }
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let own = listener.local_addr()?;
    let wake = Arc::new(Notify::new());
    let work = tokio::spawn(worker::run(app.clone(), wake.clone()));
    println!("Keji 客绩  http://{own}");
    axum::serve(
        listener,
        http::router(
            Shared {
                app: app.clone(),
                wake,
            },
            own,
        ),
    )
    .with_graceful_shutdown(stopped())
    .await?;
    work.abort();
    app.close().await;
    Ok(DONE)
}

/// Ctrl-C or SIGTERM.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
