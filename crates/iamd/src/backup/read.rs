//! Reading a backup, item by item.

use std::io::{BufRead, Read};

use iamd_wire::Timestamp;
use zeroize::Zeroizing;

use super::format::{
    AnyHeader, FORMAT, HEADER_LENGTH_MAX, Header, ITEM_LENGTH_MAX, Item, LAYOUT, MAGIC, hexadecimal,
};
use super::stream::{Opener, file_key, unreadable};
use crate::fault::Fault;
use crate::keys::SealingKey;

/// A backup that is being read.
pub(super) struct Reader {
    pub(super) header: Header,
    opener: Opener<Box<dyn BufRead + Send>>,
    item: Zeroizing<Vec<u8>>,
}

impl Reader {
    /// Reads what comes before the chunks.
    ///
    /// # Errors
    /// [`Fault::Refused`] when it is no backup, one of a newer iamd, or under another master key.
    pub(super) fn new(
        mut input: Box<dyn BufRead + Send>,
        master: &SealingKey,
    ) -> Result<Reader, Fault> {
        let mut head = vec![0; MAGIC.len() + 8];
        read_exact(&mut input, &mut head)?;
        let (magic, numbers) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(refused("this is not a backup of iamd"));
        }
        let (format, length) = numbers.split_at(4);
        let (format, length) = (number(format), number(length) as usize);
        if length > HEADER_LENGTH_MAX {
            return Err(refused("the header of the backup is too long: it was altered"));
        }
        let mut encoded = vec![0; length];
        read_exact(&mut input, &mut encoded)?;
        let header = header(format, &encoded)?;
        let (wanted, given) = (header.master_key, master.fingerprint());
        if wanted != given {
            return Err(Fault::Refused(format!(
                "the backup was made under the master key with the fingerprint {}, and the one given has {}; \
                 give the right one (`--set master_key=file:PATH`); nothing was changed",
                hexadecimal(&wanted),
                hexadecimal(&given)
            )));
        }
        head.extend_from_slice(&encoded);
        let opener = Opener::new(input, file_key(master, &head)?, head.len() as u64);
        Ok(Reader { header, opener, item: Zeroizing::new(Vec::new()) })
    }

    /// When it was made, in UTC.
    pub(super) fn created(&self) -> String {
        Timestamp::from_seconds(self.header.created).to_string()
    }

    /// Bytes of the file that were read.
    pub(super) fn offset(&self) -> u64 {
        self.opener.offset()
    }

    /// The next item. After the last there is nothing more to be asked for.
    ///
    /// # Errors
    /// [`Fault::Refused`] that names the chunk that is not what was written.
    pub(super) fn next(&mut self) -> Result<Item<'_>, Fault> {
        let mut length = [0; 4];
        self.opener.read(&mut length)?;
        let length = u32::from_be_bytes(length) as usize;
        if length > ITEM_LENGTH_MAX {
            return Err(refused("an item of the backup is longer than any can be"));
        }
        self.item.clear();
        self.item.resize(length, 0);
        self.opener.read(&mut self.item)?;
        let version = &self.header.version;
        let item: Item<'_> = minicbor::decode(&self.item).map_err(|error| {
            Fault::Refused(format!(
                "the backup, made by iamd {version}, has an item that cannot be read: {error}"
            ))
        })?;
        if matches!(item, Item::End { .. }) && !self.opener.is_at_end() {
            return Err(refused("the backup goes on behind its end"));
        }
        Ok(item)
    }
}

/// The header, if this iamd knows the form of everything.
fn header(format: u32, encoded: &[u8]) -> Result<Header, Fault> {
    if format != FORMAT {
        let by: Option<AnyHeader> = minicbor::decode(encoded).ok();
        let version = by.and_then(|header| header.version);
        return Err(newer(version.as_deref(), "format", format, FORMAT));
    }
    let header: Header = minicbor::decode(encoded)
        .map_err(|error| Fault::Refused(format!("the header cannot be read: {error}")))?;
    if header.layout != LAYOUT {
        return Err(newer(Some(&header.version), "layout", header.layout, LAYOUT));
    }
    Ok(header)
}

fn newer(version: Option<&str>, what: &str, found: u32, known: u32) -> Fault {
    // The version is not proven yet: only what a version looks like is repeated.
    let is_plain = |text: &&str| {
        let is_of_versions = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
        text.len() <= 32 && text.bytes().all(is_of_versions)
    };
    let version = version.filter(is_plain).unwrap_or("another version");
    Fault::Refused(format!(
        "the backup has {what} {found} and was made by iamd {version}; this is iamd {}, which knows {what} {known}; \
         restore it with iamd {version}; nothing was changed",
        env!("CARGO_PKG_VERSION")
    ))
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn read_exact(input: &mut impl Read, bytes: &mut [u8]) -> Result<(), Fault> {
    input.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            refused("this is not a backup of iamd, or only its beginning")
        }
        _ => unreadable(&error),
    })
}

fn refused(text: &str) -> Fault {
    Fault::Refused(text.to_owned())
}
