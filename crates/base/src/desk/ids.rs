//! Identifiers of the desk.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::InvalidId;

/// The number of an event in the log of a workspace: 1, 2, 3 … without gaps. 0 means "no event yet".
pub type Seq = i64;

/// Defines an id: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $schema:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, description = $schema)]
        pub struct $name(String);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// The text is empty, longer than 64 bytes, or contains another character than `a-z`, `0-9`, `-` and `_`.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let is_valid = (1..=64).contains(&text.len())
                    && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
                match is_valid {
                    true => Ok(Self(text.to_owned())),
                    false => Err(InvalidId {
                        what: $what,
                        why: "must be 1 to 64 of a-z, 0-9, '-' and '_'",
                        found: text.chars().take(80).collect(),
                    }),
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Name of an inbox, chosen when it is connected.
    InboxId,
    "an inbox id",
    "An inbox's id: 1 to 64 of `a-z`, `0-9`, `-` and `_`."
);
id!(
    /// Id of an identity, `idn_…`. The id of a customer is that of the customer's oldest identity.
    IdentityId,
    "an identity id",
    "An identity's id. The id of a customer is that of the customer's oldest identity."
);
id!(
    /// Id of a conversation, `cnv_…`.
    ConversationId,
    "a conversation id",
    "A conversation's id."
);
id!(
    /// Id of a message, `msg_…`.
    MessageId,
    "a message id",
    "A message's id."
);
