//! The command line. It holds no logic: each command calls its parts and prints their results.

mod cli;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ken::{setup, telemetry};
use ken_base::actor::as_actor;
use ken_base::config::Config;
use ken_base::domain::{DocumentId, Query, WorkspaceId};
use ken_knowledge::editing::files;
use ken_knowledge::editing::gate::Breaking;

use cli::{
    ModeArg, administration, encoders, evaluation, inboxes, knowledge, learning, operations,
    queries,
};

/// Used by the whole process, including ONNX Runtime and usearch. The C library's allocator keeps what each of its
/// arenas (eight per core) once needed: 740 MB under load on two cores, against 430 MB with jemalloc
/// (docs/measured/speed.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Returns freed memory to the system after one second instead of ten: loading the encoders leaves some 270 MB behind.
// SAFETY: jemalloc reads a pointer to a text that ends with a zero byte under this name, which nothing else has.
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8; 37] = b"dirty_decay_ms:1000,muzzy_decay_ms:0\0";

#[derive(Parser)]
#[command(
    name = "ken",
    version,
    about = "A customer-service knowledge base that answers with citations, or refuses."
)]
struct Cli {
    /// Settings file; default `ken.toml`, if it exists
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Download and prepare the runtime library and the models
    Setup {
        /// Python (3.10 or later) used to create the private environment
        #[arg(long, default_value = "python3")]
        python: String,
    },
    /// Serve the HTTP API and a web page at /
    Serve {
        /// Address and port; overrides `http.listen`
        #[arg(long)]
        listen: Option<SocketAddr>,
    },
    /// Ingest files or folders
    Ingest {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Archive documents whose source file is gone
        #[arg(long)]
        prune: bool,
        /// Write even if judged questions break
        #[arg(long)]
        force: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Parse a file and print its chunks, without storing it
    Chunks {
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Ingest folders, then every change in them, until stopped
    Watch {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Write even if judged questions break
        #[arg(long)]
        force: bool,
    },
    /// Import and export FAQs (CSV, TSV, XLSX, JSON, JSON Lines)
    #[command(subcommand)]
    Faqs(knowledge::FaqCommand),
    /// Report duplicates, contradictions and expired content
    Lint {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long)]
        json: bool,
    },
    /// Preview which answers the files would change, break or fix
    Impact {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Number of recent logged questions to ask besides the judged ones
        #[arg(long, default_value_t = ken_knowledge::editing::impact::LOGGED)]
        logged: i64,
        #[arg(long)]
        json: bool,
    },
    /// Export all knowledge of a workspace, with all versions, as JSON Lines
    Export {
        file: PathBuf,
        #[command(flatten)]
        workspace: WorkspaceArg,
    },
    /// Import a file written by `export`
    Import {
        file: PathBuf,
        #[command(flatten)]
        workspace: WorkspaceArg,
    },
    /// Back up the store into a file, also while the service runs
    Backup {
        file: PathBuf,
        /// Also back up the vault (redacted personal data) into this file; restore it by copying it to `store.vault_url`
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
    },
    /// Replace the store with a backup; stop the service first
    Restore { file: PathBuf },
    /// Search and print ranked passages
    Search {
        question: String,
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long, default_value_t = 10)]
        limit: usize,
        #[arg(long, value_enum, default_value = "hybrid")]
        mode: ModeArg,
        /// Print rank and score per leg, and the query terms
        #[arg(long)]
        explain: bool,
        /// Explain why this document was or was not found
        #[arg(long, value_name = "ID", value_parser = DocumentId::parse)]
        explain_document: Option<DocumentId>,
        #[arg(long)]
        json: bool,
    },
    /// Answer a question with citations
    Ask {
        question: String,
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long)]
        json: bool,
    },
    /// Evaluate on judged sets (folders in BEIR layout, or a folder of such)
    Eval(evaluation::EvalArgs),
    /// Tune the weights of keyword and vector search on judged sets
    Tune {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
        /// Cache vectors in this folder to speed up the next run
        #[arg(long)]
        cache: Option<PathBuf>,
    },
    /// Calibrate the answerability model on judged sets with answerable and unanswerable questions
    Calibrate {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// Write the model to this file, for `answer.model`; default: print it
        #[arg(long)]
        out: Option<PathBuf>,
        /// Keep the current model of search scores; fit only the weight of the reader's logit
        #[arg(long)]
        reading_only: bool,
        /// Cache vectors in this folder to speed up the next run
        #[arg(long)]
        cache: Option<PathBuf>,
    },
    /// Ask logged questions again and print changed answers
    Replay {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Only questions of this conversation
        #[arg(long)]
        conversation: Option<String>,
        /// Number of most recent questions
        #[arg(long, default_value_t = 200)]
        limit: i64,
        #[arg(long)]
        json: bool,
    },
    /// Submit resolved cases (JSON Lines) and distill them into drafts
    Cases {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
    },
    /// Review drafts distilled from cases and feedback
    Drafts {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: learning::DraftCommand,
    },
    /// List unanswered questions, clustered by meaning
    Gaps {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Period in days
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=366))]
        days: i64,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Learn settings from feedback and judged questions
    Learn {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: learning::LearnCommand,
    },
    /// Create, list and revoke API keys
    Keys {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: administration::KeyCommand,
    },
    /// Connect, list, test and disconnect inboxes of channels
    Inbox {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: inboxes::InboxCommand,
    },
    /// Print the audit log as JSON Lines, oldest first; fail if an entry is missing or altered
    Audit {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Print the log of the service instead: operator keys, deleted workspaces
        #[arg(long, conflicts_with = "workspace")]
        service: bool,
    },
    /// List and delete workspaces
    #[command(subcommand)]
    Workspaces(administration::WorkspaceCommand),
    /// Load-test the service (open loop) on a synthetic corpus; print rates, latencies, startup time and memory
    Bench {
        /// Number of chunks; above 10,000 their vectors are random
        #[arg(long, default_value_t = 10_000)]
        chunks: usize,
        /// Folder for the corpus, reused by later runs
        #[arg(long, default_value = ".cache/bench")]
        data: PathBuf,
        /// Questions per second; default: 60 % of the maximum
        #[arg(long)]
        rate: Option<f64>,
        /// Seconds per phase
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
        seconds: u64,
        #[arg(long)]
        json: bool,
    },
    /// Check for common misconfigurations
    Doctor,
    /// Print what is stored and indexed
    Status,
    /// Rebuild the indexes from the store
    Rebuild {
        /// Rebuild instead what the desk derives from its log
        #[arg(long)]
        desk: bool,
    },
    /// Seal the secrets of inboxes with a new key, while the service is stopped
    RotateDeskKey,
    /// Switch to another encoder without downtime, or back
    Reencode {
        #[command(flatten)]
        what: encoders::ReencodeArgs,
        /// Switch even if judged questions regress
        #[arg(long, requires = "to")]
        anyway: bool,
    },
    /// Verify that store, keyword index and vectors are consistent
    Check,
}

