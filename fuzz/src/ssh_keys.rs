//! Public keys of SSH, in its own encoding and in PEM.
//!
//! Input: the text that a user uploads.

use crate::ssh::{Encoding, SshKey};

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok((key, _)) = SshKey::read(text) else { return };
    // INVARIANT: a key is the same in both encodings, and so is its fingerprint.
    let ssh = key.to_ssh();
    assert_eq!(SshKey::read(&ssh), Ok((key.clone(), Encoding::Ssh)));
    assert_eq!(SshKey::read(&format!("{ssh} a comment")), Ok((key.clone(), Encoding::Ssh)));
    assert!(SshKey::read(&format!("{ssh}\n{ssh}")).is_err(), "two keys are one");
    if let Some(pem) = key.to_pem() {
        let (again, encoding) = SshKey::read(&pem).expect("what was written is read");
        assert_eq!((again.fingerprint(), encoding), (key.fingerprint(), Encoding::Pem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search that starts without a key would hardly find one.
    #[test]
    fn the_seeds_hold_keys() {
        for (name, encoding) in [("ssh", Encoding::Ssh), ("pem", Encoding::Pem)] {
            let file = format!("{}/seeds/ssh/{name}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(file).unwrap();
            assert_eq!(SshKey::read(&text).unwrap().1, encoding);
        }
    }
}
