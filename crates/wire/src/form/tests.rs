//! Forms, and what looks like one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::Timestamp;

const BOUNDARY: &str = "----boundary7";
const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);

fn boundary() -> Boundary {
    Boundary::of_content_type(&format!("multipart/form-data; boundary={BOUNDARY}")).unwrap()
}

/// A part with a head of its own.
fn part(head: &str, value: &str) -> String {
    format!("--{BOUNDARY}\r\n{head}\r\n\r\n{value}\r\n")
}

fn field(name: &str, value: &str) -> String {
    part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
}

fn file(name: &str, value: &str) -> String {
    let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    part(&format!("{head}\r\nContent-Type: text/plain"), value)
}

fn closed(parts: &[String]) -> String {
    format!("{}--{BOUNDARY}--\r\n", parts.concat())
}

/// The fields of a form and its file, read in pieces of this length.
fn read(body: &[u8], at_once: usize) -> Result<(Form, Vec<u8>), S3Error> {
    let mut reader = FormReader::new(&boundary());
    let mut opened: Option<Opened> = None;
    let mut data = Vec::new();
    for piece in body.chunks(at_once) {
        match &mut opened {
            Some(opened) => opened.file.push(piece, |part| data.extend_from_slice(part))?,
            None => {
                opened = reader.push(piece)?;
                if let Some(opened) = &mut opened {
                    let rest = piece.get(opened.taken..).unwrap();
                    opened.file.push(rest, |part| data.extend_from_slice(part))?;
                }
            }
        }
    }
    let opened = opened.ok_or_else(malformed)?;
    opened.file.finish()?;
    assert_eq!(opened.file.length(), data.len() as u64);
    Ok((opened.form, data))
}

/// The same however it arrives.
fn whole(body: &str) -> Result<(Form, Vec<u8>), S3Error> {
    let whole = read(body.as_bytes(), usize::MAX);
    for at_once in [1, 2, 3, 7, 50] {
        assert_eq!(read(body.as_bytes(), at_once), whole, "{at_once} bytes at once of {body:?}");
    }
    whole
}

fn code(body: &str) -> &'static str {
    whole(body).map(drop).unwrap_err().code
}

#[test]
fn a_form_is_read_as_it_was_written() {
    let body = closed(&[
        field("Key", "in/${filename}"),
        field("x-amz-meta-a", ""),
        field("policy", "${filename}"),
        file("C:\\photos\\cat.jpg", "\r\n--\r\n-----boundary7\r\n--"),
    ]);
    let (form, data) = whole(&body).unwrap();
    assert_eq!(form.field("KEY"), Some("in/cat.jpg"));
    assert_eq!(form.field("x-amz-meta-a"), Some(""));
    assert_eq!(form.field("policy"), Some("${filename}"), "what is signed stays as it is");
    assert_eq!(data, b"\r\n--\r\n-----boundary7\r\n--");
}

