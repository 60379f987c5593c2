//! A server as a child process and a client of it. Every request and every
//! wait has an end. Knows HTTP and the routes of imports, no test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;

use super::ground::Home;
use super::process;

const START: Duration = Duration::from_secs(60);
const REQUEST: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(4);

/// The variable by which a command to serve brings its client's token; the
/// program does not know it.
pub const TOKEN: &str = "KEJI_RELIABILITY_TOKEN";

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    token: String,
}

/// A server that takes as many requests of one caller as come.
pub fn unlimited(home: &Home) -> Command {
    let mut command = home.serve();
    command.args(["--limit-requests", "0"]);
    command
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Server {
    /// The program prints its address in its first line.
    pub fn start(command: &mut Command) -> Result<Server> {
        Ok(Server::saying(command, Stdio::null())?.0)
    }

    /// With what it logs in a file.
    pub fn start_logging(command: &mut Command, log: std::fs::File) -> Result<Server> {
        Ok(Server::saying(command, log.into())?.0)
    }

    /// At a place where nobody is yet: with the code of its second line.
    pub fn start_saying(command: &mut Command) -> Result<(Server, String)> {
        let (server, lines) = Server::saying(command, Stdio::null())?;
        let line = lines.recv_timeout(START)?;
        let code = line
            .split_whitespace()
            .find(|w| w.len() == 14 && w.matches('-').count() == 2);
        Ok((server, code.context("no code")?.to_owned()))
    }

    fn saying(command: &mut Command, log: Stdio) -> Result<(Server, mpsc::Receiver<String>)> {
        let token = command.get_envs().find(|(name, _)| *name == TOKEN);
        let token = token.and_then(|(_, value)| Some(value?.to_string_lossy().into_owned()));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the server does not start")?;
        let stdout = child.stdout.take().context("no output to read")?;
        let (send, receive) = mpsc::channel();
        spawn(move || {
            let mut reader = BufReader::new(stdout);
            for _ in 0..2 {
                let mut line = String::new();
                let _ = reader.read_line(&mut line);
                let _ = send.send(line);
            }
            // Read on, or the server would stop at a full pipe.
            let _ = std::io::copy(&mut reader, &mut std::io::sink());
        });
        let line = receive.recv_timeout(START).unwrap_or_default();
        let address = line.trim().rsplit("http://").next().unwrap_or("").parse();
        match address {
            Ok(address) => {
                let server = Server {
                    child,
                    address,
                    token: token.unwrap_or_default(),
                };
                Ok((server, receive))
            }
            Err(_) => {
                process::stop(&mut child)?;
                bail!("the server gave no address but {line:?}");
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// kill -9; true when it was still running.
    pub fn kill(&mut self) -> Result<bool> {
        process::stop(&mut self.child)
    }

    pub fn client(&self) -> Client {
        Client {
            address: self.address,
            token: self.token.clone(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = process::stop(&mut self.child);
    }
}

/// What speaks to a server; it may be used after the server is gone.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    token: String,
}

impl Client {
    /// Of what listens there, without a token.
    pub fn at(address: SocketAddr) -> Client {
        Client {
            address,
            token: String::new(),
        }
    }

    pub fn get(&self, path: &str) -> Result<Json> {
        self.send("GET", path, b"")?.json()
    }

    pub fn post(&self, path: &str) -> Result<Json> {
        self.send("POST", path, b"")?.json()
    }

    /// Sends a file in and waits until the import has ended, or waits for
    /// somebody. `query` is the file's name and further parameters.
    pub fn import(&self, query: &str, file: &[u8], within: Duration) -> Result<Json> {
        let import = self
            .send("POST", &format!("/api/imports?filename={query}"), file)?
            .json()?;
        self.settled(id(&import)?, within)
    }

    /// Polls an import until nothing more happens to it by itself.
    pub fn settled(&self, id: i64, within: Duration) -> Result<Json> {
        let started = Instant::now();
        loop {
            let now = self.get(&format!("/api/imports/{id}"))?;
            if !matches!(now["state"].as_str(), Some("queued" | "running")) {
                return Ok(now);
            }
            ensure!(
                started.elapsed() < within,
                "import {id} still {} after {within:?}",
                now["state"]
            );
            sleep(POLL);
        }
    }

    /// Waits until no import is queued or running.
    pub fn quiet(&self, within: Duration) -> Result<()> {
        let started = Instant::now();
        loop {
            // The answer holds the newest; older ones are leased before them.
            let list = self.get("/api/imports")?;
            let busy = list["resources"]
                .as_array()
                .context("no list of imports")?
                .iter()
                .filter(|i| matches!(i["state"].as_str(), Some("queued" | "running")))
                .count();
            if busy == 0 {
                return Ok(());
            }
            ensure!(
                started.elapsed() < within,
                "{busy} imports still not ended after {within:?}"
            );
            sleep(Duration::from_millis(200));
        }
    }

    /// The same server, come in by another token; empty: none.
    pub fn with(&self, token: &str) -> Client {
        Client {
            address: self.address,
            token: token.to_owned(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// By which the client comes in.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// With a body of JSON, and none where that is null.
    pub fn ask(&self, method: &str, path: &str, body: &Json) -> Result<Reply> {
        let body = match body {
            Json::Null => String::new(),
            body => body.to_string(),
        };
        self.send_as("application/json", method, path, body.as_bytes())
    }

    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> Result<Reply> {
        self.send_as("application/octet-stream", method, path, body)
    }

    fn send_as(&self, kind: &str, method: &str, path: &str, body: &[u8]) -> Result<Reply> {
        let (host, token) = (self.address.to_string(), format!("Bearer {}", self.token));
        let mut headers = vec![
            ("host", host.as_str()),
            ("accept-language", "en"),
            ("content-type", kind),
        ];
        if !self.token.is_empty() {
            headers.push(("authorization", token.as_str()));
        }
        self.ask_with(method, path, &headers, body)
    }

    /// With these headers alone.
    pub fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply> {
        let mut stream = TcpStream::connect_timeout(&self.address, REQUEST)?;
        stream.set_read_timeout(Some(REQUEST))?;
        stream.set_write_timeout(Some(REQUEST))?;
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        // A server that refuses early may close before it has read all.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        match parsed(&answer) {
            Some(reply) => Ok(reply),
            None => {
                read.with_context(|| format!("{method} {path}: no answer"))?;
                bail!("{method} {path}: cut after {} bytes", answer.len());
            }
        }
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn good(&self) -> Result<()> {
        ensure!(
            (200..300).contains(&self.status),
            "status {}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        Ok(())
    }

    /// The body of a good answer.
    pub fn json(&self) -> Result<Json> {
        self.good()?;
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }
}

pub fn id(import: &Json) -> Result<i64> {
    import["id"].as_i64().context("an import without an id")
}

/// None for an answer without a head or shorter than it says.
fn parsed(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let whole = String::from_utf8_lossy(&answer[..end]).into_owned();
    let head = whole.to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = &answer[end + 4..];
    if head.contains("transfer-encoding: chunked") {
        return Some(Reply {
            status,
            head: whole,
            body: unchunked(body)?,
        });
    }
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length:"))
        .and_then(|l| l.trim().parse::<usize>().ok());
    if length.is_some_and(|length| body.len() < length) {
        return None;
    }
    Some(Reply {
        status,
        head: whole,
        body: body.to_vec(),
    })
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.trim();
        let n = usize::from_str_radix(size, 16).ok()?;
        if n == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + n)?);
        rest = rest.get(end + 4 + n..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn reads_whole_answers_only() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(parsed(whole).unwrap().body, b"abc");
        assert!(parsed(&whole[..whole.len() - 1]).is_none());
        let chunked = b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
        let reply = parsed(chunked).unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (500, &b"ab"[..]));
    }
}
