//! Recognises messages that ask nothing of the knowledge: greetings, thanks, goodbyes, and requests for a person.

use ken_base::domain::Reason;
use std::sync::LazyLock;

use regex::Regex;

use ken_text::text::fold;

/// The kind of a message that asks nothing of the knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Courtesy {
    /// A greeting.
    Greeting,
    /// Thanks.
    Thanks,
    /// A goodbye.
    Goodbye,
    /// A request to speak to a person.
    AsksForPerson,
}

impl Courtesy {
    /// Whether it ends a conversation rather than begins one.
    pub fn is_closing(self) -> bool {
        matches!(self, Self::Thanks | Self::Goodbye)
    }

    /// Returns the reason for the answer to it.
    pub fn reason(self) -> Reason {
        match self {
            Courtesy::Greeting => Reason::Greeting,
            Courtesy::Thanks => Reason::Thanks,
            Courtesy::Goodbye => Reason::Goodbye,
            Courtesy::AsksForPerson => Reason::AskedForPerson,
        }
    }
}

/// Courtesy words, folded. A message that contains nothing else is courtesy.
static KINDS: LazyLock<[(Courtesy, Regex); 3]> = LazyLock::new(|| {
    let only = |words: &str| {
        let pattern = format!(r"^(?:(?:{words}|{})[\s\W_]*)+$", ADDRESSES);
        Regex::new(&pattern).expect("the pattern is fixed and tested")
    };
    [
        (
            Courtesy::Thanks,
            only(
                r"非常感谢(?:你|您)?|多谢(?:你|您|晒|你们)?|谢+(?:你|您|了|啦|喔|哦)?|感谢(?:你|您|啦)?|感恩|唔该(?:晒)?|辛苦(?:你|您)?了|thanks?(?: you)?(?: so much| very much| a lot)?|thx|ty|much appreciated|cheers|ok|好的?|了解|知道了|明白(?:了)?|收到|没问题了|麻烦(?:你|您)?了",
            ),
        ),
        (
            Courtesy::Goodbye,
            only(
                r"再见|拜+|掰+|88+|晚安|goodbye|bye+(?: bye)?|see you|have a (?:nice|good) (?:day|one)|good night",
            ),
        ),
        (
            Courtesy::Greeting,
            only(
                r"(?:你|您|妳|大家|你们)?好(?:啊|呀|喔|哦)?|哈[罗喽啰]|嗨+|嘿|早(?:安|上好|晨)?|午安|晚上好|下午好|安安|在(?:吗|嘛|么)|有人(?:在)?(?:吗|嘛)|请问(?:一下)?|想(?:请)?问(?:一下)?|hi+|hello+|hey+|yo|good (?:morning|afternoon|evening)|anyone (?:there|here)|is anyone there",
            ),
        ),
    ]
});

/// Forms of address, and sounds without meaning.
const ADDRESSES: &str = r"客服(?:人员|小姐|先生)?|小编|店家|老板|小姐|先生|呀|啊|喔|哦|啦|呢|唷|哈+|呵+|there|team|guys|sir|madam|everyone";

/// A request to speak to a person.
static PERSON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:转接?|找|接|换|请|叫|联络|联系|要|想|给我|跟|和|同).{0,6}(?:真人|人工|活人|真正的人)|(?:真人|人工)(?:客服|服务|处理|回[复覆]|协助)|(?:转接?|接|找|联[络系]).{0,3}(?:线上)?客服(?:人员|专员)?|(?:speak|talk|chat|connect(?: me)?|transfer(?: me)?|pass me).{0,20}\b(?:human|person|someone|agent|representative|operator)\b|\b(?:want|need|get me|give me)\b.{0,10}\b(?:human|real person|live person|person|agent|representative|operator)\b|\b(?:human|real|live) (?:agent|person|support|representative)\b",
    )
    .expect("the pattern is fixed and tested")
});
/// A longer message (in characters) that asks for a person contains something else too.
const MAX_WISH: usize = 120;

/// Returns the kind of a message that asks nothing of the knowledge; `None` for other messages.
pub fn courtesy(message: &str) -> Option<Courtesy> {
    let folded = fold(message);
    let trimmed = folded.trim();
    if trimmed.chars().count() <= MAX_WISH && PERSON.is_match(trimmed) {
        return Some(Courtesy::AsksForPerson);
    }
    let mut kinds = KINDS.iter().filter(|(_, words)| words.is_match(trimmed));
    kinds.next().map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courtesy_is_detected_only_without_question() {
        for (message, kind) in [
            ("你好", Some(Courtesy::Greeting)),
            ("您好～請問一下", Some(Courtesy::Greeting)),
            ("Hello there!", Some(Courtesy::Greeting)),
            ("早晨，有人嗎？", Some(Courtesy::Greeting)),
            ("好的，謝謝你！", Some(Courtesy::Thanks)),
            ("唔該晒", Some(Courtesy::Thanks)),
            ("Thank you so much 🙏", Some(Courtesy::Thanks)),
            ("掰掰", Some(Courtesy::Goodbye)),
            ("我要找真人客服", Some(Courtesy::AsksForPerson)),
            ("can I talk to a human", Some(Courtesy::AsksForPerson)),
            ("i want a human", Some(Courtesy::AsksForPerson)),
            (
                "let me speak with a real person please, this bot is useless",
                Some(Courtesy::AsksForPerson),
            ),
            ("請幫我轉客服", Some(Courtesy::AsksForPerson)),
            ("退貨要找專人收件嗎", None),
            ("跟專人預約維修要多少錢", None),
            ("你好，請問怎麼退貨", None),
            ("謝謝卡怎麼買", None),
            ("hi, where is my order", None),
            ("早餐有附嗎", None),
        ] {
            assert_eq!(courtesy(message), kind, "{message}");
        }
    }
}
