//! Who makes a request of the gateway, and what proves its body.

use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, REFERER, USER_AGENT};
use hyper::http::request::Parts;
use iamd_core::audit::Requester;
use iamd_core::caller::{Credential, Identity};
use iamd_core::operation::Environment;
use iamd_core::s3::SignatureFacts;
use iamd_wire::form::{Form as PostForm, PostPolicy};
use iamd_wire::route::S3Error;
use iamd_wire::sigv4::{
    Chunks, Claim, HASH_OF_NOTHING, Payload, PolicySignature, Rejection, RequestParts, Rules,
    SigningKey,
};
use iamd_wire::{ErrorCode, Timestamp};

use super::checksum::{self, Checksum};
use super::payload::{Framed, Proof};
use super::record::Call;
use super::{Gateway, text};
use crate::authenticate::{Authenticated, authenticate_known, known};
use crate::node::Node;
use crate::server::Line;
use crate::signing_keys::SigningKeys;

/// What is known of a request once its signature is proven.
pub(super) struct Admitted {
    pub(super) payload: Payload,
    pub(super) chunks: Option<Box<Framed>>,
    /// None of a request that nobody signed.
    pub(super) signature: Option<SignatureFacts>,
}

impl Admitted {
    /// How long the body is that goes to the store.
    ///
    /// # Errors
    /// `MissingContentLength`.
    pub(super) fn length(&self, parts: &Parts) -> Result<u64, S3Error> {
        match self.payload {
            Payload::SignedChunks { decoded_length, .. }
            | Payload::UnsignedChunks { decoded_length } => return Ok(decoded_length),
            Payload::Hash(_) | Payload::Unsigned => {}
        }
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        length.and_then(|length| length.parse().ok()).ok_or_else(|| {
            let message = "You must provide the Content-Length HTTP header.";
            S3Error::new("MissingContentLength", message)
        })
    }

    /// Whether the body has frames of chunks.
    pub(super) fn is_chunked(&self) -> bool {
        matches!(self.payload, Payload::SignedChunks { .. } | Payload::UnsignedChunks { .. })
    }

    /// What proves the body, once.
    pub(super) fn take_proof(&mut self) -> Proof {
        match (self.chunks.take(), self.payload) {
            (Some(framed), _) => Proof::Chunks(framed),
            (None, Payload::Hash(expected)) => Proof::hash(expected),
            (None, _) => Proof::None,
        }
    }

    /// Proves that there is no body.
    ///
    /// # Errors
    /// S3's answer when one was declared.
    pub(super) fn check_empty(&mut self) -> Result<(), S3Error> {
        if self.payload == Payload::Hash(HASH_OF_NOTHING) {
            return Ok(());
        }
        self.take_proof().check_whole(&[]).map(drop)
    }
}

/// Proves who asks.
///
/// # Errors
/// S3's answer to a request that proves nothing.
pub(super) async fn admit(
    gateway: &Gateway,
    call: &mut Call,
    parts: &Parts,
    headers: &[(&str, &[u8])],
    line: Line,
) -> Result<Admitted, S3Error> {
    call.environment = environment(gateway, parts, line)?;
    prove(&gateway.node, &gateway.keys, call, parts, headers).await
}

/// The same for a request whose surroundings are known.
///
/// # Errors
/// As [`admit`].
pub(super) async fn prove(
    node: &Node,
    keys: &SigningKeys,
    call: &mut Call,
    parts: &Parts,
    headers: &[(&str, &[u8])],
) -> Result<Admitted, S3Error> {
    let request = RequestParts {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers,
        body: &[],
    };
    if is_unsigned(&request) {
        return stranger(headers);
    }
    let form = if request.headers.iter().any(|(name, _)| *name == "authorization") {
        Form::Header
    } else {
        Form::Query
    };
    let claim = Claim::read(&request).map_err(|rejection| refused(rejection, form))?;
    let now = node.clock().now();
    let verified = |key: &SigningKey| claim.verify(&request, key, &Rules::S3, now);
    let authenticated = authenticated(node, keys, call, &claim, now, verified).await?;
    let authenticated = authenticated.map_err(|rejection| unproven(&claim, rejection, form))?;
    let payload = Payload::declared(&request, &claim)
        .map_err(|rejection| S3Error::new("InvalidRequest", rejection.message))?;
    let chunks = match Chunks::new(payload, &claim, &authenticated.key) {
        Some(chunks) => Some(Box::new(Framed::new(chunks, promised(parts, payload)?))),
        None => None,
    };
    let age = now.seconds().saturating_sub(claim.time().seconds()).max(0);
    let signature = match form {
        Form::Header => SignatureFacts { form: "REST-HEADER", age_milliseconds: None },
        Form::Query | Form::Fields => SignatureFacts {
            form: "REST-QUERY-STRING",
            age_milliseconds: Some(age.saturating_mul(1_000)),
        },
    };
    asks(node, call, authenticated, now);
    Ok(Admitted { payload, chunks, signature: Some(signature) })
}

