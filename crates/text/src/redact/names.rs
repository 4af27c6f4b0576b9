//! Names of persons, recognised by a title or by words that introduce them.

use std::sync::LazyLock;

use regex::Regex;

use super::PersonalDataKind;
use crate::text::is_function_word;

/// The most common surnames in both scripts, which cover nearly everyone.
const SURNAMES: &str = "王李張张劉刘陳陈楊杨黃黄趙赵吳吴周徐孫孙馬马朱胡林郭何高羅罗鄭郑梁謝谢宋唐許许鄧邓韓韩馮冯曹彭曾蕭萧肖田董潘袁蔡蔣蒋余於于杜葉叶程魏蘇苏呂吕丁任盧卢姚沈鍾钟姜崔譚谭陸陆范汪廖石金韋韦賈贾夏付方鄒邹熊白孟秦邱侯江尹薛閻阎段雷龍龙黎史陶賀贺毛郝顧顾龔龚邵萬万覃武錢钱戴嚴严莫孔湯汤詹游簡简翁連连柯洪康施涂塗卓倪巫溫温歐欧阮童章古甘凌駱骆傅溥樊常俞紀纪鮑鲍柳左辛闕阙利麥麦伍霍祝穆申屈管盛翟舒解裘祁賴赖尤邢池焦鞏巩車车仇甄靳仲宮宫寧宁欒栾厲厉符景喬乔聞闻勞劳姬冉桑桂牛壽寿邊边燕浦尚莊庄晏柴瞿艾耿匡聶聂饒饶關关荊荆竺齊齐梅刁丘官湛岳苗鄔邬狄貝贝佟項项滕殷鮮鲜粟植萧練练凌裴岑鄺邝占鄞禤冼譚招麥区區卜冉費费岳喻閔闵嵇鈕钮龐庞計计強强路婁娄危童顏颜梅林虞柯咎支昝裘繆缪干解應应宗宣賁邓郁杭包左石崔吉龔程裴陸榮荣翁荀羊惠";
const LONG_SURNAMES: [&str; 12] = [
    "歐陽", "欧阳", "司馬", "司马", "上官", "諸葛", "诸葛", "張簡", "范姜", "端木", "夏侯", "皇甫",
];
/// Words that end in or begin with the character of a surname and are not names.
const NO_NAMES: &[&str] = &[
    "這位", "那位", "各位", "兩位", "客服", "老闆", "店員", "高級", "高级", "金卡", "白金", "常務",
    "林務", "馬上", "马上", "任何", "周末", "方便", "何時", "何时", "連絡", "簡單", "简单", "解決",
    "解决", "管理", "利用", "申請", "申请", "溫馨", "温馨", "古董", "江湖", "夏天", "白天", "金額",
    "金额", "程式", "程序", "高中", "高雄", "黃金", "黄金", "石油", "余額", "于是", "於是", "常見",
    "章程", "資深", "值班", "主治", "負責", "祝您", "祝你", "祝好", "許多", "许多", "連線", "施工",
    "任務", "任务", "家庭", "數學", "国文", "國文", "英文", "體育", "体育", "班級", "補習", "王牌",
    "白色", "黃色", "金色",
];

static HAN_TITLE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"([\p{Han}·]{1,6}?)\s?(?:先生|小姐|女士|太太|老師|老师|醫師|医师|醫生|医生|經理|经理|主任|教授|律師|律师|護理師|护士|店長|店长|師傅|师傅|阿姨|伯伯|專員|专员|工程師|工程师|組長|组长|同學|同学|董事長|總監|总监|課長|主管|副理|夫人|大夫|導遊|导游|教練|教练|護士|院長|院长|校長|校长)";
    Regex::new(pattern).expect("the pattern is fixed and tested")
});

/// "霍生你好", "陳太：": titles of Hong Kong.
static HAN_SAN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s,，。、!！])(\p{Han}{1,2})[生太](?:您|你|,|，|:|：|早)")
        .expect("the pattern is fixed and tested")
});

