//! What a place adds to an object of the product: fields, words of its
//! choices, rules.

use super::load::File;
use crate::definition::{AdditionDef, ObjectDef, OptionDef};
use crate::error::Result;

/// Before the fields that a place adds to an object of the product, so that a
/// later version of the product may bring any other.
pub const PREFIX: &str = "x_";

/// Adds to the object what the file says; how an added field must look, it is
/// told with that file's line.
pub(super) fn join(file: File, object: &mut ObjectDef, addition: AdditionDef) -> Result<()> {
    if let Some(module) = &object.written_by {
        let message = format!("`{module}` writes its records, so nothing is added to them");
        return Err(file.error(&[], message));
    }
    if object.is_own {
        let message = format!("`{}` is an object of one's own: change its file", object.id);
        return Err(file.error(&[], message));
    }
    for (i, option) in addition.options.into_iter().enumerate() {
        let i = i.to_string();
        let field = object.fields.iter_mut().find(|f| f.id == option.field);
        let Some(field) = field.filter(|f| !f.options.is_empty()) else {
            let message = format!("field `{}` is no choice", option.field);
            return Err(file.error(&["option", &i, "field"], message));
        };
        let is_there = field.options.iter().any(|o| o.value == option.value);
        if option.value.is_empty() || is_there {
            let message = format!("option `{}` is empty or there twice", option.value);
            return Err(file.error(&["option", &i, "value"], message));
        }
        field.options.push(OptionDef {
            value: option.value,
            zh: option.zh,
            en: option.en,
        });
    }
    for (i, mut field) in addition.fields.into_iter().enumerate() {
        if !field.id.starts_with(PREFIX) {
            let message = format!(
                "the name `{}` of an added field must begin with `{PREFIX}`",
                field.id
            );
            return Err(file.error(&["field", &i.to_string(), "id"], message));
        }
        field.is_own = true;
        object.fields.push(field);
    }
    object.rules.extend(addition.rules);
    object.layouts.extend(addition.layouts);
    for (i, derived) in addition.derived.into_iter().enumerate() {
        if !derived.id.starts_with(PREFIX) {
            let message = format!(
                "the name `{}` of an added field must begin with `{PREFIX}`",
                derived.id
            );
            return Err(file.error(&["derived", &i.to_string(), "id"], message));
        }
        object.derived.push(derived);
    }
    Ok(())
}
