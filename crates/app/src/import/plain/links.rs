//! Which record a text of a file means: the one of this number, else the only
//! one of this title. Where several have the title, the row's other links say
//! which: the contact of its customer, the stage of its pipeline. A record
//! that the caller may not see is none.

use std::collections::{BTreeSet, HashMap};

use keji_schema::{Catalog, Type, Value};
use keji_store::{Access, Found, Store};

use super::super::rows::cells::{Why, shortened};
use super::columns::Layout;
use super::rows::Row;
use crate::error::Result;
use crate::permission::{Caller, Owned, access};

/// Texts that are remembered for each link.
const N_TEXTS: usize = 100_000;

/// One link of the file.
struct Target {
    /// Of its value in a row.
    at: usize,
    /// Of its column.
    index: usize,
    field: String,
    object: String,
    names: (String, String),
    number: Option<String>,
    title: Option<String>,
    /// Links that the target has, too, and the places of the row's own.
    shared: Vec<(String, usize)>,
    known: HashMap<String, Known>,
}

#[derive(Default)]
struct Known {
    by_number: Option<i64>,
    by_title: Vec<Found>,
}

pub struct Links {
    targets: Vec<Target>,
}

impl Links {
    pub fn new(catalog: &Catalog, layout: &Layout) -> Result<Links> {
        let mut targets = Vec::new();
        for (at, column) in layout.columns.iter().enumerate() {
            let (Type::Link, Some(to)) = (column.field.kind, &column.field.to) else {
                continue;
            };
            let target = catalog.object(to)?;
            let others = layout.columns[..at].iter().enumerate();
            let shared = others
                .filter(|(_, other)| {
                    let same = target.field(&other.field.id);
                    other.field.to.is_some() && same.is_some_and(|f| f.to == other.field.to)
                })
                .map(|(place, other)| (other.field.id.clone(), place))
                .collect();
            targets.push(Target {
                at,
                index: column.index,
                field: column.field.id.clone(),
                object: to.clone(),
                names: (target.name.zh.clone(), target.name.en.to_lowercase()),
                number: target.number.clone(),
                title: target.title.clone(),
                shared,
                known: HashMap::new(),
            });
        }
        Ok(Links { targets })
    }

    /// Puts the records' ids in the place of the texts. The answer has, for
    /// each row, why it is turned away, if it is.
    pub async fn resolve(
        &mut self,
        store: &Store,
        caller: &Caller,
        owned: Option<&Owned>,
        rows: &mut [Row],
    ) -> Result<Vec<Option<Why>>> {
        let mut faults: Vec<Option<Why>> = Vec::with_capacity(rows.len());
        faults.resize_with(rows.len(), || None);
        for target in &mut self.targets {
            let within = owned.and_then(|o| o.link.as_ref());
            let access = match within.filter(|(link, _)| *link == target.field) {
                Some((_, within)) => within.clone(),
                None => access(caller, &target.object),
            };
            target.look_up(store, &access, rows).await?;
            for (row, fault) in rows.iter_mut().zip(&mut faults) {
                if fault.is_none()
                    && let Err(why) = target.resolve(&mut row.values)
                {
                    *fault = Some(why);
                }
            }
        }
        Ok(faults)
    }
}

impl Target {
    async fn look_up(&mut self, store: &Store, access: &Access, rows: &[Row]) -> Result<()> {
        if self.known.len() > N_TEXTS {
            self.known.clear();
        }
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for row in rows {
            if let Value::Text(text) = &row.values[self.at]
                && !self.known.contains_key(text.as_str())
            {
                wanted.insert(text);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let mut found: HashMap<String, Known> = HashMap::new();
        if let Some(number) = &self.number {
            let texts: Vec<&str> = wanted.iter().copied().collect();
            let by_number = store
                .find_by_text(&self.object, number, &texts, &[], access)
                .await?;
            for (text, records) in by_number {
                wanted.remove(text.as_str());
                let by_number = records.first().map(|record| record.id);
                found.insert(
                    text,
                    Known {
                        by_number,
                        ..Known::default()
                    },
                );
            }
        }
        if let Some(title) = self.title.as_ref().filter(|_| !wanted.is_empty()) {
            let texts: Vec<&str> = wanted.iter().copied().collect();
            let links: Vec<String> = self.shared.iter().map(|(link, _)| link.clone()).collect();
            let by_title = store
                .find_by_text(&self.object, title, &texts, &links, access)
                .await?;
            for (text, by_title) in by_title {
                wanted.remove(text.as_str());
                found.insert(
                    text,
                    Known {
                        by_title,
                        ..Known::default()
                    },
                );
            }
        }
        let unknown: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        self.known.extend(found);
        let nothing = unknown.into_iter().map(|text| (text, Known::default()));
        self.known.extend(nothing);
        Ok(())
    }

    fn resolve(&self, values: &mut [Value]) -> std::result::Result<(), Why> {
        let Value::Text(text) = &values[self.at] else {
            return Ok(());
        };
        let nothing = Known::default();
        let known = self.known.get(text.as_str()).unwrap_or(&nothing);
        let id = match known.by_number {
            Some(id) => id,
            None => {
                let fits = |found: &&Found| {
                    let pairs = self.shared.iter().zip(&found.links);
                    pairs.into_iter().all(|((_, place), theirs)| {
                        let own = &values[*place];
                        own.is_null() || theirs.is_null() || own == theirs
                    })
                };
                let mut fitting = known.by_title.iter().filter(fits);
                match (fitting.next(), fitting.next()) {
                    (Some(only), None) => only.id,
                    (None, _) => return Err(self.fault("no_such_record", text)),
                    (Some(_), Some(_)) => return Err(self.fault("several_records", text)),
                }
            }
        };
        values[self.at] = Value::Int(id);
        Ok(())
    }

    fn fault(&self, code: &'static str, text: &str) -> Why {
        Why::at(code, self.index)
            .with("value", shortened(text))
            .with("object_zh", self.names.0.clone())
            .with("object_en", self.names.1.clone())
    }
}
