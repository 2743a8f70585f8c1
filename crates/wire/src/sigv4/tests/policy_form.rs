//! Signatures in forms: the example of the S3 API Reference, "Examples: Browser-based upload using
//! HTTP POST", and what is next to it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::form::PostPolicy;
use crate::sigv4::{Claim, PolicySignature, Rules, SigningKey};
use crate::{ErrorCode, Secret, Timestamp};

/// The policy of the example, in lines that end as Windows ends them.
const POLICY: &str = concat!(
    "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAg",
    "ICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAi",
    "dXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25f",
    "cmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxf",
    "dXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQog",
    "ICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRl",
    "LWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAi",
    "Il0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMt",
    "ZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEy",
    "NTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9",
);
const FORM: PolicySignature<'static> = PolicySignature {
    algorithm: "AWS4-HMAC-SHA256",
    credential: "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
    date: "20151229T000000Z",
    signature: "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e",
    security_token: None,
};
/// 2015-12-29T00:00:00Z
const SIGNED: i64 = 1_451_347_200;
const WEEK: i64 = 7 * 86_400;

fn verified(form: &PolicySignature<'_>, policy: &str, now: i64) -> Result<(), ErrorCode> {
    let claim = Claim::of_form(form).map_err(|rejection| rejection.code)?;
    let secret = Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    let key = SigningKey::derive(&secret, claim.scope_date(), claim.region(), claim.service());
    let now = Timestamp::from_seconds(now);
    claim.verify_policy(policy, &key, &Rules::S3, now).map_err(|rejection| rejection.code)
}

#[test]
fn the_example_of_s3_is_accepted() {
    assert_eq!(verified(&FORM, POLICY, SIGNED), Ok(()));
    assert!(PostPolicy::parse(POLICY).is_ok());
}

#[test]
fn another_policy_is_not() {
    let wrong = Err(ErrorCode::SignatureDoesNotMatch);
    for at in 0..POLICY.len() {
        let mut other = POLICY.as_bytes().to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(verified(&FORM, std::str::from_utf8(&other).unwrap(), SIGNED), wrong, "{at}");
    }
    for other in ["", &POLICY[1..], &format!("{POLICY}A"), &format!("{POLICY}\n")] {
        assert_eq!(verified(&FORM, other, SIGNED), wrong);
    }
}

#[test]
fn another_signature_is_not() {
    for at in 0..FORM.signature.len() {
        let mut other = FORM.signature.as_bytes().to_vec();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        let signature = std::str::from_utf8(&other).unwrap();
        let form = PolicySignature { signature, ..FORM };
        assert_eq!(verified(&form, POLICY, SIGNED), Err(ErrorCode::SignatureDoesNotMatch));
    }
}

#[test]
fn the_rest_of_the_claim_must_be_right() {
    use ErrorCode::{IncompleteSignature, SignatureDoesNotMatch};
    let id = "AKIAIOSFODNN7EXAMPLE";
    for (form, code) in [
        (PolicySignature { algorithm: "AWS4-HMAC-SHA1", ..FORM }, IncompleteSignature),
        (PolicySignature { date: "2015-12-29T00:00:00Z", ..FORM }, IncompleteSignature),
        (PolicySignature { date: "20151228T235959Z", ..FORM }, SignatureDoesNotMatch),
        (PolicySignature { credential: id, ..FORM }, IncompleteSignature),
        (
            PolicySignature { credential: &format!("{id}/20151229/us-east-1/s3/aws4"), ..FORM },
            SignatureDoesNotMatch,
        ),
        (
            PolicySignature {
                credential: &format!("{id}/20151229/us-east-1/iam/aws4_request"),
                ..FORM
            },
            SignatureDoesNotMatch,
        ),
        (
            PolicySignature {
                credential: &format!("{id}/20151229/us-east-2/s3/aws4_request"),
                ..FORM
            },
            SignatureDoesNotMatch,
        ),
        (
            PolicySignature { signature: &FORM.signature.to_uppercase(), ..FORM },
            IncompleteSignature,
        ),
        (PolicySignature { signature: "", ..FORM }, IncompleteSignature),
    ] {
        assert_eq!(verified(&form, POLICY, SIGNED), Err(code), "{form:?}");
    }
}

#[test]
fn a_form_is_good_for_a_week() {
    for (now, is_right) in [
        (SIGNED - 900, true),
        (SIGNED - 901, false),
        (SIGNED + WEEK, true),
        (SIGNED + WEEK + 1, false),
    ] {
        assert_eq!(verified(&FORM, POLICY, now).is_ok(), is_right, "{now}");
    }
}

/// The string that requests are signed with is no policy, whoever has its signature.
#[test]
fn the_signature_of_a_request_is_none_of_a_form() {
    let secret = Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned());
    let key = SigningKey::derive(&secret, "20151229", "us-east-1", "s3");
    let text = "AWS4-HMAC-SHA256\n20151229T000000Z\n20151229/us-east-1/s3/aws4_request\n00";
    let signature: String = key.sign(&[text]).iter().map(|byte| format!("{byte:02x}")).collect();
    let form = PolicySignature { signature: &signature, ..FORM };
    assert_eq!(verified(&form, text, SIGNED), Err(ErrorCode::SignatureDoesNotMatch));
    assert!(STANDARD.decode(text).is_err());
}
