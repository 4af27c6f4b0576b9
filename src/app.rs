//! [`App::build`] is the one place that chooses the parts and connects them. The binary and the tests both use it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::encoders;
use crate::keys::KeyRing;
use crate::mailboxes::Mailboxes;
use crate::oidc::{Oidc, OidcError};
use crate::retention::{self, Forgotten};
use crate::sessions::{IDLE, Sessions};
use crate::webhooks::Webhooks;
use ken_answer::answer::{Admission, Answerer, ModelError};
use ken_answer::llm::{Llm, LlmError};
use ken_base::background::{Background, and};
use ken_base::blocking::blocking;
use ken_base::config::{Config, VectorBackend};
use ken_base::domain::{Clock, WorkspaceId};
use ken_base::outbound::Destinations;
use ken_conversations::erasure::Erased;
use ken_conversations::service::Desk;
use ken_ingest::ingest::worker::FileReader;
use ken_knowledge::editing::Knowledge;
use ken_knowledge::editing::files::Ingester;
use ken_knowledge::editing::gate::Gate;
use ken_knowledge::editing::impact::WhatIf;
use ken_knowledge::jobs::{Changes, Uploads};
use ken_learn::cases::Cases;
use ken_learn::learn::judged_runs::JudgedRuns;
use ken_learn::learn::{LearnError, Learning};
use ken_search::embed::{EmbedError, Embedder};
use ken_search::index::{Follower, IndexError, Indexes, QdrantCluster};
use ken_search::reader::{Reader, ReaderError};
use ken_search::retrieve::{Retriever, Shares};
use ken_search::vectors::CachedEmbedder;
use ken_store::queue::{Handlers, Queue, Waker};
use ken_store::store::{DeletedRows, Leadership, Store, StoreError, Vault};

/// The service's parts, connected. Dropping it stops the follower without saving; [`App::close`] saves.
pub struct App {
    /// The whole configuration.
    pub config: Config,
    /// The system of record.
    pub store: Store,
    /// Keyword indexes and vectors of all workspaces.
    pub indexes: Arc<Indexes>,
    /// The encoder.
    pub embedder: Embedder,
    /// Parses files in bounded processes.
    pub reader: FileReader,
    /// Follows the change log into the indexes.
    pub follower: Arc<Follower>,
    /// Searches.
    pub retriever: Retriever,
    /// Answers questions.
    pub answerer: Answerer,
    /// The durable job queue.
    pub queue: Queue,
    /// Personal data removed from cases.
    pub vault: Vault,
    /// Answers questions as if a change were already made.
    pub what_if: WhatIf,
    /// Checks every change of knowledge against the judged questions.
    pub gate: Gate,
    /// Makes drafts of resolved cases.
    pub cases: Cases,
    /// Conversations with customers.
    pub desk: Arc<Desk>,
    /// Authenticates callers.
    pub keys: KeyRing,
    /// Sessions of the console.
    pub sessions: Sessions,
    /// Feedback, experiments, tuning and insights.
    pub learning: Learning,
    /// The scheduled learning rounds.
    learning_rounds: Background,
    /// Sends what happens to those who asked for it.
    webhooks: Background,
    /// Fetches mails.
    mailboxes: Background,
    /// Whether requests are served.
    serving: watch::Sender<bool>,
    /// Whether this process is the leader.
    pub leadership: Arc<Leadership>,
    clock: Clock,
    /// `false` while this is a standby app, which only answers and follows the change log.
    active: watch::Sender<bool>,
    housekeeping: Background,
}

/// The time between two cleanups.
const KEEP_HOUSE_EVERY: Duration = Duration::from_secs(3_600);

