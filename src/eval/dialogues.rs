//! Measures distillation, grouping and drafts on resolved dialogues: `ken eval` on a folder with `dialogues.jsonl`.
//!
//! Each dialogue is submitted as a case through the production code, in the order of the file, with its turns only.
//! Then the drafts are read. The measures:
//!
//! - **Grouping**, over dialogues of one gold task: *purity* (the share of dialogues whose task is the most common one
//!   of their draft) and *NMI* (mutual information of drafts and tasks over the mean of their entropies). A dialogue
//!   that joined no draft counts as its own group.
//! - **Solved**, over dialogues whose record states the outcome (`is_solved`): the share where the outcome inferred
//!   from the transcript agrees; `resolved` and `workaround` are solved. Once with the system's turns and once without
//!   them.
//! - **Steps**: the share of the task graph's questions that an agent asked in the dialogue (by the gold action of the
//!   turn) and that occur among the distilled case's steps. Also the share of all questions of the graph that occur
//!   among the steps of the draft that most of the task's dialogues joined. A question occurs if a step has the share
//!   `SAME_STEP` of the gold wording's words, without blanks.
//! - **Leaks**: values of the record (`final_item`; not its status fields) that occur in the draft of the dialogue or
//!   in its distilled case, as whole words, ignoring case.
//! - **Slots**: the share of the goal's slots that the draft of the dialogue or its distilled case names, by the slot's
//!   name or by one of its `SLOT_WORDS`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EvalError, Evaluation};
use ken_base::domain::{
    Case, CaseOutcome, CaseRole, CaseTurn, Distilled, Draft, Excerpt, WorkspaceId,
};
use ken_learn::cases::distill;
use ken_text::text::{fold, sha256_hex, terms};

/// The measures of a set of dialogues. Shares are in [0, 1]; `None` if the set has no gold data for one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DialogueReport {
    /// The set's name.
    pub dataset: String,
    /// The number of dialogues.
    pub n_dialogues: usize,
    /// The number of groups.
    pub n_drafts: usize,
    /// Purity of the groups.
    pub purity: Option<f64>,
    /// Normalized mutual information of groups and tasks.
    pub nmi: Option<f64>,
    /// Accuracy of the outcome with the system's turns.
    pub solved_accuracy: Option<f64>,
    /// Accuracy of the outcome without the system's turns.
    pub solved_accuracy_without_system: Option<f64>,
    /// The number of dialogues with a recorded outcome.
    pub n_solved_judged: usize,
    /// Share of asked questions among the distilled case's steps.
    pub steps_found: Option<f64>,
    /// Share of the graph's questions among the main draft's steps.
    pub procedure_found: Option<f64>,
    /// The number of values in the records.
    pub n_values: usize,
    /// The number of these that occur in a distilled case or a draft.
    pub n_leaked: usize,
    /// Share of the goals' slots that are named.
    pub slots_named: Option<f64>,
    /// The number of the goals' slots.
    pub n_slots: usize,
}

#[derive(Deserialize)]
struct Dialogue {
    id: String,
    turns: Vec<DialogueTurn>,
    #[serde(default)]
    tasks: Vec<String>,
    #[serde(default)]
    multi_task: bool,
    #[serde(default)]
    outcome_action: Option<String>,
    #[serde(default)]
    final_item: Value,
    /// The goal's slots.
    #[serde(default)]
    outcome: Vec<Slot>,
}

#[derive(Deserialize)]
struct DialogueTurn {
    role: CaseRole,
    text: String,
    /// The gold action.
    #[serde(default)]
    action: Option<String>,
}

#[derive(Deserialize)]
struct Slot {
    slot: String,
}

/// The least share of the gold wording's words that an equal step has.
const SAME_STEP: f64 = 0.5;

