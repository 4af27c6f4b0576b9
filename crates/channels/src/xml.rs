//! The little XML that WeChat and Twilio use: one element with fields, and texts in elements.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// The most fields that are read.
const MAX_FIELDS: usize = 64;

/// The texts of the elements directly within the outermost one, by their names. Elements below them are skipped, entities
/// other than the predefined ones and document types are refused.
///
/// # Errors
/// Why it is not such a document.
pub fn fields(document: &str) -> Result<BTreeMap<String, String>, String> {
    let mut reader = Reader::from_str(document);
    let (mut found, mut path) = (BTreeMap::new(), Vec::<String>::new());
    let mut is_over = false;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        let text = match event {
            Event::Start(start) if !is_over => {
                path.push(start.name().as_ref().to_owned());
                if path.len() == 2 {
                    found.insert(path[1].clone(), String::new());
                }
                String::new()
            }
            Event::End(_) => {
                path.pop();
                is_over = path.is_empty();
                String::new()
            }
            Event::Text(text) => text.xml10_content().into_owned(),
            Event::CData(text) => text.xml10_content().into_owned(),
            Event::GeneralRef(name) => entity(&name).ok_or("an unknown entity")?,
            Event::Empty(_) if path.is_empty() => return Err("no fields".to_owned()),
            Event::Empty(_) | Event::Decl(_) | Event::Comment(_) | Event::PI(_) => String::new(),
            Event::Eof if is_over => return Ok(found),
            Event::Eof => return Err("the document ends early".to_owned()),
            Event::Start(_) => return Err("two documents".to_owned()),
            Event::DocType(_) => return Err("a document type".to_owned()),
        };
        if found.len() > MAX_FIELDS {
            return Err(format!("more than {MAX_FIELDS} fields"));
        }
        match &path[..] {
            [_, name] => found.entry(name.clone()).or_default().push_str(&text),
            [] if !text.trim().is_empty() => return Err("text outside".to_owned()),
            _ => {}
        }
    }
}

/// The character of a reference such as `lt`, `#60` or `#x3c`.
fn entity(name: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    match name.resolve_char_ref().ok()? {
        Some(letter) => Some(letter.to_string()),
        None => resolve_predefined_entity(name).map(str::to_owned),
    }
}

/// A text as it stands in an element or an attribute. Characters that XML cannot hold are left out.
#[cfg(test)]
pub fn escaped(text: &str) -> String {
    let text: String = text.chars().filter(|c| is_allowed(*c)).collect();
    quick_xml::escape::escape(&text).into_owned()
}

/// A text in a CDATA section. Characters that XML cannot hold are left out.
pub fn cdata(text: &str) -> String {
    let text: String = text.chars().filter(|c| is_allowed(*c)).collect();
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

/// XML 1.0, production `Char`.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_nested_ones_skipped() {
        let document =
            "<xml><A><![CDATA[一<b>]]></A>\n<B>1 &lt; 2 &#38; 3</B><C><D>x</D></C></xml>";
        let found = fields(document).unwrap();
        assert_eq!(found["A"], "一<b>");
        assert_eq!(found["B"], "1 < 2 & 3");
        assert_eq!(found["C"], "");
        assert!(!found.contains_key("D"));
    }

    #[test]
    fn documents_with_more_than_fields_are_refused() {
        for document in [
            "",
            "x",
            "<xml>",
            "<xml/>",
            "<xml></other>",
            "<xml></xml><xml></xml>",
            "<xml><A>&x;</A></xml>",
            "<!DOCTYPE x [<!ENTITY x 'y'>]><xml><A>&x;</A></xml>",
        ] {
            assert!(fields(document).is_err(), "{document}");
        }
        let many: String = (0..100).map(|n| format!("<A{n}>x</A{n}>")).collect();
        assert!(fields(&format!("<xml>{many}</xml>")).is_err());
    }

    #[test]
    fn text_survives_the_way_out_and_in() {
        for text in ["a ]]> b", "<&\"'>", "\u{0}\u{8}一\u{ffff}"] {
            let kept: String = text.chars().filter(|c| is_allowed(*c)).collect();
            for written in [cdata(text), escaped(text)] {
                let found = fields(&format!("<xml><A>{written}</A></xml>")).unwrap();
                assert_eq!(found["A"], kept);
            }
        }
    }
}
