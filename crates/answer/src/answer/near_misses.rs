//! Things of one kind with similar labels: plans (`輕量方案`, `標準方案`), branches, years, models. Decides which of two a
//! question means, and whether it means a third that no evidence is about.

use super::passage::headings;
use ken_base::domain::{DocumentKind, Evidence};
use ken_text::text::{is_cjk, search_key, width};

/// The least width (Han 2, others 1) that two labels must share.
const MIN_SHARED: usize = 4;
/// The most width that each label has on its own.
const MAX_OWN: usize = 12;
/// The least width that a question must share with an FAQ's question if it replaces one part of it.
const MIN_SHARED_QUESTION: usize = 6;
/// The greatest width of the replacement.
const MAX_REPLACED: usize = 16;

/// The separator between a title and the headings below it.
const BELOW: char = '›';

/// Returns a text's pieces for comparison: single Han, runs of other letters and digits, and heading separators.
pub fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut is_open = false;
    for c in search_key(text).chars() {
        let is_run = c.is_alphanumeric() && !is_cjk(c);
        match pieces.last_mut() {
            Some(run) if is_run && is_open => run.push(c),
            _ if c.is_alphanumeric() || c == BELOW => pieces.push(c.to_string()),
            _ => {}
        }
        is_open = is_run;
    }
    pieces
}

/// Returns whether a piece is a grammatical or interrogative word or character.
pub fn is_grammar(piece: &str) -> bool {
    const HAN: &str = "的是在了和跟与及或于个之有没无不也都还又就只才很太最何么什哪谁为几多少怎样如可能会要想请问吗呢吧啊嘛呀这那每各所全任你我他她它您们贵其该此某从到给把让被对用去来做办";
    const LATIN: [&str; 60] = [
        "the", "a", "an", "of", "for", "in", "on", "to", "at", "from", "by", "with", "and", "or",
        "my", "your", "our", "their", "his", "her", "its", "i", "you", "we", "they", "it", "this",
        "that", "these", "those", "what", "which", "who", "when", "where", "why", "how", "is",
        "are", "was", "were", "be", "do", "does", "did", "can", "could", "will", "would", "should",
        "may", "have", "has", "get", "there", "any", "all", "each", "some", "s",
    ];
    LATIN.contains(&piece) || piece.chars().all(|c| HAN.contains(c))
}

fn is_han(piece: &str) -> bool {
    piece.chars().all(is_cjk)
}

fn width_of(pieces: &[String]) -> usize {
    pieces.iter().map(|piece| width(piece)).sum()
}

fn contains(pieces: &[String], stretch: &[String]) -> bool {
    pieces
        .windows(stretch.len())
        .any(|window| window == stretch)
}

/// Returns how many pieces two texts share at the start, and how many at the end after that.
fn shared(a: &[String], b: &[String]) -> (usize, usize) {
    let before = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - before;
    let after = a.iter().rev().zip(b.iter().rev());
    let after = after.take(rest).take_while(|(a, b)| a == b).count();
    (before, after)
}

/// Two labels of one kind: their common start and end, and the part that differs.
#[derive(Debug, PartialEq, Eq)]
pub struct Contrast {
    before: Vec<String>,
    after: Vec<String>,
    own: [Vec<String>; 2],
    /// Whether they are certainly two things, and not two texts about one thing or two wordings of one question: a
    /// number or a part in brackets differs, or, in names, the part before a common last word.
    is_certain: bool,
}

/// Which of two things a question means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntendedThing {
    /// The first.
    First,
    /// The second.
    Second,
    /// Unclear, or both.
    Open,
    /// A third thing of their kind.
    Other,
}

impl Contrast {
    /// Compares the labels of two pieces of evidence. Returns `None` unless they differ in exactly one part.
    pub fn of(first: &Evidence, second: &Evidence) -> Option<Self> {
        let asks =
            |e: &Evidence| e.metadata.kind == DocumentKind::Faq || e.chunk.note.question.is_some();
        Self::of_labels(&label(first), &label(second), asks(first) || asks(second))
    }

