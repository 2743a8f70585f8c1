//! What requests of S3 say in their bodies, as far as it matters to whoever allows them.
//!
//! Strict, as the rest of this module: what another parser could read otherwise is refused.
//! Source: S3 API Reference, DeleteObjects, PutObjectTagging, CreateBucket,
//! PutPublicAccessBlock.

mod cors;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::S3Error;
pub use cors::{CorsRule, cors_rules};

/// Most objects of one DeleteObjects.
const OBJECTS_MAX: usize = 1_000;
/// Most tags of an object, and of a bucket.
const TAGS_MAX: usize = 50;
/// Deepest element: `Delete`, `Object`, `Key`, and room for what is not read.
const DEPTH_MAX: usize = 8;

/// An element: its name without a prefix, its text, and what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// An object that DeleteObjects names: its key and version.
pub type NamedVersion = (String, Option<String>);

/// The objects of DeleteObjects, and whether the answer is to leave out what was deleted.
///
/// # Errors
/// `MalformedXML`; `NotImplemented` for an object that is to go on a condition, which would be lost
/// where only some of the objects may.
pub fn objects_to_delete(body: &[u8]) -> Result<(Vec<NamedVersion>, bool), S3Error> {
    let root = read(body, "Delete")?;
    let is_quiet = root.only("Quiet")?.is_some_and(|quiet| quiet == "true");
    let objects = root.children.iter().filter(|child| child.name == "Object");
    let named = |object: &Element| {
        let key = object.only("Key")?.ok_or_else(malformed)?;
        if object.children.iter().any(|child| !matches!(&*child.name, "Key" | "VersionId")) {
            return Err(conditional());
        }
        Ok((key.to_owned(), object.only("VersionId")?.map(str::to_owned)))
    };
    if root.children.iter().any(|child| !matches!(&*child.name, "Object" | "Quiet")) {
        return Err(malformed());
    }
    let objects: Vec<NamedVersion> = objects.map(named).collect::<Result<_, S3Error>>()?;
    if objects.is_empty() || objects.len() > OBJECTS_MAX {
        return Err(malformed());
    }
    Ok((objects, is_quiet))
}

fn conditional() -> S3Error {
    let message = "Conditions on the objects of DeleteObjects are not implemented.";
    S3Error::new("NotImplemented", message)
}

/// The tags of PutObjectTagging and PutBucketTagging.
///
/// # Errors
/// `MalformedXML`, and `InvalidTag` for a key that is there twice.
pub fn tags_to_put(body: &[u8]) -> Result<Vec<(String, String)>, S3Error> {
    let root = read(body, "Tagging")?;
    let [set] = &root.children[..] else { return Err(malformed()) };
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in &set.children {
        let key = tag.only("Key")?.ok_or_else(malformed)?.to_owned();
        let value = tag.only("Value")?.ok_or_else(malformed)?.to_owned();
        if tags.iter().any(|(other, _)| *other == key) {
            let message = "Cannot provide multiple Tags with the same key";
            return Err(S3Error::new("InvalidTag", message));
        }
        tags.push((key, value));
    }
    if set.name != "TagSet" || tags.len() > TAGS_MAX {
        return Err(malformed());
    }
    Ok(tags)
}

/// Where CreateBucket wants the bucket; none where it says nothing.
///
/// # Errors
/// `MalformedXML`.
pub fn location_constraint(body: &[u8]) -> Result<Option<String>, S3Error> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let root = read(body, "CreateBucketConfiguration")?;
    Ok(root.only("LocationConstraint")?.map(str::to_owned))
}

