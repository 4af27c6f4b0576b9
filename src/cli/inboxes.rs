//! `ken inbox`: connects inboxes of channels, lists, tests and disconnects them.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use ken::inbox_setup::{self, ConnectedInbox, InboxChange};
use ken_base::blocking::blocking;
use ken_base::config::Config;
use ken_base::desk::{ChannelKind, Inbox, InboxId, InboxSettings, SendMode};
use ken_base::domain::WorkspaceId;
use ken_base::outbound::Destinations;
use ken_channels::channel_of;
use ken_conversations::access::AccessTokens;
use ken_conversations::secrets::{KeyFileInUse, Vault};
use ken_store::store::Store;

use super::operations::open_store;

/// The exit code of a test that found a fault.
const FAULTS: u8 = 2;

#[derive(Subcommand)]
pub enum InboxCommand {
    /// Connect an inbox, or change it; also while the service runs
    Add(AddArgs),
    /// List the inboxes as JSON Lines, without the values of their secrets
    List,
    /// Print an inbox, what its channel still needs, and the address of its webhook
    Show {
        #[arg(value_parser = InboxId::parse)]
        id: InboxId,
    },
    /// Test the secrets of an inbox with its platform; exit code 2 if something is wrong
    Test {
        #[arg(value_parser = InboxId::parse)]
        id: InboxId,
    },
    /// Disconnect an inbox and delete its secrets; its conversations stay
    Remove {
        #[arg(value_parser = InboxId::parse)]
        id: InboxId,
    },
}

#[derive(Args)]
pub struct AddArgs {
    /// `generic`, `web`, `phone`, `line`, `whatsapp`, `messenger`, `telegram`, `slack`, `wechat` or `email`
    #[arg(value_parser = channel)]
    channel: ChannelKind,
    /// Id of the inbox: 1 to 64 of a-z, 0-9, '-' and '_'
    id: String,
    /// Name for people, which customers from other channels read; default: the id
    #[arg(long)]
    name: Option<String>,
    /// Set this secret: asked on a terminal, else the next line of standard input; repeatable
    #[arg(long = "secret", value_name = "NAME")]
    secrets: Vec<String>,
    /// Set a secret to the value of an environment variable; repeatable
    #[arg(long = "secret-env", value_name = "NAME=VARIABLE", value_parser = pair)]
    secret_envs: Vec<(String, String)>,
    /// Set a secret to the content of a file; repeatable
    #[arg(long = "secret-file", value_name = "NAME=FILE", value_parser = pair)]
    secret_files: Vec<(String, String)>,
    /// Set a setting, for example mode=live, burst_ms=0 or audience=["vip"]; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
}