/// Words before a name. The group is the name and what follows it.
static HAN_CUE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?:我(?:的)?(?:本?名字?(?:叫做|叫|是)|叫做|叫|是)|本人是?|[他她]姓|[他她](?:的?名字)?叫|專員|专员|敝姓|小姓|免貴姓|免贵姓|我姓|貴姓\?|姓名|收件人|收貨人|收货人|寄件人|聯絡人|联系人|聯繫人|联络人|持卡人|申請人|申请人|訂購人|订购人|購買人|購買者|帳戶名|戶名|户名|乘客|旅客|病患|患者|訂位人|訂房人|入住人|入住者|投保人|代理人|名字|全名|中文名|稱呼我|称呼我|署名|經辦人|承辦人|簽收人|改成|改為|改为|換成|签收人|代收人|取貨人|联系人|客人|會員姓名|抬頭)(?:姓名|名字|大名|的|請寫|请写|寫|写|改成|改為|改为|換成|填|登記的是|登记的是|登記為|登記|叫做|叫|是|為|为|[\s:：=\-「『\x22“（(])*([\p{Han}·]{1,6})";
    Regex::new(pattern).expect("the pattern is fixed and tested")
});

static LATIN: LazyLock<[(Regex, bool); 6]> = LazyLock::new(|| {
    let name = r"([A-Z][\p{Latin}'’]*(?:-[A-Z][\p{Latin}]+)?\.?(?:[ ](?:[A-Z][\p{Latin}'’]*(?:-[A-Z][\p{Latin}]+)?\.?|de|van|von|bin|al|da|la)){0,3})";
    let build = |pattern: String| Regex::new(&pattern).expect("the pattern is fixed and tested");
    [
        (
            build(format!(
                r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Madam|Sir|Mister|Auntie|Uncle)\b\.?\s+{name}"
            )),
            true,
        ),
        (
            build(format!(
                r"(?i:\b(?:my|the|her|his|full|first|last|legal|account holder's)?\s?(?:full |legal |first |last )?name(?: on (?:the|my|file)[a-z ]{{0,20}})?(?:'s| is|:| was|\s*=|\s*-)+)\s*(?i:it's |is |listed as )?{name}"
            )),
            true,
        ),
        (
            build(format!(
                r"(?i:\b(?:name|recipient|consignee|cardholder|contact(?: person)?|attn|attention|passenger|patient|guest|addressee|ship to|deliver to|receiver|booked by|signed by|regards,|sincerely,|cheers,|thanks,|call me|registered to|under the name(?: of)?|in the name of|speaking (?:to|with)))\b\s*(?:(?i:is|to|:|-|=|under)\s*)*{name}"
            )),
            true,
        ),
        (
            build(format!(
                r"(?i:\bthis is|\bit's|\bit is|\bhere is) {name}(?: (?:speaking|here|calling|from)|,? (?:calling|speaking|again))"
            )),
            true,
        ),
        (
            build(format!(
                r"(?:我的?(?:英文)?(?:名字|名)?(?:叫做|叫|是)|姓名|收件人|聯絡人|联系人|持卡人|名字|敝姓|稱呼我|称呼我)(?:叫做|叫|是|為|为|[\s:「(=])*{name}"
            )),
            true,
        ),
        (build(format!(r"(?i:\bI am|\bI'm|\bI’m) {name}")), false),
    ]
});

/// Calls `take` with the kind and byte range of each name.
pub fn find(text: &str, take: &mut impl FnMut(PersonalDataKind, usize, usize)) {
    for groups in HAN_CUE.captures_iter(text) {
        let after = groups.get(1).expect("the group is not optional");
        // "我是" often introduces something else than a name.
        let is_weak = groups[0].starts_with("我是");
        if let Some(length) = leading_name(after.as_str(), is_weak) {
            take(
                PersonalDataKind::Name,
                after.start(),
                after.start() + length,
            );
        }
    }
    for groups in HAN_SAN.captures_iter(text) {
        let name = groups.get(1).expect("the group is not optional");
        if surname(name.as_str()) == Some(name.len()) {
            take(PersonalDataKind::Name, name.start(), name.end());
        }
    }
    let mut from = 0;
    while let Some(groups) = HAN_TITLE.captures_at(text, from) {
        let whole = groups.get(0).expect("it matched");
        let name = groups.get(1).expect("the group is not optional");
        if let Some(start) = trailing_name(name.as_str()) {
            take(PersonalDataKind::Name, name.start() + start, name.end());
        }
        from = whole.end();
    }
    for (pattern, is_sure) in LATIN.iter() {
        for groups in pattern.captures_iter(text) {
            let name = groups.get(1).expect("the group is not optional");
            if let Some(length) = latin_name(name.as_str(), &text[name.end()..], *is_sure) {
                let end = name.start() + length;
                // "我叫 Tom12345678": the digits belong to the name.
                let is_rest = |c: &char| c.is_ascii_alphanumeric();
                let n_more = text[end..].chars().take_while(is_rest).count();
                take(PersonalDataKind::Name, name.start(), end + n_more);
            }
        }
    }
}

