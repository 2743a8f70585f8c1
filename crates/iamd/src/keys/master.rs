//! The master key, in a file of its own (mode 0600), outside of the database.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use iamd_wire::Secret;
use zeroize::Zeroizing;

use super::sealing::SealingKey;
use crate::entropy;
use crate::fault::Fault;

/// Name of the master key file in the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";

/// Longest text that is looked at for a key, in bytes.
pub(super) const TEXT_LENGTH_MAX: u64 = 1_024;

const FILE_PREFIX: &str = "iamd-master-key-1 ";

/// The key from which all others of a server derive.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MasterKey(..)")
    }
}

impl MasterKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] without entropy.
    pub fn fresh() -> Result<MasterKey, Fault> {
        Ok(MasterKey(Zeroizing::new(entropy::bytes()?)))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`Fault::Folder`] that says what is wrong with the file; a missing one is never replaced.
    pub fn open(path: &Path) -> Result<MasterKey, Fault> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Folder(format!(
                "the master key {} is missing, and without it the data cannot be read; put the key file back from where you keep it",
                path.display()
            )),
            _ => Fault::Folder(format!(
                "the master key {} cannot be read: {error}",
                path.display()
            )),
        })?;
        read(file, path)
    }

    /// Reads the key file of data that is yet to be written, or creates it.
    ///
    /// # Errors
    /// [`Fault::Folder`] that says what is wrong with the file or its folder.
    pub fn open_or_create(path: &Path) -> Result<MasterKey, Fault> {
        if path.exists() { MasterKey::open(path) } else { create(path) }
    }

    /// The key in 64 hexadecimal digits, for the way to a node.
    pub fn digits(&self) -> Secret {
        let mut digits = String::with_capacity(64);
        self.0.iter().for_each(|byte| digits.push_str(&format!("{byte:02x}")));
        Secret::from(digits)
    }

    /// The key of 64 hexadecimal digits.
    pub fn from_digits(digits: &Secret) -> Option<MasterKey> {
        from_hex(digits.expose()).map(MasterKey)
    }

    #[cfg(test)]
    pub(super) fn is_same(&self, other: &MasterKey) -> bool {
        *self.0 == *other.0
    }

    /// What the key seals with.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the derivation fails, which it cannot.
    pub fn sealing(&self) -> Result<SealingKey, Fault> {
        SealingKey::master(&self.0)
    }
}

fn read(mut file: File, path: &Path) -> Result<MasterKey, Fault> {
    let fault = |what: &str| Fault::Folder(format!("the master key {} {what}", path.display()));
    let metadata = file.metadata().map_err(|error| fault(&format!("cannot be read: {error}")))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(fault("can be read by others; make it private with `chmod 600`"));
    }
    let mut text = Zeroizing::new(String::new());
    let read = Read::by_ref(&mut file).take(TEXT_LENGTH_MAX).read_to_string(&mut text);
    read.map_err(|error| fault(&format!("cannot be read: {error}")))?;
    from_text(&text).ok_or_else(|| fault("is not a key file of iamd"))
}

/// The key in a text: 64 hexadecimal digits, perhaps behind the words that key files begin with.
pub(super) fn from_text(text: &str) -> Option<MasterKey> {
    let text = text.trim_end();
    from_hex(text.strip_prefix(FILE_PREFIX).unwrap_or(text)).map(MasterKey)
}

/// Writes the key and syncs file and folder before anything is sealed with it.
///
/// The file appears whole or not at all, and never in the place of another.
fn create(path: &Path) -> Result<MasterKey, Fault> {
    let key = MasterKey::fresh()?;
    let mut text = Zeroizing::new(FILE_PREFIX.to_owned());
    key.0.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
    text.push('\n');
    let unfinished = path.with_extension(format!("key.{}", std::process::id()));
    let write = || {
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::hard_link(&unfinished, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    let written = write();
    let _ = std::fs::remove_file(&unfinished);
    match written {
        Ok(()) => Ok(key),
        // Another process was faster; whoever gets the lock of the folder goes on with its key.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = File::open(path).map_err(|error| unwritable(path, &error))?;
            read(file, path)
        }
        Err(error) => Err(unwritable(path, &error)),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Folder(format!("the master key {} cannot be written: {error}", path.display()))
}

fn from_hex(digits: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_file_is_private_and_never_replaced_beside_data() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MASTER_KEY_FILE);
        let created = MasterKey::open_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = MasterKey::open(&path).unwrap();
        assert_eq!(*created.0, *read.0);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = MasterKey::open(&path).unwrap_err();
        assert!(open.to_string().contains("chmod 600"), "{open}");

        std::fs::remove_file(&path).unwrap();
        let missing = MasterKey::open(&path).unwrap_err();
        assert!(missing.to_string().contains("is missing"), "{missing}");

        std::fs::write(&path, "something else").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let foreign = MasterKey::open(&path).unwrap_err();
        assert!(foreign.to_string().contains("not a key file"), "{foreign}");
    }
}
