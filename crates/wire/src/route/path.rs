//! Buckets and keys in paths and hosts.

use super::S3Error;

/// Longest key, in bytes. S3 User Guide, "Naming Amazon S3 objects".
const KEY_LENGTH_MAX: usize = 1024;

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
}

/// Bucket and key of a path, or of a path and a host.
///
/// # Errors
/// For paths that a store could read in another way: `.` and `..`, empty parts, NUL, bytes that are
/// no text.
pub(super) fn target(path: &str, host_bucket: Option<&str>) -> Result<Target, S3Error> {
    let rest = path.strip_prefix('/').ok_or_else(|| malformed("does not begin with /"))?;
    let (bucket, key) = match host_bucket {
        Some(bucket) => (bucket.to_owned(), rest),
        None => {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            (decoded(bucket)?, key)
        }
    };
    if bucket.is_empty() {
        return match key {
            "" if path == "/" => Ok(Target { bucket: None, key: None }),
            _ => Err(malformed("names a key and no bucket")),
        };
    }
    if !is_bucket_name(&bucket) {
        let message = "The specified bucket is not valid.";
        return Err(S3Error::new("InvalidBucketName", message));
    }
    let key = (!key.is_empty()).then(|| checked_key(key)).transpose()?;
    Ok(Target { bucket: Some(bucket), key })
}

fn checked_key(encoded: &str) -> Result<String, S3Error> {
    let key = decoded(encoded)?;
    plain_key(&key)?;
    Ok(key)
}

pub(super) fn plain_key(key: &str) -> Result<(), S3Error> {
    if key.len() > KEY_LENGTH_MAX {
        return Err(S3Error::new("KeyTooLongError", "Your key is too long"));
    }
    if key.contains('\0') {
        return Err(malformed("contains NUL"));
    }
    // A key may end with a slash; inside, stores with folders would read another key.
    let inner = key.strip_suffix('/').unwrap_or(key);
    if inner.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(malformed("has an empty part, `.` or `..`"));
    }
    Ok(())
}

/// Undoes percent-encoding.
///
/// # Errors
/// For a `%` without two hexadecimal digits, and for what is no UTF-8.
pub(super) fn decoded(text: &str) -> Result<String, S3Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => break,
            [b'%', high, low, more @ ..] => {
                let digits = (hexadecimal(*high), hexadecimal(*low));
                let (Some(high), Some(low)) = digits else {
                    return Err(malformed("has a % without two hexadecimal digits"));
                };
                bytes.push(high * 16 + low);
                rest = more;
            }
            [b'%', ..] => return Err(malformed("has a % without two hexadecimal digits")),
            [byte, more @ ..] => {
                bytes.push(*byte);
                rest = more;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("is no UTF-8"))
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Source: S3 User Guide, "General purpose bucket naming rules".
fn is_bucket_name(name: &str) -> bool {
    let is_end = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

pub(super) fn malformed(what: &str) -> S3Error {
    S3Error::new("InvalidURI", format!("Couldn't parse the specified URI: it {what}."))
}
