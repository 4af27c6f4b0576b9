//! Rewrites a follow-up so that it can be searched for on its own. Names from the conversation carry over; without any
//! name, the last messages do.

use std::collections::{BTreeMap, BTreeSet};

use std::ops::Range;

use super::gazetteer::{Gazetteer, Name, tokens};
use super::split::asks;
use crate::answer::near_misses::is_grammar;
use ken_base::domain::{DocumentId, Evidence, Role, Span, Utterance};
use ken_text::text::{fold, is_cjk, is_function_word, terms, width};

// Read off CrossWOZ and DSTC10 (docs/measured/quality.md); halving or doubling any of them costs less than 3 points.
/// How many utterances back names are looked for.
const LOOK_BACK: usize = 12;
/// The factor on a name's weight for each utterance further back.
const DECAY: f32 = 0.8;
/// The factor for a name of the kind that the question mentions.
const FIT: f32 = 2.0;
/// How many names raise their documents.
const MAX_NAMES: usize = 3;
/// The most that a named document's fused score is raised by.
const BOOST: f32 = 0.05;
/// How many utterances are added if there is no name. The whole history does harm (R@1 .30 against .59).
const CONTEXT: usize = 3;
/// Up to this width (Han 2, others 1) an answer is added too. A search would find a longer one, such as quoted
/// passages, again: with long answers 7 of 28 follow-ups were answered correctly on the sample shop.
const BRIEF: usize = 60;
/// Up to this width (Han 2, others 1) a question in a conversation counts as a follow-up.
const SHORT: usize = 24;
/// Up to this width it does not even name its subject, so the user's last words are added.
const TERSE: usize = 16;
/// How many hits are considered when documents are raised.
pub const BOOSTED_AMONG: usize = 100;

/// The documents that a follow-up is about, each with its weight in [0, 1].
pub type DocumentBoosts = BTreeMap<DocumentId, f32>;

/// Returns what to search for instead of a question, and the documents it is about. A question without a history, or
/// one that names something itself, is unchanged.
pub fn standalone(
    question: &str,
    history: &[Utterance],
    names: &Gazetteer,
) -> (String, DocumentBoosts) {
    let question = question.trim();
    let as_it_is = (question.to_owned(), DocumentBoosts::new());
    if history.is_empty() {
        return as_it_is;
    }
    let history = &resolved(history);
    let of_question = tokens(question);
    let last_asked = history
        .iter()
        .rev()
        .find(|utterance| utterance.role == Role::User);
    let mentioned: BTreeSet<Name> = names
        .mentions(&of_question)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    if !mentioned.is_empty() {
        // `那 X 呢`: the previous question, about X.
        let is_all = names.without(question).iter().all(|token| is_filler(token));
        let named = || boosts(names, mentioned.iter().map(|name| (1.0, name)));
        return match last_asked.filter(|_| is_all) {
            Some(asked) if let Some(text) = substituted(question, &asked.text) => (text, named()),
            Some(asked) => {
                let before = joined(&names.without(&asked.text));
                (format!("{before}\n{question}"), named())
            }
            None => as_it_is,
        };
    }
    if let Some(text) = last_asked.and_then(|asked| substituted(question, &asked.text)) {
        return (text, DocumentBoosts::new());
    }
    let ranked = salient(names, &of_question, history);
    let is_about = ranked
        .iter()
        .any(|(_, name)| names.fits(name, &of_question));
    match ranked.first() {
        Some((most, name)) if is_about || is_anaphoric(question, true) => {
            let mut lines: Vec<&str> = names.as_in_title(name).into_iter().collect();
            lines.extend(
                last_asked
                    .filter(|_| width(question) <= TERSE)
                    .map(|utterance| utterance.text.trim()),
            );
            lines.push(question);
            let weighted = ranked
                .iter()
                .take(MAX_NAMES)
                .map(|(weight, name)| (weight / most, name));
            (lines.join("\n"), boosts(names, weighted))
        }
        None if is_anaphoric(question, false) => {
            let recent = &history[history.len().saturating_sub(CONTEXT)..];
            let is_included = |utterance: &&Utterance| {
                utterance.role == Role::User || width(&utterance.text) <= BRIEF
            };
            let recent = recent.iter().filter(is_included);
            let mut lines: Vec<&str> = recent.map(|utterance| utterance.text.trim()).collect();
            lines.push(question);
            (lines.join("\n"), DocumentBoosts::new())
        }
        _ => as_it_is,
    }
}