    fn of_labels(first: &str, second: &str, are_questions: bool) -> Option<Self> {
        let (a, b) = (pieces(first), pieces(second));
        let (before, after) = shared(&a, &b);
        let own = [
            a[before..a.len() - after].to_vec(),
            b[before..b.len() - after].to_vec(),
        ];
        let is_value = |own: &Vec<String>| !own.is_empty() && width_of(own) <= MAX_OWN;
        let has_number = |own: &Vec<String>| {
            own.iter()
                .any(|piece| piece.bytes().any(|b| b.is_ascii_digit()))
        };
        let in_name = a[a.len() - after..].split(|piece| piece == "›").next();
        let is_before_head = in_name.is_some_and(|head| width_of(head) >= MIN_SHARED);
        let are_in_brackets = [first, second].iter().zip(&own).all(|(label, own)| {
            let bracketed = label.split(['（', '(', '【', '[']).skip(1);
            let mut bracketed =
                bracketed.filter_map(|rest| rest.split(['）', ')', '】', ']']).next());
            bracketed.any(|text| pieces(text) == *own)
        });
        let contrast = Self {
            is_certain: own.iter().all(has_number)
                || (!are_questions && (is_before_head || are_in_brackets)),
            before: a[..before].to_vec(),
            after: a[a.len() - after..].to_vec(),
            own,
        };
        let is_shared = width_of(&contrast.before) + width_of(&contrast.after) >= MIN_SHARED;
        (is_shared && contrast.own.iter().all(is_value)).then_some(contrast)
    }

    /// Returns which of the two a question means.
    pub fn intended(&self, question: &str) -> IntendedThing {
        let asked = pieces(question);
        let [first, second] = self.own.each_ref().map(|own| contains(&asked, own));
        match (first, second) {
            (true, false) => IntendedThing::First,
            (false, true) => IntendedThing::Second,
            (false, false) if self.is_certain && self.other(&asked).is_some() => {
                IntendedThing::Other
            }
            _ => IntendedThing::Open,
        }
    }

    /// Returns whether they are certainly two things.
    pub fn is_certain(&self) -> bool {
        self.is_certain
    }

    /// Returns what the question has in place of the part that differs. Han have no word boundaries, so for Han only
    /// before a common ending.
    fn other(&self, asked: &[String]) -> Option<Vec<String>> {
        let n = self.own[0].len();
        let are_han = self.own.iter().flatten().all(|piece| is_han(piece));
        let is_like = |stretch: &[String]| {
            let class = |piece: &String| (is_han(piece), piece.chars().all(|c| c.is_ascii_digit()));
            !self.own.iter().any(|own| own == stretch)
                && stretch.iter().map(class).eq(self.own[0].iter().map(class))
                && !stretch.iter().any(|piece| is_grammar(piece))
        };
        let head = &self.after[..self.after.len().min(if are_han { 2 } else { 1 })];
        let tail = &self.before[self.before.len().saturating_sub(1)..];
        let ends = (0..asked.len().saturating_sub(n)).find(|at| {
            width_of(head) >= if are_han { MIN_SHARED } else { 1 }
                && asked[at + n..].starts_with(head)
                && is_like(&asked[*at..at + n])
        });
        let begins = (1..asked.len()).find(|at| {
            !are_han
                && !tail.is_empty()
                && asked[..*at].ends_with(tail)
                && asked.len() >= at + n
                && is_like(&asked[*at..at + n])
        });
        ends.or(begins).map(|at| asked[at..at + n].to_vec())
    }
}

/// Returns the label of a piece of evidence: title and headings, or an FAQ's question.
pub fn label(evidence: &Evidence) -> String {
    let question = evidence.chunk.note.question.as_deref();
    let faq = evidence.metadata.questions.first();
    let faq = faq.filter(|_| evidence.metadata.kind == DocumentKind::Faq);
    match question.or(faq.map(String::as_str)) {
        Some(question) => question.to_owned(),
        None => {
            let title = &evidence.metadata.title;
            let below = evidence.chunk.heading_path.iter().filter(|h| *h != title);
            let all: Vec<&str> = std::iter::once(title)
                .chain(below)
                .map(String::as_str)
                .collect();
            all.join(" › ")
        }
    }
}

