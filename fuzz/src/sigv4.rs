//! Signature Version 4: what a request says of its signer, and its proof.
//!
//! Input: a request as HTTP/1.1 spells it, with `\n` at the ends of lines and without the version.

use iamd_wire::sigv4::{Claim, RequestParts, Rules, SigningKey};
use iamd_wire::{Secret, Service};

use crate::input::line;

pub(crate) fn run(input: &[u8]) {
    let _ = proven(input);
}

/// Whether the signature of a request holds.
fn proven(input: &[u8]) -> bool {
    let (head, body) = match input.windows(2).position(|window| window == b"\n\n") {
        Some(end) => (&input[..end], &input[end + 2..]),
        None => (input, &[][..]),
    };
    let Ok(head) = std::str::from_utf8(head) else { return false };
    let (first, rest) = line(head);
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
    let headers: Vec<(&str, &[u8])> =
        names.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    prove(&RequestParts { method, path, query, headers: &headers, body })
}

fn prove(request: &RequestParts<'_>) -> bool {
    let Ok(claim) = Claim::read(request) else { return false };
    let service = Service::ALL.iter().find(|service| service.signing_name() == claim.service());
    let rules = Rules::of(*service.unwrap_or(&Service::Iam));
    assert!(!is_proven(&claim, request, &rules, "another"), "another key's signature is proven");
    let is_proven = is_proven(&claim, request, &rules, SECRET);
    if is_proven {
        altered(request, &rules);
    }
    is_proven
}

/// The secret of AWS's examples, with which the seeds are signed.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn is_proven(claim: &Claim<'_>, request: &RequestParts<'_>, rules: &Rules, secret: &str) -> bool {
    let (date, region, service) = (claim.scope_date(), claim.region(), claim.service());
    let key = SigningKey::derive(&Secret::from(secret.to_owned()), date, region, service);
    claim.verify(request, &key, rules, claim.time()).is_ok()
}

/// INVARIANT: a signature covers method, path, query and body.
fn altered(request: &RequestParts<'_>, rules: &Rules) {
    let mut body = request.body.to_vec();
    body.push(b'x');
    let path = format!("{}x", request.path);
    let query = format!("x=1&{}", request.query.unwrap_or_default());
    for request in [
        RequestParts { body: &body, ..*request },
        RequestParts { path: &path, ..*request },
        RequestParts { query: Some(&query), ..*request },
        RequestParts { method: "X", ..*request },
    ] {
        let Ok(claim) = Claim::read(&request) else { continue };
        assert!(!is_proven(&claim, &request, rules, SECRET), "an altered request is proven");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that starts from signatures which do not hold would never come behind the proof.
    #[test]
    fn the_signed_seeds_are_proven() {
        for name in ["header", "header-token", "header-hash", "query-form"] {
            let file = format!("{}/seeds/sigv4/{name}", env!("CARGO_MANIFEST_DIR"));
            assert!(proven(&std::fs::read(file).unwrap()), "{name}");
        }
        assert!(!proven(b"GET /\nhost: a\n\n"));
    }
}
