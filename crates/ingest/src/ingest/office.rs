//! Word documents and presentations (Office Open XML): packages, their parts, and common elements.

mod docx;
mod numbering;
mod pptx;

use std::collections::HashMap;
use std::io::{Cursor, Read};

use roxmltree::{Document, Node, ParsingOptions};
use zip::ZipArchive;

use super::writer::{Writer, one_line};
use super::{BlockKind, Extracted, IngestError};

/// The deepest nesting of elements; no document written by a person has more.
const MAX_DEPTH: usize = 120;
/// The deepest nesting of tables in cells. Deeper ones are layout, or hostile, and are skipped.
const MAX_NESTED: usize = 4;
/// The most elements and texts of one part.
const MAX_NODES: u32 = 20_000_000;
/// The text between the namespace's name and its parts' names in files of the strict variant.
const OFFICE_RELATION: &str = "/relationships/officeDocument";

/// Reads a DOCX or PPTX file. Skips running headers and footers, comments and hidden slides. A slide is a page, its
/// title is a heading, and its speaker's notes follow its text.
///
/// # Errors
/// [`IngestError::Damaged`] if a part is missing or not XML; [`IngestError::TooDeep`] if elements are nested too
/// deeply.
pub fn extract(bytes: &[u8], format: &'static str) -> Result<Extracted, IngestError> {
    let mut package = Package::open(bytes, format)?;
    let main = package
        .relations("")?
        .into_values()
        .find(|relation| relation.kind.ends_with(OFFICE_RELATION))
        .ok_or_else(|| IngestError::damaged(format, "missing main part"))?
        .target;
    let mut writer = Writer::default();
    match format {
        "PPTX" => pptx::write(&mut writer, &mut package, &main)?,
        _ => docx::write(&mut writer, &mut package, &main)?,
    }
    let mut extracted = writer.finish();
    let has_heading = extracted
        .blocks
        .iter()
        .any(|block| block.kind == BlockKind::Heading(1));
    if !has_heading {
        extracted.title = package.title();
    }
    Ok(extracted)
}

/// The parts of a package by name.
struct Package<'a> {
    format: &'static str,
    archive: ZipArchive<Cursor<&'a [u8]>>,
}

/// A relationship from one part to another.
struct Relationship {
    kind: String,
    /// A part's name, or an address if it is external.
    target: String,
    is_external: bool,
}

impl<'a> Package<'a> {
    fn open(bytes: &'a [u8], format: &'static str) -> Result<Self, IngestError> {
        let archive = ZipArchive::new(Cursor::new(bytes));
        Ok(Self {
            format,
            archive: archive.map_err(|error| IngestError::damaged(format, error))?,
        })
    }

    /// Returns the text of a part, or `None` if there is no such part.
    fn part(&mut self, name: &str) -> Result<Option<String>, IngestError> {
        let damaged = |detail: String| IngestError::damaged(self.format, detail);
        let Ok(mut file) = self.archive.by_name(name) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| damaged(format!("{name}: {error}")))?;
        let (text, encoding, _) = encoding_rs::UTF_8.decode(&bytes);
        let text = match encoding == encoding_rs::UTF_8 {
            true => text.into_owned(),
            false => encoding.decode(&bytes).0.into_owned(),
        };
        Ok(Some(text))
    }

    fn needed(&mut self, name: &str) -> Result<String, IngestError> {
        let missing = IngestError::damaged(self.format, format!("missing {name}"));
        self.part(name)?.ok_or(missing)
    }

    /// Returns the relationships of a part by id; those of the package for an empty name.
    fn relations(&mut self, part: &str) -> Result<HashMap<String, Relationship>, IngestError> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let name = match folder {
            "" => format!("_rels/{file}.rels"),
            folder => format!("{folder}/_rels/{file}.rels"),
        };
        let Some(xml) = self.part(&name)? else {
            return Ok(HashMap::new());
        };
        let document = parsed(&xml, self.format)?;
        let relation = |node: Node| {
            let target = node.attribute("Target")?;
            let is_external = node.attribute("TargetMode") == Some("External");
            let relation = Relationship {
                kind: node.attribute("Type")?.to_owned(),
                target: match is_external {
                    true => target.to_owned(),
                    false => resolved(folder, target),
                },
                is_external,
            };
            Some((node.attribute("Id")?.to_owned(), relation))
        };
        let children = document.root_element().children();
        Ok(children.filter_map(relation).collect())
    }

    /// Returns the title in the package's properties, unless it is a word processor's default.
    fn title(&mut self) -> Option<String> {
        let xml = self.part("docProps/core.xml").ok()??;
        let document = parsed(&xml, self.format).ok()?;
        let title = document.descendants().find(|node| is(*node, "title"))?;
        let title = one_line(title.text()?);
        let is_named =
            !title.is_empty() && !title.starts_with("PowerPoint ") && title != "Word Document";
        is_named.then_some(title)
    }
}

/// Resolves a reference to a part from a part in `folder`.
fn resolved(folder: &str, target: &str) -> String {
    let mut path: Vec<&str> = match target.starts_with('/') {
        true => Vec::new(),
        false => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.join("/")
}

fn parsed<'x>(xml: &'x str, format: &'static str) -> Result<Document<'x>, IngestError> {
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(xml, options).map_err(|error| IngestError::damaged(format, error))
}

/// Returns whether an element has this name in any namespace: strict files have others.
fn is(node: Node, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn child<'a, 'x>(node: Node<'a, 'x>, name: &str) -> Option<Node<'a, 'x>> {
    node.children().find(|child| is(*child, name))
}

/// Returns an attribute by its name in any namespace.
fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.name() == name)
        .map(|attribute| attribute.value())
}

