//! The fields of a form as the headers of the PutObject that they stand for.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use iamd_wire::form::Form;
use iamd_wire::query::percent_encoded;
use iamd_wire::route::{self, S3Error};

/// Fields that are headers of the same name.
///
/// Source: S3 API Reference, "POST Object", "Form fields", and PutObject.
const SAME: [&str; 33] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-md5",
    "content-type",
    "expires",
    "x-amz-acl",
    "x-amz-checksum-algorithm",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
];
/// Fields of the signature.
const OF_SIGNATURE: [&str; 5] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];
/// What names of metadata begin with.
const METADATA: &str = "x-amz-meta-";

/// The headers that a form stands for. What is no field of S3 is left out.
///
/// # Errors
/// `NotImplemented` for fields in the manner of S3 that PutObject does not have, `InvalidArgument`
/// for values that no header can have or that are given in two ways, and S3's answer to tags that are
/// none.
pub(super) fn headers(form: &Form) -> Result<HeaderMap, S3Error> {
    let mut headers = HeaderMap::new();
    for (field, value) in form.fields() {
        let Some((name, value)) = header(field, value)? else { continue };
        if headers.insert(name, value).is_some() {
            let message = format!("The form says what the field {field} says in another one, too.");
            return Err(S3Error::new("InvalidArgument", message));
        }
    }
    Ok(headers)
}

/// The header of a field; none of a field that is none.
fn header(field: &str, value: &str) -> Result<Option<(HeaderName, HeaderValue)>, S3Error> {
    let tags;
    let (name, value) = match field {
        "acl" => ("x-amz-acl", value),
        "tagging" => {
            tags = tags_of(value)?;
            ("x-amz-tagging", &*tags)
        }
        _ if field.starts_with(METADATA) || SAME.contains(&field) => (field, value),
        _ if field.starts_with("x-amz-") && !OF_SIGNATURE.contains(&field) => {
            let message = "A header you provided implies functionality that is not implemented.";
            return Err(S3Error::new("NotImplemented", message));
        }
        _ => return Ok(None),
    };
    // Forms send their empty inputs, too.
    if value.is_empty() && !name.starts_with(METADATA) {
        return Ok(None);
    }
    let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
    // What is beyond ASCII would go to the store without its signature.
    let (true, (Ok(name), Ok(value))) = (value.is_ascii(), pair) else {
        let message = format!("The form field {field} can only hold printable ASCII characters.");
        return Err(S3Error::new("InvalidArgument", message));
    };
    Ok(Some((name, value)))
}

/// Tags in XML, as the header has them.
fn tags_of(xml: &str) -> Result<String, S3Error> {
    let tags = match xml {
        "" => Vec::new(),
        xml => route::tags_to_put(xml.as_bytes())?,
    };
    let pair = |(key, value): &(String, String)| {
        format!("{}={}", percent_encoded(key), percent_encoded(value))
    };
    Ok(tags.iter().map(pair).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use iamd_wire::form::{Boundary, FormReader};

    use super::*;

    fn of(fields: &[(&str, &str)]) -> Result<Vec<(String, String)>, &'static str> {
        let boundary = Boundary::of_content_type("multipart/form-data; boundary=b").unwrap();
        let mut body = String::new();
        for (name, value) in fields.iter().chain(&[("file", "")]) {
            body.push_str("--b\r\nContent-Disposition: form-data; name=\"");
            body.extend([*name, "\"\r\n\r\n", *value, "\r\n"]);
        }
        let opened = FormReader::new(&boundary).push(body.as_bytes()).unwrap().unwrap();
        let headers = headers(&opened.form).map_err(|error| error.code)?;
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        Ok(headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect())
    }

    #[test]
    fn fields_of_s3_are_headers_and_others_are_not() {
        let tags =
            "<Tagging><TagSet><Tag><Key>a b</Key><Value>c&amp;d</Value></Tag></TagSet></Tagging>";
        for (field, value, header) in [
            ("Content-Type", "text/plain", Some(("content-type", "text/plain"))),
            ("acl", "private", Some(("x-amz-acl", "private"))),
            ("tagging", tags, Some(("x-amz-tagging", "a%20b=c%26d"))),
            ("x-amz-meta-Name", "", Some(("x-amz-meta-name", ""))),
            ("x-amz-storage-class", "STANDARD_IA", Some(("x-amz-storage-class", "STANDARD_IA"))),
            ("acl", "", None),
            ("tagging", "", None),
            ("key", "a", None),
            ("policy", "a", None),
            ("x-amz-signature", "a", None),
            ("x-ignore-x-amz-acl", "public-read", None),
            ("authorization", "a", None),
            ("host", "a", None),
            ("content-length", "1", None),
            ("transfer-encoding", "chunked", None),
        ] {
            let header = header.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(of(&[(field, value)]), Ok(header.into_iter().collect()), "{field}");
        }
    }

    #[test]
    fn what_is_more_than_a_put_object_is_refused() {
        for (fields, code) in [
            (&[("x-amz-copy-source", "other/secret")][..], "NotImplemented"),
            (&[("x-amz-copy_source", "other/secret")], "NotImplemented"),
            (&[("x-amz-content-sha256", "a")], "NotImplemented"),
            (&[("x-amz-expected-bucket-owner", "111122223333")], "NotImplemented"),
            (&[("x-amz-decoded-content-length", "1")], "NotImplemented"),
            (&[("x-amz-bypass-governance-retention", "true")], "NotImplemented"),
            (&[("x-amz-meta-a", "\u{e4}")], "InvalidArgument"),
            (&[("x-amz-meta-a", "b\nx-amz-acl: public-read")], "InvalidArgument"),
            (&[("x-amz-meta-a b", "c")], "InvalidArgument"),
            (&[("x-amz-meta-a: b", "c")], "InvalidArgument"),
            (&[("acl", "private"), ("x-amz-acl", "public-read")], "InvalidArgument"),
            (&[("tagging", "a=b")], "MalformedXML"),
        ] {
            assert_eq!(of(fields), Err(code), "{fields:?}");
        }
    }
}
