//! The command line. No logic: each command names its parts and prints what they say.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use ken::answer::Question;
use ken::app::App;
use ken::config::Config;
use ken::domain::{DocumentId, Hit, LegScore, Mode, Query, Revision, WorkspaceId};
use ken::eval::compare::{self, Run};
use ken::eval::{self, Dataset, Evaluation, tune};
use ken::index::Form;
use ken::ingest::files;
use ken::retrieve::Shares;
use ken::{check, http, index, setup, telemetry};
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(
    name = "ken",
    version,
    about = "A knowledge base that answers, grounded, or says that it may not."
)]
struct Cli {
    /// Settings file; `ken.toml` where it exists
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch and prepare the runtime library and the encoders
    Setup {
        /// The Python (3.10 or later) that makes the private environment
        #[arg(long, default_value = "python3")]
        python: String,
    },
    /// Serve the HTTP API, and a page to ask at /
    Serve {
        #[arg(long)]
        listen: Option<SocketAddr>,
    },
    /// Files or folders → knowledge
    Ingest {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Archive what came from the same place and is there no more
        #[arg(long)]
        prune: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Ranked hits
    Search {
        question: String,
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long, default_value_t = 10)]
        limit: usize,
        #[arg(long, value_enum, default_value = "hybrid")]
        mode: ModeArg,
        /// Show each leg's rank and score, and what was searched for
        #[arg(long)]
        explain: bool,
        /// Say of this document why it was found or not
        #[arg(long, value_name = "ID", value_parser = DocumentId::parse)]
        explain_document: Option<DocumentId>,
        #[arg(long)]
        json: bool,
    },
    /// An answer with citations
    Ask {
        question: String,
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long)]
        json: bool,
    },
    /// Measure on judged sets (folders in BEIR layout, or a folder of such)
    Eval {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// `all` measures each leg alone and both together
        #[arg(long, value_enum, default_value = "hybrid")]
        mode: EvalModeArg,
        /// One JSON object a set instead of a table
        #[arg(long)]
        json: bool,
        /// Keep what was encoded here, so that a second run is quick
        #[arg(long)]
        cache: Option<PathBuf>,
        /// Write one JSON object a query to this file
        #[arg(long)]
        per_query: Option<PathBuf>,
        /// Compare with an earlier run, a file that --per-query wrote: paired randomisation test
        #[arg(long)]
        baseline: Option<PathBuf>,
        /// Also by language and by perturbation rule, where the queries carry these
        #[arg(long)]
        slices: bool,
        /// Write the table into this Markdown file, in place of its quality card
        #[arg(long)]
        card: Option<PathBuf>,
    },
    /// Find how much words and meaning should count on judged sets
    Tune {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
        /// Keep what was encoded here, so that a second run is quick
        #[arg(long)]
        cache: Option<PathBuf>,
    },
    /// What is stored and indexed
    Status,
    /// Rebuild the indexes from the store
    Rebuild,
    /// Verify that store, keyword index and vectors agree
    Check,
}

#[derive(Args)]
struct WorkspaceArg {
    #[arg(long, short, default_value = "default", value_parser = WorkspaceId::parse)]
    workspace: WorkspaceId,
}

#[derive(Clone, Copy, ValueEnum)]
enum ModeArg {
    Hybrid,
    Keyword,
    Vector,
}

#[derive(Clone, Copy, ValueEnum)]
enum EvalModeArg {
    Hybrid,
    Keyword,
    Vector,
    All,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Hybrid => Mode::Hybrid,
            ModeArg::Keyword => Mode::Keyword,
            ModeArg::Vector => Mode::Vector,
        }
    }
}

