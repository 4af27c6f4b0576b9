//! Measures what a conversation on another channel inherits: `ken eval --channels` on sets whose queries have a `history`.
//!
//! Each query is asked in four ways, as a message to the desk of a live inbox: after its history on the same inbox
//! (*uncut*), after its history on another inbox by the same verified customer (*verified*), after its history on another
//! inbox by somebody of whom the asker claims the address (*claimed*), and without history (*fresh*). The history's turns
//! are a customer's messages and those of an agent, who then gives the conversation back to the bot. Measures: the share of
//! queries whose first passage is of a relevant document, and for how many claimed ones the answer is the fresh one.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Dataset, EvalError, Evaluation, JudgedQuery};
use ken_base::desk::{
    ChannelKind, ClaimBasis, ConversationId, IdentityKey, IdentityKind, Inbox, InboxId,
    InboxSettings, LinkBasis, Part, SendMode, VerifiedBy,
};
use ken_base::domain::{Level, Role, Turn, WorkspaceId};
use ken_conversations::actions::Action;
use ken_conversations::intake::{Inbound, InboundKind, Received, Revision};
use ken_conversations::writer::WriteError;
use ken_customers::identify::{Claim, Proof, Sender};

/// How many queries are asked at once.
const AT_ONCE: usize = 4;
/// How long the bot waits for the agent's word, in milliseconds: the longest that an inbox allows.
const WORD_MS: u32 = 10_000;
/// How often it is looked whether an answer is there.
const LOOK: std::time::Duration = std::time::Duration::from_millis(5);
/// How long an answer may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// The measures of a set. Shares are in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelsReport {
    /// The set's name.
    pub dataset: String,
    /// The number of judged queries with a history.
    pub n_queries: usize,
    /// Success at rank 1 in one conversation.
    pub uncut: f64,
    /// Success at rank 1 on another channel, by the same verified customer.
    pub verified: f64,
    /// Success at rank 1 on another channel, by somebody who claims to be the customer.
    pub claimed: f64,
    /// Success at rank 1 in a new conversation.
    pub fresh: f64,
    /// The share of claimed ones whose answer is word for word the fresh one.
    pub claimed_as_fresh: f64,
    /// Milliseconds from the message to the answer's record, median: claimed.
    pub claimed_ms: f64,
    /// The same, fresh.
    pub fresh_ms: f64,
}

/// The table of some sets.
pub fn table(reports: &[ChannelsReport]) -> String {
    let mut lines = vec![
        "| set | queries | uncut | verified | verified ÷ uncut | claimed | fresh | claimed as fresh | claimed ms | fresh ms |".to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    for of in reports {
        lines.push(format!(
            "| {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.1} | {:.1} |",
            of.dataset,
            of.n_queries,
            of.uncut,
            of.verified,
            of.verified / of.uncut.max(f64::MIN_POSITIVE),
            of.claimed,
            of.fresh,
            of.claimed_as_fresh,
            of.claimed_ms,
            of.fresh_ms,
        ));
    }
    lines.join("\n")
}

/// In which way a query is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Uncut,
    Verified,
    Claimed,
    Fresh,
}

const WAYS: [Way; 4] = [Way::Uncut, Way::Verified, Way::Claimed, Way::Fresh];

/// What came of a query.
struct Asked {
    /// Whether the first passage is of a relevant document.
    is_right: bool,
    /// The answer's text.
    text: String,
    ms: f64,
}

impl From<WriteError> for EvalError {
    fn from(error: WriteError) -> Self {
        EvalError::Desk(error.to_string())
    }
}