/// Returns the history with each `那 X 呢` replaced by the question that it abbreviates.
fn resolved(history: &[Utterance]) -> Vec<Utterance> {
    let mut asked: Option<String> = None;
    let mut resolved = history.to_vec();
    for utterance in resolved
        .iter_mut()
        .filter(|utterance| utterance.role == Role::User)
    {
        if let Some(text) = asked.and_then(|before| substituted(&utterance.text, &before)) {
            utterance.text = text;
        }
        asked = Some(utterance.text.trim().to_owned());
    }
    resolved
}

/// Applies `那 X 呢 / and X?` to the previous question about another thing of the same kind: returns that question, about
/// X. `None` if the question has nothing of X's kind, or its place is unclear.
fn substituted(question: &str, before: &str) -> Option<String> {
    let thing = compared_thing(question)?;
    let (new, old) = (words(thing), words(before));
    let keys = |words: &[(Span, String)]| -> Vec<String> {
        words.iter().map(|(_, key)| key.clone()).collect()
    };
    let (x, asked) = (keys(&new), keys(&old));
    if x.is_empty() || asked.windows(x.len()).any(|window| window == x) {
        return None;
    }
    let at = place_of_code(&x, &asked)
        .or_else(|| place_by_head(&x, &asked))
        .or_else(|| place_of_name(thing, before, &old))?;
    let (from, to) = (old[at.start].0.start, old[at.end - 1].0.end);
    Some(format!(
        "{}{thing}{}",
        before[..from].trim_start(),
        before[to..].trim_end()
    ))
}

/// Finds the place of a code with a letter or digit at its end: a word of the same pattern (`S1` and `S2`, `2025` and
/// `2026`), with the words before it that both share.
fn place_of_code(x: &[String], asked: &[String]) -> Option<Range<usize>> {
    let make = |word: &str| -> String {
        let class = |c: char| if c.is_ascii_digit() { '0' } else { c };
        word.chars().map(class).collect()
    };
    let has_digit = |word: &String| word.bytes().any(|b| b.is_ascii_digit());
    let code = x.iter().position(has_digit)?;
    let mut alike = asked
        .iter()
        .enumerate()
        .filter(|(_, word)| has_digit(word) && make(word) == make(&x[code]));
    let (at, _) = alike.next()?;
    if alike.next().is_some() {
        return None;
    }
    let same = |back: &usize| asked[at - back] == x[code - back];
    let before = (1..=code.min(at)).take_while(same).last().unwrap_or(0);
    let ahead = |on: &usize| asked[at + on] == x[code + on];
    let most = (x.len() - code - 1).min(asked.len() - at - 1);
    let after = (1..=most).take_while(ahead).last().unwrap_or(0);
    // The whole thing has its place, except for words before the code that only it has.
    (after == x.len() - code - 1).then_some(at - before..at + after + 1)
}

/// Finds the place of a thing by the head that both end with: `標準方案` and `企業方案`, `Business plan` and `Team plan`. The
/// part before the head must be equally long and start at a word boundary.
fn place_by_head(x: &[String], asked: &[String]) -> Option<Range<usize>> {
    let is_han = |word: &String| word.chars().all(is_cjk);
    let mut places = (1..=asked.len()).filter_map(|end| {
        let shared = x.iter().rev().zip(asked[..end].iter().rev());
        let head = shared.take_while(|(a, b)| a == b).count();
        let own = x.len() - head;
        let start = end.checked_sub(x.len())?;
        let begins = start == 0 || is_grammar(&asked[start - 1]) || !is_han(&asked[start]);
        let is_own = !asked[start..end - head].iter().any(|word| is_grammar(word));
        (head > 0 && own > 0 && begins && is_own).then_some(start..end)
    });
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

/// Finds the place of a capitalised name (`and Business?`): that of the only other one.
fn place_of_name(thing: &str, before: &str, words: &[(Span, String)]) -> Option<Range<usize>> {
    let is_name = |text: &str| text.starts_with(|c: char| c.is_uppercase());
    if !is_name(thing) || thing.contains(char::is_whitespace) {
        return None;
    }
    let written = |(span, _): &(Span, String)| span.slice(before).is_some_and(is_name);
    let mut names = (1..words.len()).filter(|i| written(&words[*i]));
    let at = names.next()?;
    names.next().is_none().then_some(at..at + 1)
}

/// Returns the X of `那 X 呢 / and X?`; `None` for other questions.
fn compared_thing(question: &str) -> Option<&str> {
    const BEFORE: [&str; 18] = [
        "那麼",
        "那么",
        "那",
        "換成",
        "换成",
        "如果是",
        "和",
        "同埋",
        "and what about ",
        "what about ",
        "how about ",
        "and for ",
        "and the ",
        "and ",
        "or ",
        "ok and ",
        "then ",
        "for ",
    ];
    const AFTER: [&str; 9] = [
        "的話呢",
        "的话呢",
        "又如何",
        "怎麼樣",
        "怎么样",
        "呢",
        " then",
        " instead",
        " too",
    ];
    /// The widest X (Han 2, others 1).
    const WIDEST: usize = 24;
    let is_mark = |c: char| {
        c.is_whitespace() || (c.is_ascii_punctuation() && c != '%') || "，。？！、；：".contains(c)
    };
    let whole = question.trim_matches(is_mark);
    let lower = whole.to_ascii_lowercase();
    let head = BEFORE
        .iter()
        .find(|words| lower.starts_with(**words))
        .map_or(0, |words| words.len());
    let tail = AFTER
        .iter()
        .find(|words| lower[head..].ends_with(**words))
        .map_or(0, |words| words.len());
    let thing = whole[head..whole.len() - tail].trim_matches(is_mark);
    let thing = thing.strip_prefix("the ").unwrap_or(thing);
    let is_thing = head + tail > 0
        && !thing.is_empty()
        && width(thing) <= WIDEST
        && !asks(thing)
        && !thing.contains(['，', ',', '。', '\n']);
    is_thing.then_some(thing)
}

/// Returns the words of a text, folded, with their spans. Each Han is a word.
fn words(text: &str) -> Vec<(Span, String)> {
    let mut words: Vec<(Span, String)> = Vec::new();
    let mut is_open = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let is_run = c.is_alphanumeric() && !is_cjk(c);
        match words.last_mut() {
            Some((span, key)) if is_run && is_open => {
                span.end = end;
                key.extend(c.to_lowercase());
            }
            _ if c.is_alphanumeric() => words.push((Span::new(at, end), fold(&c.to_string()))),
            _ => {}
        }
        is_open = is_run;
    }
    words
}

