//! The commands that change or check knowledge: `ingest`, `chunks`, `watch`, `faqs`, `lint`, `impact`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use ken::app::App;
use ken_base::config::Config;
use ken_base::domain::{DocumentId, WorkspaceId};
use ken_ingest::ingest::faq::FaqOptions;
use ken_ingest::ingest::{FileFormat, faq_file, worker::FileReader};
use ken_knowledge::editing::files;
use ken_knowledge::editing::gate::{Breaking, GateError};
use ken_knowledge::editing::impact::{self, ProposedChange, Tried};
use ken_knowledge::editing::import::{
    self, ImportChoice, ImportChoices, ImportEffect, ImportOptions, ImportReport,
};
use ken_knowledge::editing::lint;
use ken_knowledge::editing::undo::{ImportKind, new_import};
use ken_store::store::Store;
use notify::{RecursiveMode, Watcher};

use super::{open_caught_up, wait_until_indexed};

/// `ken ingest`: ingests files and folders.
pub async fn ingest(
    config: Config,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    options: files::IngestOptions,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = App::build_serving(config).await?.0;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} files  {wide_msg}",
    )?);
    let on_file = |name: &str, n_files: usize| {
        bar.set_length(n_files as u64);
        bar.set_message(name.to_owned());
        bar.inc(1);
    };
    let report = files::ingest(app.ingester(), workspace, paths, options, on_file).await?;
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

/// `ken chunks`: prints the chunks that ingestion of a file would store.
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

/// Import and export of FAQs.
#[derive(Subcommand)]
pub enum FaqCommand {
    /// Import FAQs from a file; all rows or none
    Import {
        file: PathBuf,
        #[arg(long, short, default_value = "default", value_parser = WorkspaceId::parse)]
        workspace: WorkspaceId,
        /// Report what each row would change, without writing
        #[arg(long)]
        dry_run: bool,
        /// Write the valid rows even if others are invalid or conflicting
        #[arg(long)]
        partial: bool,
        /// What to do with a row that asks the same as another FAQ or row: replace, add or skip, as 7=replace; repeatable
        #[arg(long = "choice", value_name = "ROW=CHOICE", value_parser = parse_choice)]
        choices: Vec<(usize, ImportChoice)>,
        /// Write even if judged questions break
        #[arg(long)]
        force: bool,
        #[arg(long)]
        json: bool,
    },
    /// Export all FAQs to a file; its extension selects the format
    Export {
        file: PathBuf,
        #[arg(long, short, default_value = "default", value_parser = WorkspaceId::parse)]
        workspace: WorkspaceId,
    },
}

fn parse_choice(text: &str) -> Result<(usize, ImportChoice), String> {
    let wrong = || format!("expected ROW=replace, ROW=add or ROW=skip, found {text:?}");
    let (row, choice) = text.split_once('=').ok_or_else(wrong)?;
    let choice = match choice {
        "replace" => ImportChoice::Replace,
        "add" => ImportChoice::Add,
        "skip" => ImportChoice::Skip,
        _ => return Err(wrong()),
    };
    Ok((row.parse().map_err(|_| wrong())?, choice))
}

