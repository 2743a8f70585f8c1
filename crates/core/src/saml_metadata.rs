//! SAML 2.0 metadata: what an identity provider says of itself, and what of it iamd reads and checks.
//!
//! Source: OASIS, "Metadata for the OASIS Security Assertion Markup Language (SAML) V2.0"; IAM User
//! Guide, "Create a SAML identity provider in IAM".
//!
//! INVARIANT: the work that a document causes grows with its size. What the parser does in the square
//! of something (attributes of a tag, namespaces, depth) is counted before it sees the document.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use iamd_wire::Timestamp;
use roxmltree::{Document, Error, Node, ParsingOptions};

use crate::certificate;
use crate::quota;

/// Longest document, in bytes. IAM model, `SAMLMetadataDocumentType`, which counts characters.
pub const BYTES_MAX: usize = 10_000_000;
/// Most characters that begin tags, and so twice the elements.
// CHOICE: of all limits below; documents of ten identity providers stay far below them.
const TAGS_MAX: usize = 40_000;
/// Most elements, texts and comments.
const NODES_MAX: u32 = 40_000;
/// How deep elements may stand in each other.
const DEPTH_MAX: usize = 32;
/// Most attributes of one tag, and of all.
const TAG_ATTRIBUTES_MAX: usize = 48;
const ATTRIBUTES_MAX: usize = 10_000;
/// Most equals signs, for each of which the parser reserves the place of an attribute.
const EQUALS_MAX: usize = 200_000;
/// Most declarations of namespaces, and how long a tag with one may be with the text behind it.
const NAMESPACES_MAX: usize = 1_000;
const DECLARING_TAG_BYTES_MAX: usize = 8 * 1024;
/// Longest entity id, in characters. SAML core, section 8.3.6.
const ENTITY_ID_LENGTH_MAX: usize = 1_024;
/// Longest address of a sign-on service, in bytes.
const LOCATION_LENGTH_MAX: usize = 2_048;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// The identity providers that a document describes: one to ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlMetadata {
    /// In the order of the document; no two have one entity id.
    pub providers: Vec<IdentityProvider>,
}

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// How it names itself: the issuer of its assertions.
    pub entity_id: Box<str>,
    /// Until when its description counts, if it says so.
    pub valid_until: Option<Timestamp>,
    /// Certificates, in DER, whose RSA keys verify its signatures; at least one. Their own validity
    /// does not count: the document vouches for them.
    pub signing_certificates: Vec<Vec<u8>>,
    /// Where users are sent to sign in.
    pub sign_on_services: Vec<SignOnService>,
    /// Whether it wants requests to be signed.
    pub wants_signed_requests: bool,
}

/// Where users are sent to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOnService {
    /// How the request travels.
    pub binding: Binding,
    /// An `https` or `http` address.
    pub location: Box<str>,
}

/// How a request travels to an identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// In the address, by `GET`.
    Redirect,
    /// In a form, by `POST`.
    Post,
}

/// Why a text is no metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotMetadata(&'static str);

