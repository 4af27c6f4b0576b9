//! Which cases are about the same: groups of vectors. Pure, but for its state.

use half::f16;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use ken_base::domain::{Distilled, DraftState};
use ken_search::vectors::dot;
use ken_store::store::DraftVector;

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
    let plain = ken_text::text::figures(&ken_text::text::fold(text));
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
