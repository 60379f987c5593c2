//! The planted bug: a server that pastes what it is asked into SQL and lets
//! the real database answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::scope;
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::server::Client;
use super::payloads;
use super::slots::{encoded, get, slot};
use super::{Home, pair};

/// The path that ends it.
const END: &str = "/end";

/// How badly it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// What the database refuses is an empty answer, as if nothing was found.
    Pastes,
    /// What the database refuses is a server's error.
    PastesAndFails,
}

/// Tries the pairs on it: the check has to see that twins differ, that one
/// breaks the server, and that one keeps it busy.
pub fn find(home: &Home, planted: &mut Vec<(&'static str, Result<()>)>) -> Result<()> {
    let pastes = problems(home, Bug::Pastes)?;
    let fails = problems(home, Bug::PastesAndFails)?;
    for (what, problems, told) in [
        ("text is pasted into SQL", &pastes, " and "),
        (
            "what the database says becomes an error",
            &fails,
            "status 500",
        ),
        ("a database computes for long", &pastes, "took"),
    ] {
        let seen = problems.iter().find(|p| p.contains(told));
        planted.push((
            what,
            match seen {
                None => Ok(()),
                Some(problem) => Err(anyhow::anyhow!(problem.clone())),
            },
        ));
    }
    Ok(())
}

fn problems(home: &Home, bug: Bug) -> Result<Vec<String>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = Client::at(listener.local_addr()?);
    let slot = slot("pasted", |text| get(format!("/{}", encoded(text))));
    // Some of each kind; every request runs a program.
    let heavy = match home.is_postgres() {
        true => "' or (select pg_sleep",
        false => "' or (with recursive",
    };
    let starts = match bug {
        Bug::Pastes => ["' or 7301", "') or (7301", heavy],
        Bug::PastesAndFails => ["' or 7301", "') or (7301", "')) or"],
    };
    let payloads = payloads::all().into_iter().filter(|payload| {
        let text = payload.of(payloads::TRUE);
        starts.iter().any(|start| text.starts_with(start))
    });
    scope(|threads| {
        threads.spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever hangs up is not waited for.
                if answer(home, stream, bug).is_ok_and(|goes_on| !goes_on) {
                    break;
                }
            }
        });
        let problems = payloads
            .filter_map(|payload| pair(&client, &slot, &payload).err())
            .map(|problem| format!("{problem:#}"))
            .collect();
        client.send("GET", END, b"")?;
        Ok(problems)
    })
}

/// False for the last request.
fn answer(home: &Home, stream: TcpStream, bug: Bug) -> Result<bool> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).context("no path")?;
    let text = decoded(path.trim_start_matches('/'));
    let sql = format!("select count(*) from customer where name = '{text}'");
    let (status, body) = match (home.sql(&sql), bug) {
        (Ok(rows), _) => (200, rows.join(",")),
        (Err(_), Bug::Pastes) => (200, String::new()),
        (Err(problem), Bug::PastesAndFails) => (500, problem.to_string()),
    };
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    reader.get_mut().write_all(answer.as_bytes())?;
    Ok(path != END)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let pair: Option<u8> = match byte {
            b'%' => rest.next().zip(rest.next()).and_then(|(a, b)| {
                u8::from_str_radix(&format!("{}{}", a as char, b as char), 16).ok()
            }),
            byte => Some(byte),
        };
        bytes.extend(pair);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
