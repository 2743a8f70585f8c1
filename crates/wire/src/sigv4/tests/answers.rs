//! Each fault, its answer, and the nearest request that is accepted.

use super::*;
use crate::ErrorCode::{self, *};

fn iam() -> Signer {
    Signer::new("iam")
}

#[track_caller]
fn refused(sent: &Sent, code: ErrorCode, message: &str) {
    let rejection = sent.rejection();
    assert_eq!((rejection.code, &*rejection.message), (code, message), "{sent:?}");
}

/// The example with another `Authorization` header.
fn authorized(change: impl FnOnce(&str) -> String) -> Sent {
    let sent = iam().header(Sent::example());
    let (_, value) = sent.headers.last().unwrap();
    let value = change(std::str::from_utf8(value).unwrap());
    sent.without("authorization").header("authorization", value)
}

#[test]
fn both_forms_are_accepted() {
    assert!(iam().header(Sent::example()).is_accepted());
    let bare = Sent::example().without("x-amz-date").without("x-amz-security-token");
    assert!(iam().query(bare.clone()).is_accepted());
    let signer = Signer { token: Some("to ken/+=%".to_owned()), ..iam() };
    let sent = signer.query(bare);
    assert!(sent.is_accepted());
    sent.with(|request| {
        let claim = Claim::read(request).unwrap();
        assert_eq!(claim.access_key_id(), "AKIDEXAMPLE");
        assert_eq!(claim.scope_date(), "20150830");
        assert_eq!(claim.region(), "us-east-1");
        assert_eq!(claim.service(), "iam");
        assert_eq!(claim.session_token(), Some("to ken/+=%"));
        assert_eq!(claim.time(), Timestamp::from_seconds(NOW));
        assert_eq!(claim.signed_headers(), "content-type;host");
        assert!(claim.is_presigned());
        assert!(!format!("{claim:?}").contains("to ken"));
    });
    iam().header(Sent::example()).with(|request| {
        let claim = Claim::read(request).unwrap();
        assert_eq!(claim.session_token(), Some("token/+="));
        assert!(!claim.is_presigned());
    });
}

#[test]
fn separators_of_the_authorization_header_may_be_commas_spaces_or_both() {
    assert!(authorized(|value| value.replace(", ", ",")).is_accepted());
    assert!(authorized(|value| value.replace(", ", " ")).is_accepted());
    assert!(authorized(|value| value.replace(", ", " ,\t")).is_accepted());
    assert!(authorized(|value| format!("  {value}\t")).is_accepted());
    assert!(!authorized(|value| value.replace(", ", ";")).is_accepted());
}

#[test]
fn any_region_is_accepted() {
    for region in ["eu-central-1", "us-gov-west-1", "local", "aws_global"] {
        let signer = Signer { region: region.to_owned(), ..iam() };
        assert!(signer.header(Sent::example()).is_accepted(), "{region}");
    }
    for region in ["", "us east", "eu-central-1\u{e9}", &"a".repeat(65)] {
        let signer = Signer { region: region.to_owned(), ..iam() };
        let bare = Sent::example().without("x-amz-date").without("x-amz-security-token");
        let message = format!("Credential should be scoped to a valid Region, not '{region}'. ");
        refused(&signer.query(bare), SignatureDoesNotMatch, &message);
    }
}

#[test]
fn a_request_without_signature_is_told_so() {
    let message = "Request is missing Authentication Token";
    refused(&Sent::example(), MissingAuthenticationToken, message);
    refused(&Sent::new("GET", "/"), MissingAuthenticationToken, message);
    let date_only = Sent::example().query("X-Amz-Date=20150830T123600Z");
    refused(&date_only, MissingAuthenticationToken, message);
}

