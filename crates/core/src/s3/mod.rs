//! S3 behind a gateway: what a request needs to be allowed.
//!
//! Pure: a request that [`iamd_wire::route`] has recognised becomes the actions, resources and
//! condition keys that S3 itself would ask policies about. An operation that is not in the tables
//! needs an action that nothing can allow.

mod action;
pub mod bucket;
mod bucket_policy;
mod copy_source;
pub mod cors;
mod judge;
mod keys;
mod object_headers;

use iamd_wire::route::{self, S3Error, S3Request};

pub use bucket_policy::LENGTH_MAX as BUCKET_POLICY_LENGTH_MAX;
pub use copy_source::CopySource;
pub use judge::{Asker, Denial, Judge, Ruling, Stranger, Verdict};

use crate::operation::Target;

/// The actions that an operation needs by its name alone, such as `HeadObject`, for whoever reads it
/// in a record; none if it has no other name than its action, or is not known.
///
/// Source: S3 User Guide, "Required permissions for Amazon S3 API operations".
pub fn actions_of(operation: &str, has_version: bool) -> Option<&'static [&'static str]> {
    action::by_name(operation, has_version)
}

/// What a copy reads: the action and the ARN of the object that the header `x-amz-copy-source`
/// names; none if it names none.
pub fn copied(copy_source: &str) -> Option<(&'static str, String)> {
    let source = copy_source::CopySource::parse(copy_source).ok()?;
    let action = match source.version_id {
        Some(_) => "s3:GetObjectVersion",
        None => "s3:GetObject",
    };
    Some((action, object_arn(&source.bucket, &source.key)))
}

/// A header of a request, its name in lower case.
pub type Header<'a> = (&'a str, &'a [u8]);

/// An object that a request names in its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedObject {
    /// Its key.
    pub key: String,
    /// The version, if one is named.
    pub version_id: Option<String>,
}

/// What a request says in its body, as far as policies may ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyFacts {
    /// Objects of DeleteObjects.
    pub objects: Vec<NamedObject>,
    /// Tags that an object is to have.
    pub tags: Vec<(String, String)>,
    /// Where a bucket is to be.
    pub location: Option<String>,
}

/// How a request was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureFacts {
    /// `REST-HEADER`, `REST-QUERY-STRING` or `POST`. Condition key `s3:authType`.
    pub form: &'static str,
    /// Milliseconds since it was made, of presigned requests and of forms. Condition key
    /// `s3:signatureAge`.
    pub age_milliseconds: Option<i64>,
}

/// A request with all that its decision can depend on.
#[derive(Debug, Clone, Copy)]
pub struct S3Call<'a> {
    /// What it is.
    pub request: &'a S3Request,
    /// Its headers.
    pub headers: &'a [Header<'a>],
    /// Its body.
    pub body: &'a BodyFacts,
    /// Its signature; none for anonymous requests.
    pub signature: Option<SignatureFacts>,
}

/// Something that must be allowed.
#[derive(Debug, Clone)]
pub struct S3Target {
    /// The bucket whose owner and policy count; none where the whole service is meant, or a bucket
    /// that is still to be made.
    pub bucket: Option<String>,
    /// Action, resource and condition keys.
    pub target: Target,
}

impl S3Call<'_> {
    /// Everything that must be allowed, at least one target.
    ///
    /// # Errors
    /// [`S3Error`] for a request that contradicts itself, such as a copy without a source.
    pub fn targets(&self) -> Result<Vec<S3Target>, S3Error> {
        let mut targets = action::targets(self)?;
        let tags = match self.header("x-amz-tagging")? {
            Some(header) => route::tags(header)?,
            None => self.body.tags.clone(),
        };
        for target in &mut targets {
            keys::add(self, &tags, target);
        }
        Ok(targets)
    }

    /// The text of a header; none if it is absent.
    ///
    /// # Errors
    /// [`S3Error`] if it is no text, or stands twice.
    fn header(&self, name: &str) -> Result<Option<&str>, S3Error> {
        let mut values = self.headers.iter().filter(|(header, _)| *header == name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some((_, value)), None) => match std::str::from_utf8(value) {
                Ok(text) => Ok(Some(text.trim())),
                Err(_) => Err(invalid(format!("The header {name} is no text."))),
            },
            (Some(_), Some(_)) => Err(invalid(format!("The header {name} is there twice."))),
        }
    }

    /// The text of a header that is a fact at most: what is no text is left out.
    fn fact(&self, name: &str) -> Option<&str> {
        self.header(name).ok().flatten()
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.request.parameters.get(name)
    }
}

fn invalid(message: String) -> S3Error {
    S3Error::new("InvalidArgument", message)
}

fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

#[cfg(test)]
mod judge_tests;
#[cfg(test)]
mod tests;
