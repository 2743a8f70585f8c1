//! How many connections there may be, together and of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections beyond the limit, on which only health checks are answered.
// CHOICE: more than the probes of any orchestrator, and nothing beside the limit itself.
const SPARE: usize = 64;

/// The places for connections.
pub struct Places {
    total_max: usize,
    per_address_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// A place that a connection has, for as long as this lives.
pub struct Place {
    places: Arc<Places>,
    /// The address that it is counted under.
    counted: Option<IpAddr>,
    /// Whether it is one beyond the limit.
    pub is_spare: bool,
}

impl Places {
    /// So many places.
    pub fn new(total_max: u32, per_address_max: u32) -> Arc<Places> {
        Arc::new(Places {
            total_max: total_max as usize,
            per_address_max: per_address_max as usize,
            taken: Mutex::default(),
        })
    }

    /// A place for a connection from `ip`; none if there is none left. Those of a proxy are not
    /// counted by its address.
    pub fn take(self: &Arc<Places>, ip: IpAddr, is_proxy: bool) -> Option<Place> {
        let mut taken = self.lock();
        if taken.total >= self.total_max.saturating_add(SPARE) {
            return None;
        }
        let counted = (!is_proxy).then(|| network(ip));
        if let Some(network) = counted {
            let count = taken.per_address.entry(network).or_insert(0);
            if *count >= self.per_address_max {
                return None;
            }
            *count += 1;
        }
        taken.total += 1;
        let is_spare = taken.total > self.total_max;
        Some(Place { places: Arc::clone(self), counted, is_spare })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Nothing is left half done by a panic while this lock is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.total = taken.total.saturating_sub(1);
        let Some(network) = self.counted else { return };
        if let Some(count) = taken.per_address.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.per_address.remove(&network);
            }
        }
    }
}

/// One subscriber has one address of IPv4, but a whole /64 of IPv6.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_share_and_gives_it_back() {
        let places = Places::new(100, 2);
        let one = places.take(ip("192.0.2.1"), false).unwrap();
        let _two = places.take(ip("::ffff:192.0.2.1"), false).unwrap();
        assert!(places.take(ip("192.0.2.1"), false).is_none());
        assert!(places.take(ip("192.0.2.2"), false).is_some());
        assert!(places.take(ip("192.0.2.1"), true).is_some(), "proxies are not counted");
        drop(one);
        assert!(places.take(ip("192.0.2.1"), false).is_some());
    }

    #[test]
    fn networks_of_ipv6_are_counted_as_one() {
        let places = Places::new(100, 1);
        let _one = places.take(ip("2001:db8::1"), false).unwrap();
        assert!(places.take(ip("2001:db8::ffff:0:0:2"), false).is_none());
        assert!(places.take(ip("2001:db8:0:1::1"), false).is_some());
    }

    #[test]
    fn beyond_the_limit_there_are_a_few_places_for_health_checks() {
        let places = Places::new(3, 1_000);
        let mut held: Vec<Place> =
            std::iter::from_fn(|| places.take(ip("192.0.2.1"), false)).take(1_000).collect();
        assert_eq!(held.len(), 3 + SPARE);
        assert_eq!(held.iter().filter(|place| !place.is_spare).count(), 3);
        held.clear();
        assert!(places.lock().per_address.is_empty());
        assert!(!places.take(ip("192.0.2.1"), false).unwrap().is_spare);
    }
}