#[test]
fn missing_elements_of_the_header_are_named() {
    let value = "AWS4-HMAC-SHA256 SignedHeaders=host";
    let sent = Sent::example().without("x-amz-date").header("authorization", value);
    refused(
        &sent,
        IncompleteSignature,
        "Authorization header requires 'Credential' parameter. \
         Authorization header requires 'Signature' parameter. \
         Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
         (Hashed with SHA-256 and encoded with Base64) \
         Authorization=T6TlTF0tP7OEirEb+CC+gAdhBAW19reUS2EXKW3XV6M=",
    );
    for element in ["Credential", "SignedHeaders", "Signature"] {
        let rejection =
            authorized(|value| value.replace(&format!("{element}="), &format!("x{element}=")))
                .rejection();
        assert_eq!(rejection.code, IncompleteSignature);
    }
}

#[test]
fn malformed_authorization_headers_are_refused() {
    refused(
        &authorized(|_| String::new()),
        IncompleteSignature,
        "Authorization header cannot be empty.",
    );
    let rejection = authorized(|value| value.replace("Credential=", "Credential= ")).rejection();
    assert_eq!(rejection.code, IncompleteSignature);
    let wording = "Invalid key=value pair (missing equal-sign) in Authorization header";
    assert!(rejection.message.contains(wording), "{rejection}");
    for other in [
        "AWS4-ECDSA-P256-SHA256",
        "AWS4-HMAC-SHA1",
        "aws4-hmac-sha256",
        "AWS4-HMAC-SHA256X",
        "Bearer",
    ] {
        refused(
            &authorized(|value| value.replace("AWS4-HMAC-SHA256", other)),
            IncompleteSignature,
            "Unsupported AWS 'algorithm' (must be 'AWS4-HMAC-SHA256').",
        );
    }
    for element in ["Credential", "SignedHeaders", "Signature"] {
        let twice = authorized(|value| format!("{value}, {element}=x"));
        assert_eq!(twice.rejection().code, IncompleteSignature);
    }
    assert_eq!(
        authorized(|value| format!("{value}, Extra=x")).rejection().code,
        IncompleteSignature
    );
    let long = authorized(|value| format!("{value}{}", " ".repeat(AUTHORIZATION_LENGTH_MAX)));
    assert_eq!(long.rejection().code, RequestEntityTooLargeException);
    let mut binary = iam().header(Sent::example());
    binary.headers.last_mut().unwrap().1.push(0xff);
    assert_eq!(binary.rejection().code, IncompleteSignature);
}

/// A secret that was sent by mistake is not repeated.
#[test]
fn answers_do_not_repeat_passwords() {
    for value in [
        "Basic Y2FuYXJ5OmNhbmFyeQ==",
        "AWS4-HMAC-SHA256 canary",
        "AWS4-HMAC-SHA256 x=canary",
        "AWS4-HMAC-SHA256 Credential=canary/canary/canary, SignedHeaders=host, Signature=canary",
        "AWS4-HMAC-SHA256 Credential=canary",
    ] {
        let message = authorized(|_| value.to_owned()).rejection().message;
        assert!(!message.contains("canary") && !message.contains("Y2FuYXJ5"), "{message}");
    }
}

#[test]
fn credentials_have_five_parts() {
    for scope in [
        "20150830/us-east-1/iam",
        "20150830/us-east-1/iam/aws4_request/",
        "/20150830/us-east-1/iam/aws4_request",
    ] {
        refused(
            &authorized(|value| value.replace("20150830/us-east-1/iam/aws4_request", scope)),
            IncompleteSignature,
            "Credential must have exactly 5 slash-delimited elements, \
             e.g. keyid/date/region/service/term",
        );
    }
    refused(
        &authorized(|value| value.replace("aws4_request", "aws4_response")),
        SignatureDoesNotMatch,
        "Credential should be scoped with a valid terminator: 'aws4_request'",
    );
    for date in ["20150831", "2015083", "", "2015-8-3"] {
        refused(
            &authorized(|value| value.replace("20150830/", &format!("{date}/"))),
            SignatureDoesNotMatch,
            "Date in Credential scope does not match \
             YYYYMMDD from ISO-8601 version of date from HTTP",
        );
    }
}

