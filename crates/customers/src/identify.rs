//! Finds or creates the identity of a sender, and links it with others on verified facts.

use jiff::Timestamp;
use uuid::Uuid;

use ken_base::desk::{
    ClaimBasis, Conversation, Fact, Identity, IdentityId, IdentityKey, LinkBasis, LinkState,
    NewEvent, Seq, VerifiedBy,
};
use ken_base::domain::WorkspaceId;
use ken_store::store::StoreError;
use ken_store::store::desk::{DeskTx, is_withdrawn};

/// Who wrote, as the channel knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sender {
    /// The key of the identity that wrote.
    pub key: IdentityKey,
    /// How it is verified that this identity wrote; `None` if it is not.
    pub verified_by: Option<VerifiedBy>,
    /// The name that the channel gives; empty without one.
    pub display_name: String,
    /// Identities that are proved to be the same customer.
    pub proofs: Vec<Proof>,
    /// Identities that the sender claims to be.
    pub claims: Vec<Claim>,
}

/// A verified identity of the same customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The other identity.
    pub key: IdentityKey,
    /// How the other one was verified.
    pub verified_by: VerifiedBy,
    /// Why both are one customer.
    pub basis: LinkBasis,
}

/// An identity that somebody claims to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The other identity.
    pub key: IdentityKey,
    /// What was typed.
    pub basis: ClaimBasis,
}

/// Where events come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The source of the events.
    pub source: String,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The event that made it happen.
    pub cause: Option<Seq>,
}

impl Origin {
    /// An event about an identity.
    pub fn about(&self, identity: &IdentityId, fact: Fact) -> NewEvent {
        NewEvent {
            fact,
            at: self.at,
            source: self.source.clone(),
            source_id: None,
            identity_id: Some(identity.clone()),
            conversation_id: None,
            actor: self.actor.clone(),
            cause: self.cause,
        }
    }

    /// An event in a conversation.
    pub fn in_conversation(&self, of: &Conversation, fact: Fact) -> NewEvent {
        NewEvent {
            conversation_id: Some(of.id.clone()),
            ..self.about(&of.identity_id, fact)
        }
    }
}

/// Returns the identity of a sender, with its customer. Creates it, verifies it, and links it as far as the facts go.
///
/// # Errors
/// [`StoreError`] if the store fails.
pub async fn identify(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    sender: &Sender,
    origin: &Origin,
) -> Result<Identity, StoreError> {
    let name = sender.display_name.trim();
    let found = found_or_new(tx, workspace, &sender.key, sender.verified_by, name, origin).await?;
    let mut is_changed = false;
    for proof in &sender.proofs {
        let by = Some(proof.verified_by);
        let other = found_or_new(tx, workspace, &proof.key, by, "", origin).await?;
        let linked = link(tx, workspace, &found, &other, proof.basis, origin).await?;
        is_changed |= linked == LinkResult::Linked;
    }
    for claim in &sender.claims {
        suggest(tx, workspace, &found, claim, origin).await?;
    }
    if !is_changed {
        return Ok(found);
    }
    let again = tx.identity(workspace, &found.id).await?;
    Ok(again.unwrap_or(found))
}

async fn found_or_new(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    key: &IdentityKey,
    verified_by: Option<VerifiedBy>,
    name: &str,
    origin: &Origin,
) -> Result<Identity, StoreError> {
    if let Some(mut found) = tx.identity_by_key(workspace, key).await? {
        if let (None, Some(by)) = (found.verified_by, verified_by) {
            let verified = origin.about(&found.id, Fact::IdentityVerified { by });
            tx.append(workspace, verified).await?;
            found.verified_by = verified_by;
        }
        if !name.is_empty() && name != found.display_name {
            tx.rename_identity(workspace, &found.id, name).await?;
            name.clone_into(&mut found.display_name);
        }
        return Ok(found);
    }
    let id = IdentityId::parse(&format!("idn_{}", Uuid::now_v7().simple()))
        .expect("hexadecimal digits are allowed");
    let created = Fact::IdentityCreated {
        inbox_id: key.inbox.clone(),
        kind: key.kind,
        verified_by,
    };
    tx.append(workspace, origin.about(&id, created)).await?;
    tx.add_identity_value(workspace, &id, key, name).await?;
    Ok(Identity {
        customer_id: id.clone(),
        id,
        inbox_id: key.inbox.clone(),
        kind: key.kind,
        value: key.value.clone(),
        display_name: name.to_owned(),
        verified_by,
        created_at: origin.at,
    })
}

/// Result of [`link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkResult {
    /// They are one customer now.
    Linked,
    /// They were linked on this basis already, or are the same identity.
    Unchanged,
    /// Both sides have a verified external id.
    Refused,
    /// An agent withdrew such a link.
    Withdrawn,
}

/// Links two identities, unless two verified external ids would share a customer or an agent withdrew such a link.
///
/// # Errors
/// [`StoreError`] if the store fails.
pub async fn link(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    one: &Identity,
    other: &Identity,
    basis: LinkBasis,
    origin: &Origin,
) -> Result<LinkResult, StoreError> {
    if one.id == other.id {
        return Ok(LinkResult::Unchanged);
    }
    let links = tx.links_between(workspace, &one.id, &other.id).await?;
    let name = serde_name(basis);
    let has = |state| {
        links
            .iter()
            .any(|link| link.basis == name && link.state == state)
    };
    if has(LinkState::Active) {
        return Ok(LinkResult::Unchanged);
    }
    if is_withdrawn(&links, name) {
        return Ok(LinkResult::Withdrawn);
    }
    // As they are now: earlier links of this transaction may have changed them.
    let customer = async |tx: &mut DeskTx, of: &Identity| -> Result<IdentityId, StoreError> {
        let now = tx.identity(workspace, &of.id).await?;
        Ok(now.map_or_else(|| of.customer_id.clone(), |now| now.customer_id))
    };
    let (a, b) = (customer(tx, one).await?, customer(tx, other).await?);
    if a != b && tx.external_ids(workspace, [&a, &b]).await?.len() > 1 {
        if !has(LinkState::Refused) {
            let refused = Fact::LinkRefused {
                other: other.id.clone(),
                basis,
            };
            tx.append(workspace, origin.about(&one.id, refused)).await?;
        }
        return Ok(LinkResult::Refused);
    }
    let linked = Fact::IdentityLinked {
        other: other.id.clone(),
        basis,
    };
    tx.append(workspace, origin.about(&one.id, linked)).await?;
    Ok(LinkResult::Linked)
}

/// Suggests an agent that a sender may be the customer of a known, verified identity.
async fn suggest(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    of: &Identity,
    claim: &Claim,
    origin: &Origin,
) -> Result<(), StoreError> {
    let Some(other) = tx.identity_by_key(workspace, &claim.key).await? else {
        return Ok(());
    };
    if other.verified_by.is_none() || other.customer_id == of.customer_id {
        return Ok(());
    }
    if !tx
        .links_between(workspace, &of.id, &other.id)
        .await?
        .is_empty()
    {
        return Ok(());
    }
    let suggested = Fact::LinkSuggested {
        other: other.id,
        basis: claim.basis,
    };
    tx.append(workspace, origin.about(&of.id, suggested))
        .await?;
    Ok(())
}

/// The name of a basis, as in the store.
fn serde_name(basis: LinkBasis) -> &'static str {
    match basis {
        LinkBasis::SameToken => "same_token",
        LinkBasis::VerifiedEmail => "verified_email",
        LinkBasis::VerifiedPhone => "verified_phone",
        LinkBasis::ProviderAlias => "provider_alias",
        LinkBasis::Agent => "agent",
    }
}