/// The four settings of PutPublicAccessBlock: `BlockPublicAcls`, `IgnorePublicAcls`,
/// `BlockPublicPolicy`, `RestrictPublicBuckets`. What is not said is off.
///
/// # Errors
/// `MalformedXML`.
pub fn public_access_block(body: &[u8]) -> Result<[bool; 4], S3Error> {
    let root = read(body, "PublicAccessBlockConfiguration")?;
    let names =
        ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    let mut settings = [false; 4];
    for (setting, name) in settings.iter_mut().zip(names) {
        *setting = match root.only(name)? {
            None | Some("false" | "FALSE") => false,
            Some("true" | "TRUE") => true,
            Some(_) => return Err(malformed()),
        };
    }
    if root.children.iter().any(|child| !names.contains(&&*child.name)) {
        return Err(malformed());
    }
    Ok(settings)
}

/// The rule of PutBucketOwnershipControls.
///
/// # Errors
/// `MalformedXML`.
pub fn object_ownership(body: &[u8]) -> Result<String, S3Error> {
    let root = read(body, "OwnershipControls")?;
    let [rule] = &root.children[..] else { return Err(malformed()) };
    if rule.name != "Rule" {
        return Err(malformed());
    }
    rule.only("ObjectOwnership")?.map(str::to_owned).ok_or_else(malformed)
}

/// The buckets in a store's answer to ListBuckets: names, and when each was made.
///
/// # Errors
/// `MalformedXML`.
pub fn listed_buckets(body: &[u8]) -> Result<Vec<(String, Option<String>)>, S3Error> {
    let root = read(body, "ListAllMyBucketsResult")?;
    let lists = root.children.iter().filter(|child| child.name == "Buckets");
    let named = |bucket: &Element| {
        let name = bucket.only("Name")?.ok_or_else(malformed)?.to_owned();
        Ok((name, bucket.only("CreationDate")?.map(str::to_owned)))
    };
    lists.flat_map(|list| &list.children).map(named).collect()
}

/// The answer to a body that is not what it should be.
pub fn malformed_xml() -> S3Error {
    malformed()
}

impl Element {
    /// The text of the one child of this name; none without it.
    fn only(&self, name: &str) -> Result<Option<&str>, S3Error> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        match (found.next(), found.next()) {
            (found, None) => Ok(found.map(|child| child.text.as_str())),
            (_, Some(_)) => Err(malformed()),
        }
    }
}

/// Reads a document with this root.
fn read(body: &[u8], root: &str) -> Result<Element, S3Error> {
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut whole = None;
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(start) => {
                if open.len() == DEPTH_MAX || whole.is_some() {
                    return Err(malformed());
                }
                open.push(named(start.name().into_inner())?);
            }
            Event::Empty(empty) => {
                let element = named(empty.name().into_inner())?;
                close(element, &mut open, &mut whole)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(malformed)?;
                close(element, &mut open, &mut whole)?;
            }
            Event::Text(text) => {
                add_text(&text.xml10_content(), &mut open)?;
            }
            Event::GeneralRef(reference) => {
                let resolved = resolved(&reference).ok_or_else(malformed)?;
                add_text(&resolved, &mut open)?;
            }
            Event::Decl(_) => {}
            // Nothing of S3 has these, and parsers differ in what they make of them.
            Event::DocType(_) | Event::PI(_) | Event::CData(_) | Event::Comment(_) => {
                return Err(malformed());
            }
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(malformed());
    }
    whole.filter(|whole: &Element| whole.name == root).ok_or_else(malformed)
}

/// An element without a prefix: parsers differ in whether they know what a prefix stands for.
fn named(name: &str) -> Result<Element, S3Error> {
    if name.contains(':') {
        return Err(malformed());
    }
    Ok(Element { name: name.to_owned(), ..Element::default() })
}

fn close(
    element: Element,
    open: &mut [Element],
    whole: &mut Option<Element>,
) -> Result<(), S3Error> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if whole.is_some() => return Err(malformed()),
        None => *whole = Some(element),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), S3Error> {
    // XML cannot carry these, and what is written anew would name something else.
    let is_foreign = |character: char| {
        (character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}'))
            || matches!(character, '\u{fffe}' | '\u{ffff}')
    };
    if text.contains(is_foreign) {
        return Err(malformed());
    }
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(malformed()),
    }
    Ok(())
}

