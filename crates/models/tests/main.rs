//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod bg_bb;
mod fixture;
mod pareto;
mod purchases;
mod reference;
mod retention;
mod rfm;
mod shared;
mod spend;