#[test]
fn the_service_must_be_the_right_one() {
    let sts = Signer::new("sts").header(Sent::example());
    refused(&sts, SignatureDoesNotMatch, "Credential should be scoped to correct service: 'iam'. ");
    assert_eq!(sts.check(&Rules::of(Service::Sts), NOW), Ok(()));
    for service in ["", "IAM", "s3"] {
        let sent = Signer::new(service).header(Sent::example());
        assert_eq!(sent.rejection().code, SignatureDoesNotMatch);
    }
}

#[test]
fn access_key_ids_have_a_form() {
    let message = "The security token included in the request is invalid.";
    for id in ["", "a-b", "\u{e9}", &"A".repeat(129)] {
        let signer = Signer { key_id: id.to_owned(), ..iam() };
        refused(&signer.header(Sent::example()), InvalidClientTokenId, message);
    }
    for id in ["A", "a_Z9", &"A".repeat(128)] {
        let signer = Signer { key_id: id.to_owned(), ..iam() };
        assert!(signer.header(Sent::example()).is_accepted());
    }
}

#[test]
fn signatures_are_64_lower_case_digits() {
    let message = "Signature must have 64 lower-case hexadecimal digits.";
    let (_, signature) = iam().sign(&Sent::example());
    for other in [
        String::new(),
        signature.to_uppercase(),
        signature[1..].to_owned(),
        format!("{signature}0"),
        format!("g{}", &signature[1..]),
        format!(":{}", &signature[1..]),
        format!("\u{e9}{}", &signature[2..]),
    ] {
        let sent = authorized(|value| value.replace(&signature, &other));
        refused(&sent, IncompleteSignature, message);
    }
}

#[test]
fn lists_of_signed_headers_are_sorted_and_unique() {
    let message = "SignedHeaders must name headers in lower case, sorted, each once.";
    let list = "content-type;host;x-amz-date;x-amz-security-token";
    for other in [
        "host;content-type;x-amz-date;x-amz-security-token",
        "content-type;host;host;x-amz-date;x-amz-security-token",
        "Content-Type;host;x-amz-date;x-amz-security-token",
        "content-type;host;x-amz-date;x-amz-security-token;",
        ";content-type;host;x-amz-date;x-amz-security-token",
        "content-type;;host;x-amz-date;x-amz-security-token",
        "content-type:x;host;x-amz-date;x-amz-security-token",
        "",
    ] {
        let sent = authorized(|value| value.replace(list, other));
        refused(&sent, IncompleteSignature, message);
    }
    let many: Vec<String> = (0..HEADERS_MAX + 1).map(|n| format!("a{n:03}")).collect();
    let sent = authorized(|value| value.replace(list, &many.join(";")));
    refused(&sent, IncompleteSignature, message);
}

