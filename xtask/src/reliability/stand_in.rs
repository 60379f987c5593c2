//! A server with a planted bug, in the place of the real one: answers the few
//! routes that mutated files go through, badly in one chosen way.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

/// The hidden argument that starts it.
pub const COMMAND: &str = "stand-in";

pub const NONE: &str = "none";
const EXITS: &str = "exits at a NUL byte";
const HANGS: &str = "hangs at a NUL byte";
const LEAVES: &str = "leaves an order behind when undone";
pub const BUGS: [&str; 4] = [NONE, EXITS, HANGS, LEAVES];

/// Whoever forgets to stop it does not keep it for ever.
const MOST_REQUESTS: usize = 100_000;

pub fn serve(bug: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    let (mut n_orders, mut hanging) = (0, None);
    for (id, stream) in listener.incoming().take(MOST_REQUESTS).enumerate() {
        let mut stream = stream?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (head, body) = request(&mut stream)?;
        let is_struck = body.contains(&0);
        let is_new = head.starts_with("POST /api/imports?");
        if is_new && is_struck && bug == EXITS {
            std::process::exit(101);
        }
        if is_new && is_struck && bug == HANGS {
            hanging = Some(id);
        }
        if bug == LEAVES && head.contains("/undo ") {
            n_orders += 1;
        }
        let state = match hanging {
            Some(_) => "running",
            None => "done",
        };
        let answer = format!(
            r#"{{"id":{id},"batch":{id},"state":"{state}","counts":{{"order":{n_orders}}}}}"#
        );
        let status = if is_new { 201 } else { 200 };
        write!(
            stream,
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        )?;
    }
    Ok(())
}

fn request(stream: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length: usize = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "))
                .and_then(|l| l.parse().ok())
                .context("no length")?;
            if bytes.len() >= end + 4 + length {
                return Ok((head, bytes.split_off(end + 4)));
            }
        }
        let n = stream.read(&mut buffer)?;
        anyhow::ensure!(n > 0, "a request that is cut");
        bytes.extend_from_slice(&buffer[..n]);
    }
}
