//! Files of messages: each content is kept once per workspace, in a folder beside the store, until no message has it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;

use ken_base::blocking::blocking;
use ken_base::config::DeskConfig;
use ken_base::desk::Part;
use ken_base::digest::sha256_hex;
use ken_base::domain::WorkspaceId;
use ken_store::store::desk::StoredFile;
use ken_store::store::{Store, StoreError};

/// Types of files that a message may have: those that the channels send, without any that a browser or a system runs.
const TYPES: [&str; 31] = [
    "application/msword",
    "application/pdf",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "audio/aac",
    "audio/amr",
    "audio/m4a",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/x-flac",
    "audio/x-wav",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "text/plain",
    "video/mp4",
    "video/quicktime",
    "video/webm",
    "video/x-m4v",
];
/// How long a file is kept that no message has yet.
const UNUSED: SignedDuration = SignedDuration::from_hours(24);
/// How many files are removed at once.
const AT_ONCE: i64 = 200;

/// Why a file is not stored or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// The file has no content.
    #[error("the file is empty")]
    Empty,
    /// The file is larger than allowed.
    #[error("expected at most {limit} bytes (desk.max_attachment_bytes), found {found}")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The size in bytes.
        found: usize,
    },
    /// Files of this type are not taken.
    #[error(
        "expected a picture, a recording, a film, a PDF, an office document or plain text, found {0}"
    )]
    WrongType(String),
    /// The folder cannot be used.
    #[error("cannot use {path}: {source}")]
    Folder {
        /// The file or folder.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The files of all workspaces. Clones share the folder.
#[derive(Clone)]
pub struct Attachments {
    store: Store,
    folder: Arc<Path>,
    max_bytes: usize,
}

impl Attachments {
    /// Files in the configured folder. Creates nothing.
    pub fn new(store: Store, config: &DeskConfig) -> Self {
        Self {
            store,
            folder: config.attachments_dir.as_path().into(),
            max_bytes: config.max_attachment_bytes,
        }
    }

    /// The maximum size of a file in bytes.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Stores a file. It is durable when this returns, and kept for a day, or as long as a message has it.
    ///
    /// # Errors
    /// [`AttachmentError`]; then nothing is stored.
    pub async fn store(
        &self,
        workspace: &WorkspaceId,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Part, AttachmentError> {
        let content_type = self.type_of(&bytes)?;
        let n_bytes = bytes.len() as u64;
        let bytes: Arc<[u8]> = bytes.into();
        let hashed = bytes.clone();
        let sha256 = blocking(move || sha256_hex([hashed.as_ref()])).await;
        let part = Part::Attachment {
            sha256: sha256.clone(),
            name: name.to_owned(),
            content_type: content_type.to_owned(),
            n_bytes,
        };
        self.store.ensure_workspace(workspace).await?;
        loop {
            if self.store.use_file(workspace, &sha256).await?.is_some() {
                return Ok(part);
            }
            let file = StoredFile {
                id: uuid::Uuid::new_v4().simple().to_string(),
                sha256: sha256.clone(),
                content_type: content_type.to_owned(),
                n_bytes,
            };
            // First the row, so that what a crash leaves behind is found and removed.
            self.store.begin_file(workspace, &file).await?;
            let (path, bytes) = (self.path(workspace, &file.id), bytes.clone());
            let written = path.clone();
            blocking(move || write(&written, &bytes)).await?;
            if self.store.end_file(workspace, &file).await? {
                return Ok(part);
            }
            // Another one is stored, or the workspace was deleted meanwhile.
            blocking(move || remove(&path)).await?;
            self.store.end_removal(workspace, &file.id).await?;
        }
    }

    fn type_of(&self, bytes: &[u8]) -> Result<&'static str, AttachmentError> {
        if bytes.is_empty() {
            return Err(AttachmentError::Empty);
        }
        if bytes.len() > self.max_bytes {
            return Err(AttachmentError::TooLarge {
                limit: self.max_bytes,
                found: bytes.len(),
            });
        }
        let found = match infer::get(bytes) {
            Some(kind) => kind.mime_type(),
            None if is_text(bytes) => "text/plain",
            None => "an unknown format",
        };
        let known = TYPES.iter().find(|known| **known == found);
        known
            .copied()
            .ok_or_else(|| AttachmentError::WrongType(found.to_owned()))
    }

    /// Completes a part that names a stored file. The file stays for at least a day from now. `None` if it is not stored.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn complete(
        &self,
        workspace: &WorkspaceId,
        part: Part,
    ) -> Result<Option<Part>, StoreError> {
        let Part::Attachment { sha256, name, .. } = part else {
            return Ok(Some(part));
        };
        let file = self.store.use_file(workspace, &sha256).await?;
        Ok(file.map(|file| Part::Attachment {
            sha256,
            name,
            content_type: file.content_type,
            n_bytes: file.n_bytes,
        }))
    }

    /// Opens a stored file to read it.
    ///
    /// # Errors
    /// [`AttachmentError::Folder`] if it cannot be opened.
    pub async fn open(
        &self,
        workspace: &WorkspaceId,
        file: &StoredFile,
    ) -> Result<tokio::fs::File, AttachmentError> {
        let path = self.path(workspace, &file.id);
        let opened = tokio::fs::File::open(&path).await;
        opened.map_err(|source| failed(&path, source))
    }

    /// Removes the files that are marked for removal.
    ///
    /// # Errors
    /// [`AttachmentError`]; what is left is removed the next time.
    pub async fn remove_marked(&self) -> Result<usize, AttachmentError> {
        let mut n_removed = 0;
        loop {
            let marked = self.store.files_to_remove(AT_ONCE).await?;
            if marked.is_empty() {
                return Ok(n_removed);
            }
            let mut first = None;
            for (workspace, id) in marked {
                let path = self.path(&workspace, &id);
                match blocking(move || remove(&path)).await {
                    Ok(()) => {
                        self.store.end_removal(&workspace, &id).await?;
                        n_removed += 1;
                    }
                    // One that cannot be removed does not keep the others.
                    Err(error) => first = first.or(Some(error)),
                }
            }
            if let Some(error) = first {
                return Err(error);
            }
        }
    }

    /// Removes files that no message has had for a day, and what is marked for removal.
    ///
    /// # Errors
    /// As of [`Attachments::remove_marked`].
    pub async fn remove_unused(&self) -> Result<usize, AttachmentError> {
        self.store.drop_unused_files(UNUSED).await?;
        self.remove_marked().await
    }

    /// Removes all files of a workspace that was deleted.
    ///
    /// # Errors
    /// [`AttachmentError::Folder`].
    pub async fn remove_workspace(&self, workspace: &WorkspaceId) -> Result<(), AttachmentError> {
        let path = self.folder.join(workspace.as_str());
        blocking(move || match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&path, error)),
            _ => Ok(()),
        })
        .await
    }

    /// Compares the folder with the store. Returns a message for each stored file that is missing or has another size, and for
    /// each file in the folder that the store does not know.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn faults(&self, workspace: &WorkspaceId) -> Result<Vec<String>, StoreError> {
        let mut faults = self.orphans(workspace).await?;
        let mut after = String::new();
        loop {
            let page = self.store.files(workspace, &after, AT_ONCE).await?;
            let Some(last) = page.last() else {
                return Ok(faults);
            };
            after = last.id.clone();
            for file in page {
                let path = self.path(workspace, &file.id);
                let size = blocking(move || std::fs::metadata(&path).map(|of| of.len())).await;
                match size {
                    Ok(size) if size == file.n_bytes => {}
                    Ok(size) => faults.push(format!(
                        "attachment {}: expected {} bytes, found {size}",
                        file.sha256, file.n_bytes
                    )),
                    Err(error) => faults.push(format!("attachment {}: {error}", file.sha256)),
                }
            }
        }
    }

    /// A message for each file in the folder of a workspace that the store does not know, as after the restore of an older
    /// backup.
    async fn orphans(&self, workspace: &WorkspaceId) -> Result<Vec<String>, StoreError> {
        // The folder first: a new file has a row before it has content.
        let folder = self.folder.join(workspace.as_str());
        let names = match blocking(move || names_in(&folder)).await {
            Ok(names) => names,
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let mut orphans = Vec::new();
        for some in names.chunks(AT_ONCE as usize) {
            let known = self.store.known_files(workspace, some).await?;
            for name in some.iter().filter(|name| !known.contains(*name)) {
                let path = self.path(workspace, name);
                // It may have been removed with its row in between.
                let (checked, shown) = (path.clone(), path.display().to_string());
                if blocking(move || checked.exists()).await {
                    orphans.push(format!("attachment file {shown}: no message has it"));
                }
            }
        }
        Ok(orphans)
    }

    /// A message for each folder of a workspace that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn folder_faults(&self) -> Result<Vec<String>, StoreError> {
        let folder = self.folder.clone();
        let names = match blocking(move || names_in(&folder)).await {
            Ok(names) => names,
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let known = self.store.workspaces().await?;
        let is_known = |name: &&String| known.iter().any(|(of, _)| of.as_str() == name.as_str());
        let orphans = names.iter().filter(|name| !is_known(name)).map(|name| {
            let path = self.folder.join(name);
            format!("attachment folder {}: no such workspace", path.display())
        });
        Ok(orphans.collect())
    }

    fn path(&self, workspace: &WorkspaceId, id: &str) -> PathBuf {
        self.folder.join(workspace.as_str()).join(id)
    }
}

