//! The commands of operation: `serve`, `doctor`, `status`, `rebuild`, `rotate-desk-key`, `check`, `export`, `import`, `backup`, `restore`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ken::app::App;
use ken::doctor::{self, Severity};
use ken::http::CurrentApp;
use ken::keys::KeyRing;
use ken::reencode::Reencoding;
use ken::{check, http};
use ken_base::config::{Config, VectorBackend};
use ken_base::domain::WorkspaceId;
use ken_conversations::secrets::{KeyFileInUse, Vault as DeskKeys};
use ken_knowledge::editing::portable;
use ken_search::index;
use ken_store::store::desk::SealedSecrets;
use ken_store::store::{Store, Vault};
use tokio::net::TcpListener;

use super::wait_until_indexed;

/// `ken serve`: serves until it is stopped.
pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let listen = config.http.listen;
    let store = open_store(&config).await?;
    let keys = KeyRing::new(store.clone()).list().await?;
    let has_keys = !keys.is_empty() || !config.auth.issuer.is_empty();
    if !has_keys && !listen.ip().is_loopback() {
        anyhow::bail!(
            "{listen} is not a loopback address, but there are no keys: create one with `ken keys create --role operator`, or listen on 127.0.0.1"
        );
    }
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; if the port is in use, choose another with --listen 127.0.0.1:PORT")
    })?;
    let address = listener.local_addr()?;
    let scheme = match config.http.tls_cert {
        Some(_) => "https",
        None => "http",
    };
    let (app, spec) = App::build_serving_on(config.clone(), store).await?;
    let app = Arc::new(app);
    app.desk.start_if_used().await?;
    if !app.indexes.is_writer() {
        tracing::warn!("another process writes the indexes; opening them read-only");
    }
    let access = match has_keys {
        true => "authentication by key",
        false => "no keys: loopback only, no authentication",
    };
    println!("ken: serving on {scheme}://{address} ({access})");
    println!("ken: web page {scheme}://{address}/ · API docs {scheme}://{address}/docs");
    let poll = Duration::from_millis(config.index.poll_ms);
    let current = Arc::new(CurrentApp::new(app));
    let reencoding = tokio::spawn(Reencoding::new(config, current.clone(), spec).run(poll));
    http::serve_current(current.clone(), listener, stop_signal()).await?;
    reencoding.abort();
    current.app().close().await;
    Ok(ExitCode::SUCCESS)
}

/// Resolves on Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate => {}
    }
    tracing::info!("shutting down; finishing accepted requests");
}

