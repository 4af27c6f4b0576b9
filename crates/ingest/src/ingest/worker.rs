//! Reads files in separate processes, so that a hostile or damaged file costs only its own time, memory and process.
//!
//! A worker is the program `ken-read`, beside `ken`. It links neither the store nor the models. It lowers its own
//! memory limit, then reads one file after another from its standard input. A worker that takes too long is killed, one
//! that dies is replaced, and the file is refused with the reason.

use std::io::{BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;

use super::faq::{FaqFile, FaqOptions};
use super::{IngestError, Parsed, parse_faqs_with, parse_file, pdf};
use ken_base::config::IngestConfig;

/// SIGABRT.
const ABORTED: i32 = 6;
/// The worker program, in the folder of the current program.
const PROGRAM: &str = "ken-read";

/// Reads files in worker processes. Clones share the workers.
#[derive(Clone)]
pub struct FileReader {
    limits: Limits,
    program: Option<Arc<PathBuf>>,
    pdfium: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<WorkerProcess>>>,
    permits: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    timeout: Duration,
    memory_bytes: u64,
    max_file_bytes: u64,
}

impl FileReader {
    /// Prepares a reader. `config.reader` is the worker program; if empty, it is `ken-read` beside this program.
    pub fn new(config: &IngestConfig) -> Self {
        let program = match config.reader.as_os_str().is_empty() {
            true => std::env::current_exe()
                .ok()
                .map(|own| own.with_file_name(PROGRAM)),
            false => Some(config.reader.clone()),
        };
        Self {
            limits: Limits {
                timeout: Duration::from_millis(config.timeout_ms),
                memory_bytes: config.memory_bytes,
                max_file_bytes: config.max_file_bytes,
            },
            program: program.map(Arc::new),
            pdfium: Arc::new(config.pdfium.clone()),
            idle: Arc::default(),
            permits: Arc::new(Semaphore::new(config.readers)),
        }
    }

    /// Returns the size limit of a file, in bytes.
    pub fn max_file_bytes(&self) -> u64 {
        self.limits.max_file_bytes
    }

    /// Like [`parse_file`], within the limits.
    pub async fn read(&self, name: &str, bytes: Vec<u8>) -> Result<Parsed, IngestError> {
        match self.ask(ReadAs::File, name, &bytes, &[]).await? {
            WorkerReply::Read(parsed) => Ok(parsed),
            WorkerReply::Refused(error) => Err(error),
            WorkerReply::Faqs(_) => Err(unexpected()),
        }
    }

    /// Like [`parse_faqs_with`], within the limits.
    pub async fn read_faqs(
        &self,
        name: &str,
        bytes: Vec<u8>,
        options: &FaqOptions,
    ) -> Result<FaqFile, IngestError> {
        let options = serde_json::to_vec(options).expect("options are plain data");
        match self.ask(ReadAs::Faqs, name, &bytes, &options).await? {
            WorkerReply::Faqs(faqs) => Ok(faqs),
            WorkerReply::Refused(error) => Err(error),
            WorkerReply::Read(_) => Err(unexpected()),
        }
    }

    async fn ask(
        &self,
        kind: ReadAs,
        name: &str,
        bytes: &[u8],
        options: &[u8],
    ) -> Result<WorkerReply, IngestError> {
        let failed = |detail: String| IngestError::Crashed { detail };
        let program = self
            .program
            .as_deref()
            .ok_or_else(|| failed("ken-read not found".into()))?;
        let _permit = self.permits.acquire().await;
        // An idle worker may have died or have little memory left; then a fresh one is used.
        for idle in [self.take(), None] {
            let is_fresh = idle.is_none();
            let mut worker = match idle {
                Some(worker) => worker,
                None => WorkerProcess::start(program, self.limits.memory_bytes, &self.pdfium)
                    .map_err(|error| failed(format!("{}: {error}", program.display())))?,
            };
            let parts = [kind.as_bytes(), name.as_bytes(), bytes, options];
            let reply = worker.ask(parts, self.limits.memory_bytes);
            match tokio::time::timeout(self.limits.timeout, reply).await {
                Ok(Ok(outcome)) => {
                    self.give_back(worker);
                    return Ok(outcome);
                }
                Ok(Err(_)) if is_fresh => {
                    return Err(worker.exit_reason(self.limits.memory_bytes).await);
                }
                Ok(Err(_)) => {}
                // Dropping the worker kills it.
                Err(_) => {
                    return Err(IngestError::TimedOut {
                        max_ms: self.limits.timeout.as_millis() as u64,
                    });
                }
            }
        }
        Err(unexpected())
    }

    fn take(&self) -> Option<WorkerProcess> {
        self.idle
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .pop()
    }

    fn give_back(&self, worker: WorkerProcess) {
        self.idle
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .push(worker);
    }
}

struct WorkerProcess {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl WorkerProcess {
    fn start(program: &Path, memory_bytes: u64, pdfium: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg(memory_bytes.to_string())
            .arg(pdfium)
            // Makes the allocator return freed memory at once. The limit counts addresses, so the next file finds the
            // same room.
            .env(
                "MALLOC_CONF",
                "retain:false,dirty_decay_ms:0,muzzy_decay_ms:0,background_thread:false",
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let absent = || std::io::Error::other("the worker has no pipes");
        Ok(Self {
            stdin: child.stdin.take().ok_or_else(absent)?,
            stdout: child.stdout.take().ok_or_else(absent)?,
            child,
        })
    }

    async fn ask(&mut self, parts: [&[u8]; 4], max_reply: u64) -> std::io::Result<WorkerReply> {
        for part in parts {
            self.stdin
                .write_all(&(part.len() as u64).to_le_bytes())
                .await?;
            self.stdin.write_all(part).await?;
        }
        self.stdin.flush().await?;
        let mut length = [0; 8];
        self.stdout.read_exact(&mut length).await?;
        let length = u64::from_le_bytes(length);
        if length > max_reply {
            return Err(std::io::Error::other("reply exceeds the worker's memory"));
        }
        let mut reply = vec![0; length as usize];
        self.stdout.read_exact(&mut reply).await?;
        serde_json::from_slice(&reply).map_err(std::io::Error::other)
    }

    /// Returns the reason for the worker's death, from its last output.
    async fn exit_reason(mut self, memory_bytes: u64) -> IngestError {
        let mut message = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let mut last_words = stderr.take(64 << 10);
            let reading = last_words.read_to_end(&mut message);
            // Does not wait for a pipe that another process still holds open.
            let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
        }
        let message = String::from_utf8_lossy(&message);
        if message.contains("memory allocation") || message.contains("capacity overflow") {
            return IngestError::OutOfMemory {
                max_bytes: memory_bytes,
            };
        }
        if message.contains("overflowed its stack") {
            return IngestError::Crashed {
                detail: "nested too deeply".into(),
            };
        }
        let status = self.child.wait().await;
        // PDFium aborts silently if it runs out of memory; our code and libc print a message.
        let is_aborted = status
            .as_ref()
            .is_ok_and(|status| status.signal() == Some(ABORTED));
        if is_aborted && message.trim().is_empty() {
            return IngestError::OutOfMemory {
                max_bytes: memory_bytes,
            };
        }
        IngestError::Crashed {
            detail: status.map_or_else(|e| e.to_string(), |status| status.to_string()),
        }
    }
}

fn unexpected() -> IngestError {
    IngestError::Crashed {
        detail: "unexpected reply from ken-read".into(),
    }
}

/// The kind of a request.
#[derive(Clone, Copy, PartialEq)]
enum ReadAs {
    File,
    Faqs,
}

impl ReadAs {
    fn as_bytes(self) -> &'static [u8] {
        match self {
            ReadAs::File => b"file",
            ReadAs::Faqs => b"faqs",
        }
    }
}

/// A worker's reply.
#[derive(Serialize, Deserialize)]
enum WorkerReply {
    Read(Parsed),
    Faqs(FaqFile),
    Refused(IngestError),
}

/// The worker's main loop: reads requests until its standard input ends. `pdfium` is the library that reads PDFs.
///
/// # Errors
/// If its pipes fail, or the limit cannot be set.
pub fn run(memory_bytes: u64, pdfium: PathBuf) -> std::io::Result<()> {
    pdf::use_library(pdfium);
    let limit = Rlimit {
        current: Some(memory_bytes),
        maximum: Some(memory_bytes),
    };
    setrlimit(Resource::As, limit)?;
    // A panic is returned as a reason and not printed.
    std::panic::set_hook(Box::new(|_| {}));
    let mut stdin = BufReader::new(std::io::stdin().lock());
    // Output printed by a library must not mix with replies.
    let mut stdout = std::fs::File::from(rustix::io::dup(rustix::stdio::stdout())?);
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    while let Some(kind) = read_part(&mut stdin)? {
        let name = read_part(&mut stdin)?.unwrap_or_default();
        let bytes = read_part(&mut stdin)?.unwrap_or_default();
        let options = read_part(&mut stdin)?.unwrap_or_default();
        let name = String::from_utf8_lossy(&name).into_owned();
        let options: Option<FaqOptions> = match kind == ReadAs::Faqs.as_bytes() {
            true => Some(serde_json::from_slice(&options).map_err(std::io::Error::other)?),
            false => None,
        };
        let read = || match &options {
            Some(options) => parse_faqs_with(&name, &bytes, options).map(WorkerReply::Faqs),
            None => parse_file(&name, &bytes).map(WorkerReply::Read),
        };
        let outcome = match std::panic::catch_unwind(read) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => WorkerReply::Refused(error),
            Err(panic) => WorkerReply::Refused(IngestError::Crashed {
                detail: panic_message(&*panic),
            }),
        };
        let reply = serde_json::to_vec(&outcome).map_err(std::io::Error::other)?;
        stdout.write_all(&(reply.len() as u64).to_le_bytes())?;
        stdout.write_all(&reply)?;
        stdout.flush()?;
    }
    Ok(())
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    message.unwrap_or("no message").chars().take(200).collect()
}

/// Reads a length and that many bytes. Returns `None` at the end of the input.
fn read_part(input: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match input.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    // Reserved at once: if it grew in steps, the old and the new buffer would count at the same time.
    let length = u64::from_le_bytes(length);
    let mut part = Vec::new();
    part.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX))
        .map_err(std::io::Error::other)?;
    input.take(length).read_to_end(&mut part)?;
    Ok(Some(part))
}
