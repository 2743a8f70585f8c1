//! What may be done, and what a denial says.

use hyper::Response;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use iamd_core::operation::Target;
use iamd_core::s3::{Asker, CopySource, Judge, Ruling, S3Target, Stranger, Verdict, bucket};
use iamd_wire::route::S3Error;

use super::answer::GatewayBody;
use super::mode::Mode;
use super::record::Call;
use super::{Gateway, admission, own};
use crate::authenticate;
use crate::node::Node;

/// What is copied.
pub(super) const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");
/// What led to a denial, for sts:DecodeAuthorizationMessage.
const AUTHORIZATION_MESSAGE: HeaderName = HeaderName::from_static("x-iamd-authorization-message");

impl Gateway {
    /// Decides everything that a request needs, on the state as it is now.
    ///
    /// # Errors
    /// The answer to a caller whose credential has ended.
    pub(super) fn rulings(
        &self,
        call: &Call,
        targets: &[S3Target],
    ) -> Result<Vec<Ruling>, S3Error> {
        rulings(&self.node, call, targets)
    }
}

/// The same at a node.
///
/// # Errors
/// The answer to a caller whose credential has ended.
pub(super) fn rulings(
    node: &Node,
    call: &Call,
    targets: &[S3Target],
) -> Result<Vec<Ruling>, S3Error> {
    let snapshot = node.snapshot();
    let Some(requester) = &call.requester else {
        let asker = Asker::Stranger(Stranger {
            state: &snapshot.state,
            environment: &call.environment,
            witness: node.metrics(),
            now: node.clock().now(),
        });
        let judge = Judge::new(&asker);
        return Ok(targets.iter().map(|target| judge.rule(target)).collect());
    };
    let caller = &requester.caller;
    let account = snapshot.state.account(caller.account).ok_or_else(admission::ended)?;
    // On the very picture of the account on which he was found he is who he was.
    let newer = if call.proven_on.as_ref() == Some(account.version()) {
        None
    } else {
        let caller = authenticate::again(&snapshot.state, caller);
        Some(caller.ok_or_else(admission::ended)?)
    };
    let caller = newer.as_ref().unwrap_or(caller);
    let scene = node.scene(&snapshot, account, caller, &call.environment);
    let asker = Asker::Caller(&scene);
    let judge = Judge::new(&asker);
    Ok(targets.iter().map(|target| judge.rule(target)).collect())
}

/// Operations on uploads, whose answers tell nothing of objects.
const ON_UPLOADS: [&str; 4] =
    ["AbortMultipartUpload", "CompleteMultipartUpload", "ListParts", "UploadPart"];

/// Who may list a bucket may know what is not in it; others hear the same of what is there and of
/// what is not. Of a copy, it is the source that may not be there.
///
/// Source: S3 API Reference, GetObject and CopyObject, "Permissions".
///
/// # Errors
/// `AccessDenied` for whoever may not.
pub(super) fn hide_absence(gateway: &Gateway, call: &Call, parts: &Parts) -> Result<(), S3Error> {
    let (Some(name), Some(_)) = (&call.bucket, &call.key) else { return Ok(()) };
    if call.operation.is_some_and(|operation| ON_UPLOADS.contains(&operation)) {
        return Ok(());
    }
    let source = copied(parts)?.map(|source| source.bucket);
    let name = source.as_ref().unwrap_or(name);
    let target = Target::new("s3:ListBucket", format!("arn:aws:s3:::{name}"));
    let rulings = gateway.rulings(call, &[S3Target { bucket: Some(name.clone()), target }])?;
    match rulings.first() {
        Some(ruling) if ruling.is_allowed() => Ok(()),
        Some(_) | None => Err(plain_denial()),
    }
}

/// Refuses a request for a bucket of an account that the client did not expect.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn check_expected_owner(node: &Node, call: &Call, parts: &Parts) -> Result<(), S3Error> {
    let snapshot = node.snapshot();
    let source = copied(parts)?.map(|source| source.bucket);
    for (header, bucket) in [
        ("x-amz-expected-bucket-owner", &call.bucket),
        ("x-amz-source-expected-bucket-owner", &source),
    ] {
        let (Some(expected), Some(name)) = (parts.headers.get(header), bucket) else { continue };
        let owner = snapshot.state.directory().owner_of_bucket(name);
        if owner.is_some_and(|owner| owner.to_string() != *expected) {
            return Err(plain_denial());
        }
    }
    Ok(())
}

