//! Detection of language and script, and conversion between the Chinese scripts.

use std::sync::LazyLock;

use ferrous_opencc::{OpenCC, config::BuiltinConfig};

use super::is_cjk;

static TO_SIMPLIFIED: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::T2s).expect("the conversion tables are compiled in")
});
static TO_TRADITIONAL: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2t).expect("the conversion tables are compiled in")
});

/// Simplified → the characters of Taiwan: 為, 裡, 麵, 台.
static TO_TAIWAN_CHARACTERS: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2tw).expect("the conversion tables are compiled in")
});

static TO_TAIWAN: LazyLock<OpenCC> = LazyLock::new(|| {
    OpenCC::from_config(BuiltinConfig::S2twp).expect("the conversion tables are compiled in")
});

/// A language with its script, by its BCP 47 tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Chinese in Traditional script.
    TraditionalChinese,
    /// Chinese in Simplified script.
    SimplifiedChinese,
    /// English, and Latin text in which no other language is certain.
    English,
    /// Japanese.
    Japanese,
    /// Korean.
    Korean,
    /// Another script, or a language that is not detected.
    Other,
}

impl Language {
    /// All values.
    pub const ALL: [Self; 6] = [
        Self::TraditionalChinese,
        Self::SimplifiedChinese,
        Self::English,
        Self::Japanese,
        Self::Korean,
        Self::Other,
    ];

    /// BCP 47 tag; `und` for [`Language::Other`].
    pub fn tag(self) -> &'static str {
        match self {
            Language::TraditionalChinese => "zh-Hant",
            Language::SimplifiedChinese => "zh-Hans",
            Language::English => "en",
            Language::Japanese => "ja",
            Language::Korean => "ko",
            Language::Other => "und",
        }
    }

    /// The language of a BCP 47 tag, read leniently: `zh-TW`, `zh_Hant_HK`, `en-US`. Chinese is Traditional unless the
    /// tag contains Hans, CN or SG.
    pub fn from_tag(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase().replace('_', "-");
        let has = |part: &str| tag.split('-').any(|p| p == part);
        match tag.split('-').next() {
            Some("zh") if has("hans") || has("cn") || has("sg") => Language::SimplifiedChinese,
            Some("zh" | "yue") => Language::TraditionalChinese,
            Some("en") => Language::English,
            Some("ja") => Language::Japanese,
            Some("ko") => Language::Korean,
            _ => Language::Other,
        }
    }

    /// Whether it is Chinese, in either script.
    pub fn is_chinese(self) -> bool {
        matches!(
            self,
            Language::TraditionalChinese | Language::SimplifiedChinese
        )
    }
}

/// The main language of a text.
///
/// A Han character weighs as much as two Latin words, so Chinese with product names is Chinese. The characters that
/// exist in only one script decide between the two; a text of common characters only counts as Traditional, the script
/// of most users. Latin text is English unless another language is certain.
pub fn detect(text: &str) -> Language {
    let (mut han, mut kana, mut hangul, mut latin, mut other) = (0, 0, 0, 0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        match c {
            '\u{3040}'..='\u{30FF}' => kana += 1,
            '\u{AC00}'..='\u{D7AF}' => hangul += 1,
            c if is_cjk(c) => han += 1,
            c if c.is_ascii() || ('\u{00C0}'..='\u{024F}').contains(&c) => latin += 1,
            _ => other += 1,
        }
    }
    match () {
        _ if kana * 4 > han && kana * 4 > latin && kana > 0 => Language::Japanese,
        _ if hangul > han && hangul * 4 > latin => Language::Korean,
        _ if han > 0 && han * 2 >= latin_words(text) && han >= other => script(text),
        _ if latin > 0 && latin >= other => latin_language(text),
        _ => Language::Other,
    }
}

/// Converts a Chinese text to the script of `language`; `None` unless it is in the other script. Characters change,
/// words do not.
pub fn to_script(text: &str, language: Language) -> Option<String> {
    let converted = match (language, detect(text)) {
        (Language::TraditionalChinese, Language::SimplifiedChinese) => {
            // The tables convert 发卡 to the word for a hair clip; in customer service it almost always means issuing
            // cards.
            TO_TAIWAN_CHARACTERS.convert(text).replace("髮卡", "發卡")
        }
        (Language::SimplifiedChinese, Language::TraditionalChinese) => TO_SIMPLIFIED.convert(text),
        _ => return None,
    };
    (converted != text).then_some(converted)
}

/// Converts Traditional characters to Simplified ones; words stay.
pub fn in_simplified(text: &str) -> String {
    TO_SIMPLIFIED.convert(text)
}

/// Converts a Simplified text to Traditional with the words of Taiwan.
pub(super) fn with_local_words(text: &str) -> String {
    TO_TAIWAN.convert(text)
}

fn latin_words(text: &str) -> usize {
    text.split(|c: char| !c.is_alphanumeric() || is_cjk(c))
        .filter(|word| word.chars().any(char::is_alphabetic))
        .count()
}

fn script(text: &str) -> Language {
    let changed = |to: &OpenCC| {
        let converted = to.convert(text);
        text.chars()
            .zip(converted.chars())
            .filter(|(a, b)| a != b)
            .count()
    };
    match changed(&TO_TRADITIONAL) > changed(&TO_SIMPLIFIED) {
        true => Language::SimplifiedChinese,
        false => Language::TraditionalChinese,
    }
}

fn latin_language(text: &str) -> Language {
    match whatlang::detect(text) {
        Some(info)
            if info.lang() != whatlang::Lang::Eng && info.is_reliable() && text.len() > 40 =>
        {
            Language::Other
        }
        _ => Language::English,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_and_script_are_detected() {
        use Language::*;
        for (text, expected) in [
            ("請問怎麼退貨？", TraditionalChinese),
            ("请问怎么退货？", SimplifiedChinese),
            ("LumiBuds Pro 2 點樣 reset", TraditionalChinese),
            ("你好", TraditionalChinese),
            ("What does 退貨 mean in this context, please?", English),
            ("How do I return this?", English),
            ("refund", English),
            ("返品はできますか", Japanese),
            ("반품할 수 있나요", Korean),
            (
                "¿Cómo puedo devolver un producto que compré la semana pasada en la tienda?",
                Other,
            ),
            ("12345", Other),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }

    #[test]
    fn script_conversion_changes_characters_not_words() {
        use Language::*;
        for (text, language, expected) in [
            (
                "登录线上装置的账号",
                TraditionalChinese,
                Some("登錄線上裝置的賬號"),
            ),
            (
                "以发卡行账单日为准，里面的面包",
                TraditionalChinese,
                Some("以發卡行賬單日為準，裡面的麵包"),
            ),
            (
                "到線上後台的帳號",
                SimplifiedChinese,
                Some("到线上后台的帐号"),
            ),
            ("到線上後台的帳號", TraditionalChinese, None),
        ] {
            assert_eq!(to_script(text, language).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn language_tag_parsing_is_lenient() {
        for (tag, expected) in [
            ("zh-TW", "zh-Hant"),
            ("zh_cn", "zh-Hans"),
            ("en-US", "en"),
            ("xx", "und"),
        ] {
            assert_eq!(Language::from_tag(tag).tag(), expected, "{tag}");
        }
    }
}
