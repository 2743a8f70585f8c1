//! What one key does: it seals rows, the ledgers of accounts, and the records of their logs.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};
use aws_lc_rs::hmac;
use hkdf::Hkdf;
use iamd_core::account_id::AccountId;
use iamd_core::record::RecordKey;
use iamd_store::Revision;
use sha2::Sha256;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;
use zeroize::Zeroizing;

use super::{derived, zero_nonce};
use crate::entropy;
use crate::fault::Fault;

/// The number of this form of sealed bytes.
const FORMAT: u8 = 2;
const SALT_LENGTH: usize = 16;
/// Format, key version, row version, salt.
const HEADER_LENGTH: usize = 1 + 4 + 8 + SALT_LENGTH;

/// A key with what derives from it.
pub struct SealingKey {
    version: u32,
    rows: Hkdf<Sha256>,
    ledgers: Hkdf<Sha256>,
    backups: Hkdf<Sha256>,
    fingerprint: [u8; 8],
    records: Hkdf<Sha256>,
    /// For the lines of the audit trail.
    trail: hmac::Key,
    anchors: Hkdf<Sha256>,
    /// For the tags of rows in ledgers.
    tags: SipHasher24,
    /// For the marks by which ledgers know rows.
    marks: SipHasher24,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SealingKey({})", self.version)
    }
}

/// A row that was opened.
#[derive(Debug)]
pub struct SealedRow {
    /// Its content.
    pub content: Zeroizing<Vec<u8>>,
    /// The revision of its account that it was written with.
    pub version: Revision,
}

impl SealingKey {
    /// The key of this version and secret.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the derivation fails, which it cannot.
    pub fn new(version: u32, secret: &[u8; 32]) -> Result<SealingKey, Fault> {
        let root = Hkdf::<Sha256>::new(Some(b"iamd sealing key 2"), secret);
        let part = |purpose: &[u8]| -> Result<Hkdf<Sha256>, Fault> {
            Ok(Hkdf::new(Some(purpose), &*derived::<32>(&root, purpose)?))
        };
        Ok(SealingKey {
            version,
            rows: part(b"rows")?,
            ledgers: part(b"ledgers")?,
            backups: part(b"backups")?,
            fingerprint: *derived::<8>(&root, b"fingerprint")?,
            records: part(b"records")?,
            trail: hmac::Key::new(hmac::HMAC_SHA256, &*derived::<32>(&root, b"trail")?),
            anchors: part(b"anchors")?,
            tags: SipHasher24::new_with_key(&*derived::<16>(&root, b"tags")?),
            marks: SipHasher24::new_with_key(&*derived::<16>(&root, b"marks")?),
        })
    }

    /// The master key of this secret. It has a fingerprint in the place of a version: what it seals
    /// says which master key opens it, and nothing else of the key.
    ///
    /// # Errors
    /// [`Fault::Bug`] if the derivation fails, which it cannot.
    pub fn master(secret: &[u8; 32]) -> Result<SealingKey, Fault> {
        let root = Hkdf::<Sha256>::new(Some(b"iamd master key 1"), secret);
        let fingerprint = u32::from_be_bytes(*derived::<4>(&root, b"fingerprint")?);
        SealingKey::new(fingerprint, secret)
    }

    /// The key's version.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// What tells the key from others, and nothing else of it.
    pub fn fingerprint(&self) -> [u8; 8] {
        self.fingerprint
    }

    /// The key of the backup that has this context, which no other one has.
    ///
    /// # Errors
    /// [`Fault::Bug`], which does not happen.
    pub fn backup_key(&self, context: &[u8]) -> Result<LessSafeKey, Fault> {
        one_time_key(&self.backups, context)
            .ok_or_else(|| Fault::Bug("the key of a backup cannot be derived".to_owned()))
    }

    /// The key that authenticates the lines of the audit trail.
    pub fn trail(&self) -> &hmac::Key {
        &self.trail
    }

