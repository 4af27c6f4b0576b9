//! The commands that measure: `eval`, `calibrate`, `tune`, `bench`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use ken::bench;
use ken::eval::compare::{self, EvalRun};
use ken::eval::{self, Dataset, Evaluation, calibrate};
use ken_answer::answer::AnswerabilityModel;
use ken_base::config::{Config, SearchFeature};
use ken_learn::measures::tune;
use ken_search::retrieve::Shares;

use super::EvalModeArg;

#[derive(Args)]
pub struct EvalArgs {
    #[arg(required = true)]
    dirs: Vec<PathBuf>,
    /// `all` evaluates each leg alone and both together
    #[arg(long, value_enum, default_value = "hybrid")]
    mode: EvalModeArg,
    /// Print one JSON object per set instead of a table
    #[arg(long)]
    json: bool,
    /// Cache vectors in this folder to speed up the next run
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Write one JSON object per query to this file
    #[arg(long)]
    per_query: Option<PathBuf>,
    /// Compare with an earlier run (a file written by --per-query): paired randomisation test
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Disable parts of the search (ablation), comma-separated: spoken, lexicon, homophones, fuzzy, proximity,
    /// faq_questions, negatives, other_writing
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    without: Vec<SearchFeature>,
    /// Also report by language and by perturbation rule, if the queries have them
    #[arg(long)]
    slices: bool,
    /// Replace the quality card in this Markdown file
    #[arg(long)]
    card: Option<PathBuf>,
    /// Ask the queries that have a history on the desk instead: on one channel, and cut over two
    #[arg(long, conflicts_with_all = ["baseline", "card", "slices", "per_query"])]
    channels: bool,
}

