//! What the store refuses, in the words of the catalog.

use keji_schema::definition::ObjectDef;
use keji_store::WriteFault;

use super::coerce::required;
use crate::error::{Error, FieldFault, RecordProblem};

fn problem(code: &'static str, zh: String, en: String) -> Error {
    Error::Record(Box::new(RecordProblem {
        code,
        zh,
        en,
        fields: Vec::new(),
        version: None,
    }))
}

pub(super) fn no_object(object: &str) -> Error {
    let zh = format!("没有这种对象：`{object}`");
    problem("not_found", zh, format!("there is no object `{object}`"))
}

pub(super) fn not_found(def: &ObjectDef, id: i64) -> Error {
    let zh = format!("没有这个{}：{id}", def.name.zh);
    problem("not_found", zh, format!("there is no {} {id}", def.id))
}

pub(super) fn read_only(def: &ObjectDef) -> Error {
    problem(
        "read_only",
        format!("{}由程序自己写入，不能在这里新建、修改或删除", def.name.zh),
        format!(
            "`{}` is written by the product itself: it is not created, changed or deleted here",
            def.id
        ),
    )
}

/// The store's error in the caller's words. Of one among several operations,
/// `is_bulk`, it says which.
pub(super) fn told(def: &ObjectDef, fault: WriteFault, is_bulk: bool) -> Error {
    let index = fault.index.filter(|_| is_bulk);
    told_of(def, &fault.error, index).unwrap_or_else(|| fault.error.into())
}

/// `None` for what no caller can mend, such as a full disk.
pub(super) fn told_of(
    def: &ObjectDef,
    error: &keji_store::Error,
    index: Option<usize>,
) -> Option<Error> {
    use keji_store::Error as E;
    let name = &def.name.zh;
    let (told, field) = match error {
        E::Schema(problem) => return Some(Error::Schema(problem.clone())),
        E::NotFound { id, .. } => (not_found(def, *id), "id".to_owned()),
        E::Refused { .. } => return Some(read_only(def)),
        E::Duplicate { field, .. } => {
            let label = def.field(field).map_or(field, |f| &f.name.zh);
            let zh = format!("已有别的{name}用了这个{label}（`{field}`）");
            let en = format!("another {} has this `{field}`", def.id);
            (problem("duplicate", zh, en), field.clone())
        }
        E::InUse { id, by, .. } => {
            let zh = format!("{name} {id} 还有 `{by}` 的记录关联着，不能删除");
            let en = format!(
                "{} {id} is still used by a record of `{by}` and cannot be deleted",
                def.id
            );
            (problem("in_use", zh, en), "id".to_owned())
        }
        E::Rule { field, zh, en, .. } => {
            let fault = FieldFault::new(field, "rule", zh, en);
            return Some(fault.at(index).into());
        }
        E::Required { field, .. } => return Some(required(field).at(index).into()),
        E::Invalid {
            field,
            value,
            message,
            ..
        } => {
            let zh = format!("不能是 `{value}`");
            let en = format!("it cannot be `{value}`: {message}");
            let fault = FieldFault::new(field, "value", zh, en);
            return Some(fault.at(index).into());
        }
        E::Version {
            id,
            expected,
            present,
            ..
        } => {
            let zh = format!("{name} {id} 已被改动：现在是版本 {present}，不是 {expected}");
            let en = format!(
                "{} {id} was changed: it is at version {present}, not at {expected}",
                def.id
            );
            let mut told = problem("version", zh, en);
            if let Error::Record(problem) = &mut told {
                problem.version = Some(*present);
            }
            (told, "id".to_owned())
        }
        E::Moved { field, .. } => {
            let label = def.field(field).map_or(field, |f| &f.name.zh);
            let zh = match field.as_str() {
                "id" => "有人刚改过这条记录".to_owned(),
                _ => format!("有人刚改过{label}（`{field}`）"),
            };
            let en = match field.as_str() {
                "id" => "somebody changed the record meanwhile".to_owned(),
                _ => format!("somebody changed `{field}` meanwhile"),
            };
            (problem("changed", zh, en), field.clone())
        }
        E::KeyReused(key) => {
            let zh = format!("键 `{key}` 已用于另一个请求；新的请求要用新的键");
            let en =
                format!("the key `{key}` was used for another request; a new one needs its own");
            (problem("key_reused", zh, en), "Idempotency-Key".to_owned())
        }
        _ => return None,
    };
    let Error::Record(mut told) = told else {
        return Some(told);
    };
    // Of one record the path names it already.
    if index.is_some() || field != "id" {
        let fault = FieldFault::new(field, told.code, told.zh.clone(), told.en.clone());
        told.fields = vec![fault.at(index)];
    }
    if let Some(index) = index {
        told.zh = format!("`operations[{index}]`：{}", told.zh);
        told.en = format!("`operations[{index}]`: {}", told.en);
    }
    Some(Error::Record(told))
}
