//! Builds a draft's question, answer, conditions and steps from its sources. Pure.

use std::collections::BTreeSet;

use super::{dialogue_acts, generalize};
use ken_base::domain::{
    Case, Distilled, Draft, DraftClass, DraftSource, DraftState, NoKnowledge, join,
};
use ken_ingest::ingest::faq::question_key;
use ken_text::conflict::{self, Statement};
use ken_text::text::{Language, detect, terms};

/// The most sources whose sentences a draft keeps. Further sources are only recorded.
const MAX_DETAILED: usize = 40;
/// The most settled sources among which the best answer is selected.
const MAX_COMPARED: usize = 12;
/// The most variants of a draft's question.
const MAX_VARIANTS: usize = 20;
/// The most steps of a draft.
const MAX_STEPS: usize = 24;
/// The least share of the longer step's words that two equal steps have in common.
const SAME_STEP: f32 = 0.6;
/// The least share of the shorter sentence's words that another case's sentence has in common to support it.
const CORROBORATED: f32 = 0.4;

/// A draft without sources.
pub fn empty(id: &str) -> Draft {
    Draft {
        id: id.to_owned(),
        state: DraftState::Open,
        class: DraftClass::New,
        question: String::new(),
        variants: Vec::new(),
        answer: String::new(),
        conditions: Vec::new(),
        steps: Vec::new(),
        product: None,
        tags: Vec::new(),
        language: String::new(),
        sources: Vec::new(),
        confidence: 0.0,
        disagreement: None,
        is_edited: false,
        published_as: None,
        history: Vec::new(),
    }
}

/// Adds a case to a draft's sources, or replaces it there.
pub fn add(draft: &mut Draft, case: &Case, made: &Distilled) {
    draft.sources.retain(|source| source.id != case.id);
    let is_detailed = draft.sources.len() < MAX_DETAILED;
    let mut tags = made.tags.clone();
    tags.extend(made.product.clone());
    draft.sources.push(DraftSource {
        id: case.id.clone(),
        question: made.question.clone(),
        resolution: if is_detailed {
            made.resolution.clone()
        } else {
            Vec::new()
        },
        steps: if is_detailed {
            made.steps.clone()
        } else {
            Vec::new()
        },
        agent: case.agent.clone(),
        tags,
        settles: made.gap.is_none(),
        values: generalize::hashed_values(case),
    });
    if draft.sources.len() == 1 {
        draft.class = match made.gap {
            Some(reason) => DraftClass::Gap { reason },
            None => DraftClass::New,
        };
    } else if made.gap.is_none() && matches!(draft.class, DraftClass::Gap { .. }) {
        draft.class = DraftClass::New;
    }
    draft.product = draft.product.take().or(made.product.clone());
}

fn answer_of(source: &DraftSource) -> String {
    join(source.resolution.iter().map(|e| e.text.as_str()))
}

fn words(text: &str) -> BTreeSet<String> {
    terms(text)
        .into_iter()
        .filter(|term| !ken_text::text::is_function_word(term))
        .collect()
}

fn shared(a: &BTreeSet<String>, b: &BTreeSet<String>) -> (f32, f32) {
    let common = a.intersection(b).count() as f32;
    (
        common / a.len().max(b.len()).max(1) as f32,
        common / a.len().min(b.len()).max(1) as f32,
    )
}

fn is_chinese(text: &str) -> bool {
    detect(text).is_chinese()
}

