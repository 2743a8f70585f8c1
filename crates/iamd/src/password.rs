//! Passwords: drawn, hashed and compared with argon2id.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use iamd_core::preparation::{PasswordOutcome, PasswordWork};
use iamd_wire::Secret;
use tokio::sync::Semaphore;

use crate::config::{Config, PasswordSettings};
use crate::entropy;
use crate::fault::Fault;

/// Memory of one hash, in KiB. OWASP Password Storage Cheat Sheet, "Argon2id".
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory. Same source.
const PASSES: u32 = 2;
/// Lanes. Same source.
const LANES: u32 = 1;
/// Characters of a password that iamd draws: 24 of 64 possible ones, 144 bits.
const DRAWN_LENGTH: usize = 24;
/// Longest password, in characters. IAM API model, `passwordType`.
const LENGTH_MAX: usize = 128;

/// A fresh random password of letters, digits, `-` and `_`.
///
/// # Errors
/// [`Fault::Unavailable`] without entropy.
pub fn draw() -> Result<Secret, Fault> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let random = entropy::bytes::<DRAWN_LENGTH>()?;
    let character = |byte: &u8| ALPHABET.get(usize::from(byte & 63)).copied().map(char::from);
    Ok(Secret::from(random.iter().filter_map(character).collect::<String>()))
}

/// Says how much this process hashes; the first word counts.
pub fn limit(settings: &PasswordSettings) {
    let _ = POOL.set(Pool::new(settings));
}

/// The hash of a password, as a PHC string. Takes 15 to 85 ms and 19 MiB on a thread of its own.
///
/// # Errors
/// [`Fault::Refused`] for a password that no account may have; [`Fault::Busy`] when too many wait;
/// [`Fault::Bug`].
pub async fn hash(password: Secret) -> Result<String, Fault> {
    let length = password.expose().chars().count();
    if !(1..=LENGTH_MAX).contains(&length) {
        return Err(Fault::Refused(format!("a password has 1 to {LENGTH_MAX} characters")));
    }
    pool().run(move || hashed(&password)).await
}

/// Compares and hashes; each comparison takes as long as a hash, on the same thread.
///
/// # Errors
/// [`Fault::Busy`] when too many wait; [`Fault::Damaged`] for a stored hash that is none;
/// [`Fault::Bug`].
pub async fn carry_out(work: PasswordWork) -> Result<(PasswordWork, PasswordOutcome), Fault> {
    pool()
        .run(move || {
            let outcome = outcome(&work)?;
            Ok((work, outcome))
        })
        .await
}

/// Whether a hash was made with less work than hashes are made with now.
pub fn is_weak(hash: &str) -> bool {
    let Some(parameters) = hash.strip_prefix("$argon2id$v=19$") else { return true };
    let parameters = parameters.split('$').next().unwrap_or_default();
    let number = |name: &str| -> Option<u32> {
        parameters
            .split(',')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?
            .parse()
            .ok()
    };
    let work = number("m").zip(number("t"));
    work.is_none_or(|(memory, passes)| memory < MEMORY_KIB || passes < PASSES)
}

/// How many passwords are hashed or wait for it.
pub fn waiting() -> usize {
    POOL.get().map_or(0, |pool| pool.size.saturating_sub(pool.places.available_permits()))
}

fn pool() -> &'static Pool {
    POOL.get_or_init(|| Pool::new(&Config::default().passwords))
}

/// The one pool of the process: memory and cores are the process's, too.
static POOL: OnceLock<Pool> = OnceLock::new();

/// Threads for hashing: so many work, so many more wait, and the rest is turned away.
struct Pool {
    size: usize,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Pool {
    fn new(settings: &PasswordSettings) -> Pool {
        let (hashing, waiting) = (settings.hashing_max as usize, settings.waiting_max as usize);
        Pool {
            size: hashing + waiting,
            places: Arc::new(Semaphore::new(hashing + waiting)),
            turns: Arc::new(Semaphore::new(hashing)),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            Fault::Busy("too many passwords wait to be hashed; try again".to_owned())
        })?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Fault::Bug("the password pool is closed".to_owned()))?;
        let done = tokio::task::spawn_blocking(move || {
            // The thread holds them to its end, also when nobody waits for it any more.
            let _held = (place, turn);
            work()
        });
        done.await.map_err(|error| Fault::Bug(format!("hashing broke off: {error}")))?
    }
}

