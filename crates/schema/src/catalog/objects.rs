//! What an object definition must keep to.

use std::collections::BTreeSet;

use super::load::{File, Files, is_name};
use super::{Catalog, RESERVED, path_of};
use crate::definition::{FieldDef, ObjectDef, Origin};
use crate::error::Result;
use crate::expr::{Expr, Node, Scope, WORDS};
use crate::metric::Unit;
use crate::value::Type;

impl Catalog {
    pub(super) fn check_objects(&self, files: &Files) -> Result<()> {
        for (id, object) in &self.objects {
            let file = files[&("object", id.clone())];
            let added = files.get(&("addition", id.clone())).copied();
            self.check_object(file, added, object)?;
        }
        // A dimension may lead over a link, so it needs every object checked.
        for (id, object) in &self.objects {
            let file = files[&("object", id.clone())];
            for (i, name) in object.copy.iter().flat_map(|c| &c.dimensions).enumerate() {
                if object.field(name).is_none() {
                    return Err(file.error(
                        &["copy", "dimensions", &i.to_string()],
                        format!("there is no field `{name}`"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn check_object(&self, file: File, added: Option<File>, object: &ObjectDef) -> Result<()> {
        let mut seen = BTreeSet::new();
        // Added ones stand behind the object's own, in a file of theirs.
        let n_first = match added {
            Some(_) => object.fields.iter().filter(|f| !f.is_own).count(),
            None => object.fields.len(),
        };
        for (i, field) in object.fields.iter().enumerate() {
            let (file, i) = match added {
                Some(added) if i >= n_first => (added, i - n_first),
                _ => (file, i),
            };
            let i = i.to_string();
            let wrong = |key: &str, message: String| Err(file.error(&["field", &i, key], message));
            let id = &field.id;
            if !is_name(id) {
                return wrong(
                    "id",
                    format!("`{id}` is not a name: small letters, digits and _"),
                );
            }
            let is_taken = Origin::of(id).is_some_and(|origin| *field != origin.field());
            if RESERVED.contains(&id.as_str()) || is_taken {
                return wrong("id", format!("the name `{id}` is reserved"));
            }
            if !reads_as_name(id) {
                return wrong(
                    "id",
                    format!("the name `{id}` is a word of the expression language"),
                );
            }
            if !seen.insert(id.clone()) {
                return wrong("id", format!("field `{id}` is there twice"));
            }
            if let Err((key, message)) = self.check_field(field) {
                return wrong(key, message);
            }
        }
        for (key, name) in [("number", &object.number), ("title", &object.title)] {
            let Some(name) = name else { continue };
            match object.field(name) {
                None => return Err(file.error(&[key], format!("there is no field `{name}`"))),
                Some(f) if f.kind != Type::Text => {
                    return Err(file.error(
                        &[key],
                        format!("field `{name}` is a {}, not a text", f.kind.name()),
                    ));
                }
                Some(f) if key == "number" && !(f.unique && f.required) => {
                    return Err(file.error(
                        &[key],
                        format!("field `{name}` must be required and unique"),
                    ));
                }
                Some(_) => {}
            }
        }
        for (i, index) in object.indexes.iter().enumerate() {
            if let Some(name) = index.iter().find(|name| object.field(name).is_none()) {
                return Err(file.error(
                    &["indexes", &i.to_string()],
                    format!("there is no field `{name}`"),
                ));
            }
        }
        self.check_rules_of(added.unwrap_or(file), object)?;
        self.check_duplicates(file, object)?;
        self.check_copy(file, object)
    }

    /// Rules are read beside the one record that is written, so they name its
    /// own fields only.
    fn check_rules_of(&self, file: File, object: &ObjectDef) -> Result<()> {
        let n_others = object.rules.len().saturating_sub(file.n_of("rule"));
        for (i, rule) in object.rules.iter().enumerate() {
            let i = i.saturating_sub(n_others).to_string();
            let wrong = |key: &str, message: String| Err(file.error(&["rule", &i, key], message));
            if object.field(&rule.field).is_none() {
                return wrong("field", format!("there is no field `{}`", rule.field));
            }
            let parsed = match Expr::parse_filter(&rule.check, &self.scope(&object.id)) {
                Ok(parsed) => parsed,
                Err(problem) => return wrong("check", problem.to_string()),
            };
            if let Some(path) = parsed.fields().iter().find(|path| path.len() > 1) {
                let path = path.join(".");
                return wrong(
                    "check",
                    format!("a rule names fields of the record itself, not `{path}`"),
                );
            }
            if rule.message.zh.is_empty() || rule.message.en.is_empty() {
                return wrong("message", "what is told is empty".to_owned());
            }
        }
        Ok(())
    }

    fn check_duplicates(&self, file: File, object: &ObjectDef) -> Result<()> {
        let Some(duplicates) = &object.duplicates else {
            return Ok(());
        };
        if let Some(module) = &object.written_by {
            let message = format!("`{module}` writes its records, so nobody merges them");
            return Err(file.error(&["duplicates"], message));
        }
        let lists = [
            ("names", &duplicates.names),
            ("phones", &duplicates.phones),
            ("mails", &duplicates.mails),
            ("codes", &duplicates.codes),
            ("places", &duplicates.places),
        ];
        for (key, list) in lists {
            for (i, name) in list.iter().enumerate() {
                let message = match object.field(name) {
                    None => format!("there is no field `{name}`"),
                    Some(f) if f.kind != Type::Text => {
                        format!("field `{name}` is a {}, not a text", f.kind.name())
                    }
                    Some(_) => continue,
                };
                return Err(file.error(&["duplicates", key, &i.to_string()], message));
            }
        }
        let known_by = lists[..4].iter().any(|(_, list)| !list.is_empty());
        if !known_by {
            let message = "there are neither names, phones, mails nor codes".to_owned();
            return Err(file.error(&["duplicates"], message));
        }
        match &duplicates.within {
            Some(link) if object.field(link).is_none_or(|f| f.kind != Type::Link) => Err(file
                .error(
                    &["duplicates", "within"],
                    format!("`{link}` is no link of it"),
                )),
            _ => Ok(()),
        }
    }

    fn check_field(&self, field: &FieldDef) -> std::result::Result<(), (&'static str, String)> {
        let id = &field.id;
        match (field.kind, &field.to) {
            (Type::Link, None) => {
                return Err(("id", format!("link `{id}` does not say `to` what")));
            }
            (Type::Link, Some(to)) if !self.objects.contains_key(to) => {
                return Err(("to", format!("there is no object `{to}`")));
            }
            (Type::Link, Some(_)) | (_, None) => {}
            (_, Some(_)) => return Err(("to", format!("field `{id}` is no link"))),
        }
        match (field.kind, field.options.is_empty()) {
            (Type::Choice, true) => return Err(("id", format!("choice `{id}` has no options"))),
            (Type::Choice, false) | (_, true) => {}
            (_, false) => return Err(("options", format!("field `{id}` is no choice"))),
        }
        let mut words = BTreeSet::new();
        for option in &field.options {
            if option.value.is_empty() || !words.insert(&option.value) {
                return Err((
                    "options",
                    format!("option `{}` is empty or there twice", option.value),
                ));
            }
        }
        if let Some(unit) = &field.unit
            && Unit::named(unit).is_none()
        {
            return Err((
                "unit",
                format!("there is no unit `{unit}`; there are money, count, pct, days and score"),
            ));
        }
        if field.search && field.kind != Type::Text {
            return Err(("search", format!("field `{id}` is no text")));
        }
        Ok(())
    }

    fn check_copy(&self, file: File, object: &ObjectDef) -> Result<()> {
        let Some(copy) = &object.copy else {
            return Ok(());
        };
        if let Some(time) = &copy.time {
            let key = ["copy", "time"];
            let path = path_of(time);
            let field = self
                .field(&object.id, &path)
                .map_err(|e| file.error(&key, e.to_string()))?;
            if field.kind != Type::Date {
                return Err(file.error(
                    &key,
                    format!("`{time}` is a {}, not a date", field.kind.name()),
                ));
            }
            if path.len() > 2 {
                return Err(file.error(&key, format!("`{time}` leads over more than one link")));
            }
            for n in 1..=path.len() {
                let step = self
                    .field(&object.id, &path[..n])
                    .map_err(|e| file.error(&key, e.to_string()))?;
                if !step.required {
                    let message = format!("`{time}` may be empty; a date to count by is required");
                    return Err(file.error(&key, message));
                }
            }
        }
        for (i, name) in copy.include.iter().enumerate() {
            let i = i.to_string();
            let key = ["copy", "include", i.as_str()];
            let path = path_of(name);
            if path.len() != 2 {
                return Err(file.error(&key, format!("`{name}` is not one link and one field")));
            }
            self.field(&object.id, &path)
                .map_err(|e| file.error(&key, e.to_string()))?;
            let column = path.join("_");
            if object.field(&column).is_some() {
                return Err(file.error(
                    &key,
                    format!("the copied column `{column}` has the name of a field"),
                ));
            }
        }
        Ok(())
    }
}

/// True where the expression language reads the word as the name it is. The
/// parser has words of its own beside ours, so it is asked.
pub(super) fn reads_as_name(word: &str) -> bool {
    struct Anything;
    impl Scope for Anything {
        fn resolve(&self, _: &[String]) -> Result<Type> {
            Ok(Type::Text)
        }
    }
    let name = Node::Field(vec![word.to_owned()]);
    !WORDS.contains(&word) && Expr::parse(word, &Anything).is_ok_and(|expr| expr.node == name)
}
