//! Postal addresses: of Taiwan, the mainland and Hong Kong in Chinese, and in English.

use std::sync::LazyLock;

use regex::Regex;

use super::PersonalDataKind;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

/// Region, road, number, then parts of the building.
static CHINESE: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"[\d０-９A-Za-z一二三四五六七八九十百]+";
    regex(&format!(
        r"(?:\d{{3,6}}\s?)?(?:(?:中国|台灣|臺灣|台湾|香港|九龍|九龙|新界)\s?)?(?:\p{{Han}}{{2,3}}?(?:省|自治区))?\s?(?:\p{{Han}}{{2,3}}?[市縣县州])?\s?(?:\p{{Han}}{{1,5}}?(?:[區区鄉乡鎮镇县]|新區|新区))?\s?(?:\p{{Han}}{{1,4}}?[里村])?(?:\d{{1,2}}鄰)?\s?\p{{Han}}{{1,8}}?(?:大道|[路街道巷])\s?(?:[東西南北东](?:路|街)?)?(?:\s?{number}\s?段)?(?:\s?{number}\s?巷)?(?:\s?{number}\s?弄)?\s?[甲乙丙丁]?{number}(?:[-之]\s?{number})?\s?[號号][院楼樓]?(?:\s?之\s?{number})?(?:[\s,，]?(?:地下|B)?(?:{number}|[\p{{Han}}]{{2,8}}?(?:大廈|大厦|大樓|大楼|中心|小區|小区|花園|花园|公寓|苑|廣場|广场|邨|閣|阁))\s?(?:[號号][樓楼院]|樓|楼|層|层|室|座|棟|栋|幢|單元|单元|戶|户|F\b|f\b|房)?(?:之\s?{number})?){{0,6}}"
    ))
});

/// Estates and buildings of Hong Kong and compounds of the mainland, which have no street number.
static ESTATE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:\p{Han}{2,4}?[市縣县])?(?:\p{Han}{1,4}?[區区鎮镇])?\p{Han}{1,12}?(?:大廈|大厦|大樓|大楼|中心|小區|小区|花園|花园|公寓|廣場|广场|邨|村|苑|閣|阁|城|居|新城|山莊|山庄|灣|湾|府|第\p{Han}?城)\s?[\dA-Za-z一二三四五六七八九十]{1,4}\s?[座棟栋幢期號号](?:樓|楼)?\s?(?:[\dA-Za-z一二三四五六七八九十]{1,4}\s?(?:單元|单元|樓|楼|層|层|室|F|/F|號|号|户|戶|房))*(?:\s?[\dA-Za-z]{1,5}\s?室?)?",
    )
});

static ENGLISH: LazyLock<Regex> = LazyLock::new(|| {
    let part = r"(?:(?i:apt|apartment|unit|suite|flat|floor|room|rm|ste|block|blk)\.?\s?#?\w{1,5}|\d{1,2}(?:st|nd|rd|th)?\s?(?i:floor|/F|F)\b|#\w{1,5}(?:-\w{1,4})?)";
    regex(&format!(
        r"(?:{part},?\s+)*(?:(?:No\.?\s?)?\d{{1,5}}[A-Z]?(?:-\d{{1,4}})?,?\s+(?:[NSEW]\.?\s+|North\s|South\s|East\s|West\s)?(?:(?:[A-Z][A-Za-z'’.]*|\d{{1,3}}(?:st|nd|rd|th))\s+){{1,4}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Square|Sq|Terrace|Close|Crescent|Parkway|Pkwy|Highway|Hwy|Gardens|Grove|Parade|Esplanade|Circuit|Row|Mews|Quay|Walk)\b\.?)(?:,?\s+(?i:N|S|E|W|NE|NW|SE|SW)\b)?(?:,?\s+{part})*(?:,\s*(?:[A-Z][A-Za-z'’.]+(?:\s[A-Z][A-Za-z'’.]+){{0,3}}))*(?:,?\s+[A-Z]{{2,3}})?(?:,?\s+(?:\d{{5}}(?:-\d{{4}})?|[A-Z]{{1,2}}\d{{1,2}}[A-Z]?\s\d[A-Z]{{2}}|\d{{4}}))?\b",
    ))
});

/// Words that may precede an address without a space.
static LEAD: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:(?:麻煩|麻烦|請|请|再|幫我|帮我|可以|直接|幫忙|我|我們|我们|你們|公司|家|現在|现在|目前|新的|舊的|旧的|原本|原來|本來|住|住址|就|人|地址|收貨|收货|收件|通訊|戶籍|户籍|配送|帳單|郵寄|邮寄|送貨|送货|寄送|寄|送|到|去|在|是|為|为|改|成|至|往|換|换|填|寫|写|的|給|给|于|於|位於|位于|從|从|由|把|貨|货|包裹|東西|东西|發|发|郵|邮|請到|变|變|更|搬|移|服務|上門|師傅|取件|取|派|人員|設|设|登記|登记|跟|和|與|与|及|或)+)",
    )
});

/// Calls `take` with the kind and byte range of each address.
pub fn find(text: &str, take: &mut impl FnMut(PersonalDataKind, usize, usize)) {
    for pattern in [&*CHINESE, &*ESTATE] {
        for found in pattern.find_iter(text) {
            let written = found.as_str();
            let lead = LEAD.find(written).map_or(0, |lead| lead.end());
            let rest = written[lead..].trim_start();
            let start = found.end() - rest.len();
            let end = start + rest.trim_end_matches([' ', ',', '，']).len();
            let is_highway = ["國道", "国道", "省道"]
                .iter()
                .any(|road| rest.starts_with(road));
            if is_highway {
                continue;
            }
            // The address has to name a place, not only a number.
            let named = rest.chars().take_while(|c| !c.is_ascii_digit()).count();
            if rest
                .chars()
                .any(|c| c.is_ascii_digit() || "一二三四五六七八九十".contains(c))
                && named >= 2
                || rest.starts_with(|c: char| c.is_ascii_digit())
            {
                take(PersonalDataKind::Address, start, end);
            }
        }
    }
    for found in ENGLISH.find_iter(text) {
        take(PersonalDataKind::Address, found.start(), found.end());
    }
}
