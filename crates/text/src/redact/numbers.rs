//! Phone numbers, e-mail addresses, ids, cards, plates, order and account numbers.

use std::sync::LazyLock;

use regex::Regex;

use super::PersonalDataKind;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is fixed and tested")
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
    )
});

/// Phone numbers by country, with separators and an extension.
static PHONES: LazyLock<[Regex; 7]> = LazyLock::new(|| {
    let extension = r"(?:\s*(?:#|\*|ext\.?|extension|x|分機|分机|转|轉|內線|内线)\s*:?\s*\d{1,6})?";
    [
        // Taiwan, mobile.
        r"(?:\+?886[-\s]?(?:\(0\))?[-\s]?|\(\+?886\)[-\s]?|0)9\d{2}[-\s.]?\d{3}[-\s.]?\d{3}".to_owned(),
        r"(?-u:\b)07\d{3}\s\d{3}\s\d{3}(?-u:\b)|(?:\+?886[-\s]?|0)9\d[-\s]?\d{4}[-\s]?\d{3}|09\d{2}[-\s]\d{2}[-\s]\d{2}[-\s]\d{2}".to_owned(),
        // Taiwan, by area.
        format!(r"(?:\+?886[-\s]?\(?0?[2-8]\d{{0,2}}\)?|\(0[2-8]\d{{0,2}}\)|0[2-8]\d{{0,2}})[-\s.]*\d{{3,4}}[-\s.]?\d{{3,4}}{extension}"),
        // The mainland.
        format!(r"(?:\(?\+?(?:00)?86\)?[-\s]?)?1[3-9]\d[-\s]?\d{{4}}[-\s]?\d{{4}}|(?:\(?\+?86\)?[-\s]?)?\(?0\d{{2,3}}\)?[-\s]\d{{7,8}}{extension}"),
        // Hong Kong and Macau.
        r"\(?\+?85[23]\)?[-\s]?[2-9]\d{3}[-\s]?\d{4}".to_owned(),
        // North America.
        format!(r"(?:\+?1[-\s.]?)?(?:\(\d{{3}}\)\s?|\d{{3}}[-.\s])\d{{3}}[-.\s]\d{{4}}{extension}"),
        // Elsewhere.
        format!(r"\+\d{{1,3}}[-\s.]?\(?\d{{1,4}}\)?(?:[-\s.]?\d{{2,5}}){{1,4}}{extension}|(?-u:\b)0(?:20|1\d{{2,3}}|7\d{{3}})[-\s]?\d{{3,4}}[-\s]?\d{{3,4}}(?-u:\b)|(?-u:\b)07\d{{3}}\s\d{{3}}\s\d{{3}}(?-u:\b)"),
    ]
    .map(|pattern| regex(&format!("(?i){pattern}")))
});

/// Public service numbers.
static SERVICE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:\+?886[-\s]?)?0?80[09]|^\(?0?80[09]|^\+?1?[-\s.]?\(?8(?:00|88|77|66|55|44|33)\b|^400\d?-\d{3}|^400\d{7}$|^412|^95\d{3}|^0800|^0508|^0204",
    )
});

/// Words before digits that mark them as a phone number.
static PHONE_CUE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:電話|电话|手機|手机|行動|門號|门号|號碼|号码|聯絡|联系|聯繫|联络|致電|撥打|回撥|打給|來電|簡訊|傳真|whatsapp|wechat|signal|line id|phone|mobile|cell|tel|telephone|call|text|reach|contact|fax|number)[^\d]{0,14}$",
    )
});
static DIGITS: LazyLock<Regex> = LazyLock::new(|| regex(r"\(?\+?\d[\d\s().-]{5,16}\d"));

/// Identity number of Taiwan: a letter for the place and nine digits, or two letters and eight digits, with separators.
static TAIWAN_ID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)(?-u:\b)[A-Z][-\s]?[A-D1289][-\s]?\d{4}[-\s]?\d{4}"));
static MAINLAND_ID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)\d{6}[-\s]?(?:19|20)\d{2}[-\s]?\d{4}[-\s]?\d{3}[\dX]"));
static HONG_KONG_ID: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)(?-u:\b)[A-Z]{1,2}\s?\d{3}\s?\d{3}\s?(?:\([\dA]\)|[\dA])"));
static ID_CUE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:身分證|身份證|身份证|身分证|居留證|居留证|證號|证号|統一證號|證件號碼|证件号|證字號|HKID|ID card|ID no|ID number|national id|identity|\bARC\b|\bID\b)[^A-Za-z\d]{0,12}(?:號碼|号码|字號|號|号|no\.?|number|is)?[\s:是為为#]*$",
    )
});

