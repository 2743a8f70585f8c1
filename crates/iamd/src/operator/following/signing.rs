//! Signing keys for followers: derived for one credential, day, region and service, so that nothing
//! else can be signed with them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_core::caller::Caller;
use iamd_core::state::AccessKeyStatus;
use iamd_core::unique_id::AccessKeyId;
use iamd_wire::sigv4::{EXPIRES_SECONDS_MAX, SigningKey};
use iamd_wire::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::node::Node;

/// The services that followers guard. A key for one of them is good at no other.
const SERVICES: [&str; 1] = ["s3"];
/// Longest name of a region.
const REGION_LENGTH_MAX: usize = 64;
const SECONDS_PER_DAY: i64 = 86_400;

/// Which key is asked for.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct KeyQuestion {
    /// The access key id.
    pub access_key_id: String,
    /// The session token, of a temporary credential.
    pub session_token: Option<Secret>,
    /// The day: `YYYYMMDD`.
    pub date: String,
    /// The region.
    pub region: String,
    /// The service.
    pub service: String,
}

/// A signing key.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct KeyFacts {
    /// Its bytes, in Base64.
    pub key: Secret,
    /// What the session token stands for, in Base64; none of a long-term credential.
    pub session: Option<String>,
}

impl KeyQuestion {
    /// Whether a request that is signed so could be a good one now: others are not worth a question.
    pub fn is_plausible(&self, now: Timestamp) -> bool {
        let days = EXPIRES_SECONDS_MAX / SECONDS_PER_DAY;
        let day = |offset: i64| -> String {
            let at = now.seconds().saturating_add(offset * SECONDS_PER_DAY);
            iamd_wire::sigv4::basic_time(Timestamp::from_seconds(at)).chars().take(8).collect()
        };
        SERVICES.contains(&&*self.service)
            && self.region.len() <= REGION_LENGTH_MAX
            && (-days - 1..=1).any(|offset| self.date == day(offset))
    }
}

/// The key for a credential that is good now; none for others.
pub(super) fn key(node: &Arc<Node>, question: &KeyQuestion) -> Option<KeyFacts> {
    let now = node.clock().now();
    if !question.is_plausible(now) {
        return None;
    }
    let snapshot = node.snapshot();
    let id: AccessKeyId = question.access_key_id.parse().ok()?;
    let derived = |secret: &Secret| {
        let KeyQuestion { date, region, service, .. } = question;
        let key = SigningKey::derive_bytes(secret, date, region, service);
        Secret::from(STANDARD.encode(&key[..]))
    };
    match &question.session_token {
        None => {
            let (account, key) = snapshot.state.access_key(&id)?;
            Caller::of_access_key(account, key)
                .filter(|_| key.status == AccessKeyStatus::Active)?;
            Some(KeyFacts { key: derived(&key.secret), session: None })
        }
        Some(token) => {
            let opened = snapshot.keys.sessions.open(token.expose(), &id).ok()?;
            let key = derived(&opened.secret_access_key);
            let session = Some(STANDARD.encode(minicbor::to_vec(&opened.session).ok()?));
            // Whether the session is over or was ended is decided where the request is, on the
            // state that is there.
            Some(KeyFacts { key, session })
        }
    }
}
