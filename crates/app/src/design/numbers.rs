//! Metrics that go with the date by which an object is counted: how many there
//! are, and the sum of each amount of money. They are files like those of any
//! metric, so whoever wants more changes them there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use keji_schema::Type;
use keji_schema::definition::{ObjectDef, Text2};
use serde_json::{Value as Json, json};

use super::draft::text_of;
use crate::error::Result;

/// Brings the metrics of one object up to its new definition: those go that
/// would count by what is no more, and where they are asked for, those come
/// that are not there yet.
pub(super) fn bring(
    files: &mut BTreeMap<String, String>,
    old: Option<&ObjectDef>,
    new: Option<&ObjectDef>,
    is_asked: bool,
) -> Result<()> {
    let of = |def: Option<&ObjectDef>| def.map(offered).unwrap_or_default();
    let still = of(new);
    for path in of(old).keys().filter(|path| !still.contains_key(*path)) {
        files.remove(path);
    }
    if is_asked {
        for (path, metric) in still {
            if let Entry::Vacant(place) = files.entry(path) {
                place.insert(text_of(&metric)?);
            }
        }
    }
    Ok(())
}

/// By path; none where the object is not counted by a date of its own.
fn offered(def: &ObjectDef) -> BTreeMap<String, Json> {
    let mut all = BTreeMap::new();
    let time = def.copy.as_ref().and_then(|copy| copy.time.as_deref());
    let Some(time) = time.and_then(|time| def.field(time)) else {
        return all;
    };
    let (object, of) = (def.id.as_str(), &def.name);
    let path = |end: &str| format!("metrics/own/{object}_{end}.toml");
    let count = Numbered {
        name: text(format!("{}数", of.zh), format!("{}: number", of.en)),
        about: text(
            format!("按“{}”落在这段时间里的{}有多少条。", time.name.zh, of.zh),
            format!(
                "How many records of {} have their {} in the period.",
                of.en, time.name.en
            ),
        ),
        unit: "count",
        measure: json!({ "agg": "count", "from": object }),
        rows: [
            json!({ &time.id: "2024-01-05" }),
            json!({ &time.id: "2024-01-31" }),
            json!({ &time.id: "2024-02-01" }),
        ],
        is: "2",
    };
    all.insert(path("count"), count.file(object));
    let is_money = |unit: &Option<String>| unit.as_deref() == Some("money");
    let amounts = (def.fields.iter()).filter(|f| f.kind == Type::Decimal && is_money(&f.unit));
    for field in amounts {
        let sum = Numbered {
            name: text(
                format!("{}{}合计", of.zh, field.name.zh),
                format!("{}: sum of {}", of.en, field.name.en),
            ),
            about: text(
                format!(
                    "按“{}”落在这段时间里的{}，“{}”之和。",
                    time.name.zh, of.zh, field.name.zh
                ),
                format!(
                    "The sum of {} over the records of {} that have their {} in the period.",
                    field.name.en, of.en, time.name.en
                ),
            ),
            unit: "money",
            measure: json!({ "agg": "sum", "from": object, "expr": field.id }),
            rows: [
                json!({ &time.id: "2024-01-05", &field.id: "100" }),
                json!({ &time.id: "2024-01-31", &field.id: "50" }),
                json!({ &time.id: "2024-02-01", &field.id: "70" }),
            ],
            is: "150",
        };
        all.insert(path(&format!("{}_sum", field.id)), sum.file(object));
    }
    all
}

struct Numbered {
    name: Json,
    about: Json,
    unit: &'static str,
    measure: Json,
    /// Two of January and one that is outside.
    rows: [Json; 3],
    is: &'static str,
}

impl Numbered {
    fn file(self, object: &str) -> Json {
        json!({
            "code": "O1",
            "version": 1,
            "group": "own",
            "name": self.name,
            "about": self.about,
            "unit": self.unit,
            "direction": "up",
            "measure": self.measure,
            "example": [{
                "about": text(
                    "一月两条，二月的一条不算。".to_owned(),
                    "Two of January; the one of February does not count.".to_owned(),
                ),
                "as_of": "2024-03-01",
                "from": "2024-01-01",
                "to": "2024-02-01",
                "rows": [[self.is]],
                "given": { object: self.rows },
            }],
        })
    }
}

fn text(zh: String, en: String) -> Json {
    json!(Text2 { zh, en })
}
