//! Cases about the same → one draft. Pure, but for its state.

use half::f16;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{acts, general};
use crate::conflict::{self, Statement};
use crate::domain::{
    Case, Distilled, Draft, DraftClass, DraftSource, DraftState, NoKnowledge, join,
};
use crate::ingest::faq::question_key;
use crate::store::DraftVector;
use crate::text::{Language, detect, terms};
use crate::vectors::dot;

/// The most sources whose sentences a draft keeps; of further ones only that they are there.
const MAX_DETAILED: usize = 40;
/// Among so many settled sources the best answer is looked for.
const MAX_COMPARED: usize = 12;
const MAX_VARIANTS: usize = 20;
const MAX_STEPS: usize = 24;
/// Steps that share this much of the longer one's words are one.
const SAME_STEP: f32 = 0.6;
/// A sentence is borne out by another case where one there shares this much of the shorter one's words.
const BORNE_OUT: f32 = 0.4;

/// Groups of cases: a case joins the group to whose cases it is most alike in the mean, if that is enough, or begins one.
///
/// One pass, in the order of arrival, with the scan over all middles: n cases and g groups cost n·g dot products and the
/// memory of g vectors. Hartigan's leader algorithm (Clustering Algorithms, 1975), with moving leaders.
#[derive(Debug, Default)]
pub struct Groups {
    ids: Vec<String>,
    n_members: Vec<usize>,
    /// The means of their cases' vectors, one after another: the dot product with a case's vector is its mean cosine with
    /// them (average link). Means brought to unit length would draw everything to large groups.
    middles: Vec<f32>,
    /// The figures that agents named, with in how many cases.
    figures: Vec<BTreeMap<String, usize>>,
    dimension: usize,
    same: f32,
    /// Those that a person has decided about or worded.
    pub fixed: std::collections::HashSet<String>,
}

impl Groups {
    /// `same` is the least mean cosine between a case and those of its group.
    pub fn new(vectors: Vec<DraftVector>, same: f32) -> Self {
        let mut groups = Self {
            same,
            ..Self::default()
        };
        for DraftVector { draft, vector } in vectors {
            if draft.state != DraftState::Open || draft.is_edited {
                groups.fixed.insert(draft.id.clone());
            }
            let vector: Vec<f32> = vector.iter().map(|x| x.to_f32()).collect();
            let mut figures = BTreeMap::new();
            for source in &draft.sources {
                let of: BTreeSet<String> = source
                    .resolution
                    .iter()
                    .flat_map(|e| figures_of(&e.text))
                    .collect();
                of.into_iter()
                    .for_each(|figure| *figures.entry(figure).or_default() += 1);
            }
            groups.add(draft.id, draft.sources.len().max(1), &vector, figures);
        }
        groups
    }

    fn add(
        &mut self,
        id: String,
        n_members: usize,
        vector: &[f32],
        figures: BTreeMap<String, usize>,
    ) {
        self.figures.push(figures);
        self.dimension = vector.len();
        self.ids.push(id);
        self.n_members.push(n_members);
        self.middles.extend_from_slice(vector);
    }

    /// The group that a case belongs to, whose middle moves towards it; a new one where none is near.
    pub fn join(&mut self, vector: &[f32], figures: BTreeSet<String>) -> String {
        match self.nearest(vector, &figures) {
            Some((at, similarity)) if similarity >= self.same => {
                let n = self.n_members[at] as f32;
                let middle = &mut self.middles[at * self.dimension..(at + 1) * self.dimension];
                for (m, v) in middle.iter_mut().zip(vector) {
                    *m = (*m * n + v) / (n + 1.0);
                }
                self.n_members[at] += 1;
                for figure in figures {
                    *self.figures[at].entry(figure).or_default() += 1;
                }
                self.ids[at].clone()
            }
            _ => {
                let id = format!("draft_{}", Uuid::now_v7().simple());
                let figures = figures.into_iter().map(|figure| (figure, 1)).collect();
                self.add(id.clone(), 1, vector, figures);
                id
            }
        }
    }