impl fmt::Display for NotMetadata {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for NotMetadata {}

impl SamlMetadata {
    /// Reads a document whose root is an `EntityDescriptor`, or an `EntitiesDescriptor` that holds
    /// some. Entities that are no identity providers of SAML 2.0 are left out.
    ///
    /// # Errors
    /// What is wrong with it: too large, not well-formed, a DOCTYPE, no identity provider, one without
    /// a usable signing certificate or sign-on service.
    pub fn read(text: &str) -> Result<SamlMetadata, NotMetadata> {
        check_markup(text)?;
        let options = ParsingOptions { nodes_limit: NODES_MAX, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(not_xml)?;
        if document.descendants().any(|node| node.ancestors().nth(DEPTH_MAX + 1).is_some()) {
            return Err(NotMetadata("its elements are nested too deeply"));
        }
        let root = document.root_element();
        let entities = if root.has_tag_name((METADATA, "EntityDescriptor")) {
            vec![root]
        } else if root.has_tag_name((METADATA, "EntitiesDescriptor")) {
            children(root, METADATA, "EntityDescriptor").collect()
        } else {
            return Err(NotMetadata("its root is neither EntityDescriptor nor EntitiesDescriptor"));
        };
        let end = valid_until(root)?;
        let mut providers = Vec::new();
        for entity in entities {
            providers.extend(provider(entity, end)?);
        }
        SamlMetadata { providers }.checked()
    }

    /// Until when all of it counts, if any of it says so.
    pub fn valid_until(&self) -> Option<Timestamp> {
        self.providers.iter().filter_map(|provider| provider.valid_until).min()
    }

    fn checked(self) -> Result<SamlMetadata, NotMetadata> {
        let SamlMetadata { providers } = &self;
        let certificates = providers.iter().map(|provider| provider.signing_certificates.len());
        let repeats = |(place, provider): (usize, &IdentityProvider)| {
            let before = providers.iter().take(place);
            before.into_iter().any(|other| other.entity_id == provider.entity_id)
        };
        if providers.is_empty() {
            Err(NotMetadata("it describes no identity provider of SAML 2.0"))
        } else if providers.len() > quota::IDENTITY_PROVIDERS_PER_SAML_PROVIDER {
            Err(NotMetadata("it describes more than 10 identity providers"))
        } else if certificates.sum::<usize>() > quota::CERTIFICATES_PER_SAML_PROVIDER {
            Err(NotMetadata("it has more than 10 signing certificates"))
        } else if providers.iter().enumerate().any(repeats) {
            Err(NotMetadata("two of its identity providers have the same entityID"))
        } else {
            Ok(self)
        }
    }
}

/// The identity provider that an `EntityDescriptor` describes, if it describes one.
fn provider(
    entity: Node<'_, '_>,
    end: Option<Timestamp>,
) -> Result<Option<IdentityProvider>, NotMetadata> {
    let speaks_saml = |role: &Node<'_, '_>| {
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    let mut roles = children(entity, METADATA, "IDPSSODescriptor").filter(speaks_saml);
    let Some(role) = roles.next() else { return Ok(None) };
    if roles.next().is_some() {
        return Err(NotMetadata("an entity has more than one IDPSSODescriptor"));
    }
    let entity_id = entity.attribute("entityID").unwrap_or_default();
    if entity_id.is_empty() || entity_id.chars().count() > ENTITY_ID_LENGTH_MAX {
        return Err(NotMetadata("an entityID is missing, or has more than 1024 characters"));
    }
    let ends = [end, valid_until(entity)?, valid_until(role)?];
    Ok(Some(IdentityProvider {
        entity_id: entity_id.into(),
        valid_until: ends.into_iter().flatten().min(),
        signing_certificates: signing_certificates(role)?,
        sign_on_services: sign_on_services(role)?,
        wants_signed_requests: matches!(
            role.attribute("WantAuthnRequestsSigned"),
            Some("true" | "1")
        ),
    }))
}

/// A key without a use is for everything. SAML metadata, section 2.4.1.1.
fn signing_certificates(role: Node<'_, '_>) -> Result<Vec<Vec<u8>>, NotMetadata> {
    let keys = children(role, METADATA, "KeyDescriptor")
        .filter(|key| matches!(key.attribute("use"), None | Some("signing")));
    let elements = keys
        .flat_map(|key| children(key, SIGNATURES, "KeyInfo"))
        .flat_map(|info| children(info, SIGNATURES, "X509Data"))
        .flat_map(|data| children(data, SIGNATURES, "X509Certificate"));
    let mut certificates = Vec::new();
    for element in elements {
        let text = whole_text(element);
        let body: String = text.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body).ok();
        let der = der.filter(|der| certificate::verifies_assertions(der)).ok_or(NotMetadata(
            "a signing certificate is no X.509 certificate of an RSA key of 1024 to 8192 bits",
        ))?;
        certificates.push(der);
    }
    if certificates.is_empty() {
        return Err(NotMetadata("an identity provider has no signing certificate"));
    }
    Ok(certificates)
}

/// The services that a browser can be sent to; there may be others.
fn sign_on_services(role: Node<'_, '_>) -> Result<Vec<SignOnService>, NotMetadata> {
    let mut elements = children(role, METADATA, "SingleSignOnService").peekable();
    if elements.peek().is_none() {
        return Err(NotMetadata("an identity provider has no SingleSignOnService"));
    }
    let mut services = Vec::new();
    for element in elements {
        let binding = match element.attribute("Binding") {
            Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect") => Binding::Redirect,
            Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST") => Binding::Post,
            Some(_) => continue,
            None => return Err(NotMetadata("a SingleSignOnService has no Binding")),
        };
        let location = element.attribute("Location").filter(|location| is_address(location));
        let location = location
            .ok_or(NotMetadata("the Location of a SingleSignOnService is no web address"))?;
        services.push(SignOnService { binding, location: location.into() });
    }
    Ok(services)
}

/// Whether a browser may be sent there: never to an address of another scheme, which could be a
/// script.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.len() <= LOCATION_LENGTH_MAX
        && rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte))
        })
}

