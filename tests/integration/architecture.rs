//! The map in src/lib.rs against the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::root;

/// The binary, which may name everything.
const OUTERMOST: [&str; 3] = ["cli", "lib", "main"];

/// The lines of the map: the modules of one line do not name each other, nor those of a line below.
fn map() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches("//!").trim());
    let block = lines.skip_while(|line| *line != "```text").skip(1);
    let block = block.take_while(|line| *line != "```");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    block.map(words).collect()
}

/// What each module names of the others, but in its tests.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let source = root().join("src");
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs")
            {
                let module = module_of(path.strip_prefix(&source).unwrap());
                let found = named.entry(module.clone()).or_default();
                found.extend(crate_names(&std::fs::read_to_string(&path).unwrap()));
                found.remove(&module);
            }
        }
    }
    named.retain(|module, _| !OUTERMOST.contains(&module.as_str()));
    named
}

fn module_of(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str();
    first.to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The modules after `crate::` in a file, without comments and tests.
fn crate_names(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let named = lines.flat_map(|line| line.split("crate::").skip(1).map(str::to_owned));
    let name = |rest: String| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    named.map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn modules_name_only_those_above_them_in_the_map() {
    let map = map();
    let listed: Vec<&String> = map.iter().flatten().collect();
    let named = named();
    let modules: BTreeSet<&String> = named.keys().collect();
    assert_eq!(
        listed.iter().copied().collect::<BTreeSet<_>>(),
        modules,
        "the map lists every module"
    );
    assert_eq!(listed.len(), modules.len(), "each of them once");
    assert!(named["answer"].contains("retrieve"), "the sources are read");
    let line_of = |module: &String| map.iter().position(|line| line.contains(module));
    for (module, others) in &named {
        for other in others {
            assert!(
                line_of(other) < line_of(module),
                "{module} names {other}, which is not above it in the map of src/lib.rs"
            );
        }
    }
}

/// Where documents are recorded without the gate: the gate itself, what it tries changes out with, and what measures in a
/// store of its own.
const RECORDS: [&str; 4] = [
    "src/editing/gate.rs",
    "src/editing/impact.rs",
    "src/eval.rs",
    "src/bench.rs",
];

#[test]
fn knowledge_is_recorded_through_the_gate_alone() {
    let mut found = BTreeSet::new();
    for entry in ignore::Walk::new(root().join("src")).flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if !name.ends_with(".rs") || name.starts_with("src/store") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: String = code.split_whitespace().collect();
        if ["store.record(", "record_if(", "Store::record("]
            .iter()
            .any(|call| code.contains(call))
        {
            found.insert(name);
        }
    }
    assert_eq!(found, BTreeSet::from(RECORDS.map(str::to_owned)));
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn walks_of_the_architecture_name_what_exists() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let walks = page.split("\n## ").skip(1);
    for walk in walks {
        let rows = walk.lines().filter(|line| line.starts_with("| "));
        let rows: Vec<Vec<&str>> = rows
            .map(|line| line.split('|').map(str::trim).collect())
            .filter(|cells: &Vec<&str>| cells[1].parse::<u8>().is_ok())
            .collect();
        assert!(
            (5..=15).contains(&rows.len()),
            "a section of 5 to 15 steps: {walk}"
        );
        for cells in rows {
            let sources: String = quoted(cells[4])
                .iter()
                .map(|file| std::fs::read_to_string(root().join(file)).expect(file))
                .collect();
            for function in quoted(cells[3]) {
                let is_there = sources.contains(&format!("fn {function}("))
                    || sources.contains(&format!("fn {function}<"));
                assert!(is_there, "{function} is not in {}", cells[4]);
            }
        }
    }
}