/// Returns whether a question is about a thing that no evidence names, while two labels show its place in the question.
pub fn names_another(question: &str, evidence: &[Evidence]) -> bool {
    let Some((best, others)) = evidence.split_first() else {
        return false;
    };
    let asked = pieces(question);
    let is_named = |stretch: &[String]| evidence.iter().any(|e| mentions(e, stretch));
    others.iter().any(|other| {
        Contrast::of(best, other).is_some_and(|contrast| {
            let intended = contrast.intended(question);
            intended == IntendedThing::Other
                && contrast.other(&asked).is_some_and(|it| !is_named(&it))
        })
    })
}

/// Returns what a question has in place of one part of an FAQ's question, as runs of pieces, unless the FAQ's answer
/// contains it. `None` if it replaces nothing. The two may still be synonyms.
pub fn substitutions(question: &str, faq: &Evidence) -> Option<Vec<Vec<String>>> {
    let asked = pieces(question);
    let mut questions: Vec<&str> = faq.chunk.note.question.as_deref().into_iter().collect();
    if faq.metadata.kind == DocumentKind::Faq {
        questions.extend(faq.metadata.questions.iter().map(String::as_str));
    }
    let faq_text = search_key(&format!("{}\n{}", questions.join("\n"), faq.chunk.text));
    let is_new = |piece: &String| !is_grammar(piece) && !faq_text.contains(piece.as_str());
    let of = |known: &&str| -> Option<Vec<Vec<String>>> {
        let known = pieces(known);
        let (before, after) = shared(&asked, &known);
        let put = &asked[before..asked.len() - after];
        let replaced_part = &known[before..known.len() - after];
        let behind = &asked[asked.len() - after..];
        let has_content = |stretch: &[String]| stretch.iter().any(|piece| !is_grammar(piece));
        let is_one_stretch = has_content(replaced_part)
            && has_content(behind)
            && width_of(put) <= MAX_REPLACED
            && width_of(&asked[..before]) + width_of(behind) >= MIN_SHARED_QUESTION;
        let new = put.split(|piece| !is_new(piece));
        let new: Vec<Vec<String>> = new
            .filter(|run| !run.is_empty())
            .map(<[_]>::to_vec)
            .collect();
        (is_one_stretch && !new.is_empty()).then_some(new)
    };
    // One wording with the same meaning is enough.
    let all: Option<Vec<_>> = questions.iter().map(of).collect();
    all?.into_iter().next()
}

