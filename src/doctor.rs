//! `ken doctor`: checks for common misconfigurations, before a start or on the running service.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use utoipa::ToSchema;

use crate::keys::KeyRing;
use crate::oidc::Oidc;
use ken_base::blocking::blocking;
use ken_base::config::{Config, VectorBackend};
use ken_base::outbound;
use ken_base::store_url::without_credentials;
use ken_ingest::ingest::worker::FileReader;
use ken_search::embed::Embedder;
use ken_search::index::{IndexError, QdrantCluster};
use ken_search::reader::Reader;
use ken_store::store::{Store, sqlite_path};

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "`fine`: no problem. `warning`: it works, but may fail later. `fault`: it does not work."
)]
pub enum Severity {
    /// No problem.
    Fine,
    /// It works, but may fail later.
    Warning,
    /// It does not work.
    Fault,
}

/// Result of one check, with the remedy unless it is fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoctorFinding {
    /// The subject, for example `disk space (store)`.
    #[serde(rename = "subject")]
    pub about: &'static str,
    /// How severe it is.
    pub severity: Severity,
    /// What was found, and the remedy unless it is fine.
    pub detail: String,
}

/// The least free disk space: for a backup, a merge of the keyword index, a night of conversations.
const MIN_FREE_BYTES: u64 = 2 << 30;
/// The least limit of open files: a few hundred connections and their files.
const MIN_FILES: u64 = 4_096;
/// The least free memory: for the service, its encoders and two reading processes.
const MIN_MEMORY_BYTES: u64 = 3 << 30;
/// A key that expires sooner causes a warning.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(24 * 14);
/// The time limit for connecting to a server.
const PATIENCE: Duration = Duration::from_secs(5);

/// Runs all checks, in the order in which the service needs the parts. Without a usable store, the checks after it are
/// skipped.
pub async fn examine(config: &Config) -> Vec<DoctorFinding> {
    let mut findings = vec![clock(Timestamp::now()), files(), memory()];
    findings.extend(space(config));
    let (found, encoder) = models(config).await;
    findings.push(found);
    findings.push(reader(config).await);
    findings.push(file_reader(config).await);
    findings.extend(cluster(config, encoder).await);
    findings.push(indexes(config));
    findings.push(tls(config));
    let store = match Store::open(&config.store.url).await {
        Ok(store) => store,
        Err(error) => {
            findings.push(fault("store", error.to_string()));
            return findings;
        }
    };
    findings.push(sound(&store).await);
    findings.push(vault(config));
    findings.extend(access(config, &store).await);
    store.close().await;
    findings.push(chat_server(config).await);
    findings.push(provider(config).await);
    findings
}

/// The parts of a running service that are checked as they are.
#[derive(Clone, Copy)]
pub struct RunningParts<'a> {
    /// The system of record.
    pub store: &'a Store,
    /// The encoder.
    pub embedder: &'a Embedder,
    /// The reader model, if it is used.
    pub reader: Option<&'a Reader>,
    /// Parses files.
    pub file_reader: &'a FileReader,
    /// The Qdrant cluster, if it is used.
    pub cluster: Option<&'a QdrantCluster>,
}

/// Runs all checks of [`examine`] on the parts of a running service. Loads no model and opens no store.
pub async fn examine_running(config: &Config, parts: RunningParts<'_>) -> Vec<DoctorFinding> {
    let mut findings = vec![clock(Timestamp::now()), files(), memory()];
    findings.extend(space(config));
    findings.push(encoder_works(parts.embedder).await);
    findings.push(match parts.reader {
        Some(reader) => reader_works(reader, PATIENCE).await,
        None => no_reader(),
    });
    findings.push(files_are_read(parts.file_reader).await);
    if let Some(cluster) = parts.cluster.cloned() {
        let asked = blocking(move || {
            cluster.refresh()?;
            Ok(cluster)
        });
        findings.push(cluster_works(asked.await));
    }
    findings.push(indexes(config));
    findings.push(tls(config));
    findings.push(sound(parts.store).await);
    findings.push(vault(config));
    findings.extend(access(config, parts.store).await);
    findings.push(chat_server(config).await);
    findings.push(provider(config).await);
    findings
}

