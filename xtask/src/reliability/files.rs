//! SEC-7: hostile files through both doors. As attachments they are bytes: they
//! come out as they went in, under headers by which no browser runs them, and
//! nothing is written outside their folder. As imports they go to the child
//! under its limits. The server is the same process after all of them.
//!
//! [`corpus`] has the files.

mod corpus;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use super::ground::{Ground, Home, STORES, Store};
use super::outcome::Outcome;
use super::server::{Client, Reply, Server, id};

/// Of the child that reads a workbook: what it may use, with room for the
/// program itself and a slow machine.
const CHILD_KIB: u64 = 512 * 1024;
const CHILD_TIME: Duration = Duration::from_secs(60);

/// What a browser may be told that a file is.
const INLINE: [&str; 5] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
];
const NEVER: [&str; 5] = ["html", "svg", "xml;", "script", "text/xml"];

pub fn run(ground: &Ground, tell: &mut dyn FnMut(Outcome)) {
    let mut planted = Vec::new();
    for store in STORES {
        if ground.is_sample && store == Store::Postgres {
            continue;
        }
        let name = format!("SEC-7 files, {}", store.name());
        if let Some(why) = ground.lacks(store) {
            tell(Outcome::skipped(name, why));
            continue;
        }
        tell(Outcome::of(&name, |outcome| {
            attachments(ground, store, outcome, &mut planted)
        }));
    }
    tell(Outcome::of("SEC-7 imports", |outcome| {
        imports(ground, outcome)
    }));
    tell(Outcome::of("SEC-7 formulas out and in", |outcome| {
        formulas(ground, outcome, &mut planted)
    }));
    tell(Outcome::of("SEC-7 (planted)", |outcome| {
        planted
            .drain(..)
            .for_each(|(what, checked)| outcome.planted(what, checked));
        Ok(())
    }));
}

type Planted = Vec<(&'static str, Result<()>)>;

fn attachments(
    ground: &Ground,
    store: Store,
    outcome: &mut Outcome,
    planted: &mut Planted,
) -> Result<()> {
    let home = ground.home(store)?;
    let mut server = Server::start(&mut home.serve())?;
    let client = server.client();
    let before = paths(home.folder())?;
    let large = ground.n(1_000_000, 10_000);
    for (name, bytes) in corpus::attachments(large) {
        let tried = attached(&client, &name, &bytes);
        outcome.trial(tried.with_context(|| format!("{name:?}, {} bytes", bytes.len())));
        outcome.trial(lives(&mut server).with_context(|| format!("after {name:?}")));
    }
    for id in corpus::IDS {
        let reply = client.send("GET", &format!("/api/files/{id}/content"), b"")?;
        let is_refused = (400..500).contains(&reply.status);
        let holds_ours = contains(&reply.body, b"SQLite format") || contains(&reply.body, b"root:");
        outcome.trial(held(is_refused && !holds_ours, || {
            format!("the file {id:?}: {}", reply.status)
        }));
    }
    outcome.trial(too_large(&client));
    outcome.trial(lives(&mut server).context("after a length of terabytes"));
    outcome.trial(stays_inside(&home, &before));
    outcome.trial(home.is_good());
    if store == Store::Sqlite {
        plant(&home, &client, &before, planted)?;
    }
    Ok(())
}

fn plant(
    home: &Home,
    client: &Client,
    before: &BTreeSet<String>,
    planted: &mut Planted,
) -> Result<()> {
    let stray = home.data.join("passwd");
    std::fs::write(&stray, "x")?;
    planted.push(("a file outside its folder", stays_inside(home, before)));
    std::fs::remove_file(stray)?;
    let made = client
        .send("POST", "/api/files?name=a.svg", b"<svg/>")?
        .json()?;
    let path = format!("/api/files/{}/content", made["id"]);
    for (what, from, to) in [
        ("a page inside the page", "attachment", "inline"),
        (
            "a policy without effect",
            "sandbox",
            "sandbox allow-scripts",
        ),
        ("a type that runs", "text/plain", "image/svg+xml"),
        ("a type to be guessed", "nosniff", "sniff"),
        ("a name with a path", "UTF-8''", "UTF-8''..%2F..%2F"),
    ] {
        let mut reply = client.send("GET", &path, b"")?;
        ensure!(reply.head.contains(from), "no {from} in {}", reply.head);
        reply.head = reply.head.replace(from, to);
        planted.push((what, headers_are_right(&reply)));
    }
    home.sql("update file set checksum = (select max(checksum) from file) where name = 'a.svg'")?;
    planted.push((
        "other bytes than those that came",
        came_back(client, &made["id"], b"<svg/>"),
    ));
    Ok(())
}

/// Taken and given back as it was, or refused with the name as the reason.
fn attached(client: &Client, name: &[u8], bytes: &[u8]) -> Result<()> {
    let path = format!("/api/files?name={}", encoded(name));
    let reply = client.send("POST", &path, bytes)?;
    if [400, 422].contains(&reply.status) {
        let reasons: [&[u8]; 3] = [b"name", b"UTF-8", b"U+0000"];
        let is_named = reasons.iter().any(|reason| contains(&reply.body, reason));
        return held(corpus::may_be_refused(name) && is_named, || said(&reply));
    }
    ensure!(reply.status == 201, "{}", said(&reply));
    let made = reply.json()?;
    ensure!(made["values"]["size_bytes"] == bytes.len(), "{made}");
    came_back(client, &made["id"], bytes)
}

fn came_back(client: &Client, id: &Json, bytes: &[u8]) -> Result<()> {
    let reply = client.send("GET", &format!("/api/files/{id}/content"), b"")?;
    ensure!(reply.status == 200, "{}", said(&reply));
    ensure!(reply.body == bytes, "other bytes came back");
    headers_are_right(&reply)
}

/// No browser runs it, guesses what it is, or keeps it under a name that is a
/// path.
fn headers_are_right(reply: &Reply) -> Result<()> {
    let header = |name: &str| -> Result<String> {
        let found = reply.head.lines().filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        });
        let all: Vec<String> = found.collect();
        ensure!(all.len() == 1, "{name}: {all:?}");
        Ok(all[0].clone())
    };
    let kind = header("content-type")?.to_lowercase();
    ensure!(!NEVER.iter().any(|never| kind.contains(never)), "{kind}");
    ensure!(header("x-content-type-options")? == "nosniff", "guessed");
    let policy = header("content-security-policy")?;
    let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
    ensure!(
        directives.contains(&"sandbox") && directives.contains(&"default-src 'none'"),
        "policy {policy}"
    );
    let disposition = header("content-disposition")?;
    let (how, names) = disposition.split_once(';').context("no name")?;
    ensure!(
        how == "attachment" || (how == "inline" && INLINE.contains(&kind.as_str())),
        "{how} of {kind}"
    );
    let plain = names.split('"').nth(1).context("no plain name")?;
    let whole = names.split("UTF-8''").nth(1).context("no whole name")?;
    for name in [plain.to_owned(), decoded(whole)?] {
        let is_path = name.contains(['/', '\\', '\0']) || name.starts_with('.');
        let is_trick = name
            .chars()
            .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        let stem = name.split('.').next().unwrap_or_default().to_lowercase();
        let is_device = ["con", "nul", "aux", "prn", "com1", "lpt1"].contains(&stem.as_str());
        let fits = (1..=255).contains(&name.len());
        ensure!(!is_path && !is_trick && !is_device && fits, "{name:?}");
    }
    Ok(())
}

