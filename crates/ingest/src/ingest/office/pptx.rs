//! Presentations: each slide from top to bottom, its tables by their grid, its speaker's notes.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::IngestError;
use super::super::grid::{Cell, Grid, cell_lines};
use super::super::writer::{Writer, lowered, one_line, raised};
use super::{
    MAX_DEPTH, Package, Relationship, attribute, child, diagram, end_lists, formula, is, parsed,
};

/// Shapes are side by side if their upper edges are nearer than this: half an inch, in English Metric Units.
const SAME_HEIGHT: i64 = 457_200;

/// Writes the presentation whose main part is `main`.
pub fn write(writer: &mut Writer, package: &mut Package, main: &str) -> Result<(), IngestError> {
    let xml = package.needed(main)?;
    let relations = package.relations(main)?;
    let slides: Vec<String> = {
        let document = parsed(&xml, package.format)?;
        let list = child(document.root_element(), "sldIdLst");
        let ids = list.into_iter().flat_map(|list| list.children());
        let ids = ids.filter(|node| is(*node, "sldId")).filter_map(|node| {
            // The relationship id, as opposed to the slide's own id.
            let reference = node
                .attributes()
                .find(|a| a.name() == "id" && a.namespace().is_some())?;
            Some(relations.get(reference.value())?.target.clone())
        });
        ids.collect()
    };
    let mut number = 0;
    for slide in slides {
        let Some(xml) = package.part(&slide)? else {
            continue;
        };
        let document = parsed(&xml, package.format)?;
        let root = document.root_element();
        if matches!(attribute(root, "show"), Some("0" | "false")) {
            continue;
        }
        number += 1;
        writer.page(number);
        let relations = package.relations(&slide)?;
        let mut shapes = Vec::new();
        if let Some(tree) = child(root, "cSld").and_then(|slide| child(slide, "spTree")) {
            collect(tree, (0, 0), &mut shapes, 0)?;
        }
        for shape in in_order(shapes) {
            write_shape(writer, package, &relations, &shape)?;
        }
        end_lists(writer);
        let notes = relations
            .values()
            .find(|relation| relation.kind.ends_with("/notesSlide"));
        if let Some(notes) = notes {
            write_notes(writer, package, &notes.target)?;
        }
    }
    Ok(())
}

/// A shape with content, and its upper left corner.
struct Shape<'a, 'x> {
    node: Node<'a, 'x>,
    place: Option<(i64, i64)>,
    is_title: bool,
}

