//! Sessions of the console, with the hashes of their tokens, and sign-ins at a provider that are not finished.

use jiff::SignedDuration;
use serde_json::json;

use super::audit::AuditEvent;
use super::{Scope, Store, StoreError, corrupt, time_of};
use ken_base::domain::{KeyRole, PendingSignIn, Session, WorkspaceId};

type SessionRow = (
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
    i64,
    i64,
);

impl Store {
    /// Stores a session with the hash of its token.
    pub async fn insert_session(
        &self,
        session: &Session,
        token_hash: &str,
    ) -> Result<(), StoreError> {
        if let Some(workspace) = &session.workspace {
            self.ensure_workspace(workspace).await?;
        }
        let (role, name) = session
            .person
            .as_ref()
            .map(|(role, name)| (role.as_str(), name.as_str()))
            .unzip();
        let insert = sqlx::query(
            "INSERT INTO sessions (token_hash, owner, workspace, role, name, created_at, last_seen_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(token_hash)
        .bind(&session.owner)
        .bind(session.workspace.as_ref().map(WorkspaceId::as_str))
        .bind(role)
        .bind(name)
        .bind(session.created_at.as_millisecond())
        .bind(session.last_seen_at.as_millisecond())
        .bind(session.expires_at.as_millisecond());
        let act = AuditEvent::new("session.create", &session.owner);
        self.change(Scope::of(session.workspace.as_ref()), act, insert)
            .await?;
        Ok(())
    }

    /// The session with this hash of its token, also an expired one.
    pub async fn session(&self, token_hash: &str) -> Result<Option<Session>, StoreError> {
        let row: Option<SessionRow> = sqlx::query_as(
            "SELECT owner, workspace, role, name, created_at, last_seen_at, expires_at FROM sessions \
             WHERE token_hash = $1",
        )
        .bind(token_hash)
        .fetch_optional(&self.relaxed)
        .await?;
        row.map(session).transpose()
    }

    /// Records that a session was used now.
    pub async fn session_seen(&self, token_hash: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET last_seen_at = $1 WHERE token_hash = $2")
            .bind(self.now_ms())
            .bind(token_hash)
            .execute(&self.relaxed)
            .await?;
        Ok(())
    }

    /// The number of an owner's sessions that have not expired and were used within `idle`.
    pub async fn count_sessions(
        &self,
        owner: &str,
        idle: SignedDuration,
    ) -> Result<u64, StoreError> {
        let now = self.now();
        let (n,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM sessions WHERE owner = $1 AND expires_at > $2 AND last_seen_at > $3",
        )
        .bind(owner)
        .bind(now.as_millisecond())
        .bind((now - idle).as_millisecond())
        .fetch_one(&self.relaxed)
        .await?;
        Ok(n.unsigned_abs())
    }

    /// Ends a session. Returns `false` if there is none with this hash of its token.
    pub async fn end_session(&self, token_hash: &str) -> Result<bool, StoreError> {
        let Some(session) = self.session(token_hash).await? else {
            return Ok(false);
        };
        let delete = sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash);
        let act =
            AuditEvent::new("session.delete", &session.owner).after(json!({ "everywhere": false }));
        let scope = Scope::of(session.workspace.as_ref());
        Ok(self.change(scope, act, delete).await? > 0)
    }

    /// Ends all sessions of an owner. Returns their number.
    pub async fn end_sessions_of(
        &self,
        owner: &str,
        workspace: Option<&WorkspaceId>,
    ) -> Result<u64, StoreError> {
        let delete = sqlx::query("DELETE FROM sessions WHERE owner = $1").bind(owner);
        let act = AuditEvent::new("session.delete", owner).after(json!({ "everywhere": true }));
        self.change(Scope::of(workspace), act, delete).await
    }

    /// Deletes expired sessions, sessions that were not used within `idle`, and expired sign-ins. Returns the number of
    /// sessions.
    pub async fn drop_expired_sessions(&self, idle: SignedDuration) -> Result<u64, StoreError> {
        let now = self.now();
        let done = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2")
            .bind(now.as_millisecond())
            .bind((now - idle).as_millisecond())
            .execute(&self.durable)
            .await?;
        sqlx::query("DELETE FROM sign_ins WHERE expires_at <= $1")
            .bind(now.as_millisecond())
            .execute(&self.durable)
            .await?;
        Ok(done.rows_affected())
    }

