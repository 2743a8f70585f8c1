//! Reading bodies of requests from clients whom nobody knows yet: bounded in length, in time, and
//! in the memory of all together.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::config::BodySettings;

/// Longest body that counts as small, in bytes.
// CHOICE: all requests but those with server certificates are shorter.
const SMALL_LENGTH: usize = 64 * 1024;

/// How long a refused body is still read, and how many bytes of it.
// CHOICE: what is on its way anyhow.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);
const DRAIN_LENGTH_MAX: usize = 4 * 1024 * 1024;

/// Memory for bodies.
pub struct Bodies {
    settings: BodySettings,
    /// For small bodies.
    small: Semaphore,
    /// For the others, which can use up this alone.
    large: Semaphore,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyProblem {
    /// It is longer than this, in bytes.
    TooLarge(usize),
    /// The client broke off.
    Aborted,
    /// It came too slowly.
    TooSlow,
    /// There is no memory for it now.
    NoMemory,
}

/// A body, with the memory that it takes for as long as this lives.
pub struct Held<'a> {
    /// The body.
    pub bytes: Bytes,
    _memory: Memory<'a>,
}

/// A body that is read a piece at a time, with the memory for what is kept of it.
pub struct Pieces<'a> {
    bodies: &'a Bodies,
    _memory: Memory<'a>,
    received: usize,
    start: Instant,
}

impl Pieces<'_> {
    /// The next piece; none at the end.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn next<B>(&mut self, body: &mut B) -> Result<Option<Bytes>, BodyProblem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let piece = self.bodies.piece(body, self.received, self.start).await?;
        self.received += piece.as_ref().map_or(0, Bytes::len);
        Ok(piece)
    }
}

impl Bodies {
    /// Memory as the settings say.
    pub fn new(settings: &BodySettings) -> Bodies {
        let total = usize::try_from(settings.memory_bytes_max).unwrap_or(usize::MAX);
        let total = total.min(Semaphore::MAX_PERMITS);
        Bodies {
            settings: settings.clone(),
            small: Semaphore::new(total / 4),
            large: Semaphore::new(total - total / 4),
        }
    }

    /// Longest body, in bytes.
    pub fn length_max(&self) -> usize {
        self.settings.bytes_max as usize
    }

    /// Reads a body of at most `length_max` bytes.
    ///
    /// # Errors
    /// Why there is none; nothing more of the connection may be read then.
    pub async fn whole<B>(&self, body: &mut B, length_max: usize) -> Result<Held<'_>, BodyProblem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        if body.size_hint().lower() > length_max as u64 {
            return Err(BodyProblem::TooLarge(length_max));
        }
        let is_large = body.size_hint().lower() > SMALL_LENGTH as u64;
        let mut memory = Memory { bodies: self, is_large, held: None, length: 0 };
        let start = Instant::now();
        let Some(first) = self.piece(body, 0, start).await? else {
            return Ok(Held { bytes: Bytes::new(), _memory: memory });
        };
        memory.grow_to(first.len())?;
        if body.is_end_stream() && first.len() <= length_max {
            return Ok(Held { bytes: first, _memory: memory });
        }
        let mut whole = Vec::new();
        let mut next = Some(first);
        while let Some(piece) = next {
            let length = whole.len() + piece.len();
            if length > length_max {
                return Err(BodyProblem::TooLarge(length_max));
            }
            if length > whole.capacity() {
                // What is counted is what is taken from the system.
                let ceiling = if length <= SMALL_LENGTH { SMALL_LENGTH } else { length_max };
                let capacity = length.max((whole.capacity() * 2).min(ceiling));
                memory.grow_to(capacity)?;
                whole.reserve_exact(capacity - whole.len());
            }
            whole.extend_from_slice(&piece);
            next = self.piece(body, whole.len(), start).await?;
        }
        Ok(Held { bytes: Bytes::from(whole), _memory: memory })
    }

    /// Takes memory for the beginning of a body, which is then read a piece at a time.
    ///
    /// # Errors
    /// When there is no memory now.
    pub fn pieces(&self, length: usize) -> Result<Pieces<'_>, BodyProblem> {
        let mut memory = Memory { bodies: self, is_large: false, held: None, length: 0 };
        memory.grow_to(length)?;
        Ok(Pieces { bodies: self, _memory: memory, received: 0, start: Instant::now() })
    }

    /// Reads on for a moment and throws away: a client hears an answer only once he has sent what
    /// he is sending.
    pub async fn drain<B>(&self, body: &mut B)
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let end = Instant::now() + DRAIN_TIME_MAX;
        let mut left = DRAIN_LENGTH_MAX;
        while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(end, body.frame()).await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(length);
            if left == 0 {
                return;
            }
        }
    }

    /// The next piece; none at the end.
    async fn piece<B>(
        &self,
        body: &mut B,
        received: usize,
        start: Instant,
    ) -> Result<Option<Bytes>, BodyProblem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        loop {
            let frame = match self.in_time(body.frame(), received, start).await? {
                None => return Ok(None),
                Some(Err(_)) => return Err(BodyProblem::Aborted),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                // Trailers say nothing to us.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Waits for as long as the rate of the body allows.
    async fn in_time<F: Future>(
        &self,
        wait: F,
        received: usize,
        start: Instant,
    ) -> Result<F::Output, BodyProblem> {
        let earned = received as f64 / f64::from(self.settings.bytes_per_second_min.max(1));
        let grace = Duration::from_secs(u64::from(self.settings.grace_seconds));
        let deadline = start + grace + Duration::from_secs_f64(earned);
        tokio::time::timeout_at(deadline, wait).await.map_err(|_| BodyProblem::TooSlow)
    }
}

/// Memory that a body has taken, all of it from one side.
struct Memory<'a> {
    bodies: &'a Bodies,
    is_large: bool,
    held: Option<SemaphorePermit<'a>>,
    length: usize,
}

