//! How long a connection is waited for: idle, while a head arrives, and while an answer leaves.
//!
//! Bodies have their own patience, in `limits/body.rs`.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
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

/// Most requests that a client may break off beyond those that it lets finish, on one connection.
// CHOICE: whoever opens requests only to reset them (CVE-2023-44487) costs more than he pays; a player
// that jumps about in a film lets most of its requests finish.
const BROKEN_OFF_MAX: u32 = 128;

/// What a connection is doing, shared with whoever answers its requests.
#[derive(Debug, Clone)]
pub struct Activity(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    enough: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Since when the client is waited for in this phase; none before anybody has waited.
    since: Option<Instant>,
    /// Requests that are answered at this moment.
    open: usize,
    /// Whether requests share the connection, as in HTTP/2.
    is_shared: bool,
    /// Since when answers wait for the client to take more of them, where requests share the connection.
    offered: HashMap<u64, Instant>,
    begun: u64,
    broken_off: u32,
    /// Whether the client has been told to begin nothing more, for it was idle.
    is_ending: bool,
    /// Whoever reads from the connection, to be told that there is a new deadline.
    reader: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    Busy,
}

impl Activity {
    /// A connection that has just begun.
    pub fn new() -> Activity {
        let state = State {
            phase: Phase::Idle,
            since: None,
            open: 0,
            is_shared: false,
            offered: HashMap::new(),
            begun: 0,
            broken_off: 0,
            is_ending: false,
            reader: None,
        };
        Activity(Arc::new(Shared { state: Mutex::new(state), enough: Notify::new() }))
    }

    /// A whole head has arrived; `is_shared` says that other requests may come before it is answered.
    pub fn request_begins(&self, is_shared: bool) -> Exchange {
        let mut state = self.lock();
        state.is_shared = is_shared;
        state.begun += 1;
        state.open += 1;
        state.enter(Phase::Busy);
        Exchange { activity: self.clone(), number: state.begun, is_shared, has_finished: false }
    }

    /// No further request shall begin.
    pub fn is_enough(&self) {
        self.0.enough.notify_one();
    }

    /// Ends once that is so.
    pub async fn enough(&self) {
        self.0.enough.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made whole before anything that could panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Begins a phase. Where requests follow each other, who reads waits at once for what is missing,
    /// and the time is taken only then: most heads come whole.
    fn enter(&mut self, phase: Phase) {
        (self.phase, self.since) = (phase, self.is_shared.then(Instant::now));
    }

    /// Until when something must have been read; none if nothing must.
    fn deadline(&mut self, patience: &Patience) -> Option<Instant> {
        let patience = match self.phase {
            // A client that opens no window for an answer takes nothing of it, whatever else it sends.
            Phase::Busy => return self.offered.values().min().map(|since| *since + patience.write),
            Phase::Idle => patience.idle,
            Phase::Head => patience.head,
        };
        Some(*self.since.get_or_insert_with(Instant::now) + patience)
    }

    /// Has whoever reads woken when there is a new deadline.
    fn remember_reader(&mut self, waker: &Waker) {
        if !self.reader.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.reader = Some(waker.clone());
        }
    }
}

/// A request that is answered, for as long as this lives.
#[derive(Debug)]
pub struct Exchange {
    activity: Activity,
    number: u64,
    is_shared: bool,
    has_finished: bool,
}

