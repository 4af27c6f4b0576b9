//! The fuzz targets on their seeds, on recorded findings and on mutations of both: the short form of `make fuzz`.

#[path = "../../fuzz/targets.rs"]
#[expect(dead_code, reason = "the rest is for the fuzzer")]
mod targets;

use std::path::Path;

use crate::support::root;
use targets::{TARGETS, Target};

/// Mutations of each input. Targets in third-party parsers are slow and get fewer.
const CHANGES: usize = 60;
const CHANGES_OF_OTHERS: usize = 4;

#[test]
fn fuzz_targets_pass_on_seeds_findings_and_mutations() {
    let mut random = fastrand::Rng::with_seed(7);
    for target in &TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{}", target.name);
        let n_changes = match target.is_others {
            true => CHANGES_OF_OTHERS,
            false => CHANGES,
        };
        for (name, bytes) in &inputs {
            let result = std::panic::catch_unwind(|| targets::run(target, bytes));
            assert!(result.is_ok(), "{} on {name}", target.name);
            for n in 0..n_changes {
                let other = &inputs[random.usize(..inputs.len())].1;
                let changed = changed(bytes, other, &mut random);
                let result = std::panic::catch_unwind(|| targets::run(target, &changed));
                if result.is_err() {
                    let kept = std::env::temp_dir().join(format!("ken-{}-{n}", target.name));
                    std::fs::write(&kept, &changed).unwrap();
                    panic!("{} on a change of {name}: {}", target.name, kept.display());
                }
            }
        }
    }
}

fn inputs(target: &Target) -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    let mut add = |folder: &Path, is_wanted: &dyn Fn(&str) -> bool| {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_file() && is_wanted(&name) {
                inputs.push((name, std::fs::read(&path).unwrap()));
            }
        }
    };
    add(&root().join("tests/fixtures/formats"), &|name| {
        target
            .seeds
            .iter()
            .any(|ending| name.ends_with(&format!(".{ending}")))
    });
    for folder in ["fuzz/seeds", "fuzz/regressions"] {
        add(&root().join(folder).join(target.name), &|_| true);
    }
    inputs
}

/// Removes, inserts, flips or copies some bytes.
fn changed(bytes: &[u8], other: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(..bytes.len());
        let length = random.usize(..64).min(bytes.len() - at);
        match random.u8(..6) {
            0 => bytes[at] ^= 1 << random.u8(..8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].to_vec();
                bytes.splice(at..at, piece);
            }
            4 if !other.is_empty() => {
                let from = random.usize(..other.len());
                let until = (from + length).min(other.len());
                bytes.splice(at..at + length, other[from..until].iter().copied());
            }
            _ => bytes[at] = random.u8(..),
        }
    }
    bytes
}

/// A new target has to be named in four places.
#[test]
fn fuzz_targets_are_listed_in_manifest_and_makefile() {
    let mut known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    known.sort_unstable();
    let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let mut bins: Vec<&str> = manifest
        .lines()
        .filter_map(|line| {
            line.strip_prefix("path = \"fuzz_targets/")?
                .strip_suffix(".rs\"")
        })
        .collect();
    bins.sort_unstable();
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let mut made: Vec<&str> = makefile
        .lines()
        .find_map(|line| line.strip_prefix("FUZZ := "))
        .unwrap()
        .split_whitespace()
        .collect();
    made.sort_unstable();
    assert_eq!((bins, made), (known.clone(), known));
}
