//! Preparation of a web page before extraction: collapsed panels, questions in its metadata, page furniture.

use std::collections::HashSet;
use std::sync::LazyLock;

use dom_query::{Document, NodeRef};
use serde_json::Value;

use super::writer::one_line;

/// Opens collapsed parts: the clickable words become a heading, and the panel becomes content.
///
/// A panel is the element that a button or tab controls (`aria-controls`, `data-target`, `data-bs-target`, a link to
/// its id), an element with the role of a tab panel, a collapsed element, or the element after a heading that is a
/// button.
pub fn open_panels(page: &Document) {
    let mut panels: HashSet<String> = HashSet::new();
    for node in page.select("[aria-controls], [data-target], [data-bs-target], a[role=tab][href], a[data-toggle][href]").nodes() {
        for name in ["aria-controls", "data-target", "data-bs-target", "href"] {
            let target = node.attr(name).unwrap_or_default();
            let id = target.trim_start_matches('#');
            if !id.is_empty() && (name == "aria-controls" || target.starts_with('#')) {
                panels.insert(id.to_owned());
            }
        }
    }
    name_tab_panels(page);
    for node in page.select("[hidden], [aria-hidden=true], [style]").nodes() {
        if is_panel(node, &panels) {
            node.remove_attrs(&["hidden", "aria-hidden", "style"]);
        }
    }
    for button in page.select("button, [role=button], [role=tab]").nodes() {
        let in_heading = button
            .ancestors_it(Some(3))
            .any(|above| is_heading(&above) || above.has_name("dt") || above.has_name("summary"));
        let opens = [
            "aria-expanded",
            "aria-controls",
            "data-target",
            "data-bs-target",
        ];
        let opens = opens.iter().any(|name| button.has_attr(name));
        match (in_heading, opens && !one_line(&button.text()).is_empty()) {
            (true, _) => button.rename("span"),
            // The button of a menu is not a question.
            (false, true) if !in_navigation(button) => button.rename("h6"),
            _ => {}
        }
    }
}

/// Writes the label of each tab as a heading into its panel, matched by id or by order, and removes the row of tabs.
fn name_tab_panels(page: &Document) {
    let tabs = page.select("[role=tab]");
    let all = page.select("[role=tabpanel]");
    for (i, tab) in tabs.nodes().iter().enumerate() {
        let target = tab
            .attr("aria-controls")
            .or_else(|| tab.attr("href"))
            .unwrap_or_default();
        let target = target.trim_start_matches('#');
        let own_id = tab.attr("id").unwrap_or_default();
        let is_its = |panel: &&NodeRef| {
            (!target.is_empty() && panel.attr("id").is_some_and(|id| *id == *target))
                || (!own_id.is_empty()
                    && panel
                        .attr("aria-labelledby")
                        .is_some_and(|label| label == own_id))
        };
        let by_order = || match all.nodes().len() == tabs.nodes().len() {
            true => all.nodes().get(i),
            false => None,
        };
        let label = one_line(&tab.text());
        if let Some(panel) = all.nodes().iter().find(is_its).or_else(by_order)
            && !label.is_empty()
        {
            panel.prepend_html("<h5></h5>");
            if let Some(heading) = panel.first_element_child() {
                heading.set_text(label);
            }
            tab.remove_from_parent();
        }
    }
}

fn is_panel(node: &NodeRef, panels: &HashSet<String>) -> bool {
    let is_controlled = node.attr("id").is_some_and(|id| panels.contains(&*id));
    let is_named = node
        .attr("role")
        .is_some_and(|role| matches!(role.as_ref(), "tabpanel"))
        || node.attr("class").is_some_and(|class| {
            class.split_whitespace().any(|name| {
                let name = name.to_lowercase();
                [
                    "collapse",
                    "accordion",
                    "tab-pane",
                    "tabpanel",
                    "toggle-content",
                ]
                .iter()
                .any(|kind| name.starts_with(kind) || name.ends_with(kind))
            })
        });
    let follows_button = || {
        node.prev_element_sibling().is_some_and(|before| {
            let is_button = |node: &NodeRef| {
                node.has_name("button") || node.attr("role").is_some_and(|role| &*role == "button")
            };
            is_heading(&before) && before.descendants_it().any(|node| is_button(&node))
                || is_button(&before)
        })
    };
    (is_controlled || is_named || follows_button()) && !in_navigation(node)
}

