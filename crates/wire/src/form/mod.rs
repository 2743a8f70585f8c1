//! Forms that upload a file: S3's "POST Object".
//!
//! A form is read in two parts. What stands before the file is small and held ([`FormReader`]); the
//! file goes on as it comes ([`FileReader`]). Strict: line ends are CRLF, a form begins with its
//! boundary, and nothing that another reader could take for a boundary stands in a value.
//! Source: S3 API Reference, "POST Object" and "POST Policy"; RFC 7578; RFC 2046 section 5.1.

mod boundary;
mod fields;
mod file;
mod parameters;
mod part;
mod policy;

pub use boundary::Boundary;
pub use fields::{FormReader, Opened};
pub use file::FileReader;
pub use policy::PostPolicy;

use crate::route::S3Error;

/// Most bytes of a form without the contents of its file. S3 API Reference, "POST Object": "The form
/// data and boundaries (excluding the contents of the file) cannot exceed 20 KB".
pub const FIELDS_LENGTH_MAX: usize = 20 * 1024;
/// Most fields of a form.
// CHOICE: as many as a request has headers, whose place they take.
pub const FIELDS_MAX: usize = 100;
/// The field with the file.
const FILE: &str = "file";
/// What stands for the name of the file.
const FILE_NAME: &str = "${filename}";
/// Fields in which nothing stands for the name of the file: what is signed, and the signature.
const AS_THEY_ARE: [&str; 6] = [
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
];

/// The fields before the file, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Names in lower case.
    fields: Vec<(String, String)>,
}

impl Form {
    /// The value of a field; names are the same in whatever letter case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let is_it = |(other, _): &&(String, String)| other.eq_ignore_ascii_case(name);
        self.fields.iter().find(is_it).map(|(_, value)| value.as_str())
    }

    /// Names, in lower case, and values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Adds a field.
    ///
    /// # Errors
    /// For a field that is there already, whose value would be the one for some and the other for
    /// others, and for one too many.
    fn add(&mut self, name: &str, value: String) -> Result<(), S3Error> {
        if self.field(name).is_some() {
            let message = format!("The form field {name} is there twice.");
            return Err(S3Error::new("InvalidArgument", message));
        }
        if self.fields.len() == FIELDS_MAX {
            return Err(too_long());
        }
        self.fields.push((name.to_ascii_lowercase(), value));
        Ok(())
    }

    /// Puts the name of the file where `${filename}` stands.
    ///
    /// # Errors
    /// When the form becomes longer than forms may be.
    fn expand(&mut self, file_name: &str) -> Result<(), S3Error> {
        let mut length = 0_usize;
        for (name, value) in &mut self.fields {
            if !AS_THEY_ARE.contains(&name.as_str()) {
                let longer = value.matches(FILE_NAME).count().saturating_mul(file_name.len());
                if length.saturating_add(longer) > FIELDS_LENGTH_MAX {
                    return Err(too_long());
                }
                *value = value.replace(FILE_NAME, file_name);
            }
            length = length.saturating_add(name.len() + value.len());
        }
        if length > FIELDS_LENGTH_MAX { Err(too_long()) } else { Ok(()) }
    }
}

/// The answer to a body that is no form.
pub fn malformed() -> S3Error {
    let message = "The body of your POST request is not well-formed multipart/form-data.";
    S3Error::new("MalformedPOSTRequest", message)
}

/// The answer to a form with too much in it beside the file.
fn too_long() -> S3Error {
    let message = "Your POST request fields preceding the upload file were too large.";
    S3Error::new("MaxPostPreDataLengthExceededError", message)
}

/// The answer to a form without a file, or with more than one.
fn not_one_file() -> S3Error {
    let message = "POST requires exactly one file upload per request.";
    S3Error::new("IncorrectNumberOfFilesInPostRequest", message)
}

#[cfg(test)]
mod tests;