impl Exchange {
    /// How many requests the connection has had with this one.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The client may take more of the answer.
    pub fn offers(&self) {
        if !self.is_shared {
            return;
        }
        let mut state = self.activity.lock();
        state.offered.insert(self.number, Instant::now());
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    /// There is nothing more of the answer yet.
    pub fn waits(&self) {
        if self.is_shared {
            self.activity.lock().offered.remove(&self.number);
        }
    }

    /// All of the answer has been taken.
    pub fn finishes(&mut self) {
        self.has_finished = true;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        if self.is_shared {
            state.offered.remove(&self.number);
        }
        state.open = state.open.saturating_sub(1);
        state.broken_off = match self.has_finished {
            true => state.broken_off.saturating_sub(1),
            false => state.broken_off.saturating_add(1),
        };
        if state.open == 0 {
            state.enter(Phase::Idle);
        }
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
        loop {
            let deadline = {
                let mut state = self.activity.lock();
                state.remember_reader(context.waker());
                state.deadline(&self.patience)
            };
            let Some(deadline) = deadline else { return Poll::Pending };
            // One that comes too early costs less than a new one for each request.
            if self.reading.deadline() > deadline {
                self.reading.as_mut().reset(deadline);
            }
            if self.reading.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() < deadline {
                self.reading.as_mut().reset(deadline);
            } else if !self.begins_to_end() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }

    /// Has an idle client told that it shall begin nothing more, where HTTP has words for it; once.
    fn begins_to_end(&self) -> bool {
        let mut state = self.activity.lock();
        if state.phase != Phase::Idle || !state.is_shared || state.is_ending {
            return false;
        }
        state.is_ending = true;
        state.enter(Phase::Idle);
        self.activity.is_enough();
        true
    }

    /// Takes note that bytes have arrived.
    fn note_read(&self) -> io::Result<()> {
        let mut state = self.activity.lock();
        if state.is_shared && state.broken_off > BROKEN_OFF_MAX {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        // Where requests share the connection there are bytes that belong to none.
        if state.phase == Phase::Idle && !state.is_shared {
            state.enter(Phase::Head);
        }
        Ok(())
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
        if buffer.filled().len() > before {
            self.note_read()?;
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
        let waited = tokio::time::timeout(Duration::from_secs(20), near.read(&mut [0; 1])).await;
        assert!(waited.is_err());
        // More bytes of the same head buy no time.
        far.write_all(b" /").await.unwrap();
        near.read_exact(&mut [0; 2]).await.unwrap();
        assert_eq!(seconds_until_it_gives_up(&mut near).await, 10);
        // An answer that has been given starts the idle time anew.
        let exchange = activity.request_begins(false);
        tokio::time::sleep(Duration::from_secs(500)).await;
        drop(exchange);
        assert_eq!(seconds_until_it_gives_up(&mut near).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_cut_off_while_a_request_is_answered() {
        let (mut near, mut far, activity) = connection();
        let _exchange = activity.request_begins(false);
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
        let _exchange = activity.request_begins(false);
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

    #[tokio::test(start_paused = true)]
    async fn where_requests_share_a_connection_other_bytes_buy_no_time() {
        let (mut near, mut far, activity) = connection();
        let (one, two) = (activity.request_begins(true), activity.request_begins(true));
        drop(one);
        drop(two);
        tokio::time::sleep(Duration::from_secs(50)).await;
        far.write_all(b"ping").await.unwrap();
        near.read_exact(&mut [0; 4]).await.unwrap();
        // It is told to go, and then has the same time again to do so.
        let told = async {
            activity.enough().await;
            Instant::now()
        };
        let start = Instant::now();
        let (seconds, told) = tokio::join!(seconds_until_it_gives_up(&mut near), told);
        assert_eq!(((told - start).as_secs(), seconds), (10, 70));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_ends_a_shared_connection() {
        let (mut near, _far, activity) = connection();
        let (answered, waiting) = (activity.request_begins(true), activity.request_begins(true));
        waiting.offers();
        waiting.waits();
        let offer_later = async {
            tokio::time::sleep(Duration::from_secs(1_000)).await;
            answered.offers();
        };
        let (seconds, ()) = tokio::join!(seconds_until_it_gives_up(&mut near), offer_later);
        assert_eq!(seconds, 1_020);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_breaks_off_most_requests_is_given_up_and_others_are_not() {
        let break_off = |activity: &Activity, count: u32| {
            (0..count).for_each(|_| drop(activity.request_begins(true)));
        };
        let (mut near, mut far, activity) = connection();
        break_off(&activity, BROKEN_OFF_MAX);
        activity.request_begins(true).finishes();
        break_off(&activity, 1);
        far.write_all(b"more").await.unwrap();
        near.read_exact(&mut [0; 4]).await.unwrap();
        break_off(&activity, 1);
        far.write_all(b"more").await.unwrap();
        let error = near.read_exact(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
