//! Access tokens that platforms issue for a limited time, in the memory of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::calls::call;
use ken_base::desk::{Inbox, InboxId};
use ken_base::digest::sha256_hex;
use ken_base::domain::WorkspaceId;
use ken_channels::channel::{Channel, Credentials, Outcome, PlatformReply};

/// How much earlier than the platform says a token is replaced.
const EARLIER: Duration = Duration::from_secs(300);
/// How long a failure is not tried again, so that those who waited for it do not wait for one more.
const FAILED: Duration = Duration::from_secs(3);
/// The name of the token among the credentials.
pub(crate) const ACCESS_TOKEN: &str = "access_token";

/// A token, until when it is used, and the credentials that it was issued for.
struct Access {
    token: String,
    until: Instant,
    issued_for: String,
}

/// What is known of the token of an inbox.
#[derive(Default)]
struct Known {
    access: Option<Access>,
    /// Why none was issued last, and when.
    failed: Option<(Outcome, Instant)>,
}

type Slot = Arc<Mutex<Known>>;

/// The tokens by inbox.
#[derive(Default)]
pub struct AccessTokens(Lock<HashMap<(WorkspaceId, InboxId), Slot>>);

impl AccessTokens {
    fn slot(&self, workspace: &WorkspaceId, inbox: &InboxId) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots
            .entry((workspace.clone(), inbox.clone()))
            .or_default()
            .clone()
    }

    /// The credentials of an inbox, with an access token if its platform issues them.
    ///
    /// # Errors
    /// [`Outcome`]: why the platform issues none; never [`Outcome::Accepted`].
    pub async fn with_token(
        &self,
        client: &reqwest::Client,
        channel: &dyn Channel,
        (workspace, inbox): (&WorkspaceId, &Inbox),
        mut credentials: Credentials,
    ) -> Result<Credentials, Outcome> {
        let Some(token_call) = channel.token_call(&credentials) else {
            return Ok(credentials);
        };
        let issued_for = sha256_hex([format!("{credentials:?}").as_bytes()]);
        let slot = self.slot(workspace, &inbox.id);
        // Others that need it meanwhile wait for this one.
        let mut known = slot.lock().await;
        let is_usable = |of: &Access| of.until > Instant::now() && of.issued_for == issued_for;
        let token = match known.access.as_ref().filter(|of| is_usable(of)) {
            Some(access) => access.token.clone(),
            None => {
                if let Some((why, at)) = &known.failed
                    && at.elapsed() < FAILED
                {
                    return Err(why.clone());
                }
                let issued = match call(client, channel, inbox, &token_call).await {
                    Ok(answered) => channel.token_of(&PlatformReply {
                        status: answered.status,
                        retry_after: answered.retry_after,
                        body: &answered.body,
                    }),
                    Err(code) => Err(Outcome::Retry(code.to_owned(), None)),
                };
                let failed = issued.as_ref().err();
                known.failed = failed.map(|why| (why.clone(), Instant::now()));
                let (token, valid) = issued?;
                known.access = Some(Access {
                    token: token.clone(),
                    until: Instant::now() + valid.saturating_sub(EARLIER),
                    issued_for,
                });
                token
            }
        };
        credentials.insert(ACCESS_TOKEN.to_owned(), token);
        Ok(credentials)
    }

    /// Forgets a token that the platform refuses, unless it was replaced meanwhile.
    pub async fn forget(&self, workspace: &WorkspaceId, inbox: &InboxId, refused: &Credentials) {
        let slot = self.slot(workspace, inbox);
        let mut known = slot.lock().await;
        let token = refused.get(ACCESS_TOKEN);
        if known.access.as_ref().map(|access| &access.token) == token {
            known.access = None;
        }
    }
}