/// The age at which an unfilled job counts as abandoned, if other processes may still be filling it.
const LEFT_BEHIND: SignedDuration = SignedDuration::from_hours(1);
/// How long the files of failed items of jobs are kept, so that they can be run again.
const KEEP_FAILED_FILES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Cleans up at start and every hour. Deletes abandoned jobs of a shared store, old files of failed items, conversations
/// without a turn for `keep_days` days (0: keeps them), expired sessions, originals of no version, expired cases and
/// personal data, and old messages of inboxes.
async fn housekeeping(
    desk: Arc<Desk>,
    learning: Learning,
    keep_days: u32,
    mut stopped: watch::Receiver<bool>,
) {
    let (store, cases) = (&learning.store, &learning.cases);
    loop {
        if store.is_shared()
            && let Err(error) = store
                .drop_unfilled_jobs(Timestamp::now() - LEFT_BEHIND)
                .await
        {
            tracing::error!(%error, "cleanup failed");
        }
        if let Err(error) = store
            .forget_failed_files(Timestamp::now() - KEEP_FAILED_FILES)
            .await
        {
            tracing::error!(%error, "cannot delete the files of failed uploads");
        }
        let retention = SignedDuration::from_hours(24 * i64::from(keep_days));
        if keep_days > 0 {
            match store.forget_answers_before(store.now() - retention).await {
                Ok(0) => {}
                Ok(n) => tracing::info!(n_turns = n, "deleted expired conversations"),
                Err(error) => tracing::error!(%error, "cannot delete expired conversations"),
            }
        }
        if let Err(error) = store.drop_expired_sessions(IDLE).await {
            tracing::error!(%error, "cannot delete expired sessions");
        }
        if let Err(error) = store.drop_unused_originals().await {
            tracing::error!(%error, "cannot delete unused originals");
        }
        if let Err(error) = cases.forget_old().await {
            tracing::error!(%error, "cannot delete expired cases");
        }
        if let Err(error) = retention::erase_old(&desk, &learning).await {
            tracing::error!(%error, "cannot erase old messages");
        }
        if let Err(error) = desk.attachments().remove_unused().await {
            tracing::error!(%error, "cannot remove unused files of messages");
        }
        desk.last_webhooks().forget_old(store.now());
        let over = tokio::time::timeout(KEEP_HOUSE_EVERY, stopped.wait_for(|stop| *stop)).await;
        if over.is_ok() {
            return;
        }
    }
}

/// Why the service cannot start or delete a workspace.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store or the vault cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encoder cannot be loaded.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The reader model cannot be loaded.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The language model client cannot be created.
    #[error(transparent)]
    Llm(#[from] LlmError),
    /// The OpenID Connect client cannot be created.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// The admission model cannot be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The indexes cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The encoder that was chosen by `ken reencode` cannot be used.
    #[error("cannot load the encoder chosen by `ken reencode`: {0}")]
    Chosen(String),
    /// The client of outbound webhooks cannot be built.
    #[error("cannot build an HTTP client: {0}")]
    Client(String),
    /// Another process writes the indexes.
    #[error("another process writes the indexes; use its API: DELETE /v1/workspaces/NAME")]
    NotTheWriter,
}

