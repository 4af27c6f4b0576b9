//! A stand-in for Qdrant: the gRPC server traits of its client on loopback, over points in memory that all nodes of a
//! "cluster" share. It tests requests, paging, retries and failing nodes, not Qdrant itself. docs/measured/operations.md
//! lists the tests against real servers.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use q::collections_server::{Collections, CollectionsServer};
use q::condition::ConditionOneOf;
use q::r#match::MatchValue;
use q::point_id::PointIdOptions;
use q::points_selector::PointsSelectorOneOf;
use q::points_server::{Points, PointsServer};
use q::qdrant_server::{Qdrant, QdrantServer};
use q::value::Kind;
use qdrant_client::qdrant as q;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

type Reply<T> = Result<Response<T>, Status>;

struct Point {
    vector: Vec<f32>,
    payload: HashMap<String, q::Value>,
    /// What a copy has that is a write behind.
    former: Option<HashMap<String, q::Value>>,
}

struct Collection {
    made: q::CreateCollection,
    /// By field, with whether it is the tenant.
    fields: BTreeMap<String, bool>,
    points: BTreeMap<String, Point>,
}

/// A collection as it was made.
pub struct Made {
    /// By field, whether it is the tenant.
    pub fields: BTreeMap<String, bool>,
    pub parts: u32,
    pub copies: u32,
    pub n_points: usize,
}

/// What all nodes have in common.
#[derive(Default)]
pub struct Shared {
    collections: Mutex<BTreeMap<String, Collection>>,
    /// So many of the next requests fail as a node does that is short of something.
    pub n_to_fail: AtomicUsize,
    /// So many of the next points that are asked for come from a copy that is a write behind.
    pub n_behind: AtomicUsize,
    pub n_requests: AtomicU64,
    /// Searches that were to compare all that is admitted.
    pub n_exact: AtomicU64,
    version: Mutex<String>,
    key: Mutex<Option<String>>,
}

impl Shared {
    pub fn say_version(&self, version: &str) {
        *self.version.lock().unwrap() = version.to_owned();
    }

    /// Has it ask for a key.
    pub fn ask_for(&self, key: &str) {
        *self.key.lock().unwrap() = Some(key.to_owned());
    }

    /// Has a collection be another encoder's.
    pub fn steal(&self, collection: &str, encoder: &str) {
        let mut collections = self.collections.lock().unwrap();
        for point in collections.get_mut(collection).unwrap().points.values_mut() {
            if let Some(name) = point.payload.get_mut("encoder") {
                *name = encoder.into();
            }
        }
    }

    pub fn collections(&self) -> Vec<Made> {
        let collections = self.collections.lock().unwrap();
        let all = collections.values().map(|collection| Made {
            fields: collection.fields.clone(),
            parts: collection.made.shard_number(),
            copies: collection.made.replication_factor(),
            n_points: collection.points.len(),
        });
        all.collect()
    }

    /// Lets a request in, unless it has no key, or is one of those that are to fail.
    fn enter<T>(
        &self,
        request: &Request<T>,
    ) -> Result<MutexGuard<'_, BTreeMap<String, Collection>>, Status> {
        self.n_requests.fetch_add(1, Ordering::Relaxed);
        let asked = self.key.lock().unwrap().clone();
        let sent = request
            .metadata()
            .get("api-key")
            .and_then(|key| key.to_str().ok());
        if asked.is_some() && asked.as_deref() != sent {
            return Err(Status::unauthenticated("Must provide an API key"));
        }
        let fails = self
            .n_to_fail
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        match fails {
            Ok(_) => Err(Status::unavailable("short of something")),
            Err(_) => Ok(self.collections.lock().unwrap()),
        }
    }
}