static CARD: LazyLock<Regex> = LazyLock::new(|| regex(r"\d(?:[-\s.]?\d){12,18}"));

static PASSPORT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:護照|护照|passport|台胞證|台胞证|回鄉證|回乡证|通行證|通行证)[^A-Za-z\d]{0,12}(?:(?:號碼|号码|編號|编号|分別|分别|number|no|num|is|it's|was|as|the|my|holder|details?|for)[\s.:是為为#,，(]*){0,4}([A-Z]{0,3}[-\s]?\d{3}[-\s]?\d{3,6})(?:\s?(?:和|與|与|及|跟|、|,|，|and|&)\s?([A-Z]{0,3}\d{6,9}))?",
    )
});

static PLATE_CUE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:車牌|车牌|車號|车号|牌照|車子|車輛|汽車|[我部架台輛辆的][車车]|開的車|開車|停車|機車|摩托|電動車|的車是|车是|座駕|登記|plate|licen[cs]e|registration|\breg\b|\bcar\b|vehicle|scooter|van)[^\n。]{0,50}$",
    )
});
static PLATE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?-u:\b)(?:[A-Z]{3}[-\s]?\d{4}|[A-Z]{3}[-\s]?\d{3}|\d{3}[-\s]?[A-Z]{3}|[A-Z]{2}[-\s]?\d{4}|\d{4}[-\s]?[A-Z]{2}|[A-Z]\d[-\s]\d{4}|\d[A-Z][-\s]\d{4}|\d{4}[-\s][A-Z]\d|[A-Z]{2}[-\s]?\d{3}|[A-Z]{2}\d{2}[-\s]?[A-Z]{3}|[A-Z]{1,2}\s\d{1,4}|\d[A-Z]{3}\d{3})",
    )
});
static MAINLAND_PLATE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼滬遼魯蘇贛鄂晉陝閩貴粵寧瓊][A-Z][\s·.-]?[A-Z0-9]{4,5}[A-Z0-9港澳學学警]",
    )
});

/// A word for an order, connecting words, and the number.
static ORDER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:訂單|订单|單號|单号|訂購|订购|訂房|订房|訂位|預訂|预订|預約|预约|包裹|物流|快遞|快递|運單|运单|貨運|配送|寄件|追蹤|追踪|工單|工单|案件|案號|票號|發票|发票|維修單|维修单|退貨單|退货单|取件|取貨|交易|序號|序列号|保固編號|流水號|流水号|編號|编号|訂|\border\b|\borders\b|tracking|\bbooking\b|reservation|\breference\b|\bref\b|\bcase\b|ticket|invoice|shipment|parcel|confirmation|\bPNR\b|\bRMA\b|transaction|serial|\bpo\b)(?:[\s:,，、。.#(（「『\x22'“=\[-]|號碼|号码|編號|编号|單號|单号|代號|代号|代碼|代码|號|号|為|为|是|就是|叫|的|尾號|我|它|no\b|nos\b|num\b|number|id\b|code\b|is\b|it's\b|was\b|my\b|the\b|for\b|under\b|with\b|nr\b|Nº)*((?:[A-Z]{1,6}[-_]?)?\d[A-Z0-9]*(?:[-_][A-Z0-9]+)*|[A-Z]{2,}[A-Z0-9]*\d[A-Z0-9]*(?:[-_][A-Z0-9]+)*|[A-Z]{2,8}(?:-[A-Z0-9]+)*-\d[A-Z0-9]*(?:[-_][A-Z0-9]+)*)",
    )
});

static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:帳號|账号|帐号|賬號|帳戶|账户|賬戶|戶頭|戶口|户口|户号|戶號|匯款|存摺|會員|会员|客戶|客户|用戶|用户|顧客|卡號|卡号|電號|水號|用電戶號|客編|客编|合約|合同|保單|保单|病歷|病历|學號|分機號|\baccount\b|\bacct\b|\ba/c\b|membership|\bmember\b|\bcustomer\b|\bclient\b|subscriber|\bIBAN\b|policy|loyalty|frequent flyer|sort code)(?:[\s:,，、。.#(（「『\x22'“=\[-]|號碼|号码|編號|编号|代號|代号|號|号|為|为|是|就是|的|卡|證|资料|末|帳號|账号|no\b|nos\b|num\b|number|id\b|is\b|it's\b|was\b|my\b|the\b|ending\b|in\b|card\b|code\b)*([A-Z]{0,4}[-\s]?\d[A-Z0-9]*(?:[-\s]\d[A-Z0-9]*)*)",
    )
});

