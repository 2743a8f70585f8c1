//! The rules of PutBucketCors.
//!
//! Source: S3 API Reference, PutBucketCors and CORSRule.

use super::super::S3Error;
use super::{Element, malformed, read};

/// A rule that lets scripts of other origins use a bucket, as it was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// What its owner calls it.
    pub id: Option<String>,
    /// Headers that a script may send, with `*` for any characters.
    pub allowed_headers: Vec<String>,
    /// Methods that a script may use.
    pub allowed_methods: Vec<String>,
    /// Where a script may come from, with `*` for any characters.
    pub allowed_origins: Vec<String>,
    /// Headers of answers that a script may read.
    pub expose_headers: Vec<String>,
    /// How long a browser may remember the answer to its preflight, in seconds.
    pub max_age_seconds: Option<i32>,
}

/// The rules of a CORS configuration, in their order. What they may say is not looked at.
///
/// # Errors
/// `MalformedXML`, also for a configuration without rules.
pub fn cors_rules(body: &[u8]) -> Result<Vec<CorsRule>, S3Error> {
    let root = read(body, "CORSConfiguration")?;
    if root.children.is_empty() {
        return Err(malformed());
    }
    root.children.iter().map(rule).collect()
}

fn rule(element: &Element) -> Result<CorsRule, S3Error> {
    if element.name != "CORSRule" {
        return Err(malformed());
    }
    let mut rule = CorsRule::default();
    for child in &element.children {
        if !child.children.is_empty() {
            return Err(malformed());
        }
        let text = child.text.clone();
        match &*child.name {
            "AllowedHeader" => rule.allowed_headers.push(text),
            "AllowedMethod" => rule.allowed_methods.push(text),
            "AllowedOrigin" => rule.allowed_origins.push(text),
            "ExposeHeader" => rule.expose_headers.push(text),
            "ID" | "MaxAgeSeconds" => {}
            _ => return Err(malformed()),
        }
    }
    rule.id = element.only("ID")?.map(str::to_owned);
    let seconds = element.only("MaxAgeSeconds")?.map(|text| text.trim().parse());
    rule.max_age_seconds = seconds.transpose().map_err(|_| malformed())?;
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_in_their_order() {
        let body = br#"<?xml version="1.0"?>
            <CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
              <CORSRule>
                <ID>one</ID>
                <AllowedHeader>x-*</AllowedHeader><AllowedHeader>a</AllowedHeader>
                <AllowedMethod>PUT</AllowedMethod>
                <AllowedOrigin>https://*.example.com</AllowedOrigin>
                <ExposeHeader>ETag</ExposeHeader>
                <MaxAgeSeconds>60</MaxAgeSeconds>
              </CORSRule>
              <CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>
            </CORSConfiguration>"#;
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let one = CorsRule {
            id: Some("one".to_owned()),
            allowed_headers: owned(&["x-*", "a"]),
            allowed_methods: owned(&["PUT"]),
            allowed_origins: owned(&["https://*.example.com"]),
            expose_headers: owned(&["ETag"]),
            max_age_seconds: Some(60),
        };
        let two = CorsRule {
            allowed_methods: owned(&["GET"]),
            allowed_origins: owned(&["*"]),
            ..CorsRule::default()
        };
        assert_eq!(cors_rules(body).unwrap(), [one, two]);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for rules in [
            "",
            "<Rule/>",
            "<CORSRule><AllowedVerb>GET</AllowedVerb></CORSRule>",
            "<CORSRule><ID>a</ID><ID>b</ID></CORSRule>",
            "<CORSRule><AllowedOrigin><b>*</b></AllowedOrigin></CORSRule>",
            "<CORSRule><MaxAgeSeconds>1.5</MaxAgeSeconds></CORSRule>",
            "<CORSRule><MaxAgeSeconds>2147483648</MaxAgeSeconds></CORSRule>",
        ] {
            let body = format!("<CORSConfiguration>{rules}</CORSConfiguration>");
            assert_eq!(cors_rules(body.as_bytes()).unwrap_err().code, "MalformedXML", "{rules}");
        }
    }
}
