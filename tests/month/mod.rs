//! A simulated month of customers at the sample shop, from a seed. `corpus/month` lists the needs of the customers, the
//! wordings of their questions, the answers of the agents and the planted bad knowledge.
//!
//! Each day a fixed number of customers ask about needs in season, and Ken answers. Of the customers with an answer 40 % give
//! feedback; one in ten of these says the opposite of the truth. Customers with a refusal, and 70 % of those with a wrong
//! answer, go to an agent. Their conversation is submitted as a case, among conversations that resolve nothing. In the
//! evening an editor reviews the queue: drafts that state the fact of the need are approved, all others are rejected. With
//! the loop off Ken receives none of this; the same customers ask the same questions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use ken::app::{App, default_workspace};
use ken_answer::answer::Question;
use ken_base::domain::{
    Case, Clock, DocumentId, DraftState, FaqAnswer, FeedbackReason, Outcome, Reviewer, Source,
};
use ken_ingest::ingest::faq::FaqRow;
use ken_learn::cases::{DraftEdit, ReviewError};
use ken_learn::learn::LearnError;
use ken_learn::learn::feedback::NewFeedback;
use ken_learn::learn::tuning::LearnedTuning;
use ken_store::store::Write;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Delay before the next try while a scheduled tuning run holds the lock.
const BUSY: std::time::Duration = std::time::Duration::from_millis(50);

#[derive(Debug, Clone, Deserialize)]
pub struct Need {
    pub id: String,
    pub topic: String,
    pub fact: String,
    pub from_day: u32,
    pub wordings: Vec<String>,
    pub cases: Vec<serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Noise {
    turns: serde_json::Value,
    outcome: serde_json::Value,
}

/// Bad knowledge: an answer that is wrong, or a wording that is another FAQ's.
#[derive(Debug, Clone, Deserialize)]
struct Planted {
    kind: String,
    id: String,
    question: String,
    answer: Option<String>,
    document: Option<DocumentId>,
}

/// How the month goes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub days: u32,
    pub questions_a_day: usize,
    /// Whether what happens reaches Ken.
    pub is_learning: bool,
}

/// One day's questions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Day {
    pub asked: usize,
    /// Answered with the need's fact.
    pub resolved: usize,
    /// Answered without it.
    pub wrong: usize,
}

/// How the month went.
#[derive(Debug, Clone, Default)]
pub struct Month {
    pub days: Vec<Day>,
    pub n_cases: usize,
    pub n_approved: usize,
    pub n_rejected: usize,
    /// Approvals that were held back, by why.
    pub held_back: BTreeMap<&'static str, usize>,
    /// Planted answers that no answer rests on any more, with the day.
    pub demoted: Vec<(String, u32)>,
    /// How often each planted answer was cited before and after.
    pub planted_cited: Vec<(u32, String)>,
    /// Planted wordings that an editor approved without looking, with what came of it.
    pub variants: Vec<(String, &'static str)>,
    /// What each week's learning of settings came to.
    pub tuned: Vec<LearnedTuning>,
    /// Documents that people's clicks demoted and that were right.
    pub demoted_wrongly: Vec<String>,
}

impl Month {
    /// The share of a span of days' questions that a count makes out.
    pub fn share(&self, days: std::ops::Range<usize>, count: impl Fn(&Day) -> usize) -> f64 {
        let days = &self.days[days];
        let asked: usize = days.iter().map(|day| day.asked).sum();
        days.iter().map(count).sum::<usize>() as f64 / asked as f64
    }
}

fn lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus/month")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the month is part of the sources");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is one object"))
        .collect()
}

/// The day the month begins.
pub fn start() -> Timestamp {
    "2026-10-01T00:00:00Z".parse().expect("it is a time")
}

/// How much a topic is asked about on a day: each has its season.
fn season(topic: &str, day: u32) -> f64 {
    let phase = topic.bytes().map(u32::from).sum::<u32>() % 28;
    1.0 + 0.8 * (f64::from(day + phase) / 28.0 * std::f64::consts::TAU).sin()
}

/// Whether an answer states a fact, however it is written.
fn states(answer: &str, fact: &str) -> bool {
    let plain = |text: &str| -> String {
        let folded = ken_text::text::fold(text);
        folded
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ',')
            .collect()
    };
    plain(answer).contains(&plain(fact))
}