/// A number followed by a word for an account.
static ACCOUNT_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(\d[\d-]{6,18}\d)\s?(?:這個|这个|這組|这组|此|那個|那个|的)?(?:銀行|银行)?(?:帳號|账号|帳戶|账户|賬戶|戶頭)",
    )
});

/// Eight or more digits, or letters with five or more. Amounts have a unit, and model names are shorter.
static LONG: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?-u:\b)(?:[A-Z]{1,4}[-_]?\d{5,}[A-Z0-9]*(?:-\d+)*|[A-Z]{1,4}\d{0,3}[-_]\d{2,}(?:-[\dA-Z]+)+|[A-Z]{1,4}\d{1,3}-\d{5,}|[A-Z]{1,4}\d{3,6}-\d{4,}|\d(?:-?\d){7,})(?-u:\b)",
    )
});
static DECIMALS: LazyLock<Regex> = LazyLock::new(|| regex(r"^(?:\.\d|,\d{3}(?:\D|$))"));
/// Words that may precede a figure, so that both look like a plate.
static NO_PLATE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?i)^(?:fee|is|no|at|to|in|on|of|for|the|was|rm|nt|by|or)\b"));
/// Words before numbers of goods, companies, standards and decrees, which are not personal.
static PUBLIC: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:條碼|条码|統編|统编|統一編號|税号|型號|型号|料號|料号|貨號|货号|字第|標準|标准|ISBN|EAN|barcode|UPC|GB/?T|ISO|SKU|part|model|版本|version|firmware|BSMI|NCC|認證|认证)[^\d]{0,8}$",
    )
});
static COMPACT_DATE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^(?:19|20)\d{2}-?(?:0\d|1[0-2])-?(?:[0-2]\d|3[01])$"));
static NEAR_PASSPORT: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)護照|护照|passport"));
static NEAR_ORDER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)訂單|订单|單號|单号|編號|编号|預訂|预订|預約|包裹|這筆|这笔|order|booking|ref|parcel|case|ticket",
    )
});

/// Calls `take` with the kind and byte range of each number.
pub fn find(text: &str, take: &mut impl FnMut(PersonalDataKind, usize, usize)) {
    for found in EMAIL.find_iter(text) {
        take(PersonalDataKind::Email, found.start(), found.end());
    }
    for found in MAINLAND_PLATE.find_iter(text) {
        if alone(text, found.start(), found.end()) {
            take(PersonalDataKind::Plate, found.start(), found.end());
        }
    }
    for (pattern, is_valid) in [
        (&*MAINLAND_ID, is_mainland_id as fn(&str) -> bool),
        (&*TAIWAN_ID, is_taiwan_id),
        (&*HONG_KONG_ID, is_hong_kong_id),
    ] {
        for found in pattern.find_iter(text) {
            let (start, end) = (found.start(), found.end());
            if alone(text, start, end)
                && (is_valid(&plain(found.as_str())) || ID_CUE.is_match(before(text, start)))
            {
                take(PersonalDataKind::NationalId, start, end);
            }
        }
    }
    for groups in PASSPORT.captures_iter(text) {
        for number in [groups.get(1), groups.get(2)].into_iter().flatten() {
            let digits = number.as_str().chars().filter(char::is_ascii_digit).count();
            if digits >= 6 && alone(text, number.start(), number.end()) {
                take(PersonalDataKind::Passport, number.start(), number.end());
            }
        }
    }
    for found in CARD.find_iter(text) {
        let digits = plain(found.as_str());
        if alone(text, found.start(), found.end())
            && (13..=19).contains(&digits.len())
            && is_luhn(&digits)
            && "3456".contains(&digits[..1])
        {
            take(PersonalDataKind::BankCard, found.start(), found.end());
        }
    }
    by_name(text, &ORDER, PersonalDataKind::OrderNumber, 4, take);
    by_name(text, &ACCOUNT, PersonalDataKind::AccountNumber, 5, take);
    for groups in ACCOUNT_BEFORE.captures_iter(text) {
        let number = groups.get(1).expect("the group is not optional");
        if alone(text, number.start(), number.end()) {
            take(
                PersonalDataKind::AccountNumber,
                number.start(),
                number.end(),
            );
        }
    }
    for pattern in PHONES.iter() {
        for found in pattern.find_iter(text) {
            phone(text, found.start(), found.end(), take);
        }
    }
    for found in DIGITS.find_iter(text) {
        let digits = plain(found.as_str());
        if (7..=13).contains(&digits.len())
            && PHONE_CUE.is_match(before(text, found.start()))
            && !is_time(found.as_str())
        {
            phone(text, found.start(), found.end(), take);
        }
    }
    // Last, numbers that are too long for anything but an id of a person.
    for found in LONG.find_iter(text) {
        let (start, end) = (found.start(), found.end());
        let written = found.as_str();
        let is_number = alone(text, start, end) && !is_unit(&text[end..]) && !is_time(written);
        let is_public = PUBLIC.is_match(before(text, start)) || COMPACT_DATE.is_match(written);
        if is_number && !is_public && !SERVICE.is_match(written) {
            let near = before(text, start);
            let kind = match () {
                () if NEAR_PASSPORT.is_match(text) => PersonalDataKind::Passport,
                () if NEAR_ORDER.is_match(near) || NEAR_ORDER.is_match(after(text, end)) => {
                    PersonalDataKind::OrderNumber
                }
                () => PersonalDataKind::AccountNumber,
            };
            take(kind, start, end);
        }
    }
    let mut from = 0;
    while let Some(found) = PLATE.find_at(text, from) {
        let (start, end) = (found.start(), found.end());
        let is_plate = alone(text, start, end)
            && PLATE_CUE.is_match(before(text, start))
            && !NO_PLATE.is_match(found.as_str());
        if is_plate {
            take(PersonalDataKind::Plate, start, end);
        }
        // A plate may begin within a match that is not one: "is 8" of "is 8HJR402".
        from = if is_plate { end } else { start + 1 };
    }
}

