//! [`ApiKey`]s, their roles and rights, and the [`Principal`] that a request authenticates as.

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WorkspaceId;

/// Role of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`bot`: asks questions. `editor`: writes knowledge. `agent`: submits cases and reviews drafts. `admin`: does everything in one \
     workspace. `operator`: does everything in every workspace."
)]
pub enum KeyRole {
    /// Asks on behalf of customers.
    Bot,
    /// Writes knowledge.
    Editor,
    /// Serves customers, submits cases and reviews drafts.
    Agent,
    /// Full access to one workspace, including keys and settings.
    Admin,
    /// Full access to all workspaces.
    Operator,
}

/// Permission required by an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`ask`: ask, search, give feedback. `read`, `write`: knowledge. `cases`: submit and read cases. \
     `review`: review drafts. `serve`: conversations and customers. `manage`: keys, settings, inboxes, experiments and the audit \
     log. `operate`: all workspaces."
)]
pub enum Right {
    /// Ask, search, give feedback and read conversations.
    Ask,
    /// Read knowledge, answer explanations, drafts and insights.
    Read,
    /// Write knowledge.
    Write,
    /// Submit cases and read them without personal data.
    Cases,
    /// Review drafts and close reviews.
    Review,
    /// Take part in conversations with customers; read, merge and split customers.
    Serve,
    /// Manage keys, settings, inboxes, experiments, personal data and the audit log.
    Manage,
    /// Manage the service across workspaces.
    Operate,
}

impl Right {
    /// All rights.
    pub const ALL: [Right; 8] = [
        Right::Ask,
        Right::Read,
        Right::Write,
        Right::Cases,
        Right::Review,
        Right::Serve,
        Right::Manage,
        Right::Operate,
    ];
}

impl KeyRole {
    /// All roles.
    pub const ALL: [KeyRole; 5] = [
        KeyRole::Bot,
        KeyRole::Editor,
        KeyRole::Agent,
        KeyRole::Admin,
        KeyRole::Operator,
    ];

    /// Name in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyRole::Bot => "bot",
            KeyRole::Editor => "editor",
            KeyRole::Agent => "agent",
            KeyRole::Admin => "admin",
            KeyRole::Operator => "operator",
        }
    }

    /// The role with this name, if any.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role includes a right.
    pub fn may(self, right: Right) -> bool {
        match (self, right) {
            (KeyRole::Operator, _) => true,
            (_, Right::Operate) => false,
            (KeyRole::Admin, _) | (_, Right::Ask) => true,
            (KeyRole::Editor, right) => matches!(right, Right::Read | Right::Write | Right::Review),
            (KeyRole::Agent, right) => matches!(
                right,
                Right::Read | Right::Cases | Right::Review | Right::Serve
            ),
            (KeyRole::Bot, _) => false,
        }
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ApiKey {
    /// The key's id; it is not the secret.
    pub id: String,
    /// The workspace it is for; null for an operator.
    pub workspace: Option<WorkspaceId>,
    /// Permissions of the key.
    pub role: KeyRole,
    /// Purpose of the key.
    pub name: String,
    /// Networks from which the key may be used; empty: any.
    #[schema(value_type = Vec<String>)]
    pub networks: Vec<IpNet>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it expires; never, if null.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// The authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Role of the caller.
    pub role: KeyRole,
    /// The workspace of the caller; `None` for an operator.
    pub workspace: Option<WorkspaceId>,
    /// `None` if no keys exist.
    pub key_id: Option<String>,
    /// Name and id of the key, for the audit log; `None` if no keys exist.
    pub name: Option<String>,
}