/// Rebuilds a draft's text from its sources; text that a person edited stays.
pub fn rebuild(draft: &mut Draft) {
    let mut tags: Vec<String> = draft
        .sources
        .iter()
        .flat_map(|source| source.tags.clone())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags.truncate(16);
    let resolved: Vec<&DraftSource> = draft
        .sources
        .iter()
        .filter(|source| source.settles && !source.resolution.is_empty())
        .take(MAX_COMPARED)
        .collect();
    let answers: Vec<String> = resolved.iter().map(|source| answer_of(source)).collect();
    let bags: Vec<_> = answers.iter().map(|answer| words(answer)).collect();
    let mut support = vec![0.0f32; answers.len()];
    let mut n_backing = vec![0usize; answers.len()];
    draft.disagreement = None;
    for a in 0..answers.len() {
        for b in a + 1..answers.len() {
            let statement = |at: usize| Statement {
                title: &resolved[at].question,
                text: &answers[at],
            };
            if let Some(found) = conflict::contradiction(statement(a), statement(b), None) {
                let names = [resolved[a].id.clone(), resolved[b].id.clone()];
                draft.disagreement.get_or_insert(found.describe(&names));
                continue;
            }
            let (like, _) = shared(&bags[a], &bags[b]);
            let crosses = is_chinese(&answers[a]) != is_chinese(&answers[b]);
            for at in [a, b] {
                support[at] += like;
                n_backing[at] += usize::from(crosses || like > 0.15);
            }
        }
    }
    let n_chinese = answers.iter().filter(|answer| is_chinese(answer)).count();
    let wants_chinese = 2 * n_chinese >= answers.len();
    let in_language = |at: usize| is_chinese(&answers[at]) == wants_chinese;
    let best = (0..answers.len()).max_by(|&a, &b| {
        let key = |at: usize| (in_language(at), support[at]);
        let (x, y) = (key(a), key(b));
        x.0.cmp(&y.0).then(x.1.total_cmp(&y.1)).then(b.cmp(&a))
    });
    let n_settled = draft.sources.iter().filter(|source| source.settles).count();
    let (answer, conditions) = match best {
        None => (String::new(), Vec::new()),
        Some(at) => {
            let sentences: Vec<&str> = resolved[at]
                .resolution
                .iter()
                .map(|e| e.text.as_str())
                .collect();
            let others: Vec<&DraftSource> = (0..resolved.len())
                .filter(|other| *other != at && in_language(*other))
                .map(|other| resolved[other])
                .collect();
            let chosen = corroborated(&sentences, &others);
            let conditions = chosen
                .iter()
                .filter(|s| dialogue_acts::is_condition(s))
                .map(|s| (*s).to_owned());
            (join(chosen.iter().copied()), conditions.collect())
        }
    };
    draft.confidence = match best {
        None => 0.0,
        Some(at) => {
            let backing = 0.1 * n_backing[at].min(4) as f32;
            let doubt = if draft.disagreement.is_some() {
                0.3
            } else {
                0.0
            };
            (0.55 + backing - doubt).clamp(0.05, 0.95)
        }
    };
    if n_settled == 0
        && !matches!(draft.class, DraftClass::Gap { .. })
        && draft.published_as.is_none()
    {
        draft.class = DraftClass::Gap {
            reason: NoKnowledge::SettlesNothing,
        };
    }
    // Values looked up for one customer are removed from the sentences of all cases.
    let values: BTreeSet<&str> = draft
        .sources
        .iter()
        .flat_map(|source| source.values.iter().map(String::as_str))
        .collect();
    let general = |text: &str| generalize::without_values(text, &values);
    let steps: Vec<String> = steps(&draft.sources)
        .iter()
        .map(|step| general(step))
        .collect();
    let conditions: Vec<String> = conditions;
    let (answer, conditions) = (
        general(&answer),
        conditions.iter().map(|c| general(c)).collect(),
    );
    let wordings: Vec<String> = draft
        .sources
        .iter()
        .map(|source| general(&source.question))
        .collect();
    draft.steps = steps;
    if draft.is_edited {
        return;
    }
    draft.tags = tags;
    draft.answer = answer;
    draft.conditions = conditions;
    questions(
        draft,
        wordings,
        wants_chinese && !answers.is_empty() || answers.is_empty(),
    );
    let text = format!("{}\n{}", draft.question, draft.answer);
    draft.language = detect(&text).tag().to_owned();
}

