//! One workspace's vectors on a Qdrant cluster.

use super::*;

/// How often the workspace's revision is read again if it is behind the last write: over .6 to 1.3 seconds.
const COPIES_TRIED: usize = 5;

/// One workspace's vectors in a cluster. Calls block; make them off the async threads.
pub struct QdrantVectors {
    pub(super) cluster: Arc<Cluster>,
    pub(super) workspace: String,
}

impl QdrantVectors {
    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.cluster.runtime.block_on(work)
    }

    fn check(&self, length: usize) -> Result<(), IndexError> {
        match length == self.cluster.dimension {
            true => Ok(()),
            false => Err(IndexError::DimensionMismatch {
                expected: self.cluster.dimension,
                got: length,
            }),
        }
    }

    fn of_negatives(&self) -> String {
        format!("{}/negatives", self.workspace)
    }

    fn everything(&self) -> Condition {
        is_any("workspace", [self.workspace.clone(), self.of_negatives()])
    }

    /// Returns the filter of a selection, and whether it admits so few chunks that all are compared.
    fn is_admitted(&self, selection: &Selection) -> (Filter, bool) {
        let mut filter = Filter::must([is_any("workspace", [self.workspace.as_str()])]);
        let listed = selection.listed();
        let most = self.cluster.config.max_keys;
        let few = listed.as_ref().filter(|keys| keys.len() <= most);
        let is_narrow = few.is_some();
        match (few, &selection.rules) {
            (Some(keys), _) => filter.must.push(is_key(keys)),
            (None, Some(rules)) => by_rules(rules, &mut filter),
            (None, None) => {
                filter.must.extend(listed.map(is_key));
                if !selection.except.is_empty() && selection.only.is_none() {
                    filter.must_not.push(is_key(&selection.except));
                }
            }
        }
        (filter, is_narrow)
    }

    /// Returns each chunk's best similarity among the points of a tenant, in the order of `keys`.
    fn best_of(
        &self,
        tenant: &str,
        query: &[f32],
        keys: &[u32],
    ) -> Result<Vec<Option<f32>>, IndexError> {
        self.check(query.len())?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let filter = Filter::must([is_any("workspace", [tenant]), is_key(keys.iter().copied())]);
        let limit = keys.len() * usize::from(NEGATIVE);
        let points = self.query(query, limit, filter, true)?;
        let mut best: HashMap<u32, f32> = HashMap::with_capacity(keys.len());
        for (key, similarity) in points.iter().filter_map(scored) {
            let known = best.entry(key).or_insert(similarity);
            *known = known.max(similarity);
        }
        Ok(keys.iter().map(|key| best.get(key).copied()).collect())
    }

    fn query(
        &self,
        query: &[f32],
        limit: usize,
        filter: Filter,
        is_exact: bool,
    ) -> Result<Vec<ScoredPoint>, IndexError> {
        let cluster = &self.cluster;
        let request = || {
            QueryPointsBuilder::new(&cluster.collection)
                .query(Query::new_nearest(query.to_vec()))
                .filter(filter.clone())
                .limit(limit as u64)
                .params(
                    SearchParamsBuilder::default()
                        .hnsw_ef(super::EF.max(limit as u64))
                        .exact(is_exact),
                )
        };
        let found = cluster.call_prepared(async |client| client.query(request()).await);
        Ok(self.block_on(found)?.result)
    }

    fn points_of(&self, entry: &VectorEntry) -> Vec<PointStruct> {
        let metadata = &entry.metadata;
        let mut payload = Payload::new();
        payload.insert("key", i64::from(entry.key));
        payload.insert("document_id", entry.document_id.as_str());
        payload.insert("tags", metadata.tags.clone());
        payload.insert("language", metadata.language.as_deref().unwrap_or("und"));
        payload.insert("kind", metadata.kind.as_str());
        if let Some(rule) = VisibilityRule::of(metadata) {
            payload.insert("rule", rule);
        }
        if let Some(from) = metadata.valid_from {
            payload.insert("valid_from", from.as_millisecond());
        }
        if let Some(until) = metadata.valid_until {
            payload.insert("valid_until", until.as_millisecond());
        }
        let mut of_view = payload.clone();
        of_view.insert("workspace", self.workspace.as_str());
        let mut of_negative = payload;
        of_negative.insert("workspace", self.of_negatives());
        let views = (0..NEGATIVE).zip(&entry.vectors).map(|at| (at, &of_view));
        let negatives = (NEGATIVE..2 * NEGATIVE).zip(&entry.negatives);
        views
            .chain(negatives.map(|at| (at, &of_negative)))
            .map(|((view, vector), payload)| {
                let id = point_id(&self.workspace, entry.key, view, "");
                let numbers: Vec<f32> = vector.iter().map(|x| x.to_f32()).collect();
                PointStruct::new(id, numbers, payload.clone())
            })
            .collect()
    }

    async fn delete(&self, filter: Filter) -> Result<(), IndexError> {
        let name = &self.cluster.collection;
        let request = || {
            DeletePointsBuilder::new(name)
                .points(filter.clone())
                .wait(true)
        };
        let done = self
            .cluster
            .call_prepared(async |client| client.delete_points(request()).await);
        done.await.map(|_| ())
    }

    /// Reads the workspace's revision from the server.
    async fn indexed_revision(&self) -> Result<Revision, IndexError> {
        let name = &self.cluster.collection;
        let id = about(&self.workspace);
        let request = || GetPointsBuilder::new(name, vec![id.clone()]).with_payload(true);
        let found = self
            .cluster
            .call_prepared(async |client| client.get_points(request()).await);
        let found = found.await?.result;
        let revision = found
            .first()
            .and_then(|point| point.payload.get("revision"));
        Ok(revision
            .and_then(|revision| revision.as_integer())
            .unwrap_or(0))
    }

    async fn write(
        &self,
        removed: &[Range<u32>],
        added: &[VectorEntry],
        at: Revision,
    ) -> Result<(), IndexError> {
        for some in removed.chunks(super::BATCH) {
            let ranges = some.iter().map(|keys| {
                let between = Between {
                    gte: Some(f64::from(keys.start)),
                    lt: Some(f64::from(keys.end)),
                    ..Between::default()
                };
                Condition::range("key", between)
            });
            let mut filter = Filter::should(ranges);
            filter.must.push(self.everything());
            self.delete(filter).await?;
        }
        let name = &self.cluster.collection;
        for some in added.chunks(super::BATCH) {
            let points: Vec<PointStruct> = some
                .iter()
                .flat_map(|entry| self.points_of(entry))
                .collect();
            let ids: Vec<PointId> = points.iter().filter_map(|point| point.id.clone()).collect();
            let request = || UpsertPointsBuilder::new(name, points.clone()).wait(true);
            let call = async |client: Qdrant| client.upsert_points(request()).await;
            self.cluster.call_prepared(call).await?;
            // Deletes views that these chunks had before and no longer have.
            let keys = is_key(some.iter().map(|entry| entry.key));
            let mut stale = Filter::must([self.everything(), keys]);
            stale.must_not.push(Condition::has_id(ids));
            self.delete(stale).await?;
        }
        // If the collection was replaced meanwhile, the revision written below would claim missing vectors. A replica
        // may be a moment behind the one that took the last write.
        let from = self.revision();
        let mut held = self.indexed_revision().await?;
        for pause in growing(COPIES_TRIED).build() {
            if held >= from {
                break;
            }
            tokio::time::sleep(pause).await;
            held = self.indexed_revision().await?;
        }
        if held != from {
            self.cluster.is_prepared.store(false, Ordering::Release);
            return Err(IndexError::Vector(
                "vectors were concurrently modified or deleted by another process".to_owned(),
            ));
        }
        let at = at.max(from);
        let payload = Payload::from([
            ("workspace", ABOUT.into()),
            ("of", self.workspace.as_str().into()),
            ("revision", at.into()),
        ]);
        self.cluster
            .upsert_about(about(&self.workspace), payload)
            .await?;
        self.cluster
            .revisions_mut()
            .insert(self.workspace.clone(), at);
        Ok(())
    }
}

