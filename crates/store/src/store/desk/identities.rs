//! Identities, their values, links and claims.

use super::{DeskTx, code, identity_id, inbox_id, parse_code, time};
use crate::store::{Store, StoreError, time_of};
use ken_base::desk::{Consent, Identity, IdentityId, IdentityKey, InboxId, Link, LinkState, Seq};
use ken_base::domain::WorkspaceId;

/// The columns of an identity with its value.
const IDENTITY: &str = "SELECT i.id, v.inbox_id, i.kind, v.value, v.display_name, i.verified_by, i.customer_id, i.created_at, \
     i.erased_at FROM identities i JOIN identity_values v ON v.workspace = i.workspace AND v.identity_id = i.id";

type IdentityRow = (
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    String,
    i64,
    Option<i64>,
);

fn identity(row: IdentityRow) -> Result<Identity, StoreError> {
    let (id, inbox, kind, value, display_name, verified_by, customer, created_at, erased_at) = row;
    let verified_by = verified_by.as_deref();
    Ok(Identity {
        id: identity_id(&id)?,
        inbox_id: (!inbox.is_empty()).then(|| inbox_id(&inbox)).transpose()?,
        kind: parse_code("an identity's kind", &kind)?,
        value: match time(erased_at)? {
            Some(_) => String::new(),
            None => value,
        },
        display_name,
        verified_by: verified_by
            .map(|by| parse_code("a verification", by))
            .transpose()?,
        customer_id: identity_id(&customer)?,
        created_at: time_of(created_at)?,
    })
}

type LinkRow = (String, String, String, String, i64);

fn link((a, b, basis, state, seq): LinkRow) -> Result<Link, StoreError> {
    Ok(Link {
        a: identity_id(&a)?,
        b: identity_id(&b)?,
        basis,
        state: parse_code("a link's state", &state)?,
        seq,
    })
}

impl DeskTx {
    /// The identity with a key.
    pub async fn identity_by_key(
        &mut self,
        workspace: &WorkspaceId,
        key: &IdentityKey,
    ) -> Result<Option<Identity>, StoreError> {
        let sql = format!(
            "{IDENTITY} WHERE v.workspace = $1 AND v.inbox_id = $2 AND v.kind = $3 AND v.value = $4"
        );
        let row: Option<IdentityRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(key.inbox.as_ref().map_or("", InboxId::as_str))
            .bind(code(&key.kind))
            .bind(&key.value)
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(identity).transpose()
    }

    /// An identity by its id.
    pub async fn identity(
        &mut self,
        workspace: &WorkspaceId,
        id: &IdentityId,
    ) -> Result<Option<Identity>, StoreError> {
        let sql = format!("{IDENTITY} WHERE i.workspace = $1 AND i.id = $2");
        let row: Option<IdentityRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(id.as_str())
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(identity).transpose()
    }