/// A character reference, or one of the five entities that XML has.
fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned)
}

fn malformed() -> S3Error {
    let message =
        "The XML you provided was not well-formed or did not validate against our published schema";
    S3Error::new("MalformedXML", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_one_by_one() {
        let body = br#"<?xml version="1.0"?>
            <Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <Object><Key>a &amp; b/&#x43;</Key></Object>
              <Object><Key>c</Key><VersionId>1</VersionId></Object>
              <Quiet>true</Quiet>
            </Delete>"#;
        let (objects, is_quiet) = objects_to_delete(body).unwrap();
        let expected = [("a & b/C".to_owned(), None), ("c".to_owned(), Some("1".to_owned()))];
        assert_eq!((&objects[..], is_quiet), (&expected[..], true));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for body in [
            "",
            "<Delete/>",
            "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
            "<Delete><Object/></Delete>",
            "<Deletion><Object><Key>a</Key></Object></Deletion>",
            "<Delete><Object><Key>a</Key></Object></Delete><Delete/>",
            "<Delete><Object><Key>a</Key></Object>",
            "<!DOCTYPE Delete><Delete><Object><Key>a</Key></Object></Delete>",
            "<Delete><Object><Key><![CDATA[a]]></Key></Object></Delete>",
            "<Delete><Object><Key>&x;</Key></Object></Delete>",
            "x<Delete><Object><Key>a</Key></Object></Delete>",
            "<Delete><Object><Key>a<!-- b --></Key></Object></Delete>",
            "<Delete><Object><Key>a</Key><x:Key xmlns:x='y'>b</x:Key></Object></Delete>",
            "<x:Delete><x:Object><x:Key>a</x:Key></x:Object></x:Delete>",
            "<Delete><Object><Key>&#1;</Key></Object></Delete>",
            "<Delete><Object><Key>&#xFFFE;</Key></Object></Delete>",
            "<Delete><Object><Key>a</Key></Object><Objects/></Delete>",
        ] {
            let code = objects_to_delete(body.as_bytes()).unwrap_err().code;
            assert_eq!(code, "MalformedXML", "{body}");
        }
        let conditional = "<Delete><Object><Key>a</Key><ETag>1</ETag></Object></Delete>";
        let code = objects_to_delete(conditional.as_bytes()).unwrap_err().code;
        assert_eq!(code, "NotImplemented");
        let many = "<Object><Key>a</Key></Object>".repeat(1_001);
        assert!(objects_to_delete(format!("<Delete>{many}</Delete>").as_bytes()).is_err());
        let deep = format!("{}{}", "<Delete>".repeat(50), "</Delete>".repeat(50));
        assert!(objects_to_delete(deep.as_bytes()).is_err());
    }

    #[test]
    fn tags_are_read_once_each() {
        let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value>1</Value></Tag>");
        let body = |tags: &str| format!("<Tagging><TagSet>{tags}</TagSet></Tagging>");
        let tags = tags_to_put(body(&(tag("a") + &tag("b"))).as_bytes()).unwrap();
        assert_eq!(tags, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "1".to_owned())]);
        let twice = tags_to_put(body(&(tag("a") + &tag("a"))).as_bytes()).unwrap_err();
        assert_eq!(twice.code, "InvalidTag");
    }

    #[test]
    fn settings_are_read() {
        let body = "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>";
        assert_eq!(public_access_block(body.as_bytes()).unwrap(), [false, false, true, false]);
        let body = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
        assert_eq!(location_constraint(body.as_bytes()).unwrap().as_deref(), Some("eu-west-1"));
        assert_eq!(location_constraint(b"").unwrap(), None);
        let body = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>";
        assert_eq!(object_ownership(body.as_bytes()).unwrap(), "BucketOwnerEnforced");
    }
}
