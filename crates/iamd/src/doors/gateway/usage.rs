//! Counting calls: for metrics, and for the accounts that pay for them.

use hyper::Response;
use hyper::body::Incoming;
use iamd_core::account_id::AccountId;

use super::record::Call;
use super::upstream::Silence;
use crate::metrics::{Fate, Kind, StoreFailure};
use crate::node::Tally;

/// The service that the gateway knows.
const SERVICE: &str = "s3";

impl Call {
    /// The account whose matter the call is: the one that owns what it is about, else the caller's.
    pub(super) fn account(&self) -> Option<AccountId> {
        let caller = self.requester.as_ref().map(|requester| requester.caller.account);
        self.rulings.iter().find_map(|ruling| ruling.owner).or(caller)
    }

    /// Counts a call that is over.
    pub(super) fn count(&self) {
        let fate = self.fate();
        let metrics = self.node.metrics().gateway();
        let bytes = (self.body.received(), self.bytes_out);
        metrics.ended(SERVICE, Kind::of(self.operation), fate, bytes);
        let (Some(operation), Some(account)) = (self.operation, self.account()) else { return };
        let caller = self.requester.as_ref().map(|requester| requester.caller.account);
        // Nobody pays for what others try in vain. Source: S3 User Guide, "Billing for Amazon S3 error
        // responses".
        if fate == Fate::Denied && self.status == 403 && caller != Some(account) {
            return;
        }
        let tally = Tally {
            requests: 1,
            denied: u64::from(fate == Fate::Denied),
            bytes_in: self.body.data(),
            bytes_out: self.bytes_out,
        };
        let now = self.node.clock().now();
        self.node.facts().usage().count(account, SERVICE, operation, tally, now);
    }

    /// Counts an answer of the store, or that there was none.
    pub(super) fn count_store(&self, seconds: f64, answered: &Result<Response<Incoming>, Silence>) {
        let failure = match answered {
            Ok(response) if response.status().is_server_error() => Some(StoreFailure::Status),
            Ok(_) => None,
            Err(Silence::Unreachable) => Some(StoreFailure::Unreachable),
            Err(Silence::TooSlow) => Some(StoreFailure::TooSlow),
            Err(Silence::Unsendable) => return,
        };
        let kind = Kind::of(self.operation);
        self.node.metrics().gateway().store_answered(SERVICE, kind, seconds, failure);
    }

    fn fate(&self) -> Fate {
        let is_denied = self.rulings.iter().any(|ruling| !ruling.is_allowed());
        match (self.status, self.code) {
            (0, _) => Fate::BrokenOff,
            (500.., _) => Fate::Failed,
            _ if self.observed => Fate::Observed,
            _ if is_denied => Fate::Denied,
            // What is not there, for those who may not know.
            (_, Some("AccessDenied")) => Fate::Denied,
            (_, Some(_)) => Fate::Refused,
            (_, None) => Fate::Allowed,
        }
    }
}
