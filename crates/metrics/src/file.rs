//! One Parquet file of typed rows: an export. It knows nothing about where the
//! rows come from.