impl Memory<'_> {
    fn grow_to(&mut self, length: usize) -> Result<(), BodyProblem> {
        if length > SMALL_LENGTH && !self.is_large {
            self.is_large = true;
            self.held = None;
            self.length = 0;
        }
        let from = if self.is_large { &self.bodies.large } else { &self.bodies.small };
        take(from, &mut self.held, length.saturating_sub(self.length))?;
        self.length = self.length.max(length);
        Ok(())
    }
}

/// Nobody waits for memory: those who wait hold some.
fn take<'a>(
    from: &'a Semaphore,
    held: &mut Option<SemaphorePermit<'a>>,
    count: usize,
) -> Result<(), BodyProblem> {
    if count == 0 {
        return Ok(());
    }
    let count = u32::try_from(count).map_err(|_| BodyProblem::NoMemory)?;
    let taken = from.try_acquire_many(count).map_err(|_| BodyProblem::NoMemory)?;
    match held {
        Some(held) => held.merge(taken),
        None => *held = Some(taken),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body in pieces that are all there; the last may never come.
    struct Arriving {
        left: Vec<Bytes>,
        is_endless: bool,
    }

    impl Body for Arriving {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.left.pop() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None if self.is_endless => Poll::Pending,
                None => Poll::Ready(None),
            }
        }
    }

    fn body(length: usize, piece: usize) -> Arriving {
        let whole = Bytes::from(vec![b'a'; length]);
        Arriving {
            left: whole.chunks(piece).map(Bytes::copy_from_slice).collect(),
            is_endless: false,
        }
    }

    const MEBIBYTE: usize = 1024 * 1024;

    fn bodies() -> Bodies {
        Bodies::new(&BodySettings {
            bytes_max: 1024 * 1024,
            memory_bytes_max: 4 * 1024 * 1024,
            grace_seconds: 10,
            bytes_per_second_min: 1_000,
        })
    }

    #[tokio::test]
    async fn the_longest_body_passes_and_one_more_byte_does_not() {
        let bodies = bodies();
        for piece in [1_000, SMALL_LENGTH, 2 * MEBIBYTE] {
            let held = bodies.whole(&mut body(MEBIBYTE, piece), MEBIBYTE).await;
            assert_eq!(held.map(|held| held.bytes.len()), Ok(MEBIBYTE), "{piece}");
            let held = bodies.whole(&mut body(MEBIBYTE + 1, piece), MEBIBYTE).await;
            assert_eq!(held.err(), Some(BodyProblem::TooLarge(MEBIBYTE)), "{piece}");
        }
    }

    #[tokio::test]
    async fn big_bodies_are_refused_when_memory_is_taken_and_small_ones_are_not() {
        let bodies = bodies();
        let mut held = Vec::new();
        while let Ok(one) = bodies.whole(&mut body(MEBIBYTE, 4_096), MEBIBYTE).await {
            held.push(one);
            assert!(held.len() <= 4, "more than the memory");
        }
        assert_eq!(held.len(), 3, "three quarters are for big bodies");
        let refused = bodies.whole(&mut body(MEBIBYTE, 4_096), MEBIBYTE).await.err();
        assert_eq!(refused, Some(BodyProblem::NoMemory));
        assert!(bodies.whole(&mut body(SMALL_LENGTH, 4_096), MEBIBYTE).await.is_ok());
        held.pop();
        assert!(bodies.whole(&mut body(MEBIBYTE, 4_096), MEBIBYTE).await.is_ok());
    }

    #[tokio::test]
    async fn small_bodies_are_bounded_too_and_all_memory_comes_back() {
        let bodies = bodies();
        let mut held = Vec::new();
        while let Ok(one) = bodies.whole(&mut body(SMALL_LENGTH, 100), MEBIBYTE).await {
            held.push(one);
            assert!(held.len() <= 16, "more than a quarter of the memory");
        }
        assert_eq!(held.len(), 16);
        drop(held);
        assert_eq!(bodies.small.available_permits(), MEBIBYTE);
        assert_eq!(bodies.large.available_permits(), 3 * MEBIBYTE);
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_come_one_by_one_at_their_rate_and_in_memory() {
        let bodies = bodies();
        let mut slow = Arriving { is_endless: true, ..body(5_000, 100) };
        let mut pieces = bodies.pieces(SMALL_LENGTH).unwrap();
        assert_eq!(bodies.small.available_permits(), MEBIBYTE - SMALL_LENGTH);
        for _ in 0..50 {
            let piece = pieces.next(&mut slow).await;
            assert_eq!(piece.map(|piece| piece.map_or(0, |piece| piece.len())), Ok(100));
        }
        assert_eq!(pieces.next(&mut slow).await, Err(BodyProblem::TooSlow));
        drop(pieces);
        assert_eq!(bodies.small.available_permits(), MEBIBYTE);
        let mut all = Vec::new();
        while let Ok(pieces) = bodies.pieces(SMALL_LENGTH) {
            all.push(pieces);
            assert!(all.len() <= 16, "more than a quarter of the memory");
        }
        assert_eq!(all.len(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_at_its_rate_is_given_up() {
        let bodies = bodies();
        let start = Instant::now();
        let mut slow = Arriving { is_endless: true, ..body(5_000, 100) };
        assert_eq!(bodies.whole(&mut slow, MEBIBYTE).await.err(), Some(BodyProblem::TooSlow));
        assert_eq!(
            start.elapsed().as_secs(),
            15,
            "the grace, and a second for each thousand bytes"
        );
    }
}
