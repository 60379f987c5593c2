//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod bg_bb;
mod churn;
mod churn_quality;
mod draws;
mod extremes;
mod fixture;
mod forecast;
mod look_alike;
mod next_product;
mod pareto;
mod purchases;
mod reference;
mod retention;
mod rfm;
mod satisfaction;
mod segmentation;
mod shared;
mod spend;
mod survival;
