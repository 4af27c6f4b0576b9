//! Replies that a platform takes in the response to its webhook: the request waits for the answer, and the delivery hands it
//! over. In the memory of this process; a delivery of another process, or one that comes too late, is pushed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use ken_base::desk::InboxId;
use ken_base::domain::WorkspaceId;

/// How long a reply that was handed over is kept: the platform repeats a request whose response it did not get.
const KEPT: Duration = Duration::from_secs(60);

/// What a response says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseText {
    /// The text.
    pub text: String,
    /// Questions to choose from.
    pub choices: Vec<String>,
}

/// A request of a platform, by the inbox and the token of its event.
type Key = (WorkspaceId, InboxId, String);

enum Slot {
    /// A request waits; with its number.
    Waiting(u64, oneshot::Sender<ResponseText>),
    /// A request was given this.
    Given(ResponseText, Instant),
}

#[derive(Default)]
struct Slots {
    by_key: HashMap<Key, Slot>,
    next: u64,
}

/// The requests that wait.
#[derive(Default)]
pub struct Responses(Mutex<Slots>);

/// A request that waits, until this is dropped.
pub struct WaitingRequest<'a> {
    of: &'a Responses,
    key: Key,
    number: u64,
    given: Option<ResponseText>,
    receiver: oneshot::Receiver<ResponseText>,
}

impl Responses {
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the reply to an event. A repeated request takes the place of the one before it, and gets again what that one
    /// was given.
    pub fn wait(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        token: &str,
    ) -> WaitingRequest<'_> {
        let key = (workspace.clone(), inbox.clone(), token.to_owned());
        let (sender, receiver) = oneshot::channel();
        let mut slots = self.slots();
        slots.by_key.retain(|_, slot| match slot {
            Slot::Waiting(..) => true,
            Slot::Given(_, at) => at.elapsed() < KEPT,
        });
        slots.next += 1;
        let number = slots.next;
        let given = match slots.by_key.get(&key) {
            Some(Slot::Given(text, _)) => Some(text.clone()),
            _ => None,
        };
        if given.is_none() {
            slots
                .by_key
                .insert(key.clone(), Slot::Waiting(number, sender));
        }
        drop(slots);
        WaitingRequest {
            of: self,
            key,
            number,
            given,
            receiver,
        }
    }

    /// Whether a request waits for the reply to an event.
    pub fn is_waiting(&self, workspace: &WorkspaceId, inbox: &InboxId, token: &str) -> bool {
        let key = (workspace.clone(), inbox.clone(), token.to_owned());
        matches!(self.slots().by_key.get(&key), Some(Slot::Waiting(..)))
    }

    /// Hands a reply to the request that waits for it. Returns whether there is one, or will be: `is_asked_again` says that
    /// the platform repeats its request until it gets a reply.
    pub fn give(
        &self,
        workspace: &WorkspaceId,
        inbox: &InboxId,
        token: &str,
        text: ResponseText,
        is_asked_again: bool,
    ) -> bool {
        let key = (workspace.clone(), inbox.clone(), token.to_owned());
        let mut slots = self.slots();
        let is_given = match slots.by_key.remove(&key) {
            Some(Slot::Waiting(_, sender)) => sender.send(text.clone()).is_ok(),
            Some(given @ Slot::Given(..)) => {
                slots.by_key.insert(key, given);
                return false;
            }
            None => false,
        };
        let is_given = is_given || is_asked_again;
        if is_given {
            slots.by_key.insert(key, Slot::Given(text, Instant::now()));
        }
        is_given
    }
}

impl WaitingRequest<'_> {
    /// The reply, if it comes in time.
    pub async fn until(mut self, deadline: Instant) -> Option<ResponseText> {
        if let Some(given) = self.given.take() {
            return Some(given);
        }
        if let Ok(given) = tokio::time::timeout_at(deadline, &mut self.receiver).await {
            return given.ok();
        }
        // It may have been given in this moment; after this it cannot.
        self.leave();
        self.receiver.try_recv().ok()
    }

    fn leave(&self) {
        let mut slots = self.of.slots();
        if let Some(Slot::Waiting(number, _)) = slots.by_key.get(&self.key)
            && *number == self.number
        {
            slots.by_key.remove(&self.key);
        }
    }
}

impl Drop for WaitingRequest<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (WorkspaceId, InboxId) {
        (
            WorkspaceId::parse("default").unwrap(),
            InboxId::parse("wechat").unwrap(),
        )
    }

    fn text(text: &str) -> ResponseText {
        ResponseText {
            text: text.to_owned(),
            choices: Vec::new(),
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    #[tokio::test]
    async fn reply_is_given_to_the_newest_request_and_again_to_a_repeated_one() {
        let (responses, (workspace, inbox)) = (Responses::default(), names());
        let give = |words: &str| responses.give(&workspace, &inbox, "m1", text(words), false);
        assert!(!give("nobody waits"));
        let first = responses.wait(&workspace, &inbox, "m1");
        let second = responses.wait(&workspace, &inbox, "m1");
        assert!(give("七天"));
        assert!(!give("once"), "one reply for an event");
        assert_eq!(
            first.until(soon()).await,
            None,
            "its connection was given up"
        );
        assert_eq!(second.until(soon()).await, Some(text("七天")));
        let third = responses.wait(&workspace, &inbox, "m1");
        assert_eq!(third.until(soon()).await, Some(text("七天")));
        let other = responses.wait(&workspace, &inbox, "m2");
        assert_eq!(other.until(soon()).await, None);
    }

    #[tokio::test]
    async fn request_that_is_over_takes_no_reply() {
        let (responses, (workspace, inbox)) = (Responses::default(), names());
        let give = || responses.give(&workspace, &inbox, "m1", text("七天"), false);
        let late = responses.wait(&workspace, &inbox, "m1");
        assert_eq!(late.until(Instant::now()).await, None);
        assert!(!give());
        drop(responses.wait(&workspace, &inbox, "m1"));
        assert!(!give(), "the platform has closed the connection");
        assert!(responses.slots().by_key.is_empty());
        // A call asks again.
        assert!(responses.give(&workspace, &inbox, "m1", text("七天"), true));
        let again = responses.wait(&workspace, &inbox, "m1");
        assert_eq!(again.until(Instant::now()).await, Some(text("七天")));
    }
}
