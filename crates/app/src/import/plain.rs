//! A file of plain records of one object: contacts, opportunities, payments,
//! whatever the catalog defines. It is read by the same layers as a file of
//! orders; what its columns mean follows from the object's definition.
//!
//! [`columns`] (which column is which field), [`rows`] (cells to values),
//! [`links`] (texts to the records that they mean), [`import`] (the way of one
//! file).

pub mod columns;
pub mod import;
pub mod links;
pub mod rows;

use keji_schema::Catalog;
use keji_schema::definition::ObjectDef;

use super::jobs::Mode;
use crate::error::{Error, Result};
use crate::permission::{Action, Caller, comes_by_order_files, require};

/// The object, where its records may be imported by the caller in this mode.
pub fn object<'a>(
    catalog: &'a Catalog,
    caller: &Caller,
    id: &str,
    mode: Mode,
) -> Result<&'a ObjectDef> {
    let def = catalog.object(id)?;
    let (zh, en) = (&def.name.zh, def.name.en.to_lowercase());
    if comes_by_order_files(id) {
        return Err(Error::State {
            code: "by_order_file",
            zh: format!("{zh}随订单文件导入：不要写 object"),
            en: format!("{id} comes with order files: leave `object` out"),
        });
    }
    if let Some(by) = &def.written_by {
        return Err(Error::State {
            code: "not_from_files",
            zh: format!("{zh}不能从文件导入：由模块 {by} 写入"),
            en: format!("`{id}` does not come from files: it is written by `{by}`"),
        });
    }
    require(caller, id, Action::Import)?;
    match (mode, &def.number) {
        (Mode::Replace, _) => Err(Error::State {
            code: "replace_needs_orders",
            zh: "“替换”只用于订单文件；其他记录用“新增”或“更新”".to_owned(),
            en: "`replace` is for order files; other records are added or updated".to_owned(),
        }),
        (Mode::Update, None) => Err(Error::State {
            code: "update_needs_number",
            zh: format!("{zh}没有编号，认不出哪一条要更新：只能新增"),
            en: format!("a {en} has no number by which to know what is to be updated: only add"),
        }),
        _ => Ok(def),
    }
}