/// One node, which can be killed.
pub struct Node {
    pub address: String,
    /// Of its own, so that it ends with all its connections.
    runtime: Option<Runtime>,
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Node {
    pub async fn start(shared: Arc<Shared>) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let serving = runtime.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let node = Standin(shared);
            let service = tonic::transport::Server::builder()
                .add_service(QdrantServer::new(node.clone()))
                .add_service(CollectionsServer::new(node.clone()))
                .add_service(PointsServer::new(node))
                .serve_with_incoming(TcpListenerStream::new(listener));
            tokio::spawn(async move { service.await.unwrap() });
            address
        });
        let address = serving.await.unwrap();
        let runtime = Some(runtime);
        Self { address, runtime }
    }
}

/// A cluster of so many nodes, and its addresses as they are set.
pub async fn cluster(n_nodes: usize) -> (Arc<Shared>, Vec<Node>, String) {
    let shared = Arc::new(Shared::default());
    shared.say_version("1.19.0");
    let mut nodes = Vec::new();
    for _ in 0..n_nodes {
        nodes.push(Node::start(shared.clone()).await);
    }
    let addresses: Vec<&str> = nodes.iter().map(|node| node.address.as_str()).collect();
    let url = addresses.join(",");
    (shared, nodes, url)
}

#[derive(Clone)]
struct Standin(Arc<Shared>);

fn left_out<T>(name: &str) -> Result<T, Status> {
    Err(Status::unimplemented(format!("the stand-in has no {name}")))
}

fn of<'a>(
    collections: &'a mut BTreeMap<String, Collection>,
    name: &str,
) -> Result<&'a mut Collection, Status> {
    let found = collections.get_mut(name);
    found.ok_or_else(|| Status::not_found(format!("Collection `{name}` doesn't exist!")))
}

fn text_of(id: Option<&q::PointId>) -> String {
    match id.and_then(|id| id.point_id_options.as_ref()) {
        Some(PointIdOptions::Uuid(text)) => text.clone(),
        other => panic!("expected a UUID, found {other:?}"),
    }
}

/// The values of a field: those of a list one by one.
fn values<'a>(payload: &'a HashMap<String, q::Value>, field: &str) -> Vec<&'a Kind> {
    match payload.get(field).and_then(|value| value.kind.as_ref()) {
        None | Some(Kind::NullValue(_)) => Vec::new(),
        Some(Kind::ListValue(list)) => list
            .values
            .iter()
            .filter_map(|value| value.kind.as_ref())
            .collect(),
        Some(kind) => vec![kind],
    }
}

fn matches(id: &str, point: &Point, condition: &q::Condition) -> bool {
    match condition
        .condition_one_of
        .as_ref()
        .expect("a condition says something")
    {
        ConditionOneOf::HasId(ids) => ids.has_id.iter().any(|other| text_of(Some(other)) == id),
        ConditionOneOf::Filter(filter) => admits(id, point, Some(filter)),
        ConditionOneOf::Field(field) => {
            let found = values(&point.payload, &field.key);
            if let Some(range) = &field.range {
                return found.iter().any(|value| {
                    let Kind::IntegerValue(value) = value else {
                        return false;
                    };
                    let value = *value as f64;
                    range.lt.is_none_or(|to| value < to)
                        && range.lte.is_none_or(|to| value <= to)
                        && range.gt.is_none_or(|from| value > from)
                        && range.gte.is_none_or(|from| value >= from)
                });
            }
            let wanted = field
                .r#match
                .as_ref()
                .and_then(|wanted| wanted.match_value.as_ref());
            match wanted.expect("a field is compared with something") {
                MatchValue::Keywords(any) => found.iter().any(|value| {
                    matches!(value, Kind::StringValue(text) if any.strings.contains(text))
                }),
                MatchValue::Integers(any) => found.iter().any(|value| {
                    matches!(value, Kind::IntegerValue(number) if any.integers.contains(number))
                }),
                other => panic!("the stand-in does not compare by {other:?}"),
            }
        }
        other => panic!("the stand-in has no condition {other:?}"),
    }
}