impl App {
    /// The parts that lint searches.
    pub fn knowledge(&self) -> Knowledge<'_> {
        Knowledge {
            store: &self.store,
            indexes: &self.indexes,
            embedder: &self.embedder,
        }
    }

    /// The importer of files and folders into this store.
    pub fn ingester(&self) -> Ingester<'_> {
        Ingester {
            store: &self.store,
            gate: &self.gate,
            reader: &self.reader,
        }
    }

    /// Opens the store, the encoder and the indexes, checks that those of every workspace are usable, and starts the
    /// background tasks.
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let embedder = open_encoder(&config).await?;
        Self::build_with(config, embedder).await
    }

    /// Like [`App::build`], with the encoder chosen by `ken reencode`, if any. Also returns its spec; empty for the
    /// encoder of the settings.
    pub async fn build_serving(config: Config) -> Result<(Self, String), AppError> {
        let store = Store::open(&config.store.url).await?;
        Self::build_serving_on(config, store).await
    }

    /// Like [`App::build_serving`], on an open store.
    pub async fn build_serving_on(
        config: Config,
        store: Store,
    ) -> Result<(Self, String), AppError> {
        let spec = encoders::serving(&store).await?;
        let config =
            encoders::with_encoder(config, &spec).map_err(|e| AppError::Chosen(e.to_string()))?;
        let embedder = open_encoder(&config).await?;
        let indexes = open_indexes(&config, &embedder, None).await?;
        let app = Self::assemble(config, store, embedder, Clock::default(), indexes, None);
        Ok((app.await?, spec))
    }

    /// A standby app beside `other`, on the same store. It only follows the change log until [`App::activate`].
    pub async fn build_standby(config: Config, other: &Self) -> Result<Self, AppError> {
        let embedder = open_encoder(&config).await?;
        let indexes = open_indexes(&config, &embedder, Some(&other.indexes)).await?;
        let clock = other.clock.clone();
        let store = Store::open(&config.store.url).await?;
        let leadership = Some(other.leadership.clone());
        Self::assemble(config, store, embedder, clock, indexes, leadership).await
    }

    /// Like [`App::build`], with a loaded encoder.
    pub async fn build_with(config: Config, embedder: Embedder) -> Result<Self, AppError> {
        Self::build_at(config, embedder, Clock::default()).await
    }

    /// Like [`App::build_with`], with another clock.
    pub async fn build_at(
        config: Config,
        embedder: Embedder,
        clock: Clock,
    ) -> Result<Self, AppError> {
        let indexes = open_indexes(&config, &embedder, None).await?;
        Self::build_on(config, embedder, clock, indexes).await
    }

    /// Like [`App::build_at`], on open indexes.
    pub async fn build_on(
        config: Config,
        embedder: Embedder,
        clock: Clock,
        indexes: Indexes,
    ) -> Result<Self, AppError> {
        let store = Store::open(&config.store.url).await?;
        Self::assemble(config, store, embedder, clock, indexes, None).await
    }

    /// Connects the parts. `leadership` is set for a standby app: the leadership of the other app.
    async fn assemble(
        config: Config,
        store: Store,
        embedder: Embedder,
        clock: Clock,
        indexes: Indexes,
        leadership: Option<Arc<Leadership>>,
    ) -> Result<Self, AppError> {
        let store = store.with_clock(clock.clone());
        store.ensure_workspace(&default_workspace()).await?;
        let indexes = Arc::new(indexes);
        let names = store.workspaces().await?;
        let opening = indexes.clone();
        let known: Vec<WorkspaceId> = names.iter().map(|(name, _)| name.clone()).collect();
        blocking(move || -> Result<(), IndexError> {
            opening.drop_others(&known)?;
            for (workspace, revision) in names {
                opening.workspace_at(&workspace, revision)?;
            }
            Ok(())
        })
        .await?;
        let poll = Duration::from_millis(config.index.poll_ms);
        let is_first = leadership.is_none();
        let leadership =
            leadership.unwrap_or_else(|| Arc::new(store.elect_leader(indexes.is_writer(), poll)));
        let (active, is_active) = watch::channel(is_first);
        let works = and(leadership.watch(), is_active);
        if is_first && !store.is_shared() && indexes.is_writer() {
            // No other process works on the store, and this one has not started yet.
            store.drop_unfilled_jobs(Timestamp::MAX).await?;
        }
        let follower = Arc::new(Follower::start(
            store.clone(),
            indexes.clone(),
            embedder.clone(),
            leadership.watch(),
            poll,
        ));
        let retriever = Retriever::new(
            store.clone(),
            indexes.clone(),
            embedder.clone(),
            &config.retrieve,
        )
        .with_clock(clock.clone());
        let (reading, encoder) = (config.reader.clone(), config.encoder.clone());
        let passage_reader = blocking(move || Reader::open(&reading, &encoder)).await?;
        let llm = Llm::new(&config.llm)?;
        let answerer = Answerer::new(
            store.clone(),
            retriever.clone(),
            embedder.clone(),
            Admission::new(&config.answer)?,
            passage_reader,
            llm.clone(),
        )
        .with_cache(config.answer.cache_entries);
        let vault = Vault::open(&config.store.vault_url).await?;
        let what_if = WhatIf::new(
            store.clone(),
            embedder.clone(),
            retriever.clone(),
            answerer.clone(),
        );
        let gate = Gate::new(what_if.clone(), follower.clone());
        let waker = Waker::default();
        let cases = Cases::new(
            vault.clone(),
            embedder.clone(),
            what_if.clone(),
            gate.clone(),
            llm,
            config.learn.clone(),
            waker.clone(),
        );
        let desk = Arc::new(Desk::new(
            store.clone(),
            answerer.clone(),
            &config.desk,
            Destinations::new(&config.outbound.private_networks),
        ));
        let learning = Learning {
            store: store.clone(),
            vectors: CachedEmbedder::new(store.clone(), embedder.clone()),
            answerer: answerer.clone(),
            retriever: retriever.clone(),
            cases: cases.clone(),
            gate: gate.clone(),
            config: config.learn.clone(),
            deciding: Arc::default(),
            setting: Arc::default(),
            tuning: Arc::default(),
            shares: Shares {
                keyword: config.retrieve.keyword_share,
                proximity: config.retrieve.proximity_share,
            },
        };
        let housekeeping = {
            let (desk, learning, keep_days) =
                (desk.clone(), learning.clone(), config.answer.keep_days);
            Background::start_while("housekeeping", works.clone(), move |stopped| {
                housekeeping(desk.clone(), learning.clone(), keep_days, stopped)
            })
        };
        let learning_rounds = learning.start(works.clone());
        let destinations = Destinations::new(&config.outbound.private_networks);
        // Commands open an app too; only a service calls others and answers customers.
        let (serving, is_serving) = watch::channel(false);
        let outward = and(works.clone(), is_serving);
        let webhooks = Webhooks::new(desk.clone(), learning.clone(), destinations)
            .map_err(AppError::Client)?
            .start(outward.clone());
        let mailboxes = Mailboxes::new(store.clone(), desk.clone(), &config.desk.dns_servers);
        let mailboxes = mailboxes.start(outward);
        let reader = FileReader::new(&config.ingest);
        let keep_bytes = config.ingest.keep_original_bytes;
        let uploads = Uploads::new(store.clone(), reader.clone(), gate.clone(), keep_bytes);
        let changes = Changes::new(store.clone(), gate.clone());
        let handlers = Handlers::default()
            .with(uploads)
            .with(changes)
            .with(JudgedRuns::new(store.clone(), answerer.clone()))
            .with(cases.clone());
        let queue = Queue::start(store.clone(), handlers, works, waker);
        let oidc = Oidc::new(&config.auth)?.map(Arc::new);
        let keys = KeyRing::new(store.clone()).with_oidc(oidc.clone());
        Ok(Self {
            vault,
            desk,
            what_if,
            gate,
            cases,
            sessions: Sessions::new(store.clone(), keys.clone(), oidc),
            keys,
            learning,
            learning_rounds,
            webhooks,
            mailboxes,
            serving,
            leadership,
            clock,
            active,
            housekeeping,
            reader,
            queue,
            config,
            store,
            indexes,
            embedder,
            follower,
            retriever,
            answerer,
        })
    }

    /// Deletes a workspace from the store, the vault, the indexes and memory. Returns the numbers of deleted rows, or
    /// `None` if the workspace does not exist. The default workspace is created again, empty.
    pub async fn delete_workspace(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<DeletedRows>, AppError> {
        if !self.indexes.is_writer() {
            return Err(AppError::NotTheWriter);
        }
        // The vault first: after a crash, the workspace is still in the store and can be deleted again. Then again, for
        // data written in between.
        let (before, _) = self.vault.delete_workspace(workspace).await?;
        // Here too, and again below for what is written in between.
        let files = self.desk.attachments().remove_workspace(workspace).await;
        if let Err(error) = files {
            tracing::error!(%error, "cannot remove the files of a workspace");
        }
        let Some(mut deleted) = self.store.delete_workspace(workspace).await? else {
            return Ok(None);
        };
        let (between, n_left) = self.vault.delete_workspace(workspace).await?;
        if before + between > 0 {
            deleted.rows.insert("vault".to_owned(), before + between);
        }
        deleted.remaining += n_left;
        let (indexes, of) = (self.indexes.clone(), workspace.clone());
        let cleared = blocking(move || indexes.purge(&of)).await;
        self.follower.forget(workspace);
        self.answerer.forget_workspace(workspace);
        self.retriever.glossary().invalidate(workspace);
        self.desk.last_webhooks().forget_workspace(workspace);
        self.keys.invalidate();
        if let Err(error) = self.desk.attachments().remove_workspace(workspace).await {
            tracing::error!(%error, "cannot remove the files of a deleted workspace");
        }
        if *workspace == default_workspace() {
            self.store.ensure_workspace(workspace).await?;
        }
        self.follower.wake();
        // Reported last: everything else is cleared by then, and the service's audit log has the deletion.
        cleared?;
        Ok(Some(deleted))
    }

    /// Forgets what was recorded and learned from conversations on the desk whose messages were erased.
    pub async fn forget(
        &self,
        workspace: &WorkspaceId,
        erased: &Erased,
    ) -> Result<Forgotten, LearnError> {
        let conversations = erased.conversations.iter().map(|(id, _)| id.clone());
        let conversations: Vec<_> = conversations.collect();
        retention::forget(&self.learning, workspace, &conversations).await
    }

    /// Says that requests are served: what calls others may begin.
    pub fn begin_serving(&self) {
        self.serving.send_replace(true);
    }

    /// Ends standby: starts the background work of a standby app.
    pub fn activate(&self) {
        self.active.send_replace(true);
    }

    /// Stops the background work, which another app continues. Requests are still answered.
    pub async fn deactivate(&self) {
        self.active.send_replace(false);
        self.desk.stop().await;
        self.learning_rounds.stop().await;
        self.webhooks.stop().await;
        self.mailboxes.stop().await;
        self.housekeeping.stop().await;
        self.queue.stop().await;
    }

    /// Like [`App::close`], for an app that was replaced. The process keeps its leadership.
    pub async fn retire(&self) {
        self.deactivate().await;
        self.follower.stop().await;
        self.store.close().await;
        self.vault.close().await;
    }

    /// Finishes running work, saves the indexes, gives up leadership and closes the store.
    pub async fn close(&self) {
        self.deactivate().await;
        self.follower.stop().await;
        // After the work is finished, so that no other process repeats it.
        self.leadership.stop().await;
        self.store.close().await;
        self.vault.close().await;
    }
}

async fn open_encoder(config: &Config) -> Result<Embedder, AppError> {
    let encoder = config.encoder.clone();
    let opened = blocking(move || Embedder::open(&encoder));
    let (embedder, ()) = tokio::join!(opened, blocking(ken_text::text::warm_up));
    Ok(embedder?)
}

async fn open_indexes(
    config: &Config,
    embedder: &Embedder,
    sharing: Option<&Indexes>,
) -> Result<Indexes, AppError> {
    let (id, dimension) = (embedder.id(), embedder.dimension());
    let indexes = match sharing {
        Some(other) => Indexes::open_sharing_role(&config.index, id, dimension, other)?,
        None => Indexes::open(&config.index, id, dimension)?,
    };
    Ok(match config.vectors {
        VectorBackend::Embedded => indexes,
        VectorBackend::Qdrant => {
            let (qdrant, id) = (config.qdrant.clone(), id.to_owned());
            let connected = blocking(move || QdrantCluster::connect(&qdrant, &id, dimension));
            indexes.with_cluster(connected.await?)
        }
    })
}

/// The workspace of requests that name none.
pub fn default_workspace() -> WorkspaceId {
    WorkspaceId::parse("default").expect("the name is valid")
}
