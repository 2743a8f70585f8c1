//! Amazon Resource Names, split but not judged.

/// The six fields of an ARN, borrowed from its text.
///
/// Source: IAM User Guide, "IAM ARNs": six fields, split on the first five colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn` ...
    pub partition: &'a str,
    /// The service, such as `iam`.
    pub service: &'a str,
    /// The region; empty for global resources.
    pub region: &'a str,
    /// The account that owns the resource; empty where it is implied.
    pub account: &'a str,
    /// Everything after the fifth colon.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; none if it does not begin with `arn:` or has fewer than six fields.
    pub fn parse(text: &'a str) -> Option<Arn<'a>> {
        let rest = text.strip_prefix("arn:")?;
        let mut fields = rest.splitn(5, ':');
        Some(Arn {
            partition: fields.next()?,
            service: fields.next()?,
            region: fields.next()?,
            account: fields.next()?,
            resource: fields.next()?,
        })
    }

    /// The fields in order, the leading `arn` included.
    pub(crate) fn fields(&self) -> [&'a str; 6] {
        ["arn", self.partition, self.service, self.region, self.account, self.resource]
    }

    /// The owning account, when the ARN names one.
    pub fn owner(&self) -> Option<&'a str> {
        is_account_id(self.account).then_some(self.account)
    }
}

/// Whether a text has the form of an account id: twelve digits.
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:logs:eu-west-1:111122223333:log-group:a:b").unwrap();
        assert_eq!(arn.resource, "log-group:a:b");
        assert_eq!(arn.owner(), Some("111122223333"));
        assert_eq!(arn.fields().join(":"), "arn:aws:logs:eu-west-1:111122223333:log-group:a:b");
    }

    #[test]
    fn fewer_than_six_fields_are_no_arn() {
        assert_eq!(Arn::parse("arn:aws:s3::b"), None);
        assert_eq!(Arn::parse("*"), None);
        assert_eq!(Arn::parse("ARN:aws:s3:::b"), None);
        assert!(Arn::parse("arn:aws:s3:::").is_some());
    }

    #[test]
    fn only_twelve_digits_own_a_resource() {
        assert_eq!(Arn::parse("arn:aws:iam::aws:policy/A").unwrap().owner(), None);
        assert_eq!(Arn::parse("arn:aws:s3:::b").unwrap().owner(), None);
    }
}
