//! The operators' door on the network: `POST /_operator`, signed with an operator's credential.
//!
//! The same wishes as on the socket in the data folder, the same answers, without lines of
//! progress. Over TLS, or from the machine itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use iamd_core::operator::Operator;
use iamd_core::state::OperatorPurpose;
use iamd_wire::sigv4::{Claim, PathRule, PayloadRule, Rejection, Rules, SigningKey};
use iamd_wire::{Secret, Timestamp};

use super::answer::{Body, closing, plain};
use super::api::{Desk, headers, is_plausible, request_parts};
use crate::config::RateSetting;
use crate::fault::Fault;
use crate::limits::Buckets;
use crate::node::{Node, Snapshot};
use crate::operator::{self, OPERATOR_SERVICE, Output, Progress, Reply, Site, Wish, grant};
use crate::proxies::Source;

/// Longest request, in bytes.
// CHOICE: the longest wish holds a session token.
const BODY_LENGTH_MAX: usize = 128 * 1024;
/// Longest request of a process that follows the node, in bytes.
// CHOICE: the longest holds records of the audit trail.
const FOLLOWER_BODY_LENGTH_MAX: usize = 1024 * 1024;
/// How many requests one credential may make.
// CHOICE: a person, or a program that looks now and then.
const RATE: RateSetting = RateSetting { per_second: 10, burst: 50 };
/// How many a process that follows the node may make.
// CHOICE: it asks for a key for every caller that it meets on a day.
const FOLLOWER_RATE: RateSetting = RateSetting { per_second: 1_000, burst: 5_000 };
const JSON: &str = "application/json";
/// The secret behind claims that name no credential, so that they cost what others cost.
const DECOY_SECRET: &str = "no credential has this secret access key";

/// The door.
pub(super) struct OperatorsDoor {
    folder: Arc<Path>,
    rates: Buckets<Box<str>>,
    follower_rates: Buckets<Box<str>>,
    start: Instant,
}

impl OperatorsDoor {
    /// The door to the node on a data folder.
    pub(super) fn new(folder: &Path) -> OperatorsDoor {
        OperatorsDoor {
            folder: folder.into(),
            rates: Buckets::new(RATE),
            follower_rates: Buckets::new(FOLLOWER_RATE),
            start: Instant::now(),
        }
    }

    /// Answers a request to the operators' path.
    pub(super) async fn answer(
        &self,
        desk: Desk<'_>,
        request: Request<Incoming>,
        source: Source,
    ) -> Response<Body> {
        match self.answered(desk, request, source).await {
            Ok(response) => response,
            Err(refused) => {
                tracing::info!(ip = %source.ip, "an operator was refused: {}", refused.message);
                closing(error(refused.status, refused.message))
            }
        }
    }

