//! The API's description. What handlers say of themselves is the base: it
//! stands in `web/openapi.json`, and the page's types are made from it. What is
//! served at run time has the objects of the catalog besides, each with calls
//! and schemas of its own, as far as the caller may read them; decision 0017
//! says why.

use keji_app::records::{FieldDoc, ObjectDoc};
use keji_schema::definition::Origin;
use serde_json::{Map, Value as Json, json};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::routes::{self, Shared};

#[derive(OpenApi)]
#[openapi(info(
    title = "Keji 客绩",
    description = "How every customer performs: import, insight, evaluation, customers, records, and everything that looks after them.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

const PROBLEM: &str = "application/problem+json";

/// What exports come as.
const FILES: [&str; 3] = [
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.apache.parquet",
];

/// Calls that need nobody to be signed in.
const OPEN: [(&str, &str); 11] = [
    ("/api/session", "get"),
    ("/api/session", "post"),
    // Who is not signed in is signed out.
    ("/api/session", "delete"),
    ("/api/session/passkey", "post"),
    ("/api/session/passkey/options", "post"),
    ("/api/session/providers", "get"),
    ("/api/session/sso/{id}", "post"),
    ("/api/setup", "post"),
    ("/api/openapi.json", "get"),
    // For whoever has the address.
    ("/api/forms/{token}", "get"),
    ("/api/forms/{token}/answers", "post"),
];

/// Places of a path that stand for an object.
const OBJECT: &str = "{object}";

/// Calls below a record that are the same for every object, also for who may
/// only read it.
const ALIKE: [&str; 2] = ["/comments", "/people"];

/// All routes with what they say of themselves.
pub fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Description::openapi()).merge(routes::all())
}

/// The same for every place: without the objects of a catalog.
pub fn base() -> Json {
    let (_, document) = described().split_for_parts();
    let mut document = serde_json::to_value(&document).unwrap_or_default();
    // Errors come as problems, and the macro knows one kind of content.
    for (_, _, operation) in operations(&mut document) {
        let content = operation.pointer_mut("/responses/default/content");
        if let Some(all) = content.and_then(Json::as_object_mut)
            && let Some(body) = all.remove("application/json")
        {
            all.insert(PROBLEM.to_owned(), body);
        }
    }
    for (path, _, operation) in operations(&mut document) {
        let content = operation.pointer_mut("/responses/200/content");
        if let Some(all) = content.and_then(Json::as_object_mut)
            && path.contains("/exports/")
        {
            *all = FILES
                .iter()
                .map(|kind| ((*kind).to_owned(), json!({})))
                .collect();
        }
    }
    say_unsigned(&mut document);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer",
            "description": "a token of `keji token create` or of one's account" },
        "session": { "type": "apiKey", "in": "cookie", "name": "keji_session",
            "description": "the page's own way in" },
    });
    document["security"] = json!([{ "token": [] }, { "session": [] }]);
    for (path, method, operation) in operations(&mut document) {
        if OPEN.contains(&(path.as_str(), method.as_str())) {
            operation["security"] = json!([]);
        }
    }
    document
}

/// The macro calls unsigned numbers signed ones of the same width, which half
/// of them are not.
fn say_unsigned(at: &mut Json) {
    match at {
        Json::Object(map) => {
            let most = match map.get("format").and_then(Json::as_str) {
                Some("int32") => u64::from(u32::MAX),
                Some("int64") => u64::MAX,
                _ => 0,
            };
            if most > 0 && map.get("minimum") == Some(&json!(0)) {
                map.remove("format");
                map.insert("maximum".to_owned(), json!(most));
            }
            map.values_mut().for_each(say_unsigned);
        }
        Json::Array(list) => list.iter_mut().for_each(say_unsigned),
        _ => {}
    }
}

fn operations(document: &mut Json) -> impl Iterator<Item = (String, String, &mut Json)> {
    let paths = document["paths"].as_object_mut();
    paths.into_iter().flatten().flat_map(|(path, methods)| {
        let methods = methods.as_object_mut().into_iter().flatten();
        let path = path.clone();
        methods.map(move |(method, operation)| (path.clone(), method.clone(), operation))
    })
}

