//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod backup;
mod bulks;
mod content;
mod designs;
mod disk;
mod files;
mod kill;
mod links;
mod merges;
mod modes;
mod orders;
mod resume;
mod search;
mod stop;
mod story;
mod tables;
mod upgrade;