/// The answer's sentences that another case supports. All sentences, if there are fewer than two other cases or none is
/// supported.
fn corroborated<'a>(sentences: &[&'a str], others: &[&DraftSource]) -> Vec<&'a str> {
    if others.len() < 2 {
        return sentences.to_vec();
    }
    let said: Vec<_> = others
        .iter()
        .flat_map(|other| &other.resolution)
        .map(|e| words(&e.text))
        .collect();
    let is_borne_out = |sentence: &&&str| {
        let own = words(sentence);
        said.iter().any(|other| {
            shared(&own, other).1 >= CORROBORATED && own.intersection(other).count() >= 2
        })
    };
    let chosen: Vec<&str> = sentences.iter().filter(is_borne_out).copied().collect();
    if chosen.is_empty() {
        sentences.to_vec()
    } else {
        chosen
    }
}

/// Sets the draft's question to the wording most similar to the others, and its variants to the rest.
fn questions(draft: &mut Draft, wordings: Vec<String>, prefers_chinese: bool) {
    let mut seen = std::collections::HashSet::new();
    let all: Vec<String> = wordings
        .into_iter()
        .filter(|question| !question.is_empty() && seen.insert(question_key(question)))
        .take(MAX_DETAILED)
        .collect();
    let bags: Vec<_> = all.iter().map(|question| words(question)).collect();
    let central = |at: usize| -> f32 { bags.iter().map(|other| shared(&bags[at], other).0).sum() };
    let key = |at: usize| {
        (
            !all[at].contains('['),
            is_chinese(&all[at]) == prefers_chinese,
            central(at),
        )
    };
    let best = (0..all.len()).max_by(|&a, &b| {
        let (x, y) = (key(a), key(b));
        x.0.cmp(&y.0)
            .then(x.1.cmp(&y.1))
            .then(x.2.total_cmp(&y.2))
            .then(b.cmp(&a))
    });
    let Some(best) = best else { return };
    draft.question.clone_from(&all[best]);
    let others = all
        .iter()
        .enumerate()
        .filter(|(at, question)| *at != best && !question.contains('['));
    draft.variants = others
        .map(|(_, question)| question.clone())
        .take(MAX_VARIANTS)
        .collect();
}

/// The steps of all sources, merged and ordered by their mean position in the conversation.
fn steps(sources: &[DraftSource]) -> Vec<String> {
    struct DraftStep {
        text: String,
        words: BTreeSet<String>,
        n: usize,
        place: f32,
    }
    let mut all: Vec<DraftStep> = Vec::new();
    for source in sources {
        let n = source.steps.len().max(1) as f32;
        for (at, step) in source.steps.iter().enumerate() {
            let bag = words(&step.text);
            let place = at as f32 / n;
            match all
                .iter_mut()
                .find(|known| shared(&known.words, &bag).0 >= SAME_STEP)
            {
                Some(known) => {
                    known.place = (known.place * known.n as f32 + place) / (known.n + 1) as f32;
                    known.n += 1;
                }
                None => all.push(DraftStep {
                    text: step.text.clone(),
                    words: bag,
                    n: 1,
                    place,
                }),
            }
        }
    }
    // The most frequent steps are kept, in order of position.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| all[*b].n.cmp(&all[*a].n).then(a.cmp(b)));
    let mut chosen: Vec<&DraftStep> = order
        .into_iter()
        .take(MAX_STEPS)
        .map(|at| &all[at])
        .collect();
    chosen.sort_by(|a, b| a.place.total_cmp(&b.place));
    chosen.into_iter().map(|step| step.text.clone()).collect()
}

/// The draft's language as a tag; `None` if it is unknown.
pub fn language(draft: &Draft) -> Option<String> {
    let language = Language::from_tag(&draft.language);
    (language != Language::Other).then(|| draft.language.clone())
}
