//! What surrounds the requests to a node: the state, and under which address clients reach it.

use std::sync::{Arc, OnceLock};

use iamd_core::caller::Caller;
use iamd_core::operation::{Environment, Scene};
use iamd_core::state::Account;

use super::Node;
use super::snapshot::Snapshot;

/// Under which address clients reach the node; known once it listens.
#[derive(Debug, Default)]
pub(super) struct ExternalUrl(OnceLock<Box<str>>);

impl Node {
    /// What surrounds a request of this caller on this state.
    pub fn scene<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        account: &'a Arc<Account>,
        caller: &'a Caller,
        environment: &'a Environment,
    ) -> Scene<'a> {
        Scene {
            state: &snapshot.state,
            account,
            caller,
            environment,
            facts: &self.facts,
            session_keys: &snapshot.keys.sessions,
            identity_policies: &self.identity_policies,
            marker_key: &snapshot.keys.markers,
            quotas: &self.quotas,
            external_url: self.external_url(),
            prepared: None,
            witness: self,
            now: self.clock.now(),
        }
    }

    /// Says under which address clients reach the node, before any of them does; a slash at its end
    /// does not count. The first one stays.
    pub fn set_external_url(&self, url: &str) {
        self.external_url.0.get_or_init(|| url.trim_end_matches('/').into());
    }

    /// The address under which clients reach the node; empty before it listens.
    pub fn external_url(&self) -> &str {
        self.external_url.0.get().map_or("", |url| url)
    }
}
