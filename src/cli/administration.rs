//! The commands of access: `keys`, `audit`, `workspaces`.

use std::process::ExitCode;

use clap::Subcommand;
use ipnet::IpNet;
use jiff::SignedDuration;
use ken::app::App;
use ken::keys::KeyRing;
use ken_base::config::Config;
use ken_base::domain::{KeyRole, WorkspaceId};
use ken_store::store::Scope;

use super::operations::open_store;

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Create a key; it is printed only once
    Create {
        /// `bot`, `editor`, `agent`, `admin`, or `operator` (all workspaces)
        #[arg(long, value_parser = role)]
        role: KeyRole,
        /// Name of the key, shown in the audit log
        #[arg(long)]
        name: String,
        /// Days until the key expires; default: never
        #[arg(long)]
        days: Option<u32>,
        /// Allow use only from this network, for example 10.0.0.0/8; repeatable
        #[arg(long = "network")]
        networks: Vec<IpNet>,
    },
    /// List the keys of all workspaces
    List,
    /// Revoke a key permanently
    Revoke { id: String },
}

fn role(name: &str) -> Result<KeyRole, String> {
    let names: Vec<&str> = KeyRole::ALL.iter().map(|role| role.as_str()).collect();
    KeyRole::parse(name).ok_or_else(|| format!("expected one of {names:?}"))
}

/// `ken keys`: creates, lists and revokes keys.
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
                    "the first key must have the role operator: requests without a key are rejected once a key exists"
                );
            }
            let of = (role != KeyRole::Operator).then(|| workspace.clone());
            let ends =
                days.map(|days| store.now() + SignedDuration::from_hours(24 * i64::from(days)));
            let (_, token) = ring.create(of, role, &name, networks, ends).await?;
            println!("{token}");
        }
        KeyCommand::List => {
            for key in ring.list().await? {
                println!("{}", serde_json::to_string(&key)?);
            }
        }
        KeyCommand::Revoke { id } => {
            let keys = ring.list().await?;
            let known = keys.iter().find(|key| key.id == id);
            let is_done = match known {
                Some(key) => ring.revoke(key).await?,
                None => false,
            };
            if !is_done {
                anyhow::bail!("active key {id} not found");
            }
            println!("revoked {id}");
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `ken audit`: prints an audit log, oldest entry first, and verifies it.
pub async fn audit(
    config: Config,
    workspace: &WorkspaceId,
    of_service: bool,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config).await?;
    let scope = match of_service {
        true => Scope::Service,
        false => Scope::Workspace(workspace),
    };
    let mut last = 0;
    loop {
        let page = store.audit_after(scope, last, 1_000).await?;
        let Some(line) = page.last() else { break };
        last = line.number;
        for line in &page {
            println!("{}", serde_json::to_string(line)?);
        }
    }
    let faults = store.audit_faults(scope).await?;
    store.close().await;
    match faults.as_slice() {
        [] => Ok(ExitCode::SUCCESS),
        faults => anyhow::bail!("{}", faults.join("; ")),
    }
}

#[derive(Subcommand)]
pub enum WorkspaceCommand {
    /// List workspaces with their newest revision
    List,
    /// Delete a workspace and all its data; stop the service first
    Delete {
        #[arg(value_parser = WorkspaceId::parse)]
        name: WorkspaceId,
        /// Confirm the deletion; it cannot be undone
        #[arg(long, required = true)]
        yes: bool,
    },
}

/// `ken workspaces`: lists and deletes workspaces.
pub async fn workspaces(config: Config, command: WorkspaceCommand) -> anyhow::Result<ExitCode> {
    match command {
        WorkspaceCommand::List => {
            let store = open_store(&config).await?;
            for (name, revision) in store.workspaces().await? {
                println!("{name}: revision {revision}");
            }
            store.close().await;
        }
        WorkspaceCommand::Delete { name, .. } => {
            let app = App::build_serving(config).await?.0;
            let deleted = app.delete_workspace(&name).await;
            app.close().await;
            match deleted? {
                Some(deleted) => println!("{}", serde_json::to_string(&deleted)?),
                None => anyhow::bail!("workspace {name} not found"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