fn collect<'a, 'x>(
    tree: Node<'a, 'x>,
    origin: (i64, i64),
    found: &mut Vec<Shape<'a, 'x>>,
    depth: usize,
) -> Result<(), IngestError> {
    if depth > MAX_DEPTH {
        return Err(IngestError::too_deep("PPTX"));
    }
    for node in tree.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "grpSp" => {
                let transform = child(node, "grpSpPr").and_then(|p| child(p, "xfrm"));
                let outer = transform.and_then(|t| point(t, "off")).unwrap_or((0, 0));
                let inner = transform.and_then(|t| point(t, "chOff")).unwrap_or(outer);
                let origin = (origin.0 + outer.0 - inner.0, origin.1 + outer.1 - inner.1);
                collect(node, origin, found, depth + 1)?;
            }
            "sp" | "graphicFrame" => {
                let placeholder = descendant(node, "ph", 4);
                let kind = placeholder.and_then(|ph| attribute(ph, "type"));
                // The header and footer of every slide.
                if matches!(kind, Some("dt" | "ftr" | "sldNum" | "hdr")) || is_hidden(node) {
                    continue;
                }
                let transform = child(node, "xfrm")
                    .or_else(|| child(node, "spPr").and_then(|p| child(p, "xfrm")));
                let place = transform.and_then(|t| point(t, "off"));
                found.push(Shape {
                    node,
                    place: place.map(|(x, y)| (x + origin.0, y + origin.1)),
                    is_title: matches!(kind, Some("title" | "ctrTitle")),
                });
            }
            "AlternateContent" => {
                if let Some(choice) = child(node, "Choice").or_else(|| child(node, "Fallback")) {
                    collect(choice, origin, found, depth + 1)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn point(transform: Node, name: &str) -> Option<(i64, i64)> {
    let point = child(transform, name)?;
    let value = |name| attribute(point, name)?.parse().ok();
    Some((value("x")?, value("y")?))
}

fn descendant<'a, 'x>(node: Node<'a, 'x>, name: &str, depth: usize) -> Option<Node<'a, 'x>> {
    if depth == 0 {
        return None;
    }
    child(node, name).or_else(|| {
        node.children()
            .filter(|child| child.is_element() && !is(*child, "txBody"))
            .find_map(|child| descendant(child, name, depth - 1))
    })
}

fn is_hidden(node: Node) -> bool {
    let properties = descendant(node, "cNvPr", 3);
    properties.is_some_and(|p| matches!(attribute(p, "hidden"), Some("1" | "true")))
}

/// Returns shapes in reading order: the title, then shapes placed by the layout in the order of the file, then the
/// others from top to bottom and from left to right.
fn in_order<'a, 'x>(mut shapes: Vec<Shape<'a, 'x>>) -> Vec<Shape<'a, 'x>> {
    let mut tops: Vec<i64> = shapes
        .iter()
        .filter_map(|shape| Some(shape.place?.1))
        .collect();
    tops.sort_unstable();
    // Rows of shapes: a row starts where an upper edge is far below the first of the row before.
    let mut rows: Vec<i64> = Vec::new();
    for top in tops {
        if rows.last().is_none_or(|first| top - first > SAME_HEIGHT) {
            rows.push(top);
        }
    }
    shapes.sort_by_key(|shape| {
        let place = shape.place.map(|(x, y)| {
            let row = rows.partition_point(|first| *first <= y);
            (row, x)
        });
        (!shape.is_title, place)
    });
    shapes
}

fn write_shape(
    writer: &mut Writer,
    package: &mut Package,
    relations: &HashMap<String, Relationship>,
    shape: &Shape,
) -> Result<(), IngestError> {
    if let Some(body) = child(shape.node, "txBody") {
        if shape.is_title {
            let lines: Vec<String> = paragraphs(body, relations)
                .map(|p| one_line(&p.text()))
                .collect();
            end_lists(writer);
            writer.heading(1, &one_line(&lines.join(" ")));
            return Ok(());
        }
        let placeholder = descendant(shape.node, "ph", 4);
        // The body of a slide is a list by default; a text box is not.
        let is_list = placeholder
            .is_some_and(|ph| matches!(attribute(ph, "type"), None | Some("body" | "obj")));
        write_body(writer, body, relations, is_list);
        return Ok(());
    }
    if let Some(table) = descendant(shape.node, "tbl", 5) {
        end_lists(writer);
        grid_of(table, relations)?.write(writer);
    }
    if let Some(ids) = descendant(shape.node, "relIds", 5) {
        let data = attribute(ids, "dm").and_then(|id| relations.get(id));
        let points = match data {
            Some(relation) => diagram(package, &relation.target)?,
            None => Vec::new(),
        };
        end_lists(writer);
        writer.start_list(None);
        for point in points {
            writer.start_item();
            writer.text(&point);
            writer.end_item();
        }
        end_lists(writer);
    }
    Ok(())
}

/// A run with the address of its link.
type Run = (String, Option<String>);

struct Paragraph {
    runs: Vec<Run>,
    level: usize,
    /// `Some(true)` if numbered, `Some(false)` with a bullet, `None` if not stated. `is_no_list`: the paragraph states
    /// that it has neither.
    list: Option<bool>,
    is_no_list: bool,
}

impl Paragraph {
    fn text(&self) -> String {
        self.runs.iter().map(|(text, _)| text.as_str()).collect()
    }
}

fn paragraphs<'a>(
    body: Node<'a, '_>,
    relations: &'a HashMap<String, Relationship>,
) -> impl Iterator<Item = Paragraph> + 'a {
    let nodes: Vec<Node> = body.children().filter(|node| is(*node, "p")).collect();
    let read: Vec<Paragraph> = nodes
        .into_iter()
        .map(|node| paragraph(node, relations))
        .collect();
    read.into_iter()
}

fn paragraph(node: Node, relations: &HashMap<String, Relationship>) -> Paragraph {
    let properties = child(node, "pPr");
    let has = |name: &str| properties.is_some_and(|p| child(p, name).is_some());
    let level = properties.and_then(|p| attribute(p, "lvl"));
    let mut read = Paragraph {
        runs: Vec::new(),
        level: level
            .and_then(|level| level.parse().ok())
            .unwrap_or(0)
            .min(8),
        list: match (has("buAutoNum"), has("buChar") || has("buBlip")) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        is_no_list: has("buNone"),
    };
    inline(node, relations, &mut read.runs, 0);
    read
}

fn inline(
    node: Node,
    relations: &HashMap<String, Relationship>,
    runs: &mut Vec<Run>,
    depth: usize,
) {
    if depth > MAX_DEPTH {
        return;
    }
    for node in node.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "r" | "fld" => {
                let properties = child(node, "rPr");
                let stated = |name| properties.and_then(|p| attribute(p, name));
                if matches!(stated("strike"), Some("sngStrike" | "dblStrike")) {
                    continue;
                }
                let text = child(node, "t").and_then(|t| t.text()).unwrap_or_default();
                let shift: i64 = stated("baseline").and_then(|b| b.parse().ok()).unwrap_or(0);
                let text = match shift {
                    1.. => raised(text),
                    ..0 => lowered(text),
                    0 => text.to_owned(),
                };
                let link = properties
                    .and_then(|p| child(p, "hlinkClick"))
                    .and_then(|link| attribute(link, "id"))
                    .and_then(|id| relations.get(id))
                    .filter(|relation| relation.is_external);
                runs.push((text, link.map(|relation| relation.target.clone())));
            }
            "br" => runs.push(("\n".to_owned(), None)),
            "oMath" => {
                let mut text = String::new();
                formula(node, &mut text, depth);
                runs.push((text, None));
            }
            "AlternateContent" => {
                if let Some(choice) = child(node, "Choice").or_else(|| child(node, "Fallback")) {
                    inline(choice, relations, runs, depth + 1);
                }
            }
            "m" | "oMathPara" => inline(node, relations, runs, depth + 1),
            _ => {}
        }
    }
}

