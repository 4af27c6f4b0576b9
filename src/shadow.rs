//! The report of an inbox in the shadow: what the bot would have sent, what the agent said, and how alike both are.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use ken_base::blocking::blocking;
use ken_base::desk::{AuthorKind, ConversationId, Direction, InboxId, Message, Seq, text_of};
use ken_base::domain::WorkspaceId;
use ken_search::embed::{EmbedError, Embedder};
use ken_search::vectors::dot;
use ken_store::store::{Store, StoreError};
use ken_text::conflict::{Conflict, Statement, contradiction};
use ken_text::text::{figures, fold};

/// The most answers in the shadow that a report looks at, the newest.
pub const MAX_ANSWERS: i64 = 500;
/// The most messages of a conversation that are looked at.
const MAX_MESSAGES: i64 = 1_000;
/// How many texts are encoded at a time.
const STEP: usize = 64;

/// What the bot would have sent in a period, beside what agents said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ShadowReport {
    /// How many answers were made in the shadow; at most 500, the newest.
    pub n_answers: usize,
    /// How many of them would have been sent.
    pub n_would_send: usize,
    /// How many would have been handed off to people.
    pub n_would_hand_off: usize,
    /// Of those that would have been sent: to how many an agent wrote too.
    pub n_compared: usize,
    /// Of the compared: how many have the same figures.
    pub n_same_figures: usize,
    /// Of the compared: how many contradict the agent.
    pub n_conflicting: usize,
    /// The mean cosine of the compared texts; null if there are none.
    pub mean_similarity: Option<f64>,
    /// The compared answers, the least alike first: those that contradict the agent, those with other figures, then by
    /// similarity.
    pub pairs: Vec<ShadowPair>,
}

/// An answer in the shadow and an agent's.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ShadowPair {
    /// Their conversation.
    pub conversation_id: ConversationId,
    /// When the bot would have answered.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What the customer wrote.
    pub question: String,
    /// What the bot would have sent.
    pub would_send: String,
    /// Its answer, for `GET /v1/answers/{id}`.
    pub answer_id: Option<String>,
    /// What the agent said.
    pub agent_said: String,
    /// Whether both have the same figures.
    pub has_same_figures: bool,
    /// Figures of the agent that the bot does not have.
    pub missing_figures: Vec<String>,
    /// Figures of the bot that the agent does not have.
    pub other_figures: Vec<String>,
    /// How they contradict each other, if they do.
    pub conflict: Option<Conflict>,
    /// The cosine of both texts, in [-1, 1].
    pub similarity: f32,
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The texts could not be encoded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

/// What a customer wrote, what the bot would have sent, and what the agent said.
struct Exchange {
    conversation_id: ConversationId,
    question: String,
    shadow: Message,
    agent: String,
}

/// Compares what the bot would have sent since a time with what agents said. Encodes both; their vectors are not kept.
pub async fn report(
    store: &Store,
    embedder: &Embedder,
    workspace: &WorkspaceId,
    inbox: &InboxId,
    since: Timestamp,
) -> Result<ShadowReport, ShadowError> {
    let shadows = store
        .shadow_messages(workspace, inbox, since, MAX_ANSWERS)
        .await?;
    let mut report = ShadowReport {
        n_answers: shadows.len(),
        ..ShadowReport::default()
    };
    let would_send = |one: &Message| one.author.kind == AuthorKind::Bot;
    report.n_would_send = shadows.iter().filter(|one| would_send(one)).count();
    report.n_would_hand_off = report.n_answers - report.n_would_send;
    let ids: BTreeSet<&ConversationId> = shadows.iter().map(|one| &one.conversation_id).collect();
    let mut exchanges = Vec::new();
    for id in ids {
        let messages = store
            .newest_messages(workspace, id, Seq::MAX, MAX_MESSAGES)
            .await?;
        let own = shadows
            .iter()
            .filter(|one| would_send(one) && one.conversation_id == *id);
        exchanges.extend(own.filter_map(|shadow| exchange(shadow, &messages)));
    }
    let texts: Vec<String> = exchanges
        .iter()
        .flat_map(|one| [text_of(&one.shadow.parts), one.agent.clone()])
        .collect();
    let mut vectors = Vec::with_capacity(texts.len());
    for step in texts.chunks(STEP) {
        let (embedder, step) = (embedder.clone(), step.to_vec());
        vectors.extend(blocking(move || embedder.embed_passages(step)).await?);
    }
    let pairs = exchanges.into_iter().zip(vectors.chunks(2));
    report.pairs = pairs
        .map(|(exchange, both)| compared(exchange, dot(&both[0], &both[1])))
        .collect();
    let pairs = &mut report.pairs;
    report.n_compared = pairs.len();
    report.n_same_figures = pairs.iter().filter(|pair| pair.has_same_figures).count();
    report.n_conflicting = pairs.iter().filter(|pair| pair.conflict.is_some()).count();
    let sum: f64 = pairs.iter().map(|pair| f64::from(pair.similarity)).sum();
    report.mean_similarity = (!pairs.is_empty()).then(|| sum / pairs.len() as f64);
    pairs.sort_by(|a, b| {
        let badness = |pair: &ShadowPair| (pair.conflict.is_none(), pair.has_same_figures);
        badness(a)
            .cmp(&badness(b))
            .then(a.similarity.total_cmp(&b.similarity))
    });
    Ok(report)
}

