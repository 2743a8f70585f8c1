//! Short pieces that leave together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Up to how many bytes pieces are joined: head and body of most answers.
// CHOICE: copying as much costs less than what the system takes for a list of pieces.
const JOINED_MAX: usize = 4 * 1024;

/// A stream that writes short pieces as one.
pub(super) struct Joined<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S> Joined<S> {
    pub(super) fn new(stream: S) -> Joined<S> {
        Joined { stream, buffer: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Joined<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Joined<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Joined { stream, buffer } = &mut *self;
        let length = slices.iter().fold(0_usize, |sum, slice| sum.saturating_add(slice.len()));
        if length > JOINED_MAX {
            return Pin::new(stream).poll_write_vectored(context, slices);
        }
        buffer.clear();
        slices.iter().for_each(|slice| buffer.extend_from_slice(slice));
        Pin::new(stream).poll_write(context, buffer)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;

    use super::*;

    /// Takes at most ten bytes at a time, and remembers how they came.
    #[derive(Default)]
    struct Log(Vec<String>);

    impl AsyncWrite for Log {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = &bytes[..bytes.len().min(10)];
            self.0.push(format!("one {}", String::from_utf8_lossy(taken)));
            Poll::Ready(Ok(taken.len()))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.0.push(format!("{} pieces", slices.len()));
            Poll::Ready(Ok(10))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn write(stream: &mut Joined<Log>, pieces: &[&str]) -> usize {
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_bytes())).collect();
        poll_fn(|context| Pin::new(&mut *stream).poll_write_vectored(context, &slices))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn short_pieces_leave_together_and_long_ones_as_they_are() {
        let mut stream = Joined::new(Log::default());
        assert!(stream.is_write_vectored());
        assert_eq!(write(&mut stream, &["ab", "", "cd"]).await, 4);
        assert_eq!(write(&mut stream, &["0123456", "789abc"]).await, 10);
        let (almost, long) = ("x".repeat(JOINED_MAX - 1), "x".repeat(JOINED_MAX));
        assert_eq!(write(&mut stream, &["a", &almost]).await, 10);
        assert_eq!(write(&mut stream, &["a", &long]).await, 10);
        assert_eq!(stream.stream.0, ["one abcd", "one 0123456789", "one axxxxxxxxx", "2 pieces"]);
    }

    #[tokio::test]
    async fn what_comes_passes() {
        let mut text = String::new();
        Joined::new(&b"abc"[..]).read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abc");
    }
}
