//! Bodies in chunks: their frames, signatures and trailers.
//!
//! Data is handed on as it arrives, and each chunk is proven at its end. Whoever hands it on keeps
//! the last piece back until [`Chunks::finish`] has said that all of it is proven.
//! Source: S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
//! Payload in Multiple Chunks", and "... with trailing headers".

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::canonical::Hash;
use super::{Claim, HASH_OF_NOTHING, Payload, SigningKey};

/// Longest line before a chunk, in bytes: a length, `;chunk-signature=` and 64 digits.
const HEAD_LENGTH_MAX: usize = 128;
/// Longest trailers, in bytes.
// CHOICE: a checksum and a signature have a tenth of it.
const TRAILERS_LENGTH_MAX: usize = 2 * 1024;
/// What ends a line.
const LINE_END: &[u8] = b"\r\n";
/// What stands before the signature of a chunk.
const EXTENSION: &str = "chunk-signature=";
/// The trailer that signs the others.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// What is wrong with a body in chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkError {
    /// Its frames are malformed.
    Malformed,
    /// A chunk or the trailers have another signature.
    WrongSignature,
    /// It is longer or shorter than it said.
    WrongLength,
    /// It ended too early.
    Incomplete,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            ChunkError::Malformed => "the frames of the chunks are malformed",
            ChunkError::WrongSignature => "the signature of a chunk or of the trailers is wrong",
            ChunkError::WrongLength => "the body has another length than it says",
            ChunkError::Incomplete => "the body ended before its last chunk",
        })
    }
}

impl std::error::Error for ChunkError {}

/// SHA-256 of bytes that arrive in pieces. Whoever has a faster implementation brings it along: of a long
/// body it is most of the work.
pub trait ChunkHash: Default {
    /// Takes in the next bytes.
    fn update(&mut self, bytes: &[u8]);

    /// The hash of all of them; what comes after it begins anew.
    fn finish(&mut self) -> [u8; 32];
}

impl ChunkHash for Sha256 {
    fn update(&mut self, bytes: &[u8]) {
        Digest::update(self, bytes);
    }

    fn finish(&mut self) -> [u8; 32] {
        self.finalize_reset().into()
    }
}

/// Reads a body in chunks, as it arrives; `H` hashes them.
pub struct Chunks<H> {
    signer: Option<Signer>,
    /// Of the data of the present chunk, where chunks are signed.
    hash: H,
    has_trailer: bool,
    /// Bytes of data that are still to come.
    left: u64,
    state: State,
    trailers: Vec<(String, String)>,
}

enum State {
    /// The line before a chunk.
    Head(Vec<u8>),
    /// Data of a chunk of which so much is left.
    Data { left: u64, signature: [u8; 32] },
    /// The end of line after the data; so much of it is there.
    AfterData { seen: usize },
    /// Lines after the last chunk.
    Trailers(Vec<u8>),
    /// Everything is there and proven.
    Done,
    /// Something was wrong.
    Failed(ChunkError),
}

/// What chunks are signed with.
struct Signer {
    key: SigningKey,
    time: String,
    scope: String,
    previous: [u8; 32],
}

impl<H: ChunkHash> Chunks<H> {
    /// A reader of a body that is sent in chunks; none for one that is not. The claim must have been
    /// verified with this key.
    pub fn new(payload: Payload, claim: &Claim<'_>, key: &SigningKey) -> Option<Chunks<H>> {
        let (signer, has_trailer, left) = match payload {
            Payload::Hash(_) | Payload::Unsigned => return None,
            Payload::UnsignedChunks { decoded_length } => (None, true, decoded_length),
            Payload::SignedChunks { has_trailer, decoded_length } => {
                let signer = Signer {
                    key: key.clone(),
                    time: claim.time_text().to_owned(),
                    scope: claim.scope().to_owned(),
                    previous: *claim.signature(),
                };
                (Some(signer), has_trailer, decoded_length)
            }
        };
        let state = State::Head(Vec::new());
        let hash = H::default();
        Some(Chunks { signer, hash, has_trailer, left, state, trailers: Vec::new() })
    }

