//! What a power failure leaves of the files, at 800 points: every acknowledged commit, none by
//! halves. No process dies here; the images are what could be on disk at that moment. Processes that
//! are killed are in `tests.rs`, and with the whole server in `tests/e2e/test_durability.py`.

use std::fs;

use tempfile::TempDir;

use super::{Sqlite, folder};
use crate::conformance::{commit, load};
use crate::{AccountId, Store};

const IMAGES: usize = 800;
const COMMITS: u64 = 120;
const A: AccountId = AccountId(1);
const B: AccountId = AccountId(2);
/// The unit that a disk writes whole.
const SECTOR: usize = 512;

#[tokio::test]
async fn what_800_power_failures_leave_holds_every_acknowledged_commit() {
    let written = TempDir::new().unwrap();
    let store = Sqlite::open(written.path()).unwrap();
    let file = written.path().join(folder::DATABASE_FILE);
    let log_file = folder::beside(&file, "-wal");
    // How long the log was when a commit was acknowledged, and synced up to there.
    let mut acknowledged = vec![fs::metadata(&log_file).map_or(0, |log| log.len() as usize)];
    for revision in 0..COMMITS {
        // Some fill a page in part, some take several.
        let text = "x".repeat(1 << (revision % 14));
        let rows = [("user", revision.to_string()), ("large", text)];
        let rows: Vec<(&str, &str)> = rows.iter().map(|(id, text)| (*id, text.as_str())).collect();
        let list = vec![commit(A, revision, &rows), commit(B, revision, &rows)];
        store.commit(list).await.unwrap();
        acknowledged.push(fs::metadata(&log_file).unwrap().len() as usize);
    }
    let (database, log) = (fs::read(&file).unwrap(), fs::read(&log_file).unwrap());
    assert!(acknowledged.is_sorted(), "the log was not begun anew in between");
    drop(store);
    let mut unfinished_commits_found = 0;
    for image in 0..IMAGES {
        // Spread over the whole log, at no multiple of anything.
        let cut = (log.len() * image + log.len() / 2) / IMAGES;
        let torn = TempDir::new().unwrap();
        let file = torn.path().join(folder::DATABASE_FILE);
        fs::write(&file, &database).unwrap();
        fs::write(folder::beside(&file, "-wal"), tail_torn(&log, cut, image)).unwrap();
        let store = Sqlite::open(torn.path()).unwrap();
        let (held, _) = load(&store).await;
        assert_eq!(held.get(&A), held.get(&B), "image {image}: a list is whole");
        let revision = held.get(&A).map_or(0, |(revision, _)| revision.0);
        let least = acknowledged.iter().filter(|length| **length <= cut).count() as u64;
        assert!(revision + 1 >= least, "image {image}: {revision} + 1 < {least}");
        if let Some((_, rows)) = held.get(&A) {
            let user = rows.iter().find(|row| &*row.key.id == "user").unwrap();
            assert_eq!(user.bytes, (revision - 1).to_string().into_bytes(), "image {image}");
        }
        unfinished_commits_found += u64::from(revision + 1 > least);
    }
    assert!(unfinished_commits_found < IMAGES as u64, "cuts fall into commits");
}

/// The log up to a cut as it was written, and then what a failure leaves: nothing, nothing but
/// zeros, or some of the sectors that were on their way.
fn tail_torn(log: &[u8], cut: usize, image: usize) -> Vec<u8> {
    let mut torn = log[..cut].to_vec();
    match image % 3 {
        0 => {}
        1 => torn.resize(cut + 9 * SECTOR, 0),
        _ => {
            let rest = &log[cut..log.len().min(cut + 17 * SECTOR)];
            let sectors = rest.chunks(SECTOR).enumerate();
            torn.extend(sectors.flat_map(|(number, sector)| {
                let arrived = !(number * 7 + image).is_multiple_of(3);
                sector.iter().map(move |byte| if arrived { *byte } else { 0 }).collect::<Vec<u8>>()
            }));
        }
    }
    torn
}
