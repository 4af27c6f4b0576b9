//! The command line. No logic: each command names its parts and prints what they say.

mod cli;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ken::{setup, telemetry};
use ken_base::actor::acting;
use ken_base::config::Config;
use ken_base::domain::{DocumentId, Query, WorkspaceId};
use ken_knowledge::editing::files;
use ken_knowledge::editing::gate::Breaking;

use cli::{ModeArg, asking, encoders, knowledge, learning, measuring, operating, trust};

/// For the whole process, ONNX Runtime's and usearch's allocations included. The C library's own keeps what each of its arenas once
/// needed, of which there are eight a core: 740 MB under load on two cores, where this takes 430 (docs/measured/speed.md).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What is freed goes back to the system within a second in place of ten: loading the encoders leaves some 270 MB behind.
// SAFETY: jemalloc reads a pointer to a text that ends with a zero byte under this name, which nothing else has.
#[unsafe(export_name = "malloc_conf")]
pub static MALLOC_CONF: &[u8; 37] = b"dirty_decay_ms:1000,muzzy_decay_ms:0\0";

#[derive(Parser)]
#[command(
    name = "ken",
    version,
    about = "A knowledge base that answers, grounded, or says that it may not."
)]
struct Cli {
    /// Settings file; `ken.toml` where it exists
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch and prepare the runtime library and the encoders
    Setup {
        /// The Python (3.10 or later) that makes the private environment
        #[arg(long, default_value = "python3")]
        python: String,
    },
    /// Serve the HTTP API, and a page to ask at /
    Serve {
        #[arg(long)]
        listen: Option<SocketAddr>,
    },
    /// Files or folders → knowledge
    Ingest {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Archive what came from the same place and is there no more
        #[arg(long)]
        prune: bool,
        /// Write although judged questions break
        #[arg(long)]
        force: bool,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a file is understood as: its chunks, without storing anything
    Chunks {
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Keep knowledge in step with folders: ingest them, then every change to them, until stopped
    Watch {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Write although judged questions break
        #[arg(long)]
        force: bool,
    },
    /// FAQs from and to spreadsheets (CSV, TSV, XLSX, JSON, JSON Lines)
    #[command(subcommand)]
    Faqs(knowledge::FaqCommand),
    /// Find what is said twice, what contradicts itself, what is past its time
    Lint {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long)]
        json: bool,
    },
    /// Say which answers the files would change, break or heal, without changing anything
    Impact {
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// How many of the last logged questions are asked besides the judged ones
        #[arg(long, default_value_t = ken_knowledge::editing::impact::LOGGED)]
        logged: i64,
        #[arg(long)]
        json: bool,
    },
    /// Write all knowledge of a workspace, with all versions, as JSON Lines
    Export {
        file: PathBuf,
        #[command(flatten)]
        workspace: WorkspaceArg,
    },
    /// Read what `export` wrote
    Import {
        file: PathBuf,
        #[command(flatten)]
        workspace: WorkspaceArg,
    },
    /// Copy the whole store into a file, also while it is served
    Backup {
        file: PathBuf,
        /// Copy the personal data that was taken out of cases, too, into a file of its own; put back by putting it where
        /// `store.vault_url` points
        #[arg(long, value_name = "FILE")]
        vault: Option<PathBuf>,
    },
    /// Put a backup in the store's place, while nothing is served
    Restore { file: PathBuf },
    /// Ranked hits
    Search {
        question: String,
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long, default_value_t = 10)]
        limit: usize,
        #[arg(long, value_enum, default_value = "hybrid")]
        mode: ModeArg,
        /// Show each leg's rank and score, and what was searched for
        #[arg(long)]
        explain: bool,
        /// Say of this document why it was found or not
        #[arg(long, value_name = "ID", value_parser = DocumentId::parse)]
        explain_document: Option<DocumentId>,
        #[arg(long)]
        json: bool,
    },
    /// An answer with citations
    Ask {
        question: String,
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[arg(long)]
        json: bool,
    },
    /// Measure on judged sets (folders in BEIR layout, or a folder of such)
    Eval(measuring::EvalArgs),
    /// Find how much words and meaning should count on judged sets
    Tune {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
        /// Keep what was encoded here, so that a second run is quick
        #[arg(long)]
        cache: Option<PathBuf>,
    },
    /// Fit how sure an answer has to be, on judged sets with questions that can and cannot be answered
    Calibrate {
        #[arg(required = true)]
        dirs: Vec<PathBuf>,
        /// Write the model here, for `answer.model`; it is printed where absent
        #[arg(long)]
        out: Option<PathBuf>,
        /// Keep the current model of search scores; fit only how the reader's logit counts beside it
        #[arg(long)]
        reading_only: bool,
        /// Keep what was encoded here, so that a second run is quick
        #[arg(long)]
        cache: Option<PathBuf>,
    },
    /// Ask logged questions again and say which answers have changed
    Replay {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// Only those of this conversation
        #[arg(long)]
        conversation: Option<String>,
        /// How many of the newest
        #[arg(long, default_value_t = 200)]
        limit: i64,
        #[arg(long)]
        json: bool,
    },
    /// Submit resolved cases (JSON Lines, one case a line) and make drafts of them
    Cases {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        workspace: WorkspaceArg,
    },
    /// Review what was made of cases and feedback
    Drafts {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: learning::DraftCommand,
    },
    /// What was asked in vain, by meaning, the most urgent first
    Gaps {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// So many days back
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=366))]
        days: i64,
        #[arg(long, default_value_t = 20)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Settings that are learned from what people said
    Learn {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: learning::LearnCommand,
    },
    /// Who may do what: keys for the API, made, listed and ended
    Keys {
        #[command(flatten)]
        workspace: WorkspaceArg,
        #[command(subcommand)]
        command: trust::KeyCommand,
    },
    /// Who changed what, as JSON Lines, oldest first; fails where a line is missing or was altered
    Audit {
        #[command(flatten)]
        workspace: WorkspaceArg,
        /// What is of no workspace: operators' keys, deleted workspaces
        #[arg(long, conflicts_with = "workspace")]
        service: bool,
    },
    /// List and delete workspaces
    #[command(subcommand)]
    Workspaces(trust::WorkspaceCommand),
    /// Ask the service by the clock, on a corpus that is drawn; prints rates, latencies, start and memory
    Bench {
        /// How many chunks; above 10,000 their vectors are drawn, too
        #[arg(long, default_value_t = 10_000)]
        chunks: usize,
        /// Where the corpus is made and kept for the next time
        #[arg(long, default_value = ".cache/bench")]
        data: PathBuf,
        /// Questions a second; 60 % of what goes at most where absent
        #[arg(long)]
        rate: Option<f64>,
        /// How long each phase takes
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
        seconds: u64,
        #[arg(long)]
        json: bool,
    },
    /// Look for the usual misconfigurations
    Doctor,
    /// What is stored and indexed
    Status,
    /// Rebuild the indexes from the store
    Rebuild,
    /// Change the encoder while questions are answered, and go back
    Reencode {
        #[command(flatten)]
        what: encoders::What,
        /// Have it serve whatever the judged questions say
        #[arg(long, requires = "to")]
        anyway: bool,
    },
    /// Verify that store, keyword index and vectors agree
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