fn admits(id: &str, point: &Point, filter: Option<&q::Filter>) -> bool {
    let Some(filter) = filter else { return true };
    let holds = |condition: &q::Condition| matches(id, point, condition);
    filter.must.iter().all(holds)
        && !filter.must_not.iter().any(holds)
        && (filter.should.is_empty() || filter.should.iter().any(holds))
}

fn dense(point: &q::PointStruct) -> Vec<f32> {
    use q::vectors::VectorsOptions;
    let vectors = point
        .vectors
        .as_ref()
        .and_then(|vectors| vectors.vectors_options.as_ref());
    let Some(VectorsOptions::Vector(vector)) = vectors else {
        panic!("one vector a point: {vectors:?}");
    };
    match &vector.vector {
        Some(q::vector::Vector::Dense(dense)) => dense.data.clone(),
        other => panic!("a dense vector: {other:?}"),
    }
}

fn retrieved(
    id: &str,
    payload: &HashMap<String, q::Value>,
    with_payload: bool,
) -> q::RetrievedPoint {
    q::RetrievedPoint {
        id: Some(id.into()),
        payload: match with_payload {
            true => payload.clone(),
            false => HashMap::new(),
        },
        ..Default::default()
    }
}

fn wants_payload(selector: Option<&q::WithPayloadSelector>) -> bool {
    use q::with_payload_selector::SelectorOptions;
    let options = selector.and_then(|selector| selector.selector_options.as_ref());
    matches!(options, Some(SelectorOptions::Enable(true)))
}

fn done() -> Reply<q::PointsOperationResponse> {
    Ok(Response::new(q::PointsOperationResponse::default()))
}

#[tonic::async_trait]
impl Qdrant for Standin {
    async fn health_check(
        &self,
        request: Request<q::HealthCheckRequest>,
    ) -> Reply<q::HealthCheckReply> {
        drop(self.0.enter(&request)?);
        Ok(Response::new(q::HealthCheckReply {
            title: "a stand-in".to_owned(),
            version: self.0.version.lock().unwrap().clone(),
            commit: None,
        }))
    }
}

#[tonic::async_trait]
impl Collections for Standin {
    async fn get(
        &self,
        request: Request<q::GetCollectionInfoRequest>,
    ) -> Reply<q::GetCollectionInfoResponse> {
        let mut collections = self.0.enter(&request)?;
        let collection = of(&mut collections, &request.get_ref().collection_name)?;
        let made = &collection.made;
        let params = q::CollectionParams {
            vectors_config: made.vectors_config.clone(),
            shard_number: made.shard_number(),
            replication_factor: made.replication_factor,
            ..Default::default()
        };
        let config = q::CollectionConfig {
            params: Some(params),
            ..Default::default()
        };
        Ok(Response::new(q::GetCollectionInfoResponse {
            result: Some(q::CollectionInfo {
                config: Some(config),
                ..Default::default()
            }),
            ..Default::default()
        }))
    }

    async fn create(
        &self,
        request: Request<q::CreateCollection>,
    ) -> Reply<q::CollectionOperationResponse> {
        let mut collections = self.0.enter(&request)?;
        let made = request.into_inner();
        if collections.contains_key(&made.collection_name) {
            return Err(Status::already_exists("Collection already exists!"));
        }
        let collection = Collection {
            made: made.clone(),
            fields: BTreeMap::new(),
            points: BTreeMap::new(),
        };
        collections.insert(made.collection_name, collection);
        Ok(Response::new(q::CollectionOperationResponse::default()))
    }

    async fn delete(
        &self,
        request: Request<q::DeleteCollection>,
    ) -> Reply<q::CollectionOperationResponse> {
        let mut collections = self.0.enter(&request)?;
        let result = collections
            .remove(&request.get_ref().collection_name)
            .is_some();
        Ok(Response::new(q::CollectionOperationResponse {
            result,
            ..Default::default()
        }))
    }

    async fn collection_exists(
        &self,
        request: Request<q::CollectionExistsRequest>,
    ) -> Reply<q::CollectionExistsResponse> {
        let collections = self.0.enter(&request)?;
        let exists = collections.contains_key(&request.get_ref().collection_name);
        Ok(Response::new(q::CollectionExistsResponse {
            result: Some(q::CollectionExists { exists }),
            ..Default::default()
        }))
    }