#[test]
fn a_form_may_end_in_three_ways_and_be_followed_by_fields() {
    let start = field("key", "a") + &file("", "content");
    for end in ["--", "--\r\n"] {
        let (form, data) = whole(&format!("{start}--{BOUNDARY}{end}")).unwrap();
        assert_eq!((form.field("key"), &data[..]), (Some("a"), &b"content"[..]));
    }
    let (form, data) = whole(&closed(&[start.clone(), field("key", "b")])).unwrap();
    assert_eq!((form.field("key"), &data[..]), (Some("a"), &b"content"[..]));
    for end in ["", "-", "--\r", "--\n", "--x", "--\r\nx", "\r\n", "x--", " --", "\r\n\r\n"] {
        assert_eq!(code(&format!("{start}--{BOUNDARY}{end}")), "MalformedPOSTRequest", "{end:?}");
    }
    assert_eq!(code(&start), "MalformedPOSTRequest");
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let end = file("a", "content");
    let form = |part: String| closed(&[part, end.clone()]);
    let name = "Content-Disposition: form-data; name=\"key\"";
    for head in [
        "",
        "Content-Type: text/plain",
        "Content-Disposition: attachment; name=\"key\"",
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; name=\"\"",
        "Content-Disposition: form-data; name=\"key",
        "Content-Disposition: form-data; name=\"key\"x",
        "Content-Disposition: form-data; name=\"key\"; name=\"file\"",
        "Content-Disposition: form-data; name=\"key\"; filename*=utf-8''a",
        "Content-Disposition: form-data; name=\"key\"; =a",
        "Content-Disposition : form-data; name=\"key\"",
        "Content-Disposition: form-data;\r\n name=\"key\"",
        &format!("{name}\r\n{name}"),
        &format!("{name}\r\nContent-Transfer-Encoding: base64"),
        &format!("{name}\nX: y"),
        &format!("{name}\r\nX\0: y"),
    ] {
        assert_eq!(code(&form(part(head, "a"))), "MalformedPOSTRequest", "{head:?}");
    }
    assert_eq!(code(&form(field("key", "a") + &field("KEY", "b"))), "InvalidArgument");
    let body = form(field("key", "a"));
    for other in [
        format!("\r\n{body}"),
        format!("preamble\r\n{body}"),
        body.replacen("\r\n", "\n", 1),
        body.replacen("boundary7", "boundary7 ", 1),
        body.replacen("boundary7", "boundary8", 1),
        body.replacen("--boundary7\r\n", "--boundary7x\r\n", 1),
        String::new(),
    ] {
        assert_eq!(code(&other), "MalformedPOSTRequest", "{other:?}");
    }
}

#[test]
fn there_is_one_file() {
    let key = field("key", "a");
    assert_eq!(code(&closed(std::slice::from_ref(&key))), "IncorrectNumberOfFilesInPostRequest");
    let twice = closed(&[key, file("a", "1"), file("b", "2")]);
    assert_eq!(code(&twice), "IncorrectNumberOfFilesInPostRequest");
}

#[test]
fn what_stands_beside_the_file_is_bounded() {
    let code = |body: &str| read(body.as_bytes(), 1_000).map(drop).unwrap_err().code;
    let too_long = "MaxPostPreDataLengthExceededError";
    let long = |length: usize| field("x-ignore-a", &"a".repeat(length));
    assert!(read(closed(&[long(20_000), file("a", "1")]).as_bytes(), 1_000).is_ok());
    assert_eq!(code(&closed(&[long(20_480), file("a", "1")])), too_long);
    assert_eq!(code(&closed(&[file("a", "1"), long(20_480)])), too_long);
    let many: String = (0..101).map(|index| field(&format!("f{index}"), "")).collect();
    assert_eq!(code(&closed(&[many, file("a", "1")])), too_long);
    let names = field("x-ignore-a", &"${filename}".repeat(100));
    assert!(read(closed(&[names.clone(), file("short", "1")]).as_bytes(), 1_000).is_ok());
    assert_eq!(code(&closed(&[names, file(&"n".repeat(1_000), "1")])), too_long);
}

#[test]
fn boundaries_are_those_of_forms() {
    let code = |text: &str| Boundary::of_content_type(text).map_err(|error| error.code).err();
    let seventy = "b".repeat(70);
    for right in [
        "multipart/form-data; boundary=a",
        "Multipart/Form-Data;boundary=\"a b\"; charset=utf-8",
        &format!("multipart/form-data; boundary={seventy}"),
    ] {
        assert_eq!(code(right), None, "{right}");
    }
    for wrong in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=a\u{e4}",
        "multipart/form-data; boundary=\"a\r\n\"",
        &format!("multipart/form-data; boundary={seventy}b"),
    ] {
        assert_eq!(code(wrong), Some("MalformedPOSTRequest"), "{wrong}");
    }
    for other in ["", "application/x-www-form-urlencoded", "multipart/mixed; boundary=a"] {
        assert_eq!(code(other), Some("PreconditionFailed"), "{other}");
    }
}

