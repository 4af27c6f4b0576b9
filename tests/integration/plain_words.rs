//! No text of the project holds a phrase that `tools/ci/odd-words.tsv` lists.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::root;

/// Places that are checked. Applied migrations do not change.
const PLACES: [&str; 11] = [
    "src",
    "clients",
    "crates",
    "tests",
    "benches",
    "docs",
    "tools",
    "fuzz",
    "README.md",
    "CONTRIBUTING.md",
    "Makefile",
];
const ENDINGS: [&str; 9] = ["rs", "md", "py", "sh", "html", "js", "css", "toml", "yml"];

fn is_read(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_text = ending.is_none_or(|ending| ENDINGS.contains(&ending));
    is_text
        && !path
            .components()
            .any(|part| part.as_os_str() == "snapshots")
}

fn is_word_at(text: &str, start: usize, end: usize) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text[..start].ends_with(is_letter) && !text[end..].starts_with(is_letter)
}

#[test]
fn odd_words_are_absent() {
    let list = std::fs::read_to_string(root().join("tools/ci/odd-words.tsv")).unwrap();
    let rows = list.lines().filter(|line| !line.starts_with('#'));
    let rows: Vec<(&str, &str)> = rows.map(|row| row.split_once('\t').unwrap()).collect();
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for place in PLACES {
        for entry in ignore::Walk::new(root().join(place)).flatten() {
            let path = entry.path();
            if !path.is_file() || !is_read(path) || path.ends_with("plain_words.rs") {
                continue;
            }
            let Ok(text) = std::fs::read_to_string(path) else {
                continue;
            };
            let text = text.to_ascii_lowercase();
            let name = path.strip_prefix(root()).unwrap().display();
            for (odd, _) in &rows {
                for (at, word) in text.match_indices(odd) {
                    if is_word_at(&text, at, at + word.len()) {
                        let line = 1 + text[..at].matches('\n').count();
                        found.entry(odd).or_default().push(format!("{name}:{line}"));
                    }
                }
            }
        }
    }
    let all = found.iter().map(|(odd, places)| {
        let (_, terms) = rows.iter().find(|(word, _)| word == odd).unwrap();
        format!("{odd} (write {terms}): {}", places.join(", "))
    });
    let all: Vec<String> = all.collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}
