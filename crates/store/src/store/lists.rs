//! Lists of documents for editors: filters, and one level of the tree that ids with `/` form.
//!
//! A page is read in two steps. The first reads keys only, from an index with all that the filters need. The second
//! reads the documents of the page.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{Any, Transaction};

use super::documents::DocumentSummary;
use super::{MAX_IN, ROWS, Store, StoreError, corrupt, from_json, placeholders, time_of};
use ken_base::domain::{DocumentId, DocumentKind, DocumentStatus, Metadata, WorkspaceId};
use ken_text::text::fold;

/// Most bytes of a folded title with its id; PostgreSQL limits the entries of an index to 2,704 bytes.
const MAX_TITLE: usize = 1_500;
/// How many rows are filled in one transaction.
const FILLED_AT_ONCE: i64 = 500;
/// How many keys of the tree are read at once.
const TREE_KEYS: usize = 200;

/// Which documents to list; `None` does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DocumentFilter {
    /// Words that the title or the id contains, folded like all texts.
    pub q: Option<String>,
    /// Search the words in the question, the variants and the answers of an FAQ instead.
    pub in_faq: bool,
    /// The beginning of the id.
    pub prefix: Option<String>,
    /// The kind.
    pub kind: Option<DocumentKind>,
    /// The status.
    pub status: Option<DocumentStatus>,
    /// A tag, exactly.
    pub tag: Option<String>,
    /// A name of its audience, exactly.
    pub audience: Option<String>,
    /// Its validity ends, or its review is due, before this time.
    pub due_before: Option<Timestamp>,
}

/// An entry of one level of the tree.
#[derive(Debug, Clone, PartialEq)]
pub enum TreeEntry {
    /// A document of this level.
    Document(DocumentId),
    /// A folder: the beginning of the ids below it, which ends in `/`, and the number of its documents at all levels.
    Folder {
        /// Beginning of the ids below it.
        prefix: String,
        /// Number of documents below it.
        n_documents: i64,
    },
}

/// The columns of a document that lists filter by.
pub(super) struct ListColumns {
    pub(super) kind: &'static str,
    pub(super) sort_key: Vec<u8>,
    pub(super) title_folded: String,
    pub(super) faq_folded: Option<String>,
    labels: Vec<(&'static str, String)>,
}

impl ListColumns {
    /// The columns of a version. `text` is read of an FAQ only; it holds the question and the answers.
    pub(super) fn of(id: &str, metadata: &Metadata, text: &str) -> Self {
        let mut title_folded = format!("{}\n{}", fold(&metadata.title), fold(id));
        title_folded.truncate(title_folded.floor_char_boundary(MAX_TITLE));
        let faq_folded = (metadata.kind == DocumentKind::Faq).then(|| {
            let parts = metadata.questions.iter().map(|question| fold(question));
            let mut parts: Vec<String> = parts.collect();
            parts.push(fold(text));
            parts.join("\n")
        });
        let tags = metadata.tags.iter().map(|tag| ("tag", tag.clone()));
        let audience = metadata.audience.iter();
        let audience = audience.map(|name| ("audience", name.clone()));
        let parent = metadata.parent.iter().map(|id| ("parent", id.clone()));
        let due = [metadata.valid_until, metadata.review_by];
        let due = due.into_iter().flatten().min();
        let due = due.into_iter().map(|at| ("due", sortable(at)));
        let mut labels: Vec<_> = tags.chain(audience).chain(parent).chain(due).collect();
        labels.sort_unstable();
        labels.dedup();
        Self {
            kind: metadata.kind.as_str(),
            sort_key: id.as_bytes().to_vec(),
            title_folded,
            faq_folded,
            labels,
        }
    }

