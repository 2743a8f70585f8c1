//! What is kept of what the fuzzer found: few and small inputs that cover what the seeds do not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Target;
use super::engine::Engine;

/// Most bytes and files that are kept for one target, smallest first, so that the repository stays
/// small and the replay quick.
const BYTES_MAX: u64 = 100_000;
const FILES_MAX: usize = 400;
/// Longest input that is kept, in bytes; longer ones are written by hand, as seeds.
const LENGTH_MAX: u64 = 2_048;

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// Replaces the corpus of a target by the smallest set that covers as much.
pub(super) fn keep(engine: &Engine, target: &Target) -> Result<Kept, String> {
    let merged = engine.scratch(target, "merged")?;
    let mut seeds = BTreeSet::new();
    for (_, seed) in files(&target.seeds(&engine.root))? {
        copy(&seed, &merged)?;
        seeds.extend(seed.file_name().map(ToOwned::to_owned));
    }
    engine.merge(target, &merged)?;
    let mut merged = files(&merged)?;
    merged.retain(|(_, file)| file.file_name().is_none_or(|name| !seeds.contains(name)));
    let corpus = target.corpus(&engine.root);
    for (_, old) in files(&corpus)? {
        fs::remove_file(&old).map_err(|error| broken(&old, &error))?;
    }
    let mut kept = Kept::default();
    for (length, file) in chosen(merged) {
        copy(&file, &corpus)?;
        kept.files += 1;
        kept.bytes += length;
    }
    Ok(kept)
}

/// The smallest ones, as many as may be kept.
fn chosen(mut files: Vec<(u64, PathBuf)>) -> Vec<(u64, PathBuf)> {
    files.sort();
    let mut bytes = 0;
    let fits = |(length, _): &(u64, PathBuf)| {
        bytes += length;
        *length <= LENGTH_MAX && bytes <= BYTES_MAX
    };
    files.into_iter().take(FILES_MAX).take_while(fits).collect()
}

/// The files of a folder, with their lengths.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, String> {
    let entries = fs::read_dir(folder).map_err(|error| broken(folder, &error))?;
    let length = |entry: fs::DirEntry| Ok((entry.metadata()?.len(), entry.path()));
    let files: std::io::Result<Vec<_>> = entries.map(|entry| entry.and_then(length)).collect();
    files.map_err(|error| broken(folder, &error))
}

fn copy(file: &Path, folder: &Path) -> Result<(), String> {
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, folder.join(name)).map(drop).map_err(|error| broken(file, &error))
}

fn broken(path: &Path, error: &std::io::Error) -> String {
    format!("`{}`: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_are_kept_up_to_the_limits() {
        let file = |length: u64, name: usize| (length, PathBuf::from(name.to_string()));
        let few = chosen(vec![file(9, 1), file(LENGTH_MAX + 1, 2), file(3, 3)]);
        assert_eq!(few, [file(3, 3), file(9, 1)]);
        let many = chosen((0..2 * FILES_MAX).map(|name| file(1, name)).collect());
        assert_eq!(many.len(), FILES_MAX);
        let large = chosen((0..200).map(|name| file(LENGTH_MAX, name)).collect());
        assert_eq!(large.len() as u64, BYTES_MAX / LENGTH_MAX);
    }
}
