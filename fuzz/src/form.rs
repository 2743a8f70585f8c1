//! Forms that upload a file, and the policies in them.
//!
//! Input: a line with the number of bytes that arrive at once; then the form, whose boundary is `b`, with
//! `\r\n` at the ends of lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::Timestamp;
use iamd_wire::form::{Boundary, Form, FormReader, PostPolicy};
use iamd_wire::route::S3Error;
use serde_json::Value;

/// The time at which policies are checked: 2026-01-31T12:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_769_860_800);

/// The fields of a form that is right, and its file.
type Read = Result<(Form, Vec<u8>), S3Error>;

pub(crate) fn run(input: &[u8]) {
    let Some((at_once, body)) = parsed(input) else { return };
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = Boundary::of_content_type(text);
    }
    let whole = read(usize::MAX, body);
    // INVARIANT: how a form arrives changes nothing.
    assert_eq!(read(at_once, body), whole, "{at_once} bytes at once");
    let Ok((form, data)) = whole else { return };
    one_file(body, &data);
    if let Some(Ok(policy)) = form.field("policy").map(PostPolicy::parse) {
        checked(&policy, &form);
    }
}

fn parsed(input: &[u8]) -> Option<(usize, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let at_once = std::str::from_utf8(&input[..end]).ok()?.parse::<usize>().ok()?;
    Some((at_once.max(1), &input[end + 1..]))
}

fn read(at_once: usize, body: &[u8]) -> Read {
    let boundary = Boundary::of_content_type("multipart/form-data; boundary=b");
    let mut reader = FormReader::new(&boundary.expect("it is one"));
    let mut opened = None;
    let mut data = Vec::new();
    for piece in body.chunks(at_once.min(body.len().max(1))) {
        let rest = match &opened {
            Some(_) => piece,
            None => match reader.push(piece)? {
                None => continue,
                Some(form) => {
                    let taken = form.taken;
                    opened = Some(form);
                    &piece[taken..]
                }
            },
        };
        let file = &mut opened.as_mut().expect("the file has begun").file;
        file.push(rest, |part| data.extend_from_slice(part))?;
        assert_eq!(file.length(), data.len() as u64);
    }
    let opened = opened.ok_or_else(iamd_wire::form::malformed)?;
    opened.file.finish()?;
    Ok((opened.form, data))
}

/// INVARIANT: the file stands in the form as it is, and a boundary right behind it; none is in it.
fn one_file(body: &[u8], data: &[u8]) {
    let whole = [data, b"\r\n--b"].concat();
    let found = body.windows(whole.len()).any(|window| window == whole);
    assert!(found, "a file that is not there");
    let is_boundary = |window: &[u8]| window == b"\r\n--b";
    assert_eq!(whole.windows(5).position(is_boundary), Some(data.len()), "a boundary in the file");
}

/// INVARIANT: a policy lets pass what its conditions say, read one by one as the documentation has
/// them.
fn checked(policy: &PostPolicy, form: &Form) {
    let json = STANDARD.decode(form.field("policy").unwrap_or_default()).unwrap_or_default();
    let document: Value = serde_json::from_slice(&json).expect("it was read as JSON");
    for bucket in ["photos", "others"] {
        let passes = policy.check(form, bucket, NOW).is_ok();
        assert_eq!(passes, obvious(&document, form, bucket), "{bucket}");
    }
}

fn obvious(document: &Value, form: &Form, bucket: &str) -> bool {
    let end: Timestamp = document["expiration"].as_str().unwrap_or("").parse().unwrap_or_default();
    let mut fields: Vec<(String, String)> = vec![("bucket".to_owned(), bucket.to_owned())];
    for (name, value) in form.fields() {
        if name == "bucket" && value != bucket {
            return false;
        }
        fields.push((name.to_owned(), value.to_owned()));
    }
    let mut named: Vec<String> = Vec::new();
    let mut all_hold = true;
    for condition in document["conditions"].as_array().into_iter().flatten() {
        let (word, name, wanted) = match condition {
            Value::Object(pairs) => {
                let (name, value) = pairs.iter().next().expect("a condition has a pair");
                ("eq", name.to_lowercase(), value.as_str().unwrap_or(""))
            }
            list => (
                list[0].as_str().unwrap_or(""),
                list[1].as_str().unwrap_or("").trim_start_matches('$').to_lowercase(),
                list[2].as_str().unwrap_or(""),
            ),
        };
        if word == "content-length-range" {
            continue;
        }
        let value = fields.iter().find(|(other, _)| *other == name).map(|(_, value)| &**value);
        all_hold &= match (word, value) {
            (_, None) => false,
            ("eq", Some(value)) => value == wanted,
            (_, Some(value)) if name == "content-type" => {
                value.split(',').all(|kind| kind.trim().starts_with(wanted))
            }
            (_, Some(value)) => value.starts_with(wanted),
        };
        named.push(name);
    }
    let needs_none =
        |name: &str| matches!(name, "policy" | "x-amz-signature") || name.starts_with("x-ignore-");
    let all_named = fields.iter().all(|(name, _)| named.contains(name) || needs_none(name));
    end > NOW && all_hold && all_named
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that starts from forms that are none would never come behind their fields.
    #[test]
    fn the_seeds_are_forms() {
        for name in ["plain", "signed", "behind"] {
            let file = format!("{}/seeds/form/{name}", env!("CARGO_MANIFEST_DIR"));
            let input = std::fs::read(file).unwrap();
            let (at_once, body) = parsed(&input).unwrap();
            let (form, data) = read(at_once, body).unwrap();
            assert_eq!((form.field("key"), &data[..]), (Some("in/cat.jpg"), &b"content"[..]));
            let policy = form.field("policy").map(|policy| PostPolicy::parse(policy).unwrap());
            let passes = policy.map(|policy| policy.check(&form, "photos", NOW));
            assert_eq!(passes, (name != "plain").then_some(Ok(())), "{name}");
        }
    }
}