#[test]
fn what_matters_must_be_signed() {
    let signing_all_but = |name: &str| {
        let mut signer = iam();
        signer.unsigned.push(name.to_owned());
        signer
    };
    refused(
        &signing_all_but("host").header(Sent::example()),
        SignatureDoesNotMatch,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
    for name in ["x-amz-date", "x-amz-security-token", "x-amz-other"] {
        let sent = Sent::example().header("x-amz-other", "1");
        assert!(iam().header(sent.clone()).is_accepted());
        refused(
            &signing_all_but(name).header(sent),
            SignatureDoesNotMatch,
            &format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."),
        );
    }
    assert!(signing_all_but("content-type").header(Sent::example()).is_accepted());
    let bare = Sent::example().without("x-amz-date").without("x-amz-security-token");
    let presigned = iam().query(bare).header("x-amz-other", "1");
    assert_eq!(presigned.rejection().code, SignatureDoesNotMatch);
    let absent = iam().header(Sent::example().header("x-other", "")).without("x-other");
    refused(
        &absent,
        SignatureDoesNotMatch,
        "The header 'x-other' is in SignedHeaders, but not in the request.",
    );
    // What the SDKs leave unsigned, and what proxies add.
    let mut added = iam().header(Sent::example());
    for name in [
        "connection",
        "expect",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-amzn-trace-id",
        "x-forwarded-for",
    ] {
        added = added.header(name, "x");
    }
    assert!(added.is_accepted());
}

#[test]
fn ambiguous_requests_are_refused() {
    let header = iam().header(Sent::example());
    for name in [
        "authorization",
        "host",
        "date",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
    ] {
        let mut sent = header.clone();
        let value = sent.headers.iter().find(|(other, _)| other == name);
        let value = value.map_or(b"x".to_vec(), |(_, value)| value.clone());
        sent = sent.header(name, &value).header(name, &value);
        refused(
            &sent,
            IncompleteSignature,
            &format!("The header '{name}' must be given once in a signed request."),
        );
    }
    for parameter in [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Credential=x",
        "X-Amz-Date=20150830T123600Z",
        "X-Amz-Expires=60",
        "X-Amz-SignedHeaders=host",
        "X-Amz-Signature=x",
        "X-Amz-Security-Token=x",
        "%58-%41mz-Signature=x",
        "x-amz-signature=x",
    ] {
        // Signed or not.
        assert_eq!(
            iam().header(Sent::example().query(parameter)).rejection().code,
            IncompleteSignature,
            "{parameter}"
        );
    }
}

#[test]
fn ambiguous_queries_are_refused() {
    let bare = Sent::example().without("x-amz-date").without("x-amz-security-token");
    let signer = Signer { token: Some("t".to_owned()), ..iam() };
    let sent = signer.query(bare.clone());
    assert!(sent.is_accepted());
    let query = sent.query.clone().unwrap();
    for piece in query.split('&').filter(|piece| piece.starts_with("X-Amz")) {
        let (name, value) = piece.split_once('=').unwrap();
        for name in [
            name.to_owned(),
            name.to_lowercase(),
            name.to_uppercase(),
            name.replace('-', "%2D"),
            name.replace('X', "%58"),
            name.replace('X', "%78"),
        ] {
            for query in [
                format!("{query}&{name}={value}"),
                format!("{name}={value}&{query}"),
                format!("{query}&{name}"),
            ] {
                let sent = sent.clone().query(&query);
                assert_eq!(sent.rejection().code, IncompleteSignature, "{query}");
            }
        }
    }
    // Other parameters of AWS are covered too, whether signed or not.
    let sent = signer.query(bare.clone().query("X-Amz-Other=1&x-amz-other=2"));
    assert_eq!(sent.rejection().code, IncompleteSignature);
    assert!(signer.query(bare.clone().query("X-Amz-Other=1")).is_accepted());
    assert!(signer.query(bare.query("a=1&a=2&A=1")).is_accepted());
    for name in ["x-amz-date", "x-amz-security-token"] {
        let sent = Sent::new("GET", "/").header("host", "x").header(name, "t");
        assert_eq!(signer.query(sent).rejection().code, IncompleteSignature);
    }
}

#[test]
fn missing_elements_of_the_query_are_named() {
    let sent = iam().query(Sent::new("GET", "/").header("host", "iam"));
    assert!(sent.is_accepted());
    let query = sent.query.clone().unwrap();
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let pieces = query.split('&').filter(|piece| !piece.starts_with(name));
        let pieces: Vec<&str> = pieces.collect();
        refused(
            &sent.clone().query(&pieces.join("&")),
            IncompleteSignature,
            &format!(
                "AWS query-string parameters must include '{name}'. \
                 Re-examine the query-string parameters."
            ),
        );
    }
}

