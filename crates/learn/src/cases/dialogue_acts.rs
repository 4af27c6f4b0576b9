//! Dialogue acts of sentences (greet, ask, instruct, state) and the outcome of a conversation, by patterns in Chinese
//! and English. Patterns match folded text.

use std::sync::LazyLock;

use regex::Regex;

use ken_base::domain::{Case, CaseOutcome, CaseRole};
use ken_text::text::{fold, sentences};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// What an agent's sentence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialogueAct {
    /// Greets, thanks, apologises, asks to wait, says goodbye.
    Courtesy,
    /// Asks the customer for something.
    Ask,
    /// Instructs the customer to do something.
    Instruct,
    /// States something about this customer alone, or an action that the agent took for them.
    Specific,
    /// States something that may hold for any customer.
    Fact,
}

/// Courtesy phrases. A sentence that is empty without them is a courtesy.
static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?x)(?-x:(?:谢谢|感谢)(?:您|你).{0,12}$|很?高兴(?:能)?为(?:您|你)服务|(?:欢迎)?光临|感谢(?:您|你)?(?:的)?(?:来电|来信|联[络系]|询问|耐心|等候|等待|提供|理解|体谅|支持|配合|告知|说明|回[复覆]|惠顾|使用)?|谢谢(?:您|你)?(?:的)?(?:来电|来信|联[络系]|耐心|等候|等待|提供|理解|体谅|支持|配合|说明)?|不(?:用|必)客气|不客气|没问题|没关系|好的?|是的|对的?|了解|明白|收到|请?稍(?:等|候|待)(?:一下|片刻)?|马上|立刻|请问(?:您|你)?|(?:还)?有(?:什么|其他|甚么|任何)?(?:问题|需要|可以|能)?.{0,4}(?:为(?:您|你)|帮(?:您|你|到)|协助|服务|帮忙|效劳)(?:的)?(?:地方|吗|呢)?|祝(?:您|你)?.{1,8}|再见|拜拜|客服.{0,6}(?:为(?:您|你)服务|您好)|我是.{0,6}客服.{0,6}|(?:这里是.{1,8}[,，。]?)?我是(?:小|阿)?\p{Han}{1,3}(?:$|[,，。!！~])|(?:您|你|早|大家)好|早安|午安|晚安|哈[罗啰]|嗨|(?:真的|非常|很|十分|实在)?(?:抱歉|对不起|不好意思|遗憾)(?:造成.{0,8}|让.{0,8}|给.{0,8})?|造成(?:您|你)?(?:的)?(?:不便|困扰)|请见谅|敬请见谅|(?:我|这边|这里)?(?:来)?(?:帮|为|替)(?:您|你)(?:查|看|确认|查询|查看|处理)(?:一下|看看|看)?|(?:我)?(?:先)?(?:确认|查|看)一下|举手之劳|(?:我们)?一定会?转达(?:给.{0,10})?|听到(?:您|你)这[么样]说.{0,10}|(?:很|非常)?期待(?:您|你)(?:的|再次|下次)*(?:光临|来)|我们会的|看你说的|应该的|随时(?:联[络系]|欢迎|告诉|再).{0,10}|欢迎(?:再|随时).{0,10}|如(?:果)?(?:还|仍|您)?有(?:其他|任何|需要).{0,16}|若(?:还|仍|您)?有(?:其他|任何|需要).{0,16}|(?:还)?有(?:其他|别的)(?:的)?(?:问题|需要|想)?.{0,8})
        |(?-x:\b(?:(?:hello|hi|hey|dear|greetings|welcome)\b(?: there)?|good (?:morning|afternoon|evening|day)|how (?:can|may|could) (?:i|we) (?:help|assist|be of)(?: you)?(?: today)?|what can i (?:do|help).{0,20}|(?:is there )?any(?:thing|thing)? else (?:that )?(?:i can|you need|we can|i may|i could|you|can i).{0,30}|is there anything else.{0,40}|can i help.{0,30}anything else|thank(?:s| you)(?: so much| very much| a lot| again)?(?: and goodbye)?(?: for .{0,60})?|good ?bye|bye+(?:[- ]bye)?|have a (?:nice|good|great|wonderful|lovely) .{0,20}|take care|see you.{0,10}|enjoy your .{0,20}|you(?:'| a)re (?:very |most )?welcome|no problem|my pleasure|happy to help|glad (?:i|we|to).{0,30}|of course|sure(?: thing)?|certainly|absolutely|great|perfect|alright|all right|okay|ok|i see|got it|understood|i understand|no worries|(?:i'?m|i am|we are|we're)(?: very| so| really| terribly)? sorry(?: (?:to hear|for|about).{0,60})?|sorry|apolog(?:ies|ise|ize).{0,60}|my apologies.{0,40}|(?:please )?(?:hold on|bear with me|one moment|just a (?:moment|second|sec|minute)|give me a (?:moment|second|minute)|wait a (?:moment|second|minute)).{0,30}|please wait.{0,20}|let me (?:check|look|see|have a look|verify|pull|find).{0,60}|i(?:'| wi)ll (?:check|look|have a look|see).{0,40}|my name is .{0,20}|this is .{1,20}(?:from|speaking|with).{0,20}|this is \w{1,12}(?:$|[.!,])|what seems to be the (?:problem|issue)|yes|no|please|sir|madam|ma'?am|\bdo you need anything else\b|feel free to .{0,40}|anything else)(?:\b|$))",
    )
});

