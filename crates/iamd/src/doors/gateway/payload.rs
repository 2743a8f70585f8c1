//! Bodies on their way to the store: handed on as they arrive, and proven before they end.
//!
//! What must prove itself is kept back by its last part until it has. If it fails, the connection
//! to the store is broken off before the store has all that it was told to expect.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use iamd_wire::form::FileReader;
use iamd_wire::route::S3Error;
use iamd_wire::sigv4::{ChunkError, ChunkHash, Chunks};
use subtle::ConstantTimeEq;
use tokio::time::Sleep;

use super::checksum::{self, Checksum};

/// How long the next piece of a body is waited for.
// CHOICE: as long as S3 waits for an idle connection, about.
const PIECE_TIME_MAX: Duration = Duration::from_secs(60);

/// Shortest part of a piece that is handed on without a copy, in bytes.
// CHOICE: a copy of a page costs about as much as sending it by itself.
const SHARED_LENGTH_MIN: usize = 4 * 1024;

/// What proves a body.
pub(super) enum Proof {
    /// Nothing: it declares itself unsigned.
    None,
    /// Its SHA-256.
    Hash {
        /// What it should be.
        expected: [u8; 32],
        /// Of what has arrived.
        hasher: digest::Context,
    },
    /// A signature with each chunk, or a checksum behind the last.
    Chunks(Box<Framed>),
    /// The boundary behind the file of a form.
    Form(Box<FormFile>),
}

/// The file of a form whose length was worked out from that of the form.
pub(super) struct FormFile {
    file: FileReader,
    promised: u64,
}

impl FormFile {
    /// A file that is to have this many bytes.
    pub(super) fn new(file: FileReader, promised: u64) -> FormFile {
        FormFile { file, promised }
    }

    /// Takes in the next bytes, and hands those of the file on. More than was promised never leaves,
    /// so that the store has less than all of it until the end.
    fn push(&mut self, bytes: &[u8], data: impl FnMut(&[u8])) -> Result<(), S3Error> {
        let pushed = self.file.push(bytes, data);
        let length = self.file.length();
        // Before what follows the file is looked at, so that it does not matter in which pieces it came.
        if length > self.promised || (self.file.is_over() && length < self.promised) {
            return Err(not_the_last());
        }
        pushed
    }

    fn end(&self) -> Result<(), S3Error> {
        self.file.finish()?;
        if self.file.length() == self.promised { Ok(()) } else { Err(not_the_last()) }
    }
}

/// SHA-256 of chunks, by what hashes whole bodies as well.
pub(super) struct Sha256(digest::Context);

impl Default for Sha256 {
    fn default() -> Sha256 {
        Sha256(digest::Context::new(&digest::SHA256))
    }
}

impl ChunkHash for Sha256 {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&mut self) -> [u8; 32] {
        let whole = std::mem::take(self).0.finish();
        // INVARIANT: a SHA-256 has 32 bytes; another one would prove nothing.
        whole.as_ref().try_into().unwrap_or_default()
    }
}

/// A body in chunks, and the checksum that it promises behind them.
pub(super) struct Framed {
    chunks: Chunks<Sha256>,
    checksum: Option<Checksum>,
}

impl Framed {
    pub(super) fn new(chunks: Chunks<Sha256>, checksum: Option<Checksum>) -> Framed {
        Framed { chunks, checksum }
    }

    /// Takes in the next bytes, and hands the data in them on.
    fn push(&mut self, bytes: &[u8], mut data: impl FnMut(&[u8])) -> Result<(), S3Error> {
        let Framed { chunks, checksum } = self;
        let taken = chunks.push(bytes, |part| {
            if let Some(checksum) = checksum {
                checksum.update(part);
            }
            data(part);
        });
        taken.map_err(of_chunk)
    }

    fn end(&self) -> Result<(), S3Error> {
        let trailers = self.chunks.finish().map_err(of_chunk)?;
        match &self.checksum {
            Some(checksum) => checksum.check(trailers),
            None if trailers.is_empty() => Ok(()),
            None => Err(checksum::malformed()),
        }
    }
}

impl Proof {
    /// A body with this SHA-256.
    pub(super) fn hash(expected: [u8; 32]) -> Proof {
        Proof::Hash { expected, hasher: digest::Context::new(&digest::SHA256) }
    }

    /// Proves a body that is there already; gives what it holds, without frames of chunks.
    ///
    /// # Errors
    /// S3's answer to a body that is another than was declared.
    pub(super) fn check_whole(mut self, body: &[u8]) -> Result<Option<Vec<u8>>, S3Error> {
        match &mut self {
            Proof::None => Ok(None),
            Proof::Hash { hasher, .. } => {
                hasher.update(body);
                self.end().map(|()| None)
            }
            Proof::Chunks(chunks) => {
                let mut data = Vec::with_capacity(body.len());
                chunks.push(body, |part| data.extend_from_slice(part))?;
                self.end().map(|()| Some(data))
            }
            Proof::Form(file) => {
                let mut data = Vec::with_capacity(body.len());
                file.push(body, |part| data.extend_from_slice(part))?;
                self.end().map(|()| Some(data))
            }
        }
    }