impl Evaluation {
    /// Measures a set.
    ///
    /// # Errors
    /// [`EvalError`] if the service fails or an answer takes too long.
    pub async fn channels(&self, dataset: &Dataset) -> Result<ChannelsReport, EvalError> {
        let workspace = self.prepare(dataset).await?;
        for id in ["before", "after"] {
            let inbox = inbox(id, 0);
            self.app.store.put_inbox(&workspace, &inbox, None).await?;
        }
        // The bot waits for the agent's word after each of the history.
        let before = Arc::new(inbox("before", WORD_MS));
        let same = Arc::new(inbox("after", WORD_MS));
        let after = Arc::new(inbox("after", 0));
        let run = Timestamp::now().as_millisecond();
        let is_judged = |query: &&JudgedQuery| {
            !query.history.is_empty() && dataset.qrels.contains_key(&query.id)
        };
        let queries: Vec<&JudgedQuery> = dataset.queries.iter().filter(is_judged).collect();
        let mut of_way: Vec<Vec<Asked>> = Vec::new();
        // One way after the other, so that its times are those of one load.
        for way in WAYS {
            let asked = stream::iter(queries.iter().enumerate().map(|(at, query)| {
                let scene = Scene {
                    evaluation: self,
                    workspace: &workspace,
                    before: before.clone(),
                    same: same.clone(),
                    after: after.clone(),
                    person: format!("{run}-{way:?}-{at}"),
                };
                async move { scene.ask(dataset, query, way).await }
            }));
            of_way.push(asked.buffered(AT_ONCE).try_collect().await?);
        }
        let [uncut, verified, claimed, fresh] =
            <[Vec<Asked>; 4]>::try_from(of_way).unwrap_or_else(|_| unreachable!("four ways"));
        let right = |asked: &[Asked]| {
            ken_learn::measures::mean(asked.iter().map(|one| f64::from(u8::from(one.is_right))))
        };
        let same = claimed
            .iter()
            .zip(&fresh)
            .map(|(one, other)| f64::from(u8::from(one.text == other.text)));
        Ok(ChannelsReport {
            dataset: dataset.name.clone(),
            n_queries: queries.len(),
            uncut: right(&uncut),
            verified: right(&verified),
            claimed: right(&claimed),
            fresh: right(&fresh),
            claimed_as_fresh: ken_learn::measures::mean(same),
            claimed_ms: median(&claimed),
            fresh_ms: median(&fresh),
        })
    }
}

