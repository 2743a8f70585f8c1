//! The head of a part: the name of its field, and of its file.

use super::{malformed, parameters};
use crate::route::S3Error;

/// Encodings that leave a part as it is.
const PLAIN_ENCODINGS: [&str; 3] = ["7bit", "8bit", "binary"];

/// What the head of a part says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartHead {
    /// The name of the field, as it was written.
    pub(super) name: String,
    /// The name of the file without folders; empty if there is none.
    pub(super) file_name: String,
}

impl PartHead {
    /// Reads the lines before a part, without the empty one.
    ///
    /// # Errors
    /// `MalformedPOSTRequest`.
    pub(super) fn parse(head: &[u8]) -> Result<PartHead, S3Error> {
        let head = std::str::from_utf8(head).map_err(|_| malformed())?;
        let mut disposition = None;
        for line in head.split("\r\n") {
            // A line that goes on on the next begins with a blank, and has no name.
            let (name, value) = line.split_once(':').ok_or_else(malformed)?;
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if name.is_empty() || !name.bytes().all(is_name) || value.contains(['\r', '\n', '\0']) {
                return Err(malformed());
            }
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-disposition") {
                if disposition.replace(value).is_some() {
                    return Err(malformed());
                }
            } else if name.eq_ignore_ascii_case("content-transfer-encoding")
                && !PLAIN_ENCODINGS.iter().any(|plain| value.eq_ignore_ascii_case(plain))
            {
                return Err(malformed());
            }
        }
        PartHead::of_disposition(disposition.ok_or_else(malformed)?)
    }

    fn of_disposition(value: &str) -> Result<PartHead, S3Error> {
        let (kind, rest) = value.split_once(';').ok_or_else(malformed)?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(malformed());
        }
        let mut parameters = parameters::parse(rest)?;
        let mut taken = |wanted: &str| {
            let place = parameters.iter().position(|(name, _)| name == wanted)?;
            Some(parameters.swap_remove(place).1)
        };
        let name = taken("name").filter(|name| !name.is_empty()).ok_or_else(malformed)?;
        // Source: S3 API Reference, "POST Object": of a path, what follows the last slash or backslash.
        let path = taken("filename").unwrap_or_default();
        let file_name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        Ok(PartHead { name, file_name })
    }

    /// Whether this is the field with the file.
    pub(super) fn is_file(&self) -> bool {
        self.name.eq_ignore_ascii_case(super::FILE)
    }
}