/// The agent's first words after what an answer in the shadow answers; `None` if no agent wrote.
fn exchange(shadow: &Message, messages: &[Message]) -> Option<Exchange> {
    let asked = messages.iter().filter(|one| one.direction == Direction::In);
    let asked = asked.filter(|one| one.seq < shadow.seq);
    let newest = asked.clone().map(|one| one.seq).max()?;
    let is_agent = |one: &&Message| {
        one.direction == Direction::Out
            && one.author.kind == AuthorKind::Agent
            && !text_of(&one.parts).trim().is_empty()
    };
    let agents = messages.iter().filter(is_agent);
    let agent = agents
        .clone()
        .filter(|one| one.seq > newest)
        .min_by_key(|one| one.seq)?;
    // What the customer wrote since somebody last spoke to them.
    let spoken = messages.iter().filter(|one| one.direction != Direction::In);
    let before = spoken.map(|one| one.seq).filter(|seq| *seq < newest).max();
    let burst = asked.filter(|one| Some(one.seq) > before);
    let texts: Vec<String> = burst.map(|one| text_of(&one.parts)).collect();
    Some(Exchange {
        conversation_id: shadow.conversation_id.clone(),
        question: texts.join("\n"),
        shadow: shadow.clone(),
        agent: text_of(&agent.parts),
    })
}

fn compared(exchange: Exchange, similarity: f32) -> ShadowPair {
    let would_send = text_of(&exchange.shadow.parts);
    let (bot, agent) = (figures_of(&would_send), figures_of(&exchange.agent));
    let stated = |text| Statement {
        title: &exchange.question,
        text,
    };
    let conflict = contradiction(
        stated(&would_send),
        stated(&exchange.agent),
        Some(similarity),
    );
    ShadowPair {
        at: exchange.shadow.at,
        answer_id: exchange.shadow.answer_id,
        has_same_figures: bot == agent,
        missing_figures: agent.difference(&bot).cloned().collect(),
        other_figures: bot.difference(&agent).cloned().collect(),
        conflict,
        similarity,
        conversation_id: exchange.conversation_id,
        question: exchange.question,
        agent_said: exchange.agent,
        would_send,
    }
}

/// The figures of a text, Chinese numerals before units among them: 七天 has 7.
fn figures_of(text: &str) -> BTreeSet<String> {
    let text = figures(&fold(text));
    let is_other = |c: char| !(c.is_ascii_digit() || matches!(c, '.' | ','));
    let words = text.split(is_other);
    let plain = words.map(|word| word.trim_matches(['.', ',']).replace(',', ""));
    plain.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_compared_as_values() {
        let of = |text: &str| figures_of(text).into_iter().collect::<Vec<_>>();
        assert_eq!(of("收到後七天內，運費 1,200 元。"), ["1200", "7"]);
        assert_eq!(of("within 7 days, NT$1200."), ["1200", "7"]);
        assert_eq!(of("一般都可以"), [""; 0]);
    }
}