/// Length in bytes of the surname at the start of a text.
fn surname(text: &str) -> Option<usize> {
    if let Some(long) = LONG_SURNAMES.iter().find(|long| text.starts_with(**long)) {
        return Some(long.len());
    }
    let first = text.chars().next()?;
    SURNAMES.contains(first).then(|| first.len_utf8())
}

/// Byte offset of the name at the end of a text: a surname and at most two characters, the longest that matches.
fn trailing_name(text: &str) -> Option<usize> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    for &start in &starts {
        let name = &text[start..];
        let Some(length) = surname(name) else {
            continue;
        };
        let given = name[length..].chars().count();
        let is_word = NO_NAMES
            .iter()
            .any(|word| name.starts_with(word) || text.ends_with(word));
        if given <= 2 && !is_word {
            return Some(start);
        }
    }
    None
}

/// Characters that rarely end a name of three characters, since they are words of their own.
const AFTER_A_NAME: &str = "啦呀咧囉耶唷您為为的是在要想會会有了嗎吗呢喔啊哦和跟與与電电手住請请這这那我你您他她來来去說说買买打問问訂订收";
const TITLES: [&str; 5] = ["先生", "小姐", "女士", "太太", "老師"];

/// Length in bytes of the name at the start of a text.
fn leading_name(text: &str, is_weak: bool) -> Option<usize> {
    let surname = surname(text)?;
    if NO_NAMES.iter().any(|word| text.starts_with(word)) {
        return None;
    }
    let mut end = surname;
    let mut given = 0;
    // The name of a married woman may begin with two surnames.
    let is_double = text.chars().count() >= 4 && self::surname(&text[surname..]).is_some();
    let most = if is_double && text.chars().nth(4).is_none_or(|c| AFTER_A_NAME.contains(c)) {
        3
    } else {
        2
    };
    for (at, c) in text[surname..].char_indices() {
        let is_title = TITLES
            .iter()
            .any(|title| text[surname + at..].starts_with(title));
        if given == most || is_title || AFTER_A_NAME.contains(c) {
            break;
        }
        end += c.len_utf8();
        given += 1;
    }
    // "我是" with a surname only does not introduce a name.
    let whole = text[end..].chars().next();
    let is_terminated = whole.is_none_or(|c| AFTER_A_NAME.contains(c));
    match is_weak && (given == 0 || !is_terminated) {
        true => None,
        false => Some(end),
    }
}

/// Length in bytes of the Latin name at the start of a text, without other capitalised words.
fn latin_name(text: &str, after: &str, is_sure: bool) -> Option<usize> {
    let mut end = 0;
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end_matches([' ', '.']);
        let is_name = !is_function_word(&bare.to_lowercase()) && !NO_LATIN_NAMES.contains(&bare);
        if !is_name {
            break;
        }
        end += word.len();
    }
    let name = text[..end].trim_end_matches([' ', '.']);
    if name.is_empty() {
        return None;
    }
    let follows = text[end..].trim_start().is_empty()
        && (after.is_empty()
            || after.starts_with([',', '.', '!', '?', ';', '，', '。', '\n', ')', '、'])
            || after.trim_start().starts_with("and ")
            || after.trim_start().starts_with("from ")
            || after.trim_start().starts_with("with "));
    (is_sure || follows).then_some(name.len())
}

const NO_LATIN_NAMES: &[&str] = &[
    "Sir",
    "Madam",
    "Mr",
    "Mrs",
    "Ms",
    "Miss",
    "Mx",
    "Dr",
    "Prof",
    "Professor",
    "Doctor",
    "Mister",
    "Auntie",
    "Uncle",
    "Team",
    "Customer",
    "Service",
    "Support",
    "Sorry",
    "Looking",
    "Just",
    "Not",
    "Having",
    "Trying",
    "Calling",
    "Happy",
    "Glad",
    "Afraid",
    "Sure",
    "Going",
    "Interested",
    "Unable",
    "Still",
    "Your",
    "Our",
    "Please",
    "Thanks",
    "Thank",
    "Hello",
    "Hi",
    "Order",
    "Number",
    "Address",
    "Phone",
    "Email",
    "Account",
    "Tag",
    "Card",
    "Required",
    "Unknown",
    "None",
    "Same",
    "VIP",
    "OK",
    "ID",
    "DNS",
    "Wi-Fi",
    "Chinese",
    "English",
    "American",
    "British",
    "Taiwanese",
    "Canadian",
    "Australian",
    "Using",
    "Getting",
    "Waiting",
    "Also",
    "Currently",
    "Really",
    "Very",
    "So",
];
