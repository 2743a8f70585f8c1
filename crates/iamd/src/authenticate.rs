//! Who signed a request: the claim, the credential it names, and the proof.

use std::sync::Arc;

use iamd_core::caller::{Caller, Credential};
use iamd_core::state::{AccessKeyStatus, State};
use iamd_core::unique_id::AccessKeyId;
use iamd_wire::sigv4::{Claim, Rejection, RequestParts, Rules, SigningKey};
use iamd_wire::{Secret, Timestamp};

use crate::keys::Keyring;
use crate::node::Snapshot;
use crate::signing_keys::{Origin, SigningKeys};

/// The secret behind claims that name no credential, so that they cost what others cost.
const DECOY_SECRET: &str = "no credential has this secret access key";

/// A caller whom his signature has proven.
pub struct Authenticated {
    /// Who he is.
    pub caller: Caller,
    /// The id of the key that he signed with.
    pub access_key_id: Box<str>,
    /// The region that he signed for.
    pub region: Box<str>,
    /// The key that proved it.
    pub key: SigningKey,
}

/// Proves who signed a request.
///
/// # Errors
/// AWS's answer to a request that proves nothing, an expired session included.
pub fn authenticate(
    snapshot: &Snapshot,
    keys: &SigningKeys,
    request: &RequestParts<'_>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Authenticated, Rejection> {
    let claim = Claim::read(request)?;
    authenticate_claim(snapshot, keys, &claim, request, rules, now)
}

/// The same for a claim that was read already.
///
/// # Errors
/// As [`authenticate`].
pub fn authenticate_claim<'a>(
    snapshot: &Snapshot,
    keys: &SigningKeys,
    claim: &Claim<'a>,
    request: &RequestParts<'a>,
    rules: &Rules,
    now: Timestamp,
) -> Result<Authenticated, Rejection> {
    authenticate_by(snapshot, keys, claim, now, |key| claim.verify(request, key, rules, now))
}

/// The same for a claim that something else proves than the request as a whole: whatever `verified`
/// does with the signing key.
///
/// # Errors
/// As [`authenticate`], and those of `verified`.
pub fn authenticate_by(
    snapshot: &Snapshot,
    keys: &SigningKeys,
    claim: &Claim<'_>,
    now: Timestamp,
    verified: impl Fn(&SigningKey) -> Result<(), Rejection>,
) -> Result<Authenticated, Rejection> {
    let state = &snapshot.state;
    let known = match claim.session_token() {
        Some(token) => temporary(&snapshot.keys, keys, claim, token),
        None => long_term(state, keys, claim),
    };
    let Some(known) = known else {
        let key = derive(claim, &Secret::from(DECOY_SECRET.to_owned()));
        // The answer is the same whatever comes out; the work is done for its duration.
        let _ = verified(&key);
        return Err(Rejection::unknown_key());
    };
    verified(&known.key)?;
    let caller = match &known.origin {
        Origin::Temporary { session, .. } if session.expires <= now => {
            return Err(Rejection::expired_token());
        }
        Origin::Temporary { session, .. } => {
            let id = claim.access_key_id().parse().map_err(|_| Rejection::unknown_key())?;
            Caller::of_session(state, &id, session)
        }
        Origin::LongTerm(key) => {
            state.access_key(&key.id).and_then(|(account, key)| Caller::of_access_key(account, key))
        }
    };
    if known.is_new {
        keys.keep(claim, known.origin, known.key.clone());
    }
    let caller = caller.ok_or_else(Rejection::unknown_key)?;
    let (access_key_id, region) = (claim.access_key_id().into(), claim.region().into());
    Ok(Authenticated { caller, access_key_id, region, key: known.key })
}

/// The same caller on a newer state; none if his credential ended meanwhile.
pub fn again(state: &State, caller: &Caller) -> Option<Caller> {
    match &caller.credential {
        Credential::LongTerm(id) => {
            let (account, key) = state.access_key(id)?;
            (key.status == AccessKeyStatus::Active).then(|| Caller::of_access_key(account, key))?
        }
        Credential::Temporary(id, session) => Caller::of_session(state, id, session),
    }
}

/// A credential that exists, with the key that proves it.
struct Known {
    origin: Origin,
    key: SigningKey,
    is_new: bool,
}

fn long_term(state: &State, keys: &SigningKeys, claim: &Claim<'_>) -> Option<Known> {
    let id: AccessKeyId = claim.access_key_id().parse().ok()?;
    let (_, stored) = state.access_key(&id)?;
    if stored.status != AccessKeyStatus::Active {
        return None;
    }
    let origin = Origin::LongTerm(Arc::clone(stored));
    Some(match keys.of_access_key(claim, stored) {
        Some(key) => Known { origin, key, is_new: false },
        None => Known { origin, key: derive(claim, &stored.secret), is_new: true },
    })
}

fn temporary(
    keyring: &Keyring,
    keys: &SigningKeys,
    claim: &Claim<'_>,
    token: &str,
) -> Option<Known> {
    if let Some((key, session)) = keys.of_token(claim, token) {
        let origin = Origin::Temporary { token: token.into(), session };
        return Some(Known { origin, key, is_new: false });
    }
    let id: AccessKeyId = claim.access_key_id().parse().ok()?;
    let opened = keyring.sessions.open(token, &id).ok()?;
    let key = derive(claim, &opened.secret_access_key);
    let origin = Origin::Temporary { token: token.into(), session: Arc::new(opened.session) };
    Some(Known { origin, key, is_new: true })
}

fn derive(claim: &Claim<'_>, secret: &Secret) -> SigningKey {
    SigningKey::derive(secret, claim.scope_date(), claim.region(), claim.service())
}
