//! A follow-up made to stand alone: the names that were said carry over, and what was said last where nothing was named.

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Name, Names, tokens};
use crate::domain::{DocumentId, Evidence, Role, Utterance};
use crate::text::{is_cjk, width};

// Read off CrossWOZ and DSTC10 (docs/quality.md); each may be halved or doubled for less than 3 points.
/// How many utterances back names are looked for.
const LOOK_BACK: usize = 12;
/// What a name loses with each utterance further back.
const DECAY: f32 = 0.8;
/// What a name gains where the question says what kind of thing it is.
const FIT: f32 = 2.0;
/// How many names lift their documents.
const MAX_NAMES: usize = 3;
/// How much of the fused score a named document is lifted by.
const LIFT: f32 = 0.05;
/// How many utterances go along where nothing was named; the whole history does harm (R@1 .30 against .59).
const CONTEXT: usize = 3;
/// Up to this width (Han 2, others 1) what was answered goes along. A longer answer, as of quoted passages, would be found
/// again: of 28 follow-ups to answers of our own on the sample shop 7 were answered right with them.
const BRIEF: usize = 60;
/// Up to this width (Han 2, others 1) a question in a conversation counts as a follow-up.
const SHORT: usize = 24;
/// Up to this one it does not even say what about: the user's last words go along.
const TERSE: usize = 16;
/// How many hits are looked at where documents are lifted.
pub const LIFTED_AMONG: usize = 100;

/// The documents that a follow-up is about, each with how far it is meant, in [0, 1].
pub type Lifts = BTreeMap<DocumentId, f32>;

/// What to search for in place of a question, and what it is about. Without a history, or where it names something
/// itself, the question as it is.
pub fn standalone(question: &str, history: &[Utterance], names: &Names) -> (String, Lifts) {
    let question = question.trim();
    let as_it_is = (question.to_owned(), Lifts::new());
    if history.is_empty() {
        return as_it_is;
    }
    let of_question = tokens(question);
    let last_asked = history.iter().rev().find(|said| said.role == Role::User);
    let said: BTreeSet<Name> = names
        .said(&of_question)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    if !said.is_empty() {
        // `那 X 呢`: what was asked before, of X.
        let is_all = names
            .without(question)
            .iter()
            .all(|token| says_nothing(token));
        return match last_asked.filter(|_| is_all) {
            Some(asked) => {
                let before = joined(&names.without(&asked.text));
                (
                    format!("{before}\n{question}"),
                    lifts(names, said.iter().map(|name| (1.0, name))),
                )
            }
            None => as_it_is,
        };
    }
    let ranked = salient(names, &of_question, history);
    let is_about = ranked
        .iter()
        .any(|(_, name)| names.fits(name, &of_question));
    match ranked.first() {
        Some((most, name)) if is_about || points_back(question, true) => {
            let mut lines: Vec<&str> = names.written(name).into_iter().collect();
            lines.extend(
                last_asked
                    .filter(|_| width(question) <= TERSE)
                    .map(|said| said.text.trim()),
            );
            lines.push(question);
            let meant = ranked
                .iter()
                .take(MAX_NAMES)
                .map(|(weight, name)| (weight / most, name));
            (lines.join("\n"), lifts(names, meant))
        }
        None if points_back(question, false) => {
            let recent = &history[history.len().saturating_sub(CONTEXT)..];
            let goes_along =
                |said: &&Utterance| said.role == Role::User || width(&said.text) <= BRIEF;
            let recent = recent.iter().filter(goes_along);
            let mut lines: Vec<&str> = recent.map(|said| said.text.trim()).collect();
            lines.push(question);
            (lines.join("\n"), Lifts::new())
        }
        _ => as_it_is,
    }
}