/// The letters and digits that remain without courtesy phrases.
fn without_courtesy(folded: &str) -> String {
    let rest = COURTESY.replace_all(folded, " ");
    rest.chars().filter(|c| c.is_alphanumeric()).collect()
}

static ASKS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^\W*(?:(?:ok|okay|alright|all right|right|great|sure|and|so|now|thanks|thank you)\W+)*(?:could|can|may|might|would|will|do|did|does|have|has|are|is|was|were|what|when|where|which|who|whose|how|why|shall|should)\b.{0,200}\?|\?\s*$|(?:could|can|may|might|would) (?:you|i)\b.{0,60}(?:tell|give|provide|have|get|describe|confirm|share|send|know|book)|(?:请|麻烦|方便|可否|能否|可以)(?:您|你)?(?:先|再|帮我)?(?:提供|告诉|告知|给我|说明|描述|确认|核对|留下)|(?:吗|呢|么|是否|哪[一个里间位种天家]|什么|甚么|几[点号位天]|多少|如何称呼|怎么称呼|贵姓)\W*$|\bplease (?:provide|tell|give|describe|confirm|share|send me|let me know)\b|i(?:'ll| will)? need (?:your|to know|you to)|(?:just )?need (?:your|to know)",
    )
});

static INSTRUCTS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^\W*(?:请|麻烦|记得|务必|先|再|然后|接着|最后|接下来|第[一二三四五六七八九十\d]+步|步骤|建议(?:您|你)|您?可以(?:先|到|在|用|从|透过|通过|点|按|至|去|打)|(?:please|first|firstly|second|then|next|after that|finally|lastly|step \d|now)\b|(?:go to|open|click|tap|press|select|choose|enter|type|turn|unplug|plug|restart|reboot|hold|download|install|log in|sign in|visit|bring|fill|send|take|make sure|try|you (?:can|need to|have to|should|must)|you'?ll need to)\b)",
    )
});

