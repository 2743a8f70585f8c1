//! Certificates, chains of them, and private keys, as they are uploaded.
//!
//! Input: a text in PEM.

use iamd_wire::{Secret, Timestamp};

use crate::certificate::{Certificate, PublicHalf, verifies_assertions};
use crate::pem;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for block in pem::blocks(text, 6).into_iter().flatten() {
        let _ = verifies_assertions(&block.bytes);
    }
    let secret = Secret::from(text.to_owned());
    let key = PublicHalf::of(&secret);
    let _ = PublicHalf::of_rsa(&secret);
    let Some(chain) = Certificate::read_chain(text) else {
        assert!(Certificate::read(text).is_none(), "one certificate is a chain of one");
        return;
    };
    assert!(key.is_none(), "a text is a chain and a private key");
    assert_eq!(Certificate::read(text).is_some(), chain.len() == 1);
    for certificate in &chain {
        let _ = certificate.is_in_force(Timestamp::from_seconds(0));
        if certificate.not_before > certificate.not_after {
            let between = Timestamp::from_seconds(certificate.not_before.seconds());
            assert!(!certificate.is_in_force(between), "in force after its end");
        }
        // INVARIANT: who it is does not hang on how the text looked.
        let same = chain.iter().filter(|other| other.digest() == certificate.digest());
        assert!(same.into_iter().all(|other| other == certificate));
    }
    for pair in chain.windows(2) {
        let _ = pair[0].is_issued_by(&pair[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(name: &str) -> String {
        let file = format!("{}/seeds/certificate/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(file).unwrap()
    }

    /// A search that starts without a certificate would hardly find one.
    #[test]
    fn the_seeds_hold_certificates_and_a_key() {
        let chain = Certificate::read_chain(&seed("chain")).unwrap();
        assert!(chain[0].is_issued_by(&chain[1]) && !chain[1].is_issued_by(&chain[0]));
        let key = PublicHalf::of(&Secret::from(seed("key"))).unwrap();
        assert!(chain[0].has_key(&key) && !chain[1].has_key(&key));
    }
}