fn finding(about: &'static str, severity: Severity, detail: impl Into<String>) -> DoctorFinding {
    DoctorFinding {
        about,
        severity,
        detail: detail.into(),
    }
}

fn fine(about: &'static str, detail: impl Into<String>) -> DoctorFinding {
    finding(about, Severity::Fine, detail)
}

fn warning(about: &'static str, detail: impl Into<String>) -> DoctorFinding {
    finding(about, Severity::Warning, detail)
}

fn fault(about: &'static str, detail: impl Into<String>) -> DoctorFinding {
    finding(about, Severity::Fault, detail)
}

fn clock(now: Timestamp) -> DoctorFinding {
    // When this was written. The validity of documents depends on the clock.
    let written: Timestamp = "2026-11-01T00:00:00Z".parse().expect("it is a time");
    match now < written {
        true => fault(
            "clock",
            format!("the clock reads {now}, in the past; enable NTP"),
        ),
        false => fine("clock", now.strftime("%F %T UTC").to_string()),
    }
}

fn files() -> DoctorFinding {
    match getrlimit(Resource::Nofile).current {
        Some(most) if most < MIN_FILES => warning(
            "open files",
            format!("limit {most}; raise it to {MIN_FILES} or more (ulimit -n)"),
        ),
        most => fine(
            "open files",
            most.map_or("no limit".to_owned(), |most| format!("limit {most}")),
        ),
    }
}

