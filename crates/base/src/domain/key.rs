use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WorkspaceId;

/// What somebody is to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`bot`: asks questions. `editor`: writes knowledge. `agent`: submits cases and reviews drafts. `admin`: does everything in one \
     workspace. `operator`: does everything in every workspace."
)]
pub enum KeyRole {
    /// Asks, for customers.
    Bot,
    /// Writes knowledge.
    Editor,
    /// Submits cases and reviews drafts.
    Agent,
    /// All in one workspace, with its keys and settings.
    Admin,
    /// All in every workspace.
    Operator,
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Ask, search, say how it was, and read a conversation back.
    Ask,
    /// Read knowledge, how answers came about, drafts and insights.
    Read,
    /// Write knowledge.
    Write,
    /// Submit cases, and read them without personal data.
    Cases,
    /// Decide about drafts and reviews.
    Review,
    /// Keys, settings, experiments, personal data, the audit log.
    Manage,
    /// What is of no workspace.
    Operate,
}

impl KeyRole {
    pub const ALL: [KeyRole; 5] = [
        KeyRole::Bot,
        KeyRole::Editor,
        KeyRole::Agent,
        KeyRole::Admin,
        KeyRole::Operator,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            KeyRole::Bot => "bot",
            KeyRole::Editor => "editor",
            KeyRole::Agent => "agent",
            KeyRole::Admin => "admin",
            KeyRole::Operator => "operator",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    pub fn may(self, right: Right) -> bool {
        match (self, right) {
            (KeyRole::Operator, _) => true,
            (_, Right::Operate) => false,
            (KeyRole::Admin, _) | (_, Right::Ask) => true,
            (KeyRole::Editor, right) => matches!(right, Right::Read | Right::Write | Right::Review),
            (KeyRole::Agent, right) => matches!(right, Right::Read | Right::Cases | Right::Review),
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
    /// What the key may do.
    pub role: KeyRole,
    /// What the key is for.
    pub name: String,
    /// From where alone it may be used; from anywhere where empty.
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

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub role: KeyRole,
    /// `None` for an operator.
    pub workspace: Option<WorkspaceId>,
    /// `None` where there are no keys.
    pub key_id: Option<String>,
    /// For the audit log: the key's name and id; `None` where there are no keys.
    pub name: Option<String>,
}