fn hashed(password: &Secret) -> Result<String, Fault> {
    let salt = entropy::bytes::<16>()?;
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Fault::Bug(format!("argon2 parameters: {error}")))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|error| Fault::Bug(format!("a password cannot be hashed: {error}")))
}

fn outcome(work: &PasswordWork) -> Result<PasswordOutcome, Fault> {
    if let Some((given, hash)) = &work.present
        && !is_password(given, hash)?
    {
        return Ok(PasswordOutcome::Mismatch);
    }
    for hash in &work.unlike {
        if is_password(&work.new, hash)? {
            return Ok(PasswordOutcome::Reuse);
        }
    }
    hashed(&work.new).map(|hash| PasswordOutcome::Hash(Secret::from(hash)))
}

/// Whether a hash is that of a password; with the parameters that stand in the hash.
fn is_password(password: &Secret, hash: &Secret) -> Result<bool, Fault> {
    let unreadable = |_| Fault::Damaged("the hash of a password cannot be read".to_owned());
    let hash = PasswordHash::new(hash.expose()).map_err(unreadable)?;
    match Argon2::default().verify_password(password.expose().as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Fault::Bug(format!("a password cannot be compared: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_passwords_are_long_and_differ() {
        let (one, other) = (draw().unwrap(), draw().unwrap());
        assert_eq!(one.expose().len(), DRAWN_LENGTH);
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn a_hash_names_its_parameters_and_hides_the_password() {
        let hash = hash(Secret::from("hunter2".to_owned())).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(!hash.contains("hunter2") && !is_weak(&hash));
        for weaker in [
            hash.replace("m=19456", "m=19455"),
            hash.replace("t=2", "t=1"),
            hash.replace("argon2id", "argon2i"),
            "$argon2id$v=19$$".to_owned(),
            String::new(),
        ] {
            assert!(is_weak(&weaker), "{weaker}");
        }
    }

    #[tokio::test]
    async fn passwords_are_compared_in_order_and_then_hashed() {
        let secret = |text: &str| Secret::from(text.to_owned());
        let old = secret(&hash(secret("old one")).await.unwrap());
        let work = |present: &str, new: &str, unlike: &[&Secret]| PasswordWork {
            account: "111122223333".parse().unwrap(),
            user: "AIDA3XFRBF535PLBIFPI4".parse().unwrap(),
            present: Some((secret(present), old.clone())),
            unlike: unlike.iter().map(|hash| (*hash).clone()).collect(),
            new: secret(new),
        };
        let outcome = async |work: PasswordWork| carry_out(work).await.map(|(_, outcome)| outcome);
        assert_eq!(outcome(work("wrong", "old one", &[&old])).await, Ok(PasswordOutcome::Mismatch));
        assert_eq!(outcome(work("old one", "old one", &[&old])).await, Ok(PasswordOutcome::Reuse));
        let Ok(PasswordOutcome::Hash(new)) = outcome(work("old one", "new", &[&old])).await else {
            panic!("no hash")
        };
        assert_eq!(is_password(&secret("new"), &new), Ok(true));
        assert_eq!(is_password(&secret("new "), &new), Ok(false));
        let none = secret("no hash");
        let damaged = outcome(work("old one", "new", &[&none])).await;
        assert!(matches!(damaged, Err(Fault::Damaged(_))), "{damaged:?}");
    }

    #[tokio::test]
    async fn a_full_pool_turns_away_and_serves_again() {
        let pool = Arc::new(Pool::new(&PasswordSettings { hashing_max: 1, waiting_max: 1 }));
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let start = |pool: &Arc<Pool>, work: Box<dyn FnOnce() -> Result<(), Fault> + Send>| {
            let pool = Arc::clone(pool);
            tokio::spawn(async move { pool.run(work).await })
        };
        let working = start(
            &pool,
            Box::new(move || {
                let _ = wait.recv();
                Ok(())
            }),
        );
        let waiting = start(&pool, Box::new(|| Ok(())));
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(|| Ok(())).await, Err(Fault::Busy(_))));
        release.send(()).unwrap();
        working.await.unwrap().unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(pool.run(|| Ok(())).await, Ok(()));
    }

    #[tokio::test]
    async fn empty_and_endless_passwords_are_refused() {
        assert!(hash(Secret::from(String::new())).await.is_err());
        assert!(hash(Secret::from("x".repeat(129))).await.is_err());
    }
}
