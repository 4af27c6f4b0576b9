//! The commands `search`, `ask` and `replay`.

use std::process::ExitCode;

use ken::http::AnswerResponse;
use ken_answer::answer::Question;
use ken_base::config::Config;
use ken_base::domain::{DocumentId, Hit, LegScore, Query, WorkspaceId};
use ken_knowledge::editing::replay;
use ken_search::index::TermForm;

use super::open_caught_up;

/// `ken search`: prints ranked passages.
pub async fn search(
    config: Config,
    workspace: &WorkspaceId,
    query: Query,
    explain: bool,
    explain_document: Option<DocumentId>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let found = app.retriever.retrieve(workspace, &query).await?;
    if explain && !json {
        for term in &found.query_terms {
            let form = |form: &TermForm| format!("{} ×{}", form.term, form.boost);
            let forms: Vec<String> = term.forms.iter().map(form).collect();
            println!("{} ({:.2}): {}", term.term, term.weight, forms.join(", "));
        }
    }
    let evidence = app
        .retriever
        .load_evidence(workspace, &query, &found.hits)
        .await?;
    for (rank, e) in (1..).zip(&evidence) {
        let hit = found.hits.iter().find(|hit| hit.chunk_key == e.chunk.key);
        let (id, headings) = (e.chunk.id(), e.chunk.heading_path.join(" › "));
        if json {
            let line = serde_json::json!({
                "rank": rank, "score": e.score, "chunk_id": id, "document_id": e.chunk.document_id,
                "title": e.metadata.title, "heading_path": e.chunk.heading_path, "text": e.chunk.text,
                "start": e.chunk.span.start, "end": e.chunk.span.end,
                "keyword": hit.and_then(|h| h.keyword), "vector": hit.and_then(|h| h.vector), "coverage": e.coverage,
                "proximity": hit.map(|h| h.proximity), "negative": hit.map(|h| h.negative),
            });
            println!("{line}");
            continue;
        }
        println!(
            "{rank:2}. {:.3}  {}  [{headings}]  {id}",
            e.score, e.metadata.title
        );
        if let Some(hit) = hit.filter(|_| explain) {
            println!("      {}", scores(hit));
        }
        println!(
            "      {}",
            e.chunk
                .text
                .chars()
                .take(120)
                .collect::<String>()
                .replace('\n', " ⏎ ")
        );
    }
    if let Some(id) = explain_document {
        let explained = app
            .retriever
            .explain_document(workspace, &query, &found.hits, &id)
            .await?;
        if json {
            let line = serde_json::json!({
                "document_id": id, "verdict": explained.verdict, "rank": explained.rank,
                "filters": explained.filters, "score": explained.best.map(|hit| hit.score),
                "last_score": explained.last_score,
            });
            println!("{line}");
            app.close().await;
            return Ok(ExitCode::SUCCESS);
        }
        println!("{id}: {:?}, rank {:?}", explained.verdict, explained.rank);
        for decision in &explained.filters {
            let passed = if decision.passed { "passes" } else { "fails" };
            println!("      {} {passed}: {}", decision.filter, decision.detail);
        }
        if let Some(hit) = &explained.best {
            println!(
                "      best passage: {:.3} ({}); last hit: {:.3}",
                hit.score,
                scores(hit),
                explained.last_score.unwrap_or_default()
            );
        }
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

fn scores(hit: &Hit) -> String {
    let leg = |leg: Option<LegScore>| {
        leg.map_or("–".to_owned(), |leg| match leg.rank {
            Some(rank) => format!("{:.3} (rank {rank})", leg.score),
            None => format!("{:.3}", leg.score),
        })
    };
    format!(
        "keyword {} · vector {} · coverage {:.3} · proximity {:.3} · negative {:.3}",
        leg(hit.keyword),
        leg(hit.vector),
        hit.coverage,
        hit.proximity,
        hit.negative
    )
}

/// `ken ask`: prints an answer with its citations.
pub async fn ask(
    config: Config,
    workspace: &WorkspaceId,
    text: String,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let question = Question::parse(&text)?;
    let answer = app.answerer.answer(workspace, question, None).await?.answer;
    app.close().await;
    if json {
        let body = AnswerResponse::new(answer, None, None);
        println!("{}", serde_json::to_string(&body)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{}  ({}, confidence {:.2}, {:.1} ms)",
        answer.text,
        answer.outcome.as_str(),
        answer.confidence,
        answer.timings_ms.total
    );
    for c in &answer.citations {
        println!(
            "  [{}] {} › {} ({}, bytes {}–{})",
            c.number,
            c.title,
            c.heading_path.join(" › "),
            c.document_id,
            c.start,
            c.end
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// `ken replay`: asks logged questions again and prints the answers that changed.
pub async fn replay(
    config: Config,
    workspace: &WorkspaceId,
    conversation: Option<String>,
    limit: i64,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let replayed = replay::replay(
        &app.store,
        &app.answerer,
        workspace,
        conversation.as_deref(),
        limit,
    )
    .await?;
    app.close().await;
    if json {
        println!("{}", serde_json::to_string(&replayed)?);
        return Ok(ExitCode::SUCCESS);
    }
    for changed in &replayed.changed {
        println!("{}  {}", changed.answer_id, changed.question);
        for (when, reply) in [("before", &changed.before), ("now", &changed.now)] {
            println!(
                "  {when:6} {}: {}",
                reply.outcome.as_str(),
                reply.text.replace('\n', " ⏎ ")
            );
        }
    }
    println!(
        "{} questions asked, {} answers changed",
        replayed.n_asked,
        replayed.changed.len()
    );
    Ok(ExitCode::SUCCESS)
}
