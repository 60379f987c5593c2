//! Databases for tests: a fresh SQLite folder, and a fresh database on a
//! PostgreSQL server that is found or started here. For tests only.
//!
//! `KEJI_TEST_POSTGRES` (a URL) names a server to use. Otherwise a cluster of
//! its own is started on a free port of the loopback, as an unprivileged user,
//! and stopped when the last test that uses it ends.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::store::Location;

/// A database that goes away with this value.
pub struct Place {
    pub location: Location,
    /// The data folder.
    pub folder: std::path::PathBuf,
    _guard: Guard,
    _folder: Option<tempfile::TempDir>,
}

#[allow(dead_code)] // Held, never read.
enum Guard {
    Folder(tempfile::TempDir),
    Cluster(Arc<Cluster>),
    Server(Dropped),
}

/// Every kind of database that this machine has.
pub async fn places() -> Vec<Place> {
    let mut all = vec![sqlite()];
    all.extend(postgres().await);
    all
}

pub fn sqlite() -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Place {
        location: Location::Folder(folder.path().to_owned()),
        folder: folder.path().to_owned(),
        _guard: Guard::Folder(folder),
        _folder: None,
    }
}

fn on_server(location: Location, guard: Guard) -> Place {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Place {
        location,
        folder: folder.path().to_owned(),
        _guard: guard,
        _folder: Some(folder),
    }
}

/// `None`, with a line about it, where there is no PostgreSQL; where `CI` is
/// set that is a failure.
pub async fn postgres() -> Option<Place> {
    if let Ok(url) = std::env::var("KEJI_TEST_POSTGRES") {
        let name = create_database(&url).await;
        let guard = Guard::Server(Dropped {
            url: url.clone(),
            name: name.clone(),
        });
        return Some(on_server(
            Location::Postgres(with_database(&url, &name)),
            guard,
        ));
    }
    let Some(cluster) = shared_cluster() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no PostgreSQL on this machine, but CI needs it"
        );
        println!("no PostgreSQL on this machine: only SQLite is tested");
        return None;
    };
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", cluster.port);
    let name = create_database(&url).await;
    let location = Location::Postgres(with_database(&url, &name));
    Some(on_server(location, Guard::Cluster(cluster)))
}

/// Changes something past the program, as somebody might who has the database.
pub async fn by_hand(location: &Location, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match location {
        Location::Folder(folder) => {
            let file = folder.join("keji.sqlite");
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut conn = options.connect().await.expect("the database of the place");
            sqlx::raw_sql(sql)
                .execute(&mut conn)
                .await
                .expect("a statement");
            let _ = conn.close().await;
        }
        Location::Postgres(url) => {
            let options: sqlx::postgres::PgConnectOptions = url.parse().expect("a PostgreSQL URL");
            let mut conn = options.connect().await.expect("the database of the place");
            conn.execute(sqlx::raw_sql(sql)).await.expect("a statement");
            let _ = conn.close().await;
        }
    }
}

async fn create_database(url: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("keji_test_{}_{n}", std::process::id());
    run(url, format!("create database {name}")).await;
    name
}

async fn run(url: &str, sql: String) {
    let options: sqlx::postgres::PgConnectOptions = url.parse().expect("a PostgreSQL URL");
    let mut conn = options
        .connect()
        .await
        .expect("a connection to the test server");
    conn.execute(AssertSqlSafe(sql))
        .await
        .expect("the right to create databases");
    let _ = conn.close().await;
}

fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url
        .split_once('?')
        .map_or((url, None), |(a, o)| (a, Some(o)));
    let server = match address.match_indices('/').nth(2) {
        Some((at, _)) => &address[..at],
        None => address,
    };
    let options = options.map(|o| format!("?{o}")).unwrap_or_default();
    format!("{server}/{name}{options}")
}

/// Drops a database of a server that is not ours.
struct Dropped {
    url: String,
    name: String,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                runtime.block_on(run(
                    &url,
                    format!("drop database if exists {name} with (force)"),
                ));
            }
        });
        let _ = dropping.join();
    }
}

struct Cluster {
    port: u16,
    pid: u32,
    /// Ends when the server has ended.
    keeper: Option<thread::JoinHandle<()>>,
    folder: PathBuf,
}

/// The cluster of this process: started by the first test that asks, stopped
/// with the last that holds it.
fn shared_cluster() -> Option<Arc<Cluster>> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(cluster) = shared.upgrade() {
        return Some(cluster);
    }
    let cluster = Arc::new(start(&newest_binaries()?));
    *shared = Arc::downgrade(&cluster);
    Some(cluster)
}

fn newest_binaries() -> Option<PathBuf> {
    let mut all: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            path.join("bin/postgres")
                .exists()
                .then(|| (version, path.join("bin")))
        })
        .collect();
    all.sort();
    all.pop().map(|(_, path)| path)
}

fn start(binaries: &Path) -> Cluster {
    let folder = tempfile::Builder::new()
        .prefix("keji-postgres-")
        .tempdir()
        .expect("a temporary folder")
        .keep();
    let data = folder.join("data");
    let is_root = output(Command::new("id").arg("-u")).trim() == "0";
    if is_root {
        // The server refuses to run as root.
        output(Command::new("chown").arg("postgres").arg(&folder));
    }
    output(
        unprivileged(is_root, &binaries.join("initdb"))
            .arg("--pgdata")
            .arg(&data)
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
            ])
            // Not "C": texts must order by code point by our own doing.
            .args(["--locale=C", "--locale-provider=icu", "--icu-locale=en"]),
    );
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let mut command = unprivileged(is_root, &binaries.join("postgres"));
    command.arg("-D").arg(&data).arg("-p").arg(port.to_string());
    for option in [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "max_connections=200",
        "client_min_messages=warning",
    ] {
        command.arg("-c").arg(option);
    }
    let log = fs::File::create(folder.join("log")).expect("a log file");
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log file"))
        .stderr(log);
    // The server is told to end when the thread that started it does, so that
    // thread stays for as long as the server.
    let (send, receive) = mpsc::channel();
    let keeper = thread::spawn(move || {
        let mut child: Child = command.spawn().expect("postgres starts");
        let _ = send.send(child.id());
        let _ = child.wait();
    });
    let pid = receive.recv().expect("postgres starts");
    let cluster = Cluster {
        port,
        pid,
        keeper: Some(keeper),
        folder,
    };
    let begin = Instant::now();
    let ready = || {
        let mut command = Command::new(binaries.join("pg_isready"));
        command.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
        command.status().is_ok_and(|status| status.success())
    };
    while !ready() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "PostgreSQL did not start: {}",
            fs::read_to_string(cluster.folder.join("log")).unwrap_or_default()
        );
        thread::sleep(Duration::from_millis(50));
    }
    cluster
}

fn unprivileged(is_root: bool, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg("--pdeathsig=INT").arg(program).current_dir("/");
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // INT is PostgreSQL's fast shutdown.
        let _ = Command::new("kill")
            .arg("-INT")
            .arg(self.pid.to_string())
            .status();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
