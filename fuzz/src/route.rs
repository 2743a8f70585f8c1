//! Requests of S3: which operation they are, and on what.
//!
//! Input: a request as HTTP/1.1 spells it, with `\n` at the ends of lines and without the version. A
//! header `host-bucket` stands for a bucket in the name of the host.

use iamd_wire::route::{self, Place, RestRequest, S3Request};

use crate::input::line;

pub(crate) fn run(input: &[u8]) {
    let _ = recognised(input);
}

fn recognised(input: &[u8]) -> Option<S3Request> {
    let (head, body) = match input.windows(2).position(|window| window == b"\n\n") {
        Some(end) => (&input[..end], &input[end + 2..]),
        None => (input, &[][..]),
    };
    bodies(body);
    let (first, rest) = line(std::str::from_utf8(head).ok()?);
    let (method, target) = first.split_once(' ').unwrap_or((first, "/"));
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let names: Vec<(String, &str)> = rest
        .lines()
        .map(|line| line.split_once(':').unwrap_or((line, "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let host_bucket = names.iter().find(|(name, _)| name == "host-bucket").map(|(_, value)| *value);
    let headers: Vec<(&str, &[u8])> =
        names.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let request = RestRequest { method, path, query, headers: &headers, host_bucket };
    let found = route::s3(&request).ok()?;
    placed(&found);
    // INVARIANT: what is passed on is recognised as what it was recognised as here.
    let (path, query) = (found.path(), found.parameters.canonical());
    let query = Some(query.as_str()).filter(|query| !query.is_empty());
    let passed = RestRequest { path: &path, query, host_bucket: None, ..request };
    let again = route::s3(&passed).expect("what is passed on is recognised");
    let what = |it: &S3Request| (it.operation, it.bucket.clone(), it.key.clone());
    assert_eq!(what(&again), what(&found));
    // Parameters are put in order on the way.
    assert_eq!(again.parameters.canonical(), found.parameters.canonical());
    Some(found)
}

/// INVARIANT: an operation acts on what it is about, and on nothing else.
fn placed(found: &S3Request) {
    let known = route::operations_of_s3().find(|(name, _)| *name == found.operation);
    let (_, place) = known.expect("only operations that are known are recognised");
    let (bucket, key) = (found.bucket.as_deref(), found.key.as_deref());
    match place {
        Place::Service => assert_eq!((bucket, key), (None, None)),
        Place::Bucket => assert!(bucket.is_some() && key.is_none()),
        Place::Object => assert!(bucket.is_some() && key.is_some()),
        Place::Other => assert!(place != Place::Other, "it acts on nothing that is known"),
    }
    assert!(bucket.is_none_or(|bucket| !bucket.is_empty() && !bucket.contains('/')));
}

/// Bodies are read before anything else knows whether they are right.
fn bodies(body: &[u8]) {
    let _ = route::objects_to_delete(body);
    let _ = route::tags_to_put(body);
    let _ = route::location_constraint(body);
    let _ = route::public_access_block(body);
    let _ = route::cors_rules(body);
    let _ = route::object_ownership(body);
    let _ = route::listed_buckets(body);
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = route::tags(text);
        let _ = route::plain_key(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_recognised() {
        for (name, operation) in [
            ("list", "ListBuckets"),
            ("get", "GetObject"),
            ("copy", "CopyObject"),
            ("delete-objects", "DeleteObjects"),
            ("host", "ListObjectsV2"),
        ] {
            let file = format!("{}/seeds/route/{name}", env!("CARGO_MANIFEST_DIR"));
            let found = recognised(&std::fs::read(file).unwrap());
            assert_eq!(found.map(|found| found.operation), Some(operation), "{name}");
        }
    }
}
