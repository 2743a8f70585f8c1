//! Judging the data folder: modes and owners, the disk, the master key.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::finding::Finding;
use crate::config::Config;
use crate::keys::MasterKeySource;
use crate::node::JOURNAL_FILE;
use crate::operator::SOCKET_FILE;

/// Below so many free bytes it is an error.
const FREE_BYTES_LEAST: u64 = 64 << 20;
/// Below so many it is a warning.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Below so many parts of a hundred it is a warning, unless they are many bytes.
const FREE_PERCENT_MIN: u64 = 10;
/// Below so many parts of a hundred of the inodes it is an error.
const INODES_PERCENT_MIN: u64 = 2;
/// How long a small durable write may take, in milliseconds.
// CHOICE: flash with a cache takes below 1, without one below 10, a turning disk about 15.
const SYNC_MILLISECONDS_MAX: f64 = 50.0;
/// How often that is measured.
const SYNCS: usize = 5;
/// Bytes that are written each time: a page.
const SYNC_BYTES: usize = 4_096;

/// What is so in a data folder.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    folder: PathBuf,
    /// The owner of the folder.
    owner: u32,
    files: Vec<Mode>,
    disk: Option<Disk>,
    /// Durations of small durable writes, in milliseconds, or why there are none.
    syncs: Result<Vec<f64>, String>,
    /// The master key, if it is a file in the folder.
    master_key_beside: Option<PathBuf>,
}

/// Owner and mode of a file.
#[derive(Debug, Clone)]
struct Mode {
    path: PathBuf,
    owner: u32,
    /// The permission bits.
    mode: u32,
    /// Those that nobody needs.
    forbidden: u32,
}

/// Space on a disk.
#[derive(Debug, Clone, Copy)]
struct Disk {
    bytes_free: u64,
    bytes: u64,
    inodes_free: u64,
    /// None on disks that make inodes as they go.
    inodes: u64,
}

impl Facts {
    /// Looks at the folder of these settings.
    pub(super) fn gather(config: &Config) -> Facts {
        let folder = &config.data;
        let owner = std::fs::metadata(folder).map(|metadata| metadata.uid()).unwrap_or_default();
        let source = MasterKeySource::parse(&config.master_key, folder);
        let master_key = match source {
            Ok(MasterKeySource::File(path)) => Some(path),
            Ok(MasterKeySource::Variable(_) | MasterKeySource::Command(..)) | Err(_) => None,
        };
        let own = [
            "store.sqlite3",
            "store.sqlite3-wal",
            "store.sqlite3-shm",
            SOCKET_FILE,
            JOURNAL_FILE,
            "tls/ca.key",
        ];
        let given_key = Some(&config.tls.key).filter(|path| !path.as_os_str().is_empty());
        let secret = own.iter().map(|name| folder.join(name)).chain(master_key.clone());
        let files = std::iter::once((folder.clone(), 0o077))
            .chain(secret.map(|path| (path, 0o077)))
            // Keys of certificates are often shared with a group of servers.
            .chain(given_key.map(|path| (path.clone(), 0o007)))
            .filter_map(|(path, forbidden)| Mode::of(path, forbidden));
        Facts {
            folder: folder.clone(),
            owner,
            files: files.collect(),
            disk: Disk::of(folder),
            syncs: syncs(folder).map_err(|error| error.to_string()),
            master_key_beside: master_key.filter(|path| is_inside(path, folder)),
        }
    }
}

impl Mode {
    fn of(path: PathBuf, forbidden: u32) -> Option<Mode> {
        let metadata = std::fs::metadata(&path).ok()?;
        Some(Mode { path, owner: metadata.uid(), mode: metadata.mode() & 0o777, forbidden })
    }
}

impl Disk {
    fn of(folder: &Path) -> Option<Disk> {
        let found = rustix::fs::statvfs(folder).ok()?;
        Some(Disk {
            bytes_free: found.f_bavail.saturating_mul(found.f_frsize),
            bytes: found.f_blocks.saturating_mul(found.f_frsize),
            inodes_free: found.f_favail,
            inodes: found.f_files,
        })
    }
}