    /// Seals a row: it opens only under this account, kind and id, as of this revision.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal_row(
        &self,
        account: AccountId,
        key: &RecordKey,
        version: Revision,
        row: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let header = self.header(version)?;
        let place = place(account, key, &header);
        seal(&self.rows, &header, &place, row)
    }

    /// Opens a row; none if it was altered, moved or sealed by another key.
    pub fn open_row(
        &self,
        account: AccountId,
        key: &RecordKey,
        sealed: &[u8],
    ) -> Option<SealedRow> {
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let (content, version) = self.open_row_in(account, key, &mut sealed)?;
        let length = content.len();
        Some(SealedRow { content: without_header(sealed, length), version })
    }

    /// Opens a row where it stands: its content, and the revision it was written with.
    pub fn open_row_in<'s>(
        &self,
        account: AccountId,
        key: &RecordKey,
        sealed: &'s mut [u8],
    ) -> Option<(&'s [u8], Revision)> {
        let header: [u8; HEADER_LENGTH] = *sealed.first_chunk()?;
        let content = open_in(&self.rows, sealed, &place(account, key, &header))?;
        let version = header.get(5..13)?.try_into().ok()?;
        Some((content, Revision(u64::from_be_bytes(version))))
    }

    /// Seals what is said of an account as of a revision.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal_ledger(
        &self,
        account: AccountId,
        revision: Revision,
        content: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        let header = self.header(revision)?;
        let place = [&account.number().to_be_bytes()[..], &header].concat();
        seal(&self.ledgers, &header, &place, content)
    }

    /// Opens what was said of an account as of this revision; none if it was altered, moved, said of
    /// another revision or sealed by another key.
    pub fn open_ledger(
        &self,
        account: AccountId,
        revision: Revision,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let header = sealed.get(..HEADER_LENGTH)?;
        if header.get(5..13)? != revision.0.to_be_bytes() {
            return None;
        }
        let place = [&account.number().to_be_bytes()[..], header].concat();
        open(&self.ledgers, sealed, &place)
    }

    /// Seals a record: it opens only as the record of this number in this account's log.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal_record(
        &self,
        account: AccountId,
        number: u64,
        content: Vec<u8>,
    ) -> Result<Vec<u8>, Fault> {
        // What is a row's version is a record's number.
        let header = self.header(Revision(number))?;
        let place = [&account.number().to_be_bytes()[..], &header].concat();
        seal(&self.records, &header, &place, content)
    }

    /// Opens a record; none if it was altered, moved, has another number or another key.
    pub fn open_record(
        &self,
        account: AccountId,
        number: u64,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let header = sealed.get(..HEADER_LENGTH)?;
        if header.get(5..13)? != number.to_be_bytes() {
            return None;
        }
        let place = [&account.number().to_be_bytes()[..], header].concat();
        open(&self.records, sealed, &place)
    }

    /// Seals an anchor.
    ///
    /// # Errors
    /// [`Fault`] without entropy.
    pub fn seal_anchor(&self, content: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let header = self.header(Revision::ABSENT)?;
        seal(&self.anchors, &header, &header, content)
    }

    /// Opens an anchor; none if it was altered or sealed by another key.
    pub fn open_anchor(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.anchors, sealed, sealed.get(..HEADER_LENGTH)?)
    }

    /// A number that nobody without the key can foresee, for a row in one version.
    pub fn tag(&self, account: AccountId, key: &RecordKey, version: Revision) -> u128 {
        let mut hasher = self.tags;
        hasher.write(&version.0.to_be_bytes());
        write_place(&mut hasher, account, key);
        hasher.finish128().as_u128()
    }

    /// A number by which a row is known.
    pub fn mark(&self, account: AccountId, key: &RecordKey) -> u128 {
        let mut hasher = self.marks;
        write_place(&mut hasher, account, key);
        hasher.finish128().as_u128()
    }

    fn header(&self, version: Revision) -> Result<Vec<u8>, Fault> {
        let mut header = Vec::with_capacity(HEADER_LENGTH);
        header.push(FORMAT);
        header.extend_from_slice(&self.version.to_be_bytes());
        header.extend_from_slice(&version.0.to_be_bytes());
        header.extend_from_slice(&entropy::bytes::<SALT_LENGTH>()?);
        Ok(header)
    }
}

/// The version of the row in these bytes, which nothing proves; none if they have another form.
pub fn row_version(sealed: &[u8]) -> Option<Revision> {
    let version = sealed.get(5..13)?.try_into().ok()?;
    key_version(sealed).map(|_| Revision(u64::from_be_bytes(version)))
}

/// The version of the key that sealed these bytes; none if they have another form.
pub fn key_version(sealed: &[u8]) -> Option<u32> {
    let (format, rest) = sealed.split_first()?;
    let version = rest.first_chunk::<4>()?;
    (*format == FORMAT).then(|| u32::from_be_bytes(*version))
}

fn seal(
    from: &Hkdf<Sha256>,
    header: &[u8],
    place: &[u8],
    content: Vec<u8>,
) -> Result<Vec<u8>, Fault> {
    let mut content = Zeroizing::new(content);
    let salt = header.get(HEADER_LENGTH - SALT_LENGTH..).unwrap_or_default();
    one_time_key(from, salt)
        .and_then(|key| {
            key.seal_in_place_append_tag(zero_nonce(), Aad::from(place), &mut *content).ok()
        })
        .ok_or_else(|| Fault::Bug("a row cannot be sealed".to_owned()))?;
    // It is sealed now: nothing of it needs to be wiped.
    let content = std::mem::take(&mut *content);
    let mut sealed = Vec::with_capacity(header.len() + content.len());
    sealed.extend_from_slice(header);
    sealed.extend_from_slice(&content);
    Ok(sealed)
}

fn open(from: &Hkdf<Sha256>, sealed: &[u8], place: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let length = open_in(from, &mut sealed, place)?.len();
    Some(without_header(sealed, length))
}

