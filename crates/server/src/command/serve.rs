//! `keji serve`: the server on loopback.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use clap::Args;
use keji_app::outbound::{Allowed, Outbound};
use tokio::sync::Notify;

use super::output::Output;
use super::{DONE, Place, caller, open_with};
use crate::door::{Door, Public};
use crate::flood::{Flood, Limits};
use crate::live::Live;
use crate::routes::Shared;
use crate::worker;

/// An address; `localhost` is the one of IPv4.
fn address(text: &str) -> Result<SocketAddr, std::net::AddrParseError> {
    match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}").parse(),
        None => text.parse(),
    }
}

#[derive(Args)]
pub struct ServeArgs {
    /// Where to listen; loopback only until there are logins. Port 0 takes a
    /// free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS", value_parser = address)]
    listen: SocketAddr,
    /// Load the demo company first when the place holds nothing.
    #[arg(long)]
    demo_if_empty: bool,
    /// The address that people open, where a proxy on this machine passes
    /// requests on, such as `https://keji.example.com`.
    #[arg(long, value_name = "URL", env = "KEJI_PUBLIC_URL")]
    public_url: Option<Public>,
    /// Requests a second that one caller may send for long; ten times as many
    /// in one go. 0 is no limit.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    limit_requests: u32,
    /// Requests of one caller at the same time. 0 is no limit.
    #[arg(long, default_value_t = 64, value_name = "N")]
    limit_at_once: u32,
    /// Sign-ins a minute from one address. 0 is no limit.
    #[arg(long, default_value_t = 120, value_name = "N")]
    limit_sign_ins: u32,
    /// Answers of public forms a minute from one address; one form takes
    /// twenty times as many from all. 0 is no limit.
    #[arg(long, default_value_t = 30, value_name = "N")]
    limit_answers: u32,
    /// The largest file that is taken as an attachment, in megabytes. 0 is no
    /// limit.
    #[arg(long, default_value_t = 100, value_name = "MB")]
    limit_file: u64,
    /// Let requests of the server (webhooks, single sign-on) go to this host
    /// and port although it is not public; several with commas.
    #[arg(
        long,
        env = "KEJI_ALLOW_OUTBOUND",
        value_name = "HOST:PORT",
        value_delimiter = ','
    )]
    allow_outbound: Vec<Allowed>,
}

pub async fn run(place: Place, args: ServeArgs, output: &Output) -> anyhow::Result<u8> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "warn,sqlx=error".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    if !args.listen.ip().is_loopback() {
        let ip = args.listen.ip();
        return Err(keji_app::Error::State {
            code: "not_loopback",
            zh: format!(
                "还没有登录，所以服务只能监听本机（回环地址，如 127.0.0.1），不能监听 {ip}"
            ),
            en: format!(
                "there are no logins yet, so the server listens on loopback only, not on {ip}"
            ),
        }
        .into());
    }
    let app = open_with(&place, Outbound::new(args.allow_outbound)).await?;
    if args.demo_if_empty && keji_app::status::is_empty(&app).await? {
        eprintln!(
            "{}",
            output.say("正在装入示例公司 …", "loading the demo company …")
        );
        keji_app::demo::load(&app, &caller()).await?;
    }
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .map_err(|problem| cannot_listen(args.listen, &problem))?;
    let own = listener.local_addr()?;
    let wake = Arc::new(Notify::new());
    let open = app.clone();
    println!("Keji 客绩  http://{own}");
    if let Some(code) = keji_app::identity::setup_code(&app).await? {
        let zh = format!("首次使用：在网页上用一次性代码 {code} 建立第一个用户");
        let en = format!("first start: make the first user in the page with the code {code}");
        // Whoever reads only the address may have gone.
        let _ = writeln!(std::io::stdout(), "{}", output.say(&zh, &en));
    }
    let live = Arc::new(Live::default());
    live.begin(Shared {
        app: app.clone(),
        wake: wake.clone(),
        live: live.clone(),
        door: Arc::new(Door {
            own,
            public: args.public_url,
        }),
        flood: Arc::new(Flood::new(Limits {
            requests: args.limit_requests,
            at_once: args.limit_at_once,
            sign_ins: args.limit_sign_ins,
            answers: args.limit_answers,
        })),
        limit_file_bytes: args.limit_file.saturating_mul(1_000_000),
    });
    let work = tokio::spawn(worker::run(live.clone(), wake));
    let following = tokio::spawn(worker::follow(live.clone()));
    let keying = tokio::spawn(worker::follow_keys(live.clone()));
    let scanning = tokio::spawn(worker::scan(live.clone()));
    let telling = tokio::spawn(worker::tell(live.clone()));
    let defining = tokio::spawn(worker::define(live.clone()));
    let living = tokio::spawn(worker::live(app.clone()));
    let answering = live.clone();
    let service =
        Router::new().fallback(async move |request: Request| answering.answer(request).await);
    axum::serve(
        listener,
        service.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async move {
        stopped().await;
        // Pages that listen would keep the server waiting.
        keji_app::live::close(&open);
    })
    .await?;
    work.abort();
    following.abort();
    keying.abort();
    scanning.abort();
    telling.abort();
    living.abort();
    defining.abort();
    live.app().unwrap_or(app).close().await;
    Ok(DONE)
}

fn cannot_listen(address: SocketAddr, problem: &std::io::Error) -> keji_app::Error {
    let (zh, en) = match problem.kind() {
        ErrorKind::AddrInUse => ("已有别的程序在用", "another program uses it"),
        ErrorKind::PermissionDenied => ("没有权限", "not permitted"),
        ErrorKind::AddrNotAvailable => ("本机没有这个地址", "this machine does not have it"),
        _ => return keji_app::Error::io(address.to_string())(problem.kind().into()),
    };
    keji_app::Error::State {
        code: "cannot_listen",
        zh: format!("不能监听 {address}：{zh}；请用 --listen 换一个"),
        en: format!("cannot listen on {address}: {en}; choose another with --listen"),
    }
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
