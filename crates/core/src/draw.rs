//! Time and randomness, handed to the rules from outside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::{Secret, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// What one command draws: the present time, and a cryptographic generator for ids and secrets.
///
/// The same time and seed always give the same ids, so that a command can be simulated and replayed.
pub struct Draw {
    now: Timestamp,
    generator: ChaCha20Rng,
}

impl Draw {
    /// A draw at `now` from 32 bytes of entropy; the bytes must never be used twice.
    pub fn new(now: Timestamp, seed: [u8; 32]) -> Draw {
        Draw { now, generator: ChaCha20Rng::from_seed(seed) }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// 128 random bits.
    pub fn random(&mut self) -> u128 {
        u128::from(self.generator.next_u64()) << 64 | u128::from(self.generator.next_u64())
    }

    /// Random bytes.
    pub fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.generator.fill_bytes(&mut bytes);
        bytes
    }

    /// A secret access key: 40 characters of the base64 alphabet, 240 random bits.
    pub fn secret_access_key(&mut self) -> Secret {
        Secret::from(STANDARD.encode(self.bytes::<30>()))
    }
}
