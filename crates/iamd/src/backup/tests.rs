//! Backups over the memory engine, restored into SQLite; and what is wrong with those that others make.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lc_rs::aead::LessSafeKey;
use iamd_core::account_id::AccountId;
use iamd_core::quota::Quotas;
use iamd_store::{AccountRows, Memory, Sqlite, Store};

use super::format::{Counts, Header, Item, LAYOUT, encoded};
use super::read::Reader;
use super::stream::{CHUNK_LENGTH, Opener, Sealer, TAG_LENGTH};
use super::*;
use crate::fault::Fault;
use crate::founder::{self, Order};
use crate::keys::{MasterKey, SealingKey};
use crate::node::Node;
use crate::operator::Progress;

/// Bytes that can be looked at after somebody wrote them.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn key() -> LessSafeKey {
    SealingKey::new(0, &[7; 32]).unwrap().backup_key(b"context").unwrap()
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let kept = Kept::default();
    let mut sealer = Sealer::new(kept.clone(), key(), 5);
    for part in content.chunks(1000) {
        sealer.write(part).unwrap();
    }
    assert_eq!(sealer.finish().unwrap(), 5 + kept.bytes().len() as u64);
    kept.bytes()
}

fn opened(sealed: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let mut opener = Opener::new(Cursor::new(sealed.to_vec()), key(), 5);
    let mut content = vec![0; length];
    opener.read(&mut content)?;
    if opener.is_at_end() { Ok(content) } else { Err(Fault::Refused("there is more".to_owned())) }
}

#[test]
fn streams_of_any_length_come_back() {
    for length in
        [1, 999, CHUNK_LENGTH - 1, CHUNK_LENGTH, CHUNK_LENGTH + 1, 2 * CHUNK_LENGTH, 150_000]
    {
        let content: Vec<u8> = (0..length).map(|place| place as u8).collect();
        let sealed = sealed(&content);
        let chunks = length.div_ceil(CHUNK_LENGTH);
        assert_eq!(sealed.len(), length + chunks * TAG_LENGTH);
        assert_eq!(opened(&sealed, length).unwrap(), content);
        assert!(opened(&sealed, length + 1).is_err());
        assert!(opened(&sealed, length - 1).is_err());
    }
}

#[test]
fn no_chunk_is_altered_cut_moved_or_added_unnoticed() {
    let content = vec![1; 2 * CHUNK_LENGTH + 10];
    let sealed = sealed(&content);
    let chunk = CHUNK_LENGTH + TAG_LENGTH;
    for place in (0..sealed.len()).step_by(4099).chain([chunk - 1, chunk, sealed.len() - 1]) {
        let mut altered = sealed.clone();
        altered[place] ^= 1;
        let refused = opened(&altered, content.len()).unwrap_err().to_string();
        let number = place / chunk;
        let expected = format!("chunk {number} of the backup (at byte {})", 5 + number * chunk);
        assert!(refused.starts_with(&expected), "{place}: {refused}");
    }
    for end in [0, 1, chunk - 1, chunk, 2 * chunk, sealed.len() - 1] {
        assert!(opened(&sealed[..end], content.len()).is_err(), "{end}");
        // Not even what fits into the part that is there is taken for the whole.
        let whole = end / chunk * CHUNK_LENGTH;
        assert!(opened(&sealed[..end], whole).is_err(), "{end}");
    }
    let (first, second) = (&sealed[..chunk], &sealed[chunk..2 * chunk]);
    let moved = [second, first, &sealed[2 * chunk..]].concat();
    assert!(opened(&moved, content.len()).is_err());
    assert!(opened(&[first, &sealed].concat(), content.len()).is_err());
    assert!(opened(&[&sealed[..], &[0]].concat(), content.len()).is_err());
}

struct World {
    store: Arc<dyn Store>,
    master: Arc<SealingKey>,
    node: Arc<Node>,
    folder: tempfile::TempDir,
}