    /// Stores the value of an identity that is created in this transaction.
    pub async fn add_identity_value(
        &mut self,
        workspace: &WorkspaceId,
        id: &IdentityId,
        key: &IdentityKey,
        display_name: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO identity_values (workspace, identity_id, inbox_id, kind, value, display_name) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .bind(key.inbox.as_ref().map_or("", InboxId::as_str))
        .bind(code(&key.kind))
        .bind(&key.value)
        .bind(display_name)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Changes the name that a channel gives an identity.
    pub async fn rename_identity(
        &mut self,
        workspace: &WorkspaceId,
        id: &IdentityId,
        display_name: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE identity_values SET display_name = $1 WHERE workspace = $2 AND identity_id = $3",
        )
        .bind(display_name)
        .bind(workspace.as_str())
        .bind(id.as_str())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// The identities of two customers that are verified external ids.
    pub async fn external_ids(
        &mut self,
        workspace: &WorkspaceId,
        customers: [&IdentityId; 2],
    ) -> Result<Vec<IdentityId>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT id FROM identities WHERE workspace = $1 AND customer_id IN ($2, $3) AND kind = 'external_id' \
             AND verified_by IS NOT NULL",
        )
        .bind(workspace.as_str())
        .bind(customers[0].as_str())
        .bind(customers[1].as_str())
        .fetch_all(&mut *self.tx)
        .await?;
        rows.iter().map(|(id,)| identity_id(id)).collect()
    }

    /// Links and claims between two identities.
    pub async fn links_between(
        &mut self,
        workspace: &WorkspaceId,
        one: &IdentityId,
        other: &IdentityId,
    ) -> Result<Vec<Link>, StoreError> {
        let rows: Vec<LinkRow> = sqlx::query_as(
            "SELECT a, b, basis, 'active', seq FROM identity_links WHERE workspace = $1 \
             AND ((a = $2 AND b = $3) OR (a = $3 AND b = $2)) \
             UNION ALL SELECT a, b, basis, state, seq FROM identity_claims WHERE workspace = $1 \
             AND ((a = $2 AND b = $3) OR (a = $3 AND b = $2))",
        )
        .bind(workspace.as_str())
        .bind(one.as_str())
        .bind(other.as_str())
        .fetch_all(&mut *self.tx)
        .await?;
        rows.into_iter().map(link).collect()
    }

    /// The identities of the customer that an identity belongs to, oldest first; empty if there is no such identity.
    pub async fn identities_of_customer(
        &mut self,
        workspace: &WorkspaceId,
        any: &IdentityId,
    ) -> Result<Vec<Identity>, StoreError> {
        let rows: Vec<IdentityRow> = sqlx::query_as(sqlx::AssertSqlSafe(of_customer()))
            .bind(workspace.as_str())
            .bind(any.as_str())
            .fetch_all(&mut *self.tx)
            .await?;
        rows.into_iter().map(identity).collect()
    }

    /// Overwrites the value and the name of an identity.
    pub async fn erase_identity_value(
        &mut self,
        workspace: &WorkspaceId,
        id: &IdentityId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE identity_values SET value = $1, display_name = '' WHERE workspace = $2 AND identity_id = $3",
        )
        .bind(format!("erased:{id}"))
        .bind(workspace.as_str())
        .bind(id.as_str())
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

fn of_customer() -> String {
    format!(
        "{IDENTITY} WHERE i.workspace = $1 AND i.customer_id = \
         (SELECT customer_id FROM identities WHERE workspace = $1 AND id = $2) ORDER BY i.created_seq"
    )
}

impl Store {
    /// The identity with a key.
    pub async fn identity_by_key(
        &self,
        workspace: &WorkspaceId,
        key: &IdentityKey,
    ) -> Result<Option<Identity>, StoreError> {
        let sql = format!(
            "{IDENTITY} WHERE v.workspace = $1 AND v.inbox_id = $2 AND v.kind = $3 AND v.value = $4"
        );
        let row: Option<IdentityRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(key.inbox.as_ref().map_or("", InboxId::as_str))
            .bind(code(&key.kind))
            .bind(&key.value)
            .fetch_optional(&self.relaxed)
            .await?;
        row.map(identity).transpose()
    }

    /// The identities of the customer that an identity belongs to, oldest first; empty if there is no such identity.
    pub async fn customer(
        &self,
        workspace: &WorkspaceId,
        any: &IdentityId,
    ) -> Result<Vec<Identity>, StoreError> {
        let rows: Vec<IdentityRow> = sqlx::query_as(sqlx::AssertSqlSafe(of_customer()))
            .bind(workspace.as_str())
            .bind(any.as_str())
            .fetch_all(&self.relaxed)
            .await?;
        rows.into_iter().map(identity).collect()
    }