fn median(asked: &[Asked]) -> f64 {
    let mut times: Vec<f64> = asked.iter().map(|one| one.ms).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

fn inbox(id: &str, burst_ms: u32) -> Inbox {
    Inbox {
        id: InboxId::parse(id).expect("it is an id"),
        channel: ChannelKind::Generic,
        name: id.to_owned(),
        settings: InboxSettings {
            mode: SendMode::Live,
            burst_ms,
            auto_send_level: Level::Balanced,
            ..InboxSettings::default()
        },
        secrets: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// One query on the desk.
struct Scene<'a> {
    evaluation: &'a Evaluation,
    workspace: &'a WorkspaceId,
    before: Arc<Inbox>,
    /// The inbox of the question, during the history.
    same: Arc<Inbox>,
    after: Arc<Inbox>,
    /// Nobody else has this name.
    person: String,
}

impl Scene<'_> {
    async fn ask(
        &self,
        dataset: &Dataset,
        query: &JudgedQuery,
        way: Way,
    ) -> Result<Asked, EvalError> {
        match way {
            Way::Uncut => self.say_all(&self.same, query).await?,
            Way::Verified | Way::Claimed => self.say_all(&self.before, query).await?,
            Way::Fresh => {}
        }
        let mut sender = self.sender(&self.after, way != Way::Claimed);
        if way == Way::Claimed {
            sender.key.value = format!("{}-other", self.person);
            sender.claims = vec![Claim {
                key: self.address(),
                basis: ClaimBasis::TypedEmail,
            }];
        }
        let start = std::time::Instant::now();
        let asked = self.deliver(&self.after, "question", sender, &query.text, false);
        let conversation = asked.await?;
        let app = &self.evaluation.app;
        loop {
            let found = app
                .store
                .logged_answers(self.workspace, Some(conversation.as_str()), 1);
            let found = found.await?.pop();
            let is_asked =
                |(turn, _): &(Turn, serde_json::Value)| turn.question.trim() == query.text.trim();
            if let Some((turn, trace)) = found.filter(is_asked) {
                let part = &trace["parts"][0];
                let first = part["evidence"][0]["document_id"].as_str();
                let relevant = dataset.qrels.get(&query.id);
                return Ok(Asked {
                    is_right: first
                        .zip(relevant)
                        .is_some_and(|(first, relevant)| relevant.contains_key(first)),
                    text: turn.answer.text,
                    ms: start.elapsed().as_secs_f64() * 1e3,
                });
            }
            if start.elapsed() > PATIENCE {
                return Err(EvalError::Desk(format!("query {}: no answer", query.id)));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Delivers the history: the customer's words and an agent's, who gives the conversation back at the end.
    async fn say_all(&self, inbox: &Arc<Inbox>, query: &JudgedQuery) -> Result<(), EvalError> {
        let mut conversation = None;
        for (at, said) in query.history.iter().enumerate() {
            let sender = self.sender(inbox, true);
            let is_agent = said.role == Role::Agent;
            let id = format!("h{at}");
            let delivered = self.deliver(inbox, &id, sender, &said.text, is_agent);
            conversation = Some(delivered.await?);
        }
        let Some(conversation) = conversation else {
            return Ok(());
        };
        let desk = &self.evaluation.app.desk;
        for action in [Action::TakeOver, Action::GiveBack] {
            let (workspace, inbox) = (self.workspace.clone(), inbox.as_ref().clone());
            let id = conversation.clone();
            let acted = desk.act(workspace, inbox, id, action, "agent".to_owned());
            acted
                .await?
                .map_err(|refusal| EvalError::Desk(refusal.to_string()))?;
        }
        Ok(())
    }

    async fn deliver(
        &self,
        inbox: &Arc<Inbox>,
        id: &str,
        sender: Sender,
        text: &str,
        is_agent: bool,
    ) -> Result<ConversationId, EvalError> {
        let parts = vec![Part::Text {
            text: text.to_owned(),
        }];
        let what = match is_agent {
            true => InboundKind::Echo { to: sender, parts },
            false => InboundKind::Message {
                sender,
                parts,
                revision: Revision::default(),
                needs_person: false,
            },
        };
        let received = self.evaluation.app.desk.receive(Inbound {
            workspace: self.workspace.clone(),
            inbox: inbox.clone(),
            provider_id: format!("{}-{id}", self.person),
            at: Timestamp::now() - SignedDuration::from_millis(1),
            what,
        });
        match received.await? {
            Received::New {
                conversation_id: Some(id),
                ..
            } => Ok(id),
            other => Err(EvalError::Desk(format!("not taken: {other:?}"))),
        }
    }

    /// The person on an inbox; verified by the company's token, with the address, or by the channel alone.
    fn sender(&self, inbox: &Inbox, has_token: bool) -> Sender {
        let external = IdentityKey {
            inbox: None,
            kind: IdentityKind::ExternalId,
            value: self.person.clone(),
        };
        let proof = |key| Proof {
            key,
            verified_by: VerifiedBy::SignedToken,
            basis: LinkBasis::SameToken,
        };
        Sender {
            key: IdentityKey {
                inbox: Some(inbox.id.clone()),
                kind: IdentityKind::ChannelUser,
                value: self.person.clone(),
            },
            verified_by: Some(VerifiedBy::Provider),
            display_name: String::new(),
            proofs: match has_token {
                true => vec![proof(external), proof(self.address())],
                false => Vec::new(),
            },
            claims: Vec::new(),
        }
    }

    fn address(&self) -> IdentityKey {
        IdentityKey {
            inbox: None,
            kind: IdentityKind::Email,
            value: format!("{}@example.com", self.person.to_lowercase()),
        }
    }
}