/// Statements about this one customer or about an action for them.
static SPECIFIC: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?x)(?-x:(?:我|我们|这边|这里|系统|客服|同事|后台)(?:这边)?(?:已经?|刚刚?|会|将|马上|立刻|先|有|现在|帮|为|替|再|来|要)?(?:已经?|帮|为|替|给|查|看|向|跟|和|请|会|安排|登记|处理|转)(?:到|您|你|了|请|安排|登记|处理|转|同事|仓库|物流)|(?:已经?|刚刚?)(?:帮|为|替|给|将|把|寄|送|退|取消|登记|处理|更改|修改|安排|申请|转|通知|完成|更新|补)|帮(?:您|你)(?:查|看|取消|处理|登记|申请|安排|改|换|退|补|转|备注|更新|延|加)|为(?:您|你)(?:查|取消|处理|登记|申请|安排|改|换|退|补|转|更新)|(?:您|你)的(?:这[笔张个件])?(?:订单|包裹|帐号|账号|帐户|账户|款项|预约|预订|申请|退款|案件|会员|点数|资料|货物|商品|卡片|余额|地址).{0,12}(?:已|将|会|目前|正在|显示|是|在|还|尚|预计|状态|今天|明天|昨天)|会再(?:通知|联[络系]|告知|回覆|回复)(?:您|你)|(?:您|你)目前(?:有|的|是|为|还)|(?:您|你)的(?:安装|维修|取货|取件|配送|挂号|简讯|短信|座位|车|案子).{0,12}(?:排|在|已|会|是|到)|(?:这一?次|本次)?(?:特别|破例|通融)(?:为|帮|给|替)|仅限这次|下不为例|(?:为|给)(?:您|你)个人|请(?:您|你)?(?:今天|明天|后天|下周|本周|稍后)|(?:这|该)(?:笔|张|件|个)(?:订单|包裹|款项|申请|案件)|查(?:到|询到|询结果|了一下)|看到(?:您|你)|(?:系统|资料|记录|纪录)(?:上|里|中)?(?:显示|有|查)|预计(?:今天|明天|后天|本周|下周)|(?:今天|明天|昨天|前天|刚才|稍后|等等|待会|晚点|今晚|明早).{0,24}(?:会|前往|师傅|寄|送|到|处理|联[络系]|回电|通知|派|出货|发货))
        |(?-x:\bi(?:'ve|'ll| have| will| can see| see| found| just| already| did| was| would)\b|\bwe(?:'ve| have| found)\b.{0,40}\b(?:your|you|for you)\b|\bi'?m (?:going|checking|looking|sending|afraid)\b|\byour (?:order|parcel|package|account|payment|refund|booking|reservation|appointment|request|report|card|ticket|application|subscription|balance|points|driver|ride|table|room|flight|case|name)\b.{0,30}\b(?:is|was|has|have|will|should|shows?|been|went|arrives?|booked)\b|\bfor you\b|\bbooked\b|\bhas been\b|\b(?:unfortunately|sorry,? but|i am sorry|i'm sorry).{0,60}\b(?:no|not|cannot|can't|unavailable|failed|unable|there (?:is|are|was|were) no|do(?:es)?n't have)\b|\bis (?:un)?available at\b|\bsuccessfully\b|\bi (?:can(?:not|'t)? (?:authenticate|find|see|book|offer)|don'?t have|do not have|am (?:only )?able|am sorry)\b|\bi(?: am|'m)\b|\bthe (?:system|record)s? (?:shows?|says?)\b)",
    )
});

/// Classifies an agent's sentence. `has_value`: a value of this customer was removed from it.
pub fn dialogue_act(sentence: &str, has_value: bool) -> DialogueAct {
    let folded = fold(sentence);
    let rest = without_courtesy(&folded);
    if rest.chars().count() <= 3 && !rest.chars().any(|c| c.is_ascii_digit()) {
        return DialogueAct::Courtesy;
    }
    if ASKS.is_match(&folded) {
        return DialogueAct::Ask;
    }
    if has_value || SPECIFIC.is_match(&folded) {
        return DialogueAct::Specific;
    }
    match INSTRUCTS.is_match(&folded) {
        true => DialogueAct::Instruct,
        false => DialogueAct::Fact,
    }
}

static REQUESTS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"[?？]|(?:吗|呢|么|嘛|咩|未)\W*$|怎么|怎样|如何|点样|点解|为什么|为何|可以|可唔可以|能不能|能否|是否|有没有|有冇|几时|何时|多少|多久|几[点天个时钱]|哪[里裡个些家]|边度|边个|什么|甚么|想(?:要|请|知|了解|问|找|预|订|买|换|退|取消|改|吃|去|住|玩|打)|帮我|帮忙|推荐|需要|麻烦|请(?:问|帮|你|您)|要(?:退|换|买|订|改|取消|找|去|吃|住|玩|打)|告诉|问题|不(?:能|行|了|到|见|会|亮|动)|没有|坏了|找(?:不|一)|忘记|收不到|无法|\b(?:can|could|may|would|will|do|does|did|is|are|how|what|when|where|which|who|why|want|need|like|help|please|looking|trying|get|book|search|find|tell|show|issue|problem|broken|doesn't|don't|won't|can't|cannot|unable|lost|missing|wrong|fail|error|wondering|interested|hoping|report|schedule|reserve|make|plan|charged|stole|stolen|fraud|suspicious)\b",
    )
});

