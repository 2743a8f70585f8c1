//! Who signed a request: the claim, the credential it names, and the proof.

use std::sync::Arc;

use iamd_core::caller::{Caller, Credential};
use iamd_core::state::{AccessKey, AccessKeyStatus, State};
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
    let known = known(snapshot, keys, claim);
    let verified = |key: &SigningKey| claim.verify(request, key, rules, now);
    authenticate_known(snapshot, keys, claim, known, now, verified)
}

/// What proves a claim; none if nothing can.
pub fn known(snapshot: &Snapshot, keys: &SigningKeys, claim: &Claim<'_>) -> Option<Known> {
    match find(snapshot, keys, claim) {
        Found::Nothing => None,
        Found::Known(known) => Some(known),
        Found::Underived(underived) => underived.derived(&snapshot.keys, claim),
    }
}

/// Proves a claim with what is known of it, by whatever `verified` does with the signing key: the
/// request as a whole, or something else that was signed.
///
/// # Errors
/// As [`authenticate`], and those of `verified`.
pub fn authenticate_known(
    snapshot: &Snapshot,
    keys: &SigningKeys,
    claim: &Claim<'_>,
    known: Option<Known>,
    now: Timestamp,
    verified: impl Fn(&SigningKey) -> Result<(), Rejection>,
) -> Result<Authenticated, Rejection> {
    let state = &snapshot.state;
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
pub struct Known {
    origin: Origin,
    key: SigningKey,
    is_new: bool,
}

impl Known {
    /// A key that was derived now.
    pub fn new(origin: Origin, key: SigningKey) -> Known {
        Known { origin, key, is_new: true }
    }
}

/// What is known of the credential of a claim.
pub enum Found {
    /// There is no such credential, or it may not be used.
    Nothing,
    /// Its key for the day, region and service of the claim is kept.
    Known(Known),
    /// That key is to be derived.
    Underived(Underived),
}

/// A credential whose key is to be derived.
pub enum Underived {
    /// A stored key.
    LongTerm(Arc<AccessKey>),
    /// A session token, which may be none of ours.
    Temporary(Arc<str>),
}

impl Underived {
    /// Derives the key with the secrets that are here.
    fn derived(self, keyring: &Keyring, claim: &Claim<'_>) -> Option<Known> {
        match self {
            Underived::LongTerm(stored) => {
                let key = derive(claim, &stored.secret);
                Some(Known::new(Origin::LongTerm(stored), key))
            }
            Underived::Temporary(token) => {
                let id: AccessKeyId = claim.access_key_id().parse().ok()?;
                let opened = keyring.sessions.open(&token, &id).ok()?;
                let key = derive(claim, &opened.secret_access_key);
                let session = Arc::new(opened.session);
                Some(Known::new(Origin::Temporary { token, session }, key))
            }
        }
    }
}

/// Looks for the credential that a claim names.
pub fn find(snapshot: &Snapshot, keys: &SigningKeys, claim: &Claim<'_>) -> Found {
    match claim.session_token() {
        Some(token) => match keys.of_token(claim, token) {
            Some((key, session)) => {
                let origin = Origin::Temporary { token: token.into(), session };
                Found::Known(Known { origin, key, is_new: false })
            }
            None => Found::Underived(Underived::Temporary(token.into())),
        },
        None => long_term(&snapshot.state, keys, claim).unwrap_or(Found::Nothing),
    }
}

fn long_term(state: &State, keys: &SigningKeys, claim: &Claim<'_>) -> Option<Found> {
    let id: AccessKeyId = claim.access_key_id().parse().ok()?;
    let (_, stored) = state.access_key(&id)?;
    if stored.status != AccessKeyStatus::Active {
        return None;
    }
    Some(match keys.of_access_key(claim, stored) {
        Some(key) => {
            let origin = Origin::LongTerm(Arc::clone(stored));
            Found::Known(Known { origin, key, is_new: false })
        }
        None => Found::Underived(Underived::LongTerm(Arc::clone(stored))),
    })
}

fn derive(claim: &Claim<'_>, secret: &Secret) -> SigningKey {
    SigningKey::derive(secret, claim.scope_date(), claim.region(), claim.service())
}