fn is_inside(path: &Path, folder: &Path) -> bool {
    match (std::fs::canonicalize(path), std::fs::canonicalize(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        (Ok(_) | Err(_), _) => path.starts_with(folder),
    }
}

/// How long small durable writes take, in milliseconds.
fn syncs(folder: &Path) -> std::io::Result<Vec<f64>> {
    let path = folder.join(format!("doctor.{}", std::process::id()));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
    let measured = (0..SYNCS).map(|_| sync(&mut file)).collect();
    // A file that stays is in nobody's way.
    let _ = std::fs::remove_file(&path);
    measured
}

fn sync(file: &mut File) -> std::io::Result<f64> {
    let start = Instant::now();
    file.write_all(&[0; SYNC_BYTES])?;
    file.sync_data()?;
    Ok(start.elapsed().as_secs_f64() * 1_000.0)
}

/// What is wrong with a data folder.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let modes = facts.files.iter().filter_map(mode);
    let owners = facts.files.iter().filter_map(|file| owner(file, facts.owner));
    let disk = facts.disk.iter().flat_map(|disk| [space(disk, &facts.folder), inodes(disk)]);
    modes
        .chain(owners)
        .chain(disk.flatten())
        .chain(disk_speed(&facts.syncs))
        .chain(master_key(facts))
        .collect()
}

fn mode(file: &Mode) -> Option<Finding> {
    let excess = file.mode & file.forbidden;
    let wanted = file.mode & !file.forbidden;
    (excess != 0).then(|| {
        let path = file.path.display();
        Finding::error(
            "modes",
            format!("{path} has mode {:04o}", file.mode),
            "others on the machine can read or change what only iamd may",
            format!("chmod {wanted:04o} {path}"),
        )
    })
}

fn owner(file: &Mode, owner: u32) -> Option<Finding> {
    // A key of a certificate may belong to whoever renews it.
    let is_own = file.owner == owner || file.forbidden == 0o007;
    (!is_own).then(|| {
        let path = file.path.display();
        Finding::error(
            "owners",
            format!("{path} belongs to user {}, and the data folder to user {owner}", file.owner),
            "the node cannot write to it, or another user can",
            format!("chown {owner} {path}; run commands on the folder as its owner"),
        )
    })
}

fn space(disk: &Disk, folder: &Path) -> Option<Finding> {
    let percent = percent(disk.bytes_free, disk.bytes);
    let what = format!(
        "{} MiB ({percent} %) are free on the disk of {}",
        disk.bytes_free >> 20,
        folder.display()
    );
    let why = "a disk that is full takes no writes; revocations still work";
    let todo = "make room, or move the data folder to a larger disk";
    // A large disk is not full at a few percent, a small one with hardly any bytes is.
    let is_nearly_full = percent < FREE_PERCENT_MIN && disk.bytes_free < 16 * FREE_BYTES_MIN;
    if disk.bytes_free < FREE_BYTES_LEAST {
        return Some(Finding::error("disk", what, why, todo));
    }
    (disk.bytes_free < FREE_BYTES_MIN || is_nearly_full)
        .then(|| Finding::warning("disk", what, why, todo))
}

fn inodes(disk: &Disk) -> Option<Finding> {
    if disk.inodes == 0 {
        return None;
    }
    let percent = percent(disk.inodes_free, disk.inodes);
    (percent < INODES_PERCENT_MIN).then(|| {
        Finding::error(
            "disk",
            format!("{} inodes ({percent} %) are free", disk.inodes_free),
            "no file can be made when there are none, whatever space is free",
            "find what makes so many files on this disk",
        )
    })
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100)
}

fn disk_speed(syncs: &Result<Vec<f64>, String>) -> Option<Finding> {
    match syncs {
        Err(error) => Some(Finding::error(
            "disk",
            format!("nothing can be written to the data folder: {error}"),
            "writes are refused",
            "see whether the disk is full or mounted read-only, and whose the folder is",
        )),
        Ok(milliseconds) => {
            let mut sorted = milliseconds.clone();
            sorted.sort_by(f64::total_cmp);
            let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
            (median > SYNC_MILLISECONDS_MAX).then(|| {
                Finding::warning(
                    "disk",
                    format!("a small durable write takes {median:.0} ms"),
                    "every write of a client waits for one",
                    "put the data folder on local flash; see what else writes to this disk",
                )
            })
        }
    }
}