#[test]
fn expiry_has_bounds() {
    let get = || Sent::new("GET", "/").header("host", "iam");
    for expires in ["1", "900", "604800", "0604800", "00000000000000000001"] {
        let signer = Signer { expires: Some(expires.to_owned()), ..iam() };
        assert!(signer.query(get()).is_accepted(), "{expires}");
    }
    for expires in [
        "",
        "0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e3",
        "604801",
        "2147483648",
        "9223372036854775808",
        "18446744073709551617",
        "99999999999999999999999",
        "\u{0661}",
        "0x10",
    ] {
        let signer = Signer { expires: Some(expires.to_owned()), ..iam() };
        refused(
            &signer.query(get()),
            IncompleteSignature,
            "X-Amz-Expires must be a number of seconds from 1 to 604800.",
        );
    }
}

#[test]
fn the_clock_may_differ_by_fifteen_minutes() {
    let rules = Rules::of(Service::Iam);
    let sent = iam().header(Sent::example());
    for shift in [-900, -1, 0, 1, 900] {
        assert_eq!(sent.check(&rules, NOW + shift), Ok(()));
    }
    let late = sent.check(&rules, NOW + 901).unwrap_err();
    assert_eq!(
        late.to_string(),
        "SignatureDoesNotMatch: Signature expired: 20150830T123600Z is now earlier than \
         20150830T123601Z (20150830T125101Z - 15 min.)"
    );
    let early = sent.check(&rules, NOW - 901).unwrap_err();
    assert_eq!(
        early.to_string(),
        "SignatureDoesNotMatch: Signature not yet current: 20150830T123600Z is still later than \
         20150830T123559Z (20150830T122059Z + 15 min.)"
    );
    for now in [i64::MIN, 0, i64::MAX] {
        assert!(sent.check(&rules, now).is_err());
    }
}

#[test]
fn a_presigned_request_is_good_for_as_long_as_it_says() {
    let rules = Rules::of(Service::Iam);
    let get = || Sent::new("GET", "/").header("host", "iam");
    for seconds in [1, 900, 604_800] {
        let signer = Signer { expires: Some(seconds.to_string()), ..iam() };
        let sent = signer.query(get());
        for shift in [-900, 0, seconds] {
            assert_eq!(sent.check(&rules, NOW + shift), Ok(()));
        }
        let late = sent.check(&rules, NOW + seconds + 1).unwrap_err();
        assert_eq!(late.to_string(), "RequestExpired: Request has expired.");
        let early = sent.check(&rules, NOW - 901).unwrap_err();
        assert_eq!(early.code, SignatureDoesNotMatch);
        for now in [i64::MIN, i64::MAX] {
            assert!(sent.check(&rules, now).is_err());
        }
    }
    let signer = Signer { expires: None, ..iam() };
    let sent = signer.query(get());
    assert_eq!(sent.check(&rules, NOW + 900), Ok(()));
    let late = sent.check(&rules, NOW + 901).unwrap_err();
    assert_eq!(late.code, SignatureDoesNotMatch);
}

/// For tokens of EKS, which ask for a minute and are used for a quarter of an hour.
#[test]
fn presigned_calls_of_sts_are_valid_for_a_quarter_of_an_hour_at_least() {
    let lenient = Rules::of(Service::Sts);
    assert_eq!(lenient.presigned_seconds_min, CLOCK_TOLERANCE_SECONDS);
    let strict = Rules { presigned_seconds_min: 0, ..lenient };
    let signer = Signer { expires: Some("60".to_owned()), ..Signer::new("sts") };
    let sent = signer.query(Sent::new("GET", "/").header("host", "sts"));
    assert_eq!(sent.check(&strict, NOW + 60), Ok(()));
    assert_eq!(sent.check(&strict, NOW + 61).unwrap_err().code, RequestExpired);
    assert_eq!(sent.check(&lenient, NOW + 900), Ok(()));
    assert_eq!(sent.check(&lenient, NOW + 901).unwrap_err().code, RequestExpired);
}