/// Evidence with the scores of what the question is about lifted, best first.
pub fn lift(mut evidence: Vec<Evidence>, lifts: &Lifts) -> Vec<Evidence> {
    for e in &mut evidence {
        e.score += LIFT * lifts.get(&e.chunk.document_id).unwrap_or(&0.0);
    }
    // Stable: equals stay in their order.
    evidence.sort_by(|a, b| b.score.total_cmp(&a.score));
    evidence
}

fn lifts<'a>(names: &Names, meant: impl Iterator<Item = (f32, &'a Name)>) -> Lifts {
    let mut lifts = Lifts::new();
    for (weight, name) in meant {
        for (id, weight) in names.meant(name, weight) {
            let known = lifts.entry(id).or_insert(weight);
            *known = known.max(weight);
        }
    }
    lifts
}

/// The names that were said, the likeliest to be meant first: said lately, said alone, and of the kind that the question
/// asks about; ties go to the later.
fn salient(names: &Names, question: &[Box<str>], history: &[Utterance]) -> Vec<(f32, Name)> {
    let mut ranked: Vec<(f32, Name)> = Vec::new();
    for (back, utterance) in history.iter().rev().take(LOOK_BACK).enumerate() {
        let mut said: Vec<Name> = names
            .said(&tokens(&utterance.text))
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        // Where a title is said, as where it heads what is quoted, the first of its names is what it is about.
        said.dedup_by(|later, earlier| names.are_of_one_title(earlier, later));
        let different: BTreeSet<&Name> = said.iter().collect();
        // In a list no one of them is meant.
        let weight = DECAY.powi(back as i32) / different.len().max(1) as f32;
        for name in said.iter().rev() {
            match ranked.iter_mut().find(|(_, known)| known == name) {
                Some((known, _)) => *known = known.max(weight),
                None => ranked.push((weight, name.clone())),
            }
        }
    }
    for (weight, name) in &mut ranked {
        if names.fits(name, question) {
            *weight *= FIT;
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked
}

/// Up to this width a further question of one message leans on the one before it.
const TERSE_PART: usize = 11;

/// Whether a further question of one message leans on the one before it: it says next to nothing, or points back.
pub fn leans(question: &str) -> bool {
    const HAN: [&str; 8] = ["它", "那", "這", "这", "該", "该", "其", "佢"];
    const LATIN: [&str; 5] = ["it", "its", "that", "they", "them"];
    let lower = question.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    width(question) <= TERSE_PART
        || HAN.iter().any(|word| question.contains(word))
        || words.any(|word| LATIN.contains(&word))
}

/// Whether a question cannot stand alone: it is short or points back. Where a name is there to carry over, weaker words
/// count too.
fn points_back(question: &str, is_named: bool) -> bool {
    const HAN: [&str; 18] = [
        "它", "牠", "那", "這", "这", "该", "該", "其", "呢", "也", "還", "还", "上面", "剛", "刚",
        "嗰", "同樣", "佢",
    ];
    const HAN_OF_NAMED: [&str; 9] = [
        "附近", "周边", "周邊", "周圍", "周围", "旁邊", "旁边", "他", "她",
    ];
    const LATIN: [&str; 12] = [
        "it", "its", "that", "this", "they", "them", "those", "these", "there", "also", "same",
        "else",
    ];
    const LATIN_OF_NAMED: [&str; 9] = [
        "he", "she", "here", "nearby", "one", "ones", "both", "other", "another",
    ];
    let lower = question.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    width(question) <= SHORT
        || HAN.iter().any(|word| question.contains(word))
        || (is_named && HAN_OF_NAMED.iter().any(|word| question.contains(word)))
        || words.any(|word| LATIN.contains(&word) || (is_named && LATIN_OF_NAMED.contains(&word)))
}

/// What a question may say besides a name and still ask no more than `那 X 呢`.
fn says_nothing(token: &str) -> bool {
    const HAN: &str = "那呢如果是换成的话吗怎么样也一行可以好请问又还有嗯哦同点咁";
    const LATIN: [&str; 26] = [
        "and", "what", "how", "about", "then", "is", "it", "for", "the", "with", "if", "a", "an",
        "ok", "so", "or", "same", "in", "at", "doe", "does", "that", "uh", "um", "umm", "instead",
    ];
    LATIN.contains(&token) || token.chars().all(|c| HAN.contains(c))
}

fn joined(tokens: &[Box<str>]) -> String {
    let is_han = tokens
        .first()
        .and_then(|token| token.chars().next())
        .is_some_and(is_cjk);
    tokens.join(if is_han { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(role: Role, text: &str) -> Utterance {
        Utterance {
            role,
            text: text.into(),
        }
    }

    fn names() -> Names {
        let titles = [
            ("h1", "酒店：北京飯店"),
            ("h2", "酒店：和平賓館"),
            ("h3", "酒店：長城飯店"),
            ("h4", "酒店：國際飯店"),
            ("s1", "景點：故宮"),
            ("f1", "怎麼退貨？"),
            ("e1", "Harbor Court Hotel: parking"),
        ];
        Names::of(titles.map(|(id, title)| (DocumentId::parse(id).unwrap(), title.to_owned())))
    }

    fn check(history: &[Utterance], question: &str, expected: &str, about: &[&str]) {
        let (text, lifts) = standalone(question, history, &names());
        assert_eq!(text, expected, "{question}");
        let lifts: Vec<&str> = lifts.keys().map(DocumentId::as_str).collect();
        assert_eq!(lifts, about, "{question}");
    }

    #[test]
    fn the_name_said_last_carries_over() {
        let history = [
            said(Role::User, "故宮門票多少錢"),
            said(Role::Agent, "60 元。"),
            said(Role::User, "附近有酒店嗎？"),
            said(Role::Agent, "可以住北京飯店。"),
        ];
        check(
            &history,
            "那裡有早餐服務和健身房這些設施可以用嗎",
            "北京飯店\n那裡有早餐服務和健身房這些設施可以用嗎",
            &["h1", "s1"],
        );
        check(
            &history,
            "電話多少？",
            "北京飯店\n附近有酒店嗎？\n電話多少？",
            &["h1", "s1"],
        );
        check(
            &history,
            "那和平賓館呢？",
            "附近有酒店吗\n那和平賓館呢？",
            &["h2"],
        );
        check(
            &history,
            "和平賓館的電話是多少",
            "和平賓館的電話是多少",
            &[],
        );
        check(&[], "電話多少？", "電話多少？", &[]);
        let spoken = [said(Role::User, "i want to stay at harbor courts hotel")];
        check(
            &spoken,
            "can i park there",
            "Harbor Court Hotel\ni want to stay at harbor courts hotel\ncan i park there",
            &["e1"],
        );
    }

    #[test]
    fn without_a_name_the_last_words_go_along() {
        let history = [
            said(Role::User, "你好"),
            said(Role::User, "耳機可以退嗎"),
            said(Role::Agent, "七天內可以。"),
        ];
        check(
            &history,
            "那運費呢？",
            "你好\n耳機可以退嗎\n七天內可以。\n那運費呢？",
            &[],
        );
        let titled = [
            said(Role::User, "hotel with parking?"),
            said(
                Role::Agent,
                "Harbor Court Hotel: parking\nThere is a garage.",
            ),
        ];
        let (text, _) = standalone("how much is it", &titled, &names());
        assert!(text.starts_with("Harbor Court Hotel\n"), "{text}");
        let quoted = "網上購買的商品拆封查看後，簽收次日起七天內仍可退貨，配件和贈品要齊全。但入耳式耳機拆封後不退。";
        let history = [said(Role::User, "耳機可以退嗎"), said(Role::Agent, quoted)];
        check(&history, "那運費呢？", "耳機可以退嗎\n那運費呢？", &[]);
        let alone = "請問超過保固期限之後送修掃地機器人，檢測費用怎麼收？";
        check(&history, alone, alone, &[]);
    }
}
