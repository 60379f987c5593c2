//! What there is: counts, dates, freshness, and the catalog in the page's
//! words.

use std::collections::BTreeMap;

use jiff::civil::Date;
use keji_schema::definition::{FieldDef, Text2};
use keji_schema::metric::{Direction, Unit};
use keji_schema::rule::Named;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::App;
use crate::error::Result;
use crate::evaluation;
use crate::permission::{self, Caller};

#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    pub version: &'static str,
    /// Records per object.
    pub counts: BTreeMap<String, i64>,
    #[schema(value_type = Option<String>, format = Date)]
    pub first_ordered_on: Option<Date>,
    #[schema(value_type = Option<String>, format = Date)]
    pub last_ordered_on: Option<Date>,
    /// The newest evaluation.
    #[schema(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
    #[schema(value_type = Vec<String>)]
    pub evaluations: Vec<Date>,
    /// Position of the change log.
    pub seq: i64,
    /// The position that the columnar copy includes.
    pub copy_seq: i64,
    /// Changes that the search does not know spelt or by its index yet.
    pub search_behind: i64,
    /// Whether the place holds the demo company.
    pub demo: bool,
    /// Of the newest orders, where they have one and the same.
    pub currency: Option<String>,
}

pub async fn status(app: &App, caller: &Caller) -> Result<Status> {
    let counts = app.store.counts().await?;
    let evaluations: Vec<Date> = evaluation::list(app, caller)
        .await?
        .resources
        .into_iter()
        .map(|e| e.as_of)
        .collect();
    let batches = app.store.batches(200).await?;
    Ok(Status {
        version: env!("CARGO_PKG_VERSION"),
        first_ordered_on: counts.first_ordered_on,
        last_ordered_on: counts.last_ordered_on,
        as_of: evaluations.first().copied(),
        evaluations,
        seq: counts.seq,
        copy_seq: app.store.copy_seq().await?,
        search_behind: app.store.search_behind().await?,
        demo: batches.iter().any(|b| {
            b.filename == crate::demo::FILENAME && b.state == keji_store::BatchState::Merged
        }),
        currency: app.currency(caller).await?,
        counts: counts
            .objects
            .into_iter()
            .filter(|(object, _)| permission::sees_all(caller, object))
            .collect(),
    })
}

pub async fn is_empty(app: &App) -> Result<bool> {
    let counts = app.store.counts().await?.objects;
    // Users may be there before the first data.
    let is_data = |object: &str| {
        let written_by = app
            .catalog
            .objects
            .get(object)
            .and_then(|o| o.written_by.as_deref());
        written_by != Some("identity")
    };
    Ok(counts.iter().all(|(object, &n)| n == 0 || !is_data(object)))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogBody {
    pub objects: Vec<ObjectBody>,
    pub metrics: Vec<MetricBody>,
    pub tiers: Vec<Named>,
    pub stages: Vec<Named>,
    pub rfm: Vec<RfmBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectBody {
    pub id: String,
    pub name: Text2,
    pub about: Text2,
    /// The date by which its records are counted; null: they are not.
    pub measured_by: Option<String>,
    pub fields: Vec<FieldBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct FieldBody {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: Text2,
    pub help: Option<Text2>,
    pub unit: Option<String>,
    pub to: Option<String>,
    pub options: Vec<keji_schema::definition::OptionDef>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MetricBody {
    pub id: String,
    pub code: String,
    pub version: u32,
    pub name: Text2,
    pub about: Text2,
    pub group: String,
    pub unit: Unit,
    pub direction: Direction,
    pub kind: &'static str,
    pub dimensions: Vec<String>,
    pub grain_min: keji_schema::calendar::Grain,
    pub formula: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RfmBody {
    pub id: String,
    pub version: u32,
    pub name: Text2,
    pub about: Text2,
}

pub fn catalog(app: &App) -> CatalogBody {
    let catalog = &app.catalog;
    CatalogBody {
        objects: catalog
            .objects
            .values()
            .map(|o| ObjectBody {
                id: o.id.clone(),
                name: o.name.clone(),
                about: o.about.clone(),
                measured_by: o.copy.as_ref().and_then(|copy| copy.time.clone()),
                fields: o.fields.iter().map(field).collect(),
            })
            .collect(),
        metrics: catalog
            .metrics
            .values()
            .map(|m| MetricBody {
                id: m.id.clone(),
                code: m.code.clone(),
                version: m.version,
                name: m.name.clone(),
                about: m.about.clone(),
                group: m.group.clone(),
                unit: m.unit,
                direction: m.direction,
                kind: m.kind(),
                dimensions: catalog.dimensions(&m.id).unwrap_or_default(),
                grain_min: m.grain_min,
                formula: m.formula(),
            })
            .collect(),
        tiers: catalog.tiers.names.clone(),
        stages: catalog.tiers.stages.clone(),
        rfm: catalog
            .rfm
            .values()
            .map(|r| RfmBody {
                id: r.id.clone(),
                version: r.version,
                name: r.name.clone(),
                about: r.about.clone(),
            })
            .collect(),
    }
}

fn field(f: &FieldDef) -> FieldBody {
    FieldBody {
        id: f.id.clone(),
        kind: serde_json::to_value(f.kind)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default(),
        name: f.name.clone(),
        help: f.help.clone(),
        unit: f.unit.clone(),
        to: f.to.clone(),
        options: f.options.clone(),
    }
}