/// Who is behind a claim, by what is known here, or by what the node says that this one follows.
///
/// # Errors
/// `ServiceUnavailable` when that node must be asked and does not answer.
async fn authenticated(
    node: &Node,
    keys: &SigningKeys,
    call: &mut Call,
    claim: &Claim<'_>,
    now: Timestamp,
    verified: impl Fn(&SigningKey) -> Result<(), Rejection>,
) -> Result<Result<Authenticated, Rejection>, S3Error> {
    let snapshot = node.snapshot();
    let known = match node.leader() {
        None => known(&snapshot, keys, claim),
        Some(leader) => Box::pin(leader.known(&snapshot, keys, claim, now)).await?,
    };
    let authenticated = authenticate_known(&snapshot, keys, claim, known, now, verified);
    if let Ok(Authenticated { caller, .. }) = &authenticated {
        let account = snapshot.state.account(caller.account);
        call.proven_on = account.map(|account| account.version().clone());
    }
    Ok(authenticated)
}

/// Notes who asks, and that his credential was used.
fn asks(node: &Node, call: &mut Call, authenticated: Authenticated, now: Timestamp) {
    let caller = authenticated.caller;
    let note = |id: &str| {
        node.facts().note(caller.account, id, now, &authenticated.region, "s3");
    };
    match (&caller.credential, &caller.identity) {
        (Credential::LongTerm(id), _) => note(id.as_str()),
        (Credential::Temporary(..), Identity::RoleSession { role, .. }) => note(role.as_str()),
        (Credential::Temporary(..), Identity::Root | Identity::User(_)) => {}
    }
    call.environment.region = authenticated.region;
    let access_key_id = authenticated.access_key_id;
    call.requester = Some(Requester { caller, access_key_id });
}

/// Proves who signed the policy of a form; the policy is none where nobody signed.
///
/// # Errors
/// S3's answer to a form that proves nothing, and to one that does so only in part.
pub(super) async fn admit_form(
    gateway: &Gateway,
    call: &mut Call,
    fields: &PostForm,
) -> Result<(Option<PostPolicy>, Admitted), S3Error> {
    if OF_VERSION_2.iter().any(|name| fields.field(name).is_some()) {
        return Err(unsupported());
    }
    if OF_SIGNED_FORMS.iter().all(|name| fields.field(name).is_none()) {
        return Ok((None, stranger(&[])?));
    }
    let required = |name: &str| fields.field(name).ok_or_else(|| missing_field(name));
    let text = required("policy")?;
    let claim = Claim::of_form(&PolicySignature {
        algorithm: required("x-amz-algorithm")?,
        credential: required("x-amz-credential")?,
        date: required("x-amz-date")?,
        signature: required("x-amz-signature")?,
        security_token: fields.field("x-amz-security-token"),
    });
    let claim = claim.map_err(|rejection| refused(rejection, Form::Fields))?;
    let now = gateway.node.clock().now();
    let verified = |key: &SigningKey| claim.verify_policy(text, key, &Rules::S3, now);
    let (node, keys) = (&gateway.node, &gateway.keys);
    let authenticated = authenticated(node, keys, call, &claim, now, verified).await?;
    let authenticated =
        authenticated.map_err(|rejection| unproven(&claim, rejection, Form::Fields))?;
    let age = now.seconds().saturating_sub(claim.time().seconds()).max(0);
    asks(&gateway.node, call, authenticated, now);
    let signature =
        SignatureFacts { form: "POST", age_milliseconds: Some(age.saturating_mul(1_000)) };
    let admitted =
        Admitted { payload: Payload::Unsigned, chunks: None, signature: Some(signature) };
    Ok((Some(PostPolicy::parse(text)?), admitted))
}

/// Fields of which a form has all or none, and the token of temporary credentials.
const OF_SIGNED_FORMS: [&str; 6] = [
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];
/// Fields of signatures of the version before.
const OF_VERSION_2: [&str; 2] = ["awsaccesskeyid", "signature"];

/// The answer to a form without a field.
pub(super) fn missing_field(name: &str) -> S3Error {
    let message = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    );
    S3Error::new("InvalidArgument", message)
}

/// The answer to a claim that does not hold.
fn unproven(claim: &Claim<'_>, rejection: Rejection, form: Form) -> S3Error {
    match claim.session_token() {
        Some(_) if rejection.code == ErrorCode::InvalidClientTokenId => invalid_token(),
        Some(_) | None => refused(rejection, form),
    }
}

/// The checksum that a body in chunks promises behind them.
///
/// # Errors
/// `InvalidRequest` for one that S3 does not know.
fn promised(parts: &Parts, payload: Payload) -> Result<Option<Checksum>, S3Error> {
    match (text(parts, "x-amz-trailer"), payload) {
        (Some(trailer), Payload::UnsignedChunks { .. })
        | (Some(trailer), Payload::SignedChunks { has_trailer: true, .. }) => {
            Checksum::promised(&trailer).map(Some)
        }
        (Some(_), _) => Err(checksum::malformed()),
        (None, _) => Ok(None),
    }
}

