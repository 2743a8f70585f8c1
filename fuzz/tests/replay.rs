//! What fuzzing found, and what was written by hand, in every run of the tests.

use std::fs;

use iamd_fuzz::{TARGETS, Target};

/// Most bytes that all seeds and corpora take together.
const BYTES_MAX: usize = 1_500_000;

#[test]
fn every_kept_input_passes() {
    let mut bytes = 0;
    for target in TARGETS {
        let kept = target.kept().unwrap();
        assert!(kept.len() >= 3, "{} has hardly any inputs", target.name);
        for file in &kept {
            let input = fs::read(file).unwrap();
            bytes += input.len();
            if std::panic::catch_unwind(|| (target.run)(&input)).is_err() {
                panic!("{} fails with {}", target.name, file.display());
            }
        }
    }
    assert!(bytes <= BYTES_MAX, "{bytes} bytes are kept");
}

#[test]
fn names_are_found_and_are_those_of_the_folders() {
    assert_eq!(Target::find("policy").unwrap().name, "policy");
    assert!(Target::find("nothing").is_none());
    for folder in ["seeds", "corpus"] {
        for entry in fs::read_dir(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(Target::find(name.to_str().unwrap()).is_some(), "{folder}/{name:?}");
        }
    }
}