    /// The nearest group by cosine, with what figures in common add to it.
    fn nearest(&self, vector: &[f32], figures: &BTreeSet<String>) -> Option<(usize, f32)> {
        if self.dimension != vector.len() {
            return None;
        }
        let all = self.middles.chunks_exact(self.dimension.max(1)).enumerate();
        all.map(|(at, middle)| {
            // Those that most of the group's cases name.
            let of_group = self.figures[at]
                .iter()
                .filter(|(_, n)| 2 * **n >= self.n_members[at]);
            let theirs: BTreeSet<&String> = of_group.map(|(figure, _)| figure).collect();
            (at, dot(middle, vector) + in_common(figures, &theirs))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Groups that are as alike, case to case in the mean, as cases of one group: of each pair the smaller and the larger, in
    /// the order in which to merge them. They are one from here on. `may_go` says of which group a person has not decided.
    pub fn merge(
        &mut self,
        touched: &[String],
        may_go: impl Fn(&str) -> bool,
    ) -> Vec<(String, String)> {
        let mut merged = Vec::new();
        for id in touched {
            while let Some(at) = self.ids.iter().position(|known| known == id) {
                let middle = &self.middles[at * self.dimension..(at + 1) * self.dimension];
                let figures: BTreeSet<String> = self.named_by_most(at).cloned().collect();
                let near = (0..self.ids.len())
                    .filter(|other| *other != at)
                    .map(|other| {
                        let theirs: BTreeSet<&String> = self.named_by_most(other).collect();
                        let of_other =
                            &self.middles[other * self.dimension..(other + 1) * self.dimension];
                        (other, dot(middle, of_other) + in_common(&figures, &theirs))
                    });
                let nearest = near.max_by(|a, b| a.1.total_cmp(&b.1));
                let Some((other, _)) = nearest.filter(|(_, similarity)| *similarity >= self.same)
                else {
                    break;
                };
                let (small, large) = match self.n_members[at] <= self.n_members[other] {
                    true => (at, other),
                    false => (other, at),
                };
                if !may_go(&self.ids[small]) {
                    break;
                }
                merged.push((self.ids[small].clone(), self.ids[large].clone()));
                self.unite(small, large);
            }
        }
        merged
    }

    fn named_by_most(&self, at: usize) -> impl Iterator<Item = &String> {
        let by_most = self.figures[at]
            .iter()
            .filter(move |(_, n)| 2 * **n >= self.n_members[at]);
        by_most.map(|(figure, _)| figure)
    }

    /// Adds one group's cases to another's and takes it out.
    fn unite(&mut self, small: usize, large: usize) {
        let (n, m) = (self.n_members[small] as f32, self.n_members[large] as f32);
        for i in 0..self.dimension {
            let of_small = self.middles[small * self.dimension + i];
            let of_large = &mut self.middles[large * self.dimension + i];
            *of_large = (*of_large * m + of_small * n) / (n + m);
        }
        self.n_members[large] += self.n_members[small];
        for (figure, n) in std::mem::take(&mut self.figures[small]) {
            *self.figures[large].entry(figure).or_default() += n;
        }
        self.ids.remove(small);
        self.n_members.remove(small);
        self.figures.remove(small);
        self.middles
            .drain(small * self.dimension..(small + 1) * self.dimension);
    }

    /// A group's middle; empty where there is none.
    pub fn vector(&self, id: &str) -> Vec<f16> {
        let Some(at) = self.ids.iter().position(|known| known == id) else {
            return Vec::new();
        };
        let middle = &self.middles[at * self.dimension..(at + 1) * self.dimension];
        middle.iter().map(|x| f16::from_f32(*x)).collect()
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// What a case is grouped by: what was asked, and what agents asked for and said. Where they said nothing, what was asked.
pub fn texts(made: &Distilled) -> [String; 2] {
    let some = |texts: Vec<&str>| texts.into_iter().take(6).collect::<Vec<_>>().join("\n");
    let mut asked: Vec<&str> = vec![&made.question];
    asked.extend(
        made.requests
            .iter()
            .map(|e| e.text.as_str())
            .filter(|text| *text != made.question)
            .take(2),
    );
    let mut said: Vec<&str> = made.steps.iter().map(|e| e.text.as_str()).collect();
    said.extend(made.resolution.iter().map(|e| e.text.as_str()));
    if said.is_empty() {
        said.clone_from(&asked);
    }
    [some(asked), some(said)]
}

/// How much of a case's likeness is what was asked; what was said has the rest. Customers word the same thing more
/// differently than agents: at equal shares the best F1 of "about the same" over pairs of the cases of corpus/month was .84,
/// at this .85, with figures in common .91.
const ASKED: f32 = 0.4;
/// What is added where all figures of the one with fewer are the other's too.
const SAME_FIGURES: f32 = 0.06;

/// Two vectors of unit length as one of unit length.
pub fn joined(asked: &[f32], said: &[f32]) -> Vec<f32> {
    let (a, b) = (ASKED.sqrt(), (1.0 - ASKED).sqrt());
    asked
        .iter()
        .map(|x| x * a)
        .chain(said.iter().map(|x| x * b))
        .collect()
}

/// The figures that agents named in a case.
pub fn figures(made: &Distilled) -> BTreeSet<String> {
    made.resolution
        .iter()
        .flat_map(|e| figures_of(&e.text))
        .collect()
}

fn figures_of(text: &str) -> BTreeSet<String> {
    let plain = crate::text::figures(&crate::text::fold(text));
    let runs = plain.split(|c: char| !c.is_ascii_digit() && c != '.');
    runs.map(|run| run.trim_matches('.').to_owned())
        .filter(|run| !run.is_empty())
        .collect()
}

/// What figures in common add: one alone, of several, may be chance and counts half.
fn in_common(a: &BTreeSet<String>, b: &BTreeSet<&String>) -> f32 {
    let fewer = a.len().min(b.len());
    let shared = b.iter().filter(|figure| a.contains(**figure)).count();
    if shared == 0 {
        return 0.0;
    }
    let share = shared as f32 / fewer as f32;
    let chance = if shared == 1 && fewer > 2 { 0.5 } else { 1.0 };
    SAME_FIGURES * share * chance
}

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

/// Adds a case to a draft, in place of what it was there before.
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
        values: general::hashed_values(case),
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
        .filter(|term| !crate::text::is_function_word(term))
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

/// Makes a draft's text from its sources anew; what a person has edited stays.
pub fn rebuild(draft: &mut Draft) {
    let mut tags: Vec<String> = draft
        .sources
        .iter()
        .flat_map(|source| source.tags.clone())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags.truncate(16);
    draft.tags = tags;
    let settled: Vec<&DraftSource> = draft
        .sources
        .iter()
        .filter(|source| source.settles && !source.resolution.is_empty())
        .take(MAX_COMPARED)
        .collect();
    let answers: Vec<String> = settled.iter().map(|source| answer_of(source)).collect();
    let bags: Vec<_> = answers.iter().map(|answer| words(answer)).collect();
    let mut support = vec![0.0f32; answers.len()];
    let mut n_backing = vec![0usize; answers.len()];
    draft.disagreement = None;
    for a in 0..answers.len() {
        for b in a + 1..answers.len() {
            let statement = |at: usize| Statement {
                title: &settled[at].question,
                text: &answers[at],
            };
            if let Some(found) = conflict::contradiction(statement(a), statement(b), None) {
                let names = [settled[a].id.clone(), settled[b].id.clone()];
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
            let sentences: Vec<&str> = settled[at]
                .resolution
                .iter()
                .map(|e| e.text.as_str())
                .collect();
            let others: Vec<&DraftSource> = (0..settled.len())
                .filter(|other| *other != at && in_language(*other))
                .map(|other| settled[other])
                .collect();
            let kept = borne_out(&sentences, &others);
            let conditions = kept
                .iter()
                .filter(|s| acts::is_condition(s))
                .map(|s| (*s).to_owned());
            (join(kept.iter().copied()), conditions.collect())
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
    // What was looked up for one of the customers goes out of what another said.
    let values: BTreeSet<&str> = draft
        .sources
        .iter()
        .flat_map(|source| source.values.iter().map(String::as_str))
        .collect();
    let general = |text: &str| general::without_values(text, &values);
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

/// Of an answer's sentences those that another case bears out, where there are two more that could; else all.
fn borne_out<'a>(sentences: &[&'a str], others: &[&DraftSource]) -> Vec<&'a str> {
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
        said.iter()
            .any(|other| shared(&own, other).1 >= BORNE_OUT && own.intersection(other).count() >= 2)
    };
    let kept: Vec<&str> = sentences.iter().filter(is_borne_out).copied().collect();
    if kept.is_empty() {
        sentences.to_vec()
    } else {
        kept
    }
}

/// The question that is most like the others, and the others.
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

/// What agents asked for and told customers to do, over all sources, by where in the conversation it came.
fn steps(sources: &[DraftSource]) -> Vec<String> {
    struct Step {
        text: String,
        words: BTreeSet<String>,
        n: usize,
        place: f32,
    }
    let mut all: Vec<Step> = Vec::new();
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
                None => all.push(Step {
                    text: step.text.clone(),
                    words: bag,
                    n: 1,
                    place,
                }),
            }
        }
    }
    // Of many, those that came up most, in their order.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| all[*b].n.cmp(&all[*a].n).then(a.cmp(b)));
    let mut kept: Vec<&Step> = order
        .into_iter()
        .take(MAX_STEPS)
        .map(|at| &all[at])
        .collect();
    kept.sort_by(|a, b| a.place.total_cmp(&b.place));
    kept.into_iter().map(|step| step.text.clone()).collect()
}

/// The language as a tag, for a new FAQ; none where it is not known.
pub fn language(draft: &Draft) -> Option<String> {
    let language = Language::from_tag(&draft.language);
    (language != Language::Other).then(|| draft.language.clone())
}
