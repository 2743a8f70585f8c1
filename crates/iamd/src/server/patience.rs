//! How long a connection is waited for: idle, while a head arrives, and while an answer leaves.
//!
//! Bodies have their own patience, in `limits/body.rs`.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long each is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the first byte of the next request.
    pub idle: Duration,
    /// For the rest of its head.
    pub head: Duration,
    /// For the client to take more of an answer.
    pub write: Duration,
}

/// What a connection is doing, shared with whoever answers its requests.
#[derive(Debug, Clone)]
pub struct Activity(Arc<Mutex<(Phase, Instant)>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Busy,
}

impl Activity {
    /// A connection that has just begun.
    pub fn new() -> Activity {
        Activity(Arc::new(Mutex::new((Phase::Idle, Instant::now()))))
    }

    /// A whole head has arrived.
    pub fn request_begins(&self) {
        self.enter(Phase::Busy);
    }

    /// It has been answered.
    pub fn request_ends(&self) {
        self.enter(Phase::Idle);
    }

    fn enter(&self, phase: Phase) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (phase, Instant::now());
    }

    fn now(&self) -> (Phase, Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that gives up when its patience ends.
pub struct Patient<S> {
    stream: S,
    patience: Patience,
    activity: Activity,
    reading: Pin<Box<Sleep>>,
    writing: Pin<Box<Sleep>>,
    /// Whether the client has been waited for since the last byte that it took.
    is_stuck: bool,
}

impl<S> Patient<S> {
    /// Waits for a stream as long as `patience` says.
    pub fn new(stream: S, patience: Patience, activity: Activity) -> Patient<S> {
        let sleep = || Box::pin(tokio::time::sleep(Duration::ZERO));
        let (reading, writing) = (sleep(), sleep());
        Patient { stream, patience, activity, reading, writing, is_stuck: false }
    }

    /// What to say while nothing can be read.
    fn wait_to_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let deadline = match self.activity.now() {
            (Phase::Busy, _) => return Poll::Pending,
            (Phase::Idle, since) => since + self.patience.idle,
            (Phase::Head, since) => since + self.patience.head,
        };
        if self.reading.deadline() != deadline {
            self.reading.as_mut().reset(deadline);
        }
        self.reading.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// The same while nothing can be written.
    fn wait_to_write<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.is_stuck = false;
            return outcome;
        }
        if !self.is_stuck {
            self.is_stuck = true;
            self.writing.as_mut().reset(Instant::now() + self.patience.write);
        }
        self.writing.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if outcome.is_pending() {
            return self.wait_to_read(context);
        }
        if buffer.filled().len() > before && self.activity.now().0 == Phase::Idle {
            self.activity.enter(Phase::Head);
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wait_to_write(outcome, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.wait_to_write(outcome, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.wait_to_write(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wait_to_write(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;

    const PATIENCE: Patience = Patience {
        idle: Duration::from_secs(60),
        head: Duration::from_secs(30),
        write: Duration::from_secs(20),
    };

    fn connection() -> (Patient<DuplexStream>, DuplexStream, Activity) {
        let (near, far) = tokio::io::duplex(16);
        let activity = Activity::new();
        (Patient::new(near, PATIENCE, activity.clone()), far, activity)
    }

    async fn seconds_until_it_gives_up(near: &mut Patient<DuplexStream>) -> u64 {
        let start = Instant::now();
        let mut buffer = [0; 8];
        let error = near.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        start.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_and_half_a_head_end_at_their_times() {
        let (mut near, _far, _) = connection();
        assert_eq!(seconds_until_it_gives_up(&mut near).await, 60);
        let (mut near, mut far, activity) = connection();
        far.write_all(b"POST").await.unwrap();
        near.read_exact(&mut [0; 4]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        // More bytes of the same head buy no time.
        far.write_all(b" /").await.unwrap();
        near.read_exact(&mut [0; 2]).await.unwrap();
        assert_eq!(seconds_until_it_gives_up(&mut near).await, 10);
        // An answer that has been given starts the idle time anew.
        activity.request_begins();
        tokio::time::sleep(Duration::from_secs(500)).await;
        activity.request_ends();
        assert_eq!(seconds_until_it_gives_up(&mut near).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_cut_off_while_a_request_is_answered() {
        let (mut near, mut far, activity) = connection();
        activity.request_begins();
        let write_later = async {
            tokio::time::sleep(Duration::from_secs(1_000)).await;
            far.write_all(b"body").await.unwrap();
        };
        let mut buffer = [0; 4];
        let (read, ()) = tokio::join!(near.read_exact(&mut buffer), write_later);
        assert_eq!(read.unwrap(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_and_a_slow_one_is_not() {
        let (mut near, mut far, activity) = connection();
        activity.request_begins();
        let take_slowly = async {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(19)).await;
                far.read_exact(&mut [0; 8]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(near.write_all(&[b'a'; 48]), take_slowly);
        written.unwrap();
        let start = Instant::now();
        let error = near.write_all(&[b'a'; 48]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), 20);
    }
}
