//! What stands between the parts of a form.

use super::parameters;
use crate::route::S3Error;

/// Longest boundary. RFC 2046 section 5.1.1.
const LENGTH_MAX: usize = 70;

/// The boundary of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary(String);

impl Boundary {
    /// The boundary that a header `Content-Type` gives.
    ///
    /// # Errors
    /// `PreconditionFailed` for another type than `multipart/form-data`; `MalformedPOSTRequest` for
    /// a type without a boundary, or with one that cannot be.
    pub fn of_content_type(content_type: &str) -> Result<Boundary, S3Error> {
        let (kind, rest) = content_type.split_once(';').unwrap_or((content_type, ""));
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return Err(S3Error::new(
                "PreconditionFailed",
                "Bucket POST must be of the enclosure-type multipart/form-data",
            ));
        }
        let found = parameters::parse(rest)?.into_iter().find(|(name, _)| name == "boundary");
        let (_, boundary) = found.ok_or_else(super::malformed)?;
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
        let has_length = (1..=LENGTH_MAX).contains(&boundary.len());
        if !has_length || !boundary.bytes().all(is_legal) || boundary.ends_with(' ') {
            return Err(super::malformed());
        }
        Ok(Boundary(boundary))
    }

    /// What ends a part: the end of a line, two dashes, and the boundary.
    pub(super) fn delimiter(&self) -> Vec<u8> {
        format!("\r\n--{}", self.0).into_bytes()
    }
}