/// `ken faqs`: imports or exports FAQs.
pub async fn faqs(config: Config, command: FaqCommand) -> anyhow::Result<ExitCode> {
    match command {
        FaqCommand::Export { file, workspace } => {
            let name = file.display().to_string();
            let format = FileFormat::of_name(&name)?;
            let store = Store::open(&config.store.url).await?;
            let rows = import::export(&store, &workspace).await?;
            store.close().await;
            let bytes = faq_file::write(&rows, format)?;
            tokio::fs::write(&file, bytes)
                .await
                .with_context(|| name.clone())?;
            println!("{} FAQs: {name}", rows.len());
            Ok(ExitCode::SUCCESS)
        }
        FaqCommand::Import {
            file,
            workspace,
            dry_run,
            partial,
            choices,
            force,
            json,
        } => {
            let choices: ImportChoices = choices.into_iter().collect();
            let name = file.display().to_string();
            let bytes = tokio::fs::read(&file).await.with_context(|| name.clone())?;
            let reader = FileReader::new(&config.ingest);
            let reading = FaqOptions::default();
            let faqs = reader.read_faqs(&name, bytes, &reading).await;
            let faqs = faqs.with_context(|| name.clone())?;
            let options = ImportOptions { dry_run, partial };
            let breaking = Breaking::allowed_if(force);
            let app = Arc::new(App::build_serving(config).await?.0);
            let plan = import::plan(&app.store, &workspace, faqs, &choices).await?;
            let file_name = file.file_name().unwrap_or(file.as_os_str());
            let record = new_import(ImportKind::Import, &file_name.to_string_lossy());
            let imported =
                import::import(&app.gate, &workspace, plan, options, breaking, record).await;
            let report = match imported {
                Err(GateError::WouldBreak(refused)) => {
                    let broken = refused.broken.iter();
                    broken.for_each(|altered| print_altered("breaks", altered));
                    app.close().await;
                    anyhow::bail!("judged questions would break; pass --force to import anyway");
                }
                report => report?,
            };
            if report.applied {
                wait_until_indexed(&app, &workspace, report.revision).await?;
            }
            app.close().await;
            if json {
                println!("{}", serde_json::to_string(&report)?);
            } else {
                print_import(&report, dry_run);
            }
            let stopped = !report.applied && report.n_invalid + report.n_conflicting > 0;
            Ok(if stopped {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

fn print_import(report: &ImportReport, dry_run: bool) {
    println!(
        "new {} · changed {} · unchanged {} · duplicate {} · conflicting {} · left out {} · invalid {}",
        report.n_new,
        report.n_changed,
        report.n_unchanged,
        report.n_duplicate,
        report.n_conflicting,
        report.n_skipped,
        report.n_invalid
    );
    for row in &report.rows {
        let description = match &row.effect {
            ImportEffect::New => "new".to_owned(),
            ImportEffect::Changed { changes } => {
                let change = |c: &import::FieldChange| {
                    format!("{}: {:?} → {:?}", c.field, c.before, c.after)
                };
                changes.iter().map(change).collect::<Vec<_>>().join("; ")
            }
            ImportEffect::Duplicate {
                of,
                answer: Some(answer),
                other_answer: Some(other),
            } => format!("asks the same as {of}, skipped: {answer:?} vs. {other:?}"),
            ImportEffect::Duplicate { of, .. } => format!("duplicate of {of}, skipped"),
            ImportEffect::Conflicting { with, conflict, .. } => {
                format!(
                    "contradicts {with}: {:?} vs. {:?}",
                    conflict.first, conflict.second
                )
            }
            ImportEffect::Invalid { column, detail, .. } => format!("{column}: {detail}"),
        };
        let chosen = match row.choice {
            Some(ImportChoice::Skip) => "left out: ",
            _ => "",
        };
        println!("  row {} {}: {chosen}{description}", row.row, row.question);
    }
    if !report.ignored_columns.is_empty() {
        println!("ignored columns: {}", report.ignored_columns.join(", "));
    }
    match (dry_run, report.applied) {
        (true, _) => println!("dry run: nothing written"),
        (false, true) => println!("written, revision {}", report.revision),
        (false, false) if report.n_invalid + report.n_conflicting > 0 => {
            println!("nothing written; fix the rows, or write the valid ones with --partial")
        }
        (false, false) => println!("nothing to write"),
    }
}

/// `ken lint`: reports problems of a workspace. The exit code is 2 if there is a contradiction.
pub async fn lint(config: Config, workspace: &WorkspaceId, json: bool) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let findings = lint::lint(app.knowledge(), workspace).await?;
    app.close().await;
    for finding in &findings {
        if json {
            println!("{}", serde_json::to_string(finding)?);
            continue;
        }
        let ids: Vec<&str> = finding
            .document_ids
            .iter()
            .map(DocumentId::as_str)
            .collect();
        let kind = serde_json::to_value(&finding.what)?;
        println!(
            "{}: {}: {}",
            kind["finding"].as_str().unwrap_or_default(),
            ids.join(", "),
            finding.detail
        );
    }
    if !json {
        println!("{} findings", findings.len());
    }
    let is_conflict = |finding: &lint::LintFinding| {
        matches!(finding.what, lint::LintFindingKind::Conflict { .. })
    };
    Ok(match findings.iter().any(is_conflict) {
        true => ExitCode::from(2),
        false => ExitCode::SUCCESS,
    })
}

/// `ken impact`: previews changed answers. The exit code is 2 if judged questions would break.
pub async fn impact(
    config: Config,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    n_logged: i64,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let mut report = files::IngestReport::default();
    let sources = files::read_all(&app.reader, paths, &mut report).await;
    for failure in &report.failed {
        eprintln!("failed: {}: {}", failure.path, failure.reason);
    }
    let changes = sources
        .into_iter()
        .map(|source| ProposedChange::Put(Box::new(source)));
    let found = app
        .what_if
        .assess(
            workspace,
            changes.collect(),
            &Tried {
                n_logged,
                ..Tried::default()
            },
        )
        .await?;
    app.close().await;
    if json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        println!(
            "{} judged and {} logged questions asked, {} of the FAQs' own",
            found.n_judged, found.n_logged, found.n_own
        );
        for (what, list) in [
            ("breaks", &found.broken),
            ("fixes", &found.healed),
            ("changes", &found.changed),
        ] {
            list.iter().for_each(|altered| print_altered(what, altered));
        }
    }
    Ok(match found.broken.is_empty() && report.failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(2),
    })
}

fn print_altered(what: &str, altered: &impact::AlteredAnswer) {
    println!("{what}: {}", altered.question);
    for (side, reply) in [("now", &altered.before), ("then", &altered.after)] {
        let text: String = reply
            .text
            .chars()
            .take(120)
            .collect::<String>()
            .replace('\n', " ⏎ ");
        println!(
            "  {side}: {} [{}] {text}",
            reply.outcome.as_str(),
            reply.document_ids.join(", ")
        );
    }
}

/// The time after which folders are compared again. Events can be lost: network file systems have none, and a queue can
/// overflow.
const RESCAN: Duration = Duration::from_secs(30);

/// How long a folder must be unchanged before it is read.
const STILL: Duration = Duration::from_millis(300);

/// `ken watch`: ingests folders and then every change in them, until Ctrl-C.
pub async fn watch(
    config: Config,
    workspace: &WorkspaceId,
    paths: &[PathBuf],
    breaking: Breaking,
) -> anyhow::Result<ExitCode> {
    let options = files::IngestOptions {
        prune: true,
        breaking,
    };
    let app = App::build_serving(config).await?.0;
    let (tell, mut changes) = tokio::sync::mpsc::channel::<()>(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file does not change it.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = tell.try_send(());
        }
    })?;
    for path in paths {
        watcher
            .watch(path, RecursiveMode::Recursive)
            .with_context(|| path.display().to_string())?;
    }
    let mut is_rescan = false;
    loop {
        let report = files::ingest(app.ingester(), workspace, paths, options, |_, _| {}).await?;
        app.follower.wake();
        let is_same = report.added + report.changed + report.archived == 0;
        if !(is_rescan && is_same) {
            println!(
                "added {} · changed {} · unchanged {} · archived {} · failed {} · revision {}",
                report.added,
                report.changed,
                report.unchanged,
                report.archived,
                report.failed.len(),
                report.revision
            );
        }
        for failure in report.failed.iter().filter(|_| !(is_rescan && is_same)) {
            println!("  failed: {}: {}", failure.path, failure.reason);
        }
        is_rescan = tokio::select! {
            () = super::operations::stop_signal() => break,
            _ = changes.recv() => false,
            () = tokio::time::sleep(RESCAN) => true,
        };
        // An editor saves in several steps, so further events are awaited.
        while tokio::time::timeout(STILL, changes.recv()).await.is_ok() {}
    }
    wait_until_indexed(&app, workspace, app.store.revision(workspace).await?).await?;
    app.close().await;
    Ok(ExitCode::SUCCESS)
}