/// A length that nobody keeps is refused at once, in words.
fn too_large(client: &Client) -> Result<()> {
    let (host, token) = (
        client.address().to_string(),
        format!("Bearer {}", client.token()),
    );
    let mut stream = std::net::TcpStream::connect(client.address())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    use std::io::{Read, Write};
    let head = format!(
        "POST /api/files?name=a HTTP/1.1\r\nhost: {host}\r\nauthorization: {token}\r\n\
         content-length: 9000000000000\r\nconnection: close\r\n\r\nx"
    );
    stream.write_all(head.as_bytes())?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    held(&start == b"HTTP/1.1 413", || {
        String::from_utf8_lossy(&start).into_owned()
    })
}

/// Everything that came since lies in the folder for bytes, under a hash.
fn stays_inside(home: &Home, before: &BTreeSet<String>) -> Result<()> {
    for path in paths(home.folder())?.difference(before) {
        let mut parts = path.rsplit('/');
        let (name, folder) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let is_hash = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        let is_content = folder.starts_with("files") && (is_hash || name == "lock");
        let is_ours = name.starts_with("keji.sqlite") || path.contains("/copy");
        let is_folder =
            name.starts_with("files") && home.folder().join(path.trim_start_matches('/')).is_dir();
        ensure!(is_content || is_ours || is_folder, "{path} came");
    }
    Ok(())
}

fn paths(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at)? {
            let path = entry?.path();
            let own = path.strip_prefix(folder)?;
            found.insert(format!("/{}", own.display()));
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    Ok(found)
}

