//! Randomness for ids and secrets: a generator per thread, seeded by the operating system.

use std::cell::RefCell;

use iamd_core::uuid::Uuid;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::fault::Fault;

thread_local! {
    static GENERATOR: RefCell<Option<ChaCha20Rng>> = const { RefCell::new(None) };
}

#[cfg(test)]
thread_local! {
    static IS_SEEDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Random bytes.
///
/// # Errors
/// [`Fault::Unavailable`] when the operating system gives no entropy.
pub fn bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], Fault> {
    GENERATOR.with_borrow_mut(|slot| {
        let generator = match slot {
            Some(generator) => generator,
            None => slot.insert(seeded()?),
        };
        let mut bytes = [0; LENGTH];
        generator.fill_bytes(&mut bytes);
        Ok(bytes)
    })
}

/// From now on this thread draws what follows from a seed, so that a run can be repeated.
#[cfg(test)]
pub fn seed_thread(seed: u64) {
    GENERATOR.set(Some(ChaCha20Rng::seed_from_u64(seed)));
    IS_SEEDED.set(true);
}

/// Whether this thread draws from a seed.
#[cfg(test)]
pub fn is_seeded() -> bool {
    IS_SEEDED.get()
}

/// A UUID.
///
/// # Errors
/// [`Fault::Unavailable`] when the operating system gives no entropy.
pub fn uuid() -> Result<Uuid, Fault> {
    Ok(Uuid::from_random(u128::from_be_bytes(bytes()?)))
}

/// A request id: a UUID.
///
/// # Errors
/// As [`uuid`].
pub fn request_id() -> Result<String, Fault> {
    let mut text = String::with_capacity(36);
    uuid()?.push_to(&mut text);
    Ok(text)
}

fn seeded() -> Result<ChaCha20Rng, Fault> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| {
        Fault::Unavailable(format!("the operating system gives no entropy: {error}"))
    })?;
    Ok(ChaCha20Rng::from_seed(seed))
}

#[cfg(test)]
mod tests {
    #[test]
    fn request_ids_have_the_form_of_uuids() {
        let id = super::request_id().unwrap();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]));
        assert_ne!(id, super::request_id().unwrap());
    }
}
