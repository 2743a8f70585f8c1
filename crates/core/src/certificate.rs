//! X.509 certificates in PEM: what of them iamd reads and checks. Source: RFC 5280; IAM User Guide,
//! "Manage server certificates in IAM"; IAM API Reference, UploadSigningCertificate.

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, KeyPair,
};
use iamd_wire::{Secret, Timestamp};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::pem;

/// Most certificates in a chain.
// CHOICE: AWS bounds the characters of a chain alone; each certificate costs a signature check.
const CHAIN_CERTIFICATES_MAX: usize = 32;
const LABEL: &str = "CERTIFICATE";

/// What is kept of a certificate that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    /// When it begins.
    pub(crate) not_before: Timestamp,
    /// When it ends.
    pub(crate) not_after: Timestamp,
}

impl Certificate {
    /// The one certificate in a text; none when the text is anything else.
    pub(crate) fn read(text: &str) -> Option<Certificate> {
        Certificate::of_block(&pem::block(text)?)
    }

    /// The certificates in a text, in their order.
    pub(crate) fn read_chain(text: &str) -> Option<Vec<Certificate>> {
        let blocks = pem::blocks(text, CHAIN_CERTIFICATES_MAX)?;
        blocks.iter().map(Certificate::of_block).collect()
    }

    fn of_block(block: &pem::Block<'_>) -> Option<Certificate> {
        if block.label != LABEL {
            return None;
        }
        let parsed = parsed(&block.bytes)?;
        let validity = parsed.validity();
        Some(Certificate {
            not_before: Timestamp::from_seconds(validity.not_before.timestamp()),
            not_after: Timestamp::from_seconds(validity.not_after.timestamp()),
            der: block.bytes.to_vec(),
        })
    }

    /// SHA-256 of the certificate, whatever its text looked like.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Whether it is in force at this time.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Whether `issuer` issued it: by name, and by signature.
    pub(crate) fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let (Some(own), Some(issuer)) = (parsed(&self.der), parsed(&issuer.der)) else {
            return false;
        };
        own.issuer().as_raw() == issuer.subject().as_raw()
            && own.verify_signature(Some(issuer.public_key())).is_ok()
    }

    /// Whether this is the key of the certificate.
    pub(crate) fn has_key(&self, key: &PublicHalf) -> bool {
        parsed(&self.der).is_some_and(|own| *own.public_key().subject_public_key.data == *key.0)
    }
}

/// Whether these bytes are a certificate whose key may verify signatures of an identity provider: RSA
/// of 1,024 to 8,192 bits, and no extension twice. Whether it is in force does not count.
///
/// Source: IAM User Guide, "Create a SAML identity provider in IAM".
pub(crate) fn verifies_assertions(der: &[u8]) -> bool {
    let Some(certificate) = parsed(der) else { return false };
    // CHOICE: no longer keys, whose checks take too long.
    let fits = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => (1_024..=8_192).contains(&key.key_size()),
        _ => false,
    };
    fits && certificate.extensions_map().is_ok()
}

/// INVARIANT: nothing stands behind the certificate.
fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    rest.is_empty().then_some(certificate)
}

/// The public half of a private key, as certificates hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicHalf(Vec<u8>);

impl PublicHalf {
    /// The public half of the one private key in a text, which must not be encrypted: RSA of at least
    /// 2,048 bits, or ECDSA on P-256, P-384 or P-521.
    pub(crate) fn of(private_key: &Secret) -> Option<PublicHalf> {
        let block = pem::block(private_key.expose())?;
        match block.label {
            "PRIVATE KEY" => rsa_half(rsa::KeyPair::from_pkcs8(&block.bytes).ok())
                .or_else(|| curve_half(|curve| EcdsaKeyPair::from_pkcs8(curve, &block.bytes).ok())),
            "RSA PRIVATE KEY" => rsa_half(rsa::KeyPair::from_der(&block.bytes).ok()),
            "EC PRIVATE KEY" => {
                curve_half(|curve| EcdsaKeyPair::from_private_key_der(curve, &block.bytes).ok())
            }
            _ => None,
        }
    }

    /// The same for RSA alone, which is what assertions are encrypted to.
    pub(crate) fn of_rsa(private_key: &Secret) -> Option<PublicHalf> {
        let block = pem::block(private_key.expose())?;
        match block.label {
            "PRIVATE KEY" => rsa_half(rsa::KeyPair::from_pkcs8(&block.bytes).ok()),
            "RSA PRIVATE KEY" => rsa_half(rsa::KeyPair::from_der(&block.bytes).ok()),
            _ => None,
        }
    }
}

fn rsa_half(pair: Option<rsa::KeyPair>) -> Option<PublicHalf> {
    Some(PublicHalf(pair?.public_key().as_ref().to_vec()))
}

fn curve_half(
    read: impl Fn(&'static aws_lc_rs::signature::EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair>,
) -> Option<PublicHalf> {
    let curves = [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    let pair = curves.into_iter().find_map(read)?;
    Some(PublicHalf(pair.public_key().as_ref().to_vec()))
}
