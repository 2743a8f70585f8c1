//! What of metadata is read, and what is refused.

use std::sync::OnceLock;

use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::*;

/// A certificate with its private key, in PEM.
pub(crate) struct Signer {
    /// The certificate.
    pub(crate) certificate: String,
    /// The key.
    pub(crate) key: String,
}

/// A signer with an RSA key; made once, for making one takes long.
pub(crate) fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let params = CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
        Signer { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    })
}

/// What stands between the marks of a PEM.
fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

/// The description of a whole identity provider; `entity` and `role` are attributes of these.
pub(crate) fn described(id: &str, entity: &str, role: &str) -> String {
    let certificate = body(&signer().certificate);
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{id}" {entity}>
  <md:IDPSSODescriptor {role} protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <ds:X509Data><ds:X509Certificate>
{certificate}
        </ds:X509Certificate></ds:X509Data>
      </ds:KeyInfo>
    </md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="none"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/sso?a=1&amp;b=2"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"#
    )
}

fn refused(text: &str) -> String {
    SamlMetadata::read(text).unwrap_err().to_string()
}

fn several(entities: &[String]) -> String {
    let root = r#"md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata""#;
    format!(
        r#"<{root} validUntil="2026-06-01T00:00:00Z">{}</md:EntitiesDescriptor>"#,
        entities.concat()
    )
}

