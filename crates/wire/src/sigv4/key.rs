//! Signing keys.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::Claim;
use super::canonical::Hash;
use super::claim::{ALGORITHM, TERMINATOR};
use crate::Secret;

/// Bytes of a signing key.
const KEY_LENGTH: usize = 32;

/// A signing key, ready to use: derived for one date, region and service.
///
/// Cheap to clone and to keep; it is wiped from memory when dropped, and cannot be printed.
#[derive(Clone)]
pub struct SigningKey {
    state: Hmac<Sha256>,
}

impl SigningKey {
    /// The key of a secret access key for a date (`YYYYMMDD`), a region and a service.
    ///
    /// Source: IAM User Guide, "Create a signed request", "Calculate the signature".
    pub fn derive(secret: &Secret, date: &str, region: &str, service: &str) -> SigningKey {
        SigningKey::from_bytes(&SigningKey::derive_bytes(secret, date, region, service))
    }

    /// The bytes of the same key, for whoever is to verify signatures of that date, region and
    /// service and must not know the secret.
    pub fn derive_bytes(
        secret: &Secret,
        date: &str,
        region: &str,
        service: &str,
    ) -> Zeroizing<[u8; KEY_LENGTH]> {
        let mut first = Vec::with_capacity(4 + secret.expose().len());
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.expose().as_bytes());
        let mut state = keyed(&first);
        first.zeroize();
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        for part in [date, region, service, TERMINATOR] {
            state.update(part.as_bytes());
            *key = state.finalize().into_bytes().into();
            state = keyed(&*key);
        }
        key
    }

    /// The key of these bytes.
    pub fn from_bytes(bytes: &[u8; KEY_LENGTH]) -> SigningKey {
        SigningKey { state: keyed(bytes) }
    }

    /// Whether the claim's signature is that of the canonical request with this hash, in constant
    /// time.
    pub(super) fn matches(&self, claim: &Claim<'_>, hash: &Hash) -> bool {
        let signature = self.sign(&string_to_sign(claim, hash));
        signature.ct_eq(claim.signature()).into()
    }

    /// The signature of a text in parts.
    pub(super) fn sign(&self, parts: &[&str]) -> [u8; 32] {
        let mut state = self.state.clone();
        for part in parts {
            state.update(part.as_bytes());
        }
        state.finalize().into_bytes().into()
    }
}

/// The string to sign, in parts.
///
/// Source: IAM User Guide, "Create a signed request", "Create a string to sign".
pub(super) fn string_to_sign<'t>(claim: &'t Claim<'_>, hash: &'t Hash) -> [&'t str; 7] {
    let (time, scope) = (claim.time_text(), claim.scope());
    [ALGORITHM, "\n", time, "\n", scope, "\n", hash.as_str()]
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(..)")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