    async fn list(
        &self,
        _: Request<q::ListCollectionsRequest>,
    ) -> Reply<q::ListCollectionsResponse> {
        left_out("list")
    }

    async fn update(
        &self,
        _: Request<q::UpdateCollection>,
    ) -> Reply<q::CollectionOperationResponse> {
        left_out("update")
    }

    async fn update_aliases(
        &self,
        _: Request<q::ChangeAliases>,
    ) -> Reply<q::CollectionOperationResponse> {
        left_out("update_aliases")
    }

    async fn list_collection_aliases(
        &self,
        _: Request<q::ListCollectionAliasesRequest>,
    ) -> Reply<q::ListAliasesResponse> {
        left_out("list_collection_aliases")
    }

    async fn list_aliases(
        &self,
        _: Request<q::ListAliasesRequest>,
    ) -> Reply<q::ListAliasesResponse> {
        left_out("list_aliases")
    }

    async fn collection_cluster_info(
        &self,
        _: Request<q::CollectionClusterInfoRequest>,
    ) -> Reply<q::CollectionClusterInfoResponse> {
        left_out("collection_cluster_info")
    }

    async fn update_collection_cluster_setup(
        &self,
        _: Request<q::UpdateCollectionClusterSetupRequest>,
    ) -> Reply<q::UpdateCollectionClusterSetupResponse> {
        left_out("update_collection_cluster_setup")
    }

    async fn create_shard_key(
        &self,
        _: Request<q::CreateShardKeyRequest>,
    ) -> Reply<q::CreateShardKeyResponse> {
        left_out("create_shard_key")
    }

    async fn delete_shard_key(
        &self,
        _: Request<q::DeleteShardKeyRequest>,
    ) -> Reply<q::DeleteShardKeyResponse> {
        left_out("delete_shard_key")
    }

    async fn list_shard_keys(
        &self,
        _: Request<q::ListShardKeysRequest>,
    ) -> Reply<q::ListShardKeysResponse> {
        left_out("list_shard_keys")
    }
}

#[tonic::async_trait]
impl Points for Standin {
    async fn upsert(&self, request: Request<q::UpsertPoints>) -> Reply<q::PointsOperationResponse> {
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        assert_eq!(request.wait, Some(true), "writes wait for their result");
        let collection = of(&mut collections, &request.collection_name)?;
        for point in request.points {
            let vector = dense(&point);
            let id = text_of(point.id.as_ref());
            let payload = point.payload;
            let former = collection.points.remove(&id).map(|point| point.payload);
            let point = Point {
                vector,
                payload,
                former,
            };
            collection.points.insert(id, point);
        }
        done()
    }

    async fn delete(&self, request: Request<q::DeletePoints>) -> Reply<q::PointsOperationResponse> {
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        assert_eq!(request.wait, Some(true), "writes wait for their result");
        let collection = of(&mut collections, &request.collection_name)?;
        let selector = request
            .points
            .and_then(|points| points.points_selector_one_of);
        match selector.expect("points are named") {
            PointsSelectorOneOf::Filter(filter) => {
                collection
                    .points
                    .retain(|id, point| !admits(id, point, Some(&filter)));
            }
            PointsSelectorOneOf::Points(list) => {
                for id in &list.ids {
                    collection.points.remove(&text_of(Some(id)));
                }
            }
        }
        done()
    }

    async fn get(&self, request: Request<q::GetPoints>) -> Reply<q::GetResponse> {
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        let collection = of(&mut collections, &request.collection_name)?;
        let with_payload = wants_payload(request.with_payload.as_ref());
        let ids = request.ids.iter().map(|id| text_of(Some(id)));
        let found = ids.filter_map(|id| {
            let point = collection.points.get(&id)?;
            let behind = self
                .0
                .n_behind
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            let payload = match behind {
                Ok(_) => point.former.as_ref()?,
                Err(_) => &point.payload,
            };
            Some(retrieved(&id, payload, with_payload))
        });
        Ok(Response::new(q::GetResponse {
            result: found.collect(),
            ..Default::default()
        }))
    }