    async fn answered(
        &self,
        desk: Desk<'_>,
        request: Request<Incoming>,
        source: Source,
    ) -> Result<Response<Body>, Refused> {
        // Before anything is read: what comes in the clear may be seen by others.
        if !source.is_secure && !source.ip.is_loopback() {
            let message = "operators are served over TLS, or on the machine itself";
            return Err(Refused::new(StatusCode::FORBIDDEN, message));
        }
        if request.method() != Method::POST {
            return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "use POST"));
        }
        let (parts, mut body) = request.into_parts();
        let now = desk.node.clock().now();
        if !is_plausible(&parts, now) {
            return Err(Refused::new(StatusCode::FORBIDDEN, "the request has no valid signature"));
        }
        // Who asks is known with the body only.
        let held = desk.limits.bodies.whole(&mut body, FOLLOWER_BODY_LENGTH_MAX).await;
        let held = held.map_err(|_| too_large(FOLLOWER_BODY_LENGTH_MAX))?;
        let operator = proven(&desk.node.snapshot(), &parts, &held.bytes, now)?;
        let (name, rates) = match &operator {
            Operator::Named(_) if held.bytes.len() > BODY_LENGTH_MAX => {
                return Err(too_large(BODY_LENGTH_MAX));
            }
            Operator::Named(name) => (name, &self.rates),
            Operator::Follower(name) => (name, &self.follower_rates),
            Operator::Machine => {
                return Err(Refused::new(StatusCode::FORBIDDEN, "a credential has a name"));
            }
        };
        if !rates.take(name.clone(), self.start.elapsed()) {
            return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, "too many requests"));
        }
        let wish: Wish = serde_json::from_slice(&held.bytes).map_err(|error| {
            Refused::new(StatusCode::BAD_REQUEST, format!("the request cannot be read: {error}"))
        })?;
        operator::permit(desk.node, &operator, &wish)
            .await
            .map_err(|fault| Refused::new(status_of_denial(&fault), fault.to_string()))?;
        Ok(self.worked(desk.node, operator, wish).await)
    }

    /// Carries out a wish on a task of its own: work that has begun is finished, also when who
    /// asked goes away.
    async fn worked(&self, node: &Arc<Node>, operator: Operator, wish: Wish) -> Response<Body> {
        let (node, folder) = (Arc::clone(node), Arc::clone(&self.folder));
        let work = tokio::spawn(async move {
            let (progress, _steps) = Progress::channel();
            let (folder, progress, operator) = (&folder, &progress, &operator);
            // Bytes have no place in this answer: a wish for them is refused.
            let output = &Output::none();
            grant(&Site { node: &node, folder, progress, output, operator }, wish).await
        });
        match work.await {
            Ok(Ok(granted)) => reply(StatusCode::OK, &Reply::Granted(Box::new(granted))),
            Ok(Err(fault)) => error(status(&fault), fault.to_string()),
            Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, operator::BROKEN_OFF.to_owned()),
        }
    }
}