    /// Replaces the labels of the document; `has_old` if it had a version before.
    pub(super) async fn set_labels(
        &self,
        tx: &mut Transaction<'_, Any>,
        workspace: &str,
        has_old: bool,
    ) -> Result<(), StoreError> {
        if has_old {
            sqlx::query("DELETE FROM document_labels WHERE workspace = $1 AND sort_key = $2")
                .bind(workspace)
                .bind(self.sort_key.as_slice())
                .execute(&mut **tx)
                .await?;
        }
        for rows in self.labels.chunks(ROWS) {
            let values: Vec<String> = (0..rows.len())
                .map(|row| format!("({})", placeholders(row * 4 + 1, 4)))
                .collect();
            let sql = format!(
                "INSERT INTO document_labels (workspace, field, name, sort_key) VALUES {}",
                values.join(",")
            );
            let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql));
            for (field, name) in rows {
                insert = insert
                    .bind(workspace)
                    .bind(*field)
                    .bind(name)
                    .bind(self.sort_key.as_slice());
            }
            insert.execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Writes all columns of a document that exists, and its labels.
    pub(super) async fn save(
        &self,
        tx: &mut Transaction<'_, Any>,
        workspace: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE documents SET kind = $1, sort_key = $2, title_folded = $3, faq_folded = $4 \
             WHERE workspace = $5 AND id = $6",
        )
        .bind(self.kind)
        .bind(self.sort_key.as_slice())
        .bind(&self.title_folded)
        .bind(&self.faq_folded)
        .bind(workspace)
        .bind(id)
        .execute(&mut **tx)
        .await?;
        self.set_labels(tx, workspace, true).await
    }
}

/// A value for a placeholder.
enum Bound {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
}

/// A statement that is put together, with its values in order.
struct Statement {
    sql: String,
    values: Vec<Bound>,
}

impl Statement {
    /// Adds a value and returns its placeholder.
    fn value(&mut self, value: Bound) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn text(&mut self, text: impl Into<String>) -> String {
        self.value(Bound::Text(text.into()))
    }
}