    /// The oldest identity of each customer, newest customers first, below `before`, at most `limit`; with its event's
    /// number. `value` finds the customers with an identity of exactly this value.
    pub async fn customers(
        &self,
        workspace: &WorkspaceId,
        value: Option<&str>,
        before: Option<Seq>,
        limit: i64,
    ) -> Result<Vec<(Seq, Identity)>, StoreError> {
        let only = match value {
            Some(_) => {
                "AND i.id IN (SELECT o.customer_id FROM identity_values f JOIN identities o ON o.workspace = f.workspace \
                 AND o.id = f.identity_id WHERE f.workspace = $1 AND f.value = $4)"
            }
            None => "AND i.id = i.customer_id",
        };
        let sql = format!(
            "SELECT i.created_seq, i.id FROM identities i WHERE i.workspace = $1 AND i.created_seq < $2 {only} \
             ORDER BY i.created_seq DESC LIMIT $3"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit);
        if let Some(value) = value {
            query = query.bind(value);
        }
        let keys: Vec<(i64, String)> = query.fetch_all(&self.relaxed).await?;
        let mut found = Vec::with_capacity(keys.len());
        for some in keys.chunks(crate::store::MAX_IN) {
            let sql = format!(
                "{IDENTITY} WHERE i.workspace = $1 AND i.id IN ({})",
                crate::store::placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for (_, id) in some {
                query = query.bind(id);
            }
            let rows: Vec<IdentityRow> = query.fetch_all(&self.relaxed).await?;
            let identities: Result<Vec<Identity>, StoreError> =
                rows.into_iter().map(identity).collect();
            let identities = identities?;
            for (seq, id) in some {
                let of = identities.iter().find(|one| one.id.as_str() == id);
                found.extend(of.map(|one| (*seq, one.clone())));
            }
        }
        Ok(found)
    }

    /// Links and claims of some identities, in no order.
    pub async fn identity_links(
        &self,
        workspace: &WorkspaceId,
        of: &[IdentityId],
    ) -> Result<Vec<Link>, StoreError> {
        let mut found = Vec::new();
        for some in of.chunks(crate::store::MAX_IN / 2) {
            let (a, b) = (
                crate::store::placeholders(2, some.len()),
                crate::store::placeholders(2, some.len()),
            );
            let sql = format!(
                "SELECT a, b, basis, 'active' AS state, seq FROM identity_links WHERE workspace = $1 AND (a IN ({a}) OR b IN ({b})) \
                 UNION SELECT a, b, basis, state, seq FROM identity_claims WHERE workspace = $1 AND (a IN ({a}) OR b IN ({b}))"
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id.as_str());
            }
            let rows: Vec<LinkRow> = query.fetch_all(&self.relaxed).await?;
            for row in rows {
                let link = link(row)?;
                if !found.contains(&link) {
                    found.push(link);
                }
            }
        }
        Ok(found)
    }

    /// The consents of some identities.
    pub async fn consents(
        &self,
        workspace: &WorkspaceId,
        of: &[IdentityId],
    ) -> Result<Vec<Consent>, StoreError> {
        let mut found = Vec::new();
        for id in of {
            let rows: Vec<(String, i64, String, i64)> = sqlx::query_as(
                "SELECT purpose, granted, basis, seq FROM consents WHERE workspace = $1 AND identity_id = $2 ORDER BY purpose",
            )
            .bind(workspace.as_str())
            .bind(id.as_str())
            .fetch_all(&self.relaxed)
            .await?;
            for (purpose, granted, basis, seq) in rows {
                found.push(Consent {
                    identity_id: id.clone(),
                    purpose: parse_code("a purpose", &purpose)?,
                    granted: granted != 0,
                    basis: parse_code("a basis", &basis)?,
                    seq,
                });
            }
        }
        Ok(found)
    }
}

/// Whether two identities may be linked on verified evidence: not if an agent withdrew such a link.
pub fn is_withdrawn(links: &[Link], basis: &str) -> bool {
    let of_basis = links.iter().filter(|link| link.basis == basis);
    of_basis
        .clone()
        .any(|link| link.state == LinkState::Withdrawn)
        && !of_basis.clone().any(|link| link.state == LinkState::Active)
}