    /// Takes in the next bytes of the body, and hands the data in them on, in order.
    ///
    /// # Errors
    /// [`ChunkError`]; nothing more is taken in after it.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<(), ChunkError> {
        while !bytes.is_empty() {
            match self.step(bytes, &mut data) {
                Ok(used) => bytes = bytes.get(used..).unwrap_or_default(),
                Err(error) => {
                    self.state = State::Failed(error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Says that the body has ended, and gives its trailers, without their signature.
    ///
    /// # Errors
    /// [`ChunkError`] if not all of it is there and proven.
    pub fn finish(&self) -> Result<&[(String, String)], ChunkError> {
        match self.state {
            State::Done => Ok(&self.trailers),
            State::Failed(error) => Err(error),
            State::Head(_) | State::Data { .. } | State::AfterData { .. } | State::Trailers(_) => {
                Err(ChunkError::Incomplete)
            }
        }
    }

    /// Takes in at least one byte; gives how many.
    fn step(&mut self, bytes: &[u8], data: &mut impl FnMut(&[u8])) -> Result<usize, ChunkError> {
        match &mut self.state {
            State::Head(line) => {
                let Some(used) = take_line(line, bytes, HEAD_LENGTH_MAX)? else {
                    return Ok(bytes.len());
                };
                let line = std::mem::take(line);
                self.begin(&line)?;
                Ok(used)
            }
            State::Data { left, signature } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let piece = bytes.get(..length).unwrap_or_default();
                if self.signer.is_some() {
                    self.hash.update(piece);
                }
                data(piece);
                *left -= length as u64;
                if *left == 0 {
                    let signature = *signature;
                    self.prove(signature)?;
                    self.state = State::AfterData { seen: 0 };
                }
                Ok(length)
            }
            State::AfterData { seen } => {
                if bytes.first() != b"\r\n".get(*seen) {
                    return Err(ChunkError::Malformed);
                }
                *seen += 1;
                if *seen == 2 {
                    self.state = State::Head(Vec::new());
                }
                Ok(1)
            }
            State::Trailers(lines) => {
                let used = take_trailers(lines, bytes)?;
                if is_end_of_trailers(lines) {
                    let lines = std::mem::take(lines);
                    self.end(&lines)?;
                    self.state = State::Done;
                }
                Ok(used)
            }
            State::Done => Err(ChunkError::Malformed),
            State::Failed(error) => Err(*error),
        }
    }

    /// Reads the line before a chunk. One of length 0 is the last.
    fn begin(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = std::str::from_utf8(line).map_err(|_| ChunkError::Malformed)?;
        let (length, signature) = match (line.split_once(';'), &self.signer) {
            (Some((length, extension)), Some(_)) => {
                let digits = extension.strip_prefix(EXTENSION).ok_or(ChunkError::Malformed)?;
                (length, signature(digits)?)
            }
            (None, None) => (line, [0; 32]),
            (Some(_), None) | (None, Some(_)) => return Err(ChunkError::Malformed),
        };
        let is_number =
            (1..=16).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_hexdigit());
        let length = u64::from_str_radix(length, 16).ok().filter(|_| is_number);
        let length = length.ok_or(ChunkError::Malformed)?;
        self.left = self.left.checked_sub(length).ok_or(ChunkError::WrongLength)?;
        if length > 0 {
            self.state = State::Data { left: length, signature };
            return Ok(());
        }
        if self.left > 0 {
            return Err(ChunkError::WrongLength);
        }
        self.prove(signature)?;
        self.state = State::Trailers(Vec::new());
        Ok(())
    }

    /// Proves a chunk; where chunks are not signed, there is nothing to prove.
    fn prove(&mut self, signature: [u8; 32]) -> Result<(), ChunkError> {
        let Some(signer) = &mut self.signer else { return Ok(()) };
        let hash = Hash::from_digest(self.hash.finish());
        // It stands for headers that chunks could have.
        let nothing = Hash::from_digest(HASH_OF_NOTHING);
        signer.prove("AWS4-HMAC-SHA256-PAYLOAD", &[nothing.as_str(), hash.as_str()], signature)
    }

    /// Reads the lines after the last chunk.
    fn end(&mut self, lines: &[u8]) -> Result<(), ChunkError> {
        let text = std::str::from_utf8(lines).map_err(|_| ChunkError::Malformed)?;
        let mut signed = String::new();
        let mut proof = None;
        for line in text.split("\r\n").filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(ChunkError::Malformed)?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let is_known = self.trailers.iter().any(|(known, _)| *known == name);
            // The signature is the last line.
            if !is_name || is_known || proof.is_some() {
                return Err(ChunkError::Malformed);
            }
            if name == TRAILER_SIGNATURE {
                proof = Some(signature(value)?);
                continue;
            }
            signed.extend([name.as_str(), ":", value, "\n"]);
            self.trailers.push((name, value.to_owned()));
        }
        if !self.has_trailer && !text.replace("\r\n", "").is_empty() {
            return Err(ChunkError::Malformed);
        }
        match (&mut self.signer, proof) {
            (Some(signer), Some(proof)) if self.has_trailer => {
                let hash = Hash::of(signed.as_bytes());
                signer.prove("AWS4-HMAC-SHA256-TRAILER", &[hash.as_str()], proof)
            }
            (Some(_), None) if self.has_trailer => Err(ChunkError::WrongSignature),
            (None, Some(_)) => Err(ChunkError::Malformed),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

impl Signer {
    /// Compares a signature with that of what it should cover, in constant time; it is what the next
    /// one covers.
    fn prove(
        &mut self,
        algorithm: &str,
        hashes: &[&str],
        signature: [u8; 32],
    ) -> Result<(), ChunkError> {
        let previous = Hash::from_digest(self.previous);
        let mut parts =
            vec![algorithm, "\n", &self.time, "\n", &self.scope, "\n", previous.as_str()];
        for hash in hashes {
            parts.extend(["\n", hash]);
        }
        if !bool::from(self.key.sign(&parts).ct_eq(&signature)) {
            return Err(ChunkError::WrongSignature);
        }
        self.previous = signature;
        Ok(())
    }
}

/// Adds bytes to a line up to and including its end, which is not kept. Gives how many were used;
/// none if the end is still to come.
fn take_line(
    line: &mut Vec<u8>,
    bytes: &[u8],
    length_max: usize,
) -> Result<Option<usize>, ChunkError> {
    let mut used = 0;
    loop {
        let rest = bytes.get(used..).unwrap_or_default();
        let end = memchr::memchr(b'\n', rest).map(|place| place + 1);
        let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if line.len() + part.len() > length_max + LINE_END.len() {
            return Err(ChunkError::Malformed);
        }
        line.extend_from_slice(part);
        used += part.len();
        match end {
            None => return Ok(None),
            Some(_) if line.ends_with(LINE_END) => {
                line.truncate(line.len() - LINE_END.len());
                return Ok(Some(used));
            }
            Some(_) => {}
        }
    }
}

/// Adds bytes up to the empty line. Gives how many were used.
fn take_trailers(lines: &mut Vec<u8>, bytes: &[u8]) -> Result<usize, ChunkError> {
    for (place, byte) in bytes.iter().enumerate() {
        lines.push(*byte);
        if is_end_of_trailers(lines) {
            return Ok(place + 1);
        }
        if lines.len() > TRAILERS_LENGTH_MAX {
            return Err(ChunkError::Malformed);
        }
    }
    Ok(bytes.len())
}

fn is_end_of_trailers(lines: &[u8]) -> bool {
    lines == b"\r\n" || lines.ends_with(b"\r\n\r\n")
}

fn signature(digits: &str) -> Result<[u8; 32], ChunkError> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let mut signature = [0; 32];
    if pairs.len() != signature.len() || !rest.is_empty() {
        return Err(ChunkError::Malformed);
    }
    for (byte, [high, low]) in signature.iter_mut().zip(pairs) {
        let digits = digit(*high).zip(digit(*low)).ok_or(ChunkError::Malformed)?;
        *byte = digits.0 * 16 + digits.1;
    }
    Ok(signature)
}

/// The value of a lower-case hexadecimal digit.
pub(super) fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