fn is_heading(node: &NodeRef) -> bool {
    let name = node.node_name();
    name.is_some_and(|name| matches!(name.as_ref(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6"))
}

fn in_navigation(node: &NodeRef) -> bool {
    let is_frame = |node: &NodeRef| {
        node.has_name("nav")
            || node.has_name("dialog")
            || node.attr("role").is_some_and(|role| {
                matches!(
                    role.as_ref(),
                    "navigation" | "banner" | "dialog" | "search" | "menu"
                )
            })
    };
    is_frame(node) || node.ancestors_it(Some(64)).any(|above| is_frame(&above))
}

/// The selectors in furniture.tsv.
static FURNITURE: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("furniture.tsv").lines();
    let rows = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.filter_map(|line| Some(line.split_once('\t')?.0))
        .collect()
});

/// Removes page furniture: the parts that a site puts around its content.
pub fn remove_furniture(page: &Document) {
    for selector in FURNITURE.iter() {
        for node in page.select(selector).nodes() {
            // Names may match by accident: the body of a page about cookies stays, and so does the element with the
            // page's title.
            let holds_page = ["html", "body", "main", "article"]
                .iter()
                .any(|name| node.has_name(name))
                || node.descendants_it().any(|inner| inner.has_name("h1"));
            if !holds_page {
                node.remove_from_parent();
            }
        }
    }
}

/// Returns the questions of `FAQPage` metadata (schema.org, as JSON-LD) with their answers as HTML.
pub fn faqs_of(page: &Document) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for script in page.select("script[type='application/ld+json']").nodes() {
        if let Ok(value) = serde_json::from_str::<Value>(&script.text()) {
            collect(&value, &mut found);
        }
    }
    found
}

fn collect(value: &Value, found: &mut Vec<(String, String)>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values.iter().rev()),
            Value::Object(fields) => {
                let is_question = match fields.get("@type") {
                    Some(Value::String(kind)) => kind == "Question",
                    Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "Question"),
                    _ => false,
                };
                let text = |value: &Value, key: &str| {
                    value.get(key).and_then(Value::as_str).map(str::to_owned)
                };
                let answer = fields
                    .get("acceptedAnswer")
                    .or_else(|| fields.get("suggestedAnswer"));
                let answer = match answer {
                    Some(Value::Array(answers)) => answers.first(),
                    answer => answer,
                };
                let question = text(value, "name").or_else(|| text(value, "text"));
                match (is_question, question, answer.and_then(|a| text(a, "text"))) {
                    (true, Some(question), Some(answer)) => {
                        found.push((one_line(&question), answer));
                    }
                    _ => open.extend(fields.values()),
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::html;
    use super::*;

    /// Pages in the form of these systems, rewritten for the test: only the article's text is extracted.
    #[test]
    fn help_centre_page_is_extracted_without_page_frame() {
        for (system, page) in [
            (
                "Zendesk Guide",
                r#"<header class="header"><a>登入</a></header><main><nav class="sub-nav">分類</nav><section class="section-articles"><h3>同區文章</h3></section><article class="article"><header><h1>如何寄放</h1><div class="article-meta">小編 兩個月前</div></header><div class="article-body"><p>可寄放三天。</p></div><div class="article-votes">有幫助嗎？</div></article><section class="article-comments">我等了三十天</section></main>"#,
            ),
            (
                "Intercom",
                r#"<body><header><input placeholder="搜尋"></header><div class="breadcrumb">所有分類</div><article><div class="article__meta"><h1>如何寄放</h1><div class="avatar__info">作者：小編</div></div><div class="article_body"><p>可寄放三天。</p></div></article><section class="related_articles">相關文章</section><div class="intercom-reaction-picker">這有回答您的問題嗎？</div><footer>由 Intercom 提供</footer></body>"#,
            ),
            (
                "Freshdesk",
                r#"<body><header class="header">提交工單</header><main><article class="article-page"><h1>如何寄放</h1><div class="article-body"><p>可寄放三天。</p></div><div class="article-vote-section">有幫助嗎？</div></article><div class="fc-related-articles">相關文章</div></main><footer>首頁</footer></body>"#,
            ),
            (
                "Confluence",
                r#"<body><div id="breadcrumb-section"><ol><li>空間</li></ol></div><h1>如何寄放</h1><div class="page-metadata">由小編建立</div><div id="main-content"><p>可寄放三天。</p></div><div class="pageSectionTitle">附件</div><div id="comments-section">我等了三十天</div><div id="footer" role="contentinfo">由 Confluence 產生</div></body>"#,
            ),
            (
                "Notion",
                r#"<body><article class="page"><header><div class="page-header-icon">📦</div><h1 class="page-title">如何寄放</h1><table class="properties"><tbody><tr><th>狀態</th><td>完成</td></tr></tbody></table></header><div class="page-body"><ul class="toggle"><li><details open=""><summary>能放多久？</summary><p>可寄放三天。</p></details></li></ul></div></article></body>"#,
            ),
        ] {
            let read = html::extract(page).unwrap();
            let text = read.text.as_str();
            assert!(text.contains("可寄放三天。"), "{system}: {text}");
            assert_eq!(
                read.title().as_deref(),
                Some("如何寄放"),
                "{system}: {text}"
            );
            for other in [
                "登入",
                "分類",
                "同區",
                "小編",
                "有幫助",
                "三十天",
                "相關",
                "回答您",
                "提供",
                "工單",
                "首頁",
                "空間",
                "附件",
                "產生",
                "狀態",
                "📦",
            ] {
                assert!(!text.contains(other), "{system}: {other} in {text}");
            }
        }
    }

    #[test]
    fn page_furniture_selectors_are_valid_css() {
        assert!(FURNITURE.len() > 10);
        for selector in FURNITURE.iter() {
            assert!(dom_query::Matcher::new(selector).is_ok(), "{selector}");
        }
    }
}