/// A refusal before the wish is carried out.
struct Refused {
    status: StatusCode,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Refused {
        Refused { status, message: message.into() }
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Refused {
        let status = StatusCode::from_u16(rejection.code.status());
        Refused::new(status.unwrap_or(StatusCode::FORBIDDEN), rejection.to_string())
    }
}

fn too_large(length_max: usize) -> Refused {
    let message = format!("the body cannot be read: it has at most {length_max} bytes");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// Proves which operator signed a request. Keys of accounts are not looked for.
fn proven(
    snapshot: &Snapshot,
    parts: &Parts,
    body: &[u8],
    now: Timestamp,
) -> Result<Operator, Rejection> {
    let headers = headers(parts);
    let request = request_parts(parts, &headers, body);
    let claim = Claim::read(&request)?;
    // A link that anybody can follow is no command, and sessions of operators do not exist.
    let has_form = !claim.is_presigned() && claim.session_token().is_none();
    let id = claim.access_key_id().parse().ok();
    let known = id.and_then(|id| snapshot.state.operators().credential(&id)).filter(|_| has_form);
    let decoy = Secret::from(DECOY_SECRET.to_owned());
    let secret = known.map_or(&decoy, |known| &known.secret);
    let key = SigningKey::derive(secret, claim.scope_date(), claim.region(), claim.service());
    let verified = claim.verify(&request, &key, &RULES, now);
    let Some(known) = known else { return Err(Rejection::unknown_key()) };
    verified?;
    let name = known.name.clone();
    Ok(match known.purpose {
        None => Operator::Named(name),
        Some(OperatorPurpose::Follower) => Operator::Follower(name),
    })
}

/// What is demanded of operators' signatures.
const RULES: Rules = Rules {
    service: OPERATOR_SERVICE,
    path: PathRule::Normalize,
    payload: PayloadRule::Hash,
    presigned_seconds_min: 0,
};

/// The status of a wish that the operator may not have; its record may have found no place.
fn status_of_denial(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Refused(_) => StatusCode::FORBIDDEN,
        fault => status(fault),
    }
}

fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Refused(_) => StatusCode::BAD_REQUEST,
        Fault::Unavailable(_) | Fault::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Folder(_) | Fault::Damaged(_) | Fault::Bug(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn error(status: StatusCode, message: String) -> Response<Body> {
    reply(status, &Reply::Error(message))
}

fn reply(status: StatusCode, reply: &Reply) -> Response<Body> {
    match serde_json::to_string(reply) {
        Ok(text) => plain(status, JSON, text + "\n"),
        Err(error) => {
            tracing::error!("an answer to an operator cannot be written: {error}");
            plain(StatusCode::INTERNAL_SERVER_ERROR, JSON, "{}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::http::request::Builder;
    use iamd_core::quota::Quotas;
    use iamd_store::Memory;
    use iamd_wire::sigv4::Signer;

    use super::*;
    use crate::founder::{self, Order};
    use crate::keys::MasterKey;
    use crate::operator::{OPERATOR_PATH, carry_out};
    use iamd_core::operator::{CreateOperator, DeleteOperator};

    const BODY: &[u8] = br#"{"command":"list-accounts"}"#;

    async fn node() -> Arc<Node> {
        let master = Arc::new(MasterKey::fresh().unwrap().sealing().unwrap());
        Node::open(Arc::new(Memory::new()), master, Quotas::default()).await.unwrap()
    }

    /// The head of a request, signed.
    fn signed(id: &str, secret: &Secret, service: &str, at: Timestamp) -> Parts {
        let signer =
            Signer { access_key_id: id, secret_access_key: secret, region: "iamd", service };
        let signed = signer.sign("POST", OPERATOR_PATH, "iam.example.com", BODY, at);
        unsigned()
            .header("x-amz-date", signed.date)
            .header("x-amz-content-sha256", signed.content_sha256)
            .header("authorization", signed.authorization)
            .body(())
            .unwrap()
            .into_parts()
            .0
    }

    fn unsigned() -> Builder {
        Request::builder().method("POST").uri(OPERATOR_PATH).header("host", "iam.example.com")
    }

    #[tokio::test]
    async fn only_a_credential_of_an_operator_for_this_service_and_time_is_proven() {
        let node = node().await;
        let order = Order {
            root_email: "root@example.com".to_owned(),
            key_owner: Some("root".to_owned()),
            ..Order::default()
        };
        let account = founder::found(&node, order).await.unwrap();
        let create = CreateOperator { name: "ana".to_owned(), purpose: None };
        let ana = carry_out(&node, &Operator::Machine, create).await.unwrap();
        let now = node.clock().now();
        let later = |seconds| Timestamp::from_seconds(now.seconds() + seconds);
        let proof = |parts: &Parts, now| {
            let proven = proven(&node.snapshot(), parts, BODY, now);
            proven.map_err(|rejection| rejection.code.code())
        };
        let good = signed(ana.id.as_str(), &ana.secret, OPERATOR_SERVICE, now);
        let operator = Operator::Named("ana".into());
        assert_eq!(proof(&good, now), Ok(operator.clone()));
        assert_eq!(proof(&good, later(900)), Ok(operator));

        // The nearest that must be refused.
        let (mismatch, unknown) = (Err("SignatureDoesNotMatch"), Err("InvalidClientTokenId"));
        assert_eq!(proof(&good, later(901)), mismatch, "replayed outside of its time");
        assert_eq!(proof(&good, later(-901)), mismatch);
        let other = Secret::from("another secret".to_owned());
        let wrong = signed(ana.id.as_str(), &other, OPERATOR_SERVICE, now);
        assert_eq!(proof(&wrong, now), mismatch);
        for service in ["iam", "sts", "iamd-operators"] {
            assert_eq!(proof(&signed(ana.id.as_str(), &ana.secret, service, now), now), mismatch);
        }
        let (id, secret) = (account.access_key_id.unwrap(), account.secret_access_key.unwrap());
        for service in [OPERATOR_SERVICE, "iam"] {
            assert_eq!(proof(&signed(&id, &secret, service, now), now), unknown, "of an account");
        }
        let (bare, ()) = unsigned().body(()).unwrap().into_parts();
        assert_eq!(proof(&bare, now), Err("MissingAuthenticationToken"));
        assert!(!is_plausible(&bare, now));
        let with_token = signed(ana.id.as_str(), &ana.secret, OPERATOR_SERVICE, now);
        let mut with_token = with_token;
        with_token.headers.insert("x-amz-security-token", "token".parse().unwrap());
        assert_eq!(proof(&with_token, now), unknown);

        let delete = DeleteOperator { name: "ana".to_owned() };
        carry_out(&node, &Operator::Machine, delete).await.unwrap();
        assert_eq!(proof(&good, now), unknown, "deleted");
    }
}
