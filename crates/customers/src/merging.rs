//! Merge and split of customers by an agent: one event each, which the other undoes.

use jiff::Timestamp;

use crate::identify::{LinkResult, Origin, link};
use ken_base::desk::{Fact, Identity, IdentityId, LinkBasis, LinkState};
use ken_base::domain::WorkspaceId;
use ken_store::store::StoreError;
use ken_store::store::desk::DeskTx;

/// Why customers cannot be merged or split.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such identity.
    #[error("identity {0} not found")]
    NotFound(IdentityId),
    /// Both are the same customer.
    #[error("{0} and {1} are one customer already")]
    SameCustomer(IdentityId, IdentityId),
    /// Both have a verified external id.
    #[error("both customers have a verified external id; two of them never share a customer")]
    TwoExternalIds,
    /// There is no link between them.
    #[error("no link between {0} and {1}; only a link can be withdrawn")]
    NotLinked(IdentityId, IdentityId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn origin(actor: &str, at: Timestamp) -> Origin {
    Origin {
        source: "agent".to_owned(),
        actor: actor.to_owned(),
        at,
        cause: None,
    }
}

async fn identity(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    id: &IdentityId,
) -> Result<Identity, MergeError> {
    let found = tx.identity(workspace, id).await?;
    found.ok_or_else(|| MergeError::NotFound(id.clone()))
}

/// Merges the customers of two identities by a link between these.
///
/// # Errors
/// An identity is unknown, they are one customer already, or both have a verified external id. Then nothing changes.
pub async fn merge(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    one: &IdentityId,
    other: &IdentityId,
    actor: &str,
) -> Result<(), MergeError> {
    let (a, b) = (
        identity(tx, workspace, one).await?,
        identity(tx, workspace, other).await?,
    );
    if a.customer_id == b.customer_id {
        return Err(MergeError::SameCustomer(one.clone(), other.clone()));
    }
    let customers = [&a.customer_id, &b.customer_id];
    if tx.external_ids(workspace, customers).await?.len() > 1 {
        return Err(MergeError::TwoExternalIds);
    }
    let origin = origin(actor, tx.now());
    match link(tx, workspace, &a, &b, LinkBasis::Agent, &origin).await? {
        LinkResult::Linked => Ok(()),
        LinkResult::Refused => Err(MergeError::TwoExternalIds),
        LinkResult::Unchanged | LinkResult::Withdrawn => {
            Err(MergeError::SameCustomer(one.clone(), other.clone()))
        }
    }
}

/// Withdraws all links between two identities. They stay one customer if other links join them.
///
/// # Errors
/// An identity is unknown, or there is no link. Then nothing changes.
pub async fn split(
    tx: &mut DeskTx,
    workspace: &WorkspaceId,
    one: &IdentityId,
    other: &IdentityId,
    actor: &str,
) -> Result<(), MergeError> {
    let (a, b) = (
        identity(tx, workspace, one).await?,
        identity(tx, workspace, other).await?,
    );
    let links = tx.links_between(workspace, &a.id, &b.id).await?;
    if !links.iter().any(|link| link.state == LinkState::Active) {
        return Err(MergeError::NotLinked(one.clone(), other.clone()));
    }
    let unlinked = Fact::IdentityUnlinked { other: b.id };
    let origin = origin(actor, tx.now());
    tx.append(workspace, origin.about(&a.id, unlinked)).await?;
    Ok(())
}