fn phone(
    text: &str,
    start: usize,
    end: usize,
    take: &mut impl FnMut(PersonalDataKind, usize, usize),
) {
    let is_service = SERVICE.is_match(&text[start..end]);
    if alone(text, start, end) && !is_service {
        take(PersonalDataKind::Phone, start, end);
    }
}

/// Takes numbers after a word that names their kind, with at least `min` letters and digits.
fn by_name(
    text: &str,
    pattern: &Regex,
    kind: PersonalDataKind,
    min: usize,
    take: &mut impl FnMut(PersonalDataKind, usize, usize),
) {
    for groups in pattern.captures_iter(text) {
        let number = groups.get(1).expect("the group is not optional");
        let (start, mut end) = (number.start(), number.end());
        // "… 12345 2 件": a short figure at the end is a quantity.
        while let Some((head, tail)) = text[start..end].rsplit_once(' ') {
            let is_piece = tail.len() >= 3 && !is_unit(&text[end..]);
            if is_piece {
                break;
            }
            end = start + head.len();
        }
        let written = &text[start..end];
        let length = plain(written).len();
        let digits = written.chars().filter(char::is_ascii_digit).count();
        let is_number = length >= min && digits >= 3.min(min);
        if is_number
            && alone(text, start, end)
            && !is_unit(&text[end..])
            && !is_time(written)
            && !SERVICE.is_match(written)
        {
            take(kind.clone(), start, end);
        }
    }
}

/// Whether the text after a figure makes it an amount, a date or a version.
fn is_unit(after: &str) -> bool {
    static UNIT: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"(?i)^\s?(?:元|圓|圆|塊|块|萬|万|千|百|折|%|天|日|小時|小时|分鐘|分钟|個|个|件|次|年|月|週|周|點|点|張|张|份|名|位|人|筆|笔|台|支|公斤|公克|kg\b|cm\b|mm\b|g\b|ml\b|gb\b|mb\b|usd\b|twd\b|ntd\b|hkd\b|dollars?\b|days?\b|hours?\b|minutes?\b|items?\b|years?\b|months?\b|weeks?\b|points?\b|people\b|times?\b)",
        )
    });
    UNIT.is_match(after)
}

/// Whether a figure is a date: 2024-05-01, 2024/5/1.
fn is_time(written: &str) -> bool {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r"^\(?(?:(?:19|20)\d{2}[-/. ]\d{1,2}(?:[-/. ]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d{2})$",
        )
    });
    TIME.is_match(written.trim())
}

/// Whether a range is not part of a longer number or Latin word.
fn alone(text: &str, start: usize, end: usize) -> bool {
    let outside = |c: Option<char>| !c.is_some_and(|c| c.is_ascii_alphanumeric());
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let is_decimal = DECIMALS.is_match(&text[end..]);
    outside(before)
        && outside(after)
        && !is_decimal
        && !matches!(before, Some('$' | '€' | '£' | '¥' | '/' | '='))
}