async fn world() -> World {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
    let node =
        Node::open(Arc::clone(&store), Arc::clone(&master), Quotas::default()).await.unwrap();
    for (number, email) in
        [("111122223333", "one@example.com"), ("444455556666", "two@example.com")]
    {
        let order = Order {
            account_id: Some(number.to_owned()),
            root_email: email.to_owned(),
            key_owner: Some("admin".to_owned()),
            ..Order::default()
        };
        founder::found(&node, order).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    std::fs::write(folder.path().join("tls/ca.key"), "the key").unwrap();
    std::fs::write(folder.path().join("initialized"), "made by a test").unwrap();
    std::fs::write(folder.path().join("master.key"), "never in a backup").unwrap();
    World { store, master, node, folder }
}

impl World {
    async fn backup(&self) -> Vec<u8> {
        let kept = Kept::default();
        let (progress, _steps) = Progress::channel();
        let out = Box::new(kept.clone());
        let summary = write(&self.node, self.folder.path(), &progress, out).await.unwrap();
        assert_eq!(summary.bytes, kept.bytes().len() as u64);
        assert_eq!(summary.counts.accounts, 2);
        kept.bytes()
    }

    async fn verify(&self, backup: Vec<u8>) -> Result<Findings, Fault> {
        let (progress, _steps) = Progress::channel();
        verify(Box::new(Cursor::new(backup)), None, Arc::clone(&self.master), &progress).await
    }

    async fn restore(&self, backup: Vec<u8>, folder: &Path) -> Result<Findings, Fault> {
        let (progress, _steps) = Progress::channel();
        let input = Box::new(Cursor::new(backup));
        restore(input, None, Arc::clone(&self.master), folder, &progress).await
    }

    /// A backup of other items under the right key, as nobody without it could make.
    fn forged(&self, backup: &[u8], change: impl Fn(usize, &Item<'_>) -> Forged) -> Vec<u8> {
        let input = Box::new(Cursor::new(backup.to_vec()));
        let mut reader = Reader::new(input, &self.master).unwrap();
        let length = u32::from_be_bytes(backup[16..20].try_into().unwrap()) as usize;
        let head = &backup[..20 + length];
        let kept = Kept::default();
        kept.clone().write_all(head).unwrap();
        let key = super::stream::file_key(&self.master, head).unwrap();
        let mut sealer = Sealer::new(kept.clone(), key, head.len() as u64);
        for number in 0.. {
            let item = reader.next().unwrap();
            let is_end = matches!(item, Item::End { .. });
            let times = match change(number, &item) {
                Forged::Times(times) => vec![encoded(&item).unwrap(); times],
                Forged::Other(bytes) => vec![bytes],
            };
            for bytes in times {
                sealer.write(&(bytes.len() as u32).to_be_bytes()).unwrap();
                sealer.write(&bytes).unwrap();
            }
            if is_end {
                break;
            }
        }
        sealer.finish().unwrap();
        kept.bytes()
    }
}

enum Forged {
    Times(usize),
    Other(Vec<u8>),
}

async fn rows(store: &dyn Store, account: AccountId) -> AccountRows {
    store.read_account(iamd_store::AccountId(account.number())).await.unwrap()
}

/// Nobody could restore it: the file would be under one master key, the keys in it under another.
#[tokio::test]
async fn no_backup_is_made_while_the_master_key_is_replaced() {
    let world = world().await;
    let (store, master) = (Arc::clone(&world.store), Arc::clone(&world.master));
    let other = Node::open(store, master, Quotas::default()).await.unwrap();
    let event = iamd_core::audit::Event::operator("Test", &(), "request-id");
    let new = MasterKey::fresh().unwrap().sealing().unwrap();
    other.rotate_master_key(&event, new).await.unwrap();
    let (progress, _steps) = Progress::channel();
    let out = Box::new(Kept::default());
    let refused = write(&world.node, world.folder.path(), &progress, out).await;
    assert!(matches!(refused, Err(Fault::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn what_is_restored_is_what_was_there_but_for_the_session_keys() {
    let world = world().await;
    let backup = world.backup().await;
    let findings = world.verify(backup.clone()).await.unwrap();
    assert_eq!((findings.counts.accounts, findings.users), (2, 2));
    assert_eq!(findings.files, ["tls/ca.key", "initialized"]);
    let target = tempfile::tempdir().unwrap();
    assert_eq!(world.restore(backup, target.path()).await.unwrap(), findings);
    let read = |name: &str| std::fs::read_to_string(target.path().join(name)).unwrap();
    assert_eq!(
        (read("tls/ca.key"), read("initialized")),
        ("the key".into(), "made by a test".into())
    );
    assert!(!target.path().join("master.key").exists());

    let store = Sqlite::open(target.path()).unwrap();
    let numbers =
        [111_122_223_333, 444_455_556_666].map(|number| AccountId::from_number(number).unwrap());
    for account in [numbers[0], numbers[1], AccountId::DIRECTORY] {
        // Rows, revision and seal: byte for byte.
        assert_eq!(rows(&store, account).await, rows(&*world.store, account).await);
        // So is the log.
        let stored = iamd_store::AccountId(account.number());
        let log = store.read_records(stored, 0, 100).await.unwrap();
        assert_eq!(log, world.store.read_records(stored, 0, 100).await.unwrap());
    }
    let (before, after) =
        (rows(&*world.store, AccountId::KEYS).await, rows(&store, AccountId::KEYS).await);
    let gone: Vec<_> = before.rows.iter().filter(|row| !after.rows.contains(row)).collect();
    let new: Vec<_> = after.rows.iter().filter(|row| !before.rows.contains(row)).collect();
    assert_eq!((gone.len(), new.len()), (1, 1), "one session key for another");
    assert_eq!(gone[0].key.kind, new[0].key.kind);
    assert!(gone[0].key.id < new[0].key.id, "its number was never given out");
    drop(store);

    // It opens as any other folder does, also a second time.
    for _ in 0..2 {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(target.path()).unwrap());
        let node = Node::open(store, Arc::clone(&world.master), Quotas::default()).await.unwrap();
        assert_eq!(node.snapshot().state.accounts().count(), 2);
        node.close().await.unwrap();
    }
}

#[tokio::test]
async fn content_has_one_sum_however_often_it_is_sealed() {
    let world = world().await;
    let (one, two) = (world.backup().await, world.backup().await);
    assert_ne!(one, two);
    let (one, two) = (world.verify(one).await.unwrap(), world.verify(two).await.unwrap());
    assert_eq!(one.content_sha256, two.content_sha256);
}

/// Whoever has the key, or a program that writes wrong backups.
#[tokio::test]
async fn rows_that_are_missing_double_or_elsewhere_are_refused_although_every_chunk_opens() {
    let world = world().await;
    let backup = world.backup().await;
    let same = world.forged(&backup, |_, _| Forged::Times(1));
    assert_eq!(world.verify(same).await.unwrap(), world.verify(backup.clone()).await.unwrap());
    let items = {
        let count = std::cell::Cell::new(0);
        world.forged(&backup, |_, _| {
            count.set(count.get() + 1);
            Forged::Times(1)
        });
        count.get()
    };
    for place in 0..items {
        for times in [0, 2] {
            let forged = world.forged(&backup, |number, item| match item {
                // A file more or less is no lie about the accounts.
                Item::File { .. } => Forged::Times(1),
                _ if number == place => Forged::Times(times),
                _ => Forged::Times(1),
            });
            let is_file = place < 2;
            let outcome = world.verify(forged.clone()).await;
            assert_eq!(outcome.is_ok(), is_file, "item {place}, {times} times: {outcome:?}");
            if place % 5 == 3 {
                let target = tempfile::tempdir().unwrap();
                world.restore(forged, target.path()).await.unwrap_err();
                assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
            }
        }
    }
}

#[tokio::test]
async fn files_go_nowhere_but_to_their_places() {
    let world = world().await;
    let backup = world.backup().await;
    for name in
        ["../outside", "/tmp/outside", "master.key", "tls/../../outside", "anchor", "tls", ""]
    {
        let forged = world.forged(&backup, |number, _| match number {
            0 => Forged::Other(encoded(&Item::File { name, bytes: b"content" }).unwrap()),
            _ => Forged::Times(1),
        });
        let target = tempfile::tempdir().unwrap();
        let refused = world.restore(forged, target.path()).await.unwrap_err().to_string();
        assert!(refused.contains("holds a file"), "{name}: {refused}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn counts_that_are_not_those_of_the_content_are_refused() {
    let world = world().await;
    let backup = world.backup().await;
    let forged = world.forged(&backup, |_, item| match item {
        Item::End { counts, incarnation } => {
            let counts = Counts { claims: counts.claims + 1, ..*counts };
            Forged::Other(encoded(&Item::End { counts, incarnation: *incarnation }).unwrap())
        }
        _ => Forged::Times(1),
    });
    let refused = world.verify(forged).await.unwrap_err().to_string();
    assert!(refused.contains("lacks what it says"), "{refused}");
}

#[tokio::test]
async fn another_layout_is_refused_with_the_version_that_knows_it() {
    let world = world().await;
    let header = Header {
        version: "9.8.7".to_owned(),
        layout: LAYOUT + 1,
        created: 0,
        master_key: world.master.fingerprint(),
        salt: [0; 32],
    };
    let header = encoded(&header).unwrap();
    let head = |format: u32| {
        let length = (header.len() as u32).to_be_bytes();
        [&b"iamd backup\n"[..], &format.to_be_bytes(), &length, &header].concat()
    };
    for (format, what) in [(1, "layout 2"), (2, "format 2")] {
        let refused = world.verify(head(format)).await.unwrap_err().to_string();
        assert!(refused.contains(what) && refused.contains("iamd 9.8.7"), "{refused}");
    }
    let short = world.verify(b"iamd back".to_vec()).await.unwrap_err().to_string();
    assert!(short.contains("not a backup"), "{short}");
    let endless = [&b"iamd backup\n"[..], &[0, 0, 0, 1, 255, 255, 255, 255]].concat();
    let refused = world.verify(endless).await.unwrap_err().to_string();
    assert!(refused.contains("too long"), "{refused}");
}

#[tokio::test]
async fn another_master_key_is_refused_before_anything_is_made() {
    let world = world().await;
    let backup = world.backup().await;
    let target = tempfile::tempdir().unwrap();
    let folder = target.path().join("data");
    let other = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
    let (progress, _steps) = Progress::channel();
    let input = Box::new(Cursor::new(backup));
    let refused = restore(input, None, other, &folder, &progress).await.unwrap_err();
    assert!(refused.to_string().contains("fingerprint"), "{refused}");
    assert!(!folder.exists());
}

#[tokio::test]
async fn output_that_ends_early_ends_the_backup() {
    struct Short(usize);
    impl Write for Short {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let world = world().await;
    let (progress, _steps) = Progress::channel();
    for length in [0, 50, 1000] {
        let out = Box::new(Short(length));
        let refused = write(&world.node, world.folder.path(), &progress, out).await.unwrap_err();
        assert!(refused.to_string().contains("cannot be written"), "{refused}");
    }
}
