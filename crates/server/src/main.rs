//! The program `keji`: command line, HTTP server and embedded page.
//!
//! It extracts, calls `app` and answers; it knows nothing of the business, no
//! SQL and no Arrow.
//!
//! Reading order: [`command`] (the command line), [`http`] (what the server
//! is made of), [`door`] and [`guard`] (who may talk to it), [`flood`] (how much),
//! [`routes`], [`openapi`] (what they say of themselves), [`error`].

mod command;
mod door;
mod error;
mod flood;
mod guard;
mod http;
mod live;
mod memory;
mod openapi;
mod page;
mod routes;
mod who;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    memory::settle();
    command::main()
}
