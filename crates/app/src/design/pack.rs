//! Definitions out as one file, to be taken in elsewhere: `DesignChange` has
//! the same `files`.

use std::collections::BTreeMap;

use keji_schema::role::Admin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::App;
use crate::error::Result;
use crate::permission::{Caller, require_admin};

/// Everything that was defined in the page, as files.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Pack {
    /// `keji-definitions`
    pub format: String,
    /// The program that wrote it.
    pub product: String,
    /// Path to text.
    pub files: BTreeMap<String, String>,
}

pub fn pack(app: &App, caller: &Caller) -> Result<Pack> {
    require_admin(caller, Admin::Design)?;
    Ok(Pack {
        format: "keji-definitions".to_owned(),
        product: env!("CARGO_PKG_VERSION").to_owned(),
        files: app.catalog.designed.clone(),
    })
}