/// Runs the month on a service that has the shop's knowledge and goes by `clock`.
pub async fn run(app: &App, clock: &Clock, plan: Plan) -> Month {
    let workspace = default_workspace();
    let needs: Vec<Need> = lines("needs.jsonl");
    let noise: Vec<Noise> = lines("noise.jsonl");
    let planted: Vec<Planted> = lines("planted.jsonl");
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let mut month = Month::default();
    plant(app, &planted).await;
    let planted_ids: HashSet<String> = planted.iter().map(|p| p.id.clone()).collect();
    let mut n_submitted: HashMap<&str, usize> = HashMap::new();
    let mut n_noise = 0;
    let mut n_customers = 0;
    for day in 0..plan.days {
        let mut today = Day::default();
        let open: Vec<&Need> = needs.iter().filter(|need| need.from_day <= day).collect();
        let weights: Vec<f64> = open.iter().map(|need| season(&need.topic, day)).collect();
        for n in 0..plan.questions_a_day {
            let minutes = n as i64 * (12 * 60 / plan.questions_a_day as i64) + 8 * 60;
            clock.set(start() + SignedDuration::from_mins(i64::from(day) * 24 * 60 + minutes));
            // All that is random is drawn whether it is needed or not: both months have the same customers.
            let need = open[draw(&mut random, &weights)];
            let wording = random
                .choice(&need.wordings)
                .expect("each need has wordings");
            let (speaks, lies, notices) = (random.f64(), random.f64(), random.f64());
            n_customers += 1;
            let customer = format!("customer-{n_customers}");
            let question = Question {
                customer_id: Some(customer.clone()),
                ..Question::parse(wording).unwrap()
            };
            let answer = app
                .answerer
                .answer(&workspace, question, None)
                .await
                .expect("it answers or says that it may not")
                .answer;
            let answered = answer.outcome == Outcome::Answered;
            let right = answered && states(&answer.text, &need.fact);
            today.asked += 1;
            today.resolved += usize::from(right);
            today.wrong += usize::from(answered && !right);
            for c in &answer.citations {
                if planted_ids.contains(c.document_id.as_str()) {
                    month.planted_cited.push((day, c.document_id.to_string()));
                }
            }
            if !plan.is_learning {
                continue;
            }
            if answered && speaks < 0.4 {
                let helpful = right != (lies < 0.1);
                let said = NewFeedback {
                    answer_id: answer.id.clone(),
                    helpful: Some(helpful),
                    reason: (!helpful).then_some(FeedbackReason::Wrong),
                    ..NewFeedback::default()
                };
                let effects = app.learning.feedback(&workspace, said).await;
                let effects = effects.expect("it is kept").expect("the answer exists");
                for id in effects.distrusted {
                    match planted_ids.contains(id.as_str()) {
                        true => month.demoted.push((id.to_string(), day)),
                        false => month.demoted_wrongly.push(id.to_string()),
                    }
                }
            }
            if !right && (!answered || notices < 0.7) {
                let n_cases = n_submitted.entry(&need.id).or_default();
                if let Some(case) = need.cases.get(*n_cases) {
                    *n_cases += 1;
                    let id = format!("{}-{n_cases}", need.id);
                    submit(app, &id, case, &answer.id).await;
                    month.n_cases += 1;
                }
            }
        }
        month.days.push(today);
        if plan.is_learning {
            let until = (noise.len() * (day as usize + 1)).div_ceil(plan.days as usize);
            while n_noise < until.min(noise.len()) {
                let case = serde_json::json!({ "turns": noise[n_noise].turns, "outcome": noise[n_noise].outcome });
                submit(app, &format!("noise-{n_noise}"), &case, "").await;
                n_noise += 1;
                month.n_cases += 1;
            }
            evening(app, &needs, &mut month).await;
            if day % 7 == 6 {
                // The service may already run the scheduled tuning.
                let tuned = loop {
                    match app.learning.tune(&workspace, "schedule").await {
                        Err(LearnError::Busy) => tokio::time::sleep(BUSY).await,
                        tuned => break tuned.expect("settings are learned or left"),
                    }
                };
                month.tuned.push(tuned);
            }
            if day == plan.days / 2 {
                careless(app, &planted, &mut month).await;
            }
        }
    }
    month
}

fn draw(random: &mut fastrand::Rng, weights: &[f64]) -> usize {
    let mut left = random.f64() * weights.iter().sum::<f64>();
    for (at, weight) in weights.iter().enumerate() {
        left -= weight;
        if left <= 0.0 {
            return at;
        }
    }
    weights.len() - 1
}

async fn plant(app: &App, planted: &[Planted]) {
    let workspace = default_workspace();
    let sources = planted.iter().filter_map(|bad| {
        let faq = FaqRow {
            id: Some(bad.id.clone()),
            question: bad.question.clone(),
            answers: vec![FaqAnswer {
                text: bad.answer.clone()?,
                ..FaqAnswer::default()
            }],
            ..FaqRow::default()
        };
        Some(faq.into_source().expect("it is an FAQ"))
    });
    let put = |source: Source| Write::Put {
        source: Box::new(source),
        origin: None,
    };
    let recorded = app
        .store
        .record(&workspace, sources.map(put).collect())
        .await
        .expect("it is recorded");
    let revision = recorded.last().expect("there is bad knowledge").revision;
    searchable(app, revision).await;
}

