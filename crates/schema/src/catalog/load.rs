//! Files to a catalog. A file's place says what it defines; what is wrong in
//! it is told with its line.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::Catalog;
use crate::calendar::CalendarDef;
use crate::definition::Origin;
use crate::error::{Error, Result};

/// Path below `definitions/` and text of every file that comes with the
/// product.
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// Below `definitions/`: what is not in force before somebody takes it in.
const PACKS: &str = "packs/";

/// The standard definitions.
fn standard() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = EMBEDDED.iter().copied();
    files.filter(|(path, _)| !path.starts_with(PACKS))
}

/// The files of all packs, as `<pack>/<path below it>` and text.
pub fn packs() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = EMBEDDED.iter();
    files.filter_map(|(path, text)| Some((path.strip_prefix(PACKS)?, *text)))
}

/// Tables of the program and of the databases begin with these.
const TAKEN: [&str; 3] = ["keji_", "sqlite_", "pg_"];

/// One definition file; it turns a key into a line.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

/// The files by what they define: `("metric", "orders")`.
pub(super) type Files<'a> = BTreeMap<(&'static str, String), File<'a>>;

impl Catalog {
    /// The definitions that come with the product, embedded at build time.
    pub fn standard() -> Result<Catalog> {
        Catalog::load(standard())
    }

    /// The standard definitions and files of one's own beside them, checked
    /// together. An own file adds; none takes the place of a standard one.
    pub fn standard_with(own: BTreeMap<String, String>) -> Result<Catalog> {
        Catalog::standard_and(own, BTreeMap::new())
    }

    /// The same with what was defined in the page beside it.
    pub fn standard_and(
        own: BTreeMap<String, String>,
        designed: BTreeMap<String, String>,
    ) -> Result<Catalog> {
        let files = own.iter().chain(&designed);
        let mut all: Vec<(&str, &str)> = standard().collect();
        all.extend(files.map(|(p, t)| (p.as_str(), t.as_str())));
        let mut catalog = Catalog::load(all)?;
        catalog.own = own;
        catalog.designed = designed;
        Ok(catalog)
    }

    /// Whether the file of this place comes with the product.
    pub fn is_standard(path: &str) -> bool {
        standard().any(|(known, _)| known == path)
    }

    /// Reads `(path, text)` pairs, the path below `definitions/` with `/`:
    /// `objects/<id>.toml`, `additions/<object>.toml`,
    /// `metrics/<group>/<id>.toml`, `choice/<id>.toml`, `rfm/<id>.toml`,
    /// `roles/<id>.toml`, `tiers/value.toml` and `calendar.toml`. The first
    /// definition that does not hold is the error, with file and line.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Catalog> {
        let mut known = Files::new();
        let mut objects = BTreeMap::new();
        let mut additions = BTreeMap::new();
        let mut metrics = BTreeMap::new();
        let mut rfm = BTreeMap::new();
        let mut roles = BTreeMap::new();
        let mut choices = BTreeMap::new();
        let mut tiers = None;
        let mut calendar = None;
        for (path, text) in files {
            let file = File { path, text };
            let stem = path.strip_suffix(".toml").ok_or_else(|| file.misplaced())?;
            let parts: Vec<&str> = stem.split('/').collect();
            let (kind, id) = match parts[..] {
                ["objects", id] => {
                    let mut object: crate::definition::ObjectDef = file.parse()?;
                    object.id = id.to_owned();
                    object.is_own = !Catalog::is_standard(path);
                    for field in &mut object.fields {
                        field.is_own = object.is_own;
                    }
                    object.has_origin &= object.written_by.is_none();
                    if object.has_origin {
                        object.fields.extend(Origin::ALL.map(Origin::field));
                    }
                    objects.insert(id.to_owned(), object);
                    ("object", id)
                }
                ["additions", id] => {
                    let addition: crate::definition::AdditionDef = file.parse()?;
                    additions.insert(id.to_owned(), addition);
                    ("addition", id)
                }
                ["metrics", group, id] if is_name(group) => {
                    let mut metric: crate::metric::MetricDef = file.parse()?;
                    if metric.group != group {
                        let message = format!(
                            "group `{}` does not match the folder `{group}`",
                            metric.group
                        );
                        return Err(file.error(&["group"], message));
                    }
                    metric.id = id.to_owned();
                    metrics.insert(id.to_owned(), metric);
                    ("metric", id)
                }
                ["rfm", id] => {
                    let mut rule: crate::rule::RfmRule = file.parse()?;
                    rule.id = id.to_owned();
                    rfm.insert(id.to_owned(), rule);
                    ("rfm", id)
                }
                ["roles", id] => {
                    let mut role: crate::role::RoleDef = file.parse()?;
                    role.id = id.to_owned();
                    roles.insert(id.to_owned(), role);
                    ("role", id)
                }
                ["choice", id] => {
                    let choice: crate::choice::ChoiceDef = file.parse()?;
                    choices.insert(id.to_owned(), choice);
                    ("choice", id)
                }
                ["tiers", "value"] => {
                    tiers = Some(file.parse()?);
                    ("tiers", "value")
                }
                ["calendar"] => {
                    let def: CalendarDef = file.parse()?;
                    let made = def
                        .calendar()
                        .map_err(|e| file.error(&["zone"], e.to_string()))?;
                    calendar = Some(made);
                    ("calendar", "")
                }
                _ => return Err(file.misplaced()),
            };
            if !is_name(id) && kind != "calendar" {
                return Err(file.error(
                    &[],
                    format!("`{id}` is not a name: small letters, digits and _"),
                ));
            }
            if let Some(other) = known.insert((kind, id.to_owned()), file) {
                return Err(file.error(
                    &[],
                    format!("{kind} `{id}` is defined in {} too", other.path),
                ));
            }
            if let Some(prefix) = TAKEN.iter().find(|prefix| id.starts_with(**prefix)) {
                return Err(file.error(&[], format!("names that begin with `{prefix}` are taken")));
            }
        }
        let missing = |path: &str| Error::Definition {
            file: path.to_owned(),
            line: 1,
            message: "the file is missing".to_owned(),
        };
        for (id, addition) in additions {
            let file = known[&("addition", id.clone())];
            let Some(object) = objects.get_mut(&id) else {
                return Err(file.error(&[], format!("there is no object `{id}`")));
            };
            super::additions::join(file, object, addition)?;
        }
        let mut catalog = Catalog {
            objects,
            metrics,
            rfm,
            roles,
            tiers: tiers.ok_or_else(|| missing("tiers/value.toml"))?,
            calendar: calendar.ok_or_else(|| missing("calendar.toml"))?,
            choice: super::choice::join(&known, &choices)?,
            own: BTreeMap::new(),
            designed: BTreeMap::new(),
        };
        catalog.check_objects(&known)?;
        catalog.derive(&known)?;
        catalog.check_metrics(&known)?;
        catalog.check_rules(&known)?;
        catalog.check_roles(&known)?;
        catalog.check_choice(&known, &choices)?;
        Ok(catalog)
    }
}