/// Who reads the output may stop, as `head` does: then there is nothing more to say, and nothing went wrong.
fn end_quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload_as_str().unwrap_or_default();
        if said.starts_with("failed printing to stdout") && said.contains("Broken pipe") {
            std::process::exit(0);
        }
        usual(panic);
    }));
}

fn run() -> anyhow::Result<ExitCode> {
    end_quietly_when_nobody_reads();
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
    runtime.block_on(acting("command line", command(cli.command, config)))
}

async fn command(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Setup { .. } => {
            unreachable!("handled before the runtime starts")
        }
        Command::Serve { .. } => operating::serve(config).await,
        Command::Bench {
            chunks,
            data,
            rate,
            seconds,
            json,
        } => measuring::bench(config, &data, chunks, rate, seconds, json).await,
        Command::Reencode { what, anyway } => encoders::reencode(config, what, anyway).await,
        Command::Ingest {
            paths,
            workspace,
            prune,
            force,
            json,
        } => {
            let options = files::Options {
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
            operating::export(config, &workspace.workspace, &file).await
        }
        Command::Import { file, workspace } => {
            operating::import(config, &workspace.workspace, &file).await
        }
        Command::Backup { file, vault } => operating::backup(config, &file, vault.as_deref()).await,
        Command::Restore { file } => operating::restore(config, &file).await,
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
            asking::search(config, &workspace, query, explain, explain_document, json).await
        }
        Command::Ask {
            question,
            workspace,
            json,
        } => asking::ask(config, &workspace.workspace, question, json).await,
        Command::Eval(args) => measuring::eval(config, args).await,
        Command::Tune { dirs, json, cache } => {
            measuring::tune(config, &dirs, json, cache.as_deref()).await
        }
        Command::Calibrate {
            dirs,
            out,
            reading_only,
            cache,
        } => {
            let (out, cache) = (out.as_deref(), cache.as_deref());
            measuring::calibrate(config, &dirs, out, reading_only, cache).await
        }
        Command::Replay {
            workspace,
            conversation,
            limit,
            json,
        } => asking::replay(config, &workspace.workspace, conversation, limit, json).await,
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
            trust::keys(config, &workspace.workspace, command).await
        }
        Command::Audit { workspace, service } => {
            trust::audit(config, &workspace.workspace, service).await
        }
        Command::Workspaces(command) => trust::workspaces(config, command).await,
        Command::Doctor => operating::doctor(config).await,
        Command::Status => operating::status(config).await,
        Command::Rebuild => operating::rebuild(config).await,
        Command::Check => operating::run_check(config).await,
    }
}