/// A time as text that sorts like it: milliseconds since 1970 with leading zeros.
fn sortable(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

/// A pattern for `LIKE … ESCAPE '\'` that matches texts with `word` in them.
pub(super) fn containing(word: &str) -> String {
    let mut pattern = String::from("%");
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The least key above all keys that begin with `prefix`. UTF-8 has no byte 255, so the last byte can be increased.
fn after_all(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The key of the first label, for comparisons with keys of other tables. As a function, so that SQLite looks up the one
/// key: of two columns that are equal, it would search for all keys above the cursor, once for each label.
const FIRST_KEY: &str = "COALESCE(l0.sort_key, l0.sort_key)";

/// The statement that reads a page of keys. Labels come first: the index of a rare label is short, and its keys are in
/// order. `CROSS JOIN` has SQLite keep this order.
fn page_of_keys(
    workspace: &WorkspaceId,
    filter: &DocumentFilter,
    after: Option<&DocumentId>,
    limit: i64,
) -> Statement {
    let mut statement = Statement {
        sql: String::new(),
        values: Vec::new(),
    };
    let own = statement.text(workspace.as_str());
    let labels: Vec<(&str, &String)> = [("tag", &filter.tag), ("audience", &filter.audience)]
        .into_iter()
        .filter_map(|(field, name)| Some((field, name.as_ref()?)))
        .collect();
    let key = if labels.is_empty() {
        "d.sort_key"
    } else {
        "l0.sort_key"
    };
    let mut tables: Vec<String> = (0..labels.len())
        .map(|n| format!("document_labels l{n}"))
        .collect();
    tables.push("documents d".to_owned());
    let mut conditions = vec![format!("d.workspace = {own}"), "d.deleted = 0".to_owned()];
    for (n, (field, name)) in labels.into_iter().enumerate() {
        let name = statement.text(name.as_str());
        conditions.push(format!(
            "l{n}.workspace = {own} AND l{n}.field = '{field}' AND l{n}.name = {name}"
        ));
        if n > 0 {
            conditions.push(format!("l{n}.sort_key = {FIRST_KEY}"));
        }
    }
    if key != "d.sort_key" {
        conditions.push(format!("d.sort_key = {FIRST_KEY}"));
    }
    let prefix = filter.prefix.as_deref().filter(|prefix| !prefix.is_empty());
    if let Some(prefix) = prefix {
        let from = statement.value(Bound::Bytes(prefix.as_bytes().to_vec()));
        let until = statement.value(Bound::Bytes(after_all(prefix)));
        conditions.push(format!("{key} >= {from} AND {key} < {until}"));
    }
    if let Some(after) = after {
        let after = statement.value(Bound::Bytes(after.as_str().as_bytes().to_vec()));
        conditions.push(format!("{key} > {after}"));
    }
    for (column, value) in [
        ("kind", filter.kind.map(DocumentKind::as_str)),
        ("status", filter.status.map(DocumentStatus::as_str)),
    ] {
        if let Some(value) = value {
            let value = statement.text(value);
            conditions.push(format!("d.{column} = {value}"));
        }
    }
    if let Some(due) = filter.due_before {
        let due = statement.text(sortable(due));
        conditions.push(format!(
            "{key} IN (SELECT sort_key FROM document_labels \
             WHERE workspace = {own} AND field = 'due' AND name < {due})"
        ));
    }
    let column = if filter.in_faq {
        "faq_folded"
    } else {
        "title_folded"
    };
    let folded = filter.q.as_deref().map(fold).unwrap_or_default();
    for word in folded.split_whitespace() {
        let word = statement.text(containing(word));
        conditions.push(format!("d.{column} LIKE {word} ESCAPE '\\'"));
    }
    let limit = statement.value(Bound::Number(limit));
    statement.sql = format!(
        "SELECT {key} FROM {} WHERE {} ORDER BY {key} LIMIT {limit}",
        tables.join(" CROSS JOIN "),
        conditions.join(" AND ")
    );
    statement
}

fn id_of(key: Vec<u8>) -> Result<DocumentId, StoreError> {
    let text = String::from_utf8(key).map_err(|e| corrupt("a document's sort key", &e))?;
    DocumentId::parse(&text).map_err(|e| corrupt("a document id", &e))
}

impl Store {
    /// Ids of the documents that a filter allows, with an id above `after`, in the order of their bytes, at most
    /// `limit`. Deleted documents are left out.
    pub async fn listed_ids(
        &self,
        workspace: &WorkspaceId,
        filter: &DocumentFilter,
        after: Option<&DocumentId>,
        limit: i64,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let Statement { sql, values } = page_of_keys(workspace, filter, after, limit);
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = match value {
                Bound::Text(text) => query.bind(text),
                Bound::Bytes(bytes) => query.bind(bytes),
                Bound::Number(number) => query.bind(number),
            };
        }
        let keys: Vec<(Vec<u8>,)> = query.fetch_all(&self.relaxed).await?;
        keys.into_iter().map(|(key,)| id_of(key)).collect()
    }

    /// Documents by their ids, in the given order; missing and deleted ones are left out.
    pub async fn summaries(
        &self,
        workspace: &WorkspaceId,
        ids: &[DocumentId],
    ) -> Result<Vec<DocumentSummary>, StoreError> {
        let mut found: HashMap<String, DocumentSummary> = HashMap::with_capacity(ids.len());
        for some in ids.chunks(MAX_IN) {
            let sql = format!(
                "SELECT id, version, metadata, n_chunks, content_hash, revision, updated_at FROM documents \
                 WHERE workspace = $1 AND deleted = 0 AND id IN ({})",
                placeholders(2, some.len())
            );
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(workspace.as_str());
            for id in some {
                query = query.bind(id.as_str());
            }
            let rows: Vec<(String, i64, String, i64, String, i64, i64)> =
                query.fetch_all(&self.relaxed).await?;
            for (id, version, metadata, n_chunks, content_hash, revision, updated_at) in rows {
                let summary = DocumentSummary {
                    id: DocumentId::parse(&id).map_err(|e| corrupt("a document id", &e))?,
                    version,
                    metadata: from_json("a document's metadata", &metadata)?,
                    n_chunks,
                    content_hash,
                    revision,
                    updated_at: time_of(updated_at)?,
                };
                found.insert(id, summary);
            }
        }
        let in_order = ids.iter().filter_map(|id| found.remove(id.as_str()));
        Ok(in_order.collect())
    }

    /// Ids of the documents whose parent is `id`, in the order of their bytes.
    pub async fn follow_ups(
        &self,
        workspace: &WorkspaceId,
        id: &DocumentId,
    ) -> Result<Vec<DocumentId>, StoreError> {
        let keys: Vec<(Vec<u8>,)> = sqlx::query_as(
            "SELECT l.sort_key FROM document_labels l CROSS JOIN documents d WHERE l.workspace = $1 \
             AND l.field = 'parent' AND l.name = $2 AND d.workspace = l.workspace AND d.deleted = 0 \
             AND d.sort_key = l.sort_key ORDER BY l.sort_key",
        )
        .bind(workspace.as_str())
        .bind(id.as_str())
        .fetch_all(&self.relaxed)
        .await?;
        keys.into_iter().map(|(key,)| id_of(key)).collect()
    }

    /// One level of the tree: folders and documents whose ids begin with `prefix`, in the order of their bytes, at most
    /// `limit`. `after` is the id of a document of this level, or the prefix of a folder of it.
    pub async fn tree(
        &self,
        workspace: &WorkspaceId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<TreeEntry>, StoreError> {
        let mut entries = Vec::new();
        let mut from = match after {
            None => prefix.as_bytes().to_vec(),
            Some(folder) if folder.len() > prefix.len() && folder.ends_with('/') => {
                after_all(folder)
            }
            // The least key above this one.
            Some(id) => [id.as_bytes(), &[0]].concat(),
        };
        while entries.len() < limit {
            let wanted = (limit - entries.len()).min(TREE_KEYS);
            let keys = self.keys_from(workspace, prefix, &from, wanted).await?;
            let is_last = keys.len() < wanted;
            let mut folder = None;
            for key in keys {
                let id = id_of(key)?;
                let rest = &id.as_str()[prefix.len()..];
                if let Some(at) = rest.find('/') {
                    folder = Some(id.as_str()[..=prefix.len() + at].to_owned());
                    break;
                }
                from = [id.as_str().as_bytes(), &[0]].concat();
                entries.push(TreeEntry::Document(id));
            }
            match folder {
                Some(prefix) => {
                    from = after_all(&prefix);
                    let n_documents = self.n_below(workspace, &prefix).await?;
                    entries.push(TreeEntry::Folder {
                        prefix,
                        n_documents,
                    });
                }
                None if is_last => break,
                None => {}
            }
        }
        Ok(entries)
    }

    /// Keys from `from` that begin with `prefix`, in order.
    async fn keys_from(
        &self,
        workspace: &WorkspaceId,
        prefix: &str,
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let until = match prefix {
            "" => "",
            _ => "AND sort_key < $4",
        };
        let sql = format!(
            "SELECT sort_key FROM documents WHERE workspace = $1 AND deleted = 0 AND sort_key >= $2 {until} \
             ORDER BY sort_key LIMIT $3"
        );
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(workspace.as_str())
            .bind(from)
            .bind(limit as i64);
        if !prefix.is_empty() {
            query = query.bind(after_all(prefix));
        }
        let keys: Vec<(Vec<u8>,)> = query.fetch_all(&self.relaxed).await?;
        Ok(keys.into_iter().map(|(key,)| key).collect())
    }

    /// Number of documents whose ids begin with a prefix.
    async fn n_below(&self, workspace: &WorkspaceId, prefix: &str) -> Result<i64, StoreError> {
        let (n,): (i64,) = sqlx::query_as(
            "SELECT COUNT(*) FROM documents WHERE workspace = $1 AND deleted = 0 AND sort_key >= $2 AND sort_key < $3",
        )
        .bind(workspace.as_str())
        .bind(prefix.as_bytes())
        .bind(after_all(prefix))
        .fetch_one(&self.relaxed)
        .await?;
        Ok(n)
    }

    /// Fills the columns of documents that were written before lists had columns of their own. Damaged metadata count as
    /// empty here: reading such a document fails, opening the store does not.
    pub(super) async fn fill_list_columns(&self) -> Result<(), StoreError> {
        const ANY: &str = "SELECT 1 FROM documents WHERE title_folded IS NULL LIMIT 1";
        while self.has_row(ANY).await? {
            let mut tx = self.begin_fill().await?;
            let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
                "SELECT workspace, id, version, metadata FROM documents WHERE title_folded IS NULL LIMIT $1",
            )
            .bind(FILLED_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
            for (workspace, id, version, metadata) in rows {
                let metadata: Metadata = serde_json::from_str(&metadata).unwrap_or_default();
                let text = match metadata.kind {
                    DocumentKind::Faq => version_text(&mut tx, &workspace, &id, version).await?,
                    _ => String::new(),
                };
                let columns = ListColumns::of(&id, &metadata, &text);
                columns.save(&mut tx, &workspace, &id).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Whether a statement returns a row with a number.
    pub(super) async fn has_row(&self, sql: &'static str) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = sqlx::query_as(sql).fetch_optional(&self.relaxed).await?;
        Ok(row.is_some())
    }

    /// Begins a transaction that reads before it writes. Its first statement changes no row and takes the lock of
    /// writers: SQLite would fail the transaction if another process wrote in between.
    pub(super) async fn begin_fill(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE workspaces SET revision = revision WHERE id = ''")
            .execute(&mut *tx)
            .await?;
        Ok(tx)
    }
}

/// The text of a stored version.
pub(super) async fn version_text(
    tx: &mut Transaction<'_, Any>,
    workspace: &str,
    id: &str,
    version: i64,
) -> Result<String, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT text FROM document_versions WHERE workspace = $1 AND document_id = $2 AND version = $3",
    )
    .bind(workspace)
    .bind(id)
    .bind(version)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|(text,)| text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{QuestionFilter, Write};
    use ken_base::domain::{NewChunk, Outline, Source, Span};

    fn source(id: &str, metadata: Metadata, text: &str) -> Write {
        Write::put(Source {
            id: DocumentId::parse(id).unwrap(),
            metadata,
            raw: String::new(),
            text: text.to_owned(),
            chunks: vec![NewChunk {
                span: Span::new(0, text.len()),
                ..NewChunk::default()
            }],
            outline: Outline::default(),
            content_hash: id.to_owned(),
        })
    }

    async fn opened(folder: &tempfile::TempDir) -> Store {
        let url = format!("sqlite://{}/ken.db", folder.path().display());
        Store::open(&url).await.unwrap()
    }

    /// Rows that were written before the migration are listed like others once the store has been opened.
    #[tokio::test]
    async fn rows_from_before_are_filled_at_opening() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        let own = WorkspaceId::parse("own").unwrap();
        let faq = Metadata {
            kind: DocumentKind::Faq,
            title: "運費多少".into(),
            questions: vec!["運費多少".into(), "寄送要錢嗎".into()],
            tags: vec!["費用".into(), "費用".into()],
            parent: Some("a/1".into()),
            ..Metadata::default()
        };
        let article = Metadata {
            title: "退貨".into(),
            audience: vec!["agent".into()],
            valid_until: Some(time_of(7_000).unwrap()),
            review_by: Some(time_of(8_000).unwrap()),
            ..Metadata::default()
        };
        let writes = vec![
            source("a/1", article, "七天內"),
            source("b", faq, "運費多少\n\n一律八十"),
        ];
        store.record(&own, writes).await.unwrap();
        let trace = r#"{"request":{"channel":"web","tags":["t"]},"parts":[]}"#;
        let body = r#"{"id":"ans","outcome":"refused","reason":"weak_evidence","confidence":0.25,
            "citations":[{"document_id":"b"},{"document_id":"b"}]}"#;
        for sql in [
            "UPDATE documents SET kind = NULL, sort_key = NULL, title_folded = NULL, faq_folded = NULL".to_owned(),
            "DELETE FROM document_labels".to_owned(),
            format!(
                "INSERT INTO answers (workspace, id, question, body, trace, created_at) \
                 VALUES ('own', 'ans', 'q', '{body}', '{trace}', 5)"
            ),
            "INSERT INTO answer_facts (workspace, answer_id, created_at, outcome, reason, tags, cited) \
             VALUES ('own', 'ans', 5, '', '', '[]', '[]')"
                .to_owned(),
        ] {
            let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&store.durable);
            done.await.unwrap();
        }
        let all = DocumentFilter::default();
        let some = |text: &str| Some(text.to_owned());
        let tagged = DocumentFilter {
            tag: some("費用"),
            ..all.clone()
        };
        assert_eq!(store.listed_ids(&own, &tagged, None, 9).await.unwrap(), []);
        store.close().await;
        let store = opened(&folder).await;
        for (filter, expected) in [
            (all.clone(), "a/1 b"),
            (
                DocumentFilter {
                    q: some("退货"),
                    ..all.clone()
                },
                "a/1",
            ),
            (
                DocumentFilter {
                    q: some("寄送 八十"),
                    in_faq: true,
                    ..all.clone()
                },
                "b",
            ),
            (
                DocumentFilter {
                    tag: some("費用"),
                    ..all.clone()
                },
                "b",
            ),
            (
                DocumentFilter {
                    audience: some("agent"),
                    ..all.clone()
                },
                "a/1",
            ),
            (
                DocumentFilter {
                    due_before: Some(time_of(7_001).unwrap()),
                    ..all.clone()
                },
                "a/1",
            ),
            (
                DocumentFilter {
                    due_before: Some(time_of(7_000).unwrap()),
                    ..all.clone()
                },
                "",
            ),
            (
                DocumentFilter {
                    kind: Some(DocumentKind::Faq),
                    ..all.clone()
                },
                "b",
            ),
        ] {
            let ids = store.listed_ids(&own, &filter, None, 9).await.unwrap();
            let ids: Vec<&str> = ids.iter().map(DocumentId::as_str).collect();
            assert_eq!(ids.join(" "), expected, "{filter:?}");
        }
        let parent = DocumentId::parse("a/1").unwrap();
        let follow_ups = store.follow_ups(&own, &parent).await.unwrap();
        assert_eq!(follow_ups[0].as_str(), "b");
        let period = (time_of(0).unwrap(), time_of(9).unwrap());
        let filter = QuestionFilter {
            outcome: Some(ken_base::domain::Outcome::Refused),
            reason: some("weak_evidence"),
            channel: some("web"),
            tag: some("t"),
            document_id: some("b"),
            only: None,
        };
        let (found, next) = store
            .logged_questions_page(&own, period, &filter, None, 1)
            .await
            .unwrap();
        assert_eq!((found.len(), next), (1, None));
        assert_eq!(
            (found[0].confidence, found[0].answer_id.as_str()),
            (0.25, "ans")
        );
        store.close().await;
    }

    /// A list of 100,000 documents neither sorts nor reads rows that it does not return.
    #[tokio::test]
    async fn pages_are_read_from_an_index_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        let own = WorkspaceId::parse("own").unwrap();
        let after = DocumentId::parse("m").unwrap();
        let all = DocumentFilter::default();
        let some = |text: &str| Some(text.to_owned());
        let filters = [
            all.clone(),
            DocumentFilter {
                q: some("a b"),
                ..all.clone()
            },
            DocumentFilter {
                prefix: some("a/"),
                status: Some(DocumentStatus::Draft),
                ..all.clone()
            },
            DocumentFilter {
                kind: Some(DocumentKind::Faq),
                q: some("a"),
                ..all.clone()
            },
            DocumentFilter {
                tag: some("t"),
                audience: some("a"),
                ..all.clone()
            },
            DocumentFilter {
                tag: some("t"),
                kind: Some(DocumentKind::Faq),
                prefix: some("a/"),
                ..all.clone()
            },
            DocumentFilter {
                due_before: Some(time_of(9).unwrap()),
                status: Some(DocumentStatus::Published),
                ..all.clone()
            },
        ];
        for filter in filters {
            for after in [None, Some(&after)] {
                let sql = page_of_keys(&own, &filter, after, 100).sql;
                let explain = format!("EXPLAIN QUERY PLAN {sql}");
                let plan: Vec<(i64, i64, i64, String)> =
                    sqlx::query_as(sqlx::AssertSqlSafe(explain))
                        .fetch_all(&store.relaxed)
                        .await
                        .unwrap();
                assert!(!plan.is_empty(), "{sql}");
                for (.., step) in plan {
                    // The keys of the documents that are due.
                    let is_list = step.starts_with("LIST SUBQUERY")
                        || step.starts_with("CREATE BLOOM FILTER");
                    let is_read_in_order = is_list
                        || step.starts_with("SEARCH") && step.contains("USING COVERING INDEX");
                    assert!(is_read_in_order, "{step}: {sql}");
                    let is_joined = filter.tag.is_some() && !step.contains("SEARCH l0");
                    assert!(!is_joined || step.contains("sort_key=?"), "{step}: {sql}");
                }
            }
        }
        store.close().await;
    }

    #[test]
    fn long_titles_fit_an_index() {
        let metadata = Metadata {
            title: "長".repeat(2_000),
            ..Metadata::default()
        };
        let columns = ListColumns::of("id", &metadata, "");
        assert!((1_490..=MAX_TITLE).contains(&columns.title_folded.len()));
        assert_eq!(after_all("a/"), b"a0");
        assert_eq!(containing("5%_\\"), "%5\\%\\_\\\\%");
    }
}
