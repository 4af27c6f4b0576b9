//! HTML of mails as text, in which quoted mails begin with `> `. Pure.
//!
//! The marks of quoted mails are rows of `data/marks.tsv`. Anything else of HTML that a mail needs is small: lines, spaces,
//! entities, and elements that are never shown.

use mail_parser::decoders::html::html_to_text;

use crate::quotes::marks;

/// Elements that begin and end a line.
const BLOCKS: [&str; 22] = [
    "p",
    "div",
    "tr",
    "li",
    "ul",
    "ol",
    "table",
    "blockquote",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "pre",
    "section",
    "article",
    "header",
    "footer",
    "center",
    "dd",
];
/// Elements whose content is never shown.
const HIDDEN: [&str; 6] = ["head", "style", "script", "template", "title", "noscript"];
/// Elements that have no end.
const VOID: [&str; 8] = ["br", "hr", "img", "meta", "link", "input", "col", "wbr"];
/// The longest HTML that is read, in bytes.
const MAX: usize = 4 << 20;

/// The text of HTML. Lines of quoted mails begin with `> `.
pub fn text_of(html: &str) -> String {
    let mut end = html.len().min(MAX);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let mut page = Page::default();
    let mut rest = &html[..end];
    while let Some(at) = rest.find('<') {
        page.text(&rest[..at]);
        rest = page.markup(&rest[at..]);
    }
    page.text(rest);
    page.break_line();
    page.lines.join("\n").trim().to_owned()
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    line: String,
    /// The element that is being left out, and how many of its name are open.
    hidden: Option<(String, usize)>,
    /// The element that quotes a mail, and how many of its name are open. `usize::MAX`: to the end.
    quoted: Option<(String, usize)>,
}

impl Page {
    fn text(&mut self, run: &str) {
        if self.hidden.is_some() || run.is_empty() {
            return;
        }
        let is_space = |c: char| c.is_whitespace() && c != '\u{a0}';
        if run.starts_with(is_space) && !self.line.is_empty() && !self.line.ends_with(' ') {
            self.line.push(' ');
        }
        let words: Vec<&str> = run
            .split(is_space)
            .filter(|word| !word.is_empty())
            .collect();
        let words = words.join(" ");
        match words.contains('&') {
            true => self
                .line
                .push_str(&html_to_text(&words.replace('>', "&gt;"))),
            false => self.line.push_str(&words),
        }
        if run.ends_with(is_space) && !words.is_empty() {
            self.line.push(' ');
        }
    }

    /// Ends the line, if there is anything in it.
    fn break_line(&mut self) {
        let line = self.line.replace('\u{a0}', " ");
        if !line.trim().is_empty() {
            self.push(line.trim());
        }
        self.line.clear();
    }

    fn push(&mut self, line: &str) {
        let mark = if self.quoted.is_some() { "> " } else { "" };
        self.lines
            .push(format!("{mark}{line}").trim_end().to_owned());
    }

    /// Reads a tag or a comment; returns the rest behind it.
    fn markup<'a>(&mut self, at: &'a str) -> &'a str {
        if let Some(comment) = at.strip_prefix("<!--") {
            return comment.find("-->").map_or("", |end| &comment[end + 3..]);
        }
        let inner = &at[1..];
        let is_tag =
            inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !is_tag {
            self.text("&lt;");
            return inner;
        }
        let Some(end) = inner.find('>') else {
            return "";
        };
        let tag = inner[..end].to_ascii_lowercase();
        let is_end = tag.starts_with('/');
        let tag = tag.trim_matches('/');
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next();
        self.tag(name.unwrap_or_default(), tag, is_end);
        &inner[end + 1..]
    }

    fn tag(&mut self, name: &str, tag: &str, is_end: bool) {
        let is_void = VOID.contains(&name);
        if closes(&mut self.hidden, name, is_end) || self.hidden.is_some() {
            return;
        }
        if HIDDEN.contains(&name) && !is_end {
            self.hidden = Some((name.to_owned(), 1));
            return;
        }
        if name == "br" {
            let line = std::mem::take(&mut self.line).replace('\u{a0}', " ");
            self.push(line.trim());
        }
        if BLOCKS.contains(&name) {
            self.break_line();
        }
        if matches!(name, "td" | "th") && is_end {
            self.line.push(' ');
        }
        if closes(&mut self.quoted, name, is_end)
            || self.quoted.is_some()
            || is_end
            || is_void && name != "hr"
        {
            return;
        }
        let has = |words: &str| words.split(' ').all(|word| holds(tag, word));
        if marks("html").any(|(words, _)| has(words)) {
            self.break_line();
            self.quoted = Some((name.to_owned(), 1));
        } else if marks("html-rest").any(|(words, _)| has(words)) {
            self.break_line();
            self.quoted = Some((name.to_owned(), usize::MAX));
        }
    }
}

/// Whether a tag holds a word, not as a part of another word.
fn holds(tag: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    tag.match_indices(word).any(|(at, _)| {
        !tag[..at].ends_with(is_part) && !tag[at + word.len()..].starts_with(is_part)
    })
}

/// Counts the tags of an open element's name; whether this one ended it.
fn closes(open: &mut Option<(String, usize)>, name: &str, is_end: bool) -> bool {
    let Some((known, depth)) = open else {
        return false;
    };
    if known != name || *depth == usize::MAX {
        return false;
    }
    match is_end {
        true => *depth -= 1,
        false => *depth += 1,
    }
    if *depth == 0 {
        *open = None;
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_lines_without_hidden_parts() {
        for (html, text) in [
            ("<p>一</p>\n<p>二</p>", "一\n二"),
            ("a  b\n c<br>d", "a b c\nd"),
            ("<b>bold</b> and <i>more</i>", "bold and more"),
            ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &#20320;", "1 < 2 && 3 > 2 你"),
            ("5 < 6 and 7 > 6", "5 < 6 and 7 > 6"),
            (
                "<style>p { color: red }</style><script>x < y</script>text",
                "text",
            ),
            ("<!-- <p>no</p> -->yes", "yes"),
            (
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
                "a b\nc",
            ),
            ("&nbsp;<div>x&nbsp;y</div>", "x y"),
            ("<a href=\"https://x.example/?a>b\">link</a>", "b\">link"),
            ("unfinished <a href", "unfinished"),
        ] {
            assert_eq!(text_of(html), text, "{html}");
        }
    }

    #[test]
    fn every_html_mark_quotes_its_element() {
        for kind in ["html", "html-rest"] {
            let mut rows = 0;
            for (words, _) in marks(kind) {
                rows += 1;
                let mut words = words.split(' ');
                let (name, attribute) = (words.next().unwrap(), words.next().unwrap());
                let html = format!(
                    "<p>own</p><{name} id=\"{attribute}\"><{name}>old</{name}></{name}><p>after</p>"
                );
                let after = if kind == "html" { "after" } else { "> after" };
                assert_eq!(text_of(&html), format!("own\n> old\n{after}"), "{html}");
                let other = format!("<p>own</p><{name} id=\"x{attribute}\">old</{name}>");
                assert_eq!(text_of(&other), "own\nold", "{other}");
            }
            assert!(rows > 0, "{kind}");
        }
    }
}
