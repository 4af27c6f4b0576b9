//! Replies of the calls that delete, revoke or close one thing.

use serde::Serialize;
use utoipa::ToSchema;

use super::schema_enums;

/// The item that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemChanged {
    /// The item's id.
    pub id: String,
    /// Its history.
    #[schema(value_type = schema_enums::ItemEffect)]
    pub effect: &'static str,
}

/// The conversation that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationDeleted {
    /// The conversation's id.
    pub id: String,
    /// Always `deleted`.
    #[schema(value_type = schema_enums::ItemEffect)]
    pub effect: &'static str,
    /// How many turns were deleted.
    pub n_turns: u64,
}
