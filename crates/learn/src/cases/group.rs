//! Groups cases on the same subject by their vectors. Pure, apart from the state of [`Groups`].

use half::f16;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use ken_base::domain::{Distilled, DraftState};
use ken_search::vectors::dot;
use ken_store::store::DraftVector;

/// Groups of cases. A case joins the group with the greatest mean similarity to its cases, if that is at least the
/// threshold; otherwise it starts a new group.
///
/// One pass in the order of arrival, with a linear scan over all centroids: n cases and g groups cost n·g dot products
/// and the memory of g vectors. This is Hartigan's leader algorithm (Clustering Algorithms, 1975) with moving leaders.
#[derive(Debug, Default)]
pub struct Groups {
    ids: Vec<String>,
    n_members: Vec<usize>,
    /// The groups' centroids, row by row. The dot product of a centroid and a case's vector is the mean cosine of the
    /// case and the group's cases (average linkage). Centroids scaled to unit length would attract everything to large
    /// groups.
    centroids: Vec<f32>,
    /// The figures that agents named in each group, with the number of cases that name each.
    figures: Vec<BTreeMap<String, usize>>,
    dimension: usize,
    same: f32,
    /// Ids of groups whose draft a person decided about or edited.
    pub fixed: std::collections::HashSet<String>,
}

impl Groups {
    /// Loads groups from the stored drafts. `same` is the least mean cosine between a case and the cases of its group.
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
        self.centroids.extend_from_slice(vector);
    }

    /// Adds a case to the nearest group, or to a new one if none is near enough. Returns the group's id. `vector` has
    /// unit length.
    pub fn join(&mut self, vector: &[f32], figures: BTreeSet<String>) -> String {
        match self.nearest(vector, &figures) {
            Some((at, similarity)) if similarity >= self.same => {
                let n = self.n_members[at] as f32;
                let middle = &mut self.centroids[at * self.dimension..(at + 1) * self.dimension];
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

    /// The index of the nearest group and its similarity: mean cosine plus the bonus for common figures.
    fn nearest(&self, vector: &[f32], figures: &BTreeSet<String>) -> Option<(usize, f32)> {
        if self.dimension != vector.len() {
            return None;
        }
        let all = self
            .centroids
            .chunks_exact(self.dimension.max(1))
            .enumerate();
        all.map(|(at, middle)| {
            // Figures that at least half of the group's cases name.
            let of_group = self.figures[at]
                .iter()
                .filter(|(_, n)| 2 * **n >= self.n_members[at]);
            let theirs: BTreeSet<&String> = of_group.map(|(figure, _)| figure).collect();
            (at, dot(middle, vector) + in_common(figures, &theirs))
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Merges each touched group with others as long as their mean similarity is at least the threshold. Returns the
    /// pairs (smaller, larger) in the order of merging. `may_go` returns whether a group's draft is still undecided and
    /// may be merged into another.
    pub fn merge(
        &mut self,
        touched: &[String],
        may_go: impl Fn(&str) -> bool,
    ) -> Vec<(String, String)> {
        let mut merged = Vec::new();
        for id in touched {
            while let Some(at) = self.ids.iter().position(|known| known == id) {
                let middle = &self.centroids[at * self.dimension..(at + 1) * self.dimension];
                let figures: BTreeSet<String> = self.named_by_most(at).cloned().collect();
                let near = (0..self.ids.len())
                    .filter(|other| *other != at)
                    .map(|other| {
                        let theirs: BTreeSet<&String> = self.named_by_most(other).collect();
                        let of_other =
                            &self.centroids[other * self.dimension..(other + 1) * self.dimension];
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

    /// Adds the cases of `small` to `large` and removes `small`.
    fn unite(&mut self, small: usize, large: usize) {
        let (n, m) = (self.n_members[small] as f32, self.n_members[large] as f32);
        for i in 0..self.dimension {
            let of_small = self.centroids[small * self.dimension + i];
            let of_large = &mut self.centroids[large * self.dimension + i];
            *of_large = (*of_large * m + of_small * n) / (n + m);
        }
        self.n_members[large] += self.n_members[small];
        for (figure, n) in std::mem::take(&mut self.figures[small]) {
            *self.figures[large].entry(figure).or_default() += n;
        }
        self.ids.remove(small);
        self.n_members.remove(small);
        self.figures.remove(small);
        self.centroids
            .drain(small * self.dimension..(small + 1) * self.dimension);
    }

    /// A group's centroid; empty if the group does not exist.
    pub fn vector(&self, id: &str) -> Vec<f16> {
        let Some(at) = self.ids.iter().position(|known| known == id) else {
            return Vec::new();
        };
        let middle = &self.centroids[at * self.dimension..(at + 1) * self.dimension];
        middle.iter().map(|x| f16::from_f32(*x)).collect()
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// The two texts that a case is grouped by: the customer's requests, and the agents' steps and statements. Without any
/// of the latter, both are the requests.
pub fn texts(made: &Distilled) -> [String; 2] {
    let some = |texts: Vec<&str>| texts.into_iter().take(6).collect::<Vec<_>>().join("\n");
    let mut question: Vec<&str> = vec![&made.question];
    question.extend(
        made.requests
            .iter()
            .map(|e| e.text.as_str())
            .filter(|text| *text != made.question)
            .take(2),
    );
    let mut answer: Vec<&str> = made.steps.iter().map(|e| e.text.as_str()).collect();
    answer.extend(made.resolution.iter().map(|e| e.text.as_str()));
    if answer.is_empty() {
        answer.clone_from(&question);
    }
    [some(question), some(answer)]
}

/// The weight of the customer's requests in the similarity of two cases; the agents' sentences have the rest. Customers
/// vary their wording of the same thing more than agents do. Best F1 of "same subject" over pairs of cases of
/// corpus/month: .84 with equal weights, .85 with this one, .91 with this one and common figures.
const ASKED: f32 = 0.4;
/// The bonus if all figures of the group or case with fewer figures occur in the other.
const SAME_FIGURES: f32 = 0.06;

/// Concatenates two unit vectors into one unit vector, weighted so that dot products weigh requests by `ASKED`.
pub fn joined(question: &[f32], answer: &[f32]) -> Vec<f32> {
    let (a, b) = (ASKED.sqrt(), (1.0 - ASKED).sqrt());
    question
        .iter()
        .map(|x| x * a)
        .chain(answer.iter().map(|x| x * b))
        .collect()
}

/// The figures in a case's resolution.
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

/// The bonus for common figures, in [0, `SAME_FIGURES`]. A single common figure out of several may be chance and counts
/// half.
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