/// The source of a copy; none of other requests.
///
/// # Errors
/// As [`CopySource::parse`].
pub(super) fn copied(parts: &Parts) -> Result<Option<CopySource>, S3Error> {
    let Some(header) = parts.headers.get(COPY_SOURCE) else { return Ok(None) };
    let header = std::str::from_utf8(header.as_bytes())
        .map_err(|_| S3Error::new("InvalidArgument", "The copy source is no text."))?;
    CopySource::parse(header.trim()).map(Some)
}

/// Lets pass what is allowed, and in observation what is not, which is noted.
///
/// # Errors
/// The denial.
pub(super) fn let_pass(call: &mut Call) -> Result<(), S3Error> {
    // What iamd itself keeps is never a matter of mere observation.
    let is_own = call.operation.is_none_or(own::is_own);
    let is_observed = call.mode == Mode::Observe && !is_own;
    let may_pass = |ruling: &Ruling| ruling.is_allowed() || is_observed && may_pass(ruling);
    if let Some(denied) = call.rulings.iter().find(|ruling| !may_pass(ruling)) {
        return Err(error_of(call, denied));
    }
    call.observed = call.rulings.iter().any(|ruling| !ruling.is_allowed());
    Ok(())
}

/// Whether a denial may be a mere note: what nobody owns and what is closed never passes... but a
/// bucket that nobody owns yet is what observation is for.
pub(super) fn may_pass(ruling: &Ruling) -> bool {
    !matches!(ruling.verdict, Verdict::OwnerClosed)
}

/// The answer to a request that may not be.
///
/// Source: S3 User Guide, "Troubleshoot access denied (403 Forbidden) errors in Amazon S3": only
/// callers of the same account hear why.
pub(super) fn error_of(call: &Call, ruling: &Ruling) -> S3Error {
    let caller = call.requester.as_ref().map(|requester| requester.caller.account);
    match &ruling.verdict {
        Verdict::NoSuchBucket => bucket::no_such_bucket(call.bucket.as_deref().unwrap_or_default()),
        Verdict::OwnerClosed => {
            let message = "All access to this object has been disabled.";
            S3Error::new("AllAccessDisabled", message)
        }
        Verdict::Denied(denial) if caller.is_some() && caller == ruling.owner => {
            let resource = &ruling.resource;
            let message = denial.explanation.message();
            let quoted = format!("on resource: \"{resource}\"");
            let message = message.replacen(&format!("on resource: {resource}"), &quoted, 1);
            S3Error::new("AccessDenied", message)
        }
        Verdict::Allowed(_) | Verdict::Denied(_) | Verdict::Restricted => plain_denial(),
    }
}

/// A denial that says nothing.
pub(super) fn plain_denial() -> S3Error {
    S3Error::new("AccessDenied", "Access Denied")
}

/// Adds what led to a denial, sealed, for whoever may decode it.
pub(super) fn add_authorization_message(
    node: &Node,
    call: &Call,
    response: &mut Response<GatewayBody>,
) {
    let caller = call.requester.as_ref().map(|requester| requester.caller.account);
    let denied = call.rulings.iter().find_map(|ruling| match &ruling.verdict {
        // What the policies of a bucket say is for its own account.
        Verdict::Denied(denial) if caller == ruling.owner => denial.authorization.clone(),
        _ => None,
    });
    // What is sealed under keys of its own alone nobody else could open.
    let Some(message) = denied.filter(|_| node.leader().is_none()) else { return };
    let Ok(mut draw) = node.draw() else { return };
    let sealed = node.snapshot().keys.sessions.seal_message(message, &mut draw);
    if let Some(sealed) = sealed.and_then(|sealed| HeaderValue::try_from(sealed).ok()) {
        response.headers_mut().insert(AUTHORIZATION_MESSAGE, sealed);
    }
}