fn write_body(
    writer: &mut Writer,
    body: Node,
    relations: &HashMap<String, Relationship>,
    is_list: bool,
) {
    let read: Vec<Paragraph> = paragraphs(body, relations)
        .filter(|paragraph| !paragraph.text().trim().is_empty())
        .collect();
    // A single line is not a list.
    let is_list = is_list && read.len() > 1;
    end_lists(writer);
    for paragraph in read {
        let in_list = paragraph.list.is_some() || (is_list && !paragraph.is_no_list);
        if !in_list {
            end_lists(writer);
            writer.open(super::BlockKind::Paragraph);
            write_runs(writer, &paragraph.runs);
            writer.close();
            continue;
        }
        let depth = paragraph.level + 1;
        while writer.depth() > depth {
            writer.end_list();
        }
        while writer.depth() < depth {
            let is_numbered = paragraph.list == Some(true);
            writer.start_list(is_numbered.then_some(1));
        }
        writer.start_item();
        write_runs(writer, &paragraph.runs);
        writer.end_item();
    }
    end_lists(writer);
}

fn write_runs(writer: &mut Writer, runs: &[Run]) {
    for (text, url) in runs {
        match url {
            Some(url) => writer.start_link(url),
            None => writer.end_link(),
        }
        // PowerPoint writes a line break as a vertical tab.
        for (i, line) in text.split(['\n', '\u{b}']).enumerate() {
            if i > 0 {
                writer.new_line();
            }
            writer.text(line);
        }
    }
    writer.end_link();
}

fn grid_of(table: Node, relations: &HashMap<String, Relationship>) -> Result<Grid, IngestError> {
    let mut grid = Grid::default();
    for row in table.children().filter(|node| is(*node, "tr")) {
        let mut cells = Vec::new();
        for cell in row.children().filter(|node| is(*node, "tc")) {
            let covered = |name| matches!(attribute(cell, name), Some("1" | "true"));
            if covered("hMerge") || covered("vMerge") {
                continue;
            }
            let span = |name| {
                let span = attribute(cell, name).and_then(|n| n.parse::<usize>().ok());
                span.unwrap_or(1)
            };
            let body = child(cell, "txBody");
            let lines: Vec<String> = body
                .map(|body| paragraphs(body, relations).collect::<Vec<_>>())
                .unwrap_or_default()
                .iter()
                .flat_map(|paragraph| {
                    let text = paragraph.text();
                    text.split(['\n', '\u{b}'])
                        .map(one_line)
                        .collect::<Vec<_>>()
                })
                .filter(|line| !line.is_empty())
                .collect();
            let (columns, rows) = (span("gridSpan"), span("rowSpan"));
            cells.push(Cell::new(cell_lines(&lines), columns, rows));
        }
        grid.push_cells(cells)?;
    }
    Ok(grid)
}

fn write_notes(writer: &mut Writer, package: &mut Package, notes: &str) -> Result<(), IngestError> {
    let Some(xml) = package.part(notes)? else {
        return Ok(());
    };
    let relations = package.relations(notes)?;
    let document = parsed(&xml, package.format)?;
    let tree = child(document.root_element(), "cSld").and_then(|slide| child(slide, "spTree"));
    let mut shapes = Vec::new();
    if let Some(tree) = tree {
        collect(tree, (0, 0), &mut shapes, 0)?;
    }
    for shape in shapes {
        let placeholder = descendant(shape.node, "ph", 4);
        let is_body = placeholder.is_some_and(|ph| attribute(ph, "type") == Some("body"));
        if let (true, Some(body)) = (is_body, child(shape.node, "txBody")) {
            write_body(writer, body, &relations, false);
        }
    }
    Ok(())
}
