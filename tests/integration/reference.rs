//! The pages in `docs/reference/` list the routes, commands and settings of the program.
//! `KEN_UPDATE_REFERENCE=1` writes the pages.

use std::fmt::Write;
use std::process::Command;

use ken_base::config::reference::{FieldDocs, sections};

use crate::support::{TestApp, root};

const BEGIN: &str =
    "<!-- generated: KEN_UPDATE_REFERENCE=1 cargo test --test integration reference:: -->\n";
const END: &str = "<!-- end of what is generated -->\n";

/// Compares what stands between the two marks of a page, or writes it.
fn check(page: &str, generated: &str) {
    let path = root().join("docs/reference").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has the first mark");
    let (held, after) = rest.split_once(END).expect("the page has the second mark");
    if std::env::var_os("KEN_UPDATE_REFERENCE").is_some() {
        let text = format!("{before}{BEGIN}{generated}{END}{after}");
        std::fs::write(&path, text).unwrap();
        return;
    }
    let differs = held.lines().zip(generated.lines()).find(|(a, b)| a != b);
    assert!(
        held == generated,
        "docs/reference/{page} is out of date; run it with KEN_UPDATE_REFERENCE=1. First difference: {differs:?}"
    );
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|")
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_page_matches_openapi() {
    let app = TestApp::start().await;
    let (_, document) = app.get("/openapi.json").await;
    app.stop().await;
    let mut by_tag: Vec<(String, Vec<String>)> = Vec::new();
    let paths = document["paths"].as_object().unwrap();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            let tag = operation["tags"][0].as_str().unwrap_or("service");
            let summary = operation["summary"].as_str();
            let summary = summary
                .or(operation["description"].as_str())
                .unwrap_or_default();
            let row = format!(
                "| `{} {path}` | {} |\n",
                method.to_uppercase(),
                cell(summary)
            );
            match by_tag.iter_mut().find(|(known, _)| known == tag) {
                Some((_, rows)) => rows.push(row),
                None => by_tag.push((tag.to_owned(), vec![row])),
            }
        }
    }
    by_tag.sort();
    let mut page = String::new();
    for (tag, rows) in by_tag {
        write!(
            page,
            "\n## {tag}\n\n| Route | Purpose |\n|---|---|\n{}",
            rows.concat()
        )
        .unwrap();
    }
    page.push('\n');
    check("routes.md", &page);
}

/// The help of a command and those below it.
fn help(of: &[String], page: &mut String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ken"));
    let output = command.args(of).arg("--help").output().unwrap();
    assert!(output.status.success(), "{of:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let name = ["ken".to_owned()]
        .iter()
        .chain(of)
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    write!(
        page,
        "\n## {name}\n\n```text\n{}\n```\n",
        text.join("\n").trim()
    )
    .unwrap();
    let listed = text.iter().skip_while(|line| **line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        // A wrapped line of a description begins further to the right.
        let Some(entry) = line
            .strip_prefix("  ")
            .filter(|entry| !entry.starts_with(' '))
        else {
            continue;
        };
        let below = entry.split_whitespace().next().unwrap();
        if below != "help" {
            help(&[of, &[below.to_owned()]].concat(), page);
        }
    }
}

#[test]
fn commands_page_matches_help() {
    let mut page = String::new();
    help(&[], &mut page);
    page.push('\n');
    check("commands.md", &page);
}

/// The documented settings, section by section.
fn settings() -> String {
    let mut page = String::new();
    for section in sections() {
        let is_listed = |field: &&FieldDocs| {
            let marks = ["`KEN_", "File only.", "o setting."];
            marks.iter().any(|mark| field.text.contains(mark))
        };
        let rows = section.fields.iter().filter(is_listed);
        let rows: String = rows
            .map(|field| format!("| `{}` | {} |\n", field.name, cell(&field.text)))
            .collect();
        if !rows.is_empty() {
            let title = section.title;
            write!(page, "\n## {title}\n\n| Key | Meaning |\n|---|---|\n{rows}").unwrap();
        }
    }
    page.push('\n');
    page
}

#[test]
fn settings_page_matches_the_source() {
    let page = settings();
    assert!(page.matches("| `").count() > 40, "{page}");
    check("settings.md", &page);
}

/// The anchor that a heading has on a rendered page: small letters, digits and hyphens for spaces.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let letters = heading.chars().filter_map(|c| match c {
        ' ' | '-' => Some('-'),
        '_' => Some('_'),
        c => c.is_alphanumeric().then_some(c),
    });
    letters.collect()
}

#[test]
fn links_between_documents_resolve() {
    let mut broken = Vec::new();
    let (mut n_links, pages) = (0, ["docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"]);
    let entries = pages
        .iter()
        .flat_map(|page| ignore::Walk::new(root().join(page)).flatten());
    for entry in entries {
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://")
                || link.starts_with("mailto:")
                || link.contains(char::is_whitespace)
            {
                continue;
            }
            n_links += 1;
            let (file, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.to_owned(),
                file => path.parent().unwrap().join(file),
            };
            let is_there = match wanted {
                "" => target.exists(),
                wanted => std::fs::read_to_string(&target).is_ok_and(|text| {
                    let headings = text.lines().filter(|line| line.starts_with('#'));
                    headings.map(anchor).any(|anchor| anchor == wanted)
                }),
            };
            if !is_there {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(n_links > 50, "{n_links} links");
    assert!(broken.is_empty(), "{broken:#?}");
}
