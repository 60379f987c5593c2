//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod answers;
mod copy;
mod examples;
mod kinds;
mod mutations;
mod plans;
mod records;
mod tiny;