fn scored(point: &ScoredPoint) -> Option<(u32, f32)> {
    Some((key_of(point.id.as_ref())?, point.score))
}

/// Adds the selection's rules, equal to those of the keyword index, to a filter.
fn by_rules(rules: &SelectionRules, filter: &mut Filter) {
    let asked = &rules.filter;
    for tag in &asked.tags {
        filter.must.push(is_any("tags", [tag.as_str()]));
    }
    if !asked.languages.is_empty() {
        filter.must.push(is_any(
            "language",
            asked.languages.iter().map(String::as_str),
        ));
    }
    if !asked.kinds.is_empty() {
        filter
            .must
            .push(is_any("kind", asked.kinds.iter().map(|kind| kind.as_str())));
    }
    if !asked.document_ids.is_empty() {
        let ids = asked.document_ids.iter().map(|id| id.as_str());
        filter.must.push(is_any("document_id", ids));
    }
    if !asked.without_documents.is_empty() {
        let ids = asked.without_documents.iter().map(|id| id.as_str());
        filter.must_not.push(is_any("document_id", ids));
    }
    if !rules.closed.is_empty() {
        filter
            .must_not
            .push(is_any("rule", rules.closed.iter().map(String::as_str)));
    }
    // A 64-bit float holds times of a few thousand years exactly.
    let at = rules.at as f64;
    let not_yet = Between {
        gt: Some(at),
        ..Between::default()
    };
    let no_more = Between {
        lte: Some(at),
        ..Between::default()
    };
    filter
        .must_not
        .push(Condition::range("valid_from", not_yet));
    filter
        .must_not
        .push(Condition::range("valid_until", no_more));
}

