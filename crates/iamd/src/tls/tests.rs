//! Tests of the own authority and of given certificates.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn now() -> Timestamp {
    Clock::default().now()
}

fn authority() -> (tempfile::TempDir, Authority) {
    let data = tempfile::tempdir().unwrap();
    Authority::create(data.path(), now()).unwrap();
    let authority = Authority::open(data.path()).unwrap();
    (data, authority)
}

fn names(pair: &Pair) -> Vec<String> {
    let first = CertificateDer::pem_slice_iter(pair.chain.as_bytes()).next().unwrap().unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(&first).unwrap();
    let names = parsed.subject_alternative_name().unwrap().unwrap();
    names.value.general_names.iter().map(ToString::to_string).collect()
}

#[test]
fn the_authority_is_made_once_and_its_key_is_private() {
    let (data, _) = authority();
    let mode = |file: &str| {
        let path = data.path().join("tls").join(file);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("ca.key"), mode("ca.pem")), (0o600, 0o644));
    let before = std::fs::read(data.path().join("tls/ca.pem")).unwrap();
    assert!(Authority::create(data.path(), now()).is_err());
    assert!(Authority::open(data.path()).is_ok());
    assert_eq!(std::fs::read(data.path().join("tls/ca.pem")).unwrap(), before);
}

#[test]
fn an_authority_with_an_open_or_foreign_key_is_refused() {
    let (data, _) = authority();
    let key = data.path().join("tls/ca.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    let message = Authority::open(data.path()).err().unwrap().to_string();
    assert!(message.contains("chmod 600"), "{message}");
    let (other, _) = authority();
    std::fs::copy(other.path().join("tls/ca.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let message = Authority::open(data.path()).err().unwrap().to_string();
    assert!(message.contains("do not belong together"), "{message}");
    std::fs::remove_file(&key).unwrap();
    let message = Authority::open(data.path()).err().unwrap().to_string();
    assert!(message.contains("--new-authority"), "{message}");
}

#[test]
fn issued_certificates_have_the_names_of_the_machine_and_those_asked_for() {
    let (data, authority) = authority();
    let pair = authority.issue(&["iam.example.com".to_owned(), "192.0.2.7".to_owned()], now());
    let pair = pair.unwrap();
    let names = names(&pair).join(" ");
    for name in ["(localhost)", "(iam.example.com)", "(7f:00:00:01)", "(c0:00:02:07)", ":01)"] {
        assert!(names.contains(name), "{names}");
    }
    assert!(certified(&pair).is_ok());
    // Its key is nowhere on the disk.
    let files: Vec<String> = std::fs::read_dir(data.path().join("tls"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    assert_eq!(std::fs::read_to_string(data.path().join("tls/server.pem")).unwrap(), pair.chain);
}

#[test]
fn certificates_are_renewed_well_before_they_end_and_ended_ones_are_refused() {
    let (_data, authority) = authority();
    let day = 86_400;
    let issued = now();
    let renewal = Authority::renewal(issued).seconds() - issued.seconds();
    assert_eq!(renewal, 60 * day);
    let at = |days: i64| {
        let pair = authority.issue(&[], Timestamp::from_seconds(issued.seconds() - days * day));
        certified(&pair.unwrap())
    };
    assert!(at(89).is_ok());
    assert!(at(91).unwrap_err().contains("ended at"));
}

#[test]
fn a_foreign_key_and_garbage_are_refused() {
    let (_data, authority) = authority();
    let one = authority.issue(&[], now()).unwrap();
    let other = authority.issue(&[], now()).unwrap();
    let mixed = Pair { chain: one.chain.clone(), key: other.key };
    assert!(certified(&mixed).unwrap_err().contains("do not belong together"));
    assert!(check_pair("", &one.key).is_err());
    assert!(check_pair(&one.chain, "").is_err());
    assert!(check_pair(&one.chain, &one.chain).is_err());
    assert!(check_pair(&one.chain, &one.key).is_ok());
}

#[test]
fn a_change_of_given_files_counts_once_it_has_stayed() {
    let (data, authority) = authority();
    let (certificate, key) = (data.path().join("a.pem"), data.path().join("a.key"));
    let write = |pair: &Pair| {
        std::fs::write(&certificate, &pair.chain).unwrap();
        std::fs::write(&key, pair.key.as_bytes()).unwrap();
    };
    let one = authority.issue(&[], now()).unwrap();
    write(&one);
    let mut given = Given::new(certificate.clone(), key.clone());
    assert!(given.first().unwrap() == one);
    assert!(given.changed().unwrap().is_none());
    let two = authority.issue(&[], now()).unwrap();
    std::fs::write(&certificate, &two.chain).unwrap();
    assert!(given.changed().unwrap().is_none(), "half of a change");
    write(&two);
    assert!(given.changed().unwrap().is_none(), "it may still go on");
    assert!(given.changed().unwrap().unwrap() == two);
    assert!(given.changed().unwrap().is_none());
    std::fs::remove_file(&key).unwrap();
    assert!(given.changed().unwrap().is_none());
}

#[test]
fn a_new_authority_leaves_the_old_one_beside() {
    let (data, _) = authority();
    let before = std::fs::read(data.path().join("tls/ca.pem")).unwrap();
    Authority::renew(data.path(), now()).unwrap();
    assert_ne!(std::fs::read(data.path().join("tls/ca.pem")).unwrap(), before);
    let old: Vec<_> = std::fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("tls"))
        .collect();
    assert_eq!(old.len(), 1);
    assert_eq!(std::fs::read(old[0].join("ca.pem")).unwrap(), before);
}
