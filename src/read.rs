//! `ken-read`: reads files for `ken`, in a process of its own within its limits. It names `ken-ingest` alone, so that whoever
//! takes over a reader finds neither the store nor the models there.
//!
//! `ken-read BYTES`: at most so many bytes of address space; requests come by standard input (see [`ken_ingest::ingest::worker`]).

use std::process::ExitCode;

/// Gives back what it frees, which counts towards the limit: see `MALLOC_CONF` in [`ken_ingest::ingest::worker`].
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let bytes = std::env::args().nth(1).and_then(|bytes| bytes.parse().ok());
    let Some(bytes) = bytes else {
        eprintln!("ken-read: started by ken, which says how many bytes of memory it may take");
        return ExitCode::from(2);
    };
    match ken_ingest::ingest::worker::run(bytes) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ken-read: {error}");
            ExitCode::FAILURE
        }
    }
}
