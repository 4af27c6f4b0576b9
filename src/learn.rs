//! What people said of answers, and what was asked in vain → work, and settings that learn.

use std::collections::{HashMap, HashSet};

use half::f16;

use crate::blocking::blocking;
use crate::cases::CaseError;
use crate::embed::Embedder;
use crate::store::{Store, text_hash};

/// The vectors of questions, in their order; those known are not encoded again.
pub async fn vectors_of(
    store: &Store,
    embedder: &Embedder,
    texts: &[String],
) -> Result<Vec<Vec<f32>>, CaseError> {
    // Questions and passages are encoded differently, so they are kept apart.
    let key = |text: &String| text_hash(&format!("question\n{text}"));
    let hashes: Vec<String> = texts.iter().map(key).collect();
    let mut wanted = hashes.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let known = store.cached_vectors(embedder.id(), &wanted).await?;
    let widen = |vector: Vec<f16>| -> Vec<f32> { vector.iter().map(|x| x.to_f32()).collect() };
    let mut vectors: HashMap<String, Vec<f32>> = known
        .into_iter()
        .map(|(hash, vector)| (hash, widen(vector)))
        .collect();
    let mut seen = HashSet::new();
    let missing: Vec<(String, String)> = hashes
        .iter()
        .zip(texts)
        .filter(|(hash, _)| !vectors.contains_key(*hash) && seen.insert((*hash).clone()))
        .map(|(hash, text)| (hash.clone(), text.clone()))
        .collect();
    if !missing.is_empty() {
        let (embedder_, texts) = (
            embedder.clone(),
            missing.iter().map(|(_, text)| text.clone()).collect(),
        );
        let made = blocking(move || embedder_.embed_questions(texts)).await?;
        let narrow =
            |vector: &Vec<f32>| -> Vec<f16> { vector.iter().map(|x| f16::from_f32(*x)).collect() };
        let kept: Vec<(String, Vec<f16>)> = missing
            .iter()
            .zip(&made)
            .map(|((hash, _), vector)| (hash.clone(), narrow(vector)))
            .collect();
        store.keep_vectors(embedder.id(), &kept).await?;
        vectors.extend(
            missing
                .into_iter()
                .zip(made)
                .map(|((hash, _), vector)| (hash, vector)),
        );
    }
    Ok(hashes
        .iter()
        .map(|hash| vectors.get(hash).cloned().unwrap_or_default())
        .collect())
}