/// Words by which people refer to a slot without its name. Chosen from the names of CrossWOZ's slots, not from its
/// dialogues.
const SLOT_WORDS: &[(&str, &[&str])] = &[
    (
        "名称",
        &[
            "推荐",
            "哪个",
            "哪家",
            "哪里",
            "哪儿",
            "叫什么",
            "名字",
            "找个",
            "找一",
            "一家",
            "一个",
            "有没有",
            "有什么",
        ],
    ),
    (
        "酒店类型",
        &[
            "型酒店",
            "型的酒店",
            "经济型",
            "舒适型",
            "高档型",
            "豪华型",
            "类型",
        ],
    ),
    ("推荐菜", &["菜", "吃", "美食"]),
    ("游玩时间", &["玩多久", "多长时间", "多久", "小时", "时间"]),
    ("周边景点", &["周边", "附近", "周围", "旁边"]),
    ("周边餐馆", &["周边", "附近", "周围", "旁边"]),
    ("周边酒店", &["周边", "附近", "周围", "旁边"]),
    ("出发地", &["从", "出发"]),
    ("目的地", &["到", "去"]),
    ("车型", &["出租车", "打车", "车"]),
    ("车牌", &["车牌"]),
    ("出发地附近地铁站", &["地铁"]),
    ("目的地附近地铁站", &["地铁"]),
    ("门票", &["票", "免费"]),
    ("人均消费", &["人均", "消费"]),
    ("评分", &["评分", "分"]),
    ("电话", &["电话", "号码", "联系方式"]),
    ("地址", &["地址", "在哪", "位置"]),
    ("价格", &["价格", "价位", "多少钱", "元"]),
    ("营业时间", &["营业", "几点", "开门"]),
];

/// The folders with dialogues: the folder itself, or its subfolders by name.
pub fn find(path: &Path) -> Vec<PathBuf> {
    let is_set =
        |p: &Path| p.join("dialogues.jsonl").is_file() && !p.join("corpus.jsonl").is_file();
    if is_set(path) {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut sets: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| is_set(p)).collect();
    sets.sort();
    sets
}

/// Whether a dialogue was solved, by its record: by the agent's last gold action if that states it, else by the
/// system's last note. `None` if neither does.
fn is_solved(dialogue: &Dialogue) -> Option<bool> {
    static DONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?i)success|succeeded|submitted|confirmed|booked|scheduled|flight_details|confirm_booking|driver_details",
        )
    });
    static NOT_DONE: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"(?i)unavailable|failed|cannot|nothing_found|conflict|must provide")
    });
    let judge = |text: &str| match (NOT_DONE.is_match(text), DONE.is_match(text)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    };
    let noted = ["Message", "Confirmation", "ReservationStatus"]
        .iter()
        .find_map(|key| dialogue.final_item[key].as_str());
    let found = dialogue.final_item.get("id").map(|_| true);
    let action = dialogue.outcome_action.as_deref();
    action.and_then(judge).or(noted.and_then(judge)).or(found)
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

fn case_of(dialogue: &Dialogue, with_system: bool) -> Case {
    let turns = dialogue
        .turns
        .iter()
        .filter(|turn| with_system || turn.role != CaseRole::System);
    let turns = turns.map(|turn| CaseTurn {
        role: turn.role,
        text: turn.text.clone(),
        at: None,
    });
    Case::new(&dialogue.id, turns.collect())
}

impl Evaluation {
    /// Submits the dialogues of a folder as cases and measures the result. `per_case` receives one line of JSON per
    /// case.
    pub async fn dialogues(
        &self,
        path: &Path,
        mut per_case: impl FnMut(&Value),
    ) -> Result<DialogueReport, EvalError> {
        let wrong = |detail: String| EvalError::File {
            path: path.to_owned(),
            detail,
        };
        let text = std::fs::read_to_string(path.join("dialogues.jsonl"))
            .map_err(|e| wrong(e.to_string()))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let dialogues: Vec<Dialogue> = lines
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(|e| wrong(e.to_string()))?;
        let name = path
            .canonicalize()
            .ok()
            .and_then(|p| Some(p.file_name()?.to_string_lossy().into_owned()));
        let name = name.unwrap_or_default();
        // A new workspace, since grouping depends on the order of arrival.
        let stamp = sha256_hex([uuid::Uuid::new_v4().as_bytes()]);
        let workspace =
            WorkspaceId::parse(&format!("dialogues-{}", &stamp[..12])).expect("it is plain");
        let cases: Vec<Case> = dialogues.iter().map(|d| case_of(d, true)).collect();
        let failed = |e: ken_learn::cases::CaseError| wrong(e.to_string());
        if let Err(faults) = self
            .app
            .cases
            .submit(&workspace, cases)
            .await
            .map_err(failed)?
        {
            return Err(wrong(format!(
                "dialogue {}: {}",
                faults[0].0, faults[0].1.detail
            )));
        }
        self.app
            .cases
            .distill_all(&workspace)
            .await
            .map_err(failed)?;
        let (mut made, mut joined) = (HashMap::new(), HashMap::new());
        let mut drafts: HashMap<String, Draft> = HashMap::new();
        for dialogue in &dialogues {
            let Some(stored) = self.app.store.case(&workspace, &dialogue.id).await? else {
                continue;
            };
            if let Some(draft) = &stored.draft_id
                && !drafts.contains_key(draft)
                && let Some(read) = self.app.store.draft(&workspace, draft).await?
            {
                drafts.insert(draft.clone(), read);
            }
            let group = stored
                .draft_id
                .clone()
                .unwrap_or_else(|| dialogue.id.clone());
            joined.insert(dialogue.id.clone(), group);
            if let Some(distilled) = stored.distilled {
                made.insert(dialogue.id.clone(), distilled);
            }
        }
        let tally = DialogueTally {
            path,
            dialogues: &dialogues,
            made: &made,
            joined: &joined,
            drafts: &drafts,
        };
        for dialogue in &dialogues {
            per_case(&serde_json::json!({
                "id": dialogue.id, "task": dialogue.tasks, "draft": joined.get(&dialogue.id),
                "solved": is_solved(dialogue), "distilled": made.get(&dialogue.id), "leaks": tally.leaks(dialogue).1,
            }));
        }
        Ok(tally.report(name))
    }
}

