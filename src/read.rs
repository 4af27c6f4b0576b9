//! `ken-read`: parses files for `ken` in a process of its own, within limits. It links `ken-ingest` only, so that an
//! exploited parser has neither the store nor the models.
//!
//! `ken-read BYTES PDFIUM`: the largest address space in bytes, and the library that reads PDFs. Requests come on
//! standard input (see [`ken_ingest::ingest::worker`]).

use std::process::ExitCode;

/// Returns freed memory to the system, since it counts towards the limit: see `MALLOC_CONF` in
/// [`ken_ingest::ingest::worker`].
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let bytes = arguments.next();
    let bytes = bytes.and_then(|bytes| bytes.to_str()?.parse().ok());
    let (Some(bytes), Some(pdfium)) = (bytes, arguments.next()) else {
        eprintln!("ken-read: internal program started by ken; usage: ken-read BYTES PDFIUM");
        return ExitCode::from(2);
    };
    match ken_ingest::ingest::worker::run(bytes, pdfium.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ken-read: {error}");
            ExitCode::FAILURE
        }
    }
}