    /// Stores a sign-in that waits for the provider's reply, with the hash of its state.
    pub async fn insert_sign_in(
        &self,
        sign_in: &PendingSignIn,
        state_hash: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sign_ins (state_hash, nonce, verifier, next_path, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(state_hash)
        .bind(&sign_in.nonce)
        .bind(&sign_in.verifier)
        .bind(&sign_in.next)
        .bind(sign_in.expires_at.as_millisecond())
        .execute(&self.durable)
        .await?;
        Ok(())
    }

    /// Removes a sign-in and returns it; `None` if it is unknown, was taken before, or has expired.
    pub async fn take_sign_in(
        &self,
        state_hash: &str,
    ) -> Result<Option<PendingSignIn>, StoreError> {
        let row: Option<(String, String, String, i64)> = sqlx::query_as(
            "DELETE FROM sign_ins WHERE state_hash = $1 RETURNING nonce, verifier, next_path, expires_at",
        )
        .bind(state_hash)
        .fetch_optional(&self.durable)
        .await?;
        let Some((nonce, verifier, next, expires)) = row else {
            return Ok(None);
        };
        let expires_at = time_of(expires)?;
        let sign_in = PendingSignIn {
            nonce,
            verifier,
            next,
            expires_at,
        };
        Ok((expires_at > self.now()).then_some(sign_in))
    }
}

fn session(row: SessionRow) -> Result<Session, StoreError> {
    let (owner, workspace, role, name, created, seen, expires) = row;
    let wrong = |detail: &dyn std::fmt::Display| corrupt("a session", detail);
    let workspace = workspace.map(|name| WorkspaceId::parse(&name).map_err(|e| wrong(&e)));
    let person = match (role, name) {
        (Some(role), Some(name)) => {
            let role = KeyRole::parse(&role).ok_or_else(|| wrong(&role))?;
            Some((role, name))
        }
        _ => None,
    };
    Ok(Session {
        owner,
        workspace: workspace.transpose()?,
        person,
        created_at: time_of(created)?,
        last_seen_at: time_of(seen)?,
        expires_at: time_of(expires)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ken_base::domain::Clock;

    #[tokio::test]
    async fn expired_and_unused_sessions_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        let start = "2026-11-01T00:00:00Z".parse().unwrap();
        let clock = Clock::fixed(start);
        let store = Store::open(&url).await.unwrap().with_clock(clock.clone());
        let idle = SignedDuration::from_hours(2);
        let session = |hours: i64| Session {
            owner: "0a".to_owned(),
            workspace: None,
            person: None,
            created_at: start,
            last_seen_at: start,
            expires_at: start + SignedDuration::from_hours(hours),
        };
        for (hash, hours) in [("used", 12), ("unused", 12), ("over", 1)] {
            store.insert_session(&session(hours), hash).await.unwrap();
        }
        let sign_in = || PendingSignIn {
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            next: "/".to_owned(),
            expires_at: start + SignedDuration::from_mins(10),
        };
        store.insert_sign_in(&sign_in(), "state").await.unwrap();
        assert_eq!(store.drop_expired_sessions(idle).await.unwrap(), 0);
        assert_eq!(store.count_sessions("0a", idle).await.unwrap(), 3);
        clock.set(start + SignedDuration::from_hours(1));
        store.session_seen("used").await.unwrap();
        clock.set(start + idle);
        assert_eq!(store.count_sessions("0a", idle).await.unwrap(), 1);
        assert_eq!(store.drop_expired_sessions(idle).await.unwrap(), 2);
        assert!(store.session("used").await.unwrap().is_some());
        clock.set(start);
        assert!(store.take_sign_in("state").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn pending_sign_in_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        let sign_in = PendingSignIn {
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            next: "/faqs".to_owned(),
            expires_at: store.now() + SignedDuration::from_mins(10),
        };
        store.insert_sign_in(&sign_in, "state").await.unwrap();
        assert!(store.take_sign_in("other").await.unwrap().is_none());
        let taken = store.take_sign_in("state").await.unwrap().unwrap();
        assert_eq!(
            (taken.nonce, taken.next),
            ("n".to_owned(), "/faqs".to_owned())
        );
        assert!(store.take_sign_in("state").await.unwrap().is_none());
    }
}
