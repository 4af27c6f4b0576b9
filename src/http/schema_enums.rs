//! OpenAPI schemas for closed sets of strings. A field with such a string names its schema by `value_type`.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use ken_knowledge::jobs::{CHANGE, UPLOAD};
use ken_learn::cases::DISTIL;
use ken_learn::learn::judged_runs::JUDGED_RUN;

macro_rules! schema {
    ($name:ident, [$($value:expr),+ $(,)?], $description:literal) => {
        /// The schema of a closed set of strings.
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let schema = ObjectBuilder::new()
                    .schema_type(SchemaType::Type(Type::String))
                    .description(Some($description))
                    .enum_values(Some([$($value),+]));
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
    WriteEffect,
    [
        "added",
        "changed",
        "unchanged",
        "scheduled",
        "archived",
        "deleted"
    ],
    "What a write did. `unchanged`: the content is equal to the live version. `scheduled`: a new version takes the live one's \
     place later."
);
schema!(
    ItemEffect,
    ["deleted", "revoked", "closed", "opened"],
    "What was done: the item was `deleted`, the key was `revoked`, the review was `closed`, or the gap was `opened` again."
);
schema!(
    ImportKind,
    ["import", "bulk"],
    "`import`: of a file. `bulk`: one change of many FAQs."
);
schema!(
    JobKind,
    [UPLOAD, CHANGE, JUDGED_RUN],
    "`upload`: reads uploaded files. `change`: checks the judged questions, then writes. `judged_run`: asks the judged questions."
);
schema!(
    JobState,
    [
        "filling",
        "queued",
        "running",
        "done",
        "failed",
        "cancelled"
    ],
    "`filling`: its files are being received. `queued`: it waits for its turn. `running`. `done`: it is finished, though single \
     items may have failed. `failed`: it could not run, or all its items failed. `cancelled`."
);
schema!(
    JobItemState,
    ["waiting", "done", "failed"],
    "How far an item of a job is."
);
schema!(
    WorkKind,
    [UPLOAD, CHANGE, DISTIL, JUDGED_RUN],
    "`upload`: reads uploaded files. `change`: checks the judged questions, then writes. `distil`: makes drafts of cases. \
     `judged_run`: asks the judged questions."
);
schema!(
    DeadLetterState,
    ["ready", "deleted"],
    "`ready`: it runs again. `deleted`: it is gone."
);
schema!(
    Degradation,
    [
        "encoder_unavailable",
        "vectors_unavailable",
        "llm_unavailable"
    ],
    "What is unavailable. `encoder_unavailable`, `vectors_unavailable`: the search uses keywords only. `llm_unavailable`: answers \
     quote documents."
);
schema!(
    ProblemType,
    [
        "/problems/breaks-judged-questions",
        "/problems/changed-since-import",
        "/problems/conflict",
        "/problems/cross-site",
        "/problems/forbidden",
        "/problems/internal",
        "/problems/invalid-value",
        "/problems/method-not-allowed",
        "/problems/not-found",
        "/problems/not-json",
        "/problems/overloaded",
        "/problems/timed-out",
        "/problems/too-large",
        "/problems/too-many-requests",
        "/problems/unauthorized",
        "/problems/unavailable",
        "/problems/unsupported-media-type",
        "/problems/version-mismatch",
        "/problems/wording-collides",
    ],
    "The kind of the failure; it is stable."
);
schema!(
    ClassFilter,
    [
        "new",
        "variant",
        "update",
        "contradiction",
        "known",
        "negative",
        "gap",
        "all"
    ],
    "A class of drafts, or `all`."
);
schema!(
    GroupBy,
    ["channel", "tag", "day", "intent", "reason"],
    "What the counts are grouped by."
);
schema!(
    FileEnding,
    ["jsonl", "json", "csv", "tsv", "xlsx"],
    "The format of an exported file."
);
schema!(WaitForCases, ["distilled"], "What to wait for.");
