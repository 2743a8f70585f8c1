//! Work that waits for a disk: done aside, on a thread that may wait.

/// Does it; none if a bug ended it.
///
/// In a simulation it is done at once and on the spot: which of two threads is the faster would make
/// another run of the same seed.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    #[cfg(test)]
    if crate::entropy::is_seeded() {
        return Some(work());
    }
    tokio::task::spawn_blocking(work).await.ok()
}