/// `ken doctor`: prints all findings. Returns a failure code if any check finds a fault.
pub async fn doctor(config: Config) -> anyhow::Result<ExitCode> {
    let findings = doctor::examine(&config).await;
    for found in &findings {
        let mark = match found.severity {
            Severity::Fine => "ok   ",
            Severity::Warning => "WARN ",
            Severity::Fault => "FAULT",
        };
        println!("{mark} {}: {}", found.about, found.detail);
    }
    match findings
        .iter()
        .any(|found| found.severity == Severity::Fault)
    {
        true => Ok(ExitCode::FAILURE),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// `ken status`: prints counts and revisions of all workspaces.
pub async fn status(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::build_serving(config).await?.0;
    println!(
        "encoder {} ({} dimensions)",
        app.embedder.id(),
        app.embedder.dimension()
    );
    for (workspace, _) in app.store.workspaces().await? {
        println!(
            "{}",
            serde_json::to_string(&check::status(&app, &workspace).await?)?
        );
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `ken rebuild`: deletes the indexes and builds them again from the store.
pub async fn rebuild(config: Config) -> anyhow::Result<ExitCode> {
    index::clear(&config.index.dir)?;
    if config.vectors == VectorBackend::Qdrant {
        let app = App::build_serving(config.clone()).await?.0;
        if let Some(cluster) = app.indexes.cluster().cloned() {
            // The leader fills it again from the store, without encoding.
            tokio::task::spawn_blocking(move || cluster.drop_collection()).await??;
        }
        app.close().await;
    }
    let app = App::build_serving(config).await?.0;
    for (workspace, revision) in app.store.workspaces().await? {
        wait_until_indexed(&app, &workspace, revision).await?;
        println!("{workspace}: revision {revision}");
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `ken rebuild --desk`: makes the tables of identities, conversations and deliveries again from the desk's log.
pub async fn rebuild_desk(config: Config) -> anyhow::Result<ExitCode> {
    let store = Store::open(&config.store.url).await?;
    for (workspace, _) in store.workspaces().await? {
        let n_events = store.rebuild_desk(&workspace).await?;
        println!("{workspace}: {n_events} events");
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `ken rotate-desk-key`: seals the secrets of all inboxes and webhooks with a new key. Each step leaves a key file that opens them.
pub async fn rotate_desk_key(config: Config) -> anyhow::Result<ExitCode> {
    let path = &config.desk.key_file;
    let _held = KeyFileInUse::by_rotation(path)?;
    let store = Store::open(&config.store.url).await?;
    let vault = DeskKeys::add_key(path)?;
    let mut sealed = Vec::new();
    for workspace in store.desk_workspaces().await? {
        for (inbox, secrets) in store.inboxes(&workspace).await? {
            let mut resealed = SealedSecrets::new();
            for name in secrets.keys() {
                if let Some(secret) = vault.open(&secrets, name)? {
                    resealed.insert(name.clone(), vault.seal(name, &secret)?);
                }
            }
            sealed.push((workspace.clone(), inbox.id, resealed));
        }
    }
    let mut endpoints = Vec::new();
    for (workspace, stored) in store.webhook_endpoints().await? {
        let mut resealed = SealedSecrets::new();
        for name in stored.secrets.keys() {
            if let Some(secret) = vault.open(&stored.secrets, name)? {
                resealed.insert(name.clone(), vault.seal(name, &secret)?);
            }
        }
        endpoints.push((workspace, stored.endpoint.id, resealed));
    }
    store.reseal_inboxes(&sealed).await?;
    store.reseal_webhook_endpoints(&endpoints).await?;
    store.close().await;
    DeskKeys::drop_old_keys(path)?;
    println!(
        "{} inboxes and {} webhooks are sealed with a new key: {}",
        sealed.len(),
        endpoints.len(),
        path.display()
    );
    println!("start the service again; sessions of web chats have ended");
    Ok(ExitCode::SUCCESS)
}

/// `ken check`: prints the inconsistencies of all workspaces.
pub async fn run_check(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::build_serving(config).await?.0;
    let mut sound = true;
    for (workspace, mut revision) in app.store.workspaces().await? {
        let found = loop {
            if app.indexes.is_writer() {
                wait_until_indexed(&app, &workspace, revision).await?;
            }
            let found = check::check(&app, &workspace).await?;
            // A running job or another service may have written meanwhile; then check again.
            let newest = app.store.revision(&workspace).await?;
            if newest == revision {
                break found;
            }
            revision = newest;
        };
        println!(
            "{workspace}: {} chunks, {} faults",
            found.n_chunks,
            found.faults.len()
        );
        found.faults.iter().for_each(|fault| println!("  {fault}"));
        sound &= found.faults.is_empty();
    }
    for fault in check::check_service(&app).await? {
        println!("service: {fault}");
        sound = false;
    }
    app.close().await;
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Opens the store without loading an encoder.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&config.store.url).await?)
}

/// `ken export`: exports a workspace's knowledge as JSON Lines.
pub async fn export(
    config: Config,
    workspace: &WorkspaceId,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config).await?;
    let n_documents = portable::export(&store, workspace, file).await?;
    store.close().await;
    println!(
        "exported {n_documents} documents with all versions to {}",
        file.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// `ken import`: imports a file written by `ken export`.
pub async fn import(
    config: Config,
    workspace: &WorkspaceId,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let app = App::build_serving(config).await?.0;
    let imported = portable::import(&app.store, workspace, file).await?;
    let revision = app.store.revision(workspace).await?;
    wait_until_indexed(&app, workspace, revision).await?;
    app.close().await;
    println!(
        "added {} · changed {} · unchanged {}",
        imported.n_added, imported.n_changed, imported.n_unchanged
    );
    Ok(ExitCode::SUCCESS)
}

/// `ken backup`: backs up the store, and the vault if a file is given for it.
pub async fn backup(config: Config, file: &Path, vault: Option<&Path>) -> anyhow::Result<ExitCode> {
    for file in std::iter::once(file).chain(vault) {
        if file.exists() {
            anyhow::bail!("{} already exists; choose a new file", file.display());
        }
    }
    let store = open_store(&config).await?;
    store.backup(file).await?;
    store.close().await;
    if let Some(file) = vault {
        let vault = Vault::open(&config.store.vault_url).await?;
        vault.backup(file).await?;
        vault.close().await;
    }
    for file in std::iter::once(file).chain(vault) {
        let n_bytes = std::fs::metadata(file)?.len();
        println!("{} ({n_bytes} bytes)", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// `ken restore`: replaces the store with a backup.
pub async fn restore(config: Config, file: &Path) -> anyhow::Result<ExitCode> {
    let previous = portable::restore(&config, file).await?;
    println!(
        "restored {}; the previous store is {}",
        file.display(),
        previous.display()
    );
    println!("the next start rebuilds the indexes, without encoding");
    Ok(ExitCode::SUCCESS)
}
