use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use ipnet::IpNet;
use jiff::SignedDuration;
use ken::app::App;
use ken::config::Config;
use ken::domain::{KeyRole, WorkspaceId};
use ken::editing::portable;
use ken::keys::KeyRing;
use ken::store::{Store, Vault};
use ken::{check, http, index};
use tokio::net::TcpListener;

use super::wait_until_indexed;

pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let listen = config.http.listen;
    let has_keys = {
        let store = open_store(&config).await?;
        let keys = KeyRing::new(store.clone()).list().await?;
        store.close().await;
        !keys.is_empty()
    };
    if !has_keys && !listen.ip().is_loopback() {
        anyhow::bail!(
            "{listen} is not a loopback address, and there are no keys: make one with `ken keys create --role operator`, or listen on 127.0.0.1"
        );
    }
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; is the port in use? Choose another with --listen 127.0.0.1:PORT")
    })?;
    let address = listener.local_addr()?;
    let app = Arc::new(App::build(config).await?);
    if !app.indexes.is_writer() {
        tracing::warn!("another process writes the indexes; this one only reads them");
    }
    let access = match has_keys {
        true => "with keys",
        false => "loopback only: there are no keys",
    };
    println!("ken: serving on http://{address} ({access})");
    println!("ken: page http://{address}/ · API http://{address}/docs");
    http::serve(app.clone(), listener, stop_signal()).await?;
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C or SIGTERM.
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
    tracing::info!("stopping; requests that were accepted are finished");
}

pub async fn status(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::build(config).await?;
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

pub async fn rebuild(config: Config) -> anyhow::Result<ExitCode> {
    index::clear(&config.index.dir)?;
    let app = App::build(config).await?;
    for (workspace, revision) in app.store.workspaces().await? {
        wait_until_indexed(&app, &workspace, revision).await?;
        println!("{workspace}: revision {revision}");
    }
    app.close().await;
    Ok(ExitCode::SUCCESS)
}

pub async fn run_check(config: Config) -> anyhow::Result<ExitCode> {
    let app = App::build(config).await?;
    let mut sound = true;
    for (workspace, revision) in app.store.workspaces().await? {
        if app.indexes.is_writer() {
            wait_until_indexed(&app, &workspace, revision).await?;
        }
        let found = check::check(&app, &workspace).await?;
        println!(
            "{workspace}: {} chunks, {} faults",
            found.n_chunks,
            found.faults.len()
        );
        found.faults.iter().for_each(|fault| println!("  {fault}"));
        sound &= found.faults.is_empty();
    }
    app.close().await;
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The store alone: no encoder is loaded for what only reads and writes it.
async fn open_store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&config.store.url).await?)
}

pub async fn export(
    config: Config,
    workspace: &WorkspaceId,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config).await?;
    let n_documents = portable::export(&store, workspace, file).await?;
    store.close().await;
    println!(
        "{n_documents} documents with all their versions: {}",
        file.display()
    );
    Ok(ExitCode::SUCCESS)
}

pub async fn import(
    config: Config,
    workspace: &WorkspaceId,
    file: &Path,
) -> anyhow::Result<ExitCode> {
    let app = App::build(config).await?;
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

pub async fn backup(config: Config, file: &Path, vault: Option<&Path>) -> anyhow::Result<ExitCode> {
    for file in std::iter::once(file).chain(vault) {
        if file.exists() {
            anyhow::bail!("{} exists; name a new file", file.display());
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

pub async fn restore(config: Config, file: &Path) -> anyhow::Result<ExitCode> {
    let kept = portable::restore(&config, file).await?;
    println!(
        "restored {}; what was there is {}",
        file.display(),
        kept.display()
    );
    println!("the indexes are made anew at the next start, without encoding");
    Ok(ExitCode::SUCCESS)
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key; it is shown this once
    Create {
        /// `bot`, `editor`, `agent`, `admin`, or `operator` for every workspace
        #[arg(long, value_parser = role)]
        role: KeyRole,
        /// What it is for
        #[arg(long)]
        name: String,
        /// Ends so many days from now; never where absent
        #[arg(long)]
        days: Option<u32>,
        /// A network from which alone it may be used, as 10.0.0.0/8; may be given several times
        #[arg(long = "network")]
        networks: Vec<IpNet>,
    },
    /// Every key of every workspace
    List,
    /// End a key, for good
    Revoke { id: String },
}

fn role(name: &str) -> Result<KeyRole, String> {
    let names: Vec<&str> = KeyRole::ALL.iter().map(|role| role.as_str()).collect();
    KeyRole::parse(name).ok_or_else(|| format!("expected one of {names:?}"))
}

pub async fn keys(
    config: Config,
    workspace: &WorkspaceId,
    command: KeyCommand,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config).await?;
    let ring = KeyRing::new(store.clone());
    match command {
        KeyCommand::Create {
            role,
            name,
            days,
            networks,
        } => {
            if role != KeyRole::Operator && ring.list().await?.is_empty() {
                anyhow::bail!(
                    "the first key has to be an operator's: the API is closed to whoever has none from then on"
                );
            }
            let of = (role != KeyRole::Operator).then(|| workspace.clone());
            let ends =
                days.map(|days| store.now() + SignedDuration::from_hours(24 * i64::from(days)));
            let (key, token) = ring.create(of, role, &name, networks, ends).await?;
            let detail = serde_json::json!({ "role": role, "name": name });
            store
                .audit(workspace, "command line", "key.create", &key.id, &detail)
                .await?;
            println!("{token}");
        }
        KeyCommand::List => {
            for key in ring.list().await? {
                println!("{}", serde_json::to_string(&key)?);
            }
        }
        KeyCommand::Revoke { id } => {
            if !ring.revoke(&id).await? {
                anyhow::bail!("there is no key {id} in force");
            }
            let detail = serde_json::json!({});
            store
                .audit(workspace, "command line", "key.revoke", &id, &detail)
                .await?;
            println!("{id} is ended");
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}