#[derive(Args)]
struct WorkspaceArg {
    #[arg(long, short, default_value = "default", value_parser = WorkspaceId::parse)]
    workspace: WorkspaceId,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("ken: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Exits without an error when the reader closes the pipe, as `head` does.
fn exit_on_closed_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

fn run() -> anyhow::Result<ExitCode> {
    exit_on_closed_pipe();
    let cli = Cli::parse();
    let mut config = Config::load(cli.config.as_deref())?;
    if let Command::Serve {
        listen: Some(listen),
    } = &cli.command
    {
        config.http.listen = *listen;
        config = config.checked()?;
    }
    let quiet = !matches!(cli.command, Command::Serve { .. });
    let _exporting = telemetry::start(
        &config.log,
        if quiet {
            "warn"
        } else {
            "info,tantivy=warn,ort=warn"
        },
    );
    if let Command::Setup { python } = &cli.command {
        let prepared = setup::run(&config.models.dir, python, |line| {
            println!("ken setup: {line}")
        })?;
        let state = if prepared { "ready" } else { "nothing to do" };
        println!("ken setup: {state} ({})", config.models.dir.display());
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(as_actor("command line", command(cli.command, config)))
}

async fn command(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Setup { .. } => {
            unreachable!("handled before the runtime starts")
        }
        Command::Serve { .. } => operations::serve(config).await,
        Command::Bench {
            chunks,
            data,
            rate,
            seconds,
            json,
        } => evaluation::bench(config, &data, chunks, rate, seconds, json).await,
        Command::Reencode { what, anyway } => encoders::reencode(config, what, anyway).await,
        Command::Ingest {
            paths,
            workspace,
            prune,
            force,
            json,
        } => {
            let options = files::IngestOptions {
                prune,
                breaking: Breaking::allowed_if(force),
            };
            knowledge::ingest(config, &workspace.workspace, &paths, options, json).await
        }
        Command::Chunks { file, json } => knowledge::chunks(config, &file, json).await,
        Command::Watch {
            paths,
            workspace,
            force,
        } => {
            let breaking = Breaking::allowed_if(force);
            knowledge::watch(config, &workspace.workspace, &paths, breaking).await
        }
        Command::Faqs(command) => knowledge::faqs(config, command).await,
        Command::Lint { workspace, json } => {
            knowledge::lint(config, &workspace.workspace, json).await
        }
        Command::Impact {
            paths,
            workspace,
            logged,
            json,
        } => knowledge::impact(config, &workspace.workspace, &paths, logged, json).await,
        Command::Export { file, workspace } => {
            operations::export(config, &workspace.workspace, &file).await
        }
        Command::Import { file, workspace } => {
            operations::import(config, &workspace.workspace, &file).await
        }
        Command::Backup { file, vault } => {
            operations::backup(config, &file, vault.as_deref()).await
        }
        Command::Restore { file } => operations::restore(config, &file).await,
        Command::Search {
            question,
            workspace,
            limit,
            mode,
            explain,
            explain_document,
            json,
        } => {
            let query = Query::parse(&question, limit)?.with_mode(mode.into());
            let workspace = workspace.workspace;
            queries::search(config, &workspace, query, explain, explain_document, json).await
        }
        Command::Ask {
            question,
            workspace,
            json,
        } => queries::ask(config, &workspace.workspace, question, json).await,
        Command::Eval(args) => evaluation::eval(config, args).await,
        Command::Tune { dirs, json, cache } => {
            evaluation::tune(config, &dirs, json, cache.as_deref()).await
        }
        Command::Calibrate {
            dirs,
            out,
            reading_only,
            cache,
        } => {
            let (out, cache) = (out.as_deref(), cache.as_deref());
            evaluation::calibrate(config, &dirs, out, reading_only, cache).await
        }
        Command::Replay {
            workspace,
            conversation,
            limit,
            json,
        } => queries::replay(config, &workspace.workspace, conversation, limit, json).await,
        Command::Cases { files, workspace } => {
            learning::cases(config, &workspace.workspace, &files).await
        }
        Command::Drafts { workspace, command } => {
            learning::drafts(config, &workspace.workspace, command).await
        }
        Command::Gaps {
            workspace,
            days,
            limit,
            json,
        } => learning::gaps(config, &workspace.workspace, days, limit, json).await,
        Command::Learn { workspace, command } => {
            learning::learn(config, &workspace.workspace, command).await
        }
        Command::Keys { workspace, command } => {
            administration::keys(config, &workspace.workspace, command).await
        }
        Command::Inbox { workspace, command } => {
            inboxes::inbox(config, &workspace.workspace, command).await
        }
        Command::Audit { workspace, service } => {
            administration::audit(config, &workspace.workspace, service).await
        }
        Command::Workspaces(command) => administration::workspaces(config, command).await,
        Command::Doctor => operations::doctor(config).await,
        Command::Status => operations::status(config).await,
        Command::Rebuild { desk: true } => operations::rebuild_desk(config).await,
        Command::RotateDeskKey => operations::rotate_desk_key(config).await,
        Command::Rebuild { desk: false } => operations::rebuild(config).await,
        Command::Check => operations::run_check(config).await,
    }
}