    async fn create_field_index(
        &self,
        request: Request<q::CreateFieldIndexCollection>,
    ) -> Reply<q::PointsOperationResponse> {
        use q::payload_index_params::IndexParams;
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        let params = request
            .field_index_params
            .and_then(|params| params.index_params);
        let is_tenant =
            matches!(params, Some(IndexParams::KeywordIndexParams(of)) if of.is_tenant());
        let collection = of(&mut collections, &request.collection_name)?;
        collection.fields.insert(request.field_name, is_tenant);
        done()
    }

    async fn scroll(&self, request: Request<q::ScrollPoints>) -> Reply<q::ScrollResponse> {
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        let collection = of(&mut collections, &request.collection_name)?;
        let from = request
            .offset
            .as_ref()
            .map(|id| text_of(Some(id)))
            .unwrap_or_default();
        let with_payload = wants_payload(request.with_payload.as_ref());
        // A small page, so that there are some.
        let limit = request.limit.unwrap_or(10).min(2) as usize;
        let mut found = collection
            .points
            .range(from..)
            .filter(|(id, point)| admits(id, point, request.filter.as_ref()));
        let page: Vec<_> = found
            .by_ref()
            .take(limit)
            .map(|(id, point)| retrieved(id, &point.payload, with_payload))
            .collect();
        let next_page_offset = found.next().map(|(id, _)| id.as_str().into());
        Ok(Response::new(q::ScrollResponse {
            result: page,
            next_page_offset,
            ..Default::default()
        }))
    }

    async fn count(&self, request: Request<q::CountPoints>) -> Reply<q::CountResponse> {
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        let collection = of(&mut collections, &request.collection_name)?;
        let admitted = collection
            .points
            .iter()
            .filter(|(id, point)| admits(id, point, request.filter.as_ref()));
        let count = admitted.count() as u64;
        Ok(Response::new(q::CountResponse {
            result: Some(q::CountResult { count }),
            ..Default::default()
        }))
    }

    async fn query(&self, request: Request<q::QueryPoints>) -> Reply<q::QueryResponse> {
        let mut collections = self.0.enter(&request)?;
        let request = request.into_inner();
        let collection = of(&mut collections, &request.collection_name)?;
        if request.params.is_some_and(|params| params.exact()) {
            self.0.n_exact.fetch_add(1, Ordering::Relaxed);
        }
        let variant = request.query.and_then(|query| query.variant);
        let Some(q::query::Variant::Nearest(q::VectorInput {
            variant: Some(q::vector_input::Variant::Dense(nearest)),
        })) = variant
        else {
            return left_out("query but by a vector");
        };
        for condition in request
            .filter
            .iter()
            .flat_map(|filter| filter.must.iter().chain(&filter.must_not))
        {
            if let Some(ConditionOneOf::Field(field)) = &condition.condition_one_of
                && !collection.fields.contains_key(&field.key)
            {
                // As a server that is set to be strict.
                return Err(Status::invalid_argument(format!(
                    "no index for {}",
                    field.key
                )));
            }
        }
        let mut found: Vec<(f32, &String)> = collection
            .points
            .iter()
            .filter(|(id, point)| admits(id, point, request.filter.as_ref()))
            .map(|(id, point)| {
                let score = point
                    .vector
                    .iter()
                    .zip(&nearest.data)
                    .map(|(a, b)| a * b)
                    .sum();
                (score, id)
            })
            .collect();
        let best_first =
            |a: &(f32, &String), b: &(f32, &String)| b.0.total_cmp(&a.0).then(a.1.cmp(b.1));
        let limit = request.limit.unwrap_or(10) as usize;
        if limit < found.len() {
            found.select_nth_unstable_by(limit, best_first);
            found.truncate(limit);
        }
        found.sort_by(best_first);
        let found = found.into_iter().map(|(score, id)| q::ScoredPoint {
            id: Some(id.as_str().into()),
            score,
            ..Default::default()
        });
        Ok(Response::new(q::QueryResponse {
            result: found.collect(),
            ..Default::default()
        }))
    }