impl EvalModeArg {
    fn modes(self) -> Vec<Mode> {
        match self {
            EvalModeArg::Hybrid => vec![Mode::Hybrid],
            EvalModeArg::Keyword => vec![Mode::Keyword],
            EvalModeArg::Vector => vec![Mode::Vector],
            EvalModeArg::All => vec![Mode::Keyword, Mode::Vector, Mode::Hybrid],
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ken: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let mut config = Config::load(cli.config.as_deref())?;
    if let Command::Serve {
        listen: Some(listen),
    } = &cli.command
    {
        config.http.listen = *listen;
        config = config.checked()?;
    }
    let quiet = !matches!(cli.command, Command::Serve { .. });
    telemetry::start(
        &config.log,
        if quiet {
            "warn"
        } else {
            "info,tantivy=warn,ort=warn"
        },
    );
    if let Command::Setup { python } = &cli.command {
        let prepared = setup::run(&config.models.dir, python, |line| {
            println!("ken setup: {line}")
        })?;
        let state = if prepared { "ready" } else { "nothing to do" };
        println!("ken setup: {state} ({})", config.models.dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(command(cli.command, config))
}

async fn command(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Setup { .. } => unreachable!("handled before the runtime starts"),
        Command::Serve { .. } => serve(config).await,
        Command::Ingest {
            paths,
            workspace,
            prune,
            json,
        } => ingest(config, &workspace.workspace, &paths, prune, json).await,
        Command::Search {
            question,
            workspace,
            limit,
            mode,
            explain,
            explain_document,
            json,
        } => {
            let query = Query::parse(&question, limit)?.with_mode(mode.into());
            search(
                config,
                &workspace.workspace,
                query,
                explain,
                explain_document,
                json,
            )
            .await
        }
        Command::Ask {
            question,
            workspace,
            json,
        } => ask(config, &workspace.workspace, question, json).await,
        Command::Eval {
            dirs,
            mode,
            json,
            cache,
            per_query,
            baseline,
            slices,
            card,
        } => {
            // Read first: the run may overwrite it.
            let before = baseline.as_deref().map(Run::read).transpose()?;
            let (reports, run) = evaluate(
                config,
                &dirs,
                mode,
                json,
                cache.as_deref(),
                per_query.as_deref(),
            )
            .await?;
            let differences = before.map(|before| run.against(&before));
            if json {
                for difference in differences.iter().flatten() {
                    println!("{}", serde_json::to_string(difference)?);
                }
            } else {
                println!("{}", eval::table(&reports));
                if let Some(table) = slices.then(|| eval::slice_table(&reports)).flatten() {
                    println!("\n{table}");
                }
                if let Some(differences) = differences {
                    println!("\n{}", compare::table(&differences));
                }
            }
            if let Some(path) = card {
                let document =
                    std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let written =
                    eval::with_card(&document, &eval::table(&reports)).with_context(|| {
                        format!("{} has no place for a quality card", path.display())
                    })?;
                std::fs::write(&path, written).with_context(|| path.display().to_string())?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Tune { dirs, json, cache } => tune(config, &dirs, json, cache.as_deref()).await,
        Command::Status => status(config).await,
        Command::Rebuild => rebuild(config).await,
        Command::Check => run_check(config).await,
    }
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; is the port in use? Choose another with --listen 127.0.0.1:PORT")
    })?;
    let address = listener.local_addr()?;
    let app = Arc::new(App::build(config).await?);
    if !app.indexes.is_writer() {
        tracing::warn!("another process writes the indexes; this one only reads them");
    }
    println!("ken: serving on http://{address} (loopback only: no keys are configured)");
    println!("ken: page http://{address}/ · API http://{address}/docs");
    http::serve(app.clone(), listener, stop_signal()).await?;
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C or SIGTERM.
async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate => {}
    }
    tracing::info!("stopping; requests that were accepted are finished");
}

async fn ingest(
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
    let report = files::ingest(&app.store, workspace, paths, prune, |name, n_files| {
        bar.set_length(n_files as u64);
        bar.set_message(name.to_owned());
        bar.inc(1);
    })
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

/// Shows the follower's way to `revision`. Where another process writes the indexes, that one follows.
async fn wait_until_indexed(
    app: &App,
    workspace: &WorkspaceId,
    revision: Revision,
) -> anyhow::Result<()> {
    if !app.indexes.is_writer() {
        println!("recorded; the running service indexes it");
        return Ok(());
    }
    app.follower.wake();
    let bar = ProgressBar::new(revision.unsigned_abs()).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} changes indexed  {wide_msg}",
    )?);
    let progress = app.follower.progress();
    while !app
        .follower
        .wait_for(workspace, revision, Duration::from_millis(200))
        .await
    {
        let now = progress.borrow().clone();
        if let Some(error) = now.error {
            anyhow::bail!("what was recorded is safe, but the indexes do not follow: {error}");
        }
        bar.set_position(
            now.indexed
                .get(workspace)
                .copied()
                .unwrap_or(0)
                .unsigned_abs(),
        );
        bar.set_message(format!("{} texts encoded", now.n_encoded));
    }
    bar.finish_and_clear();
    Ok(())
}

