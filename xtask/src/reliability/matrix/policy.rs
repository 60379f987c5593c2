//! What each person may do, worked out a second time and in another way than
//! the program does: from the text of the roles, who is where, and what was
//! shared with whom. Knows no line of the program.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value as Json;

/// One who comes in by a token.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub user: i64,
    pub token: String,
    pub role: Role,
    /// Users in the own departments, and in those below too.
    pub team: BTreeSet<i64>,
    pub department: BTreeSet<i64>,
    /// Customer to whether it may be changed.
    pub shared: BTreeMap<i64, bool>,
    /// Scopes of the token; none: all.
    pub scopes: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Role {
    /// Object or `*`, actions, rows.
    pub grants: Vec<(String, Vec<String>, String)>,
    /// Field to `hidden` or `read`.
    pub fields: BTreeMap<String, String>,
    pub admin: BTreeSet<String>,
}

/// Whose a record is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owned {
    pub user: Option<i64>,
    pub customer: Option<i64>,
    pub customer_user: Option<i64>,
    /// Whether the object leads to a user or customer at all.
    pub is_somebodys: bool,
}

impl Role {
    /// Of a file under definitions/roles.
    pub fn of_toml(text: &str) -> Result<Role> {
        let role: toml::Table = text.parse()?;
        let list = |table: &toml::Table, key: &str| -> Vec<toml::Value> {
            let list = table.get(key).and_then(|v| v.as_array());
            list.cloned().unwrap_or_default()
        };
        let texts = |table: &toml::Table, key: &str| -> Vec<String> {
            let all = list(table, key);
            all.iter()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect()
        };
        let text = |table: &toml::Table, key: &str| -> Result<String> {
            let text = table.get(key).and_then(|v| v.as_str());
            Ok(text.with_context(|| format!("no {key}"))?.to_owned())
        };
        let mut made = Role {
            admin: texts(&role, "admin").into_iter().collect(),
            ..Role::default()
        };
        for grant in list(&role, "grant").iter().filter_map(|g| g.as_table()) {
            for object in texts(grant, "objects") {
                made.grants
                    .push((object, texts(grant, "actions"), text(grant, "rows")?));
            }
        }
        for field in list(&role, "field").iter().filter_map(|g| g.as_table()) {
            made.fields
                .insert(text(field, "field")?, text(field, "as")?);
        }
        Ok(made)
    }

    /// Of the body that the role was made by.
    pub fn of_json(body: &Json) -> Role {
        let text = |v: &Json| v.as_str().unwrap_or_default().to_owned();
        let all = |v: &Json| v.as_array().cloned().unwrap_or_default();
        let grant = |g: &Json| {
            let actions = all(&g["actions"]).iter().map(text).collect();
            (text(&g["object"]), actions, text(&g["rows"]))
        };
        Role {
            grants: all(&body["grants"]).iter().map(grant).collect(),
            fields: (all(&body["fields"]).iter())
                .map(|f| (text(&f["field"]), text(&f["as"])))
                .collect(),
            admin: all(&body["admin"]).iter().map(text).collect(),
        }
    }
}

impl Person {
    /// Whose rows the action reaches; none where it is not granted.
    fn rows(&self, object: &str, action: &str) -> Option<&str> {
        let is_scoped = self.scopes.is_empty()
            || self.scopes.iter().any(|scope| {
                let (of, word) = scope.split_once(':').unwrap_or(("", scope));
                let within = match word {
                    "read" => &["read"][..],
                    "write" => &["read", "create", "update", "delete", "import"],
                    "export" => &["read", "export"],
                    _ => &[],
                };
                (of.is_empty() || of == object) && within.contains(&action)
            });
        // Who colleagues are, everybody may know.
        if action == "read" && ["user", "department", "member"].contains(&object) {
            return Some("all");
        }
        if !is_scoped {
            return None;
        }
        let named = self.role.grants.iter().any(|(of, _, _)| of == object);
        let wanted = if named { object } else { "*" };
        let order = ["own", "team", "department", "all"];
        (self.role.grants.iter())
            .filter(|(of, actions, _)| of == wanted && actions.iter().any(|a| a == action))
            .filter_map(|(_, _, rows)| order.iter().position(|o| o == rows))
            .max()
            .map(|widest| order[widest])
    }

    pub fn may(&self, object: &str, action: &str) -> bool {
        self.rows(object, action).is_some()
    }

    /// Whether the action may be done with any object that a grant names, or
    /// with all.
    pub fn may_any(&self, action: &str) -> bool {
        let granted = self.role.grants.iter().map(|(object, ..)| object.as_str());
        let scoped = self.scopes.iter().filter_map(|s| s.split_once(':'));
        let mut objects = granted.chain(scoped.map(|(object, _)| object));
        objects.any(|object| self.may(object, action))
    }

    pub fn administers(&self, what: &str) -> bool {
        let scoped = self.scopes.is_empty() || self.scopes.iter().any(|s| s == "admin");
        scoped && self.role.admin.contains(what)
    }

    /// Whether the action may be done with this record.
    pub fn may_with(&self, object: &str, action: &str, record: &Owned) -> bool {
        let Some(rows) = self.rows(object, action) else {
            return false;
        };
        if rows == "all" || !record.is_somebodys {
            return true;
        }
        let is_reached = |user: Option<i64>| {
            user.is_some_and(|u| {
                u == self.user
                    || (rows == "team" && self.team.contains(&u))
                    || (rows == "department" && self.department.contains(&u))
            })
        };
        let share = record.customer.and_then(|c| self.shared.get(&c));
        let is_opened = match (share, action) {
            (None, _) | (_, "delete") => false,
            (Some(_), "read" | "export") => true,
            (Some(is_writable), _) => *is_writable,
        };
        is_reached(record.user) || is_reached(record.customer_user) || is_opened
    }

    pub fn sees_field(&self, field: &str) -> bool {
        self.role
            .fields
            .get(field)
            .is_none_or(|as_| as_ != "hidden")
    }

    pub fn writes_field(&self, field: &str) -> bool {
        !self.role.fields.contains_key(field)
    }
}