fn imports(ground: &Ground, outcome: &mut Outcome) -> Result<()> {
    let home = ground.home(Store::Sqlite)?;
    let mut server = Server::start(&mut home.serve())?;
    let client = server.client();
    let watch = Watch::of(server.pid());
    let (columns, entries) = (ground.n(100_000, 20_000), ground.n(1_000_000, 20_000));
    for (name, bytes) in corpus::imports(columns, entries) {
        let started = Instant::now();
        let ended = imported(&client, name, &bytes);
        let took = started.elapsed();
        outcome.trial(ended.with_context(|| format!("{name}, {} bytes", bytes.len())));
        outcome.trial(lives(&mut server).with_context(|| format!("after {name}")));
        outcome.trial(held(took < CHILD_TIME + Duration::from_secs(30), || {
            format!("{name} took {took:?}")
        }));
    }
    let most = watch.most_kib();
    outcome.trial(held(most <= CHILD_KIB, || format!("a child of {most} KiB")));
    outcome.trial(home.is_good());
    outcome.trial(held(home.n_orders()? == 0, || "orders came".to_owned()));
    outcome.note(format!("the largest child had {} MiB", most / 1024));
    Ok(())
}

/// It ends: with an error, with a question, or with what it could read. No file
/// of the machine stands in what is said of it.
fn imported(client: &Client, name: &str, bytes: &[u8]) -> Result<()> {
    let path = format!("/api/imports?dry_run=true&filename={name}");
    let reply = client.send("POST", &path, bytes)?;
    if reply.status != 201 {
        return held((400..500).contains(&reply.status), || said(&reply));
    }
    let ended = client.settled(id(&reply.json()?)?, CHILD_TIME * 2)?;
    let text = ended.to_string();
    ensure!(!text.contains("root:"), "a file of the machine: {text}");
    ensure!(ended["error"]["code"] != "internal", "{text}");
    Ok(())
}

/// Cells that a spreadsheet would run come out neutral, and back as they were.
fn formulas(ground: &Ground, outcome: &mut Outcome, planted: &mut Planted) -> Result<()> {
    let home = ground.home(Store::Sqlite)?;
    let server = Server::start(&mut home.serve())?;
    let client = server.client();
    let texts = ["=1+1", "+1-1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0"];
    for text in texts {
        // Of nobody: the other place does not know the owner.
        let body = json!({ "name": text, "note": text, "user": null });
        client
            .ask("POST", "/api/records/file", &body)?
            .good()
            .with_context(|| text.to_owned())?;
    }
    let out = client.send("GET", "/api/exports/records/file?format=csv", b"")?;
    out.good()?;
    outcome.trial(no_formulas(&out.body));
    planted.push((
        "a cell that runs",
        no_formulas(&[&out.body[..], b"\r\n7,=1+1,,\r\n"].concat()),
    ));
    let other = ground.home(Store::Sqlite)?;
    let file = other.write("files.csv", &out.body)?;
    let arguments = ["import", "--object", "file"].map(OsString::from);
    other.json(arguments.into_iter().chain([file.into_os_string()]))?;
    let names = other.sql("select name from file order by id")?;
    outcome.trial(held(names == texts, || format!("came back as {names:?}")));
    Ok(())
}

/// No cell begins with what a spreadsheet takes for a formula, unless it is a
/// number.
fn no_formulas(csv: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(csv);
    for line in text.trim_start_matches('\u{feff}').lines() {
        for cell in line.split(',') {
            let cell = cell.trim_start_matches('"');
            let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            ensure!(!is_formula || cell.parse::<f64>().is_ok(), "{cell}");
        }
    }
    Ok(())
}

/// Looks at the server's children while it lives.
struct Watch {
    most_kib: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    fn of(server: u32) -> Watch {
        let watch = Watch {
            most_kib: Arc::default(),
            stop: Arc::default(),
        };
        let (most, stop) = (watch.most_kib.clone(), watch.stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let children = format!("/proc/{server}/task");
                for task in std::fs::read_dir(children).into_iter().flatten().flatten() {
                    let listed = std::fs::read_to_string(task.path().join("children"));
                    for child in listed.unwrap_or_default().split_whitespace() {
                        let status = std::fs::read_to_string(format!("/proc/{child}/status"));
                        let status = status.unwrap_or_default();
                        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
                        let kib = peak.and_then(|l| l.split_whitespace().next()?.parse().ok());
                        most.fetch_max(kib.unwrap_or(0), Ordering::Relaxed);
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        watch
    }

    fn most_kib(&self) -> u64 {
        self.most_kib.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The very process that was started.
fn lives(server: &mut Server) -> Result<()> {
    held(server.is_alive(), || "the server is gone".to_owned())
}

fn held(holds: bool, why: impl FnOnce() -> String) -> Result<()> {
    ensure!(holds, "{}", why());
    Ok(())
}

fn said(reply: &Reply) -> String {
    let body = String::from_utf8_lossy(&reply.body);
    let body: String = body.chars().take(300).collect();
    format!("{}: {body}", reply.status)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("%{b:02X}")).collect()
}

fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()].map(Option::unwrap_or_default);
                u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?
            }
            other => other,
        });
    }
    Ok(String::from_utf8(bytes)?)
}