#[test]
fn times_have_a_form() {
    for time in [
        "20150830T123600",
        "20150830 123600Z",
        "20150830T123600z",
        "20150830T123600.0Z",
        "20150230T123600Z",
        "20151330T123600Z",
        "20150830T246000Z",
        "20150830T123660Z",
        "2015-08-30T12:36:00Z",
        "+0150830T123600Z",
        "",
        "1440938160",
    ] {
        let sent = Sent::example().without("x-amz-date").header("x-amz-date", time);
        refused(
            &iam().header(sent),
            IncompleteSignature,
            &format!(
                "Date must be in ISO-8601 'basic format'. Got '{time}'. \
                 See http://en.wikipedia.org/wiki/ISO_8601"
            ),
        );
    }
}

#[test]
fn the_date_header_serves_where_there_is_no_other() {
    let undated = || Sent::example().without("x-amz-date");
    for date in [NOW_TEXT, "Sun, 30 Aug 2015 12:36:00 GMT", "  Sun, 30 Aug 2015 12:36:00 GMT "] {
        let sent = iam().header(undated().header("date", date));
        assert!(sent.is_accepted(), "{date}: {:?}", sent.rejection());
    }
    for date in [
        "Sun, 30 Aug 2015 12:36:00",
        "Sun, 30 Aug 2015 12:36:00 +0000",
        "Sunday, 30-Aug-15 12:36:00 GMT",
        "Sun Aug 30 12:36:00 2015",
        "Sun, 30 Aug 2015 12:36 GMT",
        "Sun, 30 Aug 2015 12:36:00:00 GMT",
        "Sun, 30 Aug 2015 12:36:00 GMT x",
        "Sun, 31 Feb 2015 12:36:00 GMT",
        "Son, 30 Aug 2015 12:36:00 GMT",
        "Sun, 30 aug 2015 12:36:00 GMT",
        "Sun, 3 Aug 2015 12:36:00 GMT",
        "",
    ] {
        let sent = iam().header(undated().header("date", date));
        assert_eq!(sent.rejection().code, IncompleteSignature, "{date}");
    }
    // The other one wins.
    let both = Sent::example().header("date", "Sun, 30 Aug 2099 12:36:00 GMT");
    assert!(iam().header(both).is_accepted());
    // The header's value is bound by the string to sign, even where the header is not signed.
    let mut signer = iam();
    signer.unsigned.push("date".to_owned());
    let sent = signer.header(undated().header("date", "Sun, 30 Aug 2015 12:36:00 GMT"));
    assert!(sent.is_accepted());
    let moved = sent.without("date").header("date", "Sun, 30 Aug 2015 12:36:01 GMT");
    assert!(!moved.is_accepted());
}

#[test]
fn the_declared_hash_is_that_of_the_body() {
    let hash = hex(&Sha256::digest(&Sent::example().body));
    let with = |value: &str| iam().header(Sent::example().header("x-amz-content-sha256", value));
    assert!(with(&hash).is_accepted());
    let empty = hex(&Sha256::digest(b""));
    let upper = hash.to_uppercase();
    for other in [
        &*empty,
        &upper,
        "UNSIGNED-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    ] {
        assert_eq!(with(other).rejection().code, SignatureDoesNotMatch, "{other}");
    }
    for other in ["", "unsigned-payload", "required", "0"] {
        assert_eq!(with(other).rejection().code, IncompleteSignature, "{other}");
    }
}

#[test]
fn limits_are_kept() {
    let mut sent = Sent::example();
    while sent.headers.len() < HEADERS_MAX - 1 {
        sent = sent.header("filler", "x");
    }
    assert!(iam().header(sent.clone()).is_accepted());
    let code = iam().header(sent.header("filler", "x")).rejection().code;
    assert_eq!(code, RequestEntityTooLargeException);

    let long = |length| iam().header(Sent::example().header("filler", "x".repeat(length)));
    assert!(long(HEADER_BYTES_MAX - 1024).is_accepted());
    let code = long(HEADER_BYTES_MAX).rejection().code;
    assert_eq!(code, RequestEntityTooLargeException);

    let long = |length| {
        iam().header(Sent { path: format!("/{}", "x".repeat(length - 1)), ..Sent::example() })
    };
    assert!(long(PATH_LENGTH_MAX).is_accepted());
    let code = long(PATH_LENGTH_MAX + 1).rejection().code;
    assert_eq!(code, RequestEntityTooLargeException);

    let long = |length| iam().header(Sent::example().query(&"x".repeat(length)));
    assert!(long(QUERY_LENGTH_MAX).is_accepted());
    let code = long(QUERY_LENGTH_MAX + 1).rejection().code;
    assert_eq!(code, RequestEntityTooLargeException);

    let many = |count| {
        let pieces: Vec<String> = (0..count).map(|n| format!("X-Amz-{n}=")).collect();
        iam().header(Sent::example().query(&pieces.join("&")))
    };
    assert!(many(AMZ_PARAMETERS_MAX).is_accepted());
    assert_eq!(many(AMZ_PARAMETERS_MAX + 1).rejection().code, IncompleteSignature);
}