/// How strongly a customer's sentence asks for something, 0 to 3; 0 for a courtesy, an introduction or a plain
/// statement.
pub fn request(sentence: &str) -> usize {
    let folded = fold(sentence);
    static BARE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^\W*(?:(?:my name is|i am|i'm|this is|it's|我是|我叫|我姓|姓名)\W*)?(?:\W|\[[a-z_ ]+(?::\d+)?\]|\d)*\W*$",
        )
    });
    let rest = without_courtesy(&folded);
    if BARE.is_match(&folded) || rest.chars().count() < 4 {
        return 0;
    }
    let matches = REQUESTS.find_iter(&folded).count();
    matches.min(3)
}

static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\bunfortunately\b|\bunavailable\b|\bnot available\b|\b(?:cannot|can't|could not|couldn't|unable to|not able to|wasn't able)\b|\bfail(?:ed|s|ure)?\b|\bdeclined\b|\bno (?:\w+ ){0,3}(?:available|match\w*|found)\b|there (?:is|are) no\b|\bnothing (?:available|found)\b|\bdo(?:n't| not) have (?:any|a|an|one)\b|\bhas no\b|\bconflict\w*\b|\bfully booked\b|\bsold out\b|\bonly able to help\b|(?:抱歉|对不起|遗憾|不好意思).{0,20}(?:没|无|不|未)|无法|没(?:有)?办法|查不到|找不到|没有(?:查到|找到|符合)|不能|办不到|不支[持援]|失败|帮不(?:了|上)",
    )
});
static APOLOGY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"unfortunately|sorry|afraid|抱歉|对不起|遗憾|不好意思|没把握|没有把握|不(?:确定|清楚|知道)|暂时|还在查",
    )
});
static SUCCESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\bsuccess\w*\b|\b(?:is|are|been|was) (?:now )?(?:booked|confirmed|submitted|scheduled|reserved|completed|cancelled|refunded|fixed|resolved|updated|sent)\b|\bbooked(?:!|\.| for you)|\bconfirmed\b|\bi(?:'ve| have) (?:booked|made|scheduled|submitted|reserved|cancelled|found|updated|sent|got)\b|\bfound (?:a|an|one|you|the following|some)\b|\bhere (?:is|are)\b|\bride booked\b|\bon (?:its|the|their) way\b|\b(?:happy|glad) to accommodate\b|\ball set\b|\bdone\b|已经?(?:为|帮|替)|已(?:经)?(?:完成|处理|取消|登记|退款|寄出|送出|修改|更新|预约|安排|开通|恢复|解决|补寄|申请)|成功|(?:办|订|改|弄|处理|登记)好了|可以了|没问题了",
    )
});
static DISMAY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"thanks for nothing|thank you for nothing|waste of time|bad service|terrible|useless|not help(?:ful|ing)|won't help|still (?:not|doesn't|does not|can't|isn't)|ridiculous|never mind|nevermind|forget it|that sucks|disappoint\w*|(?:还|仍|依然)(?:是|然)?(?:不行|不能|没|无法|一样)|没(?:用|帮助)|算了|太(?:扯|夸张|烂|差)|投诉|客诉|浪费时间|什么(?:烂|鬼)|失望",
    )
});
static THANKS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\bthank|\bthx\b|\bperfect\b|\bgreat\b|\bawesome\b|\bappreciate|谢|感恩|太好了|唔该|多谢|解决了|好了|可以了|了解|明白|收到|知道了",
    )
});

