//! What a role must keep to.

use super::Catalog;
use super::load::Files;
use crate::error::{Error, Result};
use crate::role::{RoleDef, Shown};
use crate::value::Type;

impl Catalog {
    pub(super) fn check_roles(&self, files: &Files) -> Result<()> {
        for (id, role) in &self.roles {
            let file = files[&("role", id.clone())];
            if let Err((key, message)) = self.fault_of(role) {
                let key: Vec<&str> = key.iter().map(String::as_str).collect();
                return Err(file.error(&key, message));
            }
        }
        Ok(())
    }

    /// A role that comes from elsewhere: its objects and fields have to exist.
    pub fn check_role(&self, role: &RoleDef) -> Result<()> {
        self.fault_of(role)
            .map_err(|(key, message)| Error::Definition {
                file: format!("roles/{}: {}", role.id, key.join(".")),
                line: 1,
                message,
            })
    }

    /// The key that does not hold, and why.
    fn fault_of(&self, role: &RoleDef) -> std::result::Result<(), (Vec<String>, String)> {
        for (i, grant) in role.grants.iter().enumerate() {
            let key = || vec!["grant".to_owned(), i.to_string(), "objects".to_owned()];
            if grant.objects.is_empty() {
                return Err((key(), "a grant names at least one object".to_owned()));
            }
            for object in &grant.objects {
                if object == "*" && grant.objects.len() > 1 {
                    return Err((key(), "`*` stands alone".to_owned()));
                }
                if object != "*" && !self.objects.contains_key(object) {
                    return Err((key(), format!("there is no object `{object}`")));
                }
            }
        }
        for (i, right) in role.fields.iter().enumerate() {
            let known = right.field.split_once('.').is_some_and(|(object, field)| {
                let object = self.objects.get(object);
                object.is_some_and(|o| o.field(field).is_some())
            });
            if !known {
                let key = vec!["field".to_owned(), i.to_string(), "field".to_owned()];
                return Err((key, format!("there is no field `{}`", right.field)));
            }
            let (object, field) = right.field.split_once('.').unwrap_or_default();
            let field = self.objects.get(object).and_then(|o| o.field(field));
            if right.shown == Shown::Masked && field.is_some_and(|f| f.kind == Type::Link) {
                let key = vec!["field".to_owned(), i.to_string(), "as".to_owned()];
                let message = format!("the link `{}` can be hidden, not masked", right.field);
                return Err((key, message));
            }
            if right.reveal && right.shown != Shown::Masked {
                let key = vec!["field".to_owned(), i.to_string(), "reveal".to_owned()];
                let message = format!("`{}` is not masked", right.field);
                return Err((key, message));
            }
        }
        Ok(())
    }
}