struct DialogueTally<'a> {
    path: &'a Path,
    dialogues: &'a [Dialogue],
    made: &'a HashMap<String, Distilled>,
    joined: &'a HashMap<String, String>,
    drafts: &'a HashMap<String, Draft>,
}

impl DialogueTally<'_> {
    fn report(&self, dataset: String) -> DialogueReport {
        let single: Vec<&Dialogue> = self
            .dialogues
            .iter()
            .filter(|d| !d.multi_task && d.tasks.len() == 1)
            .collect();
        let pairs: Vec<(&str, &str)> = single
            .iter()
            .filter_map(|d| Some((self.joined.get(&d.id)?.as_str(), d.tasks[0].as_str())))
            .collect();
        let (n_values, leaked) = self
            .dialogues
            .iter()
            .map(|d| self.leaks(d))
            .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1.len()));
        let (slots, named) = self
            .dialogues
            .iter()
            .map(|d| self.slots(d))
            .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        let judged: Vec<(&Dialogue, bool)> = self
            .dialogues
            .iter()
            .filter_map(|d| Some((d, is_solved(d)?)))
            .collect();
        let accuracy = |outcome: &dyn Fn(&Dialogue) -> Option<CaseOutcome>| {
            let right = judged.iter().filter(|(d, solved)| {
                outcome(d).is_some_and(|outcome| (outcome != CaseOutcome::Unresolved) == *solved)
            });
            share(right.count(), judged.len())
        };
        let procedures = self.procedures(&single);
        DialogueReport {
            dataset,
            n_dialogues: self.dialogues.len(),
            n_drafts: self.joined.values().collect::<HashSet<_>>().len(),
            purity: (!pairs.is_empty()).then(|| purity(&pairs)),
            nmi: (!pairs.is_empty()).then(|| nmi(&pairs)),
            solved_accuracy: accuracy(&|d| Some(self.made.get(&d.id)?.outcome)),
            solved_accuracy_without_system: accuracy(&|d| {
                Some(distill(&case_of(d, false)).outcome)
            }),
            n_solved_judged: judged.len(),
            steps_found: self.steps_found(&single, &procedures),
            procedure_found: self.procedure_found(&single, &procedures),
            n_values,
            n_leaked: leaked,
            slots_named: share(named, slots),
            n_slots: slots,
        }
    }

    /// Each task's questions in its graph, by action.
    fn procedures(&self, single: &[&Dialogue]) -> BTreeMap<String, BTreeMap<String, String>> {
        let tasks: BTreeSet<&str> = single.iter().map(|d| d.tasks[0].as_str()).collect();
        let mut procedures = BTreeMap::new();
        for task in tasks {
            let file = self
                .path
                .join("tasks")
                .join(task)
                .join(format!("{task}.json"));
            let graph: Option<Value> = std::fs::read(file)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let Some(replies) = graph
                .as_ref()
                .and_then(|graph| graph["replies"].as_object())
            else {
                continue;
            };
            let asks = |(action, _): &(&String, &Value)| {
                action.contains("ask") && !action.starts_with("anything")
            };
            let questions = replies.iter().filter(asks);
            let questions = questions.map(|(action, text)| {
                (action.clone(), text.as_str().unwrap_or_default().to_owned())
            });
            procedures.insert(task.to_owned(), questions.collect());
        }
        procedures
    }

    fn steps_found(
        &self,
        single: &[&Dialogue],
        procedures: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Option<f64> {
        let (mut found, mut all) = (0, 0);
        for dialogue in single {
            let Some(questions) = procedures.get(&dialogue.tasks[0]) else {
                continue;
            };
            let asked: BTreeSet<&str> = dialogue
                .turns
                .iter()
                .filter_map(|turn| turn.action.as_deref())
                .collect();
            let steps: Vec<&str> = match self.made.get(&dialogue.id) {
                Some(made) => made.steps.iter().map(|e| e.text.as_str()).collect(),
                None => Vec::new(),
            };
            for action in asked {
                let Some(wording) = questions.get(action) else {
                    continue;
                };
                all += 1;
                found += usize::from(steps.iter().any(|step| is_step(step, wording)));
            }
        }
        share(found, all)
    }

    fn procedure_found(
        &self,
        single: &[&Dialogue],
        procedures: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Option<f64> {
        let (mut found, mut all) = (0, 0);
        for (task, questions) in procedures {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for dialogue in single.iter().filter(|d| d.tasks[0] == *task) {
                if let Some(draft) = self.joined.get(&dialogue.id) {
                    *counts.entry(draft).or_default() += 1;
                }
            }
            let most = counts
                .into_iter()
                .max_by_key(|(_, n)| *n)
                .and_then(|(id, _)| self.drafts.get(id));
            for wording in questions.values() {
                all += 1;
                found +=
                    usize::from(most.is_some_and(|draft| {
                        draft.steps.iter().any(|step| is_step(step, wording))
                    }));
            }
        }
        share(found, all)
    }

    /// All texts of a case that other people may see.
    fn shown(&self, dialogue: &Dialogue) -> Vec<&str> {
        let mut shown = Vec::new();
        if let Some(made) = self.made.get(&dialogue.id) {
            shown.push(made.question.as_str());
            let lists: [&Vec<Excerpt>; 4] = [
                &made.requests,
                &made.conditions,
                &made.steps,
                &made.resolution,
            ];
            shown.extend(lists.into_iter().flatten().map(|e| e.text.as_str()));
        }
        if let Some(draft) = self
            .joined
            .get(&dialogue.id)
            .and_then(|id| self.drafts.get(id))
        {
            shown.extend([draft.question.as_str(), draft.answer.as_str()]);
            shown.extend(
                draft
                    .variants
                    .iter()
                    .chain(&draft.conditions)
                    .chain(&draft.steps)
                    .map(String::as_str),
            );
        }
        shown
    }

    /// The number of values in the record, and those that occur in shown texts.
    fn leaks(&self, dialogue: &Dialogue) -> (usize, Vec<String>) {
        let Some(record) = dialogue.final_item.as_object() else {
            return (0, Vec::new());
        };
        let status = ["APIName", "Message", "Confirmation", "ReservationStatus"];
        let values: Vec<String> = record
            .iter()
            .filter(|(name, _)| !status.contains(&name.as_str()))
            .filter_map(|(_, value)| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .filter(|value| !value.trim().is_empty())
            .collect();
        let shown = self.shown(dialogue);
        let is_shown = |value: &&String| {
            let pattern = format!(r"(?i)(?:^|[^\w\[]){}(?:$|[^\w\]])", regex::escape(value));
            Regex::new(&pattern).is_ok_and(|whole| shown.iter().any(|text| whole.is_match(text)))
        };
        (
            values.len(),
            values.iter().filter(is_shown).cloned().collect(),
        )
    }

    /// The number of different slots of the goal, and of those named.
    fn slots(&self, dialogue: &Dialogue) -> (usize, usize) {
        let slots: BTreeSet<&str> = dialogue
            .outcome
            .iter()
            .map(|slot| slot.slot.as_str())
            .collect();
        let shown = fold(&self.shown(dialogue).join("\n"));
        let is_named = |slot: &&&str| {
            let words = SLOT_WORDS
                .iter()
                .find(|(name, _)| name == *slot)
                .map_or(&[][..], |(_, words)| *words);
            shown.contains(&fold(slot)) || words.iter().any(|word| shown.contains(word))
        };
        (slots.len(), slots.iter().filter(is_named).count())
    }
}

fn share(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

/// Whether a step matches the gold wording without its blanks (`{hotel_name:s}`).
fn is_step(step: &str, wording: &str) -> bool {
    static BLANK: LazyLock<Regex> = LazyLock::new(|| regex(r"\{[^}]*\}"));
    let words = |text: &str| -> BTreeSet<String> { terms(text).into_iter().collect() };
    let expected = words(&BLANK.replace_all(wording, " "));
    let found = words(step);
    expected.intersection(&found).count() as f64 >= SAME_STEP * expected.len() as f64
}

/// The share of items that have their group's most common class.
fn purity(pairs: &[(&str, &str)]) -> f64 {
    let mut groups: HashMap<&str, HashMap<&str, usize>> = HashMap::new();
    for (group, class) in pairs {
        *groups.entry(group).or_default().entry(class).or_default() += 1;
    }
    let right: usize = groups
        .values()
        .filter_map(|classes| classes.values().max())
        .sum();
    right as f64 / pairs.len() as f64
}

/// 2·I(groups; classes) / (H(groups) + H(classes)), in [0, 1].
fn nmi(pairs: &[(&str, &str)]) -> f64 {
    let n = pairs.len() as f64;
    let count = |key: &dyn Fn(&(&str, &str)) -> String| -> HashMap<String, f64> {
        let mut counts = HashMap::new();
        for pair in pairs {
            *counts.entry(key(pair)).or_insert(0.0) += 1.0;
        }
        counts
    };
    let entropy = |counts: &HashMap<String, f64>| -> f64 {
        counts.values().map(|c| -(c / n) * (c / n).ln()).sum()
    };
    let (groups, classes) = (count(&|p| p.0.to_owned()), count(&|p| p.1.to_owned()));
    let both = count(&|p| format!("{}\u{0}{}", p.0, p.1));
    let (of_groups, of_classes) = (entropy(&groups), entropy(&classes));
    let shared = of_groups + of_classes - entropy(&both);
    match of_groups + of_classes {
        0.0 => 1.0,
        sum => 2.0 * shared / sum,
    }
}

/// The reports as a Markdown table.
pub fn table(reports: &[DialogueReport]) -> String {
    let mut lines = vec![
        "| dialogues | n | drafts | purity | NMI | solved | solved, without system turns | steps | procedure | leaked | slots |".to_owned(),
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|".to_owned(),
    ];
    let percent = |value: Option<f64>| {
        value.map_or("–".to_owned(), |value| format!("{:.1}", 100.0 * value))
    };
    lines.extend(reports.iter().map(|r| {
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} / {} | {} |",
            r.dataset,
            r.n_dialogues,
            r.n_drafts,
            percent(r.purity),
            percent(r.nmi),
            percent(r.solved_accuracy),
            percent(r.solved_accuracy_without_system),
            percent(r.steps_found),
            percent(r.procedure_found),
            r.n_leaked,
            r.n_values,
            percent(r.slots_named)
        )
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purity_and_nmi_match_hand_calculation() {
        let right = [("1", "a"), ("1", "a"), ("2", "b"), ("2", "b")];
        assert_eq!((purity(&right), nmi(&right)), (1.0, 1.0));
        // H(groups) = H(classes) = ln 2, I = 0.
        let none = [("1", "a"), ("1", "b"), ("2", "a"), ("2", "b")];
        assert!((purity(&none) - 0.5).abs() < 1e-12 && nmi(&none).abs() < 1e-12);
        // One item per group: H(groups) = ln 4, H(classes) = ln 2, I = ln 2: 2·ln 2 / (3·ln 2).
        let alone = [("1", "a"), ("2", "a"), ("3", "b"), ("4", "b")];
        assert!((nmi(&alone) - 2.0 / 3.0).abs() < 1e-12 && purity(&alone) == 1.0);
    }

    #[test]
    fn dialogue_step_is_matched_by_most_words() {
        assert!(is_step(
            "May I have your name please?",
            "Could I have your name, please?"
        ));
        assert!(!is_step(
            "When are you arriving?",
            "Could I have your name, please?"
        ));
        assert!(is_step(
            "Can I book [hotel_name] for you?",
            "Alright, can I book the {hotel_name:s} for you?"
        ));
    }
}
