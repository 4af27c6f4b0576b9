use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::RetrieveError;
use crate::blocking::blocking;
use crate::domain::{Hit, Query, WorkspaceId};
use crate::rerank::Reranker;
use crate::store::Store;

/// A reranker with its limits.
#[derive(Clone)]
pub struct Reranking {
    pub reranker: Arc<dyn Reranker>,
    pub top: usize,
    pub budget: Duration,
}

impl Reranking {
    /// Reorders the best hits by what the reranker says; `false` where it has no time or the budget runs out, and
    /// the order stands. The hits' scores stay with the places, so that the list is still best first on one scale.
    pub async fn reorder(
        &self,
        store: &Store,
        workspace: &WorkspaceId,
        query: &Query,
        hits: &mut [Hit],
    ) -> Result<bool, RetrieveError> {
        let n = hits.len().min(self.top);
        if n < 2 {
            return Ok(false);
        }
        let work = async {
            let keys: Vec<u32> = hits[..n].iter().map(|hit| hit.chunk_key).collect();
            let entries = store.chunks(workspace, &keys).await?;
            let mut texts: HashMap<u32, String> = entries
                .into_iter()
                .map(|entry| {
                    let (chunk, metadata) = (&entry.chunk, &entry.metadata);
                    (
                        chunk.key,
                        metadata.searchable(&chunk.heading_path, &chunk.text),
                    )
                })
                .collect();
            // A chunk that went meanwhile has no text; it is left out later, and its place does not matter.
            let passages: Vec<String> = keys
                .iter()
                .map(|key| texts.remove(key).unwrap_or_default())
                .collect();
            let (reranker, question) = (self.reranker.clone(), query.text().to_owned());
            let read = blocking(move || reranker.read(&question, &passages)).await;
            Ok::<_, RetrieveError>(read?)
        };
        let Ok(scores) = tokio::time::timeout(self.budget, work).await else {
            return Ok(false);
        };
        let Some(scores) = scores? else {
            return Ok(false);
        };
        let places: Vec<f32> = hits[..n].iter().map(|hit| hit.score).collect();
        let mut read: Vec<(f32, Hit)> = scores.into_iter().zip(hits[..n].iter().cloned()).collect();
        read.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.chunk_key.cmp(&y.chunk_key)));
        for ((hit, place), (_, read)) in hits[..n].iter_mut().zip(places).zip(read) {
            *hit = Hit {
                score: place,
                ..read
            };
        }
        Ok(true)
    }
}