impl File<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        toml::from_str(self.text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            self.definition(at, e.message().to_owned())
        })
    }

    /// An error at the line of a key: `&["field", "2", "to"]` is the key `to`
    /// of the third field. As much of the path as the file has decides.
    pub fn error(&self, key: &[&str], message: impl Into<String>) -> Error {
        self.definition(self.offset(key).unwrap_or(0), message.into())
    }

    /// How many tables a list of the file has.
    pub fn n_of(&self, key: &str) -> usize {
        let root = DeTable::parse(self.text).ok();
        let list = root.as_ref().and_then(|r| r.get_ref().get(key));
        match list.map(|list| list.get_ref()) {
            Some(DeValue::Array(list)) => list.len(),
            _ => 0,
        }
    }

    fn offset(&self, key: &[&str]) -> Option<usize> {
        let root = DeTable::parse(self.text).ok()?;
        let mut at = None;
        let mut table = Some(root.get_ref());
        let mut list: Option<&toml::de::DeArray> = None;
        for part in key {
            let value = match (table, list) {
                (Some(table), _) => match table.iter().find(|(k, _)| k.get_ref() == part) {
                    Some((k, value)) => {
                        at = Some(k.span().start);
                        value
                    }
                    None => break,
                },
                (None, Some(list)) => match part.parse().ok().and_then(|i: usize| list.get(i)) {
                    Some(value) => {
                        at = Some(value.span().start);
                        value
                    }
                    None => break,
                },
                _ => break,
            };
            table = match value.get_ref() {
                DeValue::Table(t) => Some(t),
                _ => None,
            };
            list = match value.get_ref() {
                DeValue::Array(a) => Some(a),
                _ => None,
            };
        }
        at
    }

    fn definition(&self, offset: usize, message: String) -> Error {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        Error::Definition {
            file: self.path.to_owned(),
            line: 1 + before.iter().filter(|&&b| b == b'\n').count(),
            message,
        }
    }

    fn misplaced(&self) -> Error {
        self.error(&[], "no definition has this place: objects/<id>.toml, additions/<object>.toml, metrics/<group>/<id>.toml, choice/<id>.toml, rfm/<id>.toml, roles/<id>.toml, tiers/value.toml, calendar.toml")
    }
}

/// `[a-z][a-z0-9_]*`, at most 50 characters: PostgreSQL cuts names at 63, and
/// a copied column is named by two.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 50
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
