//! Vector search on a Qdrant cluster that several processes share.

mod vectors;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::vectors_config::Config as VectorsKind;
use qdrant_client::qdrant::{
    CollectionInfo, Condition, CountPointsBuilder, CreateCollectionBuilder,
    CreateFieldIndexCollectionBuilder, DeletePointsBuilder, Distance, FieldType, Filter,
    GetPointsBuilder, HnswConfigDiffBuilder, KeywordIndexParamsBuilder, PointId, PointStruct,
    Query, QueryPointsBuilder, Range as Between, ScoredPoint, ScrollPointsBuilder,
    SearchParamsBuilder, UpsertPointsBuilder, VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tonic::Code;
use uuid::Uuid;

use super::keyword::VisibilityRule;
use super::vector::{by_views, sort};
use super::{IndexError, Selection, SelectionRules, VectorEntry, VectorHit, VectorStore};
use ken_base::config::{QdrantConfig, Secret};
use ken_base::domain::{Revision, WorkspaceId};
use ken_text::text::sha256_hex;

pub use vectors::QdrantVectors;

/// The time limit of one request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit of connecting.
const CONNECT: Duration = Duration::from_secs(1);
/// How often a request with a transient error is retried, each time at the next node.
const RETRIES: usize = 4;
/// Qdrant's `hnsw_ef`: how many neighbours a search visits. More is more exact and slower.
const EF: u64 = 128;
/// How many chunks are written in one request.
const BATCH: usize = 128;
/// The oldest supported server version: the first that reads vectors in the format that the client writes.
const OLDEST: (u64, u64) = (1, 16);
/// The number of a chunk's first negative, above every number of a view.
const NEGATIVE: u8 = 64;
/// Version of the collection's content; raised with every change of it.
const FORMAT: i64 = 1;
/// The tenant of points that are not vectors: the revision of each workspace and the owner of the collection. No
/// workspace can have this name.
const ABOUT: &str = "/about";
/// The payload fields with an index.
const FIELDS: [(&str, FieldType); 9] = [
    ("workspace", FieldType::Keyword),
    ("key", FieldType::Integer),
    ("document_id", FieldType::Keyword),
    ("tags", FieldType::Keyword),
    ("language", FieldType::Keyword),
    ("kind", FieldType::Keyword),
    ("rule", FieldType::Keyword),
    ("valid_from", FieldType::Integer),
    ("valid_until", FieldType::Integer),
];

/// The vectors of all workspaces in one collection of a Qdrant cluster. Any number of processes search it and one
/// writes. Clones share the connection.
///
/// A collection belongs to one encoder. Each view of a chunk and each negative is a point, and `workspace` is the
/// tenant. A workspace's revision is a point of its own, written after the vectors of that revision.
#[derive(Clone)]
pub struct QdrantCluster(Arc<Cluster>);

struct Cluster {
    nodes: Vec<(String, Qdrant)>,
    /// Index of the node that answered last.
    current: AtomicUsize,
    collection: String,
    encoder_id: String,
    dimension: usize,
    config: QdrantConfig,
    runtime: Handle,
    is_prepared: AtomicBool,
    preparing: Mutex<()>,
    revisions: RwLock<HashMap<String, Revision>>,
}

impl QdrantCluster {
    /// Connects, and creates the collection if it does not exist. If the server is unavailable, the next use tries
    /// again. Blocks; call it from a blocking task of a runtime.
    ///
    /// # Errors
    /// [`IndexError::Cluster`] if an address is invalid, the server is too old, or the collection belongs to another
    /// encoder.
    pub fn connect(
        config: &QdrantConfig,
        encoder_id: &str,
        dimension: usize,
    ) -> Result<Self, IndexError> {
        let wrong = |detail: String| IndexError::Cluster(detail);
        let key = Secret::read(config.key.as_ref(), config.key_file.as_deref())
            .map_err(|e| wrong(format!("qdrant.key_file: {e}")))?;
        let addresses = config.url.split(',').map(str::trim);
        let nodes = addresses
            .filter(|address| !address.is_empty())
            .map(|address| {
                let mut builder = Qdrant::from_url(address)
                    .timeout(TIMEOUT)
                    .connect_timeout(CONNECT)
                    // Our own version check reports an error with a remedy.
                    .skip_compatibility_check();
                if let Some(key) = &key {
                    builder.set_api_key(key.expose());
                }
                let client = builder
                    .build()
                    .map_err(|e| wrong(format!("qdrant.url: {address}: {e}")))?;
                Ok((address.to_owned(), client))
            });
        let this = Self(Arc::new(Cluster {
            nodes: nodes.collect::<Result<_, IndexError>>()?,
            current: AtomicUsize::new(0),
            collection: collection_of(&config.collection, encoder_id),
            encoder_id: encoder_id.to_owned(),
            dimension,
            config: config.clone(),
            runtime: Handle::current(),
            is_prepared: AtomicBool::new(false),
            preparing: Mutex::new(()),
            revisions: RwLock::default(),
        }));
        match this.refresh() {
            Err(error @ IndexError::Vector(_)) => {
                tracing::error!(%error, "Qdrant unavailable; retrying");
                Ok(this)
            }
            found => found.map(|()| this),
        }
    }

    /// Returns the collection's name.
    pub fn collection(&self) -> &str {
        &self.0.collection
    }

    /// Returns a handle on one workspace's vectors. Makes no request.
    pub fn vectors_of(&self, workspace: &WorkspaceId) -> QdrantVectors {
        QdrantVectors {
            cluster: self.0.clone(),
            workspace: workspace.as_str().to_owned(),
        }
    }

    /// Reads every workspace's revision from the server. Blocks.
    pub fn refresh(&self) -> Result<(), IndexError> {
        self.0.runtime.block_on(self.0.refresh())
    }

    /// Returns the workspaces that have vectors, as of the last [`Self::refresh`].
    pub fn workspaces(&self) -> Vec<String> {
        self.0.revisions().keys().cloned().collect()
    }

    /// Deletes the whole collection. Blocks.
    pub fn drop_collection(&self) -> Result<(), IndexError> {
        let cluster = &self.0;
        let dropped = cluster.runtime.block_on(
            cluster
                .call_prepared(async |client| client.delete_collection(&cluster.collection).await),
        );
        cluster.revisions_mut().clear();
        dropped.map(|_| ())
    }
}

/// Returns `prefix_encoder_hash`: letters and digits of the encoder's id for readability, its hash for uniqueness.
fn collection_of(prefix: &str, encoder_id: &str) -> String {
    let letters = encoder_id.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.take(24).collect();
    let hash = sha256_hex([encoder_id.as_bytes()]);
    format!("{prefix}_{letters}_{}", &hash[..8])
}

/// Returns `n` pauses that grow from 20 ms to a second, each with random jitter of up to its own length.
fn growing(n: usize) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .with_max_times(n)
}

