//! Keys at rest: a master key seals every row before it reaches the store.
//!
//! The master key lives in a file of its own (mode 0600), outside the database, so that a copy of
//! the database alone gives nobody a secret.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use iamd_core::account_id::AccountId;
use iamd_core::marker::MarkerKey;
use iamd_core::record::RecordKey;
use iamd_core::ring::SessionKeys;
use zeroize::Zeroizing;

use crate::entropy;
use crate::fault::Fault;

/// Name of the master key file in the data folder.
pub const MASTER_KEY_FILE: &str = "master.key";

const FILE_PREFIX: &str = "iamd-master-key-1 ";
const SEAL_FORMAT: u8 = 1;
const SALT_LENGTH: usize = 16;

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

    /// Reads the key file of a data folder.
    ///
    /// # Errors
    /// [`Fault::Folder`] that says what is wrong with the file; a missing one is never replaced.
    pub fn open(folder: &Path) -> Result<MasterKey, Fault> {
        let path = folder.join(MASTER_KEY_FILE);
        let file = File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Folder(format!(
                "the master key {} is missing, and without it the data beside it cannot be read; put the key file back from where you keep it",
                path.display()
            )),
            _ => Fault::Folder(format!(
                "the master key {} cannot be read: {error}",
                path.display()
            )),
        })?;
        read(file, &path)
    }

    /// Reads the key file of a folder that holds no data yet, or creates it.
    ///
    /// # Errors
    /// [`Fault::Folder`] that says what is wrong with the file or the folder.
    pub fn open_or_create(folder: &Path) -> Result<MasterKey, Fault> {
        let path = folder.join(MASTER_KEY_FILE);
        if path.exists() { MasterKey::open(folder) } else { create(&path) }
    }

    /// Everything that derives from the key.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the derivation fails, which it cannot.
    pub fn keyring(&self) -> Result<Keyring, Fault> {
        let root = Salt::new(HKDF_SHA256, b"iamd master key 1").extract(&*self.0);
        Ok(Keyring {
            rows: Salt::new(HKDF_SHA256, b"iamd rows 1").extract(&*derived(&root, b"rows")?),
            sessions: SessionKeys::new([(1, &*derived(&root, b"sessions")?)]),
            markers: MarkerKey::new(&*derived(&root, b"markers")?),
        })
    }
}

/// The keys of a running node.
#[derive(Debug)]
pub struct Keyring {
    rows: Prk,
    /// Keys of session tokens.
    pub sessions: SessionKeys,
    /// Key of pagination markers.
    pub markers: MarkerKey,
}

impl Keyring {
    /// Seals a row: only this account, kind and id open it again.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal(
        &self,
        account: AccountId,
        key: &RecordKey,
        row: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let salt = entropy::bytes::<SALT_LENGTH>()?;
        let mut content = Zeroizing::new(row);
        // One key per row and writing, so that the nonce is never used twice under one key.
        self.row_key(&salt)?
            .seal_in_place_append_tag(zero_nonce(), Aad::from(place(account, key)), &mut *content)
            .map_err(|_| Fault::Bug("a row cannot be sealed".to_owned()))?;
        let mut sealed = Vec::with_capacity(1 + SALT_LENGTH + content.len());
        sealed.push(SEAL_FORMAT);
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(&content);
        Ok(sealed)
    }

    /// Opens a row.
    ///
    /// # Errors
    /// [`Fault::Damaged`] that names the row, when it was altered, moved, or sealed by another key.
    pub fn open(
        &self,
        account: AccountId,
        key: &RecordKey,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.opened(account, key, sealed).ok_or_else(|| {
            Fault::Damaged(format!(
                "row {}/{} of account {account} was altered, or sealed with another master key; restore the folder or its {MASTER_KEY_FILE} from a backup",
                key.kind, key.id
            ))
        })
    }

    fn opened(
        &self,
        account: AccountId,
        key: &RecordKey,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (format, rest) = sealed.split_first()?;
        let (salt, content) = rest.split_at_checked(SALT_LENGTH)?;
        if *format != SEAL_FORMAT {
            return None;
        }
        let mut content = Zeroizing::new(content.to_vec());
        let aad = Aad::from(place(account, key));
        let length =
            self.row_key(salt).ok()?.open_in_place(zero_nonce(), aad, &mut content).ok()?.len();
        content.truncate(length);
        Some(content)
    }

    fn row_key(&self, salt: &[u8]) -> Result<LessSafeKey, Fault> {
        let key = derived(&self.rows, salt)?;
        let key = UnboundKey::new(&AES_256_GCM, &*key);
        key.map(LessSafeKey::new).map_err(|_| Fault::Bug("a row key cannot be made".to_owned()))
    }
}

fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Where a row belongs; injective, because the id comes last.
fn place(account: AccountId, key: &RecordKey) -> Vec<u8> {
    let mut place = Vec::with_capacity(10 + key.id.len());
    place.extend_from_slice(&account.number().to_be_bytes());
    place.extend_from_slice(&key.kind.to_be_bytes());
    place.extend_from_slice(key.id.as_bytes());
    place
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

fn derived(from: &Prk, purpose: &[u8]) -> Result<Zeroizing<[u8; 32]>, Fault> {
    let mut key = Zeroizing::new([0; 32]);
    let info = [purpose];
    let filled = from.expand(&info, KeyLength).and_then(|material| material.fill(&mut *key));
    filled.map_err(|_| Fault::Bug("a key cannot be derived".to_owned()))?;
    Ok(key)
}

fn read(mut file: File, path: &Path) -> Result<MasterKey, Fault> {
    let fault = |what: &str| Fault::Folder(format!("the master key {} {what}", path.display()));
    let metadata = file.metadata().map_err(|error| fault(&format!("cannot be read: {error}")))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(fault("can be read by others; make it private with `chmod 600`"));
    }
    let mut text = Zeroizing::new(String::new());
    let read = Read::by_ref(&mut file).take(1_024).read_to_string(&mut text);
    read.map_err(|error| fault(&format!("cannot be read: {error}")))?;
    let digits = text.strip_prefix(FILE_PREFIX).map(str::trim_end);
    let key = digits.and_then(from_hex).ok_or_else(|| fault("is not a key file of iamd"))?;
    Ok(MasterKey(key))
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

    fn key(kind: u16, id: &str) -> RecordKey {
        RecordKey { kind, id: id.to_owned() }
    }

    #[test]
    fn a_row_opens_only_in_its_place_and_only_unaltered() {
        let ring = MasterKey::fresh().unwrap().keyring().unwrap();
        let account = AccountId::from_number(7).unwrap();
        let sealed = ring.seal(account, &key(2, "AIDA"), b"secret".to_vec()).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(&**ring.open(account, &key(2, "AIDA"), &sealed).unwrap(), b"secret");
        let other = AccountId::from_number(8).unwrap();
        assert!(ring.open(other, &key(2, "AIDA"), &sealed).is_err());
        assert!(ring.open(account, &key(3, "AIDA"), &sealed).is_err());
        assert!(ring.open(account, &key(2, "AIDB"), &sealed).is_err());
        let other_ring = MasterKey::fresh().unwrap().keyring().unwrap();
        assert!(other_ring.open(account, &key(2, "AIDA"), &sealed).is_err());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(ring.open(account, &key(2, "AIDA"), &altered).is_err());
            assert!(ring.open(account, &key(2, "AIDA"), &sealed[..place]).is_err());
        }
    }

    #[test]
    fn the_key_file_is_private_and_never_replaced_beside_data() {
        let folder = tempfile::tempdir().unwrap();
        let created = MasterKey::open_or_create(folder.path()).unwrap();
        let path = folder.path().join(MASTER_KEY_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = MasterKey::open(folder.path()).unwrap();
        assert_eq!(*created.0, *read.0);

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let open = MasterKey::open(folder.path()).unwrap_err();
        assert!(open.to_string().contains("chmod 600"), "{open}");

        std::fs::remove_file(&path).unwrap();
        let missing = MasterKey::open(folder.path()).unwrap_err();
        assert!(missing.to_string().contains("is missing"), "{missing}");

        std::fs::write(&path, "something else").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let foreign = MasterKey::open(folder.path()).unwrap_err();
        assert!(foreign.to_string().contains("not a key file"), "{foreign}");
    }
}
