//! RSA public keys in the encoding of SSH and in PEM. Source: RFC 4253 section 6.6, RFC 4251 section 5
//! (numbers), RFC 5280 (SubjectPublicKeyInfo); IAM User Guide, "Use IAM with CodeCommit".

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::pem;

/// Shortest RSA key. IAM API Reference, UploadSSHPublicKey, `SSHPublicKeyBody`.
const KEY_BITS_MIN: usize = 2_048;
/// Longest RSA key. IAM API Reference, UploadSSHPublicKey, `SSHPublicKeyBody`.
const KEY_BITS_MAX: usize = 16_384;
const ALGORITHM: &str = "ssh-rsa";
const PEM_LABEL: &str = "PUBLIC KEY";

/// An RSA public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SshKey {
    exponent: Vec<u8>,
    modulus: Vec<u8>,
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAKey {
    /// It is in neither encoding.
    Unrecognized,
    /// It is in one of them, but no RSA key of a length that is allowed.
    Invalid,
}

/// In which encoding a key was uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `ssh-rsa AAAA...`
    Ssh,
    /// `-----BEGIN PUBLIC KEY-----`
    Pem,
}

impl SshKey {
    /// The key in a text, and how it is encoded there.
    pub(crate) fn read(text: &str) -> Result<(SshKey, Encoding), NotAKey> {
        let text = text.trim_ascii();
        let (key, encoding) = if text.starts_with("-----BEGIN ") {
            (SshKey::of_pem(text), Encoding::Pem)
        } else if text.split_ascii_whitespace().next() == Some(ALGORITHM) {
            (SshKey::of_ssh(text), Encoding::Ssh)
        } else {
            return Err(NotAKey::Unrecognized);
        };
        let key = key.filter(SshKey::is_allowed).ok_or(NotAKey::Invalid)?;
        Ok((key, encoding))
    }

    fn of_pem(text: &str) -> Option<SshKey> {
        let block = pem::block(text).filter(|block| block.label == PEM_LABEL)?;
        let (rest, info) = SubjectPublicKeyInfo::from_der(&block.bytes).ok()?;
        match info.parsed().ok()? {
            PublicKey::RSA(key) if rest.is_empty() => {
                Some(SshKey { exponent: unsigned(key.exponent)?, modulus: unsigned(key.modulus)? })
            }
            _ => None,
        }
    }

    /// One line: the algorithm, the key, and perhaps a comment.
    fn of_ssh(text: &str) -> Option<SshKey> {
        if text.contains(['\n', '\r']) {
            return None;
        }
        let bytes = STANDARD.decode(text.split_ascii_whitespace().nth(1)?).ok()?;
        let (algorithm, rest) = field(&bytes)?;
        let (exponent, rest) = field(rest)?;
        let (modulus, rest) = field(rest)?;
        let is_whole = algorithm == ALGORITHM.as_bytes() && rest.is_empty();
        let key = SshKey { exponent: unsigned(exponent)?, modulus: unsigned(modulus)? };
        // Another spelling of the same numbers would have another fingerprint.
        (is_whole && key.to_ssh_bytes() == bytes).then_some(key)
    }

    fn is_allowed(&self) -> bool {
        let leading = self.modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        let bits = self.modulus.len() * 8 - leading;
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let exponent_fits = self.exponent.len() <= 8 && self.exponent.as_slice() != [1];
        (KEY_BITS_MIN..=KEY_BITS_MAX).contains(&bits)
            && is_odd(&self.modulus)
            && is_odd(&self.exponent)
            && exponent_fits
    }

    /// The key as SSH writes it, without a comment.
    pub(crate) fn to_ssh(&self) -> String {
        format!("{ALGORITHM} {}", STANDARD.encode(self.to_ssh_bytes()))
    }

    /// The key in PEM; none if the library cannot write it.
    pub(crate) fn to_pem(&self) -> Option<String> {
        let components = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        let der: PublicKeyX509Der<'static> = components.as_der().ok()?;
        Some(pem::written(PEM_LABEL, der.as_ref()))
    }

    /// MD5 of the key as SSH encodes it, in hexadecimal digits with colons.
    pub(crate) fn fingerprint(&self) -> String {
        let digest = Md5::digest(self.to_ssh_bytes());
        let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        pairs.join(":")
    }

    fn to_ssh_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_field(&mut bytes, ALGORITHM.as_bytes());
        push_number(&mut bytes, &self.exponent);
        push_number(&mut bytes, &self.modulus);
        bytes
    }
}

/// A field with its length before it, and what is behind it.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn push_field(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(field);
}

/// A number is signed: a zero byte keeps one with a high first bit positive.
fn push_number(bytes: &mut Vec<u8>, number: &[u8]) {
    if number.first().is_some_and(|byte| byte & 0x80 != 0) {
        push_field(bytes, &[&[0], number].concat());
    } else {
        push_field(bytes, number);
    }
}

/// The digits of a positive number without leading zeros.
fn unsigned(number: &[u8]) -> Option<Vec<u8>> {
    if number.first().is_none_or(|byte| byte & 0x80 != 0) {
        return None;
    }
    let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    (!digits.is_empty()).then_some(digits)
}