/// Returns whether the error is transient, so that a retry or another node may help.
fn is_transient(error: &QdrantError) -> bool {
    match error {
        QdrantError::ResponseError { status } => matches!(
            status.code(),
            Code::Unavailable
                | Code::DeadlineExceeded
                | Code::Cancelled
                | Code::Unknown
                | Code::Internal
                | Code::Aborted
                | Code::ResourceExhausted
        ),
        QdrantError::ResourceExhaustedError { .. } | QdrantError::Io(_) => true,
        _ => false,
    }
}

impl Cluster {
    fn revisions(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Revision>> {
        self.revisions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn revisions_mut(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Revision>> {
        self.revisions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to a node, to the next one if it does not answer, then to all again with growing pauses.
    async fn call_any_node<T>(
        &self,
        request: &impl AsyncFn(Qdrant) -> Result<T, QdrantError>,
    ) -> Result<T, (String, QdrantError)> {
        let attempt = async || {
            let at = self.current.load(Ordering::Relaxed) % self.nodes.len();
            let (address, client) = &self.nodes[at];
            request(client.clone()).await.map_err(|error| {
                if is_transient(&error) {
                    // Unless another request has switched nodes already.
                    let _ = self.current.compare_exchange(
                        at,
                        (at + 1) % self.nodes.len(),
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    );
                }
                (address.clone(), error)
            })
        };
        let n_tries = RETRIES.max(self.nodes.len() - 1);
        attempt
            .retry(growing(n_tries))
            .when(|(_, error)| is_transient(error))
            .await
    }

    /// Like [`Cluster::call_any_node`], after checking that the collection belongs to us. A collection that was deleted is an
    /// error, not an empty one.
    async fn call_prepared<T>(
        &self,
        request: impl AsyncFn(Qdrant) -> Result<T, QdrantError>,
    ) -> Result<T, IndexError> {
        if !self.is_prepared.load(Ordering::Acquire) {
            return Err(IndexError::Vector(format!(
                "Qdrant collection {} does not exist yet",
                self.collection
            )));
        }
        self.call_any_node(&request)
            .await
            .map_err(|(address, error)| {
                if let QdrantError::ResponseError { status } = &error
                    && status.code() == Code::NotFound
                {
                    // The collection was deleted. The next `prepare` creates it again and the leader fills it from the
                    // store.
                    self.is_prepared.store(false, Ordering::Release);
                    self.revisions_mut().clear();
                }
                self.unavailable((address, error))
            })
    }

    async fn call_unchecked<T>(
        &self,
        request: impl AsyncFn(Qdrant) -> Result<T, QdrantError>,
    ) -> Result<T, IndexError> {
        self.call_any_node(&request)
            .await
            .map_err(|e| self.unavailable(e))
    }

    async fn ensure_prepared(&self) -> Result<(), IndexError> {
        let _one_at_a_time = self.preparing.lock().await;
        if !self.is_prepared.load(Ordering::Acquire) {
            self.prepare().await?;
            self.is_prepared.store(true, Ordering::Release);
        }
        Ok(())
    }

    fn unavailable(&self, (address, error): (String, QdrantError)) -> IndexError {
        let detail = match &error {
            QdrantError::ResponseError { status }
                if [Code::Unauthenticated, Code::PermissionDenied].contains(&status.code()) =>
            {
                return IndexError::Cluster(format!(
                    "Qdrant at {address} rejected the key ({}): set qdrant.key or qdrant.key_file",
                    status.message()
                ));
            }
            QdrantError::ResponseError { status } => {
                format!("{}: {}", status.code(), status.message())
            }
            other => other.to_string(),
        };
        IndexError::Vector(format!("Qdrant at {address}: {detail}"))
    }

    /// Checks the server and the collection. Creates the collection if it does not exist.
    async fn prepare(&self) -> Result<(), IndexError> {
        let version = self
            .call_unchecked(async |client| client.health_check().await)
            .await?
            .version;
        let mut parts = version
            .split('.')
            .map_while(|part| part.parse::<u64>().ok());
        let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        if found < OLDEST {
            return Err(IndexError::Cluster(format!(
                "unsupported Qdrant version {version}; upgrade to {}.{} or later",
                OLDEST.0, OLDEST.1
            )));
        }
        let name = &self.collection;
        let exists = self
            .call_unchecked(async |client| client.collection_exists(name).await)
            .await?;
        if !exists {
            self.make_collection().await?;
        }
        let info = self.call_unchecked(async |client| client.collection_info(name).await);
        self.check_form(info.await?.result)?;
        for (field, kind) in FIELDS {
            let request = || {
                let index = CreateFieldIndexCollectionBuilder::new(name, field, kind).wait(true);
                match field {
                    "workspace" => index.field_index_params(
                        KeywordIndexParamsBuilder::default().is_tenant(true).build(),
                    ),
                    _ => index,
                }
            };
            self.call_unchecked(async |client| client.create_field_index(request()).await)
                .await?;
        }
        self.check_owner().await
    }

    async fn make_collection(&self) -> Result<(), IndexError> {
        let config = &self.config;
        let request = || {
            CreateCollectionBuilder::new(&self.collection)
                .vectors_config(VectorParamsBuilder::new(
                    self.dimension as u64,
                    Distance::Dot,
                ))
                .hnsw_config(HnswConfigDiffBuilder::default().m(16).ef_construct(128))
                .shard_number(config.shards)
                .replication_factor(config.replication)
                // A write succeeds once most of the replicas have it.
                .write_consistency_factor(config.replication / 2 + 1)
        };
        let create = async |client: Qdrant| client.create_collection(request()).await;
        match self.call_any_node(&create).await {
            Ok(_) => Ok(()),
            Err((address, error)) => {
                // Another process may have created it first, or an attempt that timed out may have succeeded.
                let exists = self
                    .call_any_node(&async |client| client.collection_exists(&self.collection).await)
                    .await;
                match exists {
                    Ok(true) => Ok(()),
                    _ if is_transient(&error) => Err(self.unavailable((address, error))),
                    _ => Err(IndexError::Cluster(format!(
                        "Qdrant at {address} failed to create collection {}: {error}",
                        self.collection
                    ))),
                }
            }
        }
    }

    fn check_form(&self, info: Option<CollectionInfo>) -> Result<(), IndexError> {
        let params = info
            .and_then(|info| info.config?.params?.vectors_config?.config)
            .and_then(|config| match config {
                VectorsKind::Params(params) => Some(params),
                VectorsKind::ParamsMap(_) => None,
            });
        let fits = params.as_ref().is_some_and(|params| {
            params.size == self.dimension as u64 && params.distance() == Distance::Dot
        });
        match fits {
            true => Ok(()),
            false => Err(IndexError::Cluster(format!(
                "Qdrant collection {}: expected vectors of {} dimensions with dot product; set another \
                 qdrant.collection, or delete it",
                self.collection, self.dimension
            ))),
        }
    }

    /// Checks that the collection's owner point has this encoder and format. Writes the point if there is none.
    async fn check_owner(&self) -> Result<(), IndexError> {
        let name = &self.collection;
        let id = about("/owner");
        let request = || GetPointsBuilder::new(name, vec![id.clone()]).with_payload(true);
        let found = self.call_unchecked(async |client| client.get_points(request()).await);
        let found = found.await?.result;
        let text = |field: &str| {
            let value = found.first()?.payload.get(field)?;
            value.as_str().cloned()
        };
        let number = |field: &str| found.first()?.payload.get(field)?.as_integer();
        if found.is_empty() {
            let payload = Payload::from([
                ("workspace", ABOUT.into()),
                ("encoder", self.encoder_id.as_str().into()),
                ("format", FORMAT.into()),
            ]);
            return self.upsert_about(id, payload).await;
        }
        let (encoder, format) = (text("encoder"), number("format"));
        if encoder.as_deref() != Some(&self.encoder_id) {
            return Err(IndexError::Cluster(format!(
                "Qdrant collection {name} was created with encoder {:?}, but the settings require {:?}; set another \
                 qdrant.collection, or restore the previous encoder",
                encoder.unwrap_or_default(),
                self.encoder_id
            )));
        }
        match format {
            Some(FORMAT) => Ok(()),
            _ => Err(IndexError::Cluster(format!(
                "Qdrant collection {name} was created by an incompatible version of Ken; run `ken rebuild`"
            ))),
        }
    }

    async fn upsert_about(&self, id: PointId, payload: Payload) -> Result<(), IndexError> {
        let point = PointStruct::new(id, vec![0.0_f32; self.dimension], payload);
        let request = || UpsertPointsBuilder::new(&self.collection, vec![point.clone()]).wait(true);
        self.call_unchecked(async |client| client.upsert_points(request()).await)
            .await
            .map(|_| ())
    }

    async fn refresh(&self) -> Result<(), IndexError> {
        self.ensure_prepared().await?;
        *self.revisions_mut() = self.indexed_revisions().await?;
        Ok(())
    }

    /// Reads every workspace's revision from the server.
    async fn indexed_revisions(&self) -> Result<HashMap<String, Revision>, IndexError> {
        const PAGE: u32 = 1_000;
        let mut found = HashMap::new();
        let mut offset: Option<PointId> = None;
        loop {
            let request = || {
                let scroll = ScrollPointsBuilder::new(&self.collection)
                    .filter(Filter::must([is_any("workspace", [ABOUT])]))
                    .limit(PAGE)
                    .with_payload(true);
                match &offset {
                    Some(offset) => scroll.offset(offset.clone()),
                    None => scroll,
                }
            };
            let page = self
                .call_prepared(async |client| client.scroll(request()).await)
                .await?;
            for point in page.result {
                let of = point.payload.get("of").and_then(|of| of.as_str().cloned());
                let revision = point.payload.get("revision").and_then(|r| r.as_integer());
                if let (Some(of), Some(revision)) = (of, revision) {
                    found.insert(of, revision);
                }
            }
            offset = page.next_page_offset;
            if offset.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

/// Returns the id of a point that is not a vector.
fn about(name: &str) -> PointId {
    point_id(ABOUT, 0, 0, name)
}

/// Returns a UUID of RFC 9562's version 8 that contains the hash of workspace and name, the chunk's number and the
/// view's, so the payload need not repeat them.
fn point_id(workspace: &str, key: u32, view: u8, name: &str) -> PointId {
    let hash = Sha256::digest(format!("{workspace}\n{name}"));
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&hash[..6]);
    bytes[7] = view;
    bytes[9..13].copy_from_slice(&key.to_be_bytes());
    bytes[13..].copy_from_slice(&hash[6..9]);
    Uuid::new_v8(bytes).to_string().into()
}

fn key_of(id: Option<&PointId>) -> Option<u32> {
    let Some(PointIdOptions::Uuid(text)) = id?.point_id_options.as_ref() else {
        return None;
    };
    let bytes = Uuid::parse_str(text).ok()?.into_bytes();
    Some(u32::from_be_bytes(bytes[9..13].try_into().ok()?))
}

/// Matches whole values. The client's own shorthand for text splits it into words at blanks.
fn is_any<T: Into<String>>(field: &str, values: impl IntoIterator<Item = T>) -> Condition {
    let strings: Vec<String> = values.into_iter().map(Into::into).collect();
    Condition::matches(field, MatchValue::from(strings))
}

fn is_key(keys: impl IntoIterator<Item = u32>) -> Condition {
    let keys: Vec<i64> = keys.into_iter().map(i64::from).collect();
    Condition::matches("key", MatchValue::from(keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn point_id_is_unique_and_encodes_chunk_key() {
        let mut seen = std::collections::HashSet::new();
        for workspace in ["shop", "bank"] {
            for key in [0, 1, 255, 70_000, u32::MAX] {
                for view in [0, 1, 63, 64, 127] {
                    let id = point_id(workspace, key, view, "");
                    assert_eq!(key_of(Some(&id)), Some(key));
                    assert!(seen.insert(format!("{id:?}")), "{workspace} {key} {view}");
                }
            }
        }
        assert_eq!(key_of(Some(&PointId::from(7))), None);
    }

    #[test]
    fn collection_name_depends_on_encoder() {
        let one = collection_of("ken", "e5-small:ab12+use:cd34");
        let other = collection_of("ken", "e5-small:ab12+use:cd35");
        assert!(one.starts_with("ken_e5smallab12usecd34_"), "{one}");
        assert_ne!(one, other);
    }
}
