//! The commands. Each calls its parts and prints their results.

pub mod administration;
pub mod encoders;
pub mod evaluation;
pub mod inboxes;
pub mod knowledge;
pub mod learning;
pub mod operations;
pub mod queries;

use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use ken::app::App;
use ken_base::config::Config;
use ken_base::domain::{Mode, Revision, WorkspaceId};

/// The search mode of a command.
#[derive(Clone, Copy, ValueEnum)]
pub enum ModeArg {
    Hybrid,
    Keyword,
    Vector,
}

/// The search modes to evaluate.
#[derive(Clone, Copy, ValueEnum)]
pub enum EvalModeArg {
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
    /// The search modes to evaluate, in order.
    pub fn modes(self) -> Vec<Mode> {
        match self {
            EvalModeArg::Hybrid => vec![Mode::Hybrid],
            EvalModeArg::Keyword => vec![Mode::Keyword],
            EvalModeArg::Vector => vec![Mode::Vector],
            EvalModeArg::All => vec![Mode::Keyword, Mode::Vector, Mode::Hybrid],
        }
    }
}

/// Waits until `revision` is indexed and shows the progress. If another process writes the indexes, returns at once.
pub async fn wait_until_indexed(
    app: &App,
    workspace: &WorkspaceId,
    revision: Revision,
) -> anyhow::Result<()> {
    if !app.indexes.is_writer() {
        println!("recorded; the running service will index it");
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
            anyhow::bail!("changes are recorded, but indexing failed: {error}");
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

/// Opens the service and waits until its indexes have the store's revision.
pub async fn open_caught_up(config: Config, workspace: &WorkspaceId) -> anyhow::Result<App> {
    let app = App::build_serving(config).await?.0;
    let revision = app.store.revision(workspace).await?;
    if app.indexes.is_writer() {
        wait_until_indexed(&app, workspace, revision).await?;
    } else {
        // The writing service may be behind; its indexing is awaited only briefly.
        app.follower
            .wait_for(workspace, revision, Duration::from_secs(10))
            .await;
    }
    Ok(app)
}
