//! The number of phrases listed in `tools/ci/odd-words.tsv` only falls.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::root;

/// The highest allowed count. Lower it with each change that removes some.
const LIMIT: usize = 364;
/// The highest distance of the count below the limit.
const SLACK: usize = 10;

/// Places that are checked. Applied migrations do not change.
const PLACES: [&str; 10] = [
    "src",
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
fn odd_word_count_stays_below_limit() {
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
    let n_found: usize = found.values().map(Vec::len).sum();
    let all = || {
        let words = found.iter().map(|(odd, places)| {
            let (_, terms) = rows.iter().find(|(word, _)| word == odd).unwrap();
            format!(
                "{odd} ({terms}): {} times, as in {}",
                places.len(),
                places[0]
            )
        });
        words.collect::<Vec<_>>().join("\n")
    };
    assert!(
        n_found <= LIMIT,
        "{n_found} odd words, {LIMIT} allowed\n{}",
        all()
    );
    assert!(
        n_found + SLACK >= LIMIT,
        "only {n_found} odd words are left: lower LIMIT"
    );
}