/// What was opened where it stood, so many bytes, and nothing beside it.
fn without_header(mut opened: Zeroizing<Vec<u8>>, length: usize) -> Zeroizing<Vec<u8>> {
    opened.copy_within(HEADER_LENGTH..HEADER_LENGTH + length, 0);
    opened.truncate(length);
    opened
}

fn open_in<'s>(from: &Hkdf<Sha256>, sealed: &'s mut [u8], place: &[u8]) -> Option<&'s [u8]> {
    let (header, content) = sealed.split_at_mut_checked(HEADER_LENGTH)?;
    let key = one_time_key(from, header.get(HEADER_LENGTH - SALT_LENGTH..)?)?;
    let opened = key.open_in_place(zero_nonce(), Aad::from(place), content).ok()?;
    Some(opened)
}

fn one_time_key(from: &Hkdf<Sha256>, salt: &[u8]) -> Option<LessSafeKey> {
    let key = derived::<32>(from, salt).ok()?;
    UnboundKey::new(&AES_256_GCM, &*key).ok().map(LessSafeKey::new)
}

/// Where a row belongs, and its header; injective, because the id comes last.
fn place(account: AccountId, key: &RecordKey, header: &[u8]) -> Vec<u8> {
    let mut place = Vec::with_capacity(10 + header.len() + key.id.len());
    place.extend_from_slice(&account.number().to_be_bytes());
    place.extend_from_slice(&key.kind.to_be_bytes());
    place.extend_from_slice(header);
    place.extend_from_slice(key.id.as_bytes());
    place
}

fn write_place(hasher: &mut impl Hasher, account: AccountId, key: &RecordKey) {
    hasher.write(&account.number().to_be_bytes());
    hasher.write(&key.kind.to_be_bytes());
    hasher.write(key.id.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: u16, id: &str) -> RecordKey {
        RecordKey { kind, id: id.to_owned() }
    }

    fn opens(key: &SealingKey, account: AccountId, row: &RecordKey, sealed: &[u8]) -> bool {
        key.open_row(account, row, sealed).is_some()
    }

    #[test]
    fn a_row_opens_only_in_its_place_and_only_unaltered() {
        let ring = SealingKey::new(3, &[1; 32]).unwrap();
        let account = AccountId::from_number(7).unwrap();
        let row = key(2, "AIDA");
        let sealed = ring.seal_row(account, &row, Revision(9), b"secret".to_vec()).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let opened = ring.open_row(account, &row, &sealed).unwrap();
        assert_eq!((&**opened.content, opened.version), (&b"secret"[..], Revision(9)));
        assert_eq!(key_version(&sealed), Some(3));
        let other = AccountId::from_number(8).unwrap();
        assert!(!opens(&ring, other, &row, &sealed));
        assert!(!opens(&ring, account, &key(3, "AIDA"), &sealed));
        assert!(!opens(&ring, account, &key(2, "AIDB"), &sealed));
        assert!(!opens(&SealingKey::new(3, &[2; 32]).unwrap(), account, &row, &sealed));
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(!opens(&ring, account, &row, &altered), "{place}");
            assert!(!opens(&ring, account, &row, &sealed[..place]));
        }
    }

    #[test]
    fn a_ledger_opens_only_for_its_account_and_revision() {
        let ring = SealingKey::new(1, &[1; 32]).unwrap();
        let account = AccountId::from_number(7).unwrap();
        let sealed = ring.seal_ledger(account, Revision(9), b"content".to_vec()).unwrap();
        assert_eq!(&**ring.open_ledger(account, Revision(9), &sealed).unwrap(), b"content");
        assert!(ring.open_ledger(account, Revision(8), &sealed).is_none());
        assert!(ring.open_ledger(AccountId::DIRECTORY, Revision(9), &sealed).is_none());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(ring.open_ledger(account, Revision(9), &altered).is_none());
        }
        // A ledger is no row, and a row no ledger.
        let row = key(2, "");
        assert!(ring.open_row(account, &row, &sealed).is_none());
    }

    #[test]
    fn tags_and_marks_tell_rows_and_versions_apart() {
        let ring = SealingKey::new(1, &[1; 32]).unwrap();
        let account = AccountId::from_number(7).unwrap();
        let tag = ring.tag(account, &key(2, "a"), Revision(1));
        assert_eq!(tag, ring.tag(account, &key(2, "a"), Revision(1)));
        assert_ne!(tag, ring.tag(account, &key(2, "a"), Revision(2)));
        assert_ne!(tag, ring.tag(account, &key(2, "b"), Revision(1)));
        assert_ne!(tag, ring.tag(account, &key(3, "a"), Revision(1)));
        assert_ne!(
            tag,
            SealingKey::new(1, &[2; 32]).unwrap().tag(account, &key(2, "a"), Revision(1))
        );
        assert_ne!(ring.mark(account, &key(2, "a")), ring.mark(account, &key(2, "b")));
    }
}