    fn end(&mut self) -> Result<(), S3Error> {
        match self {
            Proof::None => Ok(()),
            Proof::Hash { expected, hasher } => {
                let hash = hasher.clone().finish();
                let is_right = bool::from(hash.as_ref().ct_eq(&expected[..]));
                if is_right { Ok(()) } else { Err(wrong_hash()) }
            }
            Proof::Chunks(chunks) => chunks.end(),
            Proof::Form(file) => file.end(),
        }
    }
}

/// A body that proves itself.
pub(super) struct Proven {
    /// A piece that came before the rest.
    first: Option<Bytes>,
    body: Incoming,
    proof: Proof,
    /// Parts that have not left yet, in their order. The last may only leave once everything is proven.
    waiting: VecDeque<Bytes>,
    has_ended: bool,
    patience: Pin<Box<Sleep>>,
    outcome: BodyOutcome,
}

/// What became of a body, for whoever waits for the store's answer to it.
#[derive(Clone, Default)]
pub(super) struct BodyOutcome(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    problem: Option<S3Error>,
    received: u64,
    data: u64,
}

impl BodyOutcome {
    /// Why the body broke off; none if it did not.
    pub(super) fn problem(&self) -> Option<S3Error> {
        self.told().problem.clone()
    }

    /// How many bytes have arrived, frames of chunks included.
    pub(super) fn received(&self) -> u64 {
        self.told().received
    }

    /// How many bytes of data have arrived, without frames of chunks.
    pub(super) fn data(&self) -> u64 {
        self.told().data
    }

    /// A body has arrived whole: so many bytes, so many of them data.
    pub(super) fn arrived(&self, received: usize, data: usize) {
        let mut told = self.told();
        told.received += received as u64;
        told.data += data as u64;
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that broke off; [`BodyOutcome`] says why.
#[derive(Debug)]
pub(super) struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the body of the request broke off")
    }
}

impl std::error::Error for BrokenOff {}

impl Proven {
    pub(super) fn new(body: Incoming, proof: Proof, outcome: BodyOutcome) -> Proven {
        let patience = Box::pin(tokio::time::sleep(PIECE_TIME_MAX));
        let waiting = VecDeque::new();
        Proven { first: None, body, proof, waiting, has_ended: false, patience, outcome }
    }

    /// The same, of which this piece has come already.
    pub(super) fn after(self, first: Bytes) -> Proven {
        Proven { first: Some(first), ..self }
    }

    /// The next piece of the body.
    fn next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.body).poll_frame(context),
        }
    }

    fn broken(&mut self, problem: S3Error) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.waiting.clear();
        self.has_ended = true;
        self.outcome.told().problem = Some(problem);
        Poll::Ready(Some(Err(BrokenOff)))
    }

    /// Takes a piece in.
    fn take(&mut self, piece: Bytes) -> Result<(), S3Error> {
        let waiting = &mut self.waiting;
        let mut parts = Parts { piece: &piece, waiting, short: BytesMut::new(), length: 0 };
        match &mut self.proof {
            Proof::None => parts.add(&piece),
            Proof::Hash { hasher, .. } => {
                hasher.update(&piece);
                parts.add(&piece);
            }
            Proof::Chunks(chunks) => chunks.push(&piece, |part| parts.add(part))?,
            Proof::Form(file) => file.push(&piece, |part| parts.add(part))?,
        }
        self.outcome.told().data += parts.finish();
        Ok(())
    }

    /// What may leave now.
    fn leaving(&mut self) -> Option<Bytes> {
        let is_free = self.has_ended || matches!(self.proof, Proof::None) || self.waiting.len() > 1;
        is_free.then(|| self.waiting.pop_front()).flatten()
    }
}

/// Puts the parts of a piece where they wait to leave.
struct Parts<'p> {
    piece: &'p Bytes,
    waiting: &'p mut VecDeque<Bytes>,
    /// Short parts, one behind the other.
    short: BytesMut,
    length: u64,
}

impl Parts<'_> {
    /// Adds the next part: without a copy if it is long, else together with its neighbours, so that
    /// there are few of them however short they are.
    fn add(&mut self, part: &[u8]) {
        self.length += part.len() as u64;
        if part.len() < SHARED_LENGTH_MIN {
            return self.short.extend_from_slice(part);
        }
        self.add_short();
        self.waiting.push_back(shared(self.piece, part));
    }

    fn add_short(&mut self) {
        if !self.short.is_empty() {
            self.waiting.push_back(self.short.split().freeze());
        }
    }

    /// Says how many bytes there were.
    fn finish(mut self) -> u64 {
        self.add_short();
        self.length
    }
}

