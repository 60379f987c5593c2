//! What follows from the values of a task: its day from its time, the day on
//! which it was done from its state.

use keji_schema::Value;
use keji_schema::definition::ObjectDef;
use serde_json::{Map, Value as Json};

use super::coerce::Draft;
use crate::context::App;
use crate::error::FieldFault;

pub(super) const OBJECT: &str = "task";

/// Fills in what was not given; a day and a time that do not agree are a
/// fault.
pub(super) fn complete(app: &App, def: &ObjectDef, draft: &mut Draft, given: &Map<String, Json>) {
    let calendar = &app.catalog.calendar;
    let value = |draft: &Draft, field: &str| {
        let found = draft.values.iter().find(|(f, _)| f == field);
        found.map(|(_, value)| value.clone())
    };
    let fill = |draft: &mut Draft, field: &str, value: Value| {
        if def.field(field).is_some() && !given.contains_key(field) {
            draft.values.push((field.to_owned(), value));
        }
    };
    match (value(draft, "due_at"), value(draft, "due_on")) {
        (Some(Value::Instant(at)), None) => {
            fill(draft, "due_on", Value::Date(calendar.day_of(at)));
        }
        (Some(Value::Instant(at)), Some(Value::Date(day))) if calendar.day_of(at) != day => {
            let of_time = calendar.day_of(at);
            let zh = format!("和到期日不是同一天：{of_time}");
            let en = format!("it is on another day than `due_on`: {of_time}");
            draft
                .faults
                .push(FieldFault::new("due_at", "value", zh, en));
        }
        // The time was one of the day before.
        (None, Some(Value::Date(_))) => fill(draft, "due_at", Value::Null),
        _ => {}
    }
    match value(draft, "state") {
        Some(Value::Text(state)) if state == "done" => {
            let today = calendar.day_of(jiff::Timestamp::now());
            fill(draft, "done_on", Value::Date(today));
        }
        Some(_) => fill(draft, "done_on", Value::Null),
        None => {}
    }
}
