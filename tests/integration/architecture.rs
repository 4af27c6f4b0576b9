//! The map in src/lib.rs and the table in docs/concepts/architecture.md match the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::support::root;

/// The binaries and the roots of crates, which may name everything that is linked to them.
const OUTERMOST: [&str; 4] = ["cli", "lib", "main", "read"];

/// The lines of a block of the map, each as its words.
fn block(title: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines = text
        .lines()
        .map(|line| line.trim_start_matches("//!").trim());
    let block = lines.skip_while(|line| *line != title);
    let block = block.skip_while(|line| *line != "```text").skip(1);
    let block = block.take_while(|line| *line != "```");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    block.map(words).collect()
}

/// What each module names of the others, of its own crate and of those below, but in its tests.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path().join("src"));
    for source in crates.chain([root().join("src")]) {
        for entry in ignore::Walk::new(&source).flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let module = module_of(path.strip_prefix(&source).unwrap());
                let found = named.entry(module.clone()).or_default();
                found.extend(names_in(&std::fs::read_to_string(path).unwrap()));
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

/// The modules after `crate::` and `ken_…::` in a file, without comments and tests.
fn names_in(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    let words =
        lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':'));
    let module = |word: &str| {
        let (first, rest) = word.split_once("::")?;
        let is_ours = first == "crate" || first.starts_with("ken_");
        let name = rest.split("::").next().unwrap_or_default();
        (is_ours && !name.is_empty()).then(|| name.to_owned())
    };
    words.filter_map(module).collect()
}

#[test]
fn module_dependencies_follow_map_order() {
    let map = block("## Modules");
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

/// What cargo knows: each crate of ours and those of ours that it is linked to.
fn crates() -> BTreeMap<String, BTreeSet<String>> {
    let said = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--offline",
            "--no-deps",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let short = |name: &serde_json::Value| {
        let name = name.as_str().unwrap();
        name.trim_start_matches("ken-").to_owned()
    };
    let mut crates = BTreeMap::new();
    for package in said["packages"].as_array().unwrap() {
        let needed = package["dependencies"].as_array().unwrap();
        let ours = needed
            .iter()
            .filter(|one| one["name"].as_str().unwrap().starts_with("ken-"));
        let ours = ours.map(|one| short(&one["name"])).collect();
        crates.insert(short(&package["name"]), ours);
    }
    crates
}

#[test]
fn crate_dependencies_match_map() {
    let map = block("## Crates").into_iter().map(|line| {
        let (name, needs) = line.split_first().unwrap();
        (name.clone(), needs.iter().cloned().collect())
    });
    assert_eq!(map.collect::<BTreeMap<_, BTreeSet<_>>>(), crates());
}

#[test]
fn heavy_dependency_is_confined_to_one_crate() {
    for (crate_of, dependency) in [
        ("store", "sqlx"),
        ("search", "tantivy"),
        ("search", "usearch"),
        ("search", "fastembed"),
        ("search", "ort"),
        ("search", "qdrant-client"),
        ("ingest", "pdfium-render"),
        ("ingest", "calamine"),
    ] {
        for entry in std::fs::read_dir(root().join("crates")).unwrap() {
            let folder = entry.unwrap().path();
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
            let needed = manifest.split("[dev-dependencies]").next().unwrap();
            let has_it = needed.contains(&format!("\n{dependency}.workspace"));
            assert_eq!(
                has_it,
                folder.ends_with(crate_of),
                "{dependency} in {folder:?}"
            );
        }
    }
}

/// `ken-read` meets files of strangers: what it does not hold cannot be reached through them.
#[test]
fn file_reader_links_neither_store_nor_models() {
    let ken = Path::new(env!("CARGO_BIN_EXE_ken"));
    let holds = |program: &Path, what: &[u8]| {
        let bytes = std::fs::read(program).unwrap();
        bytes.windows(what.len()).any(|part| part == what)
    };
    for what in [&b"SQLite format 3"[..], b"OrtGetApiBase"] {
        assert!(holds(ken, what));
        assert!(!holds(&ken.with_file_name("ken-read"), what));
    }
}

/// Where documents are recorded without the gate: the gate itself, what it tries changes out with, and what measures in a
/// store of its own.
const RECORDS: [&str; 3] = [
    "crates/knowledge/src/editing/gate.rs",
    "src/eval.rs",
    "src/bench.rs",
];

#[test]
fn store_writes_are_confined_to_listed_modules() {
    let mut found = BTreeSet::new();
    let everywhere = ignore::WalkBuilder::new(root().join("src"))
        .add(root().join("crates"))
        .build();
    for entry in everywhere.flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if !name.ends_with(".rs") || name.starts_with("crates/store/") {
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
fn architecture_page_names_existing_functions() {
    let page = std::fs::read_to_string(root().join("docs/concepts/architecture.md")).unwrap();
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