/// Where a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Header,
    Query,
    /// In the fields of a form.
    Fields,
}

pub(super) fn environment(
    gateway: &Gateway,
    parts: &Parts,
    line: Line,
) -> Result<Environment, S3Error> {
    let source = gateway.proxies.source(line.peer, line.is_tls, &parts.headers);
    let source = source.map_err(|malformed| {
        let message = format!("The header {} of the proxy cannot be read.", malformed.0);
        S3Error::new("InvalidRequest", message)
    })?;
    let text = |name| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(Box::from)
    };
    Ok(Environment {
        source_ip: Some(source.ip),
        secure_transport: source.is_secure,
        user_agent: text(USER_AGENT),
        referer: text(REFERER),
        region: Box::default(),
    })
}

/// Whether nothing in a request claims to be a signature, of whatever version.
fn is_unsigned(request: &RequestParts<'_>) -> bool {
    let has_header = request
        .headers
        .iter()
        .any(|(name, _)| matches!(*name, "authorization" | "x-amz-security-token"));
    let names = request.query.unwrap_or_default().split('&').map(|part| {
        let name = part.split('=').next().unwrap_or_default().to_ascii_lowercase();
        name.replace("%2d", "-")
    });
    let is_of_signature = |name: String| {
        name.starts_with("x-amz-") || matches!(&*name, "awsaccesskeyid" | "signature")
    };
    !has_header && !names.into_iter().any(is_of_signature)
}

/// Refuses signatures of the version before, which the parameters of a query would hide.
///
/// # Errors
/// `InvalidRequest`, in S3's words.
pub(super) fn refuse_version_2(parts: &Parts) -> Result<(), S3Error> {
    let query = parts.uri.query().unwrap_or_default();
    let is_old = query.split('&').any(|part| part.starts_with("AWSAccessKeyId="))
        || parts
            .headers
            .get(AUTHORIZATION)
            .is_some_and(|value| value.as_bytes().starts_with(b"AWS "));
    if is_old { Err(unsupported()) } else { Ok(()) }
}

fn unsupported() -> S3Error {
    S3Error::new(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    )
}

/// A request that nobody signed: nothing proves its body, and so it comes in no chunks.
fn stranger(headers: &[(&str, &[u8])]) -> Result<Admitted, S3Error> {
    let is_chunked = |(name, value): &(&str, &[u8])| {
        *name == "x-amz-content-sha256" && value.starts_with(b"STREAMING-")
    };
    if headers.iter().any(is_chunked) {
        let message = "A request without a signature cannot be sent in chunks.";
        return Err(S3Error::new("InvalidRequest", message));
    }
    Ok(Admitted { payload: Payload::Unsigned, chunks: None, signature: None })
}

/// S3's words for a request that is not proven.
///
/// Source: S3 API Reference, "Error responses", "List of error codes".
fn refused(rejection: Rejection, form: Form) -> S3Error {
    let Rejection { code, message } = rejection;
    match (code, form) {
        (ErrorCode::InvalidClientTokenId, _) => S3Error::new(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        (ErrorCode::ExpiredToken, _) => {
            S3Error::new("ExpiredToken", "The provided token has expired.")
        }
        (ErrorCode::RequestExpired, _) => S3Error::new("AccessDenied", "Request has expired"),
        (ErrorCode::SignatureDoesNotMatch, _) if message.starts_with("Signature expired") => {
            too_skewed()
        }
        (ErrorCode::SignatureDoesNotMatch, _) if message.starts_with("Signature not yet") => {
            too_skewed()
        }
        (ErrorCode::SignatureDoesNotMatch, _) if !message.starts_with("Credential") => {
            S3Error::new(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
            )
        }
        (ErrorCode::MissingAuthenticationToken, _) => unsupported(),
        (ErrorCode::RequestEntityTooLargeException, _) => S3Error::new("InvalidRequest", message),
        (_, Form::Header) => S3Error::new("AuthorizationHeaderMalformed", message),
        (_, Form::Query) => S3Error::new("AuthorizationQueryParametersError", message),
        (_, Form::Fields) => S3Error::new("InvalidArgument", message),
    }
}

fn too_skewed() -> S3Error {
    let message = "The difference between the request time and the current time is too large.";
    S3Error::new("RequestTimeTooSkewed", message)
}

fn invalid_token() -> S3Error {
    let message = "The provided token is malformed or otherwise invalid.";
    S3Error::new("InvalidToken", message)
}

/// The answer to a caller whose credential ended while his request was under way.
pub(super) fn ended() -> S3Error {
    refused(Rejection::unknown_key(), Form::Header)
}
