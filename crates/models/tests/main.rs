//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod fixture;
mod forecast;
mod purchases;
mod reference;
mod rfm;
mod satisfaction;
mod shared;
mod spend;
mod survival;
