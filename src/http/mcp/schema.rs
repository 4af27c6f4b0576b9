//! JSON Schemas of what tools take and give, from the same types as the OpenAPI document.

use std::sync::{Arc, LazyLock};

use rmcp::model::JsonObject;
use serde_json::Value;
use utoipa::OpenApi;

use super::tools::{
    AnswerQuestion, AnswerResult, CustomerContext, DocumentResult, GapsResult, GetCustomerContext,
    GetDocument, ListGaps, SearchKnowledge, SearchResult, SuggestReply, SuggestedReply,
};

#[derive(OpenApi)]
#[openapi(components(schemas(
    AnswerQuestion,
    AnswerResult,
    CustomerContext,
    DocumentResult,
    GapsResult,
    GetCustomerContext,
    GetDocument,
    ListGaps,
    SearchKnowledge,
    SearchResult,
    SuggestReply,
    SuggestedReply,
)))]
struct Types;

static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let document = serde_json::json!(Types::openapi());
    document["components"]["schemas"].clone()
});

const REFERENCE: &str = "#/components/schemas/";

/// The schema of a type by its name, with those that it refers to under `$defs`.
pub fn schema_of(name: &str) -> Arc<JsonObject> {
    let mut root = SCHEMAS[name].clone();
    let mut defined = JsonObject::new();
    let mut missing = Vec::new();
    point_inside(&mut root, &mut missing);
    while let Some(name) = missing.pop() {
        if !defined.contains_key(&name) {
            let mut of = SCHEMAS[&name].clone();
            point_inside(&mut of, &mut missing);
            defined.insert(name, of);
        }
    }
    let mut schema = match root {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    };
    if !defined.is_empty() {
        schema.insert("$defs".to_owned(), Value::Object(defined));
    }
    Arc::new(schema)
}

/// Makes references to other types lead to `$defs`, and lists their names.
fn point_inside(value: &mut Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(target) if key == "$ref" => {
                        if let Some(name) = target.strip_prefix(REFERENCE) {
                            names.push(name.to_owned());
                            *target = format!("#/$defs/{name}");
                        }
                    }
                    other => point_inside(other, names),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|one| point_inside(one, names)),
        _ => {}
    }
}