/// Returns the `val` attribute of a child, for example `w:val`.
fn value<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    attribute(child(node, name)?, "val")
}

/// Returns whether a property is switched on; `None` if it is missing.
fn switch(properties: Node, name: &str) -> Option<bool> {
    let property = child(properties, name)?;
    Some(!matches!(
        attribute(property, "val"),
        Some("0" | "false" | "off" | "none")
    ))
}

/// Writes a formula on one line: its parts in order, fractions with a slash, raised powers.
fn formula(node: Node, out: &mut String, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let part = |name: &str| {
        let mut line = String::new();
        if let Some(part) = child(node, name) {
            formula(part, &mut line, depth + 1);
        }
        line
    };
    let grouped = |line: String| match line.chars().count() > 1
        && line.chars().any(|c| "+-×÷*/−＋－".contains(c))
    {
        true => format!("({line})"),
        false => line,
    };
    match node.tag_name().name() {
        "t" => out.push_str(node.text().unwrap_or_default()),
        "f" => {
            let (above, below) = (grouped(part("num")), grouped(part("den")));
            out.push_str(&format!("{above}/{below}"));
        }
        "sSup" => {
            let above = part("sup");
            let moved = super::writer::raised(&above);
            out.push_str(&part("e"));
            match moved == above {
                true => out.push_str(&format!("^{}", grouped(above))),
                false => out.push_str(&moved),
            }
        }
        "sSub" => {
            out.push_str(&part("e"));
            out.push_str(&super::writer::lowered(&part("sub")));
        }
        "rad" => {
            let degree = part("deg");
            out.push_str(&super::writer::raised(&degree));
            out.push_str(&format!("√{}", grouped(part("e"))));
        }
        "d" => {
            let properties = child(node, "dPr");
            let sign = |name, usual| properties.and_then(|p| value(p, name)).unwrap_or(usual);
            let inner: Vec<String> = node
                .children()
                .filter(|child| is(*child, "e"))
                .map(|e| {
                    let mut line = String::new();
                    formula(e, &mut line, depth + 1);
                    line
                })
                .collect();
            out.push_str(&format!(
                "{}{}{}",
                sign("begChr", "("),
                inner.join(", "),
                sign("endChr", ")")
            ));
        }
        "nary" => {
            let sign = child(node, "naryPr").and_then(|p| value(p, "chr"));
            out.push_str(sign.unwrap_or("∫"));
            let (from, to) = (part("sub"), part("sup"));
            if !from.is_empty() || !to.is_empty() {
                out.push_str(&format!("({from}…{to})"));
            }
            out.push_str(&part("e"));
        }
        name if name.ends_with("Pr") => {}
        _ => {
            for child in node.children() {
                formula(child, out, depth + 1);
            }
        }
    }
}

/// Returns the texts of a diagram (SmartArt), in the order of its data.
fn diagram(package: &mut Package, part: &str) -> Result<Vec<String>, IngestError> {
    let Some(xml) = package.part(part)? else {
        return Ok(Vec::new());
    };
    let document = parsed(&xml, package.format)?;
    let points = document.descendants().filter(|node| is(*node, "pt"));
    let texts = points.map(|point| {
        let texts = point.descendants().filter(|node| is(*node, "t"));
        one_line(&texts.filter_map(|t| t.text()).collect::<String>())
    });
    Ok(texts.filter(|text| !text.is_empty()).collect())
}

/// Ends every open list.
fn end_lists(writer: &mut Writer) {
    while writer.in_list() {
        writer.end_list();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_part_target_is_resolved_against_folder() {
        for (folder, target, expected) in [
            ("word", "media/a.png", "word/media/a.png"),
            (
                "ppt/slides",
                "../notesSlides/n1.xml",
                "ppt/notesSlides/n1.xml",
            ),
            ("", "word/document.xml", "word/document.xml"),
            ("word", "/word/styles.xml", "word/styles.xml"),
            ("", "../../x", "x"),
        ] {
            assert_eq!(resolved(folder, target), expected, "{folder} {target}");
        }
    }

    #[test]
    fn office_formula_is_rendered_on_one_line() {
        let line = |xml: &str| {
            let document = Document::parse(xml).unwrap();
            let mut line = String::new();
            formula(document.root_element(), &mut line, 0);
            line
        };
        let r = |text: &str| format!("<r><t>{text}</t></r>");
        let fraction = format!(
            "<oMath><f><num>{}</num><den>{}</den></f>{}</oMath>",
            r("月費+手續費"),
            r("2"),
            r("×3")
        );
        assert_eq!(line(&fraction), "(月費+手續費)/2×3");
        let power = format!(
            "<oMath><sSup><e>{}</e><sup>{}</sup></sSup><sSup><e>{}</e><sup>{}</sup></sSup></oMath>",
            r("10"),
            r("6"),
            r("x"),
            r("k")
        );
        assert_eq!(line(&power), "10⁶x^k");
    }
}