/// Whether bytes are text: UTF-8 without control characters other than tabs and line breaks.
fn is_text(bytes: &[u8]) -> bool {
    let is_shown = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_shown))
}

/// The names of what is in a folder; none if it is missing.
fn names_in(folder: &Path) -> Result<Vec<String>, AttachmentError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| failed(folder, source))?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names
        .collect::<std::io::Result<_>>()
        .map_err(|source| failed(folder, source))?;
    names.sort_unstable();
    Ok(names)
}

fn failed(path: &Path, source: std::io::Error) -> AttachmentError {
    AttachmentError::Folder {
        path: path.display().to_string(),
        source,
    }
}

/// Writes a new file, readable by its owner only, and waits until it is on the disk.
fn write(path: &Path, bytes: &[u8]) -> Result<(), AttachmentError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // The folder's entry too.
        std::fs::File::open(folder)?.sync_all()
    };
    write().map_err(|source| failed(path, source))
}

fn remove(path: &Path) -> Result<(), AttachmentError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    struct Fixture {
        folder: tempfile::TempDir,
        attachments: Attachments,
        workspace: WorkspaceId,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/ken.db", folder.path().display());
            let config = DeskConfig {
                attachments_dir: folder.path().join("files"),
                max_attachment_bytes: 1_000,
                ..DeskConfig::default()
            };
            let store = Store::open(&url).await.unwrap();
            Self {
                attachments: Attachments::new(store, &config),
                workspace: WorkspaceId::parse("default").unwrap(),
                folder,
            }
        }

        fn n_files(&self) -> usize {
            let folder = self.folder.path().join("files/default");
            std::fs::read_dir(folder).map_or(0, Iterator::count)
        }

        async fn store(&self, bytes: &[u8]) -> Result<Part, AttachmentError> {
            self.attachments
                .store(&self.workspace, "a.png", bytes.to_vec())
                .await
        }
    }

    #[tokio::test]
    async fn content_is_stored_once_also_when_uploaded_at_the_same_time() {
        let fixture = Fixture::new().await;
        let uploads = (0..8).map(|_| fixture.store(PNG));
        let parts = futures_util::future::join_all(uploads).await;
        let parts: Vec<Part> = parts.into_iter().map(Result::unwrap).collect();
        assert!(parts.iter().all(|part| *part == parts[0]));
        fixture.attachments.remove_marked().await.unwrap();
        assert_eq!(fixture.n_files(), 1);
        let sha256 = sha256_hex([PNG]);
        let store = &fixture.attachments.store;
        let file = store.file(&fixture.workspace, &sha256).await.unwrap();
        let opened = fixture
            .attachments
            .open(&fixture.workspace, &file.unwrap())
            .await;
        let mut read = Vec::new();
        use tokio::io::AsyncReadExt as _;
        opened.unwrap().read_to_end(&mut read).await.unwrap();
        assert_eq!(read, PNG);
    }

    #[tokio::test]
    async fn content_decides_the_type_and_what_runs_is_refused() {
        let fixture = Fixture::new().await;
        for (bytes, expected) in [
            (PNG, Some("image/png")),
            (b"%PDF-1.7\n", Some("application/pdf")),
            ("壞掉的型號：K1\n".as_bytes(), Some("text/plain")),
            (b"<!DOCTYPE html><script>", None),
            (b"\x7fELF\x02\x01\x01", None),
            (b"MZ\x90\0", None),
            (b"#!/bin/sh\n", None),
            (b"PK\x03\x04", None),
            (b"\0\x01\x02\x03", None),
            (b"", None),
        ] {
            let stored = fixture.store(bytes).await;
            let found = stored.as_ref().ok().map(|part| match part {
                Part::Attachment { content_type, .. } => content_type.as_str(),
                other => panic!("{other:?}"),
            });
            assert_eq!(found, expected, "{stored:?}");
        }
        let large = fixture.store(&[b'a'; 1_001]).await;
        assert!(matches!(large, Err(AttachmentError::TooLarge { .. })));
    }

    #[tokio::test]
    async fn file_that_no_message_has_is_removed_after_a_day() {
        let fixture = Fixture::new().await;
        fixture.store(PNG).await.unwrap();
        let attachments = &fixture.attachments;
        assert_eq!(attachments.remove_unused().await.unwrap(), 0);
        assert_eq!(
            attachments.faults(&fixture.workspace).await.unwrap(),
            [""; 0]
        );
        let tomorrow = jiff::Timestamp::now() + SignedDuration::from_hours(25);
        let clock = ken_base::domain::Clock::fixed(tomorrow);
        let later = Attachments {
            store: attachments.store.clone().with_clock(clock),
            ..attachments.clone()
        };
        assert_eq!(later.remove_unused().await.unwrap(), 1);
        assert_eq!(fixture.n_files(), 0);
    }

    #[tokio::test]
    async fn missing_file_is_a_fault() {
        let fixture = Fixture::new().await;
        fixture.store(PNG).await.unwrap();
        let folder = fixture.folder.path().join("files/default");
        std::fs::remove_dir_all(folder).unwrap();
        let faults = fixture.attachments.faults(&fixture.workspace).await;
        assert_eq!(faults.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn file_or_folder_that_the_store_does_not_know_is_a_fault() {
        let fixture = Fixture::new().await;
        fixture.store(PNG).await.unwrap();
        let (attachments, workspace) = (&fixture.attachments, &fixture.workspace);
        assert_eq!(attachments.faults(workspace).await.unwrap(), [""; 0]);
        assert_eq!(attachments.folder_faults().await.unwrap(), [""; 0]);
        let folder = fixture.folder.path().join("files");
        std::fs::write(folder.join("default/left"), PNG).unwrap();
        std::fs::create_dir(folder.join("gone")).unwrap();
        let faults = attachments.faults(workspace).await.unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("default/left"), "{faults:?}");
        let faults = attachments.folder_faults().await.unwrap();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("files/gone"), "{faults:?}");
    }
}
