//! The signature in a form: of the policy that the form carries, and of nothing else in it.
//!
//! Source: S3 API Reference, "Authenticating requests in browser-based uploads using POST".

use std::borrow::Cow;

use subtle::ConstantTimeEq;

use super::claim::{ALGORITHM, Claim, Signed, Validity};
use super::{EXPIRES_SECONDS_MAX, Rejection, Rules, SigningKey, date, rejection};
use crate::Timestamp;

/// What a form says of its signer.
#[derive(Debug, Clone, Copy)]
pub struct PolicySignature<'a> {
    /// `x-amz-algorithm`
    pub algorithm: &'a str,
    /// `x-amz-credential`
    pub credential: &'a str,
    /// `x-amz-date`
    pub date: &'a str,
    /// `x-amz-signature`
    pub signature: &'a str,
    /// `x-amz-security-token`, which temporary credentials have.
    pub security_token: Option<&'a str>,
}

impl<'a> Claim<'a> {
    /// The claim of a form.
    ///
    /// # Errors
    /// The answer to a malformed one.
    pub fn of_form(form: &PolicySignature<'a>) -> Result<Claim<'a>, Rejection> {
        if form.algorithm != ALGORITHM {
            return Err(rejection::unsupported_algorithm());
        }
        let time = date::parse_basic(form.date);
        let time = time.ok_or_else(|| rejection::malformed_date(form.date))?;
        let signed = Signed {
            credential: Cow::Borrowed(form.credential),
            signed_headers: None,
            signature: form.signature,
            time,
            time_text: Cow::Borrowed(form.date),
        };
        // How long it holds the policy says itself.
        // CHOICE: but no longer than presigned requests, as long as S3 takes a signing key.
        signed.claim(form.security_token.map(Cow::Borrowed), Validity::Seconds(EXPIRES_SECONDS_MAX))
    }

    /// Proves the claim: the scope is that of the service, the time is right, and the signature is
    /// that of the policy, as the form has it in Base64, compared in constant time.
    ///
    /// # Errors
    /// The answer to a form that is not proven.
    pub fn verify_policy(
        &self,
        policy: &str,
        key: &SigningKey,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), Rejection> {
        if self.service() != rules.service {
            return Err(rejection::wrong_service(rules.service));
        }
        self.check_time(rules, now)?;
        // What is signed elsewhere begins with a line of its own, and so it is never a policy.
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        let signature = key.sign(&[policy]);
        let is_signed = bool::from(signature.ct_eq(self.signature()));
        if is_signed && policy.bytes().all(is_base64) {
            return Ok(());
        }
        Err(rejection::wrong_policy_signature())
    }
}