/// The 8 characters after an offset.
fn after(text: &str, end: usize) -> &str {
    let to = text[end..]
        .char_indices()
        .nth(8)
        .map_or(text.len(), |(at, _)| end + at);
    &text[end..to]
}

/// The 40 characters before an offset.
fn before(text: &str, start: usize) -> &str {
    let from = text[..start]
        .char_indices()
        .rev()
        .nth(39)
        .map_or(0, |(at, _)| at);
    &text[from..start]
}

/// ASCII letters and digits only, in upper case.
fn plain(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn digit(c: char) -> u32 {
    c.to_digit(10).unwrap_or(0)
}

/// Luhn checksum: ISO/IEC 7812-1, annex B.
fn is_luhn(digits: &str) -> bool {
    let doubled = |n: u32| if n > 4 { 2 * n - 9 } else { 2 * n };
    let sum: u32 = (digits.chars().rev().enumerate())
        .map(|(i, c)| {
            if i % 2 == 1 {
                doubled(digit(c))
            } else {
                digit(c)
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits.chars().any(|c| c != '0')
}

/// Number of a letter in the identity numbers of Taiwan: A is 10 … Z is 33, in the order of the registry.
fn taiwan_letter(c: char) -> Option<u32> {
    "ABCDEFGHJKLMNPQRSTUVXYWZIO"
        .find(c)
        .map(|at| at as u32 + 10)
}

/// Checksum of Taiwan (Ministry of the Interior): letter and nine digits with weights 1, 9, 8 … 1, 1. Old numbers of
/// residents have a second letter, of which the last digit counts.
fn is_taiwan_id(id: &str) -> bool {
    let mut chars = id.chars();
    let Some(place) = chars.next().and_then(taiwan_letter) else {
        return false;
    };
    let rest: Vec<u32> = chars
        .enumerate()
        .map(|(i, c)| match i {
            0 if c.is_ascii_alphabetic() => taiwan_letter(c).unwrap_or(0) % 10,
            _ => digit(c),
        })
        .collect();
    let weights = [8, 7, 6, 5, 4, 3, 2, 1, 1];
    let sum: u32 = rest.iter().zip(weights).map(|(n, weight)| n * weight).sum();
    rest.len() == 9 && (place / 10 + place % 10 * 9 + sum).is_multiple_of(10)
}

/// Checksum of the mainland: GB 11643-1999 (ISO 7064, MOD 11-2).
fn is_mainland_id(id: &str) -> bool {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = id
        .chars()
        .zip(weights)
        .map(|(c, weight)| digit(c) * weight)
        .sum();
    id.len() == 18 && id.chars().last() == "10X98765432".chars().nth((sum % 11) as usize)
}

/// Checksum of Hong Kong: letters count from A = 10 (a missing first letter 36), weights 9 … 1, modulo 11.
fn is_hong_kong_id(id: &str) -> bool {
    let value = |c: char| match c {
        'A'..='Z' => c as u32 - 'A' as u32 + 10,
        c => digit(c),
    };
    let n_letters = id.chars().take_while(char::is_ascii_alphabetic).count();
    if id.len() != n_letters + 7 {
        return false;
    }
    let head: Vec<u32> = match n_letters {
        1 => std::iter::once(36)
            .chain(id.chars().take(7).map(value))
            .collect(),
        _ => id.chars().take(8).map(value).collect(),
    };
    let sum: u32 = head
        .iter()
        .zip((2..=9).rev())
        .map(|(n, weight)| n * weight)
        .sum();
    let check = id
        .chars()
        .last()
        .map(|c| if c == 'A' { 10 } else { digit(c) });
    check == Some((11 - sum % 11) % 11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_check_digits_follow_their_standards() {
        for good in ["A123456789", "AC01234567", "F131104093"] {
            assert!(is_taiwan_id(good), "{good}");
        }
        assert!(!is_taiwan_id("A123456788"));
        assert!(is_mainland_id("11010519491231002X"));
        assert!(!is_mainland_id("110105194912310021"));
        assert!(is_hong_kong_id("A1234563"));
        assert!(is_hong_kong_id("AB9876543"));
        assert!(!is_hong_kong_id("A1234564"));
        assert!(is_luhn("4111111111111111") && !is_luhn("4111111111111112"));
    }
}