fn channel(name: &str) -> Result<ChannelKind, String> {
    let value = serde_json::Value::String(name.to_owned());
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// `ken inbox`.
pub async fn inbox(
    config: Config,
    workspace: &WorkspaceId,
    command: InboxCommand,
) -> anyhow::Result<ExitCode> {
    let store = open_store(&config).await?;
    let code = match command {
        InboxCommand::Add(args) => add(&config, &store, workspace, args).await?,
        InboxCommand::List => {
            for (inbox, _) in store.inboxes(workspace).await? {
                println!("{}", serde_json::to_string(&inbox)?);
            }
            ExitCode::SUCCESS
        }
        InboxCommand::Show { id } => {
            let (inbox, _) = found(&store, workspace, &id).await?;
            println!("{}", serde_json::to_string_pretty(&inbox)?);
            print_needs(&config, workspace, &inbox);
            ExitCode::SUCCESS
        }
        InboxCommand::Test { id } => test(&config, &store, workspace, &id).await?,
        InboxCommand::Remove { id } => {
            if !store.delete_inbox(workspace, &id).await? {
                anyhow::bail!("inbox {id} not found");
            }
            println!("disconnected {id}; its secrets are deleted, its conversations stay");
            ExitCode::SUCCESS
        }
    };
    store.close().await;
    Ok(code)
}

async fn found(
    store: &Store,
    workspace: &WorkspaceId,
    id: &InboxId,
) -> anyhow::Result<(Inbox, ken_store::store::desk::SealedSecrets)> {
    let found = store.inbox(workspace, id).await?;
    found.with_context(|| format!("inbox {id} not found"))
}

async fn add(
    config: &Config,
    store: &Store,
    workspace: &WorkspaceId,
    args: AddArgs,
) -> anyhow::Result<ExitCode> {
    let before = match InboxId::parse(&args.id) {
        Ok(id) => store.inbox(workspace, &id).await?,
        Err(_) => None,
    };
    let before = before.map(|(inbox, _)| inbox);
    let settings = before.as_ref().map(|inbox| inbox.settings.clone());
    let settings = inbox_setup::settings_with(&settings.unwrap_or_default(), &args.settings)
        .map_err(|fault| anyhow::anyhow!("{}: {}", fault.pointer, fault.detail))?;
    let name = args.name.clone();
    let name = name.or_else(|| before.as_ref().map(|inbox| inbox.name.clone()));
    let change = |settings: InboxSettings, secrets| InboxChange {
        channel: args.channel,
        name: name.clone().unwrap_or_else(|| args.id.clone()),
        settings,
        secrets,
    };
    // Before anything is asked.
    inbox_setup::check(
        store,
        workspace,
        &args.id,
        change(settings.clone(), BTreeMap::new()),
    )
    .await?;
    let mut given = secrets_of(&args)?;
    let mut asked = args.secrets.clone();
    let is_terminal = std::io::stdin().is_terminal();
    if is_terminal {
        let has = before.map(|inbox| inbox.secrets).unwrap_or_default();
        let has: Vec<String> = [has, asked.clone(), given.keys().cloned().collect()].concat();
        let missing = inbox_setup::missing_credentials(args.channel, &has).into_iter();
        asked.extend(missing.map(|credential| credential.name.to_owned()));
    }
    let channel = args.channel;
    let asked = blocking(move || match is_terminal {
        true => ask(channel, asked),
        false => read(asked),
    });
    given.extend(asked.await?);
    let checked = inbox_setup::check(store, workspace, &args.id, change(settings, given)).await?;
    let path = &config.desk.key_file;
    // So that the key is not replaced meanwhile.
    let _held = KeyFileInUse::by_service(path)?;
    let vault = Vault::open_or_create(path)?;
    let connected = checked.put(store, &vault, workspace).await?;
    print_connected(config, workspace, &connected);
    Ok(ExitCode::SUCCESS)
}

type Secrets = BTreeMap<String, Option<String>>;

/// The secrets from files and the environment.
fn secrets_of(args: &AddArgs) -> anyhow::Result<Secrets> {
    let mut secrets = Secrets::new();
    for (name, file) in &args.secret_files {
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("cannot read the secret {name} from {file}"))?;
        secrets.insert(name.clone(), Some(text.trim().to_owned()));
    }
    for (name, variable) in &args.secret_envs {
        let text = std::env::var(variable);
        let text = text.with_context(|| {
            format!("cannot read the secret {name} from the environment variable {variable}")
        })?;
        secrets.insert(name.clone(), Some(text.trim().to_owned()));
    }
    Ok(secrets)
}

/// Asks for secrets on the terminal, which does not show them. An empty one is left out.
fn ask(channel: ChannelKind, names: Vec<String>) -> anyhow::Result<Secrets> {
    let terminal = console::Term::stderr();
    let credentials = channel_of(channel).map_or(&[][..], |channel| channel.credentials());
    let mut secrets = Secrets::new();
    for name in names {
        let of = credentials.iter().find(|of| of.name == name);
        let place = of.map_or(String::new(), |of| format!(" ({})", of.found_at));
        terminal.write_line(&format!("{name}{place}; Enter leaves it out:"))?;
        let secret = terminal.read_secure_line()?.trim().to_owned();
        if !secret.is_empty() {
            secrets.insert(name, Some(secret));
        }
    }
    Ok(secrets)
}