async fn search(
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
        for wanted in &found.wanted {
            let form = |form: &Form| format!("{} ×{}", form.term, form.boost);
            let forms: Vec<String> = wanted.forms.iter().map(form).collect();
            println!(
                "{} ({:.2}): {}",
                wanted.term,
                wanted.weight,
                forms.join(", ")
            );
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
                "      its best passage: {:.3} ({}); the last hit: {:.3}",
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

async fn ask(
    config: Config,
    workspace: &WorkspaceId,
    text: String,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let question = Question {
        text,
        limit: 10,
        ..Question::default()
    };
    let answer = app.answerer.answer(workspace, question).await?.answer;
    app.close().await;
    if json {
        println!("{}", serde_json::to_string(&answer)?);
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

/// The service with its indexes at the store's revision.
async fn open_caught_up(config: Config, workspace: &WorkspaceId) -> anyhow::Result<App> {
    let app = App::build(config).await?;
    let revision = app.store.revision(workspace).await?;
    if app.indexes.is_writer() {
        wait_until_indexed(&app, workspace, revision).await?;
    } else {
        // The service that writes may be behind; what it has not indexed yet is not waited for long.
        app.follower
            .wait_for(workspace, revision, Duration::from_secs(10))
            .await;
    }
    Ok(app)
}

async fn evaluate(
    config: Config,
    dirs: &[PathBuf],
    mode: EvalModeArg,
    json: bool,
    cache: Option<&Path>,
    per_query: Option<&Path>,
) -> anyhow::Result<(Vec<eval::Report>, Run)> {
    let mut paths = Vec::new();
    for dir in dirs {
        paths.extend(eval::find(dir)?);
    }
    let mut lines: Box<dyn std::io::Write> = match per_query {
        Some(path) => Box::new(std::io::BufWriter::new(
            std::fs::File::create(path).with_context(|| path.display().to_string())?,
        )),
        None => Box::new(std::io::sink()),
    };
    let evaluation = Evaluation::open(&config, cache).await?;
    let (mut reports, mut scores) = (Vec::new(), Run::default());
    for path in paths {
        let dataset = Dataset::load(&path)?;
        for mode in mode.modes() {
            let mut written = Ok(());
            let report = evaluation
                .run(&dataset, mode, |query, found| {
                    if let Some(found) = found {
                        scores.insert(&dataset.name, mode.as_str(), query["id"].as_str().unwrap_or_default(), found);
                    }
                    let line = serde_json::json!({ "dataset": dataset.name, "mode": mode.as_str(), "query": query });
                    if written.is_ok() {
                        written = writeln!(lines, "{line}");
                    }
                })
                .await
                .with_context(|| path.display().to_string())?;
            written.context("--per-query")?;
            match json {
                true => println!("{}", serde_json::to_string(&report)?),
                false => eprintln!(
                    "{} {}: R@1 {:.3}, R@5 {:.3}",
                    report.dataset, report.mode, report.recall_1, report.recall_5
                ),
            }
            reports.push(report);
        }
    }
    lines.flush().context("--per-query")?;
    evaluation.close().await;
    Ok((reports, scores))
}

async fn tune(
    config: Config,
    dirs: &[PathBuf],
    json: bool,
    cache: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let now = Shares {
        keyword: config.retrieve.keyword_share,
        proximity: config.retrieve.proximity_share,
    };
    let evaluation = Evaluation::open(&config, cache).await?;
    let mut sets = Vec::new();
    for dir in dirs {
        for path in eval::find(dir)? {
            let dataset = Dataset::load(&path)?;
            let examples = evaluation
                .examples(&dataset)
                .await
                .with_context(|| path.display().to_string())?;
            eprintln!("{}: {} judged questions", dataset.name, examples.len());
            if !examples.is_empty() {
                sets.push((dataset.name, examples));
            }
        }
    }
    evaluation.close().await;
    let tuned = tune::tune(&sets, now);
    if json {
        println!("{}", serde_json::to_string(&tuned)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n", tune::table(&tuned));
    println!(
        "[retrieve]\nkeyword_share = {:.2}\nproximity_share = {:.2}",
        tuned.shares.keyword, tuned.shares.proximity
    );
    Ok(ExitCode::SUCCESS)
}

async fn status(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::build(config).await?;
    println!(
        "encoder {} ({} dimensions)",
        app.embedder.id(),
        app.embedder.dimension()
    );
    for (workspace, _) in app.store.workspaces().await? {
        println!(
            "{}",
            serde_json::to_string(&check::status(&app, &workspace).await?)?
        );
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn rebuild(config: Config) -> anyhow::Result<ExitCode> {
    index::clear(&config.index.dir)?;
    let app = App::build(config).await?;
    for (workspace, revision) in app.store.workspaces().await? {
        wait_until_indexed(&app, &workspace, revision).await?;
        println!("{workspace}: revision {revision}");
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn run_check(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::build(config).await?;
    let mut sound = true;
    for (workspace, revision) in app.store.workspaces().await? {
        if app.indexes.is_writer() {
            wait_until_indexed(&app, &workspace, revision).await?;
        }
        let found = check::check(&app, &workspace).await?;
        println!(
            "{workspace}: {} chunks, {} faults",
            found.n_chunks,
            found.faults.len()
        );
        found.faults.iter().for_each(|fault| println!("  {fault}"));
        sound &= found.faults.is_empty();
    }
    app.close().await;
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
