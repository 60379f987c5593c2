//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod backups;
mod batches;
mod choice;
mod crash;
mod design;
mod duplicates;
mod files;
mod forms;
mod groups;
mod http;
mod identity;
mod imports;
mod leaks;
mod leftovers;
mod memory;
mod openapi;
mod orders;
mod own;
mod own_metrics;
mod packs;
mod plain;
mod privacy;
mod records;
mod search;
mod sharing;
mod support;
mod talk;
mod trust;
mod views;
mod webhooks;
mod words;
