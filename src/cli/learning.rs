//! The commands of learning: `cases`, `drafts`, `gaps`, `learn`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use ken::app::App;
use ken_base::config::Config;
use ken_base::domain::{Case, DraftState, Reviewer, WorkspaceId};
use ken_learn::cases::{DraftEdit, ReviewError, ReviewedDraft};

use super::{open_caught_up, wait_until_indexed};

#[derive(Subcommand)]
pub enum DraftCommand {
    /// List drafts, highest rank first
    List {
        /// `new`, `variant`, `update`, `contradiction`, `known`, `negative`, `gap` or `all`; default: drafts with new content
        #[arg(long)]
        class: Option<String>,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Show a draft with its evidence, the nearest knowledge and the impact of publishing it
    Show { id: String },
    /// Publish a draft
    Approve {
        id: String,
        /// Name of the reviewer
        #[arg(long, env = "USER", default_value = "anyone")]
        by: String,
        /// Publish despite broken judged questions or wording collisions
        #[arg(long)]
        force: bool,
    },
    /// Edit a draft
    Edit {
        id: String,
        #[arg(long, env = "USER", default_value = "anyone")]
        by: String,
        #[arg(long)]
        question: Option<String>,
        #[arg(long)]
        answer: Option<String>,
        /// Alternative wording of the question; repeatable; replaces all existing ones
        #[arg(long = "variant")]
        variants: Option<Vec<String>>,
    },
    /// Reject a draft
    Reject {
        id: String,
        /// Reason; `wrong`, `duplicate` and `not_general` also train the ranking
        #[arg(long)]
        reason: String,
        #[arg(long, env = "USER", default_value = "anyone")]
        by: String,
    },
    /// Merge a draft into another one
    Merge {
        id: String,
        into: String,
        #[arg(long, env = "USER", default_value = "anyone")]
        by: String,
    },
}

#[derive(Subcommand)]
pub enum LearnCommand {
    /// Learn settings; they take effect only if they improve results and break no judged question
    Tune {
        #[arg(long, env = "USER", default_value = "anyone")]
        by: String,
    },
    /// Roll back to the settings before the last change
    Rollback {
        #[arg(long, env = "USER", default_value = "anyone")]
        by: String,
    },
    /// Export feedback as a judged set, for `ken tune`, `ken calibrate` and `ken eval`
    Labels { folder: PathBuf },
}

/// The number of cases per submission.
const BATCH: usize = 500;

/// `ken cases`: submits cases and distils them.
pub async fn cases(
    config: Config,
    workspace: &WorkspaceId,
    files: &[PathBuf],
) -> anyhow::Result<ExitCode> {
    let app = App::build_serving(config).await?.0;
    let mut n = [0usize; 2];
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let mut read: Vec<Case> = Vec::new();
        for (at, line) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty())
        {
            let place = || format!("{} line {}", file.display(), at + 1);
            read.push(serde_json::from_str(line).with_context(place)?);
        }
        for batch in read.chunks(BATCH) {
            let submitted = match app.cases.submit(workspace, batch.to_vec()).await? {
                Ok(submitted) => submitted,
                Err(faults) => {
                    let lines = faults
                        .iter()
                        .map(|(at, f)| format!("case {}{}: {}", at + 1, f.pointer, f.detail));
                    let lines: Vec<String> = lines.collect();
                    anyhow::bail!("{}: {}", file.display(), lines.join("; "));
                }
            };
            n[0] += submitted.len();
            n[1] += submitted
                .iter()
                .map(|submitted| submitted.n_redacted)
                .sum::<usize>();
        }
    }
    app.cases
        .wait_for(workspace, Duration::from_secs(3_600))
        .await?;
    let drafts = app
        .cases
        .queue(workspace, DraftState::Open, None, usize::MAX)
        .await?;
    app.close().await;
    println!(
        "{} cases submitted, {} personal data items redacted, {} drafts to review (ken drafts list)",
        n[0],
        n[1],
        drafts.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// `ken drafts`: lists and reviews drafts.
pub async fn drafts(
    config: Config,
    workspace: &WorkspaceId,
    command: DraftCommand,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let cases = &app.cases;
    let done = match command {
        DraftCommand::List { class, limit, json } => {
            let ranked = cases
                .queue(workspace, DraftState::Open, class.as_deref(), limit)
                .await?;
            if json {
                println!("{}", serde_json::to_string(&ranked)?);
            } else {
                for r in &ranked {
                    println!(
                        "{}  {:5.2}  {} sources  {:13}  {}",
                        r.draft.id,
                        r.rank,
                        r.demand,
                        r.draft.class.name(),
                        r.draft.question
                    );
                }
            }
            None
        }
        DraftCommand::Show { id } => {
            let details = cases.details(workspace, &id).await.map_err(explain)?;
            println!("{}", serde_json::to_string_pretty(&details)?);
            None
        }
        DraftCommand::Approve { id, by, force } => Some(
            cases
                .approve(workspace, &id, &Reviewer::named(by), force)
                .await
                .map_err(explain)?,
        ),
        DraftCommand::Edit {
            id,
            by,
            question,
            answer,
            variants,
        } => {
            let edit = DraftEdit {
                question,
                answer,
                variants,
                tags: None,
            };
            let draft = cases.edit(workspace, &id, &Reviewer::named(by), edit).await;
            Some(unpublished(draft.map_err(explain)?))
        }
        DraftCommand::Reject { id, reason, by } => {
            let draft = cases
                .reject(workspace, &id, &Reviewer::named(by), &reason)
                .await;
            Some(unpublished(draft.map_err(explain)?))
        }
        DraftCommand::Merge { id, into, by } => {
            let draft = cases
                .merge(workspace, &id, &into, &Reviewer::named(by))
                .await;
            Some(unpublished(draft.map_err(explain)?))
        }
    };
    if let Some(ReviewedDraft { draft, revision }) = done {
        if let Some(revision) = revision {
            wait_until_indexed(&app, workspace, revision).await?;
        }
        let place = draft
            .published_as
            .map_or(String::new(), |id| format!(" as {id}"));
        println!("{} is {}{place}", draft.id, draft.state.as_str());
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

fn unpublished(draft: ken_base::domain::Draft) -> ReviewedDraft {
    ReviewedDraft {
        draft,
        revision: None,
    }
}

/// The error with all its causes.
fn explain(error: ReviewError) -> anyhow::Error {
    let why: Vec<String> = match &error {
        ReviewError::Incomplete(faults) => {
            let line = |(field, detail): &(&str, String)| format!("{field}: {detail}");
            faults.iter().map(line).collect()
        }
        ReviewError::WouldBreak(broken) => broken.iter().map(|b| b.question.clone()).collect(),
        ReviewError::Collides(found) => found
            .iter()
            .map(|c| format!("{:?} belongs to {} ({})", c.question, c.belongs_to, c.why))
            .collect(),
        _ => Vec::new(),
    };
    let detail = why.iter().map(|line| format!("\n  {line}"));
    anyhow::anyhow!("{error}{}", detail.collect::<String>())
}

/// `ken gaps`: prints unanswered questions, grouped by meaning.
pub async fn gaps(
    config: Config,
    workspace: &WorkspaceId,
    days: i64,
    limit: usize,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    let gaps = app.learning.gaps(workspace, days, None, limit).await?;
    app.close().await;
    if json {
        println!("{}", serde_json::to_string(&gaps)?);
        return Ok(ExitCode::SUCCESS);
    }
    for gap in &gaps {
        let how: Vec<String> = gap
            .failures
            .iter()
            .map(|(how, n)| format!("{how} {n}"))
            .collect();
        println!("{:7.2}  {} asked  {}", gap.rank, gap.volume, gap.question);
        println!("         {}", how.join(", "));
        if let Some(closest) = &gap.closest {
            println!(
                "         closest: {} ({}, {:.2})",
                closest.title, closest.document_id, closest.similarity
            );
        }
        if let Some(draft) = &gap.draft_id {
            println!("         {draft} would fill it");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `ken learn`: tunes settings, rolls them back, or exports labels.
pub async fn learn(
    config: Config,
    workspace: &WorkspaceId,
    command: LearnCommand,
) -> anyhow::Result<ExitCode> {
    let app = open_caught_up(config, workspace).await?;
    match command {
        LearnCommand::Tune { by } => {
            let learned = app.learning.tune(workspace, &by).await?;
            println!("{}", serde_json::to_string_pretty(&learned)?);
        }
        LearnCommand::Rollback { by } => {
            let back = app.learning.roll_back(workspace, &by).await?;
            let back = back.context("no earlier settings")?;
            println!("{}", serde_json::to_string(&back)?);
        }
        LearnCommand::Labels { folder } => {
            let written = app.learning.write_labels(workspace, &folder).await?;
            println!(
                "{} questions on {} documents: {}",
                written.n_questions,
                written.n_documents,
                folder.display()
            );
        }
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}
