//! What callers may take: requests, writes, memory for bodies, and guesses at secrets.

mod body;
mod buckets;

use std::time::{Duration, Instant};

use iamd_core::account_id::AccountId;
use iamd_core::caller::{Caller, Identity};
use iamd_core::state::MfaDeviceId;
use iamd_core::unique_id::UniqueId;
use iamd_wire::Timestamp;

pub use body::{Bodies, BodyProblem, Held};
pub use buckets::Buckets;

use crate::config::{BodySettings, Config, RateSetting, RateSettings};

/// A user, role or root, by account and unique id.
type PrincipalKey = (AccountId, Option<UniqueId>);

/// Wrong guesses at one secret that are answered at once.
// CHOICE: AWS does not publish its number. With six digits and a window of three codes, a guesser
// who has everything else needs six years to be right in half of all cases.
const GUESSES_AT_ONCE: u32 = 10;
/// How long it takes until one more is answered.
const GUESS_EVERY: Duration = Duration::from_secs(15 * 60);

/// A secret that people type in, at which somebody may guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guessed {
    /// The password of a user.
    Password(AccountId, UniqueId),
    /// The codes of a device.
    Device(AccountId, MfaDeviceId),
}

/// The limits in force.
pub struct Limits {
    /// Memory for bodies.
    pub bodies: Bodies,
    requests: Pair,
    writes: Pair,
    guesses: Buckets<Guessed>,
    start: Instant,
}

/// The buckets of principals and those of accounts.
struct Pair {
    principals: Buckets<PrincipalKey>,
    accounts: Buckets<AccountId>,
}

impl Limits {
    /// The limits of these settings.
    pub fn new(rates: &RateSettings, body: &BodySettings) -> Limits {
        let pair = |principal: RateSetting, account: RateSetting| Pair {
            principals: Buckets::new(principal),
            accounts: Buckets::new(account),
        };
        Limits {
            bodies: Bodies::new(body),
            requests: pair(rates.principal_requests, rates.account_requests),
            writes: pair(rates.principal_writes, rates.account_writes),
            guesses: Buckets::of(Some(GUESS_EVERY), GUESSES_AT_ONCE),
            start: Instant::now(),
        }
    }

    /// Limits that only a runaway program meets, for development and tests.
    pub fn generous() -> Limits {
        let body = Config::default().body;
        Limits::without_rates(&BodySettings { memory_bytes_max: 4 << 30, ..body })
    }

    /// Limits on memory for bodies alone.
    pub fn without_rates(body: &BodySettings) -> Limits {
        let unlimited = RateSetting { per_second: 0, burst: 1 };
        let rates = RateSettings {
            principal_requests: unlimited,
            principal_writes: unlimited,
            account_requests: unlimited,
            account_writes: unlimited,
        };
        Limits::new(&rates, body)
    }

    /// Whether a caller may make one more request now.
    #[must_use]
    pub fn admit_request(&self, caller: &Caller) -> bool {
        self.admit(&self.requests, caller)
    }

    /// Whether he may make one more that writes.
    #[must_use]
    pub fn admit_write(&self, caller: &Caller) -> bool {
        self.admit(&self.writes, caller)
    }

    /// Whether one may guess at a secret now.
    ///
    /// Time is the node's, so that `iamd dev` can let it pass.
    #[must_use]
    pub fn admit_guess(&self, at: Guessed, now: Timestamp) -> bool {
        self.guesses.take(at, Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0)))
    }

    /// Gives a guess back that was right, or of which nothing came.
    pub fn give_back_guess(&self, at: Guessed) {
        self.guesses.give_back(&at);
    }

    /// The principal first, so that whoever is over his own limit takes nothing from his account.
    fn admit(&self, pair: &Pair, caller: &Caller) -> bool {
        let now = self.start.elapsed();
        let entity = match &caller.identity {
            Identity::Root => None,
            Identity::User(id) => Some(*id),
            // All sessions of a role together: whoever may assume it could open any number.
            Identity::RoleSession { role, .. } => Some(*role),
        };
        pair.principals.take((caller.account, entity), now)
            && pair.accounts.take(caller.account, now)
    }
}
