//! Answers that say when they have left.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};

use super::patience::Activity;

/// A body; the request is over when it is gone.
pub(super) struct Watched<B> {
    body: B,
    activity: Activity,
}

impl<B> Watched<B> {
    pub(super) fn new(body: B, activity: Activity) -> Watched<B> {
        Watched { body, activity }
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        self.activity.request_ends();
    }
}