async fn searchable(app: &App, revision: i64) {
    let patience = std::time::Duration::from_secs(120);
    app.follower.wake();
    assert!(
        app.follower
            .wait_for(&default_workspace(), revision, patience)
            .await
    );
}

async fn submit(app: &App, id: &str, case: &serde_json::Value, answer_id: &str) {
    let mut case: Case = serde_json::from_value(case.clone()).expect("the month's cases are sound");
    case.id = id.to_owned();
    if !answer_id.is_empty() {
        case.answer_ids = vec![answer_id.to_owned()];
    }
    let kept = app.cases.submit(&default_workspace(), vec![case]).await;
    kept.expect("it is kept").expect("it has no faults");
}

/// The editor's evening: the ten first of the queue that more than one customer asked for.
async fn evening(app: &App, needs: &[Need], month: &mut Month) {
    let workspace = default_workspace();
    let patience = std::time::Duration::from_secs(120);
    assert!(
        app.cases
            .wait_for(&workspace, patience)
            .await
            .expect("cases are distilled")
    );
    let queue = app
        .cases
        .queue(&workspace, DraftState::Open, None, 10)
        .await;
    for ranked in queue.expect("there is a queue") {
        let draft = ranked.draft;
        if draft.sources.len() < 2 {
            continue;
        }
        let of = draft.sources[0]
            .id
            .rsplit_once('-')
            .map_or("", |(need, _)| need);
        let need = needs.iter().find(|need| need.id == of);
        let editor = Reviewer::named("editor");
        let is_right = need.is_some_and(|need| states(&draft.answer, &need.fact));
        if !is_right {
            let done = app
                .cases
                .reject(&workspace, &draft.id, &editor, "wrong")
                .await;
            done.expect("it was open");
            month.n_rejected += 1;
            continue;
        }
        let approve = || app.cases.approve(&workspace, &draft.id, &editor, false);
        let mut decided = approve().await;
        if let Err(ReviewError::Collides(found)) = &decided {
            // A wording that is another FAQ's is struck out.
            *month.held_back.entry("collides").or_default() += 1;
            let mut wordings = vec![draft.question.clone()];
            wordings.extend(draft.variants.clone());
            wordings.retain(|wording| !found.iter().any(|c| c.wording == *wording));
            let Some((question, variants)) = wordings.split_first() else {
                continue;
            };
            let edit = DraftEdit {
                question: Some(question.clone()),
                variants: Some(variants.to_vec()),
                ..DraftEdit::default()
            };
            let edited = app.cases.edit(&workspace, &draft.id, &editor, edit).await;
            edited.expect("it is open");
            decided = approve().await;
        }
        match decided {
            Ok(reviewed) => {
                month.n_approved += 1;
                if let Some(revision) = reviewed.revision {
                    searchable(app, revision).await;
                }
            }
            Err(ReviewError::Collides(_)) => {
                *month.held_back.entry("collides again").or_default() += 1
            }
            Err(ReviewError::WouldBreak(_)) => *month.held_back.entry("breaks").or_default() += 1,
            Err(ReviewError::Incomplete(_)) => *month.held_back.entry("blank").or_default() += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Somebody says of each planted wording that the wrong FAQ should have answered, and somebody approves without looking.
async fn careless(app: &App, planted: &[Planted], month: &mut Month) {
    let workspace = default_workspace();
    for bad in planted.iter().filter(|bad| bad.kind == "bad_variant") {
        let question = Question {
            customer_id: Some(format!("careless about {}", bad.id)),
            ..Question::parse(&bad.question).unwrap()
        };
        let answer = app.answerer.answer(&workspace, question, None).await;
        let said = NewFeedback {
            answer_id: answer.expect("it answers").answer.id,
            corrected_document_id: bad.document.clone(),
            ..NewFeedback::default()
        };
        let effects = app.learning.feedback(&workspace, said).await;
        let draft = effects
            .expect("it is kept")
            .expect("the answer exists")
            .draft_id;
        let draft = draft.expect("a variant is proposed");
        let came = match app
            .cases
            .approve(&workspace, &draft, &Reviewer::named("careless"), false)
            .await
        {
            Ok(_) => "published",
            Err(ReviewError::Collides(_)) => "refused: it collides",
            Err(error) => panic!("{error}"),
        };
        month.variants.push((bad.id.clone(), came));
    }
}