fn master_key(facts: &Facts) -> Option<Finding> {
    let path = facts.master_key_beside.as_ref()?.display();
    Some(Finding::warning(
        "master key",
        format!("the master key {path} is beside the data that it opens"),
        "whoever copies the folder can read everything; whoever loses it, nothing",
        format!(
            "keep a copy elsewhere: install -m 600 {path} /mnt/safe/master.key; better, move it there and set `master_key = \"file:/mnt/safe/master.key\"`"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mode: u32, forbidden: u32) -> Mode {
        Mode { path: "/data/x".into(), owner: 7, mode, forbidden }
    }

    fn healthy() -> Facts {
        Facts {
            folder: "/data".into(),
            owner: 7,
            files: vec![file(0o700, 0o077), file(0o600, 0o077), file(0o640, 0o007)],
            disk: Some(Disk {
                bytes_free: 20 << 30,
                bytes: 100 << 30,
                inodes_free: 1_000,
                inodes: 10_000,
            }),
            syncs: Ok(vec![1.0, 900.0, 2.0, 50.0, 1.0]),
            master_key_beside: None,
        }
    }

    /// The one finding after a change; the healthy folder has none.
    fn found(change: impl FnOnce(&mut Facts)) -> Finding {
        assert_eq!(findings(&healthy()), []);
        let mut facts = healthy();
        change(&mut facts);
        let mut findings = findings(&facts);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn modes_and_owners() {
        for (mode, forbidden, command) in [
            (0o640, 0o077, "chmod 0600 /data/x"),
            (0o750, 0o077, "chmod 0700 /data/x"),
            (0o644, 0o007, "chmod 0640 /data/x"),
        ] {
            let finding = found(|facts| facts.files = vec![file(mode, forbidden)]);
            assert_eq!((finding.check, finding.todo.as_str()), ("modes", command));
        }
        let finding = found(|facts| facts.files = vec![Mode { owner: 0, ..file(0o600, 0o077) }]);
        assert!(finding.check == "owners" && finding.todo.starts_with("chown 7 "), "{finding:?}");
    }

    #[test]
    fn space_and_inodes() {
        let disk = |bytes_free, bytes, inodes_free, inodes| {
            move |facts: &mut Facts| {
                facts.disk = Some(Disk { bytes_free, bytes, inodes_free, inodes });
            }
        };
        let severity = |finding: Finding| format!("{:?}", finding.severity);
        assert_eq!(severity(found(disk(63 << 20, 1 << 40, 1, 1))), "Error");
        assert_eq!(severity(found(disk(1 << 29, 1 << 40, 1, 1))), "Warning");
        assert_eq!(severity(found(disk(8 << 30, 100 << 30, 1, 1))), "Warning");
        assert_eq!(severity(found(disk(20 << 30, 100 << 30, 1, 100))), "Error");
        for fine in [disk(20 << 30, 1 << 40, 1, 1), disk(50 << 30, 100 << 30, 0, 0)] {
            let mut facts = healthy();
            fine(&mut facts);
            assert_eq!(findings(&facts), []);
        }
    }

    #[test]
    fn slow_disks_and_those_that_take_nothing() {
        let slow = found(|facts| facts.syncs = Ok(vec![51.0, 52.0, 1.0]));
        assert!(slow.what.contains("takes 51 ms"), "{slow:?}");
        let full = found(|facts| facts.syncs = Err("No space left on device".to_owned()));
        assert!(full.what.ends_with("No space left on device"), "{full:?}");
    }

    #[test]
    fn a_master_key_beside_the_data() {
        let path = PathBuf::from("/data/master.key");
        let finding = found(|facts| facts.master_key_beside = Some(path));
        assert!(finding.todo.contains("install -m 600 /data/master.key"), "{finding:?}");
    }

    #[test]
    fn what_is_gathered_of_a_folder_is_so() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("master.key");
        std::fs::write(&secret, "key").unwrap();
        let config = Config { data: folder.path().to_owned(), ..Config::default() };
        let facts = Facts::gather(&config);
        assert_eq!(facts.master_key_beside.as_deref(), Some(secret.as_path()));
        assert!(facts.disk.is_some());
        assert_eq!(facts.syncs.as_ref().map(Vec::len), Ok(SYNCS));
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "the file of the measurement is gone");
    }
}
