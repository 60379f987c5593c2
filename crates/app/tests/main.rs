//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod corpus;
mod outbound;
mod retail;
