//! Vectors of texts, stored by encoder and hash of the text.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::{MAX_IN, ROWS, Store, StoreError, corrupt, placeholders};
use ken_base::domain::WorkspaceId;
use ken_text::text::sha256_hex;

/// Hash of a text and its vector in half precision. Its relative error, 2⁻¹¹, changes a cosine by less than 0.001.
pub type StoredVector = (String, Vec<f16>);

/// Key of a text: its SHA-256 in hexadecimal.
pub fn text_hash(text: &str) -> String {
    sha256_hex([text.as_bytes()])
}

impl Store {
    /// Stored vectors of texts, by their hashes, in no order; missing ones are left out.
    pub async fn cached_vectors(
        &self,
        workspace: &WorkspaceId,
        encoder_id: &str,
        hashes: &[String],
    ) -> Result<Vec<StoredVector>, StoreError> {
        let mut found = Vec::with_capacity(hashes.len());
        for some in hashes.chunks(MAX_IN) {
            let sql = format!(
                "SELECT text_hash, vector FROM vectors WHERE workspace = $1 AND encoder_id = $2 AND text_hash IN ({})",
                placeholders(3, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(workspace.as_str())
                .bind(encoder_id);
            for hash in some {
                query = query.bind(hash);
            }
            let rows: Vec<(String, Vec<u8>)> = query.fetch_all(&self.relaxed).await?;
            for (hash, bytes) in rows {
                found.push((hash, vector_of(&bytes)?));
            }
        }
        Ok(found)
    }

    /// Stores vectors; existing ones stay. Nothing is stored for a missing workspace, so texts that were being encoded
    /// while it was deleted do not recreate it.
    pub async fn insert_vectors(
        &self,
        workspace: &WorkspaceId,
        encoder_id: &str,
        vectors: &[StoredVector],
    ) -> Result<(), StoreError> {
        let mut tx = self.relaxed.begin().await?;
        if self.is_shared() {
            // A deletion of the workspace waits until these rows exist, and deletes them.
            sqlx::query("SELECT id FROM workspaces WHERE id = $1 FOR SHARE")
                .bind(workspace.as_str())
                .execute(&mut *tx)
                .await?;
        }
        for rows in vectors.chunks(ROWS) {
            let values: Vec<String> = (0..rows.len())
                .map(|row| format!("({})", placeholders(row * 4 + 1, 4)))
                .collect();
            let sql = format!(
                "INSERT INTO vectors (workspace, encoder_id, text_hash, vector) \
                 SELECT column1, column2, column3, column4 FROM (VALUES {}) AS new \
                 WHERE EXISTS (SELECT 1 FROM workspaces WHERE id = column1) \
                 ON CONFLICT (workspace, encoder_id, text_hash) DO NOTHING",
                values.join(",")
            );
            let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql));
            for (hash, vector) in rows {
                insert = insert
                    .bind(workspace.as_str())
                    .bind(encoder_id)
                    .bind(hash)
                    .bind(bytes_of(vector));
            }
            insert.execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

pub(super) fn bytes_of(vector: &[f16]) -> Vec<u8> {
    vector
        .reinterpret_cast()
        .iter()
        .flat_map(|bits: &u16| bits.to_le_bytes())
        .collect()
}

pub(super) fn vector_of(bytes: &[u8]) -> Result<Vec<f16>, StoreError> {
    let pairs = bytes.chunks_exact(2);
    match pairs.remainder() {
        [] => Ok(pairs
            .map(|pair| f16::from_le_bytes([pair[0], pair[1]]))
            .collect()),
        _ => Err(corrupt(
            "a vector",
            &format!("{} bytes are not half-precision numbers", bytes.len()),
        )),
    }
}