/// The outcome of a conversation. The last sentence that reports success, failure or dismay decides. Without one it is
/// resolved if the customer's last turn thanks, or if `states_facts` (an agent stated facts).
pub fn outcome(case: &Case, states_facts: bool) -> CaseOutcome {
    // From the end: the first sentence that reports success or failure.
    for turn in case.turns.iter().rev() {
        let folded = fold(&turn.text);
        match turn.role {
            CaseRole::Agent => {
                for span in sentences(&folded).iter().rev() {
                    let sentence = span.slice(&folded).unwrap_or_default();
                    let is_question = sentence.trim_end().ends_with('?');
                    // A rule that forbids something is not a failure. A failure concerns this customer.
                    let is_about_one = SPECIFIC.is_match(sentence)
                        || APOLOGY.is_match(sentence)
                            && !sentence.contains(|c: char| c.is_ascii_digit());
                    if FAILURE.is_match(sentence) && is_about_one {
                        return CaseOutcome::Unresolved;
                    }
                    if SUCCESS.is_match(sentence) && !is_question {
                        return CaseOutcome::Resolved;
                    }
                }
            }
            CaseRole::Customer if DISMAY.is_match(&folded) => return CaseOutcome::Unresolved,
            _ => {}
        }
    }
    let last = case
        .turns
        .iter()
        .rev()
        .find(|turn| turn.role == CaseRole::Customer);
    let is_thanked = last.is_some_and(|turn| THANKS.is_match(&fold(&turn.text)));
    match is_thanked || states_facts {
        true => CaseOutcome::Resolved,
        false => CaseOutcome::Unresolved,
    }
}

/// Whether a sentence states a condition under which something holds.
pub fn is_condition(sentence: &str) -> bool {
    static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"如果|若|假如|只要|只有|除非|除了|限|须|必须|需(?:要|于|在|先)|以内|以上|以下|满|未满|之前|之后|期间|仅|except|unless|\bif\b|only|provided|as long as|within|must|required?|at least|no more than|up to|before|after|\bwhen\b",
        )
    });
    CONDITION.is_match(&fold(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agent_sentence_dialogue_act_is_classified() {
        for (sentence, expected) in [
            ("您好，很高興為您服務！", DialogueAct::Courtesy),
            ("感謝您的耐心等候。", DialogueAct::Courtesy),
            ("請問還有什麼可以幫您的嗎？", DialogueAct::Courtesy),
            ("Thank you and goodbye.", DialogueAct::Courtesy),
            (
                "Is there anything else that I can do for you?",
                DialogueAct::Courtesy,
            ),
            ("請問您的訂單編號是多少？", DialogueAct::Ask),
            ("May I have your name, please?", DialogueAct::Ask),
            (
                "Could you describe your symptoms, please?",
                DialogueAct::Ask,
            ),
            ("我已經幫您取消這筆訂單了。", DialogueAct::Specific),
            ("您的包裹目前在物流中心。", DialogueAct::Specific),
            ("I've sent you a new one.", DialogueAct::Specific),
            ("請到會員中心點選「修改資料」。", DialogueAct::Instruct),
            (
                "Press and hold the button for 5 seconds.",
                DialogueAct::Instruct,
            ),
            (
                "雷射刻字服務每件收費 200 元，需要 3 個工作天。",
                DialogueAct::Fact,
            ),
            ("Gift cards are valid for 12 months.", DialogueAct::Fact),
            ("學生憑學生證可以享 9 折。", DialogueAct::Fact),
        ] {
            assert_eq!(dialogue_act(sentence, false), expected, "{sentence}");
        }
        assert_eq!(
            dialogue_act("於 [date] 到貨。", true),
            DialogueAct::Specific
        );
    }

    #[test]
    fn customer_request_is_detected_and_names_are_not() {
        for sentence in [
            "請問可以刻字嗎？",
            "I need to book a ride",
            "我想退貨",
            "有冇得退㗎？",
        ] {
            assert!(request(sentence) > 0, "{sentence}");
        }
        for sentence in [
            "你好",
            "My name is [name:1].",
            "[name:1]",
            "謝謝",
            "12345",
            "ok",
        ] {
            assert_eq!(request(sentence), 0, "{sentence}");
        }
    }
}
