//! What listens on loopback in the place of other programs: counts who comes
//! and answers as it is told. Knows HTTP, no test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::spawn;
use std::time::Duration;

use anyhow::Result;

/// One request that was read whole.
#[derive(Debug, Clone, Default)]
pub struct Got {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: Vec<u8>,
}

/// What it does with its nth request, from 0.
#[derive(Debug, Clone)]
pub enum Does {
    Answers(u16),
    Redirects(String),
    /// Reads all and hangs up without a word.
    HangsUp,
}

type Script = dyn Fn(usize) -> Does + Send + Sync;

pub struct Receiver {
    pub port: u16,
    n_connections: Arc<Mutex<usize>>,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    /// On 127.0.0.1 and, where that is there, on `::1`.
    pub fn start(does: impl Fn(usize) -> Does + Send + Sync + 'static) -> Result<Receiver> {
        let v4 = TcpListener::bind("127.0.0.1:0")?;
        let port = v4.local_addr()?.port();
        let v6 = TcpListener::bind(("::1", port)).ok();
        let receiver = Receiver {
            port,
            n_connections: Arc::default(),
            got: Arc::default(),
        };
        let does: Arc<Script> = Arc::new(does);
        for listener in std::iter::once(v4).chain(v6) {
            let (n, got, does) = (
                receiver.n_connections.clone(),
                receiver.got.clone(),
                does.clone(),
            );
            spawn(move || {
                for stream in listener.incoming().flatten() {
                    *n.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                    let (got, does) = (got.clone(), does.clone());
                    spawn(move || serve(stream, &got, does.as_ref()));
                }
            });
        }
        Ok(receiver)
    }

    pub fn n_connections(&self) -> usize {
        *self
            .n_connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn got(&self) -> Vec<Got> {
        self.got
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Whoever sends half a request is not heard.
fn serve(stream: TcpStream, got: &Mutex<Vec<Got>>, does: &Script) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut reader = BufReader::new(stream);
    let (mut one, mut length) = (Got::default(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name {
            "webhook-id" => one.id = value.to_owned(),
            "webhook-timestamp" => one.timestamp = value.to_owned(),
            "webhook-signature" => one.signature = value.to_owned(),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    one.body = vec![0; length];
    reader.read_exact(&mut one.body).ok()?;
    let n = {
        let mut got = got.lock().unwrap_or_else(PoisonError::into_inner);
        got.push(one);
        got.len() - 1
    };
    let head = match does(n) {
        Does::Answers(status) => format!("HTTP/1.1 {status} x\r\n"),
        Does::Redirects(to) => format!("HTTP/1.1 307 x\r\nlocation: {to}\r\n"),
        Does::HangsUp => return None,
    };
    let answer = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes()).ok()
}
