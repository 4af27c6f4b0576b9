//! Enums of the domain as OpenAPI schemas: a string, its values listed. A field of such a type names its schema by `value_type`.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use ken_base::domain;

macro_rules! schema {
    ($name:ident, $description:literal) => {
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let values = domain::$name::ALL.iter().map(|value| value.as_str());
                let schema = ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .description(Some($description))
                    .enum_values(Some(values));
                schema.into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

schema!(
    Outcome,
    "`answered`: from the knowledge base, or a greeting returned. `clarify`: the suggestions are what to choose from. `refused`: \
     the knowledge base does not answer this. `handoff`: a person has to answer."
);
schema!(
    Strategy,
    "`standard`: an FAQ's own answer. `extractive`: sentences of documents. `generated`: a language model's wording of \
     documents, verified against them. `none`: nothing from the knowledge base."
);
schema!(
    Reason,
    "Refused: `no_evidence` (nothing was found), `weak_evidence` (what was found is not likely enough to answer), \
     `no_supported_sentence` (no sentence passed verification), `similar_only` (the thing asked about is named nowhere, another \
     of its kind is), `deadline` (there was no answer in time). Handoff: `conflicting_evidence` (two passages contradict each \
     other), `asked_for_person`. Clarify: `ambiguous`. Answered: `greeting`, `thanks`, `goodbye`."
);
schema!(
    Note,
    "`false_premise`: the answer corrects what the question takes for granted. `partly_answered`: some of the message's questions \
     were not answered. `list_continues`: the quoted list or table has more items. `deadline`: the search took too long; an FAQ \
     with this very question was found by words. `encoder_unavailable`, `vectors_unavailable`: the search went by words alone. \
     `reader_unavailable`: the passages were not read; search scores decided, one level stricter. `not_recorded`: the answer \
     could not be written to the store. `llm_unavailable`, `llm_refused`, `llm_truncated`, `llm_garbage`, `llm_deadline`, \
     `llm_unsupported`: why the answer quotes instead of a language model's wording."
);
