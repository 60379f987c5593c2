//! Every test of the crate from outside in one program: linking one is as dear as
//! running most of them.

mod churn;
mod churn_quality;
mod draws;
mod extremes;
mod fixture;
mod look_alike;
mod next_product;
mod purchases;
mod reference;
mod rfm;
mod segmentation;
mod shared;
mod spend;
