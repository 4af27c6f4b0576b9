//! Chinese numerals as digits.

use chinese_number::{ChineseCountMethod, ChineseToNumber};

/// Characters of Chinese numerals, in simplified script.
const NUMERALS: &str = "零〇一二两三四五六七八九十百千万亿";
/// Units. Only a numeral before one of them is converted; others may be part of a word (`三星`, `一般`).
const UNITS: &str = "元块圆角分毛天日月年周个小时点钟秒岁次件张折倍成名位人份支台部辆集楼层号期斤克公里米度页行条家间种项笔户栋包箱盒瓶%";

/// Converts numerals before a unit to digits: `一千二百元` → `1200元`, `3万元` → `30000元`, `七天` → `7天`. For a folded text;
/// numerals that cannot be parsed stay.
pub fn figures(folded: &str) -> String {
    let mut text = String::with_capacity(folded.len());
    let mut rest = folded;
    while let Some(start) = rest.find(|c| NUMERALS.contains(c)) {
        let end = rest[start..]
            .find(|c| !NUMERALS.contains(c))
            .map_or(rest.len(), |length| start + length);
        let (before, numeral, after) = (&rest[..start], &rest[start..end], &rest[end..]);
        text.push_str(before);
        let is_counted = after.chars().next().is_some_and(|c| UNITS.contains(c));
        match is_counted.then(|| number(&mut text, numeral)).flatten() {
            Some(number) => text.push_str(&number.to_string()),
            None => text.push_str(numeral),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Value of a numeral. Digits before it (`3万`) are removed from `text` and multiplied in.
fn number(text: &mut String, numeral: &str) -> Option<u64> {
    let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return numeral.to_number(ChineseCountMethod::TenThousand).ok();
    }
    let start = text.len() - digits;
    if text[..start].ends_with('.') {
        return None;
    }
    let power: u64 = match numeral {
        "百" => 100,
        "千" => 1_000,
        "万" => 10_000,
        "百万" => 1_000_000,
        "千万" => 10_000_000,
        "亿" => 100_000_000,
        _ => return None,
    };
    let number = text[start..].parse::<u64>().ok()?.checked_mul(power)?;
    text.truncate(start);
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_chinese_numerals_become_digits() {
        for (written, expected) in [
            ("一千二百元", "1200元"),
            ("共两千三百五十元整", "共2350元整"),
            ("七天内", "7天内"),
            ("十二个月", "12个月"),
            ("二十四小时", "24小时"),
            ("3万元", "30000元"),
            ("3.5万元", "3.5万元"),
            ("10百件", "1000件"),
            ("一百二元", "120元"),
            ("1200元", "1200元"),
            ("十%", "10%"),
        ] {
            assert_eq!(figures(written), expected, "{written}");
        }
    }

    #[test]
    fn words_containing_numerals_are_unchanged() {
        for word in [
            "三星手机",
            "一般",
            "万一",
            "千万别",
            "十一",
            "",
            "abc",
            "一",
            "3万",
        ] {
            assert_eq!(figures(word), word);
        }
    }
}
