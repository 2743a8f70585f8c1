//! What a durable write costs on a disk, without anything else.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Bytes of one write: a page of the database.
const WRITE_BYTES: usize = 4096;

/// The median time of appending a page and syncing it, in seconds.
pub(super) fn write_and_sync(folder: &Path, repetitions: usize) -> Result<f64, String> {
    let path = folder.join("floor");
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    let mut times = Vec::with_capacity(repetitions);
    for _ in 0..repetitions {
        let start = Instant::now();
        file.write_all(&[7; WRITE_BYTES]).and_then(|()| file.sync_data()).map_err(failed)?;
        times.push(start.elapsed().as_secs_f64());
    }
    std::fs::remove_file(&path).map_err(failed)?;
    Ok(super::median(times))
}