impl VectorStore for QdrantVectors {
    fn apply(
        &self,
        removed: &[Range<u32>],
        added: &[VectorEntry],
        at: Revision,
    ) -> Result<(), IndexError> {
        for entry in added {
            for vector in entry.vectors.iter().chain(&entry.negatives) {
                self.check(vector.len())?;
            }
        }
        self.block_on(self.write(removed, added, at))
    }

    fn search(
        &self,
        query: &[f32],
        limit: usize,
        selection: &Selection,
    ) -> Result<Vec<VectorHit>, IndexError> {
        self.check(query.len())?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (filter, is_narrow) = self.is_admitted(selection);
        by_views(usize::MAX, limit, limit * 2, |n_views| {
            let points = self.query(query, n_views, filter.clone(), is_narrow)?;
            let hits = points.iter().filter_map(scored);
            let hits = hits.map(|(key, similarity)| VectorHit { key, similarity });
            Ok((points.len(), hits.collect()))
        })
        .map(|mut hits| {
            sort(&mut hits);
            hits
        })
    }

    fn similarities(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.best_of(&self.workspace, query, keys)
    }

    fn negatives(&self, query: &[f32], keys: &[u32]) -> Result<Vec<Option<f32>>, IndexError> {
        self.best_of(&self.of_negatives(), query, keys)
    }

    fn n_vectors(&self) -> Result<usize, IndexError> {
        let name = &self.cluster.collection;
        let request = || {
            CountPointsBuilder::new(name)
                .filter(Filter::must([self.everything()]))
                .exact(true)
        };
        let counted = self
            .cluster
            .call_prepared(async |client| client.count(request()).await);
        let counted = self.block_on(counted)?.result;
        Ok(counted.map_or(0, |result| result.count as usize))
    }

    fn missing(&self, keys: &[u32]) -> Result<Vec<u32>, IndexError> {
        let name = &self.cluster.collection;
        let ids: Vec<PointId> = keys
            .iter()
            .map(|key| point_id(&self.workspace, *key, 0, ""))
            .collect();
        let request = || {
            GetPointsBuilder::new(name, ids.clone())
                .with_payload(false)
                .with_vectors(false)
        };
        let found = self
            .cluster
            .call_prepared(async |client| client.get_points(request()).await);
        let found = self.block_on(found)?.result;
        let held: std::collections::HashSet<u32> = found
            .iter()
            .filter_map(|point| key_of(point.id.as_ref()))
            .collect();
        let keys = keys.iter().copied();
        Ok(keys.filter(|key| !held.contains(key)).collect())
    }

    fn revision(&self) -> Revision {
        self.cluster
            .revisions()
            .get(&self.workspace)
            .copied()
            .unwrap_or(0)
    }

    fn save(&self) -> Result<(), IndexError> {
        // The server acknowledges a write once it is applied.
        Ok(())
    }

    fn clear(&self) -> Result<(), IndexError> {
        self.block_on(async {
            self.delete(Filter::must([self.everything()])).await?;
            let name = &self.cluster.collection;
            let request = || {
                DeletePointsBuilder::new(name)
                    .points(vec![about(&self.workspace)])
                    .wait(true)
            };
            let call = async |client: Qdrant| client.delete_points(request()).await;
            self.cluster.call_prepared(call).await?;
            self.cluster.revisions_mut().remove(&self.workspace);
            Ok(())
        })
    }
}