/// Raises the scores of the documents that the question is about. Returns the evidence best first.
pub fn boost(mut evidence: Vec<Evidence>, boosts: &DocumentBoosts) -> Vec<Evidence> {
    for e in &mut evidence {
        e.score += BOOST * boosts.get(&e.chunk.document_id).unwrap_or(&0.0);
    }
    // Stable: equals keep their order.
    evidence.sort_by(|a, b| b.score.total_cmp(&a.score));
    evidence
}

fn boosts<'a>(
    names: &Gazetteer,
    weighted: impl Iterator<Item = (f32, &'a Name)>,
) -> DocumentBoosts {
    let mut boosts = DocumentBoosts::new();
    for (weight, name) in weighted {
        for (id, weight) in names.documents_of(name, weight) {
            let known = boosts.entry(id).or_insert(weight);
            *known = known.max(weight);
        }
    }
    boosts
}

/// Returns the names in the history, the likeliest to be meant first: recent, alone in their message, and of the kind
/// that the question mentions. Ties go to the later one.
fn salient(names: &Gazetteer, question: &[Box<str>], history: &[Utterance]) -> Vec<(f32, Name)> {
    let mut ranked: Vec<(f32, Name)> = Vec::new();
    for (back, utterance) in history.iter().rev().take(LOOK_BACK).enumerate() {
        let mut mentioned: Vec<Name> = names
            .mentions(&tokens(&utterance.text))
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        // If a whole title occurs, for example above a quotation, its first name is the subject.
        mentioned.dedup_by(|later, earlier| names.share_title(earlier, later));
        let different: BTreeSet<&Name> = mentioned.iter().collect();
        // In a list, no single name is meant.
        let weight = DECAY.powi(back as i32) / different.len().max(1) as f32;
        for name in mentioned.iter().rev() {
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

/// Up to this width, punctuation excluded, a further question of a message depends on the one before it: `多久？`, `要錢嗎？`.
const TERSE_PART: usize = 6;

/// Returns whether a further question of a message depends on the one before it: it is very short, or points back.
pub fn depends_on_previous(question: &str) -> bool {
    const HAN: [&str; 8] = ["它", "那", "這", "这", "該", "该", "其", "佢"];
    const LATIN: [&str; 5] = ["it", "its", "that", "they", "them"];
    let lower = question.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    let letters: String = question.chars().filter(|c| c.is_alphanumeric()).collect();
    width(&letters) <= TERSE_PART
        || terms(question).iter().all(|term| is_function_word(term))
        || HAN.iter().any(|word| question.contains(word))
        || words.any(|word| LATIN.contains(&word))
}

/// Returns whether a question cannot stand alone: it is short or points back. If there is a name to carry over, weaker
/// words count too.
fn is_anaphoric(question: &str, is_named: bool) -> bool {
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

/// Returns whether a token may accompany a name without asking more than `那 X 呢`.
fn is_filler(token: &str) -> bool {
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

    fn mentioned(role: Role, text: &str) -> Utterance {
        Utterance {
            role,
            text: text.into(),
        }
    }

    fn names() -> Gazetteer {
        let titles = [
            ("h1", "酒店：北京飯店"),
            ("h2", "酒店：和平賓館"),
            ("h3", "酒店：長城飯店"),
            ("h4", "酒店：國際飯店"),
            ("s1", "景點：故宮"),
            ("f1", "怎麼退貨？"),
            ("e1", "Harbor Court Hotel: parking"),
        ];
        Gazetteer::of(titles.map(|(id, title)| (DocumentId::parse(id).unwrap(), title.to_owned())))
    }

    fn check(history: &[Utterance], question: &str, expected: &str, about: &[&str]) {
        let (text, boosts) = standalone(question, history, &names());
        assert_eq!(text, expected, "{question}");
        let boosts: Vec<&str> = boosts.keys().map(DocumentId::as_str).collect();
        assert_eq!(boosts, about, "{question}");
    }

    #[test]
    fn follow_up_inherits_last_mentioned_name() {
        let history = [
            mentioned(Role::User, "故宮門票多少錢"),
            mentioned(Role::Agent, "60 元。"),
            mentioned(Role::User, "附近有酒店嗎？"),
            mentioned(Role::Agent, "可以住北京飯店。"),
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
        let spoken = [mentioned(
            Role::User,
            "i want to stay at harbor courts hotel",
        )];
        check(
            &spoken,
            "can i park there",
            "Harbor Court Hotel\ni want to stay at harbor courts hotel\ncan i park there",
            &["e1"],
        );
    }

    #[test]
    fn follow_up_item_replaces_previous_item_in_question() {
        for (before, question, expected) in [
            ("山嵐 T1 多重", "那 T2 呢", Some("山嵐 T2 多重")),
            (
                "請問基本方案一個月多少錢",
                "那進階方案呢？",
                Some("請問進階方案一個月多少錢"),
            ),
            (
                "2023 年的停車費怎麼算",
                "那 2024 年呢",
                Some("2024 年的停車費怎麼算"),
            ),
            ("本島運費多少", "離島呢？", Some("離島運費多少")),
            (
                "How long does Enterprise keep the log?",
                "And Business?",
                Some("How long does Business keep the log?"),
            ),
            (
                "price of the Solo plan",
                "what about the Crew plan?",
                Some("price of the Crew plan"),
            ),
            // Another property, the same thing, an unclear place, an independent question.
            ("耳機可以退嗎", "那運費呢", None),
            ("山嵐 T1 多重", "那 T1 呢", None),
            ("故宮門票多少錢", "那學生票呢", None),
            ("本島運費多少", "那要多久呢", None),
            ("本島運費多少", "離島可以寄冷凍的嗎", None),
        ] {
            assert_eq!(
                substituted(question, before).as_deref(),
                expected,
                "{question}"
            );
        }
    }

    #[test]
    fn substituted_item_carries_over_two_turns() {
        let row = "| 型號 | 重量 | 電池 | 防水 |\n| 山嵐 T2 | 1.1 kg | 11 小時 | IPX5 |";
        let history = [
            mentioned(Role::User, "山嵐 T1 多重"),
            mentioned(Role::Agent, "2 kg。"),
            mentioned(Role::User, "那 T2 呢"),
            mentioned(Role::Agent, row),
        ];
        check(&history, "它防水嗎", "2 kg。\n山嵐 T2 多重\n它防水嗎", &[]);
    }

    #[test]
    fn follow_up_without_name_prepends_recent_turns() {
        let history = [
            mentioned(Role::User, "你好"),
            mentioned(Role::User, "耳機可以退嗎"),
            mentioned(Role::Agent, "七天內可以。"),
        ];
        check(
            &history,
            "那運費呢？",
            "你好\n耳機可以退嗎\n七天內可以。\n那運費呢？",
            &[],
        );
        let titled = [
            mentioned(Role::User, "hotel with parking?"),
            mentioned(
                Role::Agent,
                "Harbor Court Hotel: parking\nThere is a garage.",
            ),
        ];
        let (text, _) = standalone("how much is it", &titled, &names());
        assert!(text.starts_with("Harbor Court Hotel\n"), "{text}");
        let quoted = "網上購買的商品拆封查看後，簽收次日起七天內仍可退貨，配件和贈品要齊全。但入耳式耳機拆封後不退。";
        let history = [
            mentioned(Role::User, "耳機可以退嗎"),
            mentioned(Role::Agent, quoted),
        ];
        check(&history, "那運費呢？", "耳機可以退嗎\n那運費呢？", &[]);
        let alone = "請問超過保固期限之後送修掃地機器人，檢測費用怎麼收？";
        check(&history, alone, alone, &[]);
    }
}