#[test]
fn what_a_sign_in_needs_is_read() {
    let text = described("https://idp.example", "", r#"WantAuthnRequestsSigned="true""#);
    let metadata = SamlMetadata::read(&format!("<?xml version=\"1.0\"?>\n{text}\n")).unwrap();
    let [provider] = &*metadata.providers else { panic!("one provider") };
    assert_eq!(&*provider.entity_id, "https://idp.example");
    assert_eq!(provider.valid_until, None);
    assert_eq!(provider.signing_certificates.len(), 1);
    let der = STANDARD.decode(body(&signer().certificate)).unwrap();
    assert_eq!(provider.signing_certificates[0], der);
    assert!(provider.wants_signed_requests);
    let service = |binding, location: &str| SignOnService { binding, location: location.into() };
    let expected = [
        service(Binding::Redirect, "https://idp.example/sso"),
        service(Binding::Post, "https://idp.example/sso?a=1&b=2"),
    ];
    assert_eq!(provider.sign_on_services, expected);
}

#[test]
fn the_earliest_end_counts() {
    let seconds = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let of = |text: &str| SamlMetadata::read(text).unwrap().valid_until();
    let until = |time: &str| format!(r#"validUntil="{time}""#);
    let (early, late) = ("2026-05-01T00:00:00Z", "2026-07-01T00:00:00.123Z");
    assert_eq!(of(&described("a", "", "")), None);
    assert_eq!(of(&described("a", &until(late), &until(early))), seconds(early));
    assert_eq!(of(&described("a", &until(early), &until(late))), seconds(early));
    let both = [described("a", &until(late), ""), described("b", "", "")];
    assert_eq!(of(&several(&both)), seconds("2026-06-01T00:00:00Z"));
    for wrong in ["", "tomorrow", "1769860800", "2026-13-01T00:00:00Z"] {
        assert_eq!(refused(&described("a", &until(wrong), "")), "a validUntil is no time");
    }
}

#[test]
fn several_providers_are_bounded_and_unlike_each_other() {
    let of = |count| (0..count).map(|id| described(&format!("id{id}"), "", "")).collect::<Vec<_>>();
    assert_eq!(SamlMetadata::read(&several(&of(10))).unwrap().providers.len(), 10);
    assert_eq!(refused(&several(&of(11))), "it describes more than 10 identity providers");
    let twice = [described("a", "", ""), described("a", "", "")];
    assert_eq!(refused(&several(&twice)), "two of its identity providers have the same entityID");
    assert_eq!(refused(&several(&[])), "it describes no identity provider of SAML 2.0");
    // A service among them does no harm.
    let service =
        r#"<md:EntityDescriptor entityID="sp"><md:SPSSODescriptor/></md:EntityDescriptor>"#;
    let among = several(&[service.to_owned(), described("a", "", "")]);
    assert_eq!(SamlMetadata::read(&among).unwrap().providers.len(), 1);
}

#[test]
fn keys_for_encryption_do_not_verify() {
    let text = described("a", "", "");
    let unused = text.replace(r#" use="signing""#, "");
    assert_eq!(SamlMetadata::read(&unused), SamlMetadata::read(&text));
    let other = text.replace(r#"use="signing""#, r#"use="encryption""#);
    assert_eq!(refused(&other), "an identity provider has no signing certificate");
    let key = text.split_once("<md:KeyDescriptor").unwrap().1;
    let key = format!("<md:KeyDescriptor{}", key.split_once("<md:SingleSignOn").unwrap().0);
    let many = |count| text.replace(&key, &key.repeat(count));
    assert!(SamlMetadata::read(&many(10)).is_ok());
    assert_eq!(refused(&many(11)), "it has more than 10 signing certificates");
}

#[test]
fn a_certificate_is_read_whole_and_strictly() {
    let text = described("a", "", "");
    let certificate = body(&signer().certificate);
    let (first, rest) = certificate.split_at(100);
    let with = |body: &str| text.replace(&certificate, body);
    // A comment does not end a text.
    let split = with(&format!("{first}<!-- -->{rest}"));
    assert_eq!(SamlMetadata::read(&split), SamlMetadata::read(&text));
    let refusal =
        "a signing certificate is no X.509 certificate of an RSA key of 1024 to 8192 bits";
    let made = |pair: KeyPair, extensions: Vec<CustomExtension>| {
        let mut params = CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
        params.custom_extensions = extensions;
        body(&params.self_signed(&pair).unwrap().pem())
    };
    let extension = || CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999], vec![5, 0]);
    let key = || KeyPair::from_pem(&signer().key).unwrap();
    assert!(SamlMetadata::read(&with(&made(key(), vec![extension()]))).is_ok());
    for wrong in [
        made(key(), vec![extension(), extension()]),
        made(KeyPair::generate().unwrap(), Vec::new()),
        first.to_owned(),
        String::new(),
        "!".to_owned(),
        format!("{certificate}AAAA"),
    ] {
        assert_eq!(refused(&with(&wrong)), refusal);
    }
}

#[test]
fn what_is_no_description_is_refused() {
    let text = described("a", "", "");
    for (from, to, reason) in [
        (
            "2.0:metadata",
            "1.0:metadata",
            "its root is neither EntityDescriptor nor EntitiesDescriptor",
        ),
        ("2.0:protocol", "1.1:protocol", "it describes no identity provider of SAML 2.0"),
        ("IDPSSODescriptor", "SPSSODescriptor", "it describes no identity provider of SAML 2.0"),
        (r#"entityID="a""#, "", "an entityID is missing, or has more than 1024 characters"),
        ("SingleSignOnService", "Other", "an identity provider has no SingleSignOnService"),
        ("Binding=", "Bound=", "a SingleSignOnService has no Binding"),
        ("https://", "javascript:", "the Location of a SingleSignOnService is no web address"),
        (
            "idp.example/",
            "idp.example/&#10;",
            "the Location of a SingleSignOnService is no web address",
        ),
        ("</md:EntityDescriptor>", "", "it is not well-formed XML"),
        ("<md:KeyDescriptor ", "<md:KeyDescriptor a=\"<\" ", "it is not well-formed XML"),
        ("a=1&amp;", "a=1&other;", "it is not well-formed XML"),
        ("<md:EntityD", "\u{feff}<md:EntityD", "it begins with a byte order mark"),
    ] {
        assert_eq!(refused(&text.replace(from, to)), reason, "{from}");
    }
    let twice = text.replace("</md:EntityDescriptor>", "<md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"/></md:EntityDescriptor>");
    assert_eq!(refused(&twice), "an entity has more than one IDPSSODescriptor");
}

#[test]
fn a_doctype_is_refused_whatever_is_in_it() {
    let text = described("a", "", "");
    for doctype in [
        "<!DOCTYPE a>",
        "<!DOCTYPE a []>",
        r#"<!DOCTYPE a SYSTEM "file:///etc/passwd">"#,
        r#"<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>"#,
    ] {
        assert_eq!(refused(&format!("{doctype}{text}")), "it has a DOCTYPE");
    }
}

/// INVARIANT: the work that a document causes grows with its size.
#[test]
fn what_costs_more_than_its_size_is_refused() {
    let inside = |more: &str| {
        let text = described("a", "", "");
        text.replace("</md:EntityDescriptor>", &format!("{more}</md:EntityDescriptor>"))
    };
    let attributes = |count: usize| (0..count).map(|id| format!("a{id} = ''")).collect::<String>();
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    // Beside the limits, what is just inside of them.
    for (fine, wrong, reason) in [
        (nested(31), nested(32), "its elements are nested too deeply"),
        ("<a/>".repeat(30_000), "<a/>".repeat(40_000), "it is too large"),
        ("<!---->".repeat(30_000), "<!---->".repeat(40_000), "it is too large"),
        (
            format!("<a {}/>", attributes(48).replace("''", "'' ")),
            format!("<a {}/>", attributes(49)),
            "one of its tags is too long",
        ),
        ("<a b=''/>".repeat(9_000), "<a b=''/>".repeat(10_000), "it is too large"),
        ("<a xmlns=''/>".repeat(900), "<a xmlns=''/>".repeat(1_001), "it is too large"),
        (
            "<a xmlns='' xmlns:b='c'/>".repeat(490),
            "<a xmlns='' xmlns:b='c'/>".repeat(500),
            "it is too large",
        ),
        (
            format!("<a xmlns:b='{}'/>", "c".repeat(8_000)),
            format!("<a xmlns:b='{}'/>", "c".repeat(9_000)),
            "one of its tags is too long",
        ),
        ("=".repeat(190_000), "=".repeat(200_001), "it is too large"),
        (" ".repeat(9_000_000), " ".repeat(10_000_000), "it is too large"),
    ] {
        let read = SamlMetadata::read(&inside(&fine));
        assert!(read.is_ok(), "{reason}: {read:?}");
        assert_eq!(refused(&inside(&wrong)), reason);
    }
}

/// Whatever is cut out of a document or put into it, what is read of it is whole.
#[test]
fn altered_documents_are_refused_or_whole() {
    let text = described("https://idp.example", "", "");
    for place in (0..text.len()).step_by(3) {
        let (before, behind) = text.split_at(place);
        for altered in [
            before.to_owned(),
            behind.to_owned(),
            format!("{before}{}", behind.get(7..).unwrap_or_default()),
            format!("{before}<{behind}"),
            format!("{before}\"{behind}"),
            format!("{before}<!--{behind}"),
        ] {
            let Ok(metadata) = SamlMetadata::read(&altered) else { continue };
            let [provider] = &*metadata.providers else { panic!("one provider") };
            assert_eq!(provider.signing_certificates.len(), 1);
            assert!(!provider.entity_id.is_empty());
        }
    }
}
