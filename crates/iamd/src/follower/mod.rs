//! A process that follows a node: it decides on a copy of its state, without a secret of it.
//!
//! What it cannot do itself it asks for: keys to verify signatures with, and what changes the state.

mod asking;
mod copy;
mod outgoing;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_core::account_id::AccountId;
use iamd_core::session::Session;
use iamd_store::Revision;
use iamd_wire::route::S3Error;
use iamd_wire::sigv4::{Claim, SigningKey};
use iamd_wire::{Secret, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

pub use asking::{Unanswered, Way};
pub use copy::{Copy, begin, follow};
pub use outgoing::hand_over;
pub use store::FollowersStore;

use crate::authenticate::{self, Found, Known, Underived};
use crate::doors::gateway::forwarded::{ForwardedRequest, Written};
use crate::node::{Node, Snapshot};
use crate::operator::{FollowAnswer, FollowWish, KeyFacts, KeyQuestion};
use crate::signing_keys::{Origin, SigningKeys};

/// Most questions about keys that are under way; others wait, and not for long.
// CHOICE: strangers can make up tokens, and so make the gateway ask.
const QUESTIONS_MAX: usize = 64;
/// How long an answer about a key may take, its turn included.
const KEY_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a write may take.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
/// How long what was written may take to come back in the copy.
const ECHO_TIME_MAX: Duration = Duration::from_secs(5);
/// Most answers that are remembered in which there was no key; then all are forgotten.
const REFUSED_MAX: usize = 4_096;
/// How long they are.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// The node that this process follows.
pub struct Leader {
    way: Way,
    /// How old the copy may be.
    age_max: Duration,
    questions: Semaphore,
    /// Credentials for which there was no key, by digest, and until when that is believed.
    refused: Mutex<HashMap<Vec<u8>, Instant>>,
}

impl Leader {
    /// A node that is asked in this way. A copy that is older than that decides nothing.
    pub fn new(way: Way, age_max: Duration) -> Arc<Leader> {
        let (questions, refused) = (Semaphore::new(QUESTIONS_MAX), Mutex::default());
        Arc::new(Leader { way, age_max, questions, refused })
    }

    /// How old the copy may be.
    pub fn age_max(&self) -> Duration {
        self.age_max
    }

    /// Whether the copy of a node is too old to decide anything on.
    pub fn is_too_old(&self, node: &Node) -> bool {
        node.snapshot_age() > self.age_max
    }

    /// Refuses to decide on a copy that is too old.
    ///
    /// # Errors
    /// `ServiceUnavailable`
    pub fn check_age(&self, node: &Node) -> Result<(), S3Error> {
        if self.is_too_old(node) { Err(away()) } else { Ok(()) }
    }

    /// What proves a claim; none if nothing can.
    ///
    /// # Errors
    /// `ServiceUnavailable` when the node must be asked and does not answer.
    pub async fn known(
        &self,
        snapshot: &Snapshot,
        keys: &SigningKeys,
        claim: &Claim<'_>,
        now: Timestamp,
    ) -> Result<Option<Known>, S3Error> {
        let underived = match authenticate::find(snapshot, keys, claim) {
            Found::Nothing => return Ok(None),
            Found::Known(known) => return Ok(Some(known)),
            Found::Underived(underived) => underived,
        };
        let question = KeyQuestion {
            access_key_id: claim.access_key_id().to_owned(),
            session_token: claim.session_token().map(|token| Secret::from(token.to_owned())),
            date: claim.scope_date().to_owned(),
            region: claim.region().to_owned(),
            service: claim.service().to_owned(),
        };
        if !question.is_plausible(now) {
            // No key would do; the answer says what is wrong with the claim before it looks.
            return Ok(match underived {
                Underived::LongTerm(stored) => unusable(Origin::LongTerm(stored)),
                Underived::Temporary(_) => None,
            });
        }
        let facts = self.key(question).await?;
        Ok(facts.and_then(|facts| usable(underived, &facts)))
    }

    async fn key(&self, question: KeyQuestion) -> Result<Option<KeyFacts>, S3Error> {
        let digest = digest(&question);
        if self.is_refused(&digest) {
            return Ok(None);
        }
        let asked = async {
            let turn = self.questions.acquire().await.ok()?;
            let answer = self.ask(FollowWish::SigningKey(question)).await;
            drop(turn);
            Some(answer)
        };
        match timeout(KEY_TIME_MAX, asked).await {
            Ok(Some(Ok(FollowAnswer::SigningKey(facts)))) => {
                if facts.is_none() {
                    self.refuse(digest);
                }
                Ok(facts)
            }
            Ok(Some(Err(unanswered))) => {
                tracing::warn!("a signing key cannot be asked for: {unanswered}");
                Err(away())
            }
            Ok(Some(Ok(_)) | None) | Err(_) => Err(away()),
        }
    }

    fn is_refused(&self, digest: &[u8]) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(digest).is_some_and(|until| *until > Instant::now())
    }

    fn refuse(&self, digest: Vec<u8>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= REFUSED_MAX {
            refused.clear();
        }
        refused.insert(digest, Instant::now() + REFUSED_FOR);
    }

    /// Has a step of a client's request carried out, and waits until it can be seen here.
    ///
    /// # Errors
    /// S3's answer to a request that is refused; `ServiceUnavailable`.
    pub async fn carry_out(
        &self,
        node: &Node,
        request: Option<&ForwardedRequest>,
        step: &'static str,
    ) -> Result<(), S3Error> {
        let request = request.ok_or_else(away)?.for_step(step);
        let answer = timeout(WRITE_TIME_MAX, self.ask(FollowWish::Write(request))).await;
        match answer {
            Ok(Ok(FollowAnswer::Written(Written::Done { account, revision }))) => {
                let account = AccountId::from_number(account).ok_or_else(away)?;
                let seen = wait_for(node, account, Revision(revision));
                timeout(ECHO_TIME_MAX, seen).await.map_err(|_| away())
            }
            Ok(Ok(FollowAnswer::Written(Written::Refused { code, message }))) => {
                Err(S3Error::new(known_code(&code), message))
            }
            Ok(Err(unanswered)) => {
                tracing::warn!(step, "a request cannot be handed on: {unanswered}");
                Err(away())
            }
            Ok(Ok(_)) | Err(_) => Err(away()),
        }
    }

    /// Asks the node.
    ///
    /// # Errors
    /// [`Unanswered`]
    pub async fn ask(&self, wish: FollowWish) -> Result<FollowAnswer, Unanswered> {
        self.way.ask(wish).await
    }
}