/// Returns whether a piece of evidence contains a run of pieces, in its headings or its text.
pub fn mentions(evidence: &Evidence, stretch: &[String]) -> bool {
    let text = format!("{}\n{}", headings(evidence), evidence.chunk.text);
    contains(&pieces(&text), stretch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::conflict_resolution::tests::evidence;

    #[test]
    fn question_is_matched_to_label_by_contrast() {
        for (first, second, question, expected) in [
            (
                "基本方案",
                "進階方案",
                "進階方案有電話客服嗎",
                Some(IntendedThing::Second),
            ),
            (
                "基本方案",
                "進階方案",
                "尊榮方案有電話客服嗎",
                Some(IntendedThing::Other),
            ),
            (
                "基本方案",
                "進階方案",
                "這個方案有電話客服嗎",
                Some(IntendedThing::Open),
            ),
            (
                "西門店（嘉義）",
                "西門店（臺南）",
                "台南西門店電話",
                Some(IntendedThing::Second),
            ),
            (
                "西門店（嘉義）",
                "西門店（臺南）",
                "西門店電話",
                Some(IntendedThing::Open),
            ),
            (
                "2024 年收費表",
                "2025 年收費表",
                "2024 年收費",
                Some(IntendedThing::First),
            ),
            (
                "2024 年收費表",
                "2025 年收費表",
                "2019 年收費",
                Some(IntendedThing::Other),
            ),
            (
                "Kettle R2",
                "Kettle R3",
                "is the Kettle R5 quiet",
                Some(IntendedThing::Other),
            ),
            (
                "Solo plan: storage",
                "Crew plan: storage",
                "storage of the Crew plan",
                Some(IntendedThing::Second),
            ),
            // Two texts about one thing.
            (
                "退貨政策",
                "退貨規定",
                "退貨期限",
                Some(IntendedThing::Open),
            ),
            ("運費", "退款", "運費多少", None),
        ] {
            let contrast = Contrast::of_labels(first, second, false);
            let found = contrast.map(|contrast| contrast.intended(question));
            assert_eq!(found, expected, "{question}: {first} – {second}");
        }
    }

    #[test]
    fn label_contrast_by_number_bracket_or_head_is_certain() {
        for (first, second, expected) in [
            ("基本方案", "進階方案", true),
            ("基本方案 › 費用", "進階方案 › 費用", true),
            ("西門店（嘉義）", "西門店（臺南）", true),
            ("西門店（嘉義） › 電話", "西門店（臺南） › 電話", true),
            ("Kettle R2", "Kettle R3", true),
            ("退貨政策", "退貨規定", false),
            ("退貨政策 › 期限", "退貨規定 › 期限", false),
            ("Returns policy", "Returns rules", false),
        ] {
            let contrast = Contrast::of_labels(first, second, false);
            let found = contrast.map(|contrast| contrast.is_certain());
            assert_eq!(found, Some(expected), "{first} – {second}");
        }
    }

    #[test]
    fn paraphrased_labels_are_not_certain_contrast() {
        let intended = |first: &str, second: &str, question: &str| {
            Contrast::of_labels(first, second, true).map(|contrast| contrast.intended(question))
        };
        assert_eq!(
            intended("寄件運費誰付？", "寄件運費誰出？", "寄件運費"),
            Some(IntendedThing::Open)
        );
        let contrast = Contrast::of_labels("寄件運費誰付？", "寄件運費誰出？", true);
        assert!(!contrast.unwrap().is_certain());
        assert_eq!(
            intended(
                "灰鍋 310 號的保固多久？",
                "灰鍋 311 號的保固多久？",
                "灰鍋 315 號的保固多久？"
            ),
            Some(IntendedThing::Other)
        );
    }

    #[test]
    fn question_replacing_one_faq_span_is_about_another_item() {
        let about_another = |question: &str, faq: &str, answer: &str| {
            let mut found = evidence(faq, DocumentKind::Faq, answer, 1.0);
            found.metadata.questions = vec![faq.to_owned()];
            substitutions(question, &found).is_some()
        };
        for (question, faq, answer, expected) in [
            (
                "平假日套票有軍警價嗎？",
                "平假日套票有學生價嗎？",
                "有，180 元。",
                true,
            ),
            (
                "鸚鵡可以帶進房間嗎",
                "小狗可以帶進房間嗎？",
                "可以，每晚加收 300 元。",
                true,
            ),
            (
                "Do trailers count as vehicles?",
                "Do motorbikes count as vehicles?",
                "Yes.",
                true,
            ),
            // Contained in the answer, only grammar, another ending, a wording of its own.
            (
                "小貓可以帶進房間嗎",
                "小狗可以帶進房間嗎？",
                "小狗與小貓都可以。",
                false,
            ),
            (
                "我的小狗可以帶進房間嗎",
                "小狗可以帶進房間嗎？",
                "可以。",
                false,
            ),
            ("套票壞了怎麼辦", "套票遺失怎麼辦？", "請到櫃台。", false),
            (
                "小狗可以帶進房間嗎",
                "小狗可以帶進房間嗎？",
                "可以。",
                false,
            ),
        ] {
            assert_eq!(about_another(question, faq, answer), expected, "{question}");
        }
    }

    #[test]
    fn plan_missing_from_evidence_is_another_plan() {
        let found = |question: &str| {
            let all = [
                ("基本方案", "月費 199 元。"),
                ("進階方案", "月費 399 元，不含備份。"),
            ];
            let all = all.map(|(title, text)| evidence(title, DocumentKind::Article, text, 1.0));
            names_another(question, &all)
        };
        assert!(found("尊榮方案月費多少"));
        assert!(!found("進階方案月費多少"));
        assert!(!found("哪個方案月費最低"));
        assert!(!found("備份方案"));
    }
}