    async fn update_vectors(
        &self,
        _: Request<q::UpdatePointVectors>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("update_vectors")
    }

    async fn delete_vectors(
        &self,
        _: Request<q::DeletePointVectors>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("delete_vectors")
    }

    async fn set_payload(
        &self,
        _: Request<q::SetPayloadPoints>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("set_payload")
    }

    async fn overwrite_payload(
        &self,
        _: Request<q::SetPayloadPoints>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("overwrite_payload")
    }

    async fn delete_payload(
        &self,
        _: Request<q::DeletePayloadPoints>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("delete_payload")
    }

    async fn clear_payload(
        &self,
        _: Request<q::ClearPayloadPoints>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("clear_payload")
    }

    async fn delete_field_index(
        &self,
        _: Request<q::DeleteFieldIndexCollection>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("delete_field_index")
    }

    async fn create_vector_name(
        &self,
        _: Request<q::CreateVectorNameRequest>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("create_vector_name")
    }

    async fn delete_vector_name(
        &self,
        _: Request<q::DeleteVectorNameRequest>,
    ) -> Reply<q::PointsOperationResponse> {
        left_out("delete_vector_name")
    }

    async fn search(&self, _: Request<q::SearchPoints>) -> Reply<q::SearchResponse> {
        left_out("search")
    }

    async fn search_batch(
        &self,
        _: Request<q::SearchBatchPoints>,
    ) -> Reply<q::SearchBatchResponse> {
        left_out("search_batch")
    }

    async fn search_groups(
        &self,
        _: Request<q::SearchPointGroups>,
    ) -> Reply<q::SearchGroupsResponse> {
        left_out("search_groups")
    }

    async fn recommend(&self, _: Request<q::RecommendPoints>) -> Reply<q::RecommendResponse> {
        left_out("recommend")
    }

    async fn recommend_batch(
        &self,
        _: Request<q::RecommendBatchPoints>,
    ) -> Reply<q::RecommendBatchResponse> {
        left_out("recommend_batch")
    }

    async fn recommend_groups(
        &self,
        _: Request<q::RecommendPointGroups>,
    ) -> Reply<q::RecommendGroupsResponse> {
        left_out("recommend_groups")
    }

    async fn discover(&self, _: Request<q::DiscoverPoints>) -> Reply<q::DiscoverResponse> {
        left_out("discover")
    }

    async fn discover_batch(
        &self,
        _: Request<q::DiscoverBatchPoints>,
    ) -> Reply<q::DiscoverBatchResponse> {
        left_out("discover_batch")
    }

    async fn update_batch(
        &self,
        _: Request<q::UpdateBatchPoints>,
    ) -> Reply<q::UpdateBatchResponse> {
        left_out("update_batch")
    }

    async fn query_batch(&self, _: Request<q::QueryBatchPoints>) -> Reply<q::QueryBatchResponse> {
        left_out("query_batch")
    }

    async fn query_groups(&self, _: Request<q::QueryPointGroups>) -> Reply<q::QueryGroupsResponse> {
        left_out("query_groups")
    }

    async fn facet(&self, _: Request<q::FacetCounts>) -> Reply<q::FacetResponse> {
        left_out("facet")
    }

    async fn search_matrix_pairs(
        &self,
        _: Request<q::SearchMatrixPoints>,
    ) -> Reply<q::SearchMatrixPairsResponse> {
        left_out("search_matrix_pairs")
    }

    async fn search_matrix_offsets(
        &self,
        _: Request<q::SearchMatrixPoints>,
    ) -> Reply<q::SearchMatrixOffsetsResponse> {
        left_out("search_matrix_offsets")
    }
}
