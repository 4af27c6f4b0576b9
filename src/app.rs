//! [`App::build`] is the one place that chooses the parts and connects them; the binary and the tests use it alike.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;

use crate::answer::{Admission, Answerer, ModelError};
use crate::background::Background;
use crate::blocking::blocking;
use crate::cases::Cases;
use crate::config::Config;
use crate::domain::{Clock, WorkspaceId};
use crate::editing::impact::Trials;
use crate::embed::{EmbedError, Embedder};
use crate::index::{Follower, IndexError, Indexes};
use crate::ingest::worker::FileReader;
use crate::jobs::Jobs;
use crate::keys::KeyRing;
use crate::learn::Learning;
use crate::llm::{Llm, LlmError};
use crate::rerank::{CrossEncoder, RerankError};
use crate::retrieve::{Retriever, Shares};
use crate::store::{Store, StoreError, Vault};
use crate::vectors::Vectors;

/// The service's parts, connected. Dropping it stops the follower without saving; [`App::close`] saves.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub indexes: Arc<Indexes>,
    pub embedder: Embedder,
    /// Reads files within limits.
    pub reader: FileReader,
    pub follower: Arc<Follower>,
    pub retriever: Retriever,
    pub answerer: Answerer,
    pub jobs: Jobs,
    /// What was taken out of cases.
    pub vault: Vault,
    /// Tries changes out.
    pub trials: Trials,
    pub cases: Cases,
    pub keys: KeyRing,
    working: Background,
    pub learning: Learning,
    /// Learns on a schedule.
    rounds: AbortOnDrop,
    /// Runs for as long as the service does.
    forgetting: AbortOnDrop,
}

/// A task that ends with what holds it.
struct AbortOnDrop(JoinHandle<()>);

impl From<JoinHandle<()>> for AbortOnDrop {
    fn from(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How often old conversations are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Forgets conversations that had no turn for so many days, at once and every hour; 0 keeps them.
fn forget_old_answers(store: Store, keep_days: u32) -> JoinHandle<()> {
    tokio::spawn(async move {
        if keep_days == 0 {
            return;
        }
        loop {
            let kept = SignedDuration::from_hours(24 * i64::from(keep_days));
            match store.forget_answers_before(store.now() - kept).await {
                Ok(0) => {}
                Ok(n) => tracing::info!(n_turns = n, "old conversations are forgotten"),
                Err(error) => tracing::error!(%error, "old conversations could not be forgotten"),
            }
            tokio::time::sleep(FORGET_EVERY).await;
        }
    })
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Rerank(#[from] RerankError),
    #[error(transparent)]
    Llm(#[from] LlmError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl App {
    /// Opens the store, the encoder and the indexes, checks that those of every workspace are usable, and starts
    /// following the change log.
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let encoder = config.encoder.clone();
        let embedder = blocking(move || {
            crate::text::warm_up();
            Embedder::open(&encoder)
        })
        .await?;
        Self::build_with(config, embedder).await
    }

    /// As [`App::build`], with an encoder that is loaded already.
    pub async fn build_with(config: Config, embedder: Embedder) -> Result<Self, AppError> {
        Self::build_at(config, embedder, Clock::default()).await
    }

    /// As [`App::build_with`], going by another clock.
    pub async fn build_at(
        config: Config,
        embedder: Embedder,
        clock: Clock,
    ) -> Result<Self, AppError> {
        let store = Store::open(&config.store.url)
            .await?
            .with_clock(clock.clone());
        store.ensure_workspace(&default_workspace()).await?;
        let indexes = Arc::new(Indexes::open(
            &config.index,
            embedder.id(),
            embedder.dimension(),
        )?);
        let names = store.workspaces().await?;
        let opening = indexes.clone();
        blocking(move || -> Result<(), IndexError> {
            for (workspace, _) in names {
                opening.workspace(&workspace)?;
            }
            Ok(())
        })
        .await?;
        if indexes.is_writer() {
            store.drop_unfilled_jobs().await?;
            // What trials of changes left behind, as after a crash.
            for (workspace, _) in store.workspaces().await? {
                store.unstage(&workspace).await?;
            }
        }
        let follower = Arc::new(Follower::start(
            store.clone(),
            indexes.clone(),
            embedder.clone(),
            Duration::from_millis(config.index.poll_ms),
        ));
        let (rerank, encoder) = (config.rerank.clone(), config.encoder.clone());
        let reranker = blocking(move || CrossEncoder::open(&rerank, &encoder)).await?;
        let mut retriever = Retriever::new(
            store.clone(),
            indexes.clone(),
            embedder.clone(),
            &config.retrieve,
        )
        .with_clock(clock);
        if let Some(reranker) = reranker {
            retriever = retriever.with_reranker(Arc::new(reranker), &config.rerank);
        }
        let llm = Llm::new(&config.llm)?;
        let answerer = Answerer::new(
            store.clone(),
            retriever.clone(),
            embedder.clone(),
            Admission::new(&config.answer)?,
            llm.clone(),
        );
        let vault = Vault::open(&config.store.vault_url).await?;
        let trials = Trials {
            store: store.clone(),
            indexes: indexes.clone(),
            follower: follower.clone(),
            retriever: retriever.clone(),
            answerer: answerer.clone(),
        };
        let cases = Cases::new(
            store.clone(),
            vault.clone(),
            embedder.clone(),
            answerer.clone(),
            trials.clone(),
            llm,
            config.learn.clone(),
        );
        // As with jobs: one process distils.
        let working = match indexes.is_writer() {
            true => cases.start(),
            false => Background::left_to_another("the distilling of cases"),
        };
        let learning = Learning {
            store: store.clone(),
            vectors: Vectors::new(store.clone(), embedder.clone()),
            answerer: answerer.clone(),
            retriever: retriever.clone(),
            cases: cases.clone(),
            trials: trials.clone(),
            config: config.learn.clone(),
            deciding: Arc::default(),
            setting: Arc::default(),
            shares: Shares {
                keyword: config.retrieve.keyword_share,
                proximity: config.retrieve.proximity_share,
            },
        };
        let rounds = match indexes.is_writer() {
            true => learning.start(),
            false => tokio::spawn(async {}),
        };
        let reader = FileReader::new(&config.ingest);
        let wake = follower.waker();
        // One process works jobs off: the one that writes the indexes.
        let jobs = match indexes.is_writer() {
            true => Jobs::start(store.clone(), reader.clone(), wake),
            false => Jobs::left_to_another(),
        };
        let forgetting = forget_old_answers(store.clone(), config.answer.keep_days);
        Ok(Self {
            forgetting: forgetting.into(),
            vault,
            trials,
            cases,
            keys: KeyRing::new(store.clone()),
            working,
            learning,
            rounds: rounds.into(),
            reader,
            jobs,
            config,
            store,
            indexes,
            embedder,
            follower,
            retriever,
            answerer,
        })
    }

    /// Finishes the pass under way, saves, and closes the store.
    pub async fn close(&self) {
        self.forgetting.0.abort();
        self.rounds.0.abort();
        self.working.stop().await;
        self.jobs.stop().await;
        self.follower.stop().await;
        self.store.close().await;
        self.vault.close().await;
    }
}

/// The workspace that is meant where none is named.
pub fn default_workspace() -> WorkspaceId {
    WorkspaceId::parse("default").expect("the name is valid")
}
