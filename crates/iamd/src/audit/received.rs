//! Records that another process has made: those of a gateway that follows this node.

use iamd_core::account_id::AccountId;

use super::Recorded;
use super::summary::Facts;

/// Longest record, in bytes. The longest that a gateway makes, of a hundred decisions, has half of
/// it.
const LENGTH_MAX: usize = 512 * 1024;
/// The sources whose records others make. Nobody else tells what happened in IAM.
const SOURCES: [&str; 1] = ["s3.amazonaws.com"];

/// A record that may stand in the trail.
#[derive(Debug, Clone)]
pub struct Received {
    pub(super) record: Recorded,
    account: AccountId,
}

impl Received {
    /// A record in the form of a line; none for a text that is not one record of a guarded service.
    pub fn of(text: String) -> Option<Received> {
        let is_line = text.len() <= LENGTH_MAX && !text.bytes().any(|byte| byte.is_ascii_control());
        let is_object = text.starts_with('{') && text.ends_with('}');
        if !is_line || !is_object {
            return None;
        }
        let facts = Facts::of_record(text.as_bytes())?;
        let account: AccountId = facts.account.parse().ok()?;
        if !SOURCES.contains(&&*facts.event_source) {
            return None;
        }
        let marks = facts.marks();
        Some(Received { record: Recorded { text, marks }, account })
    }

    /// Whose it is.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAX","userName":"ana","accessKeyId":"AKIAX"},"eventTime":"2026-01-31T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"bucketName":"photos"},"eventID":"1","readOnly":true,"recipientAccountId":"111122223333"}"#;

    #[test]
    fn only_a_record_of_a_guarded_service_is_taken() {
        let record = Received::of(RECORD.to_owned()).unwrap();
        assert_eq!(record.account().to_string(), "111122223333");
        for (from, to) in [
            ("s3.amazonaws.com", "iam.amazonaws.com"),
            ("\"eventID\"", "\"trail\":{},\"eventID\""),
            ("\"eventID\"", "\"tr\\u0061il\":{},\"eventID\""),
            ("ana", "an\na"),
            ("111122223333", "11112222333"),
            ("\"eventTime\"", "\"when\""),
            ("333\"}", "333\"} {}"),
            ("{\"eventVersion\"", " {\"eventVersion\""),
        ] {
            let text = RECORD.replace(from, to);
            assert_ne!(text, RECORD, "{from}");
            assert!(Received::of(text).is_none(), "{to}");
        }
        let long = RECORD.replace("ana", &"a".repeat(LENGTH_MAX));
        assert!(Received::of(long).is_none());
    }
}
