//! Where work writes the bytes that were asked for.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::fault::Fault;

/// A place for bytes, which one piece of work takes.
pub struct Output(Mutex<Option<Box<dyn Write + Send>>>);

impl Output {
    /// No place: whoever asks for bytes is refused.
    pub fn none() -> Output {
        Output(Mutex::new(None))
    }

    /// This place.
    pub fn to(place: Box<dyn Write + Send>) -> Output {
        Output(Mutex::new(Some(place)))
    }

    /// Takes the place. Its end is the end of the bytes.
    ///
    /// # Errors
    /// [`Fault::Bug`] when it was taken already, or there never was one.
    pub fn take(&self) -> Result<Box<dyn Write + Send>, Fault> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.take().ok_or_else(|| Fault::Bug("there is no place for the output".to_owned()))
    }
}