/// Waits until the copy has what was written.
async fn wait_for(node: &Node, account: AccountId, revision: Revision) {
    let mut snapshot = node.snapshot();
    while snapshot.revision(account) < revision {
        snapshot = node.snapshot_after(&snapshot, ECHO_TIME_MAX).await;
    }
}

/// What a node has said of a credential, made ready.
fn usable(underived: Underived, facts: &KeyFacts) -> Option<Known> {
    let bytes = Zeroizing::new(STANDARD.decode(facts.key.expose()).ok()?);
    let key = SigningKey::from_bytes(bytes.as_slice().try_into().ok()?);
    let origin = match (underived, &facts.session) {
        (Underived::LongTerm(stored), None) => Origin::LongTerm(stored),
        (Underived::Temporary(token), Some(session)) => {
            let session: Session = minicbor::decode(&STANDARD.decode(session).ok()?).ok()?;
            Origin::Temporary { token, session: Arc::new(session) }
        }
        (Underived::LongTerm(_), Some(_)) | (Underived::Temporary(_), None) => return None,
    };
    Some(Known::new(origin, key))
}

/// A key that proves nothing, for a claim that is wrong before its signature is.
fn unusable(origin: Origin) -> Option<Known> {
    let bytes: [u8; 32] = crate::entropy::bytes().ok()?;
    Some(Known::new(origin, SigningKey::from_bytes(&bytes)))
}

fn digest(question: &KeyQuestion) -> Vec<u8> {
    let token = question.session_token.as_ref().map_or("", |token| token.expose());
    let parts =
        [&question.access_key_id, token, &question.date, &question.region, &question.service];
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().to_vec()
}

/// The answer while the node is away.
fn away() -> S3Error {
    S3Error::new("ServiceUnavailable", "Please reduce your request rate.")
}

/// A code in the form that answers have; of one that no step has, the one for what went wrong.
fn known_code(code: &str) -> &'static str {
    const CODES: [&str; 24] = [
        "AccessControlListNotSupported",
        "AccessDenied",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidArgument",
        "InvalidBucketAclWithObjectOwnership",
        "InvalidBucketName",
        "InvalidRequest",
        "InvalidToken",
        "MalformedPolicy",
        "MalformedXML",
        "MethodNotAllowed",
        "NoSuchBucket",
        "OperationAborted",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "TooManyBuckets",
        "XAmzContentSHA256Mismatch",
    ];
    CODES.into_iter().find(|known| *known == code).unwrap_or("InternalError")
}
