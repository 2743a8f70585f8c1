//! Decisions are counted, and who tried what is noted.

use iamd_core::caller::Caller;
use iamd_core::operation::Witness;
use iamd_policy::Decision;
use iamd_wire::Timestamp;

use super::Node;

impl Witness for Node {
    fn decided(&self, decision: Decision) {
        self.metrics.decided(decision);
    }

    fn attempted(&self, caller: &Caller, action: &str, region: &str, time: Timestamp) {
        let principal = caller.identity.access_id();
        self.facts.note_access(caller.account, principal, action, region, time);
    }
}