#[test]
fn what_http_does_not_have_is_refused() {
    for value in ["a\nx-amz-date:b", "a\r", "a\0b", "\u{7f}"] {
        let sent = iam().header(Sent::example().header("x-other", value));
        assert_eq!(sent.rejection().code, MalformedHttpRequestException);
    }
    for method in ["", "GET POST", "GET\n", "G\u{c9}T"] {
        let sent = iam().header(Sent { method: method.to_owned(), ..Sent::example() });
        assert_eq!(sent.rejection().code, MalformedHttpRequestException);
    }
    for query in ["a=%", "a=%4", "a=%zz", "%=1", "X-Amz-%ff=1"] {
        let sent = authorized(str::to_owned).query(query);
        assert_eq!(sent.rejection().code, MalformedQueryString, "{query}");
    }
}

#[test]
fn a_wrong_signature_is_told_what_to_sign() {
    let mut sent = iam().header(Sent::example().query("X-Amz-Other=1&a= "));
    sent.method = "PUT".to_owned();
    let message = sent.rejection().message;
    let canonical = "PUT\n/\nX-Amz-Other=1&a=%20\n\
        content-type:application/x-www-form-urlencoded\n\
        host:iam.amazonaws.com\n\
        x-amz-date:20150830T123600Z\n\
        x-amz-security-token:<redacted>\n\n\
        content-type;host;x-amz-date;x-amz-security-token\n\
        HASH";
    let canonical = canonical.replace("HASH", &hex(&Sha256::digest(&sent.body)));
    let real = canonical.replace("<redacted>", "token/+=");
    assert_eq!(
        message,
        format!(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. \
             Consult the service documentation for details.\n\n\
             The Canonical String for this request should have been\n'{canonical}'\n\n\
             The String-to-Sign should have been\n\
             'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n{}'\n",
            hex(&Sha256::digest(real))
        )
    );
}

/// Neither the right signature nor a session token is in any answer.
#[test]
fn a_wrong_signature_learns_no_secret() {
    let signer = Signer { token: Some("canary/+=".to_owned()), ..iam() };
    let presigned = signer.query(Sent::new("GET", "/").header("host", "iam"));
    let (_, signature) = presigned.query.as_ref().unwrap().rsplit_once('=').unwrap();
    let signature = signature.to_owned();
    let wrong = presigned
        .clone()
        .query(&presigned.query.as_ref().unwrap().replace(&signature, &"0".repeat(64)));
    let message = wrong.rejection().message;
    assert!(message.contains("X-Amz-Security-Token=<redacted>"), "{message}");
    assert!(!message.contains("canary") && !message.contains(&signature));
}

#[test]
fn keys_are_not_printed() {
    let key = SigningKey::derive(&Secret::from(SECRET.to_owned()), "20150830", "r", "iam");
    assert_eq!(format!("{key:?}"), "SigningKey(..)");
}

#[test]
fn secrets_of_any_length_make_keys() {
    for length in [0, 1, 59, 60, 61, 64, 200] {
        let secret = Secret::from("s".repeat(length));
        let _ = SigningKey::derive(&secret, "20150830", "us-east-1", "iam");
    }
}
