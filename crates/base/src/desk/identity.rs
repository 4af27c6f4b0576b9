//! [`Identity`]: somebody on one inbox, or with one verified external id, and the links among identities.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{IdentityId, InboxId, Seq};

/// What the value of an identity is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`channel_user`: the channel's id of a person. `external_id`: the company's own id of a person. `email`, `phone`: an address. \
     `anonymous`: a visitor who has not signed in."
)]
pub enum IdentityKind {
    /// The channel's id of a person.
    ChannelUser,
    /// The company's own id of a person, from a signed token.
    ExternalId,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A visitor who has not signed in.
    Anonymous,
}

/// How an identity was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`provider`: by the channel's platform. `signed_token`: by a token that the company signed. `otp`: by a one-time password. `dkim`: by \
     the signature of a mail. `agent`: by an agent."
)]
pub enum VerifiedBy {
    /// The channel's platform.
    Provider,
    /// A token that the company signed.
    SignedToken,
    /// A one-time password.
    Otp,
    /// The signature of a mail.
    Dkim,
    /// An agent.
    Agent,
}

/// The key of an identity. Equal keys are the same identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    /// The inbox whose ids these are; `None` for ids that mean the same everywhere.
    pub inbox: Option<InboxId>,
    /// What `value` is.
    pub kind: IdentityKind,
    /// The id, address or number, normalized.
    pub value: String,
}

/// Somebody on one inbox, or with one verified external id.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Identity {
    /// The identity's id.
    pub id: IdentityId,
    /// The inbox on which it is known; null if it is known everywhere.
    pub inbox_id: Option<InboxId>,
    /// What `value` is.
    pub kind: IdentityKind,
    /// The id, address or number; empty once it is erased.
    pub value: String,
    /// The name that the channel gives; empty without one.
    pub display_name: String,
    /// How it was verified; null if it was not.
    pub verified_by: Option<VerifiedBy>,
    /// The customer: the oldest identity that this one is linked with.
    pub customer_id: IdentityId,
    /// When it was first seen.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Why two identities are the same customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`same_token`: one signed token names both. `verified_email`, `verified_phone`: the same address, verified on both sides. \
     `provider_alias`: the platform says so. `agent`: an agent merged them."
)]
pub enum LinkBasis {
    /// One signed token names both.
    SameToken,
    /// The same e-mail address, verified on both sides.
    VerifiedEmail,
    /// The same telephone number, verified on both sides.
    VerifiedPhone,
    /// The channel's platform says that they are one person.
    ProviderAlias,
    /// An agent merged them.
    Agent,
}

/// Why two identities may be the same customer. A claim inherits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`typed_email`, `typed_phone`, `typed_external_id`: somebody typed the other's address or id."
)]
pub enum ClaimBasis {
    /// Somebody typed the e-mail address of the other.
    TypedEmail,
    /// Somebody typed the telephone number of the other.
    TypedPhone,
    /// Somebody typed the external id of the other.
    TypedExternalId,
}

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`active`: they are one customer. `withdrawn`: they were. `suggested`: an agent may decide. `refused`: it would have joined two \
     verified external ids."
)]
pub enum LinkState {
    /// The two are one customer.
    Active,
    /// An agent split them.
    Withdrawn,
    /// An agent may decide.
    Suggested,
    /// It would have joined two verified external ids.
    Refused,
}

/// A link between two identities.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Link {
    /// The older identity.
    pub a: IdentityId,
    /// The newer identity.
    pub b: IdentityId,
    /// Why they are, or may be, one customer: a basis of a link or of a claim.
    pub basis: String,
    /// The link's state.
    pub state: LinkState,
    /// The event that set this state.
    pub seq: Seq,
}

/// For what something may be sent or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`service`: replies. `proactive`: unasked help. `marketing`: offers. `profiling`: derived traits."
)]
pub enum ConsentPurpose {
    /// Replies to what the customer asks.
    Service,
    /// Help that the customer did not ask for.
    Proactive,
    /// Offers.
    Marketing,
    /// Traits that are derived from behaviour.
    Profiling,
}

/// How a consent was given or withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`provider`: the platform reports it, as a follow or a block. `customer`: the customer wrote it. `agent`: an agent recorded it. `api`: a \
     system of the company."
)]
pub enum ConsentBasis {
    /// The channel's platform reports it.
    Provider,
    /// The customer wrote it.
    Customer,
    /// An agent recorded it.
    Agent,
    /// A system of the company.
    Api,
}

/// A consent of an identity.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Consent {
    /// The identity that gave or withdrew it.
    pub identity_id: IdentityId,
    /// For what.
    pub purpose: ConsentPurpose,
    /// Whether it is given.
    pub granted: bool,
    /// How it was given or withdrawn.
    pub basis: ConsentBasis,
    /// The event that set it.
    pub seq: Seq,
}
