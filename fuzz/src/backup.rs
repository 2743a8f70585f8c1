//! Backup files.
//!
//! Input: a file; or, behind a byte 0, what the chunks of one hold, which are sealed then.

#[path = "../../crates/iamd/src/backup/format.rs"]
mod format;
#[path = "../../crates/iamd/src/backup/read.rs"]
mod read;
#[path = "../../crates/iamd/src/backup/stream.rs"]
mod stream;

use std::io::Cursor;

use format::{FORMAT, Header, Item, LAYOUT, MAGIC};
use read::Reader;
use stream::{Sealer, file_key};

use crate::keys::SealingKey;

pub(crate) fn run(input: &[u8]) {
    let master = SealingKey::master(&[7; 32]).expect("a key");
    match input.split_first() {
        Some((0, items)) => sealed(&master, items),
        _ => assert!(items(&master, input).is_none(), "a backup that nobody sealed is read"),
    }
}

/// How many items a file has, if all of it can be read.
fn items(master: &SealingKey, file: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(Box::new(Cursor::new(file.to_vec())), master).ok()?;
    for count in 1.. {
        if let Item::End { .. } = reader.next().ok()? {
            return Some(count);
        }
        assert!(reader.offset() <= file.len() as u64, "more was read than there is");
    }
    None
}

/// INVARIANT: a file that is cut off or altered is refused, whatever it holds.
fn sealed(master: &SealingKey, content: &[u8]) {
    let file = written(master, content).expect("memory takes it");
    let Some(count) = items(master, &file) else { return };
    assert!(count <= content.len() / 4, "items out of nothing");
    assert!(items(master, &file[..file.len() - 1]).is_none(), "a file that is cut off is read");
    let mut other = file.clone();
    let place = content.iter().map(|byte| usize::from(*byte)).sum::<usize>() % other.len();
    other[place] ^= 1;
    assert!(items(master, &other).is_none(), "a file that was altered is read");
    let stranger = SealingKey::master(&[8; 32]).expect("a key");
    assert!(items(&stranger, &file).is_none(), "another key opens it");
}

fn written(master: &SealingKey, content: &[u8]) -> Option<Vec<u8>> {
    let header = Header {
        version: "0.0.0".to_owned(),
        layout: LAYOUT,
        created: 0,
        master_key: master.fingerprint(),
        salt: [9; 32],
    };
    let header = format::encoded(&header).ok()?;
    let length = u32::try_from(header.len()).ok()?;
    let mut file = [&MAGIC[..], &FORMAT.to_be_bytes(), &length.to_be_bytes(), &header].concat();
    let key = file_key(master, &file).ok()?;
    let mut chunks = Vec::new();
    let mut sealer = Sealer::new(&mut chunks, key, file.len() as u64);
    sealer.write(content).ok()?;
    sealer.finish().ok()?;
    file.append(&mut chunks);
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(name: &str) -> Vec<u8> {
        let file = format!("{}/seeds/backup/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(file).unwrap()
    }

    /// A search that starts without items would hardly find one.
    #[test]
    fn the_seeds_hold_items() {
        let master = SealingKey::master(&[7; 32]).unwrap();
        let count = |name| items(&master, &written(&master, &seed(name)[1..]).unwrap());
        assert_eq!((count("end"), count("account")), (Some(1), Some(4)));
    }
}
