//! Random requests: against our plain signer, against the signer of AWS's SDK for Rust, and against
//! nothing but the wish not to panic.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    self, PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
};
use aws_sigv4::sign::v4;
use proptest::prelude::*;

use super::*;

fn names() -> impl Strategy<Value = String> {
    "x-[a-z0-9]{1,3}|x-amz-[a-z0-9]{1,3}|content-type"
}

fn requests() -> impl Strategy<Value = Sent> {
    let pieces =
        prop::collection::vec(("[a-zA-Z0-9%+;/ é~.-]{1,6}", prop::option::of(".{0,8}")), 0..6);
    let headers = prop::collection::vec((names(), "[ ]{0,2}[!-~é]{0,6}[ \t]{0,2}[!-~]{0,6}"), 0..5);
    let path = prop::collection::vec("[a-zA-Z0-9%:@&=+$,;~_-]{1,5}", 0..4);
    ("GET|POST|PUT", path, pieces, headers, prop::collection::vec(any::<u8>(), 0..200)).prop_map(
        |(method, path, pieces, headers, body)| {
            let pieces: Vec<String> = pieces
                .iter()
                .map(|(name, value)| match value {
                    Some(value) => {
                        format!("{}={}", percent(name.as_bytes()), percent(value.as_bytes()))
                    }
                    None => percent(name.as_bytes()),
                })
                .collect();
            let sent = Sent {
                query: (!pieces.is_empty()).then(|| pieces.join("&")),
                body,
                ..Sent::new(&method, &format!("/{}", path.join("/")))
            };
            let sent = sent.header("host", "iam.amazonaws.com").header("user-agent", "x");
            headers.into_iter().fold(sent, |sent, (name, value)| sent.header(&name, value))
        },
    )
}

/// The request, signed by AWS's SDK.
fn signed_by_sdk(sent: &Sent, location: SignatureLocation, token: Option<&str>) -> Sent {
    let credentials =
        Credentials::new("AKIDEXAMPLE", SECRET, token.map(str::to_owned), None, "test");
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.signature_location = location;
    settings.expires_in = Some(Duration::from_secs(900));
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("iam")
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW as u64))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let query = sent.query.as_ref().map(|query| format!("?{query}"));
    let uri = format!("https://iam.amazonaws.com{}{}", sent.path, query.unwrap_or_default());
    let headers: Vec<(&str, &str)> = sent
        .headers
        .iter()
        .map(|(name, value)| (&**name, std::str::from_utf8(value).unwrap()))
        .collect();
    let body = SignableBody::Bytes(&sent.body);
    let request = SignableRequest::new(&sent.method, &uri, headers.into_iter(), body).unwrap();
    let (instructions, _) = http_request::sign(request, &parameters).unwrap().into_parts();
    let (headers, parameters) = instructions.into_parts();
    let mut sent = sent.clone();
    for header in headers {
        sent = sent.header(header.name(), header.value());
    }
    let mut pieces: Vec<String> = sent.query.iter().cloned().collect();
    let added =
        parameters.iter().map(|(name, value)| format!("{name}={}", percent(value.as_bytes())));
    pieces.extend(added);
    sent.query = (!pieces.is_empty()).then(|| pieces.join("&"));
    sent
}

proptest! {
    #[test]
    fn what_the_plain_signer_signs_is_accepted(sent in requests(), token in "[ -~é]{1,20}") {
        let signed = Signer::new("iam").header(sent.clone().header("x-amz-date", NOW_TEXT));
        prop_assert_eq!(signed.check(&Rules::of(Service::Iam), NOW), Ok(()));
        let signer = Signer { token: Some(token), ..Signer::new("iam") };
        let signed = signer.query(sent);
        prop_assert_eq!(signed.check(&Rules::of(Service::Iam), NOW), Ok(()));
    }

    #[test]
    fn what_the_sdk_signs_is_accepted(
        sent in requests(), token in prop::option::of("[a-zA-Z0-9/+=]{1,20}"))
    {
        // This SDK keeps tabs, where others make a space of them.
        prop_assume!(!sent.headers.iter().any(|(_, value)| value.contains(&b'\t')));
        for location in [SignatureLocation::Headers, SignatureLocation::QueryParams] {
            let signed = signed_by_sdk(&sent, location, token.as_deref());
            prop_assert_eq!(signed.check(&Rules::of(Service::Iam), NOW), Ok(()), "{:?}", signed);
            let mut other = signed;
            other.body.push(b'x');
            prop_assert!(!other.is_accepted());
        }
    }

    #[test]
    fn a_signature_is_good_for_one_request_only(one in requests(), other in requests()) {
        let dated = |sent: Sent| sent.header("x-amz-date", NOW_TEXT);
        let signer = Signer::new("iam");
        let (names, signature) = signer.sign(&dated(one.clone()));
        let (other_names, other_signature) = signer.sign(&dated(other.clone()));
        prop_assume!(signature != other_signature);
        for names in [names, other_names] {
            let mixed = dated(other.clone()).header("authorization", format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}, SignedHeaders={names}, \
                 Signature={signature}", signer.scope()));
            prop_assert!(!mixed.is_accepted());
        }
    }

    #[test]
    fn nothing_panics(
        method in ".{0,5}",
        path in ".{0,20}",
        query in prop::option::of(
            "((X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)|%|x|\
              =|&|AWS4-HMAC-SHA256|20150830|T123600Z|/|aws4_request|iam|host;|[0-9a-f]{64}|.){0,4}&?){0,8}"),
        headers in prop::collection::vec((
            "authorization|host|date|x-amz-date|x-amz-security-token|x-amz-content-sha256|x-amz-[a-z]|[a-z]",
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..30),
                "(AWS4-HMAC-SHA256 |Credential=|SignedHeaders=|Signature=|,|/|;|=|20150830|T123600Z|\
                  aws4_request|iam|host|x-amz-date|[0-9a-f]{64}|Sun, 30 Aug 2015 12:36:00 GMT|.){0,12}"
                    .prop_map(String::into_bytes),
            ]), 0..8),
        body in prop::collection::vec(any::<u8>(), 0..20),
        now in any::<i64>(),
    ) {
        let sent = Sent { method, path, query, headers, body };
        for rules in [Rules::of(Service::Iam), Rules { path: PathRule::Keep, ..Rules::of(Service::Sts) }] {
            for now in [now, NOW] {
                prop_assert!(sent.check(&rules, now).is_err());
            }
        }
    }

    /// The parts are well-formed, so that more of the code is reached.
    #[test]
    fn nothing_forged_is_accepted(
        sent in requests(),
        signature in "[0-9a-f]{64}",
        names in "host(;x-[a-z0-9]{1,3}){0,3}",
    ) {
        let sent = sent.header("x-amz-date", NOW_TEXT).header("authorization", format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders={names};x-amz-date, Signature={signature}"));
        prop_assert!(!sent.is_accepted());
    }
}