/// `ken eval`: evaluates judged sets and prints tables or lines of JSON.
pub async fn eval(mut config: Config, args: EvalArgs) -> anyhow::Result<ExitCode> {
    let EvalArgs {
        dirs,
        mode,
        json,
        cache,
        per_query,
        baseline,
        without,
        slices,
        card,
        channels,
    } = args;
    config.retrieve.without = without;
    if channels {
        measure_channels(&config, &dirs, json, cache.as_deref()).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let dialogues: Vec<PathBuf> = dirs
        .iter()
        .flat_map(|dir| eval::dialogues::find(dir))
        .collect();
    if !dialogues.is_empty() {
        measure_dialogues(
            &config,
            &dialogues,
            json,
            cache.as_deref(),
            per_query.as_deref(),
        )
        .await?;
        if dirs.iter().all(|dir| eval::find(dir).is_err()) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    // Read first, since the run may overwrite it.
    let before = baseline.as_deref().map(EvalRun::read).transpose()?;
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
        if let Some(table) = eval::admission_table(&reports) {
            println!("\n{table}");
        }
        if let Some(differences) = differences {
            println!("\n{}", compare::table(&differences));
        }
    }
    if let Some(path) = card {
        let document =
            std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let written = eval::with_card(&document, &eval::table(&reports))
            .with_context(|| format!("{} has no quality card markers", path.display()))?;
        std::fs::write(&path, written).with_context(|| path.display().to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure_channels(
    config: &Config,
    dirs: &[PathBuf],
    json: bool,
    cache: Option<&Path>,
) -> anyhow::Result<()> {
    let evaluation = Evaluation::open(config, cache).await?;
    let mut reports = Vec::new();
    for dir in dirs {
        for path in eval::find(dir)? {
            let dataset = Dataset::load(&path)?;
            let has_history = dataset
                .queries
                .iter()
                .any(|query| !query.history.is_empty());
            if has_history {
                reports.push(evaluation.channels(&dataset).await?);
            }
        }
    }
    evaluation.close().await;
    match json {
        true => {
            for report in &reports {
                println!("{}", serde_json::to_string(report)?);
            }
        }
        false => println!("{}", eval::channels::table(&reports)),
    }
    Ok(())
}

async fn measure_dialogues(
    config: &Config,
    paths: &[PathBuf],
    json: bool,
    cache: Option<&Path>,
    per_case: Option<&Path>,
) -> anyhow::Result<()> {
    let evaluation = Evaluation::open(config, cache).await?;
    let (mut reports, mut lines) = (Vec::new(), String::new());
    for path in paths {
        let report = evaluation.dialogues(path, |case| {
            lines.push_str(&case.to_string());
            lines.push('\n');
        });
        reports.push(report.await?);
    }
    evaluation.close().await;
    if let Some(path) = per_case {
        std::fs::write(path, lines).with_context(|| path.display().to_string())?;
    }
    match json {
        true => reports.iter().try_for_each(|report| {
            println!("{}", serde_json::to_string(report)?);
            anyhow::Ok(())
        })?,
        false => println!("{}", eval::dialogues::table(&reports)),
    }
    Ok(())
}

async fn evaluate(
    config: Config,
    dirs: &[PathBuf],
    mode: EvalModeArg,
    json: bool,
    cache: Option<&Path>,
    per_query: Option<&Path>,
) -> anyhow::Result<(Vec<eval::EvalReport>, EvalRun)> {
    let mut paths = Vec::new();
    for dir in dirs {
        match eval::find(dir) {
            // Dialogues are measured separately.
            Err(_) if !eval::dialogues::find(dir).is_empty() => {}
            found => paths.extend(found?),
        }
    }
    let mut lines: Box<dyn std::io::Write> = match per_query {
        Some(path) => Box::new(std::io::BufWriter::new(
            std::fs::File::create(path).with_context(|| path.display().to_string())?,
        )),
        None => Box::new(std::io::sink()),
    };
    let evaluation = Evaluation::open(&config, cache).await?;
    let (mut reports, mut scores) = (Vec::new(), EvalRun::default());
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

/// `ken calibrate`: fits the admission model and prints or writes it.
pub async fn calibrate(
    config: Config,
    dirs: &[PathBuf],
    out: Option<&Path>,
    reading_only: bool,
    cache: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let base_model = match (reading_only, &config.answer.model) {
        (false, _) => None,
        (true, Some(file)) => Some(AnswerabilityModel::read(file)?),
        (true, None) => Some(AnswerabilityModel::shipped()),
    };
    let evaluation = Evaluation::open(&config, cache).await?;
    let mut rows = Vec::new();
    let mut names = Vec::new();
    for dir in dirs {
        for path in eval::find(dir)? {
            let dataset = Dataset::load(&path)?;
            let found = evaluation
                .rows(&dataset)
                .await
                .with_context(|| path.display().to_string())?;
            eprintln!("{}: {} rows", dataset.name, found.len());
            names.push(dataset.name.clone());
            rows.extend(found);
        }
    }
    let reader = evaluation.reader_version().unwrap_or_default().to_owned();
    evaluation.close().await;
    let fitted = tokio::task::spawn_blocking(move || match base_model {
        None => calibrate::calibrate(&rows),
        Some(model) => calibrate::calibrate_reading(&rows, model),
    })
    .await?;
    let mut fitted = fitted.map_err(anyhow::Error::msg)?;
    match reading_only {
        false => fitted.model.fitted_on = names.join(", "),
        true => fitted.model.reading.fitted_on = names.join(", "),
    }
    fitted.model.reading.reader = reader;
    match reading_only {
        false => println!("Results on the held-out 30 %:\n"),
        true => println!("Results on each set, with a model fitted on the others:\n"),
    }
    println!("| set | rows | AUROC | FAR@90 | calibration error |\n|---|--:|--:|--:|--:|");
    let shown = |measure: Option<f64>| measure.map_or("–".to_owned(), |x| format!("{x:.3}"));
    for set in &fitted.held_out {
        println!(
            "| {} | {} | {} | {} | {:.3} |",
            set.dataset,
            set.n_rows,
            shown(set.auroc),
            shown(set.false_answer_rate_90),
            set.calibration_error
        );
    }
    println!("| all | | | | {:.3} |", fitted.calibration_error);
    let json = serde_json::to_string_pretty(&fitted.model)?;
    match out {
        Some(file) => {
            std::fs::write(file, json + "\n").with_context(|| file.display().to_string())?;
            println!(
                "\nModel fitted on all rows written to {} (set answer.model to use it)",
                file.display()
            );
        }
        None => println!("\n{json}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// `ken tune`: fits the fusion shares and prints them.
pub async fn tune(
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

/// `ken bench`: runs the load test and prints its results as a table or JSON.
pub async fn bench(
    config: Config,
    data: &Path,
    chunks: usize,
    rate: Option<f64>,
    seconds: u64,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let folder = std::path::absolute(data.join(chunks.to_string()))?;
    let time = Duration::from_secs(seconds);
    let report = bench::run(config, &folder, chunks, rate, time).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(filled) = &report.filled {
        let vectors = match filled.has_drawn_vectors {
            true => "random vectors",
            false => "encoded",
        };
        println!(
            "{} chunks, {vectors}: recorded at {:.0}/s, searchable at {:.0}/s{}",
            filled.n_chunks,
            filled.recorded_per_s,
            filled.searchable_per_s,
            filled
                .encoder_per_s
                .map_or(String::new(), |rate| format!("; encoder alone {rate:.0}/s"))
        );
    }
    println!(
        "ready after {:.2} s, {:.0} MB idle, {:.0} MB after load; encoder alone {:.0} questions/s",
        report.started_in_s, report.idle_mb, report.loaded_mb, report.encoder_per_s
    );
    println!("| | max/s | sent/s | p50 ms | p90 | p99 | p99.9 | max | rejected | failed |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for phase in &report.phases {
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} |",
            phase.name,
            phase.at_most_per_s,
            phase.asked_per_s,
            phase.p50,
            phase.p90,
            phase.p99,
            phase.p999,
            phase.most,
            phase.n_refused,
            phase.n_failed
        );
    }
    Ok(ExitCode::SUCCESS)
}
