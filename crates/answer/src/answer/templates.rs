//! Fixed texts for replies that quote no knowledge, in the question's language.

use super::understand::Courtesy;
use ken_text::text::Language;

fn in_language(language: Language, texts: [&'static str; 3]) -> &'static str {
    match language {
        Language::TraditionalChinese => texts[0],
        Language::SimplifiedChinese => texts[1],
        _ => texts[2],
    }
}

/// Returns the text of a refusal.
pub fn refusal(language: Language) -> &'static str {
    in_language(
        language,
        [
            "很抱歉，目前的知識庫沒有足以回答這個問題的資料。",
            "很抱歉，目前的知识库没有足以回答这个问题的资料。",
            "Sorry, the knowledge base has no answer to this question.",
        ],
    )
}

/// Returns the text before the labels of similar things, if nothing found names the thing asked about.
pub fn only_similar(language: Language) -> &'static str {
    in_language(
        language,
        [
            "很抱歉，目前的知識庫沒有這一項的資料，只有相近的：",
            "很抱歉，目前的知识库没有这一项的资料，只有相近的：",
            "Sorry, the knowledge base has nothing on this item, only on a similar one:",
        ],
    )
}

/// Returns the refusal of one question of several; `number` counts from 1. The question is not repeated, so that
/// nothing a customer wrote is confirmed.
pub fn unanswered_part(language: Language, number: usize) -> String {
    match language {
        Language::TraditionalChinese => {
            format!("您的第 {number} 個問題，目前的知識庫沒有足夠的資料。")
        }
        Language::SimplifiedChinese => {
            format!("您的第 {number} 个问题，目前的知识库没有足够的资料。")
        }
        _ => format!("The knowledge base has no answer to your question no. {number}."),
    }
}

/// Returns the text after a list or table that continues beyond the quoted passage.
pub fn list_continues(language: Language) -> &'static str {
    in_language(
        language,
        [
            "（以上只是其中一部分，其餘請見來源。）",
            "（以上只是其中一部分，其余请见来源。）",
            "(This list is incomplete; see the source for the rest.)",
        ],
    )
}

/// Returns the text for evidence that contradicts itself without a rule to decide.
pub fn contradiction(language: Language) -> &'static str {
    in_language(
        language,
        [
            "這個問題的資料互相矛盾，需要由專人確認後回覆。",
            "这个问题的资料互相矛盾，需要由专人确认后回复。",
            "The knowledge base contradicts itself on this; our staff have to clarify it first.",
        ],
    )
}

/// Returns the text before the choices in the answer's suggestions.
pub fn which(language: Language) -> &'static str {
    in_language(
        language,
        [
            "請問您想問的是哪一個？",
            "请问您想问的是哪一个？",
            "Which of these do you mean?",
        ],
    )
}

/// Returns the reply to a message that asks nothing.
pub fn courtesy(language: Language, courtesy: Courtesy) -> &'static str {
    let texts = match courtesy {
        Courtesy::Greeting => [
            "您好，請問有什麼可以幫您？",
            "您好，请问有什么可以帮您？",
            "Hello, how can I help you?",
        ],
        Courtesy::Thanks => [
            "不客氣，很高興能幫上忙。",
            "不客气，很高兴能帮上忙。",
            "You're welcome.",
        ],
        Courtesy::Goodbye => [
            "再見，祝您有美好的一天。",
            "再见，祝您有美好的一天。",
            "Goodbye, have a nice day.",
        ],
        Courtesy::AsksForPerson => [
            "好的，將為您轉接專人服務。",
            "好的，将为您转接人工服务。",
            "Of course, I will transfer you to a person.",
        ],
    };
    in_language(language, texts)
}