/// A part of a piece, in the same memory; a copy of what lies elsewhere.
fn shared(piece: &Bytes, part: &[u8]) -> Bytes {
    let start = part.as_ptr().addr().wrapping_sub(piece.as_ptr().addr());
    match start.checked_add(part.len()) {
        Some(end) if end <= piece.len() => piece.slice(start..end),
        Some(_) | None => Bytes::copy_from_slice(part),
    }
}

impl Body for Proven {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            if let Some(part) = self.leaving() {
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
            if self.has_ended {
                return Poll::Ready(None);
            }
            let Poll::Ready(frame) = self.next(context) else {
                if self.patience.as_mut().poll(context).is_ready() {
                    return self.broken(too_slow());
                }
                return Poll::Pending;
            };
            let deadline = tokio::time::Instant::now() + PIECE_TIME_MAX;
            self.patience.as_mut().reset(deadline);
            let taken = match frame {
                None => {
                    let proven = self.proof.end();
                    self.has_ended = proven.is_ok();
                    proven
                }
                Some(Err(_)) => Err(incomplete()),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.outcome.told().received += data.len() as u64;
                        self.take(data)
                    }
                    // Trailers of HTTP say nothing that was signed.
                    Err(_) => continue,
                },
            };
            if let Err(problem) = taken {
                return self.broken(problem);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_over = matches!(self.proof, Proof::None) && self.body.is_end_stream();
        self.waiting.is_empty() && (self.has_ended || is_over)
    }

    fn size_hint(&self) -> SizeHint {
        match self.proof {
            Proof::Chunks(_) | Proof::Form(_) => SizeHint::default(),
            Proof::None | Proof::Hash { .. } => self.body.size_hint(),
        }
    }
}

/// The answer to a body that has another hash than it said.
fn wrong_hash() -> S3Error {
    let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    S3Error::new("XAmzContentSHA256Mismatch", message)
}

fn of_chunk(error: ChunkError) -> S3Error {
    match error {
        ChunkError::WrongSignature => {
            let message = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
            S3Error::new("SignatureDoesNotMatch", message)
        }
        ChunkError::WrongLength | ChunkError::Incomplete => incomplete(),
        ChunkError::Malformed => S3Error::new("InvalidRequest", error.to_string()),
    }
}

/// The answer to a long form whose file has another length than it should: what follows it is not just
/// the end of the form.
fn not_the_last() -> S3Error {
    let message = "In a form of this length the file must be the last field, and the form must end with the end of a line.";
    S3Error::new("NotImplemented", message)
}

fn incomplete() -> S3Error {
    let message =
        "You did not provide the number of bytes specified by the Content-Length HTTP header.";
    S3Error::new("IncompleteBody", message)
}

fn too_slow() -> S3Error {
    let message = "Your socket connection to the server was not read from or written to within the timeout period.";
    S3Error::new("RequestTimeout", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits to leave after these parts of a piece, and how many bytes they have.
    fn waiting(piece: &Bytes, parts: &[&[u8]]) -> (VecDeque<Bytes>, u64) {
        let mut waiting = VecDeque::new();
        let short = BytesMut::new();
        let mut taken = Parts { piece, waiting: &mut waiting, short, length: 0 };
        parts.iter().for_each(|part| taken.add(part));
        let length = taken.finish();
        (waiting, length)
    }

    #[test]
    fn long_parts_are_not_copied_and_short_ones_are_few() {
        let piece: Bytes = (0..3 * SHARED_LENGTH_MIN).map(|place| place as u8).collect();
        let (short, rest) = piece.split_at(SHARED_LENGTH_MIN - 1);
        let shorts: Vec<&[u8]> = short.chunks(1).collect();
        let (parts, length) = waiting(&piece, &[&shorts[..], &[rest, &[]], &shorts[..]].concat());
        assert_eq!(parts, [short, rest, short]);
        assert_eq!(length, (piece.len() + short.len()) as u64);
        assert_eq!(parts[1].as_ptr(), rest.as_ptr());
        assert_eq!(waiting(&piece, &[&[], &[]]), (VecDeque::new(), 0));
    }

    #[test]
    fn what_lies_elsewhere_is_copied() {
        let piece = Bytes::from(vec![1; 2 * SHARED_LENGTH_MIN]);
        let other = vec![2; 2 * SHARED_LENGTH_MIN];
        for part in [&other[..], &other[1..]] {
            let (parts, length) = waiting(&piece, &[part]);
            assert_eq!((&parts[0][..], length), (part, part.len() as u64));
            assert_ne!(parts[0].as_ptr(), part.as_ptr());
        }
    }
}
