//! Metadata of SAML identity providers.
//!
//! Input: a document.

use iamd_core::saml_metadata::SamlMetadata;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // A document is not one any more behind a DOCTYPE, whatever it was.
    assert!(SamlMetadata::read(&format!("<!DOCTYPE a []>{text}")).is_err());
    let Ok(metadata) = SamlMetadata::read(text) else { return };
    assert!((1..=10).contains(&metadata.providers.len()));
    let certificates = metadata.providers.iter().map(|provider| {
        assert!(!provider.entity_id.is_empty());
        assert!(!provider.signing_certificates.is_empty(), "nobody could verify its signatures");
        for service in &provider.sign_on_services {
            let location = &*service.location;
            assert!(location.starts_with("https://") || location.starts_with("http://"));
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
        }
        provider.signing_certificates.len()
    });
    assert!(certificates.sum::<usize>() <= 10);
    // What stands around the root says nothing, and reading again says the same.
    let around = format!("{text}\n<!-- a comment --> ");
    assert_eq!(SamlMetadata::read(&around).as_ref(), Ok(&metadata));
}
