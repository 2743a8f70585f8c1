//! Policy documents in requests and answers.

use iamd_policy::{Grammar, Malformed};
use iamd_wire::ErrorCode;
use iamd_wire::query::percent_encoded;

use crate::refusal::Refusal;
use crate::state::PolicyDocument;

/// A document that AWS would store as this kind of policy.
///
/// # Errors
/// `MalformedPolicyDocument` with the first complaint in AWS's order.
pub(crate) fn checked(text: &str, grammar: Grammar) -> Result<PolicyDocument, Refusal> {
    iamd_policy::validate(text, grammar).map(PolicyDocument::from).map_err(malformed)
}

/// The refusal of a document.
pub(crate) fn malformed(error: Malformed) -> Refusal {
    Refusal::new(ErrorCode::MalformedPolicyDocument, error.message)
}

/// The document as answers carry it: RFC 3986 percent-encoded.
///
/// Source: IAM API Reference, GetUserPolicy, "URL-encoded compliant with RFC 3986".
pub(crate) fn encoded(text: &str) -> String {
    percent_encoded(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        assert_eq!(encoded("{\"a\": [\"é*~\"]}"), "%7B%22a%22%3A%20%5B%22%C3%A9%2A~%22%5D%7D");
    }
}