fn policy(json: &str) -> Result<PostPolicy, S3Error> {
    PostPolicy::parse(&STANDARD.encode(json))
}

/// Whether a policy with these conditions lets pass a form with these fields.
fn checked(conditions: &str, fields: &[(&str, &str)]) -> Result<(), String> {
    let json =
        format!("{{\"expiration\": \"2026-02-01T00:00:00.000Z\", \"conditions\": [{conditions}]}}");
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let form = Form { fields: fields.collect() };
    policy(&json).unwrap().check(&form, "photos", NOW).map_err(|error| error.message)
}

#[test]
fn every_condition_must_hold() {
    let denied = |condition: &str| {
        Err(format!("Invalid according to Policy: Policy Condition failed: {condition}"))
    };
    let bucket = r#"{"bucket": "photos"}"#;
    let key = [("key", "in/a")];
    for (condition, fields, expected) in [
        (r#"{"Key": "in/a"}"#, &key[..], Ok(())),
        (r#"{"key": "in/b"}"#, &key, denied(r#"["eq", "$key", "in/b"]"#)),
        (r#"["eq", "$key", "in/a"]"#, &key, Ok(())),
        (r#"["eq", "$key", "in/"]"#, &key, denied(r#"["eq", "$key", "in/"]"#)),
        (r#"["starts-with", "$key", "in/"]"#, &key, Ok(())),
        (r#"["starts-with", "$key", ""]"#, &key, Ok(())),
        (r#"["starts-with", "$key", "In/"]"#, &key, denied(r#"["starts-with", "$key", "In/"]"#)),
        (r#"["starts-with", "$key", "n/"]"#, &key, denied(r#"["starts-with", "$key", "n/"]"#)),
        // A field that is not there is not an empty one.
        (
            r#"["starts-with", "$key", ""], ["starts-with", "$acl", ""]"#,
            &key,
            denied(r#"["starts-with", "$acl", ""]"#),
        ),
        (
            r#"["starts-with", "$Content-Type", "image/"]"#,
            &[("content-type", "image/png, image/gif")],
            Ok(()),
        ),
        (
            r#"["starts-with", "$Content-Type", "image/"]"#,
            &[("content-type", "image/png,text/html")],
            denied(r#"["starts-with", "$content-type", "image/"]"#),
        ),
    ] {
        let conditions = format!("{bucket}, {condition}");
        assert_eq!(checked(&conditions, fields), expected, "{condition}");
    }
    let other = r#"{"bucket": "others"}, {"key": "in/a"}"#;
    assert_eq!(checked(other, &key), denied(r#"["eq", "$bucket", "others"]"#));
    // A field cannot say that the bucket is another one.
    let lied = [("bucket", "others"), ("key", "in/a")];
    assert_eq!(checked(other, &lied), denied(r#"["eq", "$bucket", "others"]"#));
}

#[test]
fn every_field_must_be_named() {
    let extra =
        |names: &str| Err(format!("Invalid according to Policy: Extra input fields: {names}"));
    let conditions = r#"{"bucket": "photos"}, ["starts-with", "$key", ""]"#;
    let fields = [("key", "a"), ("policy", "p"), ("x-amz-signature", "s"), ("x-ignore-a", "")];
    assert_eq!(checked(conditions, &fields), Ok(()));
    for name in ["acl", "x-amz-date", "x-amz-meta-a", "x-ignore", "submit", "redirect"] {
        assert_eq!(checked(conditions, &[("key", "a"), (name, "")]), extra(name), "{name}");
    }
    assert_eq!(checked(r#"["starts-with", "$key", ""]"#, &[("key", "a")]), extra("bucket"));
}

#[test]
fn a_policy_ends() {
    let until = |expiration: &str| {
        policy(&format!(
            r#"{{"expiration": "{expiration}", "conditions": [{{"bucket": "photos"}}]}}"#
        ))
        .and_then(|policy| policy.check(&Form::default(), "photos", NOW))
        .map_err(|error| error.code)
    };
    // Now is 2026-01-31T12:00:00Z.
    assert_eq!(until("2026-01-31T12:00:01Z"), Ok(()));
    assert_eq!(until("2026-01-31T12:00:00Z"), Err("AccessDenied"));
    assert_eq!(until("2026-01-31T12:00:00.999Z"), Err("AccessDenied"));
    for wrong in ["", "2027", "1801396800", "2027-01-31", "2027-01-31T12:00:00"] {
        assert_eq!(until(wrong), Err("InvalidPolicyDocument"), "{wrong}");
    }
}

#[test]
fn lengths_are_bounded_on_both_sides() {
    let policy = policy(
        r#"{"expiration": "2026-02-01T00:00:00Z", "conditions": [["content-length-range", 2, "4"]]}"#,
    )
    .unwrap();
    let code = |length| policy.check_length(length).map_err(|error| error.code);
    assert_eq!(
        [1, 2, 4, 5].map(code),
        [Err("EntityTooSmall"), Ok(()), Ok(()), Err("EntityTooLarge")]
    );
}

#[test]
fn a_policy_that_could_be_read_in_two_ways_is_refused() {
    let document = |conditions: &str| {
        format!(r#"{{"expiration": "2026-02-01T00:00:00Z", "conditions": {conditions}}}"#)
    };
    assert!(policy(&document("[]")).is_ok());
    for wrong in [
        "",
        "[]",
        "{",
        r#"{"conditions": []}"#,
        r#"{"expiration": "2026-02-01T00:00:00Z"}"#,
        r#"{"expiration": "2026-02-01T00:00:00Z", "conditions": [], "conditions": []}"#,
        r#"{"expiration": "2026-02-01T00:00:00Z", "conditions": [], "version": 1}"#,
        &document("{}"),
        &document("[{}]"),
        &document("[[]]"),
        &document(r#"["key"]"#),
        &document(r#"[{"key": "a", "key": "b"}]"#),
        &document(r#"[{"key": "a", "acl": "b"}]"#),
        &document(r#"[{"key": 1}]"#),
        &document(r#"[["eq", "key", "a"]]"#),
        &document(r#"[["eq", "$key"]]"#),
        &document(r#"[["eq", "$key", "a", "b"]]"#),
        &document(r#"[["ends-with", "$key", "a"]]"#),
        &document(r#"[["content-length-range", 1]]"#),
        &document(r#"[["content-length-range", -1, 2]]"#),
        &document(r#"[["content-length-range", 1, 2.5]]"#),
        &document(r#"[["content-length-range", "+1", 2]]"#),
        &document(&("[".repeat(10_000) + &"]".repeat(10_000))),
        &(document("[]") + "x"),
    ] {
        let shown: String = wrong.chars().take(99).collect();
        assert_eq!(policy(wrong).unwrap_err().code, "InvalidPolicyDocument", "{shown}");
    }
    let text = document("[]");
    for encoded in [text.clone(), STANDARD.encode(&text) + "\n", String::from("e30")] {
        assert_eq!(PostPolicy::parse(&encoded).unwrap_err().code, "InvalidPolicyDocument");
    }
}

proptest! {
    /// Bytes that are nearly boundaries come out as they went in, in whatever pieces.
    #[test]
    fn files_are_handed_on_as_they_are(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["\r", "\n", "-", "--", "\r\n", "\r\n--", "----boundary",
                "\r\n------boundary", "7", "a"]),
            0..40,
        ),
        at_once in 1_usize..40,
    ) {
        let content = pieces.concat();
        prop_assume!(!format!("{content}\r\n").contains(&format!("\r\n--{BOUNDARY}")));
        let body = closed(&[field("key", "a"), file("a", &content)]);
        let (_, data) = read(body.as_bytes(), at_once).unwrap();
        prop_assert_eq!(data, content.into_bytes());
    }
}