fn memory() -> DoctorFinding {
    let about = "memory";
    let Ok(meminfo) = std::fs::read_to_string("/proc/meminfo") else {
        return fine(about, "unknown on this system");
    };
    let line = meminfo
        .lines()
        .find(|line| line.starts_with("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    match kilobytes.map(|n| n << 10) {
        None => fine(about, "unknown on this system"),
        Some(free) if free < MIN_MEMORY_BYTES => warning(
            about,
            format!(
                "only {} MB free; each file reader may use ingest.memory_bytes; free memory or lower it",
                free >> 20
            ),
        ),
        Some(free) => fine(about, format!("{} MB free", free >> 20)),
    }
}

/// Free disk space for the store and the indexes.
fn space(config: &Config) -> Vec<DoctorFinding> {
    let store = sqlite_path(&config.store.url);
    let store = store.as_deref().and_then(Path::parent);
    let folders = [
        ("disk space (store)", store),
        ("disk space (indexes)", Some(&*config.index.dir)),
    ];
    let folders = folders
        .into_iter()
        .filter_map(|(about, folder)| Some((about, folder?)));
    folders
        .map(|(about, folder)| {
            // A missing folder will be created in its nearest existing parent.
            let there = folder
                .ancestors()
                .find(|at| at.is_dir())
                .unwrap_or(Path::new("."));
            match rustix::fs::statvfs(there) {
                Err(error) => warning(about, format!("{}: {error}", there.display())),
                Ok(of) if of.f_bavail * of.f_frsize < MIN_FREE_BYTES => fault(
                    about,
                    format!(
                        "only {} MB free on the disk of {}; writes will fail; free disk space",
                        (of.f_bavail * of.f_frsize) >> 20,
                        folder.display()
                    ),
                ),
                Ok(of) => fine(
                    about,
                    format!("{} MB free", (of.f_bavail * of.f_frsize) >> 20),
                ),
            }
        })
        .collect()
}

/// Whether files can be parsed; this needs the program `ken-read` beside `ken`.
async fn file_reader(config: &Config) -> DoctorFinding {
    files_are_read(&FileReader::new(&config.ingest)).await
}

async fn files_are_read(reader: &FileReader) -> DoctorFinding {
    match reader.read("a.txt", b"A line.".to_vec()).await {
        Ok(_) => fine("file reader", "working"),
        Err(error) => fault(
            "file reader",
            format!("{error}; install ken-read next to ken"),
        ),
    }
}

/// Loads the reader model and runs it once.
async fn reader(config: &Config) -> DoctorFinding {
    const PATIENCE: Duration = Duration::from_secs(60);
    let (reading, encoder) = (config.reader.clone(), config.encoder.clone());
    match blocking(move || Reader::open(&reading, &encoder)).await {
        Ok(Some(reader)) => reader_works(&reader, PATIENCE).await,
        Ok(None) => no_reader(),
        Err(error) => fault("reader", error.to_string()),
    }
}

fn no_reader() -> DoctorFinding {
    fine("reader", "disabled; search scores alone decide")
}

async fn reader_works(reader: &Reader, patience: Duration) -> DoctorFinding {
    let (about, passage) = ("reader", ["x".to_owned()]);
    match reader.read("x", &passage, Instant::now() + patience).await {
        Ok(_) => fine(about, reader.version()),
        Err(error) => fault(about, error.to_string()),
    }
}

/// Encodes a question with the loaded encoder. A busy encoder is a warning.
async fn encoder_works(embedder: &Embedder) -> DoctorFinding {
    let about = "encoder";
    // No cache has the vector of this text.
    let text = Timestamp::now().to_string();
    match embedder.embed_question(&text).await {
        Ok(_) => fine(about, embedder.id()),
        Err(error) if embedder.is_overloaded() => warning(about, error.to_string()),
        Err(error) => fault(about, error.to_string()),
    }
}

/// Loads the encoder. Also returns its id and dimension, if it works.
async fn models(config: &Config) -> (DoctorFinding, Option<(String, usize)>) {
    let encoder = config.encoder.clone();
    match blocking(move || Embedder::open(&encoder)).await {
        Ok(embedder) => {
            let about = (embedder.id().to_owned(), embedder.dimension());
            (fine("encoder", embedder.id()), Some(about))
        }
        Err(error) => (fault("encoder", error.to_string()), None),
    }
}

/// The Qdrant cluster, if it is configured.
async fn cluster(config: &Config, encoder: Option<(String, usize)>) -> Option<DoctorFinding> {
    let (id, dimension) = encoder.filter(|_| config.vectors == VectorBackend::Qdrant)?;
    let qdrant = config.qdrant.clone();
    let asked = blocking(move || {
        let cluster = QdrantCluster::connect(&qdrant, &id, dimension)?;
        cluster.refresh()?;
        Ok::<_, IndexError>(cluster)
    });
    Some(cluster_works(asked.await))
}

fn cluster_works(asked: Result<QdrantCluster, IndexError>) -> DoctorFinding {
    let about = "vectors";
    match asked {
        Ok(cluster) => fine(
            about,
            format!("collection {} of the Qdrant cluster", cluster.collection()),
        ),
        Err(error) => fault(about, error.to_string()),
    }
}

fn indexes(config: &Config) -> DoctorFinding {
    let (about, folder) = ("index folder", &config.index.dir);
    if !folder.exists() {
        return fine(about, "created at first start");
    }
    let test = folder.join(".doctor");
    match std::fs::write(&test, b"").and_then(|()| std::fs::remove_file(&test)) {
        Ok(()) => fine(about, folder.display().to_string()),
        Err(error) => fault(
            about,
            format!(
                "cannot write to {}: {error}; make it writable for the user that runs Ken",
                folder.display()
            ),
        ),
    }
}

fn tls(config: &Config) -> DoctorFinding {
    let (about, http) = ("encryption", &config.http);
    let (Some(cert), Some(key)) = (&http.tls_cert, &http.tls_key) else {
        return match http.listen.ip().is_loopback() {
            true => fine(about, "none; listening on loopback only"),
            false => warning(
                about,
                format!(
                    "none on {}: set http.tls_cert and http.tls_key, or terminate TLS in a proxy",
                    http.listen
                ),
            ),
        };
    };
    for file in [cert, key] {
        if let Err(error) = std::fs::File::open(file) {
            return fault(about, format!("{}: {error}", file.display()));
        }
    }
    match is_open_to_others(key) {
        true => warning(
            about,
            format!(
                "the private key {} is readable by others: chmod 600",
                key.display()
            ),
        ),
        false => fine(about, cert.display().to_string()),
    }
}

fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).map(|of| of.permissions().mode());
    mode.is_ok_and(|mode| mode & 0o077 != 0)
}

