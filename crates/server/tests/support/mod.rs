//! The real binary under test: commands, a running server, and a client that
//! can also send what a browser would not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

pub fn keji(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keji"));
    command
        .arg("--data")
        .arg(data)
        .env("KEJI_LANG", "en")
        .env_remove("KEJI_DATABASE")
        .stdin(Stdio::null());
    command
}

/// A data folder of its own and, for the second one, a PostgreSQL database.
pub struct Home {
    pub data: tempfile::TempDir,
    place: keji_store::testing::Place,
}

/// One for every kind of database that this machine has.
pub fn homes() -> Vec<Home> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let places = runtime.block_on(keji_store::testing::places());
    places
        .into_iter()
        .map(|place| Home {
            data: tempfile::tempdir().unwrap(),
            place,
        })
        .collect()
}

impl Home {
    pub fn keji(&self) -> Command {
        let mut command = keji(self.data.path());
        if let keji_store::Location::Postgres(url) = &self.place.location {
            command.env("KEJI_DATABASE", url);
        }
        command
    }

    pub fn server(&self) -> Server {
        Server::of(self.keji())
    }

    /// Gives customers, by number, to users.
    pub fn own(&self, pairs: &[(&str, Json)]) {
        use keji_schema::expr::Expr;
        use keji_schema::{Catalog, Value};
        use keji_store::{Access, ListQuery, NewChange, Op, Store};
        let location = self.location();
        let catalog = std::sync::Arc::new(Catalog::standard().unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Store::open(&location, catalog.clone()).await.unwrap();
            for (number, user) in pairs {
                let filter = format!("number = '{number}'");
                let query = ListQuery {
                    object: "customer".to_owned(),
                    fields: vec!["id".to_owned()],
                    filter: Some(Expr::parse_filter(&filter, &catalog.scope("customer")).unwrap()),
                    limit: 1,
                    ..ListQuery::default()
                };
                let page = store.list(&query, &Access::all()).await.unwrap();
                let Value::Int(id) = page.rows[0][0] else {
                    panic!("no customer {number}");
                };
                let values = vec![("user".to_owned(), Value::Int(user.as_i64().unwrap()))];
                let change = NewChange {
                    object: "customer".to_owned(),
                    op: Op::Update { id, values },
                    actor: "test".to_owned(),
                    channel: "test".to_owned(),
                    module: None,
                    expected: None,
                    gives_number: false,
                    jobs: Vec::new(),
                };
                store.write(change, &Access::all()).await.unwrap();
            }
            store.close().await;
        });
    }

    /// Changes something past the program.
    pub fn by_hand(&self, sql: &str) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(keji_store::testing::by_hand(&self.location(), sql));
    }

    pub fn location(&self) -> keji_store::Location {
        match self.is_postgres() {
            true => self.place.location.clone(),
            false => keji_store::Location::Folder(self.data.path().to_owned()),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.place.location, keji_store::Location::Postgres(_))
    }
}

/// Runs a command and gives its JSON; panics unless it ended with 0.
pub fn json(command: &mut Command) -> Json {
    let output = command.arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output)))
}

pub fn text(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub struct Server {
    child: Child,
    pub address: String,
    /// Of an owner; what [`Server::send_raw`] sends unless it is told another.
    pub token: String,
}

/// The same program at the same place with other arguments.
fn beside(keji: &Command, arguments: &[&str]) -> Command {
    let mut command = Command::new(keji.get_program());
    command.args(keji.get_args()).args(arguments);
    for (name, value) in keji.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command
}

/// A token of a user with this role, who is added where he is not there yet.
pub fn token(keji: &Command, login: &str, role: &str) -> String {
    let add = ["user", "add", login, "--role", role, "--no-password"];
    let _ = beside(keji, &add).output().unwrap();
    let made = beside(keji, &["token", "create", "test", "--user", login]).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", text(&made));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!(
                "{e}: {} {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Server {
    pub fn start(data: &Path) -> Server {
        Server::of(keji(data))
    }

    pub fn of(keji: Command) -> Server {
        Server::with(keji, &[])
    }

    /// With more options of `serve`.
    pub fn with(keji: Command, more: &[&str]) -> Server {
        let token = token(&keji, "owner", "owner");
        Server::begun(keji, token, more).0
    }

    /// A server whom nobody has signed in to yet, and its second line.
    pub fn empty(keji: Command) -> (Server, String) {
        let (server, mut out) = Server::begun(keji, String::new(), &[]);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        (server, line)
    }

    fn begun(
        mut keji: Command,
        token: String,
        more: &[&str],
    ) -> (Server, BufReader<std::process::ChildStdout>) {
        let mut child = keji
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "no address: {line:?}");
        let server = Server {
            child,
            address,
            token,
        };
        (server, out)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], &[])
    }

    /// Waits until names are found by their spelling too.
    pub fn search_follows(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.get("/api/status").json()["search_behind"] != 0 {
            assert!(Instant::now() < until, "the search's index stays behind");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn post(&self, path: &str, body: &Json) -> Reply {
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.to_string().as_bytes(),
        )
    }

    pub fn upload(&self, filename: &str, body: &[u8]) -> Reply {
        let path = format!("/api/imports?filename={filename}");
        self.send(
            "POST",
            &path,
            &[("content-type", "application/octet-stream")],
            body,
        )
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut all = vec![("host", self.address.as_str()), ("accept-language", "en")];
        all.extend_from_slice(headers);
        self.send_raw(method, path, &all, body)
    }

    /// Without the headers that a polite client sends, but for its token. An
    /// empty `authorization` is none.
    pub fn send_raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        let own = format!("Bearer {}", self.token);
        let is_named = headers.iter().any(|(name, _)| *name == "authorization");
        let mut all = headers.to_vec();
        if !is_named {
            all.push(("authorization", &own));
        }
        for (name, value) in all.iter().filter(|h| **h != ("authorization", "")) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses early may close before it has read all.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        parse(&answer)
    }

    /// Polls an import until it has ended.
    pub fn finished(&self, import: &Json) -> Json {
        let id = import["id"].as_i64().unwrap();
        let started = Instant::now();
        loop {
            let now = self.get(&format!("/api/imports/{id}")).json();
            if !matches!(now["state"].as_str(), Some("queued" | "running")) {
                return now;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "{now}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(answer: &[u8]) -> Reply {
    let end = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .expect("an HTTP answer");
    let headers = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = answer[end + 4..].to_vec();
    if headers
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        body = unchunk(&body);
    }
    Reply {
        status,
        headers,
        body,
    }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
        let n =
            usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        if n == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + n]);
        rest = &rest[end + 2 + n + 2..];
    }
    body
}

/// A file of order lines with `n` rows, `per_order` to an order, over 90 days
/// and 500 customers.
pub fn orders_csv(n: usize, per_order: usize) -> String {
    let mut csv = String::from("订单号,下单时间,客户编号,客户名称,商品编号,商品名称,数量,单价\n");
    for i in 0..n {
        let order = i / per_order;
        let day = order % 90;
        let (month, day) = (1 + day / 30, 1 + day % 28);
        let customer = order * 7 % 500;
        csv.push_str(&format!(
            "S{order:07},2025-{month:02}-{day:02} 10:{:02}:00,K{customer:04},客户{customer},P{:03},商品{},{},{}.{:02}\n",
            order % 60,
            i % 97,
            i % 97,
            1 + i % 9,
            10 + i % 50,
            i % 100,
        ));
    }
    csv
}
