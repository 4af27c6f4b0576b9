use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use ken::app::App;
use ken::config::Config;
use ken::domain::WorkspaceId;
use ken::ingest::{files, worker::FileReader};

use super::wait_until_indexed;

pub async fn ingest(
    config: Config,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    prune: bool,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = App::build(config).await?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} files  {wide_msg}",
    )?);
    let report = files::ingest(
        &app.store,
        &app.reader,
        workspace,
        paths,
        prune,
        |name, n_files| {
            bar.set_length(n_files as u64);
            bar.set_message(name.to_owned());
            bar.inc(1);
        },
    )
    .await?;
    bar.finish_and_clear();
    wait_until_indexed(&app, workspace, report.revision).await?;
    app.close().await;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!(
            "added {} · changed {} · unchanged {} · archived {} · skipped {} · failed {} · revision {}",
            report.added,
            report.changed,
            report.unchanged,
            report.archived,
            report.skipped,
            report.failed.len(),
            report.revision
        );
        for failure in &report.failed {
            println!("  failed: {}: {}", failure.path, failure.reason);
        }
    }
    Ok(if report.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Prints how a file is understood: the same that ingestion would store.
pub async fn chunks(config: Config, file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bytes = tokio::fs::read(file)
        .await
        .with_context(|| file.display().to_string())?;
    let reader = FileReader::new(&config.ingest);
    let parsed = reader
        .read(&name, bytes)
        .await
        .with_context(|| file.display().to_string())?;
    for source in &parsed.sources {
        if !json {
            let about = &source.metadata;
            let language = about.language.as_deref().unwrap_or("und");
            println!(
                "# {} ({}, {language}): {}",
                source.id,
                about.kind.as_str(),
                about.title
            );
        }
        for (ordinal, chunk) in source.chunks.iter().enumerate() {
            let text = chunk.span.slice(&source.text).unwrap_or_default();
            let page = chunk.note.page_of(chunk.span.start);
            if json {
                let line = serde_json::json!({
                    "document_id": source.id, "ordinal": ordinal, "heading_path": chunk.heading_path,
                    "start": chunk.span.start, "end": chunk.span.end, "page": page,
                    "question": chunk.note.question, "text": text,
                });
                println!("{line}");
                continue;
            }
            let page = page
                .map(|page| format!(" · page {page}"))
                .unwrap_or_default();
            println!(
                "\n[{ordinal}] {} · bytes {}–{}{page}",
                chunk.heading_path.join(" › "),
                chunk.span.start,
                chunk.span.end
            );
            println!("{text}");
        }
    }
    for (path, reason) in &parsed.failed {
        println!("failed: {path}: {reason}");
    }
    Ok(match parsed.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(2),
    })
}
