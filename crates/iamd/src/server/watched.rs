//! Answers that say when they have left.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};

use super::patience::Exchange;

/// A body; the request is over when it is gone.
pub(super) struct Watched<B: Body> {
    body: B,
    exchange: Exchange,
}

impl<B: Body> Watched<B> {
    pub(super) fn new(body: B, exchange: Exchange) -> Watched<B> {
        exchange.offers();
        Watched { body, exchange }
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => self.exchange.waits(),
            Poll::Ready(Some(_)) => self.exchange.offers(),
            Poll::Ready(None) => self.exchange.finishes(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body> Drop for Watched<B> {
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.exchange.finishes();
        }
    }
}