/// The base with calls and schemas for each of the objects.
pub fn with_objects(base: &Json, objects: &[ObjectDoc]) -> Json {
    let mut document = base.clone();
    let generic: Vec<(String, Json)> = base["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(path, _)| path.contains(OBJECT) && path.contains("/records/"))
        .filter(|(path, _)| !ALIKE.iter().any(|part| path.contains(part)))
        .map(|(path, methods)| (path.clone(), methods.clone()))
        .collect();
    for object in objects {
        for (name, schema) in schemas(object) {
            document["components"]["schemas"][name] = schema;
        }
        for (path, methods) in &generic {
            let mut own = Map::new();
            for (method, operation) in methods.as_object().into_iter().flatten() {
                if is_there(object, path, method) {
                    own.insert(method.clone(), of_object(object, operation));
                }
            }
            if !own.is_empty() {
                let path = path.replace(OBJECT, &object.id);
                document["paths"][path] = Json::Object(own);
            }
        }
    }
    document
}

/// Whether the caller may do that with the object at all.
fn is_there(object: &ObjectDoc, path: &str, method: &str) -> bool {
    let action = match method {
        _ if path.contains("/exports/") => "export",
        "post" => "create",
        "patch" => "update",
        "delete" => "delete",
        _ => "read",
    };
    object.actions.contains(&action)
}

fn of_object(object: &ObjectDoc, operation: &Json) -> Json {
    let mut own = operation.clone();
    let id = operation["operationId"].as_str().unwrap_or_default();
    own["operationId"] = json!(format!("{id}.{}", object.id));
    own["tags"] = json!([object.id]);
    if let Some(parameters) = own["parameters"].as_array_mut() {
        parameters.retain(|p| p["name"] != "object");
    }
    let name = |kind: &str| format!("#/components/schemas/{kind}.{}", object.id);
    let body = match id {
        "create_record" => Some("NewRecord"),
        "update_record" => Some("RecordChange"),
        _ => None,
    };
    if let Some(kind) = body {
        own["requestBody"]["content"]["application/json"]["schema"] = json!({ "$ref": name(kind) });
    }
    for status in ["200", "201"] {
        let at = format!("/responses/{status}/content/application~1json/schema");
        if let Some(schema) = own.pointer_mut(&at)
            && schema["$ref"] == "#/components/schemas/RecordDoc"
        {
            *schema = json!({ "$ref": name("Record") });
        }
    }
    own
}

fn schemas(object: &ObjectDoc) -> Vec<(String, Json)> {
    let about = format!("{} {}", object.name.zh, object.name.en);
    let read = object
        .fields
        .iter()
        .map(|f| (f.id.clone(), described_as(f, is_read(f))));
    let values = json!({
        "type": "object", "title": about, "description": object.about.en,
        "properties": read.collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    let mut all = vec![
        (format!("RecordValues.{}", object.id), values),
        (
            format!("Record.{}", object.id),
            json!({
                "type": "object", "title": about,
                "required": ["id", "version", "values", "links"],
                "properties": {
                    "id": { "type": "integer", "format": "int64" },
                    "version": { "type": "integer", "format": "int64" },
                    "values": { "$ref": format!("#/components/schemas/RecordValues.{}", object.id) },
                    "links": { "type": "object",
                        "additionalProperties": { "$ref": "#/components/schemas/LinkDoc" } },
                },
            }),
        ),
    ];
    if !object.is_writable {
        return all;
    }
    let written: Map<String, Json> = object
        .fields
        .iter()
        .filter(|f| !f.is_read_only)
        .map(|f| (f.id.clone(), described_as(f, is_written(f))))
        .collect();
    let required: Vec<&str> = object
        .fields
        .iter()
        .filter(|f| f.required && object.number.as_ref() != Some(&f.id))
        // The one who makes a record is its user, where nobody is named.
        .filter(|f| f.to.as_deref() != Some("user"))
        .map(|f| f.id.as_str())
        .collect();
    let mut new = json!({
        "type": "object", "title": about,
        "properties": written, "additionalProperties": false,
    });
    let change = new.clone();
    if object.actions.contains(&"import") {
        let origins = object.fields.iter().filter(|f| Origin::of(&f.id).is_some());
        for field in origins {
            new["properties"][&field.id] = described_as(field, is_written(field));
        }
    }
    if !required.is_empty() {
        new["required"] = json!(required);
    }
    all.push((format!("NewRecord.{}", object.id), new));
    all.push((format!("RecordChange.{}", object.id), change));
    all
}

/// With the field's name and help.
fn described_as(field: &FieldDoc, mut schema: Json) -> Json {
    schema["title"] = json!(format!("{} {}", field.name.zh, field.name.en));
    if let Some(help) = &field.help {
        schema["description"] = json!(help.en);
    }
    schema
}

fn options(field: &FieldDoc) -> Vec<Json> {
    field.options.iter().map(|o| json!(o.value)).collect()
}

/// As a record shows it.
fn is_read(field: &FieldDoc) -> Json {
    match field.kind.as_str() {
        "int" => json!({ "type": ["integer", "null"], "format": "int64" }),
        "float" => json!({ "type": ["number", "null"] }),
        "bool" => json!({ "type": ["boolean", "null"] }),
        "decimal" => json!({ "type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$" }),
        "date" => json!({ "type": ["string", "null"], "format": "date" }),
        "instant" => json!({ "type": ["string", "null"], "format": "date-time" }),
        "link" => json!({ "type": ["integer", "null"], "format": "int64",
            "x-links-to": field.to }),
        "choice" => {
            let mut all = options(field);
            all.push(Json::Null);
            json!({ "enum": all })
        }
        _ => json!({ "type": ["string", "null"] }),
    }
}

/// As it may be given. Text is read for every type, and blank text is null.
fn is_written(field: &FieldDoc) -> Json {
    match field.kind.as_str() {
        "int" => json!({ "type": ["integer", "string", "null"] }),
        "float" | "decimal" => json!({ "type": ["number", "string", "null"] }),
        "bool" => json!({ "type": ["boolean", "string", "null"] }),
        "link" => json!({ "anyOf": [
            { "type": ["integer", "string", "null"] },
            { "type": "object", "properties": { "number": { "type": "string" } },
              "required": ["number"], "additionalProperties": false },
        ], "x-links-to": field.to }),
        "choice" => {
            let mut all = options(field);
            all.extend([json!(""), Json::Null]);
            json!({ "enum": all })
        }
        _ => json!({ "type": ["string", "null"], "maxLength": 10_000 }),
    }
}
