//! Versions, ids and sizes.

use std::collections::BTreeSet;

use super::*;

fn of(text: &str, grammar: Grammar) -> Vec<(Severity, &'static str)> {
    lint(text, grammar).iter().map(|finding| (finding.severity, finding.code)).collect()
}

#[test]
fn versions() {
    let codes = |text: &str| {
        of(text, Grammar::Identity).into_iter().map(|(_, code)| code).collect::<Vec<_>>()
    };
    assert_eq!(codes("{"), ["MALFORMED_POLICY_DOCUMENT"]);
    let statement = r#""Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}"#;
    let old = codes(&format!(r#"{{"Version":"2008-10-17",{statement}}}"#));
    assert!(
        old.contains(&"NEWER_VERSION_AVAILABLE")
            && old.contains(&"VARIABLE_UNSUPPORTED_IN_VERSION"),
        "{old:?}"
    );
    let none = codes(&format!("{{{statement}}}"));
    assert!(none.contains(&"MISSING_VERSION"), "{none:?}");
}

#[test]
fn empty_ids() {
    let statement = |sid: &str| {
        codes(
            &format!(
                r#"{{"Sid":"{sid}","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#
            ),
            Grammar::Identity,
        )
    };
    assert_eq!(statement(""), ["EMPTY_SID_VALUE"]);
    assert_eq!(statement("A"), NONE);
}

/// A document of that many characters without white space, and more with it.
fn sized(characters: usize, white_space: usize) -> String {
    let frame = r#"{"Version":"2012-10-17","Statement":{"Sid":"","Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    let sid = format!(r#""Sid":"{}""#, "A".repeat(characters - frame.len()));
    format!("{}{}", frame.replace(r#""Sid":"""#, &sid), " ".repeat(white_space))
}

#[test]
fn sizes_are_those_of_the_type() {
    let identity = "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA";
    let none: [(Severity, &str); 0] = [];
    assert_eq!(of(&sized(5_800, 9_000), Grammar::Identity), none);
    assert_eq!(
        of(&sized(6_144, 0), Grammar::Identity),
        [(Severity::Suggestion, "POLICY_SIZE_NEAR_QUOTA")]
    );
    assert_eq!(of(&sized(6_145, 0), Grammar::Identity), [(Severity::Warning, identity)]);
    assert_eq!(of(&sized(10_240, 0), Grammar::Identity), [(Severity::Warning, identity)]);
    assert_eq!(of(&sized(10_241, 0), Grammar::Identity), [(Severity::Error, identity)]);
    assert_eq!(of(&sized(4_800, 0), Grammar::Scp), none);
    let scp = [(Severity::Error, "POLICY_SIZE_EXCEEDS_SCP_QUOTA")];
    assert_eq!(of(&sized(4_800, 400), Grammar::Scp), scp, "white space counts");
    let session = [(Severity::Error, "POLICY_SIZE_EXCEEDS_SESSION_POLICY_QUOTA")];
    assert_eq!(of(&sized(2_049, 0), Grammar::Session), session);
    let bucket = sized(9_000, 0).replace(r#""Effect""#, r#""Principal":"*","Effect""#);
    assert_eq!(of(&bucket, Grammar::Resource), none, "each service has its own");
}

/// The codes between these two characters in texts.
fn codes_between(text: &str, mark: char) -> BTreeSet<&str> {
    let is_code = |word: &&str| {
        word.contains('_') && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    text.split(mark).filter(is_code).collect()
}

#[test]
fn every_rule_is_documented() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut source = String::new();
    for entry in std::fs::read_dir(root.join("src/lint")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            source.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let guide = std::fs::read_to_string(root.join("../../docs/policy.md")).unwrap();
    let mut known = codes_between(&source, '"');
    known.remove(Severity::SecurityWarning.as_str());
    assert_eq!(known, codes_between(&guide, '`'));
    assert!(known.len() > 80);
}