async fn sound(store: &Store) -> DoctorFinding {
    match store.damage().await {
        Ok(None) => fine("store", "intact"),
        Ok(Some(detail)) => fault(
            "store",
            format!("damaged ({detail}): restore a backup with `ken restore`"),
        ),
        Err(error) => fault("store", error.to_string()),
    }
}

fn vault(config: &Config) -> DoctorFinding {
    let about = "vault";
    let Some(file) = sqlite_path(&config.store.vault_url) else {
        return fine(about, "no file");
    };
    match file.exists() && is_open_to_others(&file) {
        true => fault(
            about,
            format!(
                "{} holds personal data and is readable by others: chmod 600",
                file.display()
            ),
        ),
        false => fine(about, "readable by its owner only"),
    }
}

async fn access(config: &Config, store: &Store) -> Vec<DoctorFinding> {
    let about = "keys";
    let keys = match KeyRing::new(store.clone()).list().await {
        Ok(keys) => keys,
        Err(error) => return vec![fault(about, error.to_string())],
    };
    let now = store.now();
    let in_force: Vec<_> = keys
        .iter()
        .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now))
        .collect();
    let mut findings = Vec::new();
    let has_provider = !config.auth.issuer.is_empty();
    findings.push(match (keys.is_empty(), has_provider) {
        (true, false) if !config.http.listen.ip().is_loopback() => fault(
            about,
            format!(
                "no keys, so the service refuses to listen on {}: run `ken keys create --role operator`",
                config.http.listen
            ),
        ),
        (true, false) => warning(
            about,
            "no keys: every user of this machine has full access",
        ),
        (false, false) if in_force.is_empty() => fault(
            about,
            "all keys are revoked or expired: run `ken keys create --role operator`",
        ),
        _ => fine(about, format!("{} active", in_force.len())),
    });
    for key in in_force {
        if let Some(at) = key.expires_at
            && at.duration_since(now) < ENDS_SOON
        {
            findings.push(warning(
                about,
                format!(
                    "{} ({}) expires at {at}: create a replacement",
                    key.name, key.id
                ),
            ));
        }
    }
    findings
}

async fn chat_server(config: &Config) -> DoctorFinding {
    let (about, llm) = ("chat server", &config.llm);
    if llm.url.is_empty() {
        return fine(about, "not configured; answers are quoted");
    }
    if let Some(file) = &llm.key_file
        && let Err(error) = std::fs::File::open(file)
    {
        return fault(about, format!("llm.key_file {}: {error}", file.display()));
    }
    let client = match outbound::client(PATIENCE, PATIENCE) {
        Ok(client) => client,
        Err(error) => return fault(about, error),
    };
    // Any reply shows that it is reachable.
    match client.get(&llm.url).send().await {
        Ok(_) => fine(
            about,
            format!("{} reachable", without_credentials(&llm.url)),
        ),
        Err(error) => warning(
            about,
            format!(
                "{} unreachable ({}); answers are quoted until it is back",
                without_credentials(&llm.url),
                error.without_url()
            ),
        ),
    }
}

async fn provider(config: &Config) -> DoctorFinding {
    let about = "token provider";
    match Oidc::new(&config.auth) {
        Ok(None) => fine(about, "not configured; keys only"),
        Err(error) => fault(about, error.to_string()),
        Ok(Some(oidc)) => match oidc.fetch().await {
            Ok(keys) => fine(about, format!("{} keys", keys.keys.len())),
            Err(error) => fault(about, error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_in_past_is_reported_as_fault() {
        let at = |text: &str| clock(text.parse().unwrap()).severity;
        assert_eq!(at("1970-01-01T00:05:00Z"), Severity::Fault);
        assert_eq!(at("2030-01-01T00:00:00Z"), Severity::Fine);
    }
}