/// Reads secrets from standard input, a line each.
fn read(names: Vec<String>) -> anyhow::Result<Secrets> {
    let mut lines = std::io::stdin().lock().lines();
    let mut secrets = Secrets::new();
    for name in names {
        let line = lines.next().transpose()?;
        let line = line.with_context(|| format!("expected the secret {name} on standard input"))?;
        secrets.insert(name, Some(line.trim().to_owned()));
    }
    Ok(secrets)
}

fn print_connected(config: &Config, workspace: &WorkspaceId, connected: &ConnectedInbox) {
    let inbox = &connected.inbox;
    let (id, channel) = (&inbox.id, inbox.channel.as_str());
    let done = match connected.is_new {
        true => "connected",
        false => "changed",
    };
    println!("{done} {id} ({channel})");
    if inbox.settings.mode == SendMode::Shadow {
        println!(
            "answers are kept and not sent; to send them: ken inbox add {channel} {id} --set mode=live"
        );
    }
    if let Some(secret) = &connected.webhook_secret {
        println!("webhook_secret, which signs callbacks, shown this once: {secret}");
    }
    print_needs(config, workspace, inbox);
}

/// Prints what the channel of an inbox needs, and the address to enter at the platform.
fn print_needs(config: &Config, workspace: &WorkspaceId, inbox: &Inbox) {
    let Some(channel) = channel_of(inbox.channel) else {
        return;
    };
    for credential in channel.credentials() {
        let (name, place) = (credential.name, credential.found_at);
        match inbox.secrets.iter().any(|known| known == name) {
            true => println!("{name}: set"),
            false => println!("{name}: missing; it is at: {place}"),
        }
    }
    let path = inbox_setup::webhook_path(workspace, &inbox.id);
    match config.http.public_url.as_str() {
        "" => println!(
            "webhook to enter at the platform: https://YOUR-HOST{path} (http.public_url is not set)"
        ),
        url => println!("webhook to enter at the platform: {url}{path}"),
    }
}

async fn test(
    config: &Config,
    store: &Store,
    workspace: &WorkspaceId,
    id: &InboxId,
) -> anyhow::Result<ExitCode> {
    let (inbox, sealed) = found(store, workspace, id).await?;
    let vault = Vault::open_file(&config.desk.key_file)?;
    let tested = match (inbox.channel, channel_of(inbox.channel)) {
        (ChannelKind::Email, _) => inbox_setup::test_mailbox(&vault, &inbox, &sealed).await?,
        (_, Some(channel)) => {
            let access = AccessTokens::default();
            // Who runs it on this machine may see what any server says.
            let everywhere = ["0.0.0.0/0", "::/0"].map(|network| network.parse());
            let everywhere = everywhere.into_iter().collect::<Result<Vec<_>, _>>()?;
            let destinations = Destinations::new(&everywhere);
            inbox_setup::test(
                &vault,
                (&access, &destinations),
                channel,
                (workspace, &inbox),
                &sealed,
            )
            .await?
        }
        (channel, None) => {
            let channel = channel.as_str();
            anyhow::bail!("an inbox of the channel {channel} has no platform to test")
        }
    };
    for fault in &tested.faults {
        println!("FAULT {fault}");
    }
    if let Some(account) = &tested.account {
        println!("ok    the platform accepts the credentials: {account}");
    }
    match store.newest_inbound(workspace, id).await? {
        Some(at) => println!("ok    the newest message was written at {at}"),
        None => println!(
            "WARN  no message has arrived yet; enter the webhook's address at the platform, and send a message"
        ),
    }
    let header = match workspace.as_str() {
        "default" => String::new(),
        name => format!(" -H 'X-Ken-Workspace: {name}'"),
    };
    let scheme = if config.http.tls_cert.is_some() {
        "https"
    } else {
        "http"
    };
    println!(
        "The platform's last request, and why it was refused, is in the memory of the running service for an hour:"
    );
    println!(
        "curl -X POST -H \"Authorization: Bearer $KEY\"{header} {scheme}://{}/v1/inboxes/{id}:test",
        config.http.listen
    );
    Ok(match tested.faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAULTS),
    })
}