fn valid_until(element: Node<'_, '_>) -> Result<Option<Timestamp>, NotMetadata> {
    let Some(text) = element.attribute("validUntil") else { return Ok(None) };
    // Seconds since 1970 are a time elsewhere, not here.
    let time = text.trim().parse().ok().filter(|_| text.contains('T'));
    time.map(Some).ok_or(NotMetadata("a validUntil is no time"))
}

fn children<'a, 'input>(
    of: Node<'a, 'input>,
    namespace: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    of.children().filter(move |child| child.has_tag_name((namespace, name)))
}

/// All of the text of an element: a comment in it does not end it.
fn whole_text(element: Node<'_, '_>) -> String {
    element.children().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

/// Refuses what would cost more than its size; what is not counted here is linear.
///
/// Attribute values hold no `<`, so that all attributes of a tag stand before the next one.
fn check_markup(text: &str) -> Result<(), NotMetadata> {
    const TOO_LARGE: NotMetadata = NotMetadata("it is too large");
    if text.len() > BYTES_MAX || text.matches('=').count() > EQUALS_MAX {
        return Err(TOO_LARGE);
    }
    if text.starts_with('\u{feff}') {
        return Err(NotMetadata("it begins with a byte order mark"));
    }
    let (mut tags, mut attributes, mut namespaces) = (0, 0, 0);
    for tag in text.split('<') {
        let own = attribute_count(tag);
        let declared = tag.matches("xmlns").count();
        tags += 1;
        attributes += own;
        namespaces += declared;
        if own > TAG_ATTRIBUTES_MAX || declared > 0 && tag.len() > DECLARING_TAG_BYTES_MAX {
            return Err(NotMetadata("one of its tags is too long"));
        }
    }
    let is_fine = tags <= TAGS_MAX && attributes <= ATTRIBUTES_MAX;
    if is_fine && namespaces <= NAMESPACES_MAX { Ok(()) } else { Err(TOO_LARGE) }
}

/// How many values a tag can have at most: equals signs before quotes.
fn attribute_count(tag: &str) -> usize {
    let values = tag.split('=').skip(1).map(str::trim_ascii_start);
    values.filter(|value| value.starts_with(['"', '\''])).count()
}

fn not_xml(error: Error) -> NotMetadata {
    match error {
        Error::DtdDetected => NotMetadata("it has a DOCTYPE"),
        Error::NodesLimitReached
        | Error::AttributesLimitReached
        | Error::NamespacesLimitReached => NotMetadata("it is too large"),
        _ => NotMetadata("it is not well-formed XML"),
    }
}

#[cfg(test)]
#[path = "saml_metadata_tests.rs"]
pub(crate) mod tests;
